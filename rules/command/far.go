package command

import (
	"fmt"
	"strconv"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// A line may be long, and a short one may do much: functions that call each
// other, loops in loops. Up to a bound each command is walked as often as it
// runs. Behind it, far out, each command is walked once more for all the times
// that it may still run: from a state in which nothing is known but what is
// said on the way there. That takes as long as the text is, and leaves nothing
// out; only a text that is itself past maxWalk does.

// far reports whether the walk has come that far.
func (w *walker) far() bool {
	if w.once == nil && (w.steps > maxSteps || w.expanded > maxExpanded || len(w.line.Actions) >= w.lim.Actions) {
		w.goFar()
	}
	return w.once != nil
}

func (w *walker) goFar() {
	if w.once == nil {
		w.once = map[any]bool{}
	}
}

// tooFar notes where nothing more is walked at all.
func (w *walker) tooFar() bool {
	if w.steps <= maxWalk {
		return false
	}
	w.note(TooLarge, fmt.Sprintf("more than %d steps", maxWalk), nil)
	return true
}

// anew reports whether something is walked far out for the first time, and
// makes the state one that stands for every time.
func (w *walker) anew(st *state, key any) bool {
	seen := w.once[key]
	w.once[key] = true
	if seen || !st.wide {
		w.widen(st)
	}
	return !seen
}

// textKey is a text as it is walked far out: with another user's rights, or in
// another place, it does something else.
type textKey struct {
	text, user string
	place      PlaceKind
}

// widen forgets all that differs between one time and another that a command
// is come to: values, directories and parameters.
func (w *walker) widen(st *state) {
	st.own()
	st.wide = true
	st.vars = nil
	st.cwd, st.oldpwd = word.Hidden("$PWD", word.Var), word.Hidden("$OLDPWD", word.Var)
	st.dirs, st.nodirs = nil, false
	st.params, st.more = nil, true
	st.last = word.Word{}
	st.getopt.lost = true
	for id := range st.at {
		st.at[id] = -1
	}
}

// defined is a function that was defined far out, on a way that this state
// did not come.
func (w *walker) defined(st *state, name string) (*function, bool) {
	all := w.functions[name]
	if len(all) == 0 || !st.wide {
		return nil, false
	}
	f := *all[len(all)-1]
	f.maybe = true
	return &f, true
}

// others walks the functions that a name may stand for far out, besides f.
func (w *walker) others(st *state, l launch, name string, f *function) {
	if !st.wide {
		return
	}
	for _, o := range w.functions[name] {
		if o.body != f.body && !w.once[o.body] {
			w.branch(st.clone(), true, func(s *state) result { return w.invoke(s, l, name, o) })
		}
	}
}

// shorten puts the ends of a long {1..100000} in its place, and a hole for
// what is between them: its words differ in nothing but a number.
func (w *walker) shorten(x *syntax.Word, depth int) *syntax.Word {
	if depth > maxNest {
		return x
	}
	cp := *x
	cp.Parts = nil
	for _, p := range x.Parts {
		if b, ok := p.(*syntax.BraceExp); ok {
			c := *b
			if n := sequenceWords(b); b.Sequence && n > 4*rangeEnds {
				c.Sequence, c.Elems = false, w.rangeEnds(b)
			} else if !b.Sequence {
				c.Elems = nil
				for _, e := range b.Elems {
					c.Elems = append(c.Elems, w.shorten(e, depth+1))
				}
			}
			p = &c
		}
		cp.Parts = append(cp.Parts, p)
	}
	return &cp
}

// rangeEnds is how many words stand for each end of a long range.
const rangeEnds = 4

// maxRange is how many words a brace expansion may become before its ranges
// are shortened.
const maxRange = 1 << 10

// rangeEnds are the words that stand for a range of numbers.
func (w *walker) rangeEnds(b *syntax.BraceExp) []*syntax.Word {
	lit := func(s string) *syntax.Word {
		return &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{ValuePos: b.Pos(), ValueEnd: b.End(), Value: s}}}
	}
	from, to := b.Elems[0].Lit(), b.Elems[1].Lit()
	var out []*syntax.Word
	for i, end := range []string{from, to} {
		out = append(out, lit(end))
		n, err := strconv.ParseInt(end, 10, 64)
		if err != nil || len(b.Elems) > 2 || end != strconv.FormatInt(n, 10) {
			continue // of 001 and of steps only the ends themselves are sure
		}
		for k := int64(1); k < rangeEnds; k++ {
			if up := (from < to) == (i == 0); up {
				out = append(out, lit(strconv.FormatInt(n+k, 10)))
			} else {
				out = append(out, lit(strconv.FormatInt(n-k, 10)))
			}
		}
	}
	return append(out, lit(w.markHole(word.Part{Hole: word.Var, Src: "{" + from + ".." + to + "}"})))
}
