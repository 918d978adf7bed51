package command

import (
	"strconv"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// assign does one assignment of the shell itself.
func (w *walker) assign(st *state, a *syntax.Assign, exported bool) {
	if a.Name == nil {
		return
	}
	name := a.Name.Value
	v := w.lookup(st, name)
	if v.nameref {
		if s, ok := v.val.Value(); ok && isName(s) {
			name = s
			v = w.lookup(st, s)
		}
	}
	if v.readonly {
		return
	}
	v.exported = v.exported || exported || w.opt(st, "allexport")
	switch {
	case a.Array != nil:
		w.assignArray(st, &v, a)
	case a.Index != nil:
		w.assignElement(st, &v, a)
	default:
		val := w.assigned(st, a.Value)
		if a.Append {
			was := v.val
			switch v.state {
			case VarUnset:
				was = word.Lit("")
			case VarUnknown:
				was = word.Hidden("$"+name, word.Var)
			}
			if v.integer {
				val = word.Hidden("$"+name, word.Var)
			} else {
				val = w.concat(was, val)
			}
		} else if v.integer && a.Value != nil {
			if n := integer(val); n.known {
				val = word.Lit(strconv.FormatInt(n.n, 10))
			} else {
				val = word.Hidden("$"+name, word.Var)
			}
		}
		v.state = VarSet
		val.Many = false
		if v.isList && len(v.list) > 0 && !v.more {
			v.list = append([]word.Word{val}, v.list[1:]...)
		} else if v.keys != nil {
			v.more = true
		}
		v.val = val
	}
	st.set(name, v)
	if name == "PWD" || name == "OLDPWD" {
		return
	}
}

func (w *walker) assignArray(st *state, v *variable, a *syntax.Assign) {
	if v.keys != nil {
		keys := map[string]word.Word{}
		if a.Append {
			for k, e := range v.keys {
				keys[k] = e
			}
		}
		v.state = VarSet
		for _, e := range a.Array.Elems {
			x, ok := e.Index.(*syntax.Word)
			if !ok {
				v.more = true
				continue
			}
			k, ok := w.value(st, x).Value()
			if !ok {
				v.more = true
				continue
			}
			keys[k] = w.value(st, e.Value)
		}
		v.keys = keys
		return
	}
	var list []word.Word
	if a.Append && v.state == VarSet {
		if v.isList {
			list = append(list, v.list...)
		} else {
			list = append(list, v.val)
		}
	} else {
		v.more = v.state == VarUnknown && a.Append
	}
	for _, e := range a.Array.Elems {
		if e.Index != nil {
			n := w.arith(st, e.Index)
			if n.known && n.n == int64(len(list)) && e.Value != nil {
				list = append(list, w.value(st, e.Value))
				continue
			}
			v.more, list = true, nil
			w.value(st, e.Value)
			break
		}
		if e.Value != nil {
			list = w.fields(st, list, e.Value)
		}
	}
	v.state, v.isList, v.list = VarSet, true, list
	v.val = word.Word{}
	if len(list) > 0 {
		v.val = list[0]
	}
}

func (w *walker) assignElement(st *state, v *variable, a *syntax.Assign) {
	val := w.value(st, a.Value)
	if v.keys != nil {
		keys := make(map[string]word.Word, len(v.keys)+1)
		for k, e := range v.keys {
			keys[k] = e
		}
		v.state = VarSet
		x, ok := a.Index.(*syntax.Word)
		k, known := "", false
		if ok {
			k, known = w.value(st, x).Value()
		}
		if known && !a.Append {
			keys[k] = val
		} else {
			v.more = true
			keys = map[string]word.Word{}
		}
		v.keys = keys
		return
	}
	if v.state == VarUnset {
		*v = variable{state: VarSet, isList: true, exported: v.exported}
	}
	if v.state == VarSet && !v.isList {
		v.isList, v.list = true, []word.Word{v.val}
	}
	n := w.arith(st, a.Index)
	switch {
	case v.state != VarSet:
	case n.known && n.n >= 0 && n.n < int64(len(v.list)) && !a.Append:
		v.list = append([]word.Word{}, v.list...)
		v.list[n.n] = val
	case n.known && n.n == int64(len(v.list)) && !v.more:
		v.list = append(v.list[:len(v.list):len(v.list)], val)
	default:
		v.list, v.more = nil, true
	}
	if len(v.list) > 0 {
		v.val = v.list[0]
	}
}
