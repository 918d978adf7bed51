package command

import (
	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// while walks the condition once and the body once, as possible. What the body
// assigns is unknown from then on, since the turns are not counted.
func (w *walker) while(st *state, c *syntax.WhileClause) result {
	if r, ok := w.turns(st, c); ok {
		return r
	}
	w.guessing++
	defer func() { w.guessing-- }()
	certain, reach := st.certain, w.reach(st)
	w.forget(st, func(f *forgetter) { f.stmts(c.Cond); f.stmts(c.Do) })
	if w.far() {
		w.widen(st)
	}
	w.cond++
	r := w.seq(st, c.Cond, noLines)
	w.cond--
	if c.Until {
		r.ok, r.fail = r.fail, r.ok
	}
	r.part()
	if r.ok == nil {
		return success(r.fail)
	}
	after := r.fail
	endless := r.fail == nil
	l := &loop{}
	w.loops = append(w.loops, l)
	body := w.branch(r.ok, !endless, func(s *state) result { return w.seq(s, c.Do, noLines) })
	w.loops = w.loops[:len(w.loops)-1]
	end := w.join(body.ok, body.fail)
	if !endless {
		after = w.join(after, end)
		for _, s := range l.continues {
			after = w.join(after, s)
		}
	}
	for _, s := range l.breaks {
		after = w.join(after, s)
	}
	if after == nil {
		return result{}
	}
	after.certain = certain
	if reach.back(w, after); endless {
		after.ended = true // it may never end
	}
	return both(after)
}

func (w *walker) forClause(st *state, c *syntax.ForClause) result {
	switch it := c.Loop.(type) {
	case *syntax.CStyleLoop:
		return w.cStyle(st, c, it)
	case *syntax.WordIter:
		if r, done := w.cases(st, it.Items, func(st *state) result { return w.forClause(st, c) }); done {
			return r
		}
		var items []word.Word
		more := false
		if it.InPos.IsValid() {
			items = w.words(st, it.Items)
		} else {
			items, more = st.params, st.more
		}
		if w.fatal != 0 {
			return w.failed(st)
		}
		if c.Select {
			// Any of them may be chosen, or what is none of them.
			chosen := word.Lit("")
			chosen.Src = "$" + it.Name.Value
			for _, item := range items {
				chosen = w.either(chosen, item)
			}
			st.set("REPLY", variable{state: VarUnknown})
			return w.guess(st, c.Do, it.Name.Value, chosen)
		}
		if more {
			return w.guess(st, c.Do, it.Name.Value, word.Hidden("$"+it.Name.Value, word.Var))
		}
		return w.forWords(st, c, it.Name.Value, items)
	}
	return both(st)
}

// forWords unrolls a loop over words. An unknown word is one turn with an
// unknown value.
func (w *walker) forWords(st *state, c *syntax.ForClause, name string, items []word.Word) result {
	if len(items) == 0 {
		return success(st)
	}
	var out *state
	r, reach := both(st), w.reach(st)
	for i, item := range items {
		if w.unrolled >= w.lim.Unroll || w.far() {
			r = w.rest(r, c.Do, name, items[i:])
			break
		}
		w.unrolled++
		st = w.join(r.ok, r.fail)
		if st == nil {
			break
		}
		if item.Many {
			item.Many = false
			// The turns are not counted: what the body changes is unknown.
			was := st.clone()
			r = w.guess(st, c.Do, name, item)
			r = both(w.join(was, w.join(r.ok, r.fail)))
			continue
		}
		item.Origin = word.FromVariable
		st.setScalar(name, item)
		r = w.turn(st, c.Do, &out)
	}
	return w.over(reach, out, r)
}

// rest walks the turns that are left of a loop. One stands for as many words
// as one word may have values, since the name is any of them.
func (w *walker) rest(r result, do []*syntax.Stmt, name string, items []word.Word) result {
	for from, some := range w.batches(items) {
		st := w.join(r.ok, r.fail)
		if st == nil {
			break
		}
		once := w.once
		if from > 0 && once != nil {
			w.once = map[any]bool{} // other words in the same body
		}
		r = w.guess(st, do, name, some)
		if once != nil {
			w.once = once
		}
	}
	return r
}

// batches are words that each are any of so many items, with how many items
// stand before.
func (w *walker) batches(items []word.Word) func(func(int, word.Word) bool) {
	return func(yield func(int, word.Word) bool) {
		for from := 0; from < len(items); from += w.lim.Values {
			some := items[from]
			for _, other := range items[from+1 : min(from+w.lim.Values, len(items))] {
				some = w.either(some, other)
			}
			some.Many = false
			if !yield(from, some) {
				return
			}
		}
	}
}

// guess walks a loop's body once as possible, with everything that the body
// assigns unknown.
func (w *walker) guess(st *state, do []*syntax.Stmt, name string, item word.Word) result {
	was, reach := st.clone(), w.reach(st)
	w.guessing++
	defer func() { w.guessing-- }()
	w.forget(st, func(f *forgetter) { f.stmts(do) })
	if w.far() {
		w.widen(st)
	}
	if name != "" {
		st.setScalar(name, item)
	}
	l := &loop{}
	w.loops = append(w.loops, l)
	r := w.branch(st, true, func(s *state) result { return w.seq(s, do, noLines) })
	w.loops = w.loops[:len(w.loops)-1]
	after := w.join(was, w.join(r.ok, r.fail))
	for _, s := range append(l.breaks, l.continues...) {
		after = w.join(after, s)
	}
	after.certain = was.certain
	reach.back(w, after)
	return both(after)
}

func (w *walker) cStyle(st *state, c *syntax.ForClause, it *syntax.CStyleLoop) result {
	if it.Init != nil {
		w.arith(st, it.Init)
	}
	r, reach := both(st), w.reach(st)
	var out *state
	for turns := 0; ; turns++ {
		cond := number{n: 1, known: true}
		if it.Cond != nil {
			cond = w.arith(st, it.Cond)
		}
		if !cond.known || w.unrolled >= w.lim.Unroll || w.far() {
			// What is left is one turn that stands for all: what they change is
			// unknown in it.
			w.forget(st, func(f *forgetter) { f.node(it.Post) })
			r = w.guess(st, c.Do, "", word.Word{})
			break
		}
		if cond.n == 0 {
			break
		}
		w.unrolled++
		r = w.turn(st, c.Do, &out)
		if st = w.join(r.ok, r.fail); st == nil {
			break
		}
		if it.Post != nil {
			w.arith(st, it.Post)
		}
		r = both(st)
	}
	return w.over(reach, out, r)
}
