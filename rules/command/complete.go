package command

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// completeTries bounds how many ends of a text Complete looks at: a text that
// stays incomplete is then waited for as a whole.
const completeTries = 64

// Complete is how many bytes at the start of text are whole commands, which
// could run without what follows: all of it if that can be, else up to the
// first line at which it could. With end there is no more to come, and all of
// it counts. 0 means that more has to be read.
func Complete(text string, end bool) int {
	if end || strings.HasSuffix(text, "\n") && whole(text) {
		return len(text)
	}
	at := 0
	for range completeTries {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		if whole(text[:at]) {
			return at
		}
	}
	return 0
}

// whole reports whether bash would wait for nothing more. What bash would call
// an error is whole too: it is bash that has to say so.
func whole(text string) bool {
	if strings.HasSuffix(text, "\\\n") {
		return false
	}
	_, err := parseText(onlyRunes(text))
	return err == nil || !syntax.IsIncomplete(err)
}

// Names lists the variables that a line mentions, and the commands, which may
// be aliases and functions, for a live shell that is asked for all of them at
// once. A line that cannot be parsed mentions none.
func Names(src string) (vars, commands []string) {
	f, err := parseText(onlyRunes(src))
	if err != nil {
		return nil, nil
	}
	lister := func(to *[]string) func(string) {
		seen := map[string]bool{"": true}
		return func(s string) {
			if !seen[s] {
				seen[s] = true
				*to = append(*to, s)
			}
		}
	}
	variable, command := lister(&vars), lister(&commands)
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ParamExp:
			if n.Param != nil {
				variable(n.Param.Value)
			}
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				command(n.Args[0].Lit())
			}
		case *syntax.BinaryArithm, *syntax.UnaryArithm, *syntax.ArithmExp, *syntax.ArithmCmd:
			syntax.Walk(n, func(m syntax.Node) bool {
				if w, ok := m.(*syntax.Word); ok && syntax.ValidName(w.Lit()) {
					variable(w.Lit())
				}
				return true
			})
			return true
		}
		return true
	})
	return vars, commands
}
