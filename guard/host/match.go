package host

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"guardsh/rules/command"
)

// matchSteps bounds the work of one match: patterns such as *(*(a)) take
// exponential time on long names. Past it the name counts as matched, since
// one name too many is safer than one too few.
const matchSteps = 1 << 16

// matcher matches file names against one component of a pattern.
type matcher struct {
	opts  command.GlobOptions
	steps int
}

// match is bash's, for one file name: a leading dot must be written unless
// dotglob is set, and "." and ".." are never matched.
func (m *matcher) match(pattern, name string) bool {
	if name == "." || name == ".." {
		return false
	}
	if strings.HasPrefix(name, ".") && !m.opts.DotGlob && !dotWritten(pattern, m.opts.ExtGlob) {
		return false
	}
	m.steps = 0
	return m.here(pattern, name)
}

// dotWritten says whether a pattern begins with a literal dot.
func dotWritten(p string, extglob bool) bool {
	p = strings.TrimPrefix(p, `\`)
	if strings.HasPrefix(p, ".") {
		return true
	}
	if extglob && len(p) > 2 && strings.IndexByte("?*+@", p[0]) >= 0 && p[1] == '(' {
		if alts, rest, ok := alternatives(p[1:]); ok {
			for _, a := range alts {
				if dotWritten(a, true) || a == "" && dotWritten(rest, true) {
					return true
				}
			}
			return p[0] != '+' && p[0] != '@' && dotWritten(rest, true)
		}
	}
	return false
}

// here matches the whole of s.
func (m *matcher) here(p, s string) bool {
	for p != "" {
		if m.steps++; m.steps > matchSteps {
			return true
		}
		c := p[0]
		if m.opts.ExtGlob && len(p) > 1 && p[1] == '(' && strings.IndexByte("?*+@!", c) >= 0 {
			if alts, rest, ok := alternatives(p[1:]); ok {
				return m.group(c, alts, rest, s)
			}
		}
		switch c {
		case '*':
			for p != "" && p[0] == '*' && !(m.opts.ExtGlob && len(p) > 1 && p[1] == '(') {
				p = p[1:]
			}
			if p == "" {
				return true
			}
			for i := 0; i <= len(s); i++ {
				if (i == len(s) || utf8.RuneStart(s[i])) && m.here(p, s[i:]) {
					return true
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
			_, n := utf8.DecodeRuneInString(s)
			p, s = p[1:], s[n:]
			continue
		case '[':
			if end, ok := bracketEnd(p, 0); ok {
				if s == "" {
					return false
				}
				r, n := utf8.DecodeRuneInString(s)
				if !m.bracket(p[1:end], r) {
					return false
				}
				p, s = p[end+1:], s[n:]
				continue
			}
		case '\\':
			if len(p) > 1 {
				p = p[1:]
			}
		}
		pr, pn := utf8.DecodeRuneInString(p)
		sr, sn := utf8.DecodeRuneInString(s)
		if s == "" {
			return false
		}
		if pr == utf8.RuneError && pn == 1 || sr == utf8.RuneError && sn == 1 {
			// Bytes that are no text are compared as bytes.
			if p[0] != s[0] {
				return false
			}
			p, s = p[1:], s[1:]
			continue
		}
		if !m.same(pr, sr) {
			return false
		}
		p, s = p[pn:], s[sn:]
	}
	return s == ""
}

func (m *matcher) same(a, b rune) bool {
	return a == b || m.opts.NoCase && unicode.ToLower(a) == unicode.ToLower(b)
}

// group matches an extglob: ?(…) *(…) +(…) @(…) !(…), then the rest.
func (m *matcher) group(kind byte, alts []string, rest, s string) bool {
	if m.steps++; m.steps > matchSteps {
		return true
	}
	one := func(part string) bool {
		for _, a := range alts {
			if m.here(a, part) {
				return true
			}
		}
		return false
	}
	if (kind == '?' || kind == '*') && m.here(rest, s) {
		return true
	}
	for i := 0; i <= len(s); i++ {
		head, tail := s[:i], s[i:]
		switch kind {
		case '!':
			if !one(head) && m.here(rest, tail) {
				return true
			}
		case '?', '@':
			if one(head) && m.here(rest, tail) {
				return true
			}
		case '*', '+':
			if !one(head) {
				continue
			}
			// Once; and again, as long as something was taken.
			if m.here(rest, tail) || i > 0 && m.group('*', alts, rest, tail) {
				return true
			}
		}
	}
	return false
}

// alternatives splits "(a|b)rest".
func alternatives(p string) (alts []string, rest string, ok bool) {
	depth, start := 0, 1
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '[':
			if end, ok := bracketEnd(p, i); ok {
				i = end
			}
		case '(':
			depth++
		case '|':
			if depth == 1 {
				alts = append(alts, p[start:i])
				start = i + 1
			}
		case ')':
			if depth--; depth == 0 {
				return append(alts, p[start:i]), p[i+1:], true
			}
		}
	}
	return nil, "", false
}

// bracketEnd is where the bracket expression that begins at p[i] ends.
func bracketEnd(p string, i int) (int, bool) {
	j := i + 1
	if j < len(p) && (p[j] == '!' || p[j] == '^') {
		j++
	}
	if j < len(p) && p[j] == ']' {
		j++
	}
	for ; j < len(p); j++ {
		switch p[j] {
		case '\\':
			j++
		case '[':
			if j+1 < len(p) && strings.IndexByte(":.=", p[j+1]) >= 0 {
				if k := strings.Index(p[j+2:], p[j+1:j+2]+"]"); k >= 0 {
					j += 2 + k + 1
				}
			}
		case ']':
			return j, true
		}
	}
	return 0, false
}

var classes = sync.OnceValue(func() map[string]func(rune) bool {
	return map[string]func(rune) bool{
		"alpha": unicode.IsLetter, "digit": func(r rune) bool { return r >= '0' && r <= '9' },
		"alnum": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
		"upper": unicode.IsUpper, "lower": unicode.IsLower, "space": unicode.IsSpace,
		"punct": func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) },
		"print": unicode.IsPrint, "graph": unicode.IsGraphic, "cntrl": unicode.IsControl,
		"blank": func(r rune) bool { return r == ' ' || r == '\t' },
		"xdigit": func(r rune) bool {
			return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
		},
		"word": func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) },
	}
})

// bracket matches one character against what stands between the brackets.
func (m *matcher) bracket(b string, r rune) bool {
	not := strings.HasPrefix(b, "!") || strings.HasPrefix(b, "^")
	if not {
		b = b[1:]
	}
	hit := false
	for b != "" {
		if strings.HasPrefix(b, "[:") {
			if k := strings.Index(b, ":]"); k > 0 {
				f := classes()[b[2:k]]
				hit = hit || f != nil && f(r) // nocaseglob leaves classes alone
				b = b[k+2:]
				continue
			}
		}
		lo, rest := element(b)
		hi := lo
		if len(rest) > 1 && rest[0] == '-' {
			hi, rest = element(rest[1:])
		}
		b = rest
		in := func(r rune) bool { return lo <= r && r <= hi }
		hit = hit || in(r) || m.opts.NoCase && (in(unicode.ToLower(r)) || in(unicode.ToUpper(r)))
	}
	return hit != not
}

// element is one character of a bracket expression: itself, \c, [.c.] or [=c=].
func element(b string) (rune, string) {
	switch {
	case b[0] == '\\' && len(b) > 1:
		b = b[1:]
	case strings.HasPrefix(b, "[.") || strings.HasPrefix(b, "[="):
		if k := strings.Index(b[2:], b[1:2]+"]"); k > 0 {
			r, _ := utf8.DecodeRuneInString(b[2:])
			return r, b[2+k+2:]
		}
	}
	r, n := utf8.DecodeRuneInString(b)
	return r, b[n:]
}
