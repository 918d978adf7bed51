package rescue

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ed is one run of ed, the editor that needs no screen. Lines are counted
// from 1; the current one is at, 0 where there is none.
type ed struct {
	*call
	in      *bufio.Reader
	lines   []*string // each by itself: g finds them again where others have gone
	at      int
	name    string
	changed bool
	warned  bool // a q was refused: the next one leaves
	explain bool // errors are said, not only marked
	why     string
	silent  bool
	last    *regexp.Regexp
	before  *edState // for u
	quit    bool
}

// edState is what u goes back to.
type edState struct {
	lines   []*string
	at      int
	changed bool
}

const edHelp = `ed changes a file line by line. A command stands behind the lines that it is for:
  3  $  .  /text/  +2     one line: the third, the last, this one, the next with text
  3,7  ,                  several: from 3 to 7, all
  p n d                   show, show with numbers, delete
  a i c                   write behind, before, instead; a line with . alone ends it
  s/old/new/g             replace; & is what was found, \1 a part in \( \)
  m7 t7 j                 move or copy behind line 7, join
  g/text/d                a command for every line with text
  r FILE, w, w FILE       read in, write
  u h q Q                 undo, what was wrong, leave, leave without writing
`

func lineEditor(c *call) {
	f := c.options()
	silent := f.BoolP("silent", "s", false, "no counts, no warnings")
	prompt := f.StringP("prompt", "p", "", "shown before each command")
	args, ok := c.read(f, 0, 1)
	if !ok {
		return
	}
	e := &ed{call: c, in: bufio.NewReader(c.in), silent: *silent, explain: !*silent}
	if len(args) == 1 {
		e.name = args[0]
		n, err := e.readIn(e.name, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.err(e.name + ": No such file or directory\n")
		case err != nil:
			c.failAt(e.name, err)
		default:
			e.count(n)
		}
		e.changed = false
	}
	for !e.quit && !c.stopped() {
		c.out.WriteString(*prompt)
		if c.out.Flush() != nil {
			return
		}
		line, err := e.line()
		if err != nil {
			if e.changed && !e.silent && !e.warned {
				e.warned = true
				e.wrong(saying("Warning: buffer modified"))
				c.status = 1
			}
			return
		}
		if err := e.command(line); err != nil {
			e.wrong(err)
			c.status = 1
		}
	}
}

func (e *ed) wrong(err error) {
	e.why = err.Error()
	e.out.WriteString("?\n")
	if e.explain {
		e.out.WriteString(e.why + "\n")
	}
}

func (e *ed) count(n int) {
	if !e.silent {
		e.tell("%d", n)
	}
}

// line is one line of what is typed.
func (e *ed) line() (string, error) {
	s, err := e.in.ReadString('\n')
	if err != nil && s == "" {
		return "", err
	}
	return strings.TrimSuffix(s, "\n"), nil
}

// readIn puts a file behind a line, and returns the number of its bytes.
func (e *ed) readIn(name string, at int) (int, error) {
	b, err := os.ReadFile(e.path(name))
	if err != nil {
		return 0, err
	}
	if len(b) == 0 {
		return 0, nil
	}
	n := len(b)
	if b[n-1] != '\n' {
		n++
		if !e.silent {
			e.err("Newline appended\n")
		}
	}
	e.insert(at, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"))
	return n, nil
}

func (e *ed) insert(at int, lines []string) {
	e.lines = slices.Insert(e.lines, at, each(lines)...)
	e.at = at + len(lines)
	e.changed = e.changed || len(lines) > 0
}

// each makes lines of texts.
func each(texts []string) []*string {
	lines := make([]*string, len(texts))
	for i := range texts {
		lines[i] = &texts[i]
	}
	return lines
}

// text is what stands in lines, with what is between them.
func text(lines []*string, between string) string {
	parts := make([]string, len(lines))
	for i, l := range lines {
		parts[i] = *l
	}
	return strings.Join(parts, between)
}

// address reads one address; ok is false where none stands.
func (e *ed) address(s *string) (n int, ok bool, err error) {
	n = e.at
	skip := func() { *s = strings.TrimLeft(*s, " \t") }
	skip()
	if *s == "" {
		return n, false, nil
	}
	switch ch := (*s)[0]; {
	case ch == '.':
		*s, ok = (*s)[1:], true
	case ch == '$':
		n, *s, ok = len(e.lines), (*s)[1:], true
	case ch >= '0' && ch <= '9':
		n, ok = digits(s), true
	case ch == '/' || ch == '?':
		if n, err = e.search(s, ch); err != nil {
			return 0, false, err
		}
		ok = true
	}
	for skip(); *s != "" && ((*s)[0] == '+' || (*s)[0] == '-'); skip() {
		sign := 1
		if (*s)[0] == '-' {
			sign = -1
		}
		*s = (*s)[1:]
		step := 1
		if *s != "" && (*s)[0] >= '0' && (*s)[0] <= '9' {
			step = digits(s)
		}
		n, ok = n+sign*step, true
	}
	return n, ok, nil
}

func digits(s *string) int {
	end := len(*s) - len(strings.TrimLeft(*s, "0123456789"))
	n, err := strconv.Atoi((*s)[:end])
	if err != nil {
		n = 1 << 30 // more than there are lines
	}
	*s = (*s)[end:]
	return n
}

// search finds the next line with a pattern, from the beginning again behind
// the end, or backwards.
func (e *ed) search(s *string, mark byte) (int, error) {
	what := upTo(s, mark)
	if what != "" {
		re, err := pattern([]string{what}, false, false, false, false)
		if err != nil {
			return 0, saying("Invalid regular expression")
		}
		e.last = re
	}
	if e.last == nil {
		return 0, saying("No previous pattern")
	}
	step := 1
	if mark == '?' {
		step = -1
	}
	for i := 1; i <= len(e.lines); i++ {
		n := ((e.at-1+step*i)%len(e.lines)+len(e.lines))%len(e.lines) + 1
		if e.last.MatchString(*e.lines[n-1]) {
			return n, nil
		}
	}
	return 0, saying("No match")
}

// upTo takes what stands between two marks, a backslash before a mark taken
// off.
func upTo(s *string, mark byte) string {
	var b strings.Builder
	rest := (*s)[1:]
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && i+1 < len(rest):
			if i++; rest[i] != mark {
				b.WriteByte('\\')
			}
			b.WriteByte(rest[i])
		case rest[i] == mark:
			*s = rest[i+1:]
			return b.String()
		default:
			b.WriteByte(rest[i])
		}
	}
	*s = ""
	return b.String()
}

// span is what the addresses of a command stand for. given is their number.
func (e *ed) span(s *string) (from, to, given int, err error) {
	from, to = e.at, e.at
	if t := strings.TrimLeft(*s, " \t"); t != "" && (t[0] == ',' || t[0] == '%' || t[0] == ';') {
		first := 1
		if t[0] == ';' {
			first = e.at
		}
		*s = t[1:]
		n, ok, err := e.address(s)
		if !ok {
			n = len(e.lines)
		}
		return first, n, 2, err
	}
	for {
		n, ok, err := e.address(s)
		if err != nil {
			return 0, 0, 0, err
		}
		if ok {
			given++
			from, to = to, n
			if given == 1 {
				from = n
			}
		}
		t := strings.TrimLeft(*s, " \t")
		if t == "" || t[0] != ',' && t[0] != ';' {
			return from, to, min(given, 2), nil
		}
		if t[0] == ';' {
			e.at = to
		}
		if !ok {
			given++
		}
		*s = t[1:]
	}
}

// command does one command.
func (e *ed) command(s string) error {
	from, to, given, err := e.span(&s)
	if err != nil {
		return err
	}
	s = strings.TrimLeft(s, " \t")
	name := byte(0)
	if s != "" {
		name, s = s[0], s[1:]
	}
	if name != 'q' {
		e.warned = false
	}
	return e.act(name, s, from, to, given)
}

// lineCommands are those that need lines that are there; of them, those that
// change something are undone by u.
const (
	lineCommands   = "pnldcsmtjg"
	changeCommands = "aicdsmtjrg"
)

func (e *ed) act(name byte, rest string, from, to, given int) error {
	if name == 'j' && given == 0 {
		to = from + 1
	}
	if strings.IndexByte(lineCommands, name) >= 0 && name != 'g' {
		if from < 1 || to > len(e.lines) || from > to {
			return saying("Invalid address")
		}
	} else if to < 0 || to > len(e.lines) || from > to {
		return saying("Invalid address")
	}
	if strings.IndexByte(changeCommands, name) >= 0 {
		e.before = &edState{slices.Clone(e.lines), e.at, e.changed}
	}
	switch name {
	case 0:
		return e.step(to, given)
	case 'p', 'n', 'l':
		e.show(from, to, name == 'n')
	case 'a', 'i', 'c':
		return e.write(name, from, to)
	case 'd':
		e.lines = slices.Delete(e.lines, from-1, to)
		e.at, e.changed = min(from, len(e.lines)), true
	case 's':
		return e.substitute(rest, from, to)
	case 'm', 't':
		return e.carry(name, rest, from, to)
	case 'j':
		joined := text(e.lines[from-1:to], "")
		e.lines = slices.Replace(e.lines, from-1, to, &joined)
		e.at, e.changed = from, true
	case 'g', 'v':
		if given == 0 {
			from, to = 1, len(e.lines)
		}
		return e.global(name == 'g', rest, from, to)
	case '=':
		if given == 0 {
			to = len(e.lines)
		}
		e.tell("%d", to)
	case 'u':
		if e.before == nil {
			return saying("Nothing to undo")
		}
		now := &edState{e.lines, e.at, e.changed}
		e.lines, e.at, e.changed, e.before = e.before.lines, e.before.at, e.before.changed, now
	case 'h':
		if rest == "elp" {
			e.out.WriteString(edHelp)
		} else if e.why != "" {
			e.tell("%s", e.why)
		}
	case 'H':
		if e.explain = !e.explain; e.explain && e.why != "" {
			e.tell("%s", e.why)
		}
	case 'r', 'w', 'e', 'E', 'f', 'q', 'Q':
		return e.file(name, rest, from, to, given)
	default:
		return saying("Unknown command (help lists them)")
	}
	return nil
}

// step shows the line that an address names, or the next one.
func (e *ed) step(to, given int) error {
	if given == 0 {
		to = e.at + 1
	}
	if to < 1 || to > len(e.lines) {
		return saying("Invalid address")
	}
	e.show(to, to, false)
	return nil
}

func (e *ed) show(from, to int, numbered bool) {
	for n := from; n <= to && !e.stopped(); n++ {
		if numbered {
			fmt.Fprintf(e.out, "%d\t", n)
		}
		e.out.WriteString(*e.lines[n-1] + "\n")
	}
	e.at = to
}
