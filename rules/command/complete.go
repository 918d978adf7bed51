package command

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// completeTries bounds how many ends of a text Complete looks at: a text that
// stays incomplete is then waited for as a whole.
const completeTries = 64

// Complete is how many bytes at the start of text are whole commands, which
// could run without what follows: as much as can be, up to the end of a line.
// With end there is no more to come, and all of it counts. 0 means that more has
// to be read; until is then the line that ends the here-document which text
// is in the midst of, "" where it is in none.
func Complete(text string, end bool) (n int, until string) {
	if end {
		return len(text), ""
	}
	lines := lineEnds(text)
	if len(lines) == 0 {
		return 0, ""
	}
	all := text[:lines[len(lines)-1]]
	ok, until := whole(all)
	if ok {
		return len(all), ""
	}
	tries := completeTries
	for _, line := range slices.Backward(statementLines(all)) {
		// What a here-document takes is behind the statement's own end.
		for ; line <= len(lines) && tries > 0; line++ {
			tries--
			if ok, open := whole(text[:lines[line-1]]); ok {
				return lines[line-1], ""
			} else if open == "" {
				break
			}
		}
	}
	for _, at := range lines[:min(len(lines), completeTries)] {
		if ok, _ := whole(text[:at]); ok {
			return at, ""
		}
	}
	return 0, until
}

// lineEnds are the offsets behind the newlines of a text.
func lineEnds(text string) (ends []int) {
	for i := range len(text) {
		if text[i] == '\n' {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// statementLines are the lines, from 1, on which the last statements of a text
// end that begins with whole ones, in order.
func statementLines(text string) (lines []int) {
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	for stmt, err := range p.StmtsSeq(strings.NewReader(onlyRunes(text))) {
		if err != nil {
			break
		}
		if lines = append(lines, int(stmt.End().Line())); len(lines) > completeTries {
			lines = lines[1:]
		}
	}
	return lines
}

// whole reports whether bash would wait for nothing more, and else for the end
// of which here-document. What bash would call an error is whole too: it is bash
// that has to say so.
func whole(text string) (ok bool, until string) {
	if strings.HasSuffix(text, "\\\n") {
		return false, ""
	}
	_, err := parseText(onlyRunes(text))
	if err == nil {
		return true, ""
	}
	var pe syntax.ParseError
	if errors.As(err, &pe) {
		if word, open := strings.CutPrefix(pe.Text, "unclosed here-document "); open {
			// Without the flag, where the word is quoted.
			if until, err = strconv.Unquote(word); err != nil {
				until = ""
			}
			return false, asBytes(until)
		}
	}
	return !syntax.IsIncomplete(err), ""
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
