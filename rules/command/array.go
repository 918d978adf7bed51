package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// maxIndex bounds the indices that are followed.
const maxIndex = 1 << 20

// index is the index of the i-th element of an array.
func (v *variable) index(i int) int64 {
	if v.idx == nil {
		return int64(i)
	}
	return v.idx[i]
}

// begin takes a variable of which nothing is known for one that is not set, as
// an array: those are not inherited, and a line that sets the elements of one
// begins it.
func (v *variable) begin() {
	if v.state == VarUnknown && v.foreign {
		*v = variable{state: VarUnset, exported: v.exported, integer: v.integer, upper: v.upper, lower: v.lower}
	}
}

// find is where the element with index n stands, or would stand.
func (v *variable) find(n int64) (int, bool) {
	if v.idx == nil {
		return int(min(n, int64(len(v.list)))), n < int64(len(v.list))
	}
	return slices.BinarySearch(v.idx, n)
}

// top is one more than the highest index.
func (v *variable) top() int64 {
	if len(v.list) == 0 {
		return 0
	}
	return v.index(len(v.list)-1) + 1
}

// loose reports whether an element may be any number of elements, so that
// nothing behind it has a known index.
func (v *variable) loose() bool {
	return slices.ContainsFunc(v.list, func(e word.Word) bool { return e.Many })
}

// put sets the element with index n; the elements are never shared with
// another state.
func (v *variable) put(n int64, x word.Word) {
	x.Many = false
	i, found := v.find(n)
	if found {
		v.list = slices.Clone(v.list)
		v.list[i] = x
		return
	}
	if v.idx == nil && n != int64(len(v.list)) {
		v.spread()
	}
	if v.idx != nil {
		v.idx = slices.Insert(slices.Clone(v.idx), i, n)
	}
	v.list = slices.Insert(slices.Clone(v.list), i, x)
}

// drop takes the element with index n away.
func (v *variable) drop(n int64) {
	i, found := v.find(n)
	if !found {
		return
	}
	if v.idx == nil {
		v.spread()
	}
	v.idx = slices.Delete(slices.Clone(v.idx), i, i+1)
	v.list = slices.Delete(slices.Clone(v.list), i, i+1)
}

// spread writes the indices out.
func (v *variable) spread() {
	v.idx = make([]int64, len(v.list))
	for i := range v.idx {
		v.idx[i] = int64(i)
	}
}

// element is the element with index n; a negative one counts from the end.
func (v *variable) element(n int64) variable {
	switch {
	case v.state != VarSet:
		return *v
	case !v.isList:
		if n == 0 || n == -1 {
			return variable{state: VarSet, val: v.val}
		}
		return variable{state: VarUnset}
	}
	if n < 0 {
		if v.more || v.loose() {
			return variable{state: VarUnknown}
		}
		n += v.top()
	}
	i, found := v.find(max(n, 0))
	switch {
	case n < 0:
		return variable{state: VarUnset}
	case found && !slices.ContainsFunc(v.list[:i+1], func(e word.Word) bool { return e.Many }):
		return variable{state: VarSet, val: v.list[i]}
	case found || v.more || v.loose():
		return variable{state: VarUnknown}
	}
	return variable{state: VarUnset}
}

// keyed is the element of an associative array under a key.
func (w *walker) keyed(v *variable, key word.Word) variable {
	if v.state != VarSet || key.Know == word.Unknown {
		return variable{state: VarUnknown}
	}
	var out variable
	for i, k := range key.Values {
		one := variable{state: VarUnset}
		if e, in := v.keys[k]; in {
			one = variable{state: VarSet, val: e}
		} else if v.more {
			one.state = VarUnknown
		}
		if i > 0 {
			one = w.eitherVar(out, one)
		}
		out = one
	}
	return out
}

// names lists the keys of an associative array in an order of its own: bash's
// is not known.
func (v *variable) names() []string {
	out := make([]string, 0, len(v.keys))
	for k := range v.keys {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// values lists the values of an associative array: how many there are is
// known, which comes when is not.
func (w *walker) values(v *variable) ([]word.Word, bool) {
	if v.more {
		return nil, true
	}
	var any word.Word
	for _, k := range v.names() {
		any = w.either(any, v.keys[k])
	}
	out := make([]word.Word, len(v.keys))
	for i := range out {
		out[i] = any
	}
	return out, false
}

// key is the subscript of an associative array: text, whatever the tree took
// it for.
func (w *walker) key(st *state, index syntax.ArithmExpr) word.Word {
	if x, ok := index.(*syntax.Word); ok {
		return w.value(st, x)
	}
	if text := w.source(index); text != "" && !strings.ContainsAny(text, "$`\\\"'") {
		return word.Lit(text)
	}
	return word.Hidden(w.source(index), word.Var)
}

// store sets one element: by its key where the array has keys.
func (w *walker) store(st *state, v *variable, index syntax.ArithmExpr, val word.Word) {
	if v.keys != nil {
		k, known := w.key(st, index).Value()
		keys := make(map[string]word.Word, len(v.keys)+1)
		if !known {
			v.more = true
		} else {
			for o, e := range v.keys {
				keys[o] = e
			}
			keys[k] = val
		}
		v.keys, v.state = keys, VarSet
		return
	}
	w.storeAt(v, w.arith(st, index), val)
}

// storeAt sets an element of an indexed array.
func (w *walker) storeAt(v *variable, n number, val word.Word) {
	v.begin()
	switch v.state {
	case VarUnset:
		*v = variable{state: VarSet, isList: true, exported: v.exported, integer: v.integer, upper: v.upper, lower: v.lower}
	case VarUnknown:
		return
	case VarSet:
		if !v.isList {
			v.isList, v.list, v.idx = true, []word.Word{v.val}, nil
		}
	}
	if n.known && n.n < 0 && !v.more && !v.loose() {
		n.n += v.top()
	}
	if !n.known || n.n < 0 || n.n > maxIndex || v.more || v.loose() {
		v.list, v.idx, v.more = nil, nil, true
		return
	}
	v.put(n.n, val)
}

// subscript splits a[i] into its name and what stands between the brackets.
func subscript(s string) (name, index string, ok bool) {
	i := strings.IndexByte(s, '[')
	if i < 0 || !strings.HasSuffix(s, "]") || !isName(s[:i]) {
		return "", "", false
	}
	return s[:i], s[i+1 : len(s)-1], true
}

// elementNamed is the element that text such as a[1] names, as an indirect
// expansion or a builtin reads it.
func (w *walker) elementNamed(st *state, name, index string) variable {
	v := w.resolved(st, name)
	if v.keys != nil {
		if strings.ContainsAny(index, "$`\\\"'") {
			return variable{state: VarUnknown}
		}
		return w.keyed(&v, word.Lit(index))
	}
	n := w.evaluate(st, word.Lit(index))
	if !n.known {
		return variable{state: VarUnknown}
	}
	return v.element(n.n)
}

// storeNamed sets what text names: a variable, or one element of an array.
func (w *walker) storeNamed(st *state, target string, val word.Word) {
	if isName(target) {
		name, index, ok := w.refer(st, target)
		if !ok {
			w.lose(st)
			return
		}
		if index == "" {
			v := w.lookup(st, name)
			if v.readonly {
				return
			}
			w.put(st, name, &v, val)
			return
		}
		target = name + "[" + index + "]"
	}
	name, index, ok := subscript(target)
	if !ok {
		w.lose(st)
		return
	}
	v := w.resolved(st, name)
	if v.readonly {
		return
	}
	val = w.shaped(st, &v, val)
	if v.keys != nil {
		keys := make(map[string]word.Word, len(v.keys)+1)
		if strings.ContainsAny(index, "$`\\\"'") {
			v.more = true
		} else {
			for o, e := range v.keys {
				keys[o] = e
			}
			keys[index] = val
		}
		v.keys, v.state = keys, VarSet
	} else {
		w.storeAt(&v, w.evaluate(st, word.Lit(index)), val)
	}
	st.set(name, v)
}

// dropNamed unsets one element of an array.
func (w *walker) dropNamed(st *state, name, index string) {
	v := w.resolved(st, name)
	switch {
	case v.readonly || v.state == VarUnset:
		return
	case index == "@" || index == "*":
		// All of it, or a key of that name: versions differ.
		st.set(name, variable{state: VarUnknown})
		return
	case v.keys != nil && !strings.ContainsAny(index, "$`\\\"'") && !v.more:
		keys := make(map[string]word.Word, len(v.keys))
		for k, e := range v.keys {
			if k != index {
				keys[k] = e
			}
		}
		v.keys = keys
	case v.keys == nil && v.isList && !v.more && !v.loose():
		n := w.evaluate(st, word.Lit(index))
		if n.known && n.n < 0 {
			n.n += v.top()
		}
		if !n.known || n.n < 0 {
			v = variable{state: VarUnknown}
			break
		}
		v.drop(n.n)
	default:
		v = variable{state: VarUnknown}
	}
	st.set(name, v)
}

// refer follows a name reference to what it stands for: a variable, or one
// element of an array.
func (w *walker) refer(st *state, name string) (target, index string, ok bool) {
	for range 8 {
		v := w.lookup(st, name)
		if !v.nameref {
			return name, "", true
		}
		s, known := v.val.Value()
		if !known || s == "" {
			return name, "", false
		}
		if n, i, element := subscript(s); element {
			return n, i, true
		}
		if !isName(s) || s == name {
			return name, "", false
		}
		name = s
	}
	return name, "", false
}

// resolved is the variable behind a name, through name references.
func (w *walker) resolved(st *state, name string) variable {
	target, index, ok := w.refer(st, name)
	if !ok {
		return variable{state: VarUnknown}
	}
	if index == "" {
		return w.lookup(st, target)
	}
	// The element's array, and what counts its index, may be references again,
	// to this very element too.
	if w.referring == maxReferring {
		return variable{state: VarUnknown}
	}
	w.referring++
	defer func() { w.referring-- }()
	return w.elementNamed(st, target, index)
}

// maxReferring bounds name references to elements of name references; bash
// itself follows eight.
const maxReferring = 8
