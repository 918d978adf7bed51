package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"guardsh/guard"
	"guardsh/rules/command"
	"guardsh/rules/word"
)

// The bounds of what is shown of one action: who wants all of it reads the line.
const (
	explainWords = 16 // words of a command
	explainWidth = 28 // columns of a word in front of what is said of it
	explainDepth = 4  // steps that what is started stands below its starter
)

// action tells one action: the command as it would run, whether and where it
// runs, and where those of its words came from that were not simply written.
func (e *explainer) action(i int, all []command.Action, several bool) {
	a := all[i]
	in := strings.Repeat("  ", min(len(a.Via), explainDepth))
	e.f("  %s%d. %s\n", in, i+1, commandLine(a))
	in += strings.Repeat(" ", len(fmt.Sprint(i+1)))
	e.f("  %s  %s\n", in, strings.Join(circumstances(a, several), ", "))
	// The words of what it starts are told there.
	below := map[string]bool{}
	if a.Wrapper && i+1 < len(all) && len(all[i+1].Via) > len(a.Via) {
		for _, w := range all[i+1].Argv {
			below[w.Src] = true
		}
	}
	for _, o := range origins(a, below) {
		e.f("  %s  %s\n", in, o)
	}
}

// commandLine is an action as a line: known words as they are, others as they
// were written.
func commandLine(a command.Action) string {
	var out []string
	for _, as := range a.Assigns {
		out = append(out, guard.Printable(as.Name)+"="+shown(as.Value))
	}
	for i, w := range a.Argv {
		if i == explainWords {
			out = append(out, fmt.Sprintf("… and %d more", len(a.Argv)-i))
			break
		}
		out = append(out, shown(w))
	}
	for _, r := range a.Redirs {
		if sign := redirectName(r.Kind); sign != "" {
			out = append(out, sign+shown(r.Target))
		}
	}
	for _, l := range a.Left {
		out = append(out, guard.Printable(l.Name))
	}
	switch {
	case len(a.Left) > 0:
		return "behind the line the shell has others: " + strings.Join(out, " ")
	case len(out) == 0:
		return "the redirections of what follows"
	}
	return strings.Join(out, " ")
}

// shown is a word in a command line.
func shown(w word.Word) string {
	if v, ok := w.Value(); ok {
		if v == "[" || v == "]" || v == "{}" {
			return v
		}
		return guard.Printable(guard.Quote([]string{v}))
	}
	if w.Src == "" || w.Origin == word.FromInput {
		return guard.Printable(partly(w))
	}
	return guard.Printable(w.Src)
}

// circumstances is whether, where and as whom an action runs.
func circumstances(a command.Action, several bool) []string {
	first := "will run"
	if a.Certain == command.Possible {
		first = "may run"
	}
	if d, ok := a.Cwd.Value(); ok {
		first += " in " + guard.Printable(d)
	} else if a.Cwd.Know == word.OneOf {
		first += " in " + guard.Printable(strings.Join(a.Cwd.Values, " or "))
	} else if a.Place.Kind == command.Here {
		first += " in a directory that is not known"
	}
	out := []string{first}
	if a.User != "" {
		who := guard.Printable(a.User)
		if a.User == "?" {
			who = "a user that is not known"
		}
		out = append(out, "as "+who)
	}
	if a.Place.Kind != command.Here {
		var names []string
		for _, n := range a.Place.Names {
			names = append(names, shown(n))
		}
		out = append(out, strings.TrimSpace(placeName(a.Place.Kind)+" "+strings.Join(names, " ")))
	}
	if len(a.Via) > 0 {
		out = append(out, "by "+guard.Printable(strings.Join(a.Via, " > ")))
	}
	if a.Async {
		out = append(out, "in the background")
	}
	if a.Builtin {
		out = append(out, "inside the shell")
	}
	if n := len(a.Stdin.From); a.Stdin.Kind == command.InputPipe && n > 0 && n <= 4 {
		var from []string
		for _, j := range a.Stdin.From {
			from = append(from, fmt.Sprint(j+1))
		}
		writes := " writes"
		if n > 1 {
			writes = " write"
		}
		out = append(out, "reading what "+strings.Join(from, " and ")+writes)
	}
	if several {
		out = append(out, fmt.Sprintf("line %d", a.Line))
	}
	return out
}

// origins tells of each word that was not simply written out what it is and
// where it came from; words from one pattern are told together.
func origins(a command.Action, below map[string]bool) []string {
	ws := append([]word.Word{}, a.Argv[:min(len(a.Argv), 4*explainWords)]...)
	for _, r := range a.Redirs {
		if redirectName(r.Kind) != "" {
			ws = append(ws, r.Target)
		}
	}
	var names, says []string
	told := map[string]bool{}
	for i := 0; i < len(ws); {
		n := 1
		for i+n < len(ws) && ws[i].Know == word.Known && ws[i+n].Know == word.Known && ws[i+n].Src == ws[i].Src && ws[i].Origin == ws[i+n].Origin && ws[i].Origin != word.FromLiteral {
			n++
		}
		name, what := shown(ws[i]), origin(ws[i])
		if n > 1 {
			name += " … " + shown(ws[i+n-1])
			what = fmt.Sprintf("%d words from %s, %s", n, guard.Printable(ws[i].Src), originName(ws[i].Origin))
		}
		src := ws[i].Src
		i += n
		if what == "" || told[name+what] || below[src] {
			continue
		}
		told[name+what] = true
		names, says = append(names, name), append(says, what)
	}
	width := 0
	for _, n := range names {
		if l := utf8.RuneCountInString(n); l <= explainWidth {
			width = max(width, l)
		}
	}
	out := make([]string, len(names))
	for i, n := range names {
		pad := max(0, width-utf8.RuneCountInString(n))
		out[i] = n + strings.Repeat(" ", pad) + "  " + says[i]
	}
	return out
}

// origin says what a word is, where its text in the command does not.
func origin(w word.Word) string {
	switch w.Know {
	case word.Known:
		if w.Origin == word.FromLiteral || w.Src == w.String() || w.Src == "" {
			return ""
		}
		return "from " + guard.Printable(w.Src) + ", " + originName(w.Origin)
	case word.OneOf:
		vs := w.Values
		more := ""
		if len(vs) > 6 {
			vs, more = vs[:6], fmt.Sprintf(" and %d more", len(vs)-6)
		}
		return "one of " + guard.Printable(strings.Join(vs, ", ")) + more
	case word.Unknown:
	}
	literal, globs := false, true
	for _, p := range w.Shape {
		literal = literal || p.Hole == word.NoHole
		globs = globs && (p.Hole == word.NoHole || p.Hole == word.Glob)
	}
	known := partly(w)
	switch {
	case w.Origin == word.FromLarge:
		return "too large to be followed"
	case len(w.Shape) > 0 && globs:
		if known == w.Src {
			return "the names that match when it runs"
		}
		return "the names that match " + guard.Printable(known) + " when it runs"
	case literal && known == shown(w):
		return "known in part before it runs"
	case literal:
		return "known in part before it runs: " + guard.Printable(known)
	}
	return "not known before it runs"
}

// partly is a word with a mark for each part that is not known.
func partly(w word.Word) string {
	var b strings.Builder
	for _, p := range w.Shape {
		switch p.Hole {
		case word.NoHole:
			b.WriteString(p.Lit)
		case word.Glob:
			b.WriteString(p.Src)
		case word.Var, word.Subst:
			b.WriteString("…")
		}
	}
	if b.Len() == 0 {
		return "…"
	}
	return strings.ReplaceAll(b.String(), "……", "…")
}

// originName is where a word comes from, in words.
func originName(o word.Origin) string {
	switch o {
	case word.FromLiteral:
		return "written out"
	case word.FromVariable:
		return "a variable"
	case word.FromEnv:
		return "the environment"
	case word.FromShell:
		return "the live shell"
	case word.FromGlob:
		return "matching names"
	case word.FromBrace:
		return "a brace expansion"
	case word.FromSubst:
		return "what a command prints"
	case word.FromInput:
		return "what is read"
	case word.FromAlias:
		return "an alias"
	case word.FromLarge:
		return "a large value"
	}
	return ""
}
