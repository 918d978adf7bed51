package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"guardsh/audit/cast"
)

// Options say how a recording is played.
type Options struct {
	Speed float64       // 1 as it was; 0 means 1
	Idle  time.Duration // no wait is longer than this; 0: as it was
	Line  int           // start at this line; 0: at the start
}

// Keys says what the keys do, for the help.
const Keys = `space  pause, go on          q      quit
right  5 seconds on          left   5 seconds back
n      next command          p      previous command
r      next refusal          R      previous refusal
+      faster                -      slower`

const (
	seekStep = 5 * time.Second
	minSpeed = 1.0 / 16
	maxSpeed = 64
	// grace is how soon after a command's start "previous" still means the one
	// before it.
	grace = time.Second
)

// restoreScreen ends what a recording may have left on: colours, a hidden
// cursor, mouse and paste reports, application keys, a scroll region. The
// cursor stays where it is: resetting the region would send it to the top.
const restoreScreen = "\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b7\x1b[r\x1b8\x1b(B\r\n"

// Full-screen programs draw on the alternate screen.
const (
	alternateOn  = "\x1b[?1049h"
	alternateOff = "\x1b[?1049l"
)

type key int

const (
	keyNone key = iota
	keyPause
	keyQuit
	keyForward
	keyBack
	keyNext
	keyPrevious
	keyRefusal
	keyPreviousRefusal
	keyFaster
	keySlower
)

var keyBytes = []struct {
	bytes string
	key   key
}{
	{" ", keyPause}, {"q", keyQuit}, {"\x03", keyQuit}, {"\x04", keyQuit},
	{"\x1b[C", keyForward}, {"\x1bOC", keyForward}, {"l", keyForward},
	{"\x1b[D", keyBack}, {"\x1bOD", keyBack}, {"h", keyBack},
	{"n", keyNext}, {"]", keyNext}, {"p", keyPrevious}, {"[", keyPrevious},
	{"r", keyRefusal}, {"R", keyPreviousRefusal},
	{"+", keyFaster}, {"=", keyFaster}, {"\x1b[A", keyFaster}, {"-", keySlower}, {"\x1b[B", keySlower},
}

// parseKeys finds the keys in what a terminal sent. What is no key of ours (an
// answer to a query that the recording asked) is thrown away.
func parseKeys(b []byte) []key {
	var keys []key
next:
	for len(b) > 0 {
		for _, k := range keyBytes {
			if bytes.HasPrefix(b, []byte(k.bytes)) {
				keys = append(keys, k.key)
				b = b[len(k.bytes):]
				continue next
			}
		}
		if b[0] == 0x1b && len(b) > 1 { // another sequence: to its end
			i := 1
			for i < len(b) && (i == 1 || b[i] < 0x40 || b[i] > 0x7e) {
				i++
			}
			b = b[min(i+1, len(b)):]
			continue
		}
		b = b[1:]
	}
	return keys
}

// Play plays a recording on a terminal, with tty for the keys. The terminal is
// restored on every path.
func (r *Recording) Play(tty *os.File, out io.Writer, o Options) error {
	p, err := r.player(out, o)
	if err != nil {
		return err
	}
	defer p.close()
	old, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer func() {
		if p.alternate { // only then: leaving it moves the cursor
			io.WriteString(out, alternateOff)
		}
		io.WriteString(out, restoreScreen)
		// Answers to the recording's own queries must not be typed at the shell.
		unix.IoctlSetInt(int(tty.Fd()), unix.TCFLSH, unix.TCIFLUSH)
		term.Restore(int(tty.Fd()), old)
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	defer signal.Stop(stop)

	keys := make(chan key, 16)
	over := make(chan struct{})
	defer close(over)
	go func() {
		buf := make([]byte, 256)
		send := func(k key) bool {
			select {
			case keys <- k:
				return true
			case <-over:
				return false
			}
		}
		for {
			n, err := tty.Read(buf)
			for _, k := range parseKeys(buf[:n]) {
				if !send(k) {
					return
				}
			}
			if err != nil {
				send(keyQuit)
				return
			}
		}
	}()
	go func() {
		select {
		case <-stop:
			select {
			case keys <- keyQuit:
			case <-over:
			}
		case <-over:
		}
	}()
	p.keys = keys
	return p.run()
}

// player is a recording that is being played.
type player struct {
	r     *Recording
	out   io.Writer
	keys  <-chan key
	after func(time.Duration) <-chan time.Time // time.After, or a test's
	speed float64
	idle  time.Duration

	f       *os.File
	c       *cast.Reader
	pos     time.Duration // where we are in the recording
	pending *cast.Event   // read, not shown yet
	paused  bool

	alternate bool // the alternate screen is on
}

func (r *Recording) player(out io.Writer, o Options) (*player, error) {
	p := &player{r: r, out: out, speed: o.Speed, idle: o.Idle, after: time.After}
	if p.speed <= 0 {
		p.speed = 1
	}
	p.speed = min(max(p.speed, minSpeed), maxSpeed)
	if err := p.rewind(); err != nil {
		return nil, err
	}
	if o.Line > 0 {
		m, err := r.mark(o.Line)
		if err == nil {
			err = p.seekMark(m)
		}
		if err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func (p *player) close() {
	if p.f != nil {
		p.f.Close()
	}
}

func (p *player) rewind() error {
	p.close()
	var err error
	p.f, p.c, err = p.r.open()
	p.pos, p.pending = 0, nil
	return err
}

// peek is the next event; nil at the end.
func (p *player) peek() (*cast.Event, error) {
	if p.pending == nil {
		e, err := p.c.Next()
		if err == io.EOF || errors.Is(err, cast.ErrCut) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		p.pending = &e
	}
	return p.pending, nil
}

func (p *player) run() error {
	for {
		e, err := p.peek()
		if err != nil {
			return err
		}
		if e == nil && !p.paused {
			return nil
		}
		var due <-chan time.Time
		started := time.Now()
		if e != nil && !p.paused {
			wait := max(e.At-p.pos, 0)
			if p.idle > 0 && wait > p.idle {
				p.pos = e.At - p.idle // the rest of the silence is left out
				wait = p.idle
			}
			due = p.after(time.Duration(float64(wait) / p.speed))
		}
		select {
		case <-due:
			if err := p.show(e); err != nil {
				return err
			}
		case k := <-p.keys:
			if due != nil {
				p.pos = min(p.pos+time.Duration(float64(time.Since(started))*p.speed), e.At)
			}
			if k == keyQuit {
				return nil
			}
			if err := p.press(k); err != nil {
				return err
			}
		}
	}
}

func (p *player) show(e *cast.Event) error {
	p.pos, p.pending = e.At, nil
	if e.Code == cast.Output {
		on, off := bytes.LastIndex(e.Data, []byte(alternateOn)), bytes.LastIndex(e.Data, []byte(alternateOff))
		if on != off { // both are -1 in nearly every chunk
			p.alternate = on > off
		}
		_, err := p.out.Write(e.Data)
		return err
	}
	return nil
}

func (p *player) press(k key) error {
	switch k {
	case keyPause:
		p.paused = !p.paused
	case keyForward:
		return p.seek(p.pos+seekStep, 0)
	case keyBack:
		return p.seek(max(p.pos-seekStep, 0), 0)
	case keyNext, keyRefusal:
		for _, m := range p.r.Marks {
			if m.At > p.pos && (k == keyNext || m.Refused) {
				return p.seekMark(m)
			}
		}
	case keyPrevious, keyPreviousRefusal:
		for i := len(p.r.Marks) - 1; i >= 0; i-- {
			if m := p.r.Marks[i]; m.At+grace < p.pos && (k == keyPrevious || m.Refused) {
				return p.seekMark(m)
			}
		}
		return p.seek(0, 0)
	case keyFaster:
		p.speed = min(p.speed*2, maxSpeed)
	case keySlower:
		p.speed = max(p.speed/2, minSpeed)
	}
	return nil
}

// seekMark shows the screen as it was when a line was released.
func (p *player) seekMark(m Mark) error { return p.seek(m.At, m.Offset) }

// seek shows the screen as it was at a moment: up to an offset where one is
// given, else up to a time. Back means again from the start.
func (p *player) seek(at time.Duration, offset int64) error {
	if at < p.pos {
		if err := p.rewind(); err != nil {
			return err
		}
		if _, err := io.WriteString(p.out, "\x1bc"); err != nil {
			return err
		}
	}
	for {
		e, err := p.peek()
		if err != nil {
			return err
		}
		if e == nil || e.At > at || offset > 0 && e.Offset >= offset {
			p.pos = max(p.pos, at)
			return nil
		}
		if err := p.show(e); err != nil {
			return err
		}
	}
}
