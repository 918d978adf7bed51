package replay

import (
	"io"
	"strconv"
	"unicode/utf8"
)

// maxColumn bounds a line of text: a cursor sent further is not followed.
const maxColumn = 4096

// maxParams bounds a control sequence: a longer one is thrown away.
const maxParams = 64

// Text turns what a terminal was sent into what a person would have read, line
// by line: typing that was edited shows as it was at the end, colours and
// titles are gone, and a full-screen program is one line. No control byte but
// newline and tab comes out of it.
type Text struct {
	w    io.Writer
	err  error
	line []rune
	col  int
	alt  bool // within a full-screen program
	held []byte
}

// newText writes text to w.
func newText(w io.Writer) *Text { return &Text{w: w} }

// Write takes a chunk of terminal output. A sequence may be cut between two.
func (t *Text) Write(p []byte) (int, error) {
	b := p
	if len(t.held) > 0 {
		b = append(t.held, p...)
		t.held = nil
	}
	for len(b) > 0 {
		n := t.step(b)
		if n == 0 { // the rest has not come
			t.held = append([]byte(nil), b...)
			break
		}
		b = b[n:]
	}
	return len(p), t.err
}

// Close writes what is left of the last line.
func (t *Text) Close() error {
	if len(t.line) > 0 {
		t.newline()
	}
	return t.err
}

// step takes one character or sequence and returns its length; 0 when it is
// not whole yet.
func (t *Text) step(b []byte) int {
	c := b[0]
	switch {
	case c == 0x1b:
		return t.escape(b)
	case c == '\n':
		t.newline()
		return 1
	case c == '\r':
		t.col = 0
		return 1
	case c == '\b':
		t.col = max(0, t.col-1)
		return 1
	case c == '\t':
		t.col = min(t.col/8*8+8, maxColumn)
		return 1
	case c < ' ' || c == 0x7f:
		return 1
	}
	if !utf8.FullRune(b) {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if r >= 0x80 && r < 0xa0 { // C1 controls
		return n
	}
	t.put(r)
	return n
}

func (t *Text) put(r rune) {
	if t.alt || t.col >= maxColumn {
		return
	}
	t.pad()
	if t.col < len(t.line) {
		t.line[t.col] = r
	} else {
		t.line = append(t.line, r)
	}
	t.col++
}

// pad fills the line up to the cursor.
func (t *Text) pad() {
	for len(t.line) < t.col {
		t.line = append(t.line, ' ')
	}
}

func (t *Text) newline() {
	if t.alt {
		return
	}
	end := len(t.line)
	for end > 0 && t.line[end-1] == ' ' {
		end--
	}
	if t.err == nil {
		_, t.err = io.WriteString(t.w, string(t.line[:end])+"\n")
	}
	t.line, t.col = t.line[:0], 0
}

// escape takes a sequence that starts with ESC.
func (t *Text) escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			switch c := b[i]; {
			case c >= 0x40 && c <= 0x7e:
				t.csi(string(b[2:i]), c)
				return i + 1
			case c < 0x20 || c > 0x7e || i > maxParams:
				return i
			}
		}
		return 0
	case ']', 'P', 'X', '^', '_': // strings: up to BEL or ST
		for i := 2; i < len(b); i++ {
			switch {
			case b[i] == 0x07:
				return i + 1
			case b[i] == 0x1b && i+1 < len(b):
				if b[i+1] == '\\' {
					return i + 2
				}
				return i
			case b[i] == 0x18 || b[i] == 0x1a || i > 1<<16:
				return i + 1
			}
		}
		return 0
	case '(', ')', '*', '+', '#', ' ', '%':
		if len(b) < 3 {
			return 0
		}
		return 3
	}
	return 2
}

// csi does what a control sequence does to the line.
func (t *Text) csi(params string, final byte) {
	if final == 'h' || final == 'l' {
		switch params {
		case "?1049", "?1047", "?47":
			if on := final == 'h'; on != t.alt {
				if on {
					if len(t.line) > 0 {
						t.newline()
					}
					if t.err == nil {
						_, t.err = io.WriteString(t.w, "[full-screen program]\n")
					}
				}
				t.alt = on
			}
		}
		return
	}
	if t.alt {
		return
	}
	n := 1
	if params != "" {
		v, err := strconv.Atoi(params)
		if err != nil && final != 'H' {
			return
		}
		n = min(max(v, 0), maxColumn)
	}
	switch final {
	case 'C':
		t.col = min(t.col+max(n, 1), maxColumn)
	case 'D':
		t.col = max(t.col-max(n, 1), 0)
	case 'G', '`':
		t.col = max(n, 1) - 1
	case 'K':
		switch {
		case params == "" || n == 0:
			t.line = t.line[:min(t.col, len(t.line))]
		case n == 1:
			for i := 0; i <= t.col && i < len(t.line); i++ {
				t.line[i] = ' '
			}
		case n == 2:
			t.line = t.line[:0]
		}
	case 'P':
		if t.col < len(t.line) {
			t.line = append(t.line[:t.col], t.line[min(t.col+max(n, 1), len(t.line)):]...)
		}
	case '@':
		if t.col < len(t.line) && len(t.line) < maxColumn {
			blank := make([]rune, max(n, 1))
			for i := range blank {
				blank[i] = ' '
			}
			t.line = append(t.line[:t.col:t.col], append(blank, t.line[t.col:]...)...)
		}
	case 'J':
		switch {
		case params == "" || n == 0:
			t.line = t.line[:min(t.col, len(t.line))]
		case n == 2 && len(t.line) > 0: // the screen is cleared: what stood there was read
			t.newline()
		}
	case 'H':
		if len(t.line) > 0 {
			t.newline()
		}
		t.col = 0
	}
}
