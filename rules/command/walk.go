package command

import (
	"fmt"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// lineKind says whether commands are the lines of a text, and of what text.
type lineKind uint8

const (
	noLines    lineKind = iota // parts of a command
	textLines                  // read one after the other: eval, a sourced file
	shellLines                 // those of a shell, which goes on with the next after some errors
)

// seq walks commands one after another. What comes after the first may start
// in the state of either its success or its failure.
func (w *walker) seq(st *state, stmts []*syntax.Stmt, lines lineKind) result {
	r := both(st)
	if len(stmts) == 0 {
		r = success(st)
	}
	for i, s := range stmts {
		next := lines != noLines && (i == 0 || s.Pos().Line() > stmts[i-1].End().Line())
		if next {
			w.units++
			w.unit = w.units
			if lines == shellLines && w.dropped != nil {
				r.fail = w.join(r.fail, w.dropped)
				w.dropped = nil
			}
		}
		if i > 0 {
			if st = w.join(r.ok, r.fail); st == nil {
				r = result{}
				if w.dropped != nil && lines == shellLines {
					continue // a line below may be read
				}
				return r
			}
		}
		r = w.stmt(st, s)
		if r.fail != nil && w.cond == 0 && !s.Negated && w.opt(r.fail, "errexit") && !lenient(s.Cmd) {
			if r.fail.atExit != nil {
				s := r.fail.clone()
				s.certain = Possible
				w.leave(s)
			}
			r.fail = nil
		}
	}
	return r
}

// lenient commands may fail under set -e without ending the shell.
func lenient(c syntax.Command) bool {
	b, ok := c.(*syntax.BinaryCmd)
	return ok && (b.Op == syntax.AndStmt || b.Op == syntax.OrStmt)
}

func (w *walker) stmt(st *state, s *syntax.Stmt) result {
	w.steps++
	if w.tooFar() {
		return both(st)
	}
	if w.far() && !w.anew(st, s) {
		return both(st)
	}
	if w.nest > maxNest {
		w.note(TooLarge, fmt.Sprintf("syntax nested more than %d deep", maxNest), nil)
		return both(st)
	}
	w.nest++
	defer func() { w.nest-- }()
	if s.Background {
		sub := st.child()
		w.forking++
		end := w.fork()
		w.inContext(sub, func(c *context) { c.async, c.top = true, false }, func() result { return w.leaves(w.plain(sub, s)) })
		end()
		w.forking--
		return success(st)
	}
	if s.Negated {
		w.cond++
		r := w.plain(st, s)
		w.cond--
		return result{ok: r.fail, fail: r.ok}
	}
	return w.plain(st, s)
}

// plain walks a statement without its "!" and "&".
func (w *walker) plain(st *state, s *syntax.Stmt) result {
	switch c := s.Cmd.(type) {
	case nil:
		return w.bare(st, s)
	case *syntax.CallExpr:
		return w.call(st, s, c)
	case *syntax.DeclClause:
		return w.declare(st, s, c)
	case *syntax.FuncDecl:
		return w.define(st, c)
	case *syntax.BinaryCmd:
		if len(s.Redirs) == 0 {
			return w.binary(st, c)
		}
	}
	if len(s.Redirs) == 0 {
		return w.compound(st, s.Cmd)
	}
	redirs, in := w.redirs(st, s.Redirs)
	if w.fatal != 0 {
		return w.failed(st)
	}
	return w.doubted(st, func(st *state) result { return w.redirected(st, s, redirs, in) })
}

// redirected walks a compound command with its redirections.
func (w *walker) redirected(st *state, s *syntax.Stmt, redirs []Redir, in *input) result {
	w.emit(st, Action{Redirs: redirs, Compound: true}, w.where(s.Pos()))
	return w.inContext(st, func(c *context) {
		if in != nil {
			c.stdin = *in
		}
		for _, r := range redirs {
			if r.FD == 1 && r.Kind != In && r.Kind != Text {
				c.hidden = true
			}
		}
	}, func() result { return w.compound(st, s.Cmd) })
}

// bare is a redirection alone.
func (w *walker) bare(st *state, s *syntax.Stmt) result {
	redirs, _ := w.redirs(st, s.Redirs)
	if w.fatal != 0 {
		return w.failed(st)
	}
	w.emit(st, Action{Redirs: redirs}, w.where(s.Pos()))
	st.last = word.Lit("")
	r := both(st)
	r.part()
	return r
}

func (w *walker) compound(st *state, cmd syntax.Command) result {
	switch c := cmd.(type) {
	case *syntax.BinaryCmd:
		return w.binary(st, c)
	case *syntax.Block:
		return w.seq(st, c.Stmts, noLines)
	case *syntax.Subshell:
		return w.subshell(st, c.Stmts)
	case *syntax.IfClause:
		return w.ifClause(st, c)
	case *syntax.WhileClause:
		return w.while(st, c)
	case *syntax.ForClause:
		return w.forClause(st, c)
	case *syntax.CaseClause:
		return w.caseClause(st, c)
	case *syntax.TimeClause:
		if c.Stmt == nil {
			return success(st)
		}
		return w.stmt(st, c.Stmt)
	case *syntax.CoprocClause:
		sub, name := st.child(), "COPROC"
		if c.Name != nil {
			name = w.source(c.Name)
		}
		run := func() result { return w.stmt(sub, c.Stmt) }
		if x, ok := c.Stmt.Cmd.(*syntax.CallExpr); ok && len(x.Args) > 0 && len(x.Assigns) > 0 && x.Args[0].Pos().Offset() < x.Assigns[0].Pos().Offset() && w.spliced == nil {
			// "coproc dd of=x": the parser takes the operands for assignments.
			if from, to := x.Args[0].Pos(), max(c.Stmt.End().Offset(), x.Assigns[len(x.Assigns)-1].End().Offset()); int(to) <= len(w.src) {
				run = func() result { return w.inline(sub, w.src[from.Offset():to], w.where(from)) }
			}
		}
		end := w.fork()
		w.inContext(sub, func(c *context) {
			c.async, c.top, c.hidden = true, false, true
			// It reads what the line writes to the coprocess later.
			c.stdin = input{Input: Input{Kind: InputPipe}, coproc: name}
		}, func() result { return w.leaves(run()) })
		end()
		return success(st)
	case *syntax.ArithmCmd:
		return w.truth(st, w.arith(st, c.X))
	case *syntax.LetClause:
		var n number
		for _, e := range c.Exprs {
			n = w.letExpr(st, e)
		}
		return w.truth(st, n)
	case *syntax.TestClause:
		return w.truthOf(st, w.test(st, c.X))
	case *syntax.TestDecl:
		return both(st)
	}
	w.note(NotUnderstood, fmt.Sprintf("%T", cmd), nil)
	return both(st)
}

// letExpr is an argument of let: quotes do not make it anything but an
// expression.
func (w *walker) letExpr(st *state, e syntax.ArithmExpr) number {
	x, ok := e.(*syntax.Word)
	if !ok || x.Lit() != "" {
		return w.arith(st, e)
	}
	if v, ok := w.value(st, x).Value(); ok && len(v) < maxOpen {
		if f, err := parseText("((" + v + "))"); err == nil && len(f.Stmts) == 1 {
			if a, ok := f.Stmts[0].Cmd.(*syntax.ArithmCmd); ok {
				return w.arith(st, a.X)
			}
		}
	}
	w.lose(st)
	return number{}
}

func (w *walker) truth(st *state, n number) result {
	if w.fatal != 0 {
		return w.failed(st)
	}
	if !n.known {
		return both(st)
	}
	if n.n != 0 {
		return success(st)
	}
	return failure(st)
}

func (w *walker) truthOf(st *state, t truth) result {
	if w.fatal != 0 {
		return w.failed(st)
	}
	switch t {
	case yes:
		return success(st)
	case no:
		return failure(st)
	}
	return both(st)
}

// subshell walks commands whose state does not come back.
func (w *walker) subshell(st *state, stmts []*syntax.Stmt) result {
	sub := st.child()
	end := w.fork()
	r := w.inContext(sub, func(c *context) { c.top = false }, func() result { return w.leaves(w.seq(sub, stmts, noLines)) })
	end()
	return outcome(st, r)
}

// outcome carries a subshell's success or failure over to its parent.
func outcome(st *state, r result) result {
	switch {
	case r.ended():
		return both(st)
	case r.fail == nil:
		return success(st)
	case r.ok == nil:
		return failure(st)
	}
	return both(st)
}

// binary walks && || and pipelines; the left spine is walked in a loop.
func (w *walker) binary(st *state, b *syntax.BinaryCmd) result {
	if b.Op == syntax.Pipe || b.Op == syntax.PipeAll {
		return w.pipeline(st, b)
	}
	type step struct {
		op syntax.BinCmdOperator
		s  *syntax.Stmt
	}
	var steps []step
	first := b.X
	steps = append(steps, step{b.Op, b.Y})
	for {
		x, ok := first.Cmd.(*syntax.BinaryCmd)
		if !ok || x.Op == syntax.Pipe || x.Op == syntax.PipeAll || first.Negated || first.Background || len(first.Redirs) > 0 {
			break
		}
		steps = append(steps, step{x.Op, x.Y})
		first = x.X
	}
	w.cond++
	r := w.stmt(st, first)
	w.cond--
	for i := len(steps) - 1; i >= 0; i-- {
		if i > 0 {
			w.cond++
		}
		if steps[i].op == syntax.AndStmt {
			r = w.and(r, steps[i].s)
		} else {
			r = w.or(r, steps[i].s)
		}
		if i > 0 {
			w.cond--
		}
	}
	return r
}

func (w *walker) and(r result, y *syntax.Stmt) result {
	if r.ok == nil {
		return r
	}
	r.part()
	ry := w.branch(r.ok, r.fail != nil, func(st *state) result { return w.stmt(st, y) })
	if ry.ended() && r.fail != nil {
		r.fail.ended = true
	}
	return result{ok: ry.ok, fail: w.join(r.fail, ry.fail)}
}

func (w *walker) or(r result, y *syntax.Stmt) result {
	if r.fail == nil {
		return r
	}
	r.part()
	ry := w.branch(r.fail, r.ok != nil, func(st *state) result { return w.stmt(st, y) })
	if ry.ended() && r.ok != nil {
		r.ok.ended = true
	}
	return result{ok: w.join(r.ok, ry.ok), fail: ry.fail}
}

// branch walks what may not run; its own certainty ends with it.
func (w *walker) branch(st *state, may bool, f func(*state) result) result {
	saved := st.certain
	if may {
		st.certain = Possible
	}
	r := f(st)
	if may {
		r.each(func(s *state) { s.certain = saved })
	}
	return r
}

func (w *walker) ifClause(st *state, c *syntax.IfClause) result {
	if len(c.Cond) == 0 { // else
		return w.seq(st, c.Then, noLines)
	}
	w.cond++
	r := w.seq(st, c.Cond, noLines)
	w.cond--
	if r.ended() {
		return r
	}
	r.part()
	var then, other result
	if r.ok != nil {
		then = w.branch(r.ok, r.fail != nil, func(s *state) result { return w.seq(s, c.Then, noLines) })
	}
	if r.fail != nil {
		if c.Else != nil {
			other = w.branch(r.fail, r.ok != nil, func(s *state) result { return w.ifClause(s, c.Else) })
		} else {
			other = success(r.fail)
		}
	}
	out := result{ok: w.join(then.ok, other.ok), fail: w.join(then.fail, other.fail)}
	if r.ok != nil && then.ended() || r.fail != nil && other.ended() {
		out.doubt()
	}
	return out
}

func (w *walker) caseClause(st *state, c *syntax.CaseClause) result {
	subject := w.value(st, c.Word)
	if w.fatal != 0 {
		return w.failed(st)
	}
	var outs []result
	rest := st // the state in which no pattern matched yet; nil when one surely did
	sure := true
	was := st.certain
	var through *state
	end := false
	for _, item := range c.Items {
		m := no
		for _, p := range item.Patterns {
			switch w.matches(rest, subject, p) {
			case yes:
				m = yes
			case maybe:
				if m == no {
					m = maybe
				}
			}
		}
		enter := through
		through = nil
		if m != no && !end {
			s := rest
			if m == maybe || enter != nil {
				s = rest.clone()
			}
			enter = w.join(enter, s)
			if m == yes {
				end = true
			}
		}
		if enter == nil {
			continue
		}
		r := w.branch(enter, m == maybe || !sure, func(s *state) result { return w.seq(s, item.Stmts, noLines) })
		if m == maybe {
			sure = false
		}
		switch item.Op {
		case syntax.Fallthrough:
			through = w.join(r.ok, r.fail)
		case syntax.Resume, syntax.ResumeKorn:
			if s := w.join(r.ok, r.fail); s != nil {
				end = false
				rest = s
				sure = false
			}
		default:
			outs = append(outs, r)
		}
	}
	var out result
	if !end {
		out = success(rest)
	}
	ends := false
	for _, r := range outs {
		ends = ends || r.ended()
		out = result{ok: w.join(out.ok, r.ok), fail: w.join(out.fail, r.fail)}
	}
	if through != nil {
		out.ok = w.join(out.ok, through)
	}
	out.each(func(s *state) { s.certain, s.ended = was, s.ended || ends })
	return out
}

func (w *walker) define(st *state, c *syntax.FuncDecl) result {
	if c.Name == nil {
		return both(st)
	}
	st.own()
	if st.funcs == nil {
		st.funcs = map[string]*function{}
	}
	f := &function{body: c.Body, src: w.src, unit: w.unit}
	st.funcs[c.Name.Value] = f
	if w.far() {
		if w.functions == nil {
			w.functions = map[string][]*function{}
		}
		w.functions[c.Name.Value] = append(w.functions[c.Name.Value], f)
	}
	at := w.where(c.Pos())
	if _, err := st.ctx.files.LookPath(c.Name.Value, ""); err == nil {
		w.note(DefinesName, "function "+c.Name.Value, &at)
	}
	return success(st)
}
