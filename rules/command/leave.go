package command

func (w *walker) exit(st *state, l launch, _ int) result {
	if st.ctx.top && st.sure() == Certain {
		w.line.Ends = true
	}
	w.leave(st)
	w.exits++
	return result{}
}

func (w *walker) ret(st *state, l launch, _ int) result {
	for i := len(w.calls) - 1; i >= 0; i-- {
		f := w.calls[i]
		if f.sub < 0 {
			continue
		}
		w.jumps++
		if f.sub != w.sub {
			return result{}
		}
		st.shared = true
		code := number{}
		if len(l.argv) > 1 {
			code = integer(l.argv[1])
		}
		if !code.known || code.n == 0 {
			f.ok = w.join(f.ok, st.clone())
		}
		if !code.known || code.n != 0 {
			f.fail = w.join(f.fail, st.clone())
		}
		return result{}
	}
	return both(st)
}

func (w *walker) levels(l launch) int {
	if len(l.argv) > 1 {
		if n := integer(l.argv[1]); n.known && n.n > 1 {
			return int(min(n.n, 100))
		}
	}
	return 1
}

// left is the loop that break or continue means, so many levels up.
func (w *walker) left(levels int) *loop {
	if levels > 1 {
		w.jumps++
	}
	return w.loops[max(0, len(w.loops)-levels)]
}

func (w *walker) brk(st *state, l launch, _ int) result {
	if len(w.loops) == 0 {
		return success(st)
	}
	o := w.left(w.levels(l))
	o.breaks = append(o.breaks, st)
	return result{}
}

func (w *walker) cont(st *state, l launch, _ int) result {
	if len(w.loops) == 0 {
		return success(st)
	}
	o := w.left(w.levels(l))
	o.continues = append(o.continues, st)
	return result{}
}
