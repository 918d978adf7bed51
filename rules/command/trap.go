package command

import "guardsh/rules/word"

// exitTrap is what a shell runs when it ends.
type exitTrap struct {
	body  word.Word
	at    position
	maybe bool // it may not be set
}

// trap walks what a trap would run: for EXIT where the shell ends, with what is
// so then; for a signal at once, with all that the text changes unknown, since
// it may come at any time.
func (w *walker) trap(st *state, l launch, _ int) result {
	args := operands(l.argv)
	if len(l.argv) > 1 && (l.argv[1].Is("-p") || l.argv[1].Is("-l")) || len(args) == 0 {
		return success(st)
	}
	body, signals := args[0], args[1:]
	if len(signals) == 0 {
		body, signals = word.Lit("-"), args
	}
	resets := body.Is("-") || body.Is("")
	others := false
	for _, s := range signals {
		switch name, ok := s.Value(); {
		case ok && (name == "0" || name == "EXIT" || name == "exit"):
			st.atExit = nil
			if !resets {
				st.atExit = &exitTrap{body: body, at: l.at}
			}
		case !ok && resets && st.atExit != nil:
			t := *st.atExit
			t.maybe = true
			st.atExit = &t
		default:
			others = others || !resets
		}
	}
	if others {
		sub := st.child()
		w.forget(sub, func(f *forgetter) { f.stmts(w.tree) })
		end := w.fork()
		w.branch(sub, true, func(s *state) result { return w.trapped(s, body, l.at) })
		end()
	}
	return success(st)
}

func (w *walker) trapped(st *state, body word.Word, at position) result {
	return w.inContext(st, func(c *context) { c.via, c.top = with(c.via, "trap"), false }, func() result {
		return w.run(st, body, at, "trap")
	})
}

// leave is the end of a shell: its exit trap runs.
func (w *walker) leave(st *state) {
	t := st.atExit
	if t == nil {
		return
	}
	s := st.child()
	end := w.fork()
	w.branch(s, t.maybe, func(s *state) result { return w.trapped(s, t.body, t.at) })
	end()
}

// leaves is the end of a shell in each of the states that it may be in.
func (w *walker) leaves(r result) result {
	may := r.ok != nil && r.fail != nil && r.ok != r.fail
	if may && r.ok.atExit != nil && r.ok.atExit == r.fail.atExit {
		w.leave(w.join(r.ok, r.fail))
		return r
	}
	r.each(func(s *state) {
		if s.atExit != nil {
			s = s.clone()
			if may {
				s.certain = Possible
			}
			w.leave(s)
		}
	})
	return r
}

// eitherTrap is the exit trap where one of two may be set.
func (w *walker) eitherTrap(a, b *exitTrap) *exitTrap {
	if a == b {
		return a
	}
	if a == nil {
		a, b = b, a
	}
	t := *a
	t.maybe = true
	if b != nil {
		t.body, t.maybe = w.either(a.body, b.body), a.maybe || b.maybe
	}
	return &t
}
