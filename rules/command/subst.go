package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// code is a word as text to be parsed. Holes behind a known beginning become
// marks, which stand for the hole again when the text is expanded.
func (w *walker) code(x word.Word) (string, bool) {
	if s, ok := x.Value(); ok {
		return s, true
	}
	if x.Know != word.Unknown || len(x.Shape) == 0 || x.Shape[0].Hole != word.NoHole || strings.TrimSpace(x.Shape[0].Lit) == "" {
		return "", false
	}
	if len(x.Shape) > 1 && x.Shape[1].Hole == word.Subst && !(strings.HasSuffix(x.Shape[0].Lit, " ") && !strings.ContainsAny(x.Shape[1].Src, "$`(<")) && !strings.ContainsAny(strings.TrimSpace(x.Shape[0].Lit), " \t\n;|&") {
		return "", false // not even the command's name is known
	}
	var b strings.Builder
	for _, p := range x.Shape {
		if p.Hole == word.NoHole {
			b.WriteString(p.Lit)
			continue
		}
		b.WriteString(w.markHole(p))
	}
	return b.String(), true
}

// markHole is a mark in text for what is not known.
func (w *walker) markHole(p word.Part) string {
	w.holes = append(w.holes, p)
	return fmt.Sprintf("%c%d%c", holeOpen, len(w.holes)-1, holeClose)
}

// readable has what stands for a mark in the place of each: words are shown as
// they are written.
func (w *walker) readable(argv []word.Word) []word.Word {
	if w.holes == nil {
		return argv
	}
	marked := func(x word.Word) bool { return strings.IndexByte(x.Src, holeOpen) >= 0 }
	if !slices.ContainsFunc(argv, marked) {
		return argv
	}
	argv = slices.Clone(argv)
	for i, x := range argv {
		if marked(x) {
			var b strings.Builder
			for _, p := range w.unmark(nil, x.Src, true) {
				b.WriteString(p.text + p.src)
			}
			argv[i].Src = b.String()
		}
	}
	return argv
}

// unmark splits text at the marks of holes.
func (w *walker) unmark(ps []piece, text string, quoted bool) []piece {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], holeOpen)
		if i < 0 {
			break
		}
		i += from
		j := i + 1 + strings.IndexByte(text[i+1:], holeClose)
		n, err := strconv.Atoi(text[i+1 : max(i+1, j)])
		if err != nil || n < 0 || n >= len(w.holes) {
			from = i + 1 // the byte stood in the line itself
			continue
		}
		if i > 0 {
			ps = append(ps, piece{text: text[:i], quoted: quoted})
		}
		ps = append(ps, piece{hole: w.holes[n].Hole, src: w.holes[n].Src, quoted: quoted, many: !quoted})
		text, from = text[j+1:], 0
	}
	if text != "" {
		ps = append(ps, piece{text: text, quoted: quoted})
	}
	return ps
}

// run walks a word as code, in the given state.
func (w *walker) run(st *state, x word.Word, at position, what string) result {
	if x.Know == word.OneOf {
		var r result
		for _, v := range x.Values[:min(len(x.Values), 8)] {
			s := st.clone()
			one := w.branch(s, true, func(s *state) result { return w.inline(s, v, at) })
			r = result{w.join(r.ok, one.ok), w.join(r.fail, one.fail)}
		}
		if len(x.Values) > 8 {
			w.unseen(what+" "+x.Src, w.sources(x), &at)
			if s := w.join(r.ok, r.fail); s != nil && what == "eval" {
				w.lose(s)
				return both(s)
			}
		}
		return r
	}
	text, ok := w.code(x)
	if v, given := x.Otherwise(); !ok && given {
		w.branch(st.clone(), true, func(s *state) result { return w.inline(s, v, at) })
	}
	if !ok && x.Origin == word.FromLarge {
		w.note(TooLarge, fmt.Sprintf("%s: code of more than %d bytes", what, maxValue), &at)
		return both(st)
	}
	if !ok {
		w.unseen(what+" "+x.Src, w.sources(x), &at)
		if what == "eval" {
			w.lose(st)
		}
		return both(st)
	}
	return w.inline(st, text, at)
}

// subst walks a command substitution and returns its value.
func (w *walker) subst(st *state, stmts []*syntax.Stmt, src string) word.Word {
	if len(stmts) == 0 {
		return word.Word{Src: src, Know: word.Known, Values: []string{""}, Origin: word.FromSubst}
	}
	if w.fatal != 0 {
		return word.Hidden(src, word.Subst) // an error stopped the expansion before it
	}
	sub := st.child()
	from := len(w.line.Actions)
	end, sure := w.fork(), w.alone(st, sub)
	w.inContext(sub, func(c *context) { c.top, c.hidden, c.via = false, false, with(c.via, "$()") }, func() result {
		return w.leaves(w.seq(sub, stmts, noLines))
	})
	end()
	w.status = true
	text, known := w.written(from)
	sure()
	w.keepWithin(src, from)
	for i := from; i < len(w.line.Actions); i++ {
		w.meta[i].hidden = true
	}
	if len(stmts) == 1 && stmts[0].Cmd == nil {
		text, known = w.substFile(st, stmts)
	}
	if known && len(text) > maxValue {
		return large(src)
	}
	if strings.IndexByte(text, 0) >= 0 {
		known = false
	}
	if !known && text != "" && andList(stmts) && strings.IndexByte(text, 0) < 0 && len(text) <= maxValue {
		// $(cd /srv && pwd): that, or nothing where a step before it fails.
		h := word.Hidden(src, word.Subst)
		h.Shape[0].Else = strings.TrimRight(text, "\n")
		return h
	}
	if !known {
		return w.printedWord(st, from, src)
	}
	return word.Word{Src: src, Know: word.Known, Values: []string{strings.TrimRight(text, "\n")}, Origin: word.FromSubst}
}

// andList reports whether statements are one list of commands, each of which
// runs where those before it succeed.
func andList(stmts []*syntax.Stmt) bool {
	if len(stmts) != 1 {
		return false
	}
	s := stmts[0]
	b, ok := s.Cmd.(*syntax.BinaryCmd)
	for ok && b.Op == syntax.AndStmt && !s.Negated && !s.Background {
		s = b.X
		if b, ok = s.Cmd.(*syntax.BinaryCmd); !ok {
			return true
		}
	}
	return false
}

// printedWord is what a substitution gives whose text is not known: its
// beginning may be, as with $(find /srv -name x).
func (w *walker) printedWord(st *state, from int, src string) word.Word {
	var writers []int
	for i := from; i < len(w.line.Actions); i++ {
		if a := &w.line.Actions[i]; !a.Compound && len(a.PipeTo) == 0 && len(a.Argv) > 0 && !a.Wrapper {
			if text, ok := w.output(i); ok && text == "" {
				continue
			}
			writers = append(writers, i)
		}
	}
	if len(writers) == 1 {
		if a := &w.line.Actions[writers[0]]; len(a.Argv) == 1 && a.Argv[0].Is("pwd") && a.Cwd.Know == word.OneOf {
			// $(cd DIR; pwd): wherever cd led.
			x := a.Cwd
			x.Src, x.Many, x.Origin = src, false, word.FromSubst
			return x
		}
	}
	if len(writers) != 1 || !same(w.line.Actions[writers[0]].Cwd, st.cwd) {
		return word.Hidden(src, word.Subst)
	}
	ws := unnamed(w.printed(writers, 0))
	if len(ws) == 1 && ws[0].Know == word.Known && ws[0].Values[0] != "" {
		h := word.Hidden(src, word.Subst) // that name, or nothing where it is not there
		h.Shape[0].Else = ws[0].Values[0]
		return h
	}
	if len(ws) != 1 || ws[0].Know != word.Unknown || len(ws[0].Shape) < 2 && ws[0].Many && !names(ws[0]) {
		return word.Hidden(src, word.Subst)
	}
	x := ws[0]
	x.Src, x.Many, x.Origin = src, false, word.FromSubst
	return x
}

// substFile is the text of $(<file).
func (w *walker) substFile(st *state, stmts []*syntax.Stmt) (string, bool) {
	if len(stmts) != 1 || stmts[0].Cmd != nil || len(stmts[0].Redirs) != 1 || stmts[0].Redirs[0].Op != syntax.RdrIn {
		return "", false
	}
	x, _ := w.target(st, stmts[0].Redirs[0].Word)
	return w.readFile(st, x)
}

// keepWithin remembers which actions a substitution holds.
func (w *walker) keepWithin(src string, from int) {
	if len(w.line.Actions) == from {
		return
	}
	if w.within == nil {
		w.within = map[string][]int{}
	}
	for i := from; i < len(w.line.Actions); i++ {
		w.within[src] = append(w.within[src], i)
	}
}

// process walks a process substitution.
func (w *walker) process(st *state, p *syntax.ProcSubst) {
	if w.fatal != 0 {
		return
	}
	if p.Op == syntax.CmdOut {
		w.sinks = append(w.sinks, sink{p: p, st: st.child(), notes: len(w.line.Notes)})
	}
	w.processIn(st, p, input{Input: Input{Kind: InputPipe}})
}

// sink is a process substitution that is written to, as it was walked when
// nothing was known of what it reads.
type sink struct {
	p     *syntax.ProcSubst
	st    *state
	notes int // of the line, before it
}

// fill walks the sinks of a command again, with what its actions write to them.
func (w *walker) fill(s *syntax.Stmt, from, before int) {
	sinks := w.sinks[before:]
	w.sinks = w.sinks[:before]
	for _, k := range sinks {
		var b strings.Builder
		src := w.source(k.p)
		into := slices.ContainsFunc(s.Redirs, func(r *syntax.Redirect) bool {
			return (r.Op == syntax.RdrOut || r.Op == syntax.RdrAll) && r.Word != nil && strings.Contains(w.source(r.Word), src)
		})
		for i := from; i < len(w.line.Actions); i++ {
			a := &w.line.Actions[i]
			if len(a.PipeTo) > 0 {
				continue
			}
			if name, _ := a.Name(); !into && (name != "tee" || !slices.ContainsFunc(a.Args(), func(x word.Word) bool { return x.Src == src })) {
				continue
			}
			text, ok := w.output(i)
			if !ok {
				b.Reset()
				break
			}
			b.WriteString(text)
		}
		if b.Len() == 0 || b.Len() > MaxText || len(w.line.Notes) == k.notes {
			continue // nothing of it is unknown, or nothing more is known
		}
		k.st.certain = Possible
		w.processIn(k.st, k.p, *textInput(word.Lit(b.String()), ""))
	}
}

// processIn walks a process substitution; in is what one that is written to
// reads.
func (w *walker) processIn(st *state, p *syntax.ProcSubst, in input) {
	sub := st.child()
	from := len(w.line.Actions)
	end, sure := w.fork(), w.alone(st, sub)
	w.inContext(sub, func(c *context) {
		c.top, c.hidden, c.async = false, false, true
		c.via = with(c.via, p.Op.String()+")")
		if p.Op == syntax.CmdOut {
			c.stdin = in
		}
	}, func() result { return w.leaves(w.seq(sub, p.Stmts, noLines)) })
	end()
	w.keepWithin(w.source(p), from)
	if text, ok := w.written(from); ok && p.Op == syntax.CmdIn {
		if w.processes == nil {
			w.processes = map[string]string{}
		}
		w.processes[w.source(p)] = text
	}
	sure()
	for i := from; i < len(w.line.Actions); i++ {
		w.meta[i].hidden = true
	}
}

// processText is what can be read from <(…), where that is known.
func (w *walker) processText(x word.Word) (string, bool) {
	if x.Know != word.Unknown || len(x.Shape) != 1 {
		return "", false
	}
	t, ok := w.processes[x.Shape[0].Src]
	return t, ok
}

// alone walks what runs by itself, in sub, as if it were certain: what is written
// and read within is certain among itself even where all of it may not run. The
// function that it returns says of the actions what they are.
func (w *walker) alone(st, sub *state) func() {
	from, c := len(w.line.Actions), st.sure()
	sub.certain, sub.ended = Certain, false
	if c == Certain {
		return func() {}
	}
	w.apart++
	return func() {
		w.apart--
		for i := from; i < len(w.line.Actions); i++ {
			w.line.Actions[i].Certain = c
		}
	}
}

// doubts counts what the present command may not be reached for.
func (w *walker) doubts(st *state) int {
	if st.sure() == Certain {
		return w.apart
	}
	return w.apart + 1
}

// written is what the actions from index on write to their standard output,
// where all of it is known. Where it is only not certain that all of it is
// written, the text is given too.
func (w *walker) written(from int) (string, bool) {
	var b strings.Builder
	certain := true
	for i := from; i < len(w.line.Actions); i++ {
		a := &w.line.Actions[i]
		if w.meta[i].hidden || len(a.PipeTo) > 0 || len(a.Argv) == 0 {
			continue
		}
		text, ok := w.output(i)
		if !ok {
			return "", false
		}
		if text != "" && a.Certain != Certain {
			certain = false
		}
		b.WriteString(text)
		if w.followed += len(text); b.Len() > MaxText || w.followed > maxWritten {
			return "", false
		}
	}
	return b.String(), certain && len(w.line.Actions) > from
}
