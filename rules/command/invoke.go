package command

import (
	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

func (w *walker) findFunc(st *state, name string) (*function, bool) {
	if f, ok := st.funcs[name]; ok && (f != nil || !st.wide) {
		return f, f != nil
	}
	if st.ctx.shell {
		if body, ok := w.shell.Function(name); ok {
			return &function{text: body, unit: -1}, true
		}
	}
	return w.defined(st, name)
}

// invoke inlines a function.
func (w *walker) invoke(st *state, l launch, name string, f *function) result {
	seen := 0
	for _, c := range w.calls {
		if c.name != name {
			continue
		}
		seen++
		if w.forking > c.forking && w.doubts(st) == c.doubts {
			w.note(ForkBomb, name, &l.at)
			return both(st)
		}
	}
	// A function that calls itself is followed as long as each call is sure to
	// happen with words that are known. Behind that its body is walked once more
	// with nothing known: that stands for all the calls below.
	if w.depth+len(w.calls) >= w.lim.Depth {
		w.goFar()
	}
	far := w.far()
	widen := seen > 1 && (st.certain != Certain || w.guessing > 0 || w.steps > maxSteps/16 || !allOf(l.argv)) || far
	if widen {
		if w.widened[name] {
			return both(st)
		}
		if w.widened == nil {
			w.widened = map[string]bool{}
		}
		w.widened[name] = true
		defer delete(w.widened, name)
	}
	body, src := f.body, f.src
	if body == nil {
		if body, src = w.bodyOf(f.text); body == nil {
			w.note(NotUnderstood, "function "+name, &l.at)
			return both(st)
		}
	}
	if len(l.redirs) > 0 {
		w.emit(st, Action{Redirs: l.redirs, Compound: true}, l.at)
	}
	if far {
		if f.text != "" && !w.anew(st, textKey{text: f.text}) || w.once[body] {
			w.widen(st)
			return both(st)
		}
	}
	wide := st.wide
	fr := &frame{wide: wide, name: name, forking: w.forking, doubts: w.doubts(st), sub: w.sub}
	for _, a := range l.assigns {
		fr.save(st, a.Name)
		st.set(a.Name, variable{state: VarSet, val: a.Value, exported: true})
	}
	params, more, saved, at, certain := st.params, st.more, w.src, w.at, st.certain
	ended, exits := st.ended, w.exits
	st.params, st.more = l.argv[1:], false
	loops := w.loops
	w.loops = nil
	if widen {
		st.params, st.more, st.certain = nil, true, Possible
		w.forget(st, func(f *forgetter) { f.node(body) })
		if far {
			w.widen(st)
		}
		w.guessing++
		defer func() { w.guessing-- }()
	}
	w.calls = append(w.calls, fr)
	unit := w.unit
	w.src, w.unit = src, f.unit
	if w.at == nil {
		w.at = &l.at
	}
	r := w.inContext(st, func(c *context) {
		c.via = with(c.via, "function "+name)
		c.connect(l)
	}, func() result { return w.stmt(st, body) })
	w.src, w.at, w.loops, w.unit = saved, at, loops, unit
	w.calls = w.calls[:len(w.calls)-1]
	r.ok, r.fail = w.join(r.ok, fr.ok), w.join(r.fail, fr.fail)
	r.each(func(s *state) {
		s.ctx = st.ctx
		s.params, s.more, s.certain = params, more, certain
		if s.wide && !wide {
			s.params, s.more = nil, true
		}
		if w.exits == exits {
			s.ended = ended // a return ends the function alone
		}
		fr.restore(s)
	})
	return r
}

// allOf reports whether all words are known.
func allOf(ws []word.Word) bool {
	_, ok := known(ws)
	return ok
}

// bodyOf reads a function's body as the live shell gave it: with its head or
// without.
func (w *walker) bodyOf(text string) (*syntax.Stmt, string) {
	saved := w.src
	w.src = text
	f, g := w.parse(text)
	text, w.src = w.src, saved
	w.unparsed(g)
	if f == nil {
		return nil, ""
	}
	if len(f.Stmts) == 1 {
		if d, ok := f.Stmts[0].Cmd.(*syntax.FuncDecl); ok {
			return d.Body, text
		}
	}
	return &syntax.Stmt{Cmd: &syntax.Block{Stmts: f.Stmts}}, text
}

// save keeps a variable that a function makes local.
func (f *frame) save(st *state, name string) {
	if _, ok := f.locals[name]; ok {
		return
	}
	if f.locals == nil {
		f.locals = map[string]*variable{}
	}
	if v, ok := st.vars[name]; ok {
		f.locals[name] = &v
	} else {
		f.locals[name] = nil
	}
}

func (f *frame) restore(st *state) {
	if f.keepsOpts {
		st.own()
		st.opts = f.opts
		st.shared = true // the frame's other end has them too
	}
	for name, v := range f.locals {
		if v != nil && st.wide && !f.wide {
			st.set(name, variable{state: VarUnknown, exported: v.exported})
		} else if v != nil {
			st.set(name, *v)
		} else if _, ok := st.vars[name]; ok {
			st.own()
			delete(st.vars, name)
		}
	}
}
