package command

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// truth is the answer of a test.
type truth uint8

const (
	no truth = iota
	yes
	maybe
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

func not(t truth) truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return maybe
}

// matches reports whether a word matches a pattern of the line.
func (w *walker) matches(st *state, subject word.Word, x *syntax.Word) truth {
	pat, ok := w.pattern(st, x)
	if !ok {
		return maybe
	}
	if pat == "*" {
		return yes
	}
	if subject.Know == word.Unknown || subject.Know == 0 {
		if !hasMeta(pat) && !strings.Contains(pat, `\`) && !subject.Could(pat) {
			return no
		}
		return maybe
	}
	all, any := true, false
	for _, v := range subject.Values {
		m, ok := match(pat, v)
		if !m && ok && w.opt(st, "nocasematch") {
			m, ok = match(strings.ToLower(pat), strings.ToLower(v))
		}
		if !ok {
			return maybe
		}
		all, any = all && m, any || m
	}
	switch {
	case all:
		return yes
	case any:
		return maybe
	}
	return no
}

// match reports whether a pattern matches the whole of s; false, false where
// the pattern is one that cannot be matched here.
func match(pat, s string) (bool, bool) {
	if extended(pat) {
		return matchExtended(pat, s)
	}
	// Iterative with one point of return, so that no pattern takes
	// exponential time.
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		if p < len(pat) && pat[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n, m := step(pat[p:], s[i:]); n > 0 {
			p += n
			i += m
			continue
		}
		if star < 0 {
			return false, true
		}
		mark++
		p, i = star+1, mark
	}
	for p < len(pat) && pat[p] == '*' {
		p++
	}
	return p == len(pat), true
}

// step matches one character: how much of the pattern and of s it takes.
func step(pat, s string) (int, int) {
	if pat == "" {
		return 0, 0
	}
	r, size := utf8.DecodeRuneInString(s)
	switch pat[0] {
	case '?':
		return 1, size
	case '\\':
		if len(pat) > 1 && pat[1] == s[0] {
			return 2, 1
		}
		return 0, 0
	case '[':
		if n := bracket(pat); n > 0 {
			if inBracket(pat[1:n-1], r) {
				return n, size
			}
			return 0, 0
		}
	}
	if pat[0] == s[0] {
		return 1, 1
	}
	return 0, 0
}

var classes = sync.OnceValue(func() map[string]func(rune) bool {
	return map[string]func(rune) bool{
		"digit": func(r rune) bool { return r >= '0' && r <= '9' },
		"alpha": func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' },
		"alnum": func(r rune) bool {
			return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		},
		"upper": func(r rune) bool { return r >= 'A' && r <= 'Z' },
		"lower": func(r rune) bool { return r >= 'a' && r <= 'z' },
		"space": func(r rune) bool { return strings.ContainsRune(" \t\n\r\v\f", r) },
		"blank": func(r rune) bool { return r == ' ' || r == '\t' },
		"punct": func(r rune) bool {
			return r < 128 && r > 32 && strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r)
		},
		"xdigit": func(r rune) bool {
			return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
		},
	}
})

func inBracket(set string, r rune) bool {
	negated := false
	if set != "" && (set[0] == '!' || set[0] == '^') {
		negated = true
		set = set[1:]
	}
	in := false
	for len(set) > 0 {
		if strings.HasPrefix(set, "[:") {
			if j := strings.Index(set, ":]"); j > 0 {
				if f := classes()[set[2:j]]; f != nil && f(r) {
					in = true
				}
				set = set[j+2:]
				continue
			}
		}
		lo, n := utf8.DecodeRuneInString(set)
		set = set[n:]
		if lo == '\\' && set != "" {
			lo, n = utf8.DecodeRuneInString(set)
			set = set[n:]
		}
		hi := lo
		if len(set) > 1 && set[0] == '-' {
			hi, n = utf8.DecodeRuneInString(set[1:])
			set = set[1+n:]
		}
		if lo <= r && r <= hi {
			in = true
		}
	}
	return in != negated
}

func matchExtended(pat, s string) (bool, bool) {
	if len(pat) > 4096 {
		return false, false
	}
	expr, err := pattern.Regexp(pat, pattern.EntireString|pattern.ExtendedOperators)
	if err != nil {
		if inner, ok := strings.CutPrefix(pat, "!("); ok && strings.IndexByte(inner, ')') == len(inner)-1 && !strings.ContainsAny(inner, "(") {
			m, known := matchExtended("@("+inner, s)
			return !m, known
		}
		return false, false
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return false, false
	}
	return re.MatchString(s), true
}

// trimPattern takes the shortest or longest prefix or suffix that matches off.
func trimPattern(s, pat string, prefix, large bool) (string, bool) {
	if len(s) > 4096 {
		return "", false
	}
	for k := 0; k <= len(s); k++ {
		n := k
		if large {
			n = len(s) - k
		}
		part, rest := s[:n], s[n:]
		if !prefix {
			part, rest = s[len(s)-n:], s[:len(s)-n]
		}
		m, ok := match(pat, part)
		if !ok {
			return "", false
		}
		if m {
			return rest, true
		}
	}
	return s, true
}

// replace does ${s/pat/with}, or with all ${s//pat/with}; an anchor of # or %
// ties the pattern to the beginning or the end.
func replace(s, pat string, anchor byte, with substitute, all bool) (string, bool) {
	if pat == "" {
		switch anchor {
		case '#':
			return with.text("") + s, true
		case '%':
			return s + with.text(""), true
		}
		return s, true
	}
	if len(s) > 4096 {
		return "", false
	}
	if s == "" {
		m, ok := match(pat, "")
		if m {
			s = with.text("")
		}
		return s, ok
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		n := -1
		for e := len(s); e >= i; e-- {
			if anchor == '%' && e != len(s) {
				break
			}
			m, ok := match(pat, s[i:e])
			if !ok {
				return "", false
			}
			if m && e > i {
				n = e - i
				break
			}
		}
		if n < 0 {
			if anchor == '#' {
				return s, true
			}
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(with.text(s[i : i+n]))
		i += n
		if b.Len() > maxValue {
			return "", false
		}
		if !all {
			b.WriteString(s[i:])
			return b.String(), true
		}
	}
	return b.String(), true
}
