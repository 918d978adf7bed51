package command

import "guardsh/rules/word"

// under starts a command below a wrapper: as a process of its own, in a
// context that change describes.
func (w *walker) under(st *state, l launch, via string, argv []word.Word, change func(*state, *context)) {
	if len(argv) == 0 {
		return
	}
	if len(st.ctx.via) >= 2*w.lim.Depth {
		w.note(TooLarge, "depth of commands that start commands", nil)
		return
	}
	sub := st.clone()
	w.beneath(sub, l, via, change, func() result {
		return w.start(sub, launch{argv: argv, at: l.at, exec: true})
	})
}

// writes is a file that a program opens to write into it.
func (w *walker) writes(st *state, l launch, via string, name word.Word, kind Redirect, change func(*state, *context)) {
	sub := st.clone()
	w.beneath(sub, l, via, change, func() result {
		w.emit(sub, Action{Redirs: []Redir{{FD: 1, Kind: kind, Target: name}}}, l.at)
		return both(sub)
	})
}

// beneath runs f in the context of a process that a wrapper starts.
func (w *walker) beneath(sub *state, l launch, via string, change func(*state, *context), f func() result) {
	end := w.fork()
	sub.atExit = nil
	sub.dirs, sub.nodirs = nil, true
	w.inContext(sub, func(c *context) {
		c.top = false
		if via != "" {
			c.via = with(c.via, via)
		}
		c.connect(l)
		for _, a := range l.assigns {
			sub.set(a.Name, variable{state: VarSet, val: a.Value, exported: true})
		}
		if change != nil {
			change(sub, c)
		}
	}, func() result { return w.leaves(f()) })
	end()
}

// shellCode walks code that a shell runs below a wrapper.
func (w *walker) shellCode(st *state, l launch, via string, code word.Word, change func(*state, *context)) {
	sub := st.clone()
	w.beneath(sub, l, via, change, func() result {
		sub.fresh()
		return w.run(sub, code, l.at, via)
	})
}

// inContext walks with a changed context and puts the old one back on every
// state that comes out.
func (w *walker) inContext(st *state, change func(*context), f func() result) result {
	saved := st.ctx
	c := *saved
	change(&c)
	st.ctx = &c
	r := f()
	st.ctx = saved
	r.each(func(s *state) { s.ctx = saved })
	return r
}

// connect gives what runs in a context the input and the output of a launch.
func (c *context) connect(l launch) {
	if l.in != nil {
		c.stdin = *l.in
	}
	for _, r := range l.redirs {
		if r.FD == 1 && r.Kind != In && r.Kind != Text {
			c.hidden = true
		}
	}
}

// possibly is the change of what may not be come to.
func possibly(s *state, _ *context) { s.certain = Possible }

// possiblyIf is possibly, or no change.
func possiblyIf(perhaps bool) func(*state, *context) {
	if perhaps {
		return possibly
	}
	return nil
}

// foreign is code of another language, where it is come to. It is looked through
// for what it starts; perhaps says of such a thing that it may not run.
type foreign struct {
	w   *walker
	st  *state
	l   launch
	via string
}

func (f *foreign) start(argv []word.Word, perhaps bool) {
	f.w.under(f.st, f.l, f.via, argv, possiblyIf(perhaps))
}

// shell is code that it gives to a shell.
func (f *foreign) shell(code word.Word, perhaps bool) {
	if _, ok := f.w.code(code); ok {
		f.w.shellCode(f.st, f.l, f.via, code, possiblyIf(perhaps))
	}
}

func (f *foreign) writes(name word.Word, kind Redirect, perhaps bool) {
	f.w.writes(f.st, f.l, f.via, name, kind, possiblyIf(perhaps))
}
