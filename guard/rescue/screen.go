package rescue

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
	"mvdan.cc/sh/v3/interp"
)

// key is one that was pressed: a character, or one of the names below.
type key rune

const (
	keyUp key = utf8.MaxRune + 1 + iota
	keyDown
	keyLeft
	keyRight
	keyHome
	keyEnd
	keyPageUp
	keyPageDown
	keyDelete
	keyNone // one that has no meaning here
)

// ctrl is the key of a letter with the control key.
func ctrl(letter byte) key { return key(letter & 0x1f) }

// sequences are what terminals send for keys that are no characters, behind
// the escape.
var sequences = sync.OnceValue(func() map[string]key {
	return map[string]key{
		"[A": keyUp, "[B": keyDown, "[C": keyRight, "[D": keyLeft, "OA": keyUp, "OB": keyDown, "OC": keyRight, "OD": keyLeft,
		"[H": keyHome, "[F": keyEnd, "OH": keyHome, "OF": keyEnd, "[1~": keyHome, "[7~": keyHome, "[4~": keyEnd, "[8~": keyEnd,
		"[5~": keyPageUp, "[6~": keyPageDown, "[3~": keyDelete,
	}
})

// screen is a terminal whose keys are read one by one.
type screen struct {
	tty  *os.File
	in   *bufio.Reader
	out  *os.File
	done func()
}

// openScreen takes the terminal that the shell reads.
func (c *call) openScreen() (*screen, error) {
	tty := c.shell.cfg.In
	out, ok := c.raw.(*os.File)
	if !ok || tty == nil || !term.IsTerminal(int(tty.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil, errors.New("there is no terminal here")
	}
	old, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return nil, err
	}
	return &screen{
		tty: tty, in: bufio.NewReader(interruptible(c.ctx, tty)), out: out,
		done: func() { _ = term.Restore(int(tty.Fd()), old) },
	}, nil
}

func (s *screen) size() (width, height int) {
	width, height, err := term.GetSize(int(s.tty.Fd()))
	if err != nil || width < 20 || height < 4 {
		return 80, 24
	}
	return width, height
}

// key reads one key.
func (s *screen) key() (key, error) {
	r, _, err := s.in.ReadRune()
	if err != nil || r != '\x1b' {
		return key(r), err
	}
	seq := ""
	for len(seq) < 8 {
		if s.in.Buffered() == 0 && !s.more() {
			break // the escape key alone
		}
		b, err := s.in.ReadByte()
		if err != nil {
			return 0, err
		}
		seq += string(b)
		if k, ok := sequences()[seq]; ok {
			return k, nil
		}
		if len(seq) > 1 && (b >= '@' && b <= '~') {
			break
		}
	}
	return keyNone, nil
}

// escapeWait is how long, in milliseconds, the rest of a key may take behind
// its escape, over a slow line.
const escapeWait = 50

func (s *screen) more() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.tty.Fd()), Events: unix.POLLIN}}, escapeWait)
	return err == nil && n > 0
}

// cells are a line as it is shown: tabs are spaces, and what is no character
// is a sign. at is the column of the byte pos in it.
func cells(line []byte, pos int) (shown []rune, at int) {
	for i := 0; i < len(line); {
		if i == pos {
			at = len(shown)
		}
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r == '\t':
			shown = append(shown, ' ')
			for len(shown)%8 != 0 {
				shown = append(shown, ' ')
			}
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			shown = append(shown, '?')
		default:
			shown = append(shown, r)
		}
		i += n
	}
	if pos >= len(line) {
		at = len(shown)
	}
	return shown, at
}

// page is more and less: a screen after the other.
func page(c *call) {
	f := c.options()
	for _, name := range []string{"N", "R", "S", "F", "X", "i", "e"} {
		f.BoolP("ignored-"+name, name, false, "as in less; changes nothing here")
	}
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if len(args) == 0 {
		if file, is := stdinOf(interp.HandlerCtx(c.ctx)).(*os.File); is && term.IsTerminal(int(file.Fd())) {
			c.misuse()
			return
		}
	}
	s, err := c.openScreen()
	if err != nil {
		c.eachInput(args, func(_ string, r io.Reader) error { _, err := io.Copy(c.out, r); return err })
		return
	}
	var lines [][]byte
	s.done()
	c.eachInput(args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line []byte) error { lines = append(lines, bytes.Clone(line)); return nil })
	})
	if s, err = c.openScreen(); err != nil {
		c.fail(err)
		return
	}
	defer s.done()
	p := pager{screen: s, lines: lines}
	p.run()
}

type pager struct {
	*screen
	lines [][]byte
	top   int
	find  string
}

func (p *pager) run() {
	for {
		width, height := p.size()
		rows := height - 1
		p.top = max(0, min(p.top, len(p.lines)-rows))
		var b strings.Builder
		b.WriteString("\x1b[2J\x1b[H")
		for i := p.top; i < min(p.top+rows, len(p.lines)); i++ {
			row, _ := cells(p.lines[i], 0)
			b.WriteString(string(row[:min(len(row), width)]) + "\r\n")
		}
		fmt.Fprintf(&b, "\x1b[%d;1H\x1b[7m%d of %d\x1b[m  space on, b back, / find, q leave ", height, min(p.top+rows, len(p.lines)), len(p.lines))
		io.WriteString(p.out, b.String())
		if len(p.lines) <= rows {
			// All of it is there: nothing to wait for.
			fmt.Fprintf(p.out, "\r\x1b[K")
			return
		}
		k, err := p.key()
		if err != nil {
			return
		}
		switch k {
		case 'q', 'Q', ctrl('c'), ctrl('d'):
			io.WriteString(p.out, "\r\x1b[K")
			return
		case ' ', 'f', keyPageDown, ctrl('f'):
			p.top += rows
		case 'b', keyPageUp, ctrl('b'):
			p.top -= rows
		case '\r', 'j', keyDown, 'e':
			p.top++
		case 'k', keyUp, 'y':
			p.top--
		case 'g', '<', keyHome:
			p.top = 0
		case 'G', '>', keyEnd:
			p.top = len(p.lines)
		case '/':
			if text, ok := p.ask("/", ""); ok {
				p.find = text
				p.next()
			}
		case 'n':
			p.next()
		}
	}
}

func (p *pager) next() {
	for i := p.top + 1; i < len(p.lines) && p.find != ""; i++ {
		if bytes.Contains(p.lines[i], []byte(p.find)) {
			p.top = i
			return
		}
	}
}

// ask reads a line at the bottom of the screen; ok is false where it was given
// up.
func (s *screen) ask(what, text string) (string, bool) {
	for {
		_, height := s.size()
		fmt.Fprintf(s.out, "\x1b[%d;1H\x1b[K%s%s", height, what, printable(text))
		k, err := s.key()
		switch {
		case err != nil || k == ctrl('c') || k == '\x1b' || k == keyNone:
			return "", false
		case k == '\r' || k == '\n':
			return text, true
		case k == 0x7f || k == ctrl('h'):
			_, n := utf8.DecodeLastRuneInString(text)
			text = text[:len(text)-n]
		case k >= ' ' && k <= utf8.MaxRune:
			text += string(rune(k))
		}
	}
}

// clearScreen is clear and reset; reset also puts the keys in order.
func clearScreen(c *call) {
	c.out.WriteString("\x1b[H\x1b[2J")
	if c.name == "reset" {
		c.out.WriteString("\x1bc")
		c.sane()
	}
}

// terminalModes is stty, as far as a terminal has to be put in order.
func terminalModes(c *call) {
	switch {
	case len(c.args) == 1 && c.args[0] == "sane":
		c.sane()
	case len(c.args) == 1 && c.args[0] == "size":
		w, h, err := term.GetSize(int(c.shell.cfg.In.Fd()))
		c.fail(err)
		c.tell("%d %d", h, w)
	case len(c.args) == 4 && (c.args[0] == "rows" || c.args[0] == "cols"):
		values := map[string]int64{}
		for i := 0; i < 4; i += 2 {
			n, err := size(c.args[i+1])
			if err != nil {
				c.say("%s", err)
				return
			}
			values[c.args[i]] = n
		}
		ws := &unix.Winsize{Row: uint16(values["rows"]), Col: uint16(values["cols"])}
		c.fail(unix.IoctlSetWinsize(int(c.shell.cfg.In.Fd()), unix.TIOCSWINSZ, ws))
	default:
		c.misuse()
	}
}

// sane puts a terminal back into the modes in which a shell wants it.
func (c *call) sane() {
	fd := int(c.shell.cfg.In.Fd())
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		c.fail(err)
		return
	}
	t.Iflag = t.Iflag&^(unix.IGNCR|unix.INLCR|unix.IXOFF|unix.IGNBRK) | unix.BRKINT | unix.ICRNL | unix.IXON
	t.Oflag = t.Oflag&^(unix.OCRNL|unix.ONOCR|unix.ONLRET) | unix.OPOST | unix.ONLCR
	t.Lflag |= unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.IEXTEN | unix.ECHOCTL | unix.ECHOKE
	t.Cc[unix.VINTR], t.Cc[unix.VEOF], t.Cc[unix.VERASE], t.Cc[unix.VKILL] = 3, 4, 0x7f, 0x15
	c.fail(unix.IoctlSetTermios(fd, unix.TCSETS, t))
}
