package command

import (
	"fmt"
	"strconv"
	"strings"

	"guardsh/rules/word"
)

// escapes says whose backslashes are read: they differ in octal numbers, in
// quotes and in \c.
type escapes uint8

const (
	ofFormat escapes = iota // printf's first word
	ofEcho                  // echo -e
	ofB                     // %b
	ofQuotes                // $'…' and ${x@E}
)

var plainEscapes = [256]byte{'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\'}

// unescapeText reads backslashes; stop says that \c ended the output, ok that
// the result does not depend on the locale.
func unescapeText(s string, of escapes) (out string, stop, ok bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, false, true
	}
	var b strings.Builder
	digits := func(i, most, base int) (int, int) {
		n, j := 0, i
		for ; j < len(s) && j < i+most; j++ {
			d, err := strconv.ParseInt(s[j:j+1], base, 8)
			if err != nil {
				break
			}
			n = n*base + int(d)
		}
		return n, j
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		c := s[i]
		switch {
		case plainEscapes[c] != 0:
			b.WriteByte(plainEscapes[c])
		case (c == '"' || c == '\'' || c == '?') && (of == ofFormat || of == ofQuotes):
			b.WriteByte(c)
		case c == 'c' && of == ofQuotes && i+1 < len(s):
			i++
			b.WriteByte(s[i] & 0x1f)
		case c == 'c' && (of == ofEcho || of == ofB):
			return b.String(), true, true
		case c >= '0' && c <= '7' && (of != ofEcho || c == '0'):
			most := 3
			if c == '0' && (of == ofEcho || of == ofB) {
				most = 4 // the nought does not count
			}
			n, j := digits(i, most, 8)
			b.WriteByte(byte(n))
			i = j - 1
		case c == 'x':
			n, j := digits(i+1, 2, 16)
			if j == i+1 {
				b.WriteString(`\x`)
				continue
			}
			b.WriteByte(byte(n))
			i = j - 1
		case c == 'u' || c == 'U':
			most := map[byte]int{'u': 4, 'U': 8}[c]
			n, j := digits(i+1, most, 16)
			if j == i+1 || n >= 0x80 && of != ofQuotes {
				return "", false, false
			}
			b.WriteRune(rune(n)) // where the locale is not UTF-8, another
			i = j - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), false, true
}

// printfText is what printf prints, where that follows from its words.
func printfText(ws []word.Word) (string, bool) {
	args, ok := known(ws)
	if !ok || len(args) == 0 || strings.HasPrefix(args[0], "-") && args[0] != "--" && args[0] != "-" {
		return "", false
	}
	if args[0] == "--" {
		if args = args[1:]; len(args) == 0 {
			return "", false
		}
	}
	p := &formatter{format: args[0], args: args[1:]}
	for {
		before := len(p.args)
		if !p.once() {
			return "", false
		}
		if p.stop || len(p.args) == 0 || len(p.args) == before {
			return p.b.String(), true
		}
		if p.b.Len() > maxValue {
			return "", false
		}
	}
}

// formatter goes through a format as often as there are words for it.
type formatter struct {
	format string
	args   []string
	b      strings.Builder
	stop   bool
}

func (p *formatter) next() string {
	if len(p.args) == 0 {
		return ""
	}
	s := p.args[0]
	p.args = p.args[1:]
	return s
}

// number is a word as a number: decimal, 0x, 0 in front for octal, or the code
// of the character behind a quote.
func (p *formatter) number() (int64, bool) {
	s := strings.TrimLeft(p.next(), " \t\n")
	switch {
	case s == "":
		return 0, true
	case s[0] == '\'' || s[0] == '"':
		if len(s) == 1 {
			return 0, true
		}
		return int64(s[1]), s[1] < 0x80
	}
	if strings.ContainsAny(s, "_bBoO") && !strings.HasPrefix(s, "0x") {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return n, err == nil
}

// once prints the format one time.
func (p *formatter) once() bool {
	f := p.format
	for f != "" {
		i := strings.IndexByte(f, '%')
		if i < 0 {
			i = len(f)
		}
		text, _, ok := unescapeText(f[:i], ofFormat)
		if !ok {
			return false
		}
		p.b.WriteString(text)
		if f = f[i:]; f == "" {
			break
		}
		if strings.HasPrefix(f, "%%") {
			p.b.WriteByte('%')
			f = f[2:]
			continue
		}
		var rest string
		if rest, ok = p.directive(f[1:]); !ok {
			return false
		}
		if f = rest; p.stop {
			break
		}
	}
	return true
}

// directive prints one %…; it returns what stands behind it.
func (p *formatter) directive(f string) (string, bool) {
	i := 0
	for i < len(f) && strings.IndexByte("-+ #0", f[i]) >= 0 {
		i++
	}
	verb := "%" + f[:i]
	f = f[i:]
	size := func() bool {
		if strings.HasPrefix(f, "*") {
			n, ok := p.number()
			verb += strconv.FormatInt(n, 10)
			f = f[1:]
			return ok && n > -1<<12 && n < 1<<12
		}
		j := 0
		for j < len(f) && f[j] >= '0' && f[j] <= '9' {
			j++
		}
		verb += f[:j]
		f = f[j:]
		return j < 5
	}
	wide := f != "" && (f[0] == '*' || f[0] >= '1' && f[0] <= '9')
	if !size() {
		return "", false
	}
	if strings.HasPrefix(f, ".") {
		verb, wide = verb+".", true
		f = f[1:]
		if !size() {
			return "", false
		}
	}
	if f == "" {
		return "", false
	}
	c, rest := f[0], f[1:]
	switch c {
	case 's', 'b', 'q', 'c':
		s := p.next()
		switch c {
		case 'b':
			var ok bool
			if s, p.stop, ok = unescapeText(s, ofB); !ok {
				return "", false
			}
		case 'q':
			var ok bool
			if s, ok = backslashed(s); !ok {
				return "", false
			}
		case 'c':
			s = s[:min(1, len(s))]
		}
		if strings.ContainsAny(verb, "+ #0") && strings.Trim(verb, "%-.123456789") != "" && strings.ContainsAny(verb[1:2], "+ #0") {
			return "", false
		}
		for j := 0; wide && j < len(s); j++ {
			if s[j] >= 0x80 {
				return "", false // whether bytes or characters count differs
			}
		}
		fmt.Fprintf(&p.b, verb+"s", s)
	case 'd', 'i', 'u', 'o', 'x', 'X':
		n, ok := p.number()
		if !ok || n < 0 && c != 'd' && c != 'i' || strings.ContainsAny(verb, "#") || strings.Contains(verb, ".") && strings.Contains(verb, "0") {
			return "", false
		}
		if c == 'i' || c == 'u' {
			if c == 'u' && strings.ContainsAny(verb, "+ ") {
				return "", false
			}
			c = 'd'
		}
		if c != 'd' && strings.ContainsAny(verb, "+ ") {
			return "", false
		}
		fmt.Fprintf(&p.b, verb+string(c), n)
	default:
		return "", false // floats, times, and what is an error
	}
	return rest, true
}

// backslashed is a word as %q writes it.
func backslashed(s string) (string, bool) {
	if s == "" {
		return "''", true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c < ' ' || c >= 0x7f:
			return "", false // $'…', as the locale prints it
		case strings.IndexByte(" '\"\\|&;()<>!{}*[?]^$`,", c) >= 0, i == 0 && (c == '~' || c == '#'), i > 0 && c == '~' && (s[i-1] == '=' || s[i-1] == ':'):
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
