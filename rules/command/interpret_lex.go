package command

import (
	"strings"
)

// tokenKind is what a token of an interpreter's code is.
type tokenKind uint8

const (
	tokName   tokenKind = iota + 1 // an identifier, with a variable's sigil
	tokString                      // a string; text has no quotes
	tokNumber
	tokSign // an operator or bracket, one or two characters
	tokRun  // backticks, qx, %x: the text is run by a shell
	tokList // qw(…), %w[…]: words
	tokLine // a line ends
	tokGlob // <*.c> of perl
)

type token struct {
	kind   tokenKind
	text   string
	expand bool // a string in which variables are expanded
	indent int  // tokLine: the blanks in front of what follows
	space  bool // a blank stands in front
}

// maxCode bounds the code of another language that is looked through: beyond
// it nothing is recognised.
const maxCode = 256 << 10

// lexer splits code of a language into tokens. It knows enough to tell strings
// and comments from code, and no more.
type lexer struct {
	lang *language
	s    string
	i    int
	out  []token
}

func lex(lang *language, s string) []token {
	if len(s) > maxCode {
		s = s[:maxCode]
	}
	x := &lexer{lang: lang, s: s}
	for x.i < len(x.s) {
		x.next()
	}
	return x.out
}

func (x *lexer) add(kind tokenKind, text string, expand bool) {
	x.out = append(x.out, token{kind: kind, text: text, expand: expand, space: x.i > 0})
}

func (x *lexer) has(prefix string) bool { return strings.HasPrefix(x.s[x.i:], prefix) }

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

func (x *lexer) next() {
	c := x.s[x.i]
	l := x.lang
	switch {
	case c == '\n':
		x.i++
		from := x.i
		for x.i < len(x.s) && (x.s[x.i] == ' ' || x.s[x.i] == '\t') {
			x.i++
		}
		x.out = append(x.out, token{kind: tokLine, indent: x.i - from})
	case c == ' ' || c == '\t' || c == '\r':
		x.i++
	case c == '\\' && x.i+1 < len(x.s) && x.s[x.i+1] == '\n':
		x.i += 2
	case l.hash && c == '#' || l.slashes && x.has("//") || l.dashes && x.has("--"):
		for x.i < len(x.s) && x.s[x.i] != '\n' {
			x.i++
		}
	case l.slashes && x.has("/*"):
		x.i += 2
		x.until("*/")
	case l.triple && (x.has(`"""`) || x.has(`'''`)):
		q := x.s[x.i : x.i+3]
		x.i += 3
		x.add(tokString, x.until(q), x.prefixed('f'))
	case c == '"', c == '\'' && !l.noSingle:
		x.i++
		x.quoted(c)
	case c == '`' && (l.backticks || l.template):
		x.i++
		text := x.untilByte('`')
		if l.template {
			x.add(tokString, text, true)
		} else {
			x.add(tokRun, text, true)
		}
	case l.dashes && x.has("[["):
		x.i += 2
		x.add(tokString, x.until("]]"), false)
	case l.percent && c == '%' && x.percent():
	case l.sigils && c == '<' && x.angle():
	case l.regexp && c == '/' && x.regexpHere():
		x.i++
		x.untilByte('/')
		x.add(tokString, "", true)
	case c >= '0' && c <= '9':
		from := x.i
		for x.i < len(x.s) && wordByte(x.s[x.i]) {
			x.i++
		}
		x.add(tokNumber, x.s[from:x.i], false)
	case (c == '$' || c == '@') && l.sigils && x.i+1 < len(x.s) && (wordByte(x.s[x.i+1]) || strings.IndexByte("@!&/", x.s[x.i+1]) >= 0):
		from := x.i
		x.i += 2
		for x.i < len(x.s) && wordByte(x.s[x.i]) {
			x.i++
		}
		x.add(tokName, x.s[from:x.i], false)
	case wordByte(c):
		from := x.i
		for x.i < len(x.s) && wordByte(x.s[x.i]) {
			x.i++
		}
		x.name(x.s[from:x.i])
	default:
		n := 1
		for _, two := range []string{"::", "->", "=>", "==", "!=", ">=", "<=", ">>", "&&", "||", "=~", "**", "..", "?."} {
			if x.has(two) {
				n = 2
			}
		}
		x.i += n
		x.add(tokSign, x.s[x.i-n:x.i], false)
	}
}

// name is an identifier, unless it begins a quoting of the language's own.
func (x *lexer) name(s string) {
	rest := x.s[x.i:]
	if x.lang.prefixes && rest != "" && (rest[0] == '"' || rest[0] == '\'') && len(s) <= 2 && strings.Trim(strings.ToLower(s), "rbfu") == "" {
		x.out = append(x.out, token{kind: tokSign, text: "", expand: strings.ContainsAny(s, "fF")}) // taken back by prefixed
		return
	}
	if x.lang.quoteWords {
		switch s {
		case "q", "qq", "qw", "qx", "m", "qr", "s", "tr", "y":
			at := x.i
			for at < len(x.s) && (x.s[at] == ' ' || x.s[at] == '\t') && s[0] == 'q' {
				at++
			}
			if at < len(x.s) && !wordByte(x.s[at]) && strings.IndexByte(" \t\n,;=)>.", x.s[at]) < 0 && !(at != x.i && x.s[at] == '#') && !strings.HasPrefix(x.s[at:], "=>") {
				x.i = at
				x.quoteWord(s)
				return
			}
		}
	}
	x.add(tokName, s, false)
}

func (x *lexer) quoteWord(s string) {
	body := x.delimited()
	switch s {
	case "q":
		x.add(tokString, body, false)
	case "qq":
		x.add(tokString, body, true)
	case "qw":
		x.add(tokList, body, false)
	case "qx":
		x.add(tokRun, body, true)
	case "s", "tr", "y":
		if x.i > 0 && strings.IndexByte(")]}>", x.s[x.i-1]) >= 0 {
			x.delimited()
		} else {
			x.untilByte(x.s[x.i-1])
		}
		for x.i < len(x.s) && wordByte(x.s[x.i]) {
			x.i++
		}
		x.add(tokString, "", true)
	default:
		x.add(tokString, "", true)
	}
}

// delimited reads what stands between a character and its counterpart.
func (x *lexer) delimited() string {
	if x.i >= len(x.s) {
		return ""
	}
	open := x.s[x.i]
	x.i++
	j := strings.IndexByte("([{<", open)
	if j < 0 {
		return x.untilByte(open)
	}
	end := ")]}>"[j]
	depth, from := 1, x.i
	for ; x.i < len(x.s); x.i++ {
		switch x.s[x.i] {
		case '\\':
			x.i++
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				x.i++
				return x.s[from : x.i-1]
			}
		}
	}
	x.i = min(x.i, len(x.s))
	return x.s[from:x.i]
}

// percent is ruby's %w[…], %q(…), %x{…}.
func (x *lexer) percent() bool {
	rest := x.s[x.i+1:]
	if len(rest) < 2 || strings.IndexByte("wWiIqQxr", rest[0]) < 0 || strings.IndexByte("([{<|!/", rest[1]) < 0 {
		return false
	}
	x.i += 2
	body := x.delimited()
	switch rest[0] {
	case 'w', 'W', 'i', 'I':
		x.add(tokList, body, false)
	case 'q':
		x.add(tokString, body, false)
	case 'Q':
		x.add(tokString, body, true)
	case 'x':
		x.add(tokRun, body, true)
	default:
		x.add(tokString, "", true)
	}
	return true
}

// angle is perl's <*.c>; <FH> and comparisons are not.
func (x *lexer) angle() bool {
	j := strings.IndexByte(x.s[x.i:], '>')
	if j < 0 {
		return false
	}
	body := x.s[x.i+1 : x.i+j]
	if body == "" || strings.ContainsAny(body, " \t\n;=(") || !strings.ContainsAny(body, "*?/{") {
		return false
	}
	x.i += j + 1
	x.add(tokGlob, body, true)
	return true
}

// regexpHere reports whether a slash begins a regular expression: where an
// operand is expected.
func (x *lexer) regexpHere() bool {
	if len(x.out) == 0 {
		return true
	}
	switch t := x.out[len(x.out)-1]; t.kind {
	case tokSign:
		return t.text != ")" && t.text != "]" && t.text != "}"
	case tokLine:
		return true
	case tokName:
		return t.text == "split" || t.text == "if" || t.text == "unless" || t.text == "and" || t.text == "or" || t.text == "return" || t.text == "grep" || t.text == "when"
	}
	return false
}

// prefixed takes back the sign that a string prefix left and reports whether
// it held c.
func (x *lexer) prefixed(byte) bool {
	if n := len(x.out); n > 0 && x.out[n-1].kind == tokSign && x.out[n-1].text == "" {
		f := x.out[n-1].expand
		x.out = x.out[:n-1]
		return f
	}
	return false
}

func (x *lexer) quoted(q byte) {
	expand := q == '"' && x.lang.interpolates
	if x.lang.prefixes {
		expand = x.prefixed('f')
	}
	text := x.untilByte(q)
	if q == '"' || x.lang.prefixes || x.lang.template {
		if !expand {
			text = unescape(text)
		}
	} else {
		text = strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(text)
	}
	x.add(tokString, text, expand)
}

func (x *lexer) until(end string) string {
	from := x.i
	j := strings.Index(x.s[from:], end)
	if j < 0 {
		x.i = len(x.s)
		return x.s[from:]
	}
	x.i = from + j + len(end)
	return x.s[from : from+j]
}

func (x *lexer) untilByte(q byte) string {
	from := x.i
	for ; x.i < len(x.s); x.i++ {
		if x.s[x.i] == '\\' {
			x.i++
			continue
		}
		if x.s[x.i] == q {
			x.i++
			return x.s[from : x.i-1]
		}
	}
	x.i = len(x.s)
	return x.s[min(from, len(x.s)):]
}

// unescape takes the common backslashes out of a string.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'x', 'u':
			n, v, want := 0, 0, 2
			if s[i] == 'u' {
				want = 4
			}
			for n < want && i+1+n < len(s) {
				h := strings.IndexByte("0123456789abcdef", s[i+1+n]|0x20)
				if h < 0 || s[i+1+n] < '0' {
					break
				}
				v = v*16 + h
				n++
			}
			i += n
			b.WriteRune(rune(v))
		case '\n':
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
