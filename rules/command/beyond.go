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
	text := w.src
	if deep(text) {
		return both(st)
	}
	cwd := st.cwd
	w.widen(st)
	st.cwd = cwd
	certain := st.certain
	st.certain = Possible
	from := 0 // where the command begins that could not be parsed, or is tried
	behind := func(stmts []*syntax.Stmt, start int) int {
		if n := len(stmts); n > 0 {
			if end := start + int(stmts[n-1].End().Offset()); end > start && end <= len(text) {
				return nextLine(text, end-1)
			}
		}
		return start
	}
	from = behind(f.Stmts, 0)
	for from < len(text) && strings.TrimSpace(text[from:nextLine(text, from)]) == "" {
		from = nextLine(text, from)
	}
	r := both(st)
	r.part()
	// skip passes over a line of which nothing is known.
	skip := func() {
		next := nextLine(text, from)
		if w.moves(st, text[from:next]) {
			r.each(func(s *state) { s.cwd = word.Hidden("$PWD", word.Var) })
		}
		from = next
	}
	skip()
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	for tried := 0; from < len(text) && tried <= maxTried*len(text); {
		piece := text[from:]
		part, err := p.Parse(strings.NewReader(piece), "")
		tried += len(piece)
		if err != nil {
			var pe syntax.ParseError
			if errors.As(err, &pe) {
				tried += min(int(pe.Pos.Offset())+parserReads, len(piece)) - len(piece)
			}
			part = wholeLines(part, err)
		}
		if part == nil || len(part.Stmts) == 0 {
			if err == nil {
				break // comments alone
			}
			skip()
			continue
		}
		restore(part)
		w.src, w.base, w.tree = piece, w.base+strings.Count(text[:from], "\n"), part.Stmts
		for i := range part.Stmts {
			// What ends the shell may stand in what is not called.
			b := w.seq(w.join(r.ok, r.fail).clone(), part.Stmts[i:i+1], kind)
			b.each(func(s *state) { s.certain = Possible })
			r = result{ok: w.join(r.ok, b.ok), fail: w.join(r.fail, b.fail)}
		}
		w.src, w.base = text, w.base-strings.Count(text[:from], "\n")
		if err == nil {
			break
		}
		from = behind(part.Stmts, from)
	}
	r.each(func(s *state) { s.certain = certain })
	return r
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
