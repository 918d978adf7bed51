package command

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// prompt is a text expanded as bash expands a prompt, and what ${x@P} is. The
// value is known where no escape of a prompt stands in the text.
func (w *walker) prompt(st *state, text string) (string, bool) {
	if len(text) > maxValue {
		return "", false
	}
	plain, known := text, true
	if strings.Contains(text, `\`) {
		known = false
		var b strings.Builder
		for i := 0; i < len(text); i++ {
			if text[i] == '\\' {
				i++
				continue
			}
			b.WriteByte(text[i])
		}
		plain = b.String()
	}
	if !strings.ContainsAny(plain, "$`") {
		return text, known
	}
	src := onlyRunes(`x "` + strings.ReplaceAll(plain, `"`, `\"`) + `"`)
	f, err := parseText(src)
	if err != nil || len(f.Stmts) != 1 {
		return "", false
	}
	c, ok := f.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(c.Args) != 2 {
		return "", false
	}
	saved := w.src
	w.src = src
	v, ok := w.value(st, c.Args[1]).Value()
	w.src = saved
	return v, ok && known
}

// prompted walks what the line leaves in the shell that it was typed into to be
// run at its next prompt: begin is that shell before it, end behind it.
func (w *walker) prompted(begin, end *state) {
	if end == nil {
		return
	}
	for _, name := range []string{"PROMPT_COMMAND", "PS0", "PS1"} {
		v, touched := end.vars[name]
		if !touched {
			continue
		}
		held := elements(w.lookup(begin, name))
		for _, text := range elements(v) {
			for _, h := range held {
				text = strings.ReplaceAll(text, h, ":") // it was there before
			}
			s := end.clone()
			s.certain = Possible
			w.inContext(s, func(c *context) { c.via, c.top = with(c.via, name), false }, func() result {
				if name == "PROMPT_COMMAND" {
					if w.unreadable(text) {
						return both(s)
					}
					return w.run(s, fromInput(text), position{1, 1}, name)
				}
				w.prompt(s, text)
				return both(s)
			})
		}
	}
}
