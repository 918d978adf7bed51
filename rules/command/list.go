package command

import (
	"slices"
	"strconv"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// list expands $@, $*, ${a[@]} and ${a[*]}.
func (w *walker) list(st *state, ps []piece, pe *syntax.ParamExp, name string, quoted bool, src string) []piece {
	elems, more := w.elements(st, name)
	hole := piece{hole: word.Var, src: src, many: true, quoted: quoted}
	if pe.Length {
		if name != "@" && name != "*" && w.opt(st, "nounset") && w.lookup(st, name).state == VarUnset {
			w.fatal = ends
			return ps
		}
		if more {
			return append(ps, piece{hole: word.Var, src: src, quoted: true})
		}
		return append(ps, piece{text: strconv.Itoa(len(elems)), quoted: quoted, split: !quoted})
	}
	if more && len(elems) == 0 {
		return append(ps, hole)
	}
	star := name == "*"
	if x, ok := pe.Index.(*syntax.Word); ok && x.Lit() == "*" {
		star = true
	}
	if pe.Slice != nil {
		off, length := w.arith(st, pe.Slice.Offset), number{n: 1 << 40, known: true}
		if pe.Slice.Length != nil {
			length = w.arith(st, pe.Slice.Length)
		}
		if !off.known || !length.known || more {
			return append(ps, hole)
		}
		if name == "@" || name == "*" {
			elems = append([]word.Word{st.arg0}, elems...)
			if off.n < 0 {
				off.n += int64(len(elems))
				if off.n < 0 {
					return ps
				}
			}
		} else if v := w.resolved(st, name); v.idx != nil {
			// Of an array with gaps the offset is an index.
			if off.n < 0 {
				if off.n += v.top(); off.n < 0 {
					return ps
				}
			}
			i, _ := v.find(off.n)
			off.n = int64(i)
		}
		a, b, ok := window(int64(len(elems)), off.n, length.n)
		if length.n < 0 {
			w.fatal = drops // a length below zero
			return ps
		}
		if !ok || length.n < 0 {
			return append(ps, hole)
		}
		elems = elems[a:b]
		pe = &syntax.ParamExp{Param: pe.Param, Index: pe.Index}
	} else if pe.Exp != nil {
		switch pe.Exp.Op {
		case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
			if len(elems) == 0 && !more {
				return w.parts(st, ps, fallbackParts(pe.Exp.Word, quoted), quoted)
			}
			pe = &syntax.ParamExp{Param: pe.Param, Index: pe.Index}
		case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
			if more {
				return append(ps, hole)
			}
			if len(elems) == 0 {
				return ps
			}
			return w.parts(st, ps, fallbackParts(pe.Exp.Word, quoted), quoted)
		}
	}
	sep := piece{sep: true}
	if star && quoted {
		ifs, ok := w.ifs(st)
		if !ok {
			return append(ps, hole)
		}
		sep = piece{quoted: true}
		if ifs != "" {
			sep.text = ifs[:1]
		}
	}
	for i, e := range elems {
		if i > 0 {
			ps = append(ps, sep)
		}
		e, ok := w.operate(st, pe, e)
		if !ok {
			ps = append(ps, piece{hole: word.Var, src: src, many: !quoted, quoted: quoted})
			continue
		}
		many := e.Many
		n := len(ps)
		ps = w.pieces(ps, e, quoted, word.FromVariable)
		for ; many && n < len(ps); n++ {
			if ps[n].hole != word.NoHole {
				ps[n].many = true
			}
		}
	}
	if more {
		ps = append(ps, sep, hole)
	}
	return ps
}

// keys expands ${!a[@]}: the indices of an array.
func (w *walker) keys(st *state, ps []piece, name string, quoted bool, src string) []piece {
	v := w.resolved(st, name)
	hole := append(slices.Clip(ps), piece{hole: word.Var, src: src, many: true, quoted: quoted})
	var all []word.Word
	switch {
	case v.state == VarUnset:
		return ps
	case v.state == VarUnknown || v.more || v.loose():
		return hole
	case v.keys != nil:
		if len(v.keys) > w.lim.Values {
			return hole
		}
		// How many there are is known, and which; not which comes when.
		any := word.Set(src, word.FromVariable, v.names()...)
		for range v.keys {
			all = append(all, any)
		}
	case !v.isList:
		all = word.Lits("0")
	default:
		for i := range v.list {
			all = append(all, word.Lit(strconv.FormatInt(v.index(i), 10)))
		}
	}
	for i, k := range all {
		if i > 0 {
			ps = append(ps, piece{sep: true})
		}
		ps = w.pieces(ps, k, quoted, word.FromVariable)
	}
	return ps
}

// elements lists an array's values, or the positional parameters.
func (w *walker) elements(st *state, name string) (elems []word.Word, more bool) {
	if name == "@" || name == "*" {
		return st.params, st.more
	}
	v := w.resolved(st, name)
	switch {
	case v.state == VarUnknown:
		return nil, true
	case v.state == VarUnset:
		return nil, false
	case v.isList:
		return v.list, v.more
	case v.keys != nil:
		return w.values(&v)
	}
	return []word.Word{v.val}, false
}

func isAll(x syntax.ArithmExpr) bool {
	s, ok := x.(*syntax.Word)
	if !ok {
		return false
	}
	l := s.Lit()
	return l == "@" || l == "*"
}
