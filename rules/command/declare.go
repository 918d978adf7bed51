package command

import (
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// declare walks declare, local, export, readonly and typeset.
func (w *walker) declare(st *state, s *syntax.Stmt, c *syntax.DeclClause) result {
	at := w.where(c.Pos())
	variant := c.Variant.Value
	argv := []word.Word{word.Lit(variant)}
	attrs := map[byte]bool{}
	off := map[byte]bool{}
	w.status = false
	for _, a := range c.Args {
		if a.Name == nil {
			ws := w.fields(st, nil, a.Value)
			argv = append(argv, ws...)
			for _, x := range ws {
				if s, ok := x.Value(); ok && len(s) > 1 && (s[0] == '-' || s[0] == '+') {
					for _, f := range []byte(s[1:]) {
						attrs[f] = s[0] == '-'
						off[f] = s[0] == '+'
					}
					continue
				}
				w.declareWord(st, variant, attrs, x)
			}
			continue
		}
		argv = append(argv, w.declared(st, variant, attrs, off, a))
	}
	redirs, in := w.redirs(st, s.Redirs)
	if w.fatal {
		w.fatal = false
		return result{}
	}
	w.emit(st, Action{Argv: argv, Redirs: redirs, Stdin: stdin(in), Builtin: true}, at)
	return success(st)
}

// declared does one declaration and returns its word.
func (w *walker) declared(st *state, variant string, attrs, off map[byte]bool, a *syntax.Assign) word.Word {
	name := a.Name.Value
	if variant == "local" || (variant == "declare" || variant == "typeset") && !attrs['g'] {
		w.local(st, name, a.Naked)
	}
	v := w.lookup(st, name)
	if attrs['a'] && !v.isList && v.state != VarSet {
		v.isList, v.state = true, VarSet
	}
	if attrs['A'] && v.keys == nil {
		v.keys, v.state = map[string]word.Word{}, VarSet
	}
	v.exported = (v.exported || attrs['x'] || variant == "export") && !off['x'] && !(variant == "export" && attrs['n'])
	v.integer = (v.integer || attrs['i']) && !off['i']
	if variant == "nameref" {
		attrs['n'] = true
	}
	if attrs['a'] || attrs['A'] || attrs['x'] || attrs['i'] || variant == "export" && a.Naked && v.state != VarUnset {
		st.set(name, v)
	}
	src := w.source(a)
	if !a.Naked {
		w.assign(st, a, v.exported)
		if off['x'] {
			x := w.lookup(st, name)
			x.exported = false
			st.set(name, x)
		}
		if attrs['u'] || attrs['l'] || attrs['c'] {
			st.set(name, variable{state: VarUnknown})
		}
	}
	v = w.lookup(st, name)
	if attrs['n'] && variant != "export" && !a.Naked {
		v.nameref = true
		st.set(name, v)
	}
	if (variant == "readonly" || attrs['r']) && v.state == VarSet {
		v.readonly = true
		st.set(name, v)
	}
	if a.Naked {
		return word.Lit(name)
	}
	if a.Array != nil || a.Index != nil || v.state != VarSet {
		return word.Lit(src)
	}
	return w.concat(word.Lit(name+"="), v.val)
}

// local keeps a variable's value for the end of the function.
func (w *walker) local(st *state, name string, unset bool) {
	for i := len(w.calls) - 1; i >= 0; i-- {
		f := w.calls[i]
		if f.sub < 0 || f.source {
			continue
		}
		if f.sub == w.sub {
			_, had := f.locals[name]
			f.save(st, name)
			if !had {
				v := w.lookup(st, name)
				st.set(name, variable{state: VarUnset, exported: v.exported})
			}
		}
		return
	}
	_ = unset
}

// declareWord does a declaration that a word only expands to.
func (w *walker) declareWord(st *state, variant string, attrs map[byte]bool, x word.Word) {
	name, val, set := cutWord(x, "=")
	if !set {
		name, set = x.Value()
		if !set || !isName(name) {
			return
		}
		v := w.lookup(st, name)
		v.exported = v.exported || variant == "export" || attrs['x']
		st.set(name, v)
		return
	}
	if !isName(name) {
		return
	}
	v := w.lookup(st, name)
	st.set(name, variable{state: VarSet, val: val, exported: v.exported || variant == "export" || attrs['x']})
}

func (w *walker) declareWords(st *state, l launch, _ int) result {
	variant, _ := l.argv[0].Value()
	attrs := map[byte]bool{}
	for _, x := range l.argv[1:] {
		if s, ok := x.Value(); ok && len(s) > 1 && s[0] == '-' {
			for _, f := range []byte(s[1:]) {
				attrs[f] = true
			}
			continue
		}
		w.declareWord(st, variant, attrs, x)
	}
	return success(st)
}

// cutWord splits a word at the first sep of its known beginning.
func cutWord(x word.Word, sep string) (string, word.Word, bool) {
	p := x.Prefix()
	i := strings.Index(p, sep)
	if i < 0 {
		return "", word.Word{}, false
	}
	return p[:i], trimWord(x, i+len(sep)), true
}

// trimWord takes the first n bytes, which are known, off a word.
func trimWord(x word.Word, n int) word.Word {
	switch x.Know {
	case word.Known, word.OneOf:
		vs := make([]string, len(x.Values))
		for i, v := range x.Values {
			vs[i] = v[n:]
		}
		x.Values = vs
	default:
		if len(x.Shape) > 0 {
			shape := append([]word.Part{}, x.Shape...)
			shape[0].Lit = shape[0].Lit[n:]
			if shape[0].Lit == "" {
				shape = shape[1:]
			}
			x.Shape = shape
		}
	}
	if len(x.Src) >= n {
		x.Src = x.Src[n:]
	}
	return x
}
