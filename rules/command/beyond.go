package command

import (
	"errors"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// gap is a place in a text behind which nothing of it was parsed.
type gap struct {
	kind NoteKind
	says string
	at   *position
}

// unparsed notes a gap, if there is one.
func (w *walker) unparsed(g *gap) {
	if g != nil {
		if g.at != nil {
			g.at.line += w.base
		}
		w.note(g.kind, g.says, g.at)
	}
}

// wholeLines leaves of a text that could not be parsed what stands on lines
// before the error: bash has run that by then.
func wholeLines(f *syntax.File, err error) *syntax.File {
	var pe syntax.ParseError
	if f == nil || !errors.As(err, &pe) {
		return f
	}
	for i, s := range f.Stmts {
		if s == nil || s.Cmd == nil && len(s.Redirs) == 0 || !s.End().IsValid() || s.End().Line() >= pe.Pos.Line() {
			f.Stmts = f.Stmts[:i]
			break
		}
	}
	return f
}

// beyond walks what stands behind a command that bash may understand and the
// parser does not. bash reads a text a command at a time; where that command
// ends is not known, so that each line behind its first is tried as the
// beginning of the next. What is found so may be a part of it: nothing is known
// there of the state, and nothing of it is sure to run. f is what was parsed
// before it, of w.src.
func (w *walker) beyond(st *state, f *syntax.File, kind lineKind) result {
	if deep(w.src) {
		return both(st)
	}
	cwd, certain := st.cwd, st.certain
	w.widen(st)
	st.cwd, st.certain = cwd, Possible
	g := groping{w: w, text: w.src, kind: kind, from: lineBehind(w.src, 0, f.Stmts), found: both(st)}
	g.found.part()
	for g.from < len(g.text) && strings.TrimSpace(g.text[g.from:nextLine(g.text, g.from)]) == "" {
		g.from = nextLine(g.text, g.from)
	}
	g.skip(st)
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	for g.from < len(g.text) && g.tried <= maxTried*len(g.text) && g.try(st, p) {
	}
	g.found.each(func(s *state) { s.certain = certain })
	return g.found
}

// groping is a walk through a text of which it is not known where a command
// begins.
type groping struct {
	w     *walker
	text  string
	kind  lineKind
	from  int    // where the command begins that is tried
	tried int    // bytes that were parsed
	found result // what may be so by now
}

// skip passes over a line of which nothing is known.
func (g *groping) skip(st *state) {
	next := nextLine(g.text, g.from)
	if g.w.moves(st, g.text[g.from:next]) {
		g.found.each(func(s *state) { s.cwd = word.Hidden("$PWD", word.Var) })
	}
	g.from = next
}

// try walks what can be parsed from here on, and reports whether more of the
// text is left.
func (g *groping) try(st *state, p *syntax.Parser) bool {
	piece := g.text[g.from:]
	part, err := p.Parse(strings.NewReader(piece), "")
	g.tried += len(piece)
	if err != nil {
		var pe syntax.ParseError
		if errors.As(err, &pe) {
			g.tried += min(int(pe.Pos.Offset())+parserReads, len(piece)) - len(piece)
		}
		part = wholeLines(part, err)
	}
	if part == nil || len(part.Stmts) == 0 {
		if err != nil {
			g.skip(st)
		}
		return err != nil // else it is comments alone
	}
	restore(part)
	g.walk(piece, part.Stmts)
	g.from = lineBehind(g.text, g.from, part.Stmts)
	return err != nil
}

// walk walks the statements of a piece, none of which is sure to run.
func (g *groping) walk(piece string, stmts []*syntax.Stmt) {
	w, base := g.w, g.w.base
	w.src, w.base, w.tree = piece, base+strings.Count(g.text[:g.from], "\n"), stmts
	for i := range stmts {
		// What ends the shell may stand in what is not called.
		b := w.seq(w.join(g.found.ok, g.found.fail).clone(), stmts[i:i+1], g.kind)
		b.each(func(s *state) { s.certain = Possible })
		g.found = result{ok: w.join(g.found.ok, b.ok), fail: w.join(g.found.fail, b.fail)}
	}
	w.src, w.base = g.text, base
}

// lineBehind is where the line begins behind some statements that were parsed from
// start on.
func lineBehind(text string, start int, stmts []*syntax.Stmt) int {
	if n := len(stmts); n > 0 {
		if end := start + int(stmts[n-1].End().Offset()); end > start && end <= len(text) {
			return nextLine(text, end-1)
		}
	}
	return start
}

// moves reports whether a line may change the working directory: by a builtin
// that does, by code that is not seen, or by a function.
func (w *walker) moves(st *state, line string) bool {
	for _, x := range strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t\n;|&(){}<>`\"'", c) }) {
		switch x {
		case "cd", "pushd", "popd", "eval", ".", "source":
			return true
		}
		if _, ok := w.findFunc(st, x); ok {
			return true
		}
	}
	return false
}

// maxTried is how often a text may be read, in all, to find where a command
// begins again.
const maxTried = 4

// parserReads is how much the parser reads ahead.
const parserReads = 1 << 10

// nextLine is where the line behind the one that holds i begins.
func nextLine(text string, i int) int {
	if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(text)
}
