package command

import (
	"strings"

	"guardsh/rules/word"
)

// m4Code walks what m4 is told to run: syscmd(code) and esyscmd(code) in the
// texts that it is given.
func (w *walker) m4Code(st *state, l launch, _ int, base string) {
	var texts []string
	read := func(x word.Word) {
		if text, ok := w.readFile(st, x); ok {
			texts = append(texts, text)
		}
	}
	given := false
	for i, args := 0, l.argv[1:]; i < len(args); i++ {
		switch v := args[i].Prefix(); {
		case len(v) == 2 && v[0] == '-' && strings.Contains("DUIBHLlstFRdo", v[1:]):
			i++
		case len(v) > 1 && v[0] == '-':
		case v == "-" && args[i].Is("-"):
		default:
			given = true
			read(args[i])
		}
	}
	if in := w.standardInput(st, l); !given {
		if text, ok := w.inputText(st, in); ok {
			texts = append(texts, text)
		} else if text, ok := w.code(in.Word); ok {
			texts = append(texts, text)
		}
	}
	for _, text := range texts {
		for _, code := range m4Calls(w.lookedThrough(text, base, l)) {
			if !w.unreadable(code) {
				w.shellCode(st, l, base, word.Lit(code), func(s *state, _ *context) { s.certain = Possible })
			}
		}
	}
}

// m4Calls are the arguments of the calls in a text that start a shell, without
// their quotes, which changequote may have made brackets.
func m4Calls(text string) (codes []string) {
	open, end := byte('`'), byte('\'')
	if strings.Contains(text, "changequote([") || strings.Contains(text, "changequote(`[") {
		open, end = '[', ']'
	}
	for {
		_, rest, ok := strings.Cut(text, "syscmd(")
		if !ok {
			return codes
		}
		var b strings.Builder
		parens, quotes, i := 1, 0, 0
		for ; i < len(rest) && parens > 0; i++ {
			switch c := rest[i]; {
			case c == open:
				if quotes++; quotes == 1 {
					continue
				}
			case c == end && quotes > 0:
				if quotes--; quotes == 0 {
					continue
				}
			case quotes == 0 && c == '(':
				parens++
			case quotes == 0 && c == ')':
				if parens--; parens == 0 {
					continue
				}
			}
			b.WriteByte(rest[i])
		}
		if code := strings.TrimSpace(b.String()); code != "" {
			codes = append(codes, code)
		}
		text = rest[i:]
	}
}
