package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// visual is a small editor that fills the screen, under the names of those
// that people know.
type visual struct {
	*call
	*screen
	name      string
	lines     [][]byte
	row, col  int // col is a byte in the line
	top, left int
	cut       [][]byte
	cutting   bool // the last key cut a line: the next one is cut with it
	changed   bool
	say       string
	find      string
}

const visualHelp = "^S save  ^Q leave  ^K cut line  ^U put it back  ^W find  ^G line"

func screenEditor(c *call) {
	f := c.options()

	args := c.args
	line := 1
	if len(args) > 0 && strings.HasPrefix(args[0], "+") {
		if n, err := size(args[0][1:]); err == nil {
			line, args = int(n), args[1:]
		}
	}
	c.args = args
	args, ok := c.read(f, 1, 1)
	if !ok {
		return
	}
	b, err := os.ReadFile(c.path(args[0]))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.failAt(args[0], err)
		return
	}
	s, err := c.openScreen()
	if err != nil {
		c.say("%s: ed works without one", err)
		return
	}
	defer s.done()
	v := &visual{call: c, screen: s, name: args[0], row: line - 1}
	v.lines = bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
	for i := range v.lines {
		v.lines[i] = bytes.Clone(v.lines[i])
	}
	v.row = max(0, min(v.row, len(v.lines)-1))
	io.WriteString(s.out, "\x1b[?1049h")
	defer io.WriteString(s.out, "\x1b[?1049l")
	for {
		v.draw()
		k, err := s.key()
		if err != nil || v.press(k) {
			return
		}
	}
}

func (v *visual) draw() {
	width, height := v.size()
	rows := height - 2
	v.top = max(min(v.top, v.row), v.row-rows+1)
	_, at := cells(v.lines[v.row], v.col)
	v.left = max(min(v.left, at), at-width+1)
	var b strings.Builder
	b.WriteString("\x1b[?25l\x1b[H")
	for i := v.top; i < v.top+rows; i++ {
		if i < len(v.lines) {
			row, _ := cells(v.lines[i], 0)
			row = row[min(len(row), v.left):]
			b.WriteString(string(row[:min(len(row), width)]))
		} else {
			b.WriteString("~")
		}
		b.WriteString("\x1b[K\r\n")
	}
	mark := ""
	if v.changed {
		mark = " (changed)"
	}
	status := fmt.Sprintf("%s%s  line %d of %d  %s", printable(v.name), mark, v.row+1, len(v.lines), v.say)
	r := []rune(status)
	fmt.Fprintf(&b, "\x1b[7m%s\x1b[m\x1b[K\r\n%s\x1b[K", string(r[:min(len(r), width)]), visualHelp[:min(len(visualHelp), width-1)])
	fmt.Fprintf(&b, "\x1b[%d;%dH\x1b[?25h", v.row-v.top+1, at-v.left+1)
	io.WriteString(v.screen.out, b.String())
	v.say = ""
}

// press does what a key stands for, and reports whether the editor is left.
func (v *visual) press(k key) (left bool) {
	line := v.lines[v.row]
	v.col = min(v.col, len(line))
	_, height := v.size()
	wasCutting := v.cutting
	v.cutting = false
	switch k {
	case keyUp, ctrl('p'):
		v.goTo(v.row - 1)
	case keyDown, ctrl('n'):
		v.goTo(v.row + 1)
	case keyPageUp, ctrl('y'):
		v.goTo(v.row - (height - 3))
	case keyPageDown, ctrl('v'):
		v.goTo(v.row + (height - 3))
	case keyLeft, ctrl('b'):
		v.back()
	case keyRight, ctrl('f'):
		if v.col < len(line) {
			_, n := utf8.DecodeRune(line[v.col:])
			v.col += n
		} else if v.row+1 < len(v.lines) {
			v.row, v.col = v.row+1, 0
		}
	case keyHome, ctrl('a'):
		v.col = 0
	case keyEnd, ctrl('e'):
		v.col = len(line)
	case '\r', '\n':
		v.lines[v.row] = slices.Clip(line[:v.col])
		v.lines = slices.Insert(v.lines, v.row+1, bytes.Clone(line[v.col:]))
		v.row, v.col, v.changed = v.row+1, 0, true
	case 0x7f, ctrl('h'):
		if v.row > 0 || v.col > 0 {
			v.back()
			v.erase()
		}
	case keyDelete, ctrl('d'):
		v.erase()
	case ctrl('k'):
		if !wasCutting {
			v.cut = nil
		}
		v.cut = append(v.cut, line)
		if v.lines = slices.Delete(v.lines, v.row, v.row+1); len(v.lines) == 0 {
			v.lines = [][]byte{nil}
		}
		v.cutting, v.changed, v.col = true, true, 0
		v.row = min(v.row, len(v.lines)-1)
	case ctrl('u'):
		for i, l := range v.cut {
			v.lines = slices.Insert(v.lines, v.row+i, bytes.Clone(l))
		}
		v.row, v.col, v.changed = v.row+len(v.cut), 0, v.changed || len(v.cut) > 0
	case ctrl('w'):
		if text, ok := v.screen.ask("find: ", v.find); ok && text != "" {
			v.find = text
			v.next()
		}
	case ctrl('g'):
		if text, ok := v.screen.ask("line: ", ""); ok {
			if n, err := size(text); err == nil {
				v.goTo(int(n) - 1)
			}
		}
	case ctrl('s'), ctrl('o'):
		v.write()
	case ctrl('q'), ctrl('x'), ctrl('c'):
		return v.leave()
	case '\t':
		v.insert("\t")
	default:
		if k >= ' ' && k <= utf8.MaxRune {
			v.insert(string(rune(k)))
		}
	}
	return false
}

func (v *visual) goTo(row int) {
	_, at := cells(v.lines[v.row], v.col)
	v.row = max(0, min(row, len(v.lines)-1))
	// The same column, as near as the line has it.
	line := v.lines[v.row]
	for v.col = 0; v.col < len(line); {
		if _, here := cells(line, v.col); here >= at {
			break
		}
		_, n := utf8.DecodeRune(line[v.col:])
		v.col += n
	}
}

func (v *visual) back() {
	switch {
	case v.col > 0:
		_, n := utf8.DecodeLastRune(v.lines[v.row][:v.col])
		v.col -= n
	case v.row > 0:
		v.row--
		v.col = len(v.lines[v.row])
	}
}

// erase takes away the character at the cursor, or the end of the line.
func (v *visual) erase() {
	line := v.lines[v.row]
	switch {
	case v.col < len(line):
		_, n := utf8.DecodeRune(line[v.col:])
		v.lines[v.row] = slices.Delete(line, v.col, v.col+n)
	case v.row+1 < len(v.lines):
		v.lines[v.row] = append(line, v.lines[v.row+1]...)
		v.lines = slices.Delete(v.lines, v.row+1, v.row+2)
	default:
		return
	}
	v.changed = true
}

func (v *visual) insert(s string) {
	v.lines[v.row] = slices.Insert(v.lines[v.row], v.col, []byte(s)...)
	v.col, v.changed = v.col+len(s), true
}

func (v *visual) next() {
	for i := 1; i <= len(v.lines); i++ {
		row := (v.row + i) % len(v.lines)
		if at := bytes.Index(v.lines[row], []byte(v.find)); at >= 0 {
			v.row, v.col = row, at
			return
		}
	}
	v.say = "not found: " + printable(v.find)
}

func (v *visual) write() bool {
	text := append(bytes.Join(v.lines, []byte("\n")), '\n')
	if len(v.lines) == 1 && len(v.lines[0]) == 0 {
		text = nil
	}
	if err := v.save(v.name, string(text)); err != nil {
		v.say = "not saved: " + reason(err)
		return false
	}
	v.changed, v.say = false, "saved"
	return true
}

func (v *visual) leave() bool {
	if !v.changed {
		return true
	}
	switch answer, ok := v.screen.ask("save the changes? y, n, or Enter to go on: ", ""); {
	case ok && strings.HasPrefix(strings.ToLower(answer), "y"):
		return v.write()
	case ok && strings.HasPrefix(strings.ToLower(answer), "n"):
		return true
	}
	return false
}
