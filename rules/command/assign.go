package command

import (
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// assign does one assignment of the shell itself.
func (w *walker) assign(st *state, a *syntax.Assign, exported bool) {
	if a.Name == nil {
		return
	}
	name, index, ok := w.refer(st, a.Name.Value)
	v := w.lookup(st, name)
	switch {
	case !ok && v.nameref && v.state == VarSet && v.val.Is(""):
		// A reference without a target takes what is assigned for its name.
		v.val = w.assigned(st, a.Value)
		st.set(name, v)
		return
	case !ok:
		w.assigned(st, a.Value)
		w.lose(st)
		return
	case index != "":
		w.storeNamed(st, name+"["+index+"]", w.assigned(st, a.Value))
		return
	case v.readonly:
		w.assigned(st, a.Value)
		w.fatal = drops
		return
	}
	v.exported, v.maybe = v.exported || exported || w.opt(st, "allexport"), false
	switch {
	case a.Array != nil:
		w.assignArray(st, &v, a)
		st.set(name, v)
	case a.Index != nil:
		val := w.value(st, a.Value)
		if a.Append {
			val = w.appended(st, &v, w.elementOf(st, &v, a.Index), val)
		} else {
			val = w.shaped(st, &v, val)
		}
		w.store(st, &v, a.Index, val)
		st.set(name, v)
	default:
		val := w.assigned(st, a.Value)
		if a.Append {
			was := v
			if v.isList || v.keys != nil {
				was = w.first(&v)
			}
			val = w.appended(st, &v, was, val)
		}
		w.put(st, name, &v, val)
	}
}

// put gives a variable a value, with what its attributes make of it. Of an
// array it is the first element.
func (w *walker) put(st *state, name string, v *variable, val word.Word) {
	val = w.shaped(st, v, val)
	val.Many = false
	switch {
	case v.keys != nil:
		keys := map[string]word.Word{"0": val}
		for k, e := range v.keys {
			if k != "0" {
				keys[k] = e
			}
		}
		v.keys = keys
	case v.isList:
		w.storeAt(v, number{known: true}, val)
	default:
		v.val = val
	}
	v.state, v.maybe = VarSet, false
	st.set(name, *v)
}

// first is what an array's name alone stands for.
func (w *walker) first(v *variable) variable {
	if v.keys != nil {
		return w.keyed(v, word.Lit("0"))
	}
	return v.element(0)
}

// elementOf is the element under a subscript of the tree.
func (w *walker) elementOf(st *state, v *variable, index syntax.ArithmExpr) variable {
	if v.keys != nil {
		return w.keyed(v, w.key(st, index))
	}
	n := w.arith(st, index)
	if !n.known {
		return variable{state: VarUnknown}
	}
	return v.element(n.n)
}

// appended is what += makes of a value.
func (w *walker) appended(st *state, v *variable, was variable, val word.Word) word.Word {
	old := was.val
	switch was.state {
	case VarUnset:
		old = word.Lit("")
	case VarUnknown:
		old = word.Hidden(val.Src, word.Var)
	}
	if v.integer {
		a, b := w.evaluate(st, old), w.evaluate(st, val)
		if !a.known || !b.known {
			return word.Hidden(val.Src, word.Var)
		}
		return word.Lit(strconv.FormatInt(a.n+b.n, 10))
	}
	return w.shaped(st, v, w.concat(old, val))
}

// shaped is a value as the variable's attributes keep it: a number for -i,
// capitals for -u.
func (w *walker) shaped(st *state, v *variable, val word.Word) word.Word {
	if v.integer {
		n := w.evaluate(st, val)
		if !n.known {
			return word.Hidden(val.Src, word.Var)
		}
		return word.Word{Src: val.Src, Know: word.Known, Values: []string{strconv.FormatInt(n.n, 10)}, Origin: val.Origin}
	}
	if !v.upper && !v.lower {
		return val
	}
	if val.Know == word.Unknown {
		return word.Hidden(val.Src, word.Var)
	}
	vs := make([]string, 0, len(val.Values))
	for _, s := range val.Values {
		if v.upper {
			s = strings.ToUpper(s)
		} else {
			s = strings.ToLower(s)
		}
		vs = append(vs, s)
	}
	return word.Set(val.Src, val.Origin, vs...)
}

func (w *walker) assignArray(st *state, v *variable, a *syntax.Assign) {
	if v.keys != nil {
		w.assignKeys(st, v, a)
		return
	}
	out := variable{state: VarSet, isList: true}
	if a.Append {
		v.begin()
		switch v.state {
		case VarSet:
			out.list, out.idx, out.more = v.list, v.idx, v.more
			if !v.isList {
				out.list = []word.Word{v.val}
			}
		case VarUnknown:
			out.more = true
		}
	}
	next, exact := out.top(), !out.more && !out.loose()
	for _, e := range a.Array.Elems {
		if e.Index != nil {
			n := w.arith(st, e.Index)
			val := w.shaped(st, v, w.value(st, e.Value))
			if !exact || !n.known || n.n < 0 || n.n > maxIndex {
				out.list, out.idx, out.more, exact = nil, nil, true, false
				continue
			}
			out.put(n.n, val)
			next = n.n + 1
			continue
		}
		if e.Value == nil {
			continue
		}
		for _, x := range w.fields(st, nil, e.Value) {
			x := x
			if v.integer || v.upper || v.lower {
				many := x.Many
				x = w.shaped(st, v, x)
				x.Many = many
			}
			switch {
			case out.more && len(out.list) == 0:
				// Nothing is known to stand at any index.
			case exact && !x.Many:
				out.put(next, x)
				next++
			case out.idx == nil:
				out.list, exact = append(out.list[:len(out.list):len(out.list)], x), false
			default:
				out.list, out.idx, out.more, exact = nil, nil, true, false
			}
		}
	}
	v.state, v.isList, v.list, v.idx, v.more, v.val = VarSet, true, out.list, out.idx, out.more, word.Word{}
}

// assignKeys sets an associative array: [key]=value, or keys and values in
// turn.
func (w *walker) assignKeys(st *state, v *variable, a *syntax.Assign) {
	keys := map[string]word.Word{}
	more := false
	if a.Append {
		more = v.more
		for k, e := range v.keys {
			keys[k] = e
		}
	}
	var pending *word.Word
	for _, e := range a.Array.Elems {
		var k word.Word
		switch {
		case e.Index != nil:
			k = w.key(st, e.Index)
		case pending == nil:
			x := w.value(st, e.Value)
			pending = &x
			continue
		default:
			k, pending = *pending, nil
		}
		val := w.shaped(st, v, w.value(st, e.Value))
		if s, known := k.Value(); known {
			keys[s] = val
		} else {
			more = true
		}
	}
	if pending != nil {
		if s, known := pending.Value(); known {
			keys[s] = word.Lit("")
		} else {
			more = true
		}
	}
	v.state, v.keys, v.more = VarSet, keys, more
}
