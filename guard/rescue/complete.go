package rescue

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxChoices is what fits on a screen beside the line.
const maxChoices = 100

// complete answers the tab key: the word before the cursor as far as the names
// agree, or the names that there are.
func (e *editor) complete(line string, pos int, key rune) (string, int, bool) {
	if key == ctrlR {
		e.line0, e.keys.look = line, e.lookBack
		return line, len(line), true
	}
	if key != '\t' {
		return "", 0, false
	}
	at := wordStart(line[:pos])
	typed := unquote(line[at:pos])
	names := e.shell.names(typed, firstWord(line[:at]))
	switch len(names) {
	case 0:
		return line, pos, true
	case 1:
		end := " "
		if strings.HasSuffix(names[0], "/") {
			end = ""
		}
		word := escape(names[0]) + end
		return line[:at] + word + line[pos:], at + len(word), true
	}
	if common := commonPrefix(names); len(common) > len(typed) {
		word := escape(common)
		return line[:at] + word + line[pos:], at + len(word), true
	}
	shown := names
	if len(shown) > maxChoices {
		shown = shown[:maxChoices]
	}
	var b strings.Builder
	for _, n := range shown {
		b.WriteString(printable(lastPart(n)) + "  ")
	}
	if more := len(names) - len(shown); more > 0 {
		fmt.Fprintf(&b, "and %d more", more)
	}
	b.WriteString("\n")
	_, _ = e.term.Write([]byte(b.String()))
	return line, pos, true
}

// names are what a word can become: files, and commands where one stands.
func (s *Shell) names(typed string, command bool) []string {
	var names []string
	if command && !strings.Contains(typed, "/") {
		for _, c := range s.commands {
			if strings.HasPrefix(c.name, typed) {
				names = append(names, c.name)
			}
		}
		for _, n := range [...]string{"cd", "echo", "exit", "export", "pwd", "read", "set", "test", "unset"} {
			if strings.HasPrefix(n, typed) {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		return names
	}
	dir, base := filepath.Split(typed)
	where := dir
	if !filepath.IsAbs(where) {
		where = filepath.Join(s.runner.Dir, dir)
	}
	entries, err := os.ReadDir(where)
	if err != nil {
		return nil
	}
	for _, d := range entries {
		n := d.Name()
		if !strings.HasPrefix(n, base) || base == "" && n[0] == '.' {
			continue
		}
		if st, err := os.Stat(filepath.Join(where, n)); err == nil && st.IsDir() {
			n += "/"
		}
		names = append(names, dir+n)
	}
	return names
}

// wordStart is where the last word of a line begins.
func wordStart(s string) int {
	start, quoted := 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted != '\'':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '\'':
			quoted = c
		case strings.IndexByte(" \t;|&<>()=", c) >= 0:
			start = i + 1
		}
	}
	return start
}

// firstWord says whether a command's name stands behind s.
func firstWord(s string) bool {
	s = strings.TrimRight(s, " \t")
	return s == "" || strings.IndexByte(";|&(", s[len(s)-1]) >= 0
}

// unquote takes a word's quotes away.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"', '\'':
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escape makes a word of a name, character by character, so that it can be
// typed on.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(" \t\"'\\$`*?[]{}()<>|&;#!~=", c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

func commonPrefix(names []string) string {
	p := names[0]
	for _, n := range names[1:] {
		for !strings.HasPrefix(n, p) {
			p = p[:len(p)-1]
		}
	}
	return strings.ToValidUTF8(p, "")
}

func lastPart(n string) string {
	return n[strings.LastIndexByte(strings.TrimSuffix(n, "/"), '/')+1:]
}

// printable is a name with nothing in it that moves a cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
