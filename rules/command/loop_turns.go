package command

import (
	"maps"
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// maxTurns bounds the turns of a while loop that are counted, maxTrial the
// steps of a line that may go into counting those that cannot be.
const (
	maxTurns = 128
	maxTrial = 1 << 11
)

// turns walks a while loop turn by turn, as long as each condition's outcome
// is known. Where one is not, or where the loop does not end, nothing of it
// stays and false is returned.
func (w *walker) turns(st *state, c *syntax.WhileClause) (result, bool) {
	if w.trial > maxTrial || w.guessing > 0 || w.far() {
		return result{}, false
	}
	back, steps := w.mark(), w.steps
	fail := func() (result, bool) {
		w.trial += w.steps - steps
		back()
		return result{}, false
	}
	reach := w.reach(st)
	cur := st.clone()
	var out *state
	for range maxTurns {
		if w.steps-steps > maxTrial || w.far() {
			return fail()
		}
		before := cur.clone()
		w.maybeRead = false
		w.cond++
		r := w.seq(cur, c.Cond, noLines)
		w.cond--
		if c.Until {
			r.ok, r.fail = r.fail, r.ok
		}
		switch {
		case r.ended():
			return w.over(reach, out, r), true
		case r.ok == nil:
			return w.over(reach, out, success(r.fail)), true
		case r.fail != nil:
			if !w.maybeRead || r.ok == r.fail {
				return fail()
			}
			// A program may have read what was left. Then this is the end.
			r.part()
			out = w.join(out, r.fail)
		}
		left := out
		b := w.turn(r.ok, c.Do, &out)
		next := w.join(b.ok, b.fail)
		switch {
		case next != nil && out != left:
			return fail() // it may have ended here
		case next == nil:
			return w.over(reach, out, result{}), true
		case idle(before, next):
			return fail() // nothing that a turn does brings the end nearer
		}
		cur = next
	}
	return fail()
}

// idle reports whether a turn left the state as it was.
func idle(a, b *state) bool {
	return same(a.cwd, b.cwd) && a.more == b.more && slices.EqualFunc(a.params, b.params, same) && maps.Equal(a.at, b.at) && a.getopt == b.getopt &&
		maps.EqualFunc(a.vars, b.vars, func(x, y variable) bool {
			return x.state == y.state && same(x.val, y.val) && slices.EqualFunc(x.list, y.list, same) && slices.Equal(x.idx, y.idx) && maps.EqualFunc(x.keys, y.keys, same)
		})
}

// mark remembers what was found so far; the function that it returns goes back
// to that.
func (w *walker) mark() func() {
	actions, notes, holes, docs := len(w.line.Actions), len(w.line.Notes), len(w.holes), len(w.docs)
	saved := *w
	noted, processes, within, spilt := maps.Clone(w.noted), maps.Clone(w.processes), maps.Clone(w.within), maps.Clone(w.spilt)
	ends := w.line.Ends
	return func() {
		w.line.Actions, w.line.Notes, w.line.Ends = w.line.Actions[:actions], w.line.Notes[:notes], ends
		w.meta, w.holes, w.docs = w.meta[:actions], w.holes[:holes], w.docs[:docs]
		w.noted, w.processes, w.within, w.spilt = noted, processes, within, spilt
		w.steps, w.expanded, w.followed, w.unrolled = saved.steps, saved.expanded, saved.followed, saved.unrolled
		w.loops, w.calls, w.dropped, w.fatal = saved.loops, saved.calls, saved.dropped, 0
		w.once, w.functions = saved.once, saved.functions // it does not begin far out
	}
}

// reach remembers, where a loop begins, whether that place is reached.
type reach struct {
	ended bool
	left  int
}

func (w *walker) reach(st *state) reach { return reach{st.ended, w.exits + w.jumps} }

// back says that what ended since ended the loop or its turn, no more, unless
// the shell, a function or an outer loop may have been left.
func (m reach) back(w *walker, s *state) {
	if s != nil && w.exits+w.jumps == m.left {
		s.ended = m.ended
	}
}

// turn walks a loop's body once. The states that break leads to join out.
func (w *walker) turn(st *state, do []*syntax.Stmt, out **state) result {
	l := &loop{}
	w.loops = append(w.loops, l)
	was, reach := st.certain, w.reach(st)
	r := w.seq(st, do, noLines)
	w.loops = w.loops[:len(w.loops)-1]
	for _, s := range l.continues {
		s.certain = was
		r.ok = w.join(r.ok, s)
	}
	for _, s := range l.breaks {
		s.certain = was
		*out = w.join(*out, s)
	}
	if len(l.breaks) == 0 {
		r.each(func(s *state) { reach.back(w, s) })
	}
	return r
}

// over is the result of a loop after its last turn.
func (w *walker) over(reach reach, out *state, r result) result {
	if out != nil {
		r = both(w.join(out, w.join(r.ok, r.fail)))
	}
	r.each(func(s *state) { reach.back(w, s) })
	return r
}
