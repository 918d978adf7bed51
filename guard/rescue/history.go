package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// history holds the lines that were typed, the latest last. It begins with
// bash's own and goes on in its file, as far as that is there and can be
// written.
type history struct {
	lines []string
	file  string // "" where there is none
}

// maxHistory is more than anyone goes back by arrow keys.
const maxHistory = 1000

// openHistory reads bash's history.
func openHistory(env []string) *history {
	vars := map[string]string{}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		vars[name] = value
	}
	h := &history{file: vars["HISTFILE"]}
	if h.file == "" && filepath.IsAbs(vars["HOME"]) {
		h.file = filepath.Join(vars["HOME"], ".bash_history")
	}
	st, err := os.Lstat(h.file)
	if err != nil || !st.Mode().IsRegular() || int(sysOf(st).Uid) != os.Geteuid() {
		h.file = "" // another's file, or a device: nothing is kept there
		return h
	}
	b, err := os.ReadFile(h.file)
	if err != nil {
		return h
	}
	for line := range bytes.Lines(b) {
		text := string(bytes.TrimSpace(line))
		if utf8.ValidString(text) && !stamp(text) {
			h.keep(text)
		}
	}
	return h
}

// stamp says whether a line of bash's history is the time of the next one.
func stamp(line string) bool {
	return len(line) > 1 && line[0] == '#' && strings.Trim(line[1:], "0123456789") == ""
}

// Add keeps a line that was typed, unless it is blank, the one before, or
// begins with a space.
func (h *history) Add(line string) {
	if strings.HasSuffix(line, "^C") || !h.keep(line) || h.file == "" {
		return
	}
	f, err := os.OpenFile(h.file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return // a disk that nothing can be written to: it is kept in memory
	}
	defer f.Close()
	_, _ = fmt.Fprintln(f, line) // the same on one that is full
}

func (h *history) keep(line string) bool {
	if strings.TrimSpace(line) == "" || line[0] == ' ' || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return false
	}
	h.lines = append(h.lines, line)
	if over := len(h.lines) - maxHistory; over > 0 {
		h.lines = slices.Delete(h.lines, 0, over)
	}
	return true
}

// Len is the number of lines.
func (h *history) Len() int { return len(h.lines) }

// At is the line idx before the latest.
func (h *history) At(idx int) string { return h.lines[len(h.lines)-1-idx] }

// find is the latest line before the idx-th from the end that has text in it;
// -1 where there is none.
func (h *history) find(text string, idx int) int {
	for i := idx; i < len(h.lines); i++ {
		if strings.Contains(h.At(i), text) {
			return i
		}
	}
	return -1
}

// ctrlR begins a search in the history.
const ctrlR = 0x12

// lookBack searches the history as the keys come, in the row of the prompt,
// and returns the keys that put what was found on the line in place of what
// stood there.
func (e *editor) lookBack() []byte {
	h := e.shell.history
	text, at := "", -1
	found := func() string {
		if at < 0 {
			return ""
		}
		return h.At(at)
	}
	out := e.shell.cfg.Out
	leave := func(line, last string) []byte {
		fmt.Fprintf(out, "\r\x1b[K%s%s", e.asks, printable(e.line0))
		return []byte("\x15" + strings.ReplaceAll(line, "\t", " ") + last) // ^U, the line, and the key that ended it
	}
	for {
		fmt.Fprintf(out, "\r\x1b[K(search)`%s': %s", printable(text), printable(found()))
		r, err := e.keys.rune()
		if err != nil {
			return leave(e.line0, "")
		}
		switch {
		case r == ctrlR:
			if next := h.find(text, at+1); text != "" && next >= 0 {
				at = next
			}
		case r == 0x7f || r == 0x08:
			_, n := utf8.DecodeLastRuneInString(text)
			if text = text[:len(text)-n]; text == "" {
				at = -1
			} else {
				at = h.find(text, 0)
			}
		case r == ctrlC, r == 0x07: // ^G, as readline has it
			return leave(e.line0, "")
		case r == '\r' || r == '\n':
			return leave(found(), "\r")
		case r < ' ':
			return leave(found(), string(r)) // an arrow's escape goes on, too
		default:
			if next := h.find(text+string(r), max(at, 0)); next >= 0 {
				at = next
			}
			text += string(r)
		}
	}
}

// rune reads one character from the terminal.
func (k *keys) rune() (rune, error) {
	var b []byte
	for {
		var one [1]byte
		if n, err := k.in.Read(one[:]); n == 0 {
			k.gone = true
			return 0, errors.Join(io.EOF, err)
		}
		b = append(b, one[0])
		if utf8.FullRune(b) {
			r, _ := utf8.DecodeRune(b)
			return r, nil
		}
	}
}
