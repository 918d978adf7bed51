package command

import (
	"maps"
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
	bad := false
	w.status = false
	if query(c.Args) {
		attrs['p'] = true // declare -p x, -f x: it says what is, and sets nothing
	}
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
				if variant == "local" && x.Is("-") {
					w.localOptions(st)
				} else if !attrs['p'] {
					w.declareWord(st, variant, attrs, x)
					name, _, set := cutWord(x, "=")
					if !set {
						name, _ = x.Value()
					}
					bad = bad || !isName(strings.TrimSuffix(name, "+"))
				}
			}
			continue
		}
		if attrs['p'] {
			argv = append(argv, word.Lit(w.source(a)))
			continue
		}
		for _, one := range spread(a) {
			argv = append(argv, w.declared(st, variant, attrs, off, one))
		}
	}
	redirs, in := w.redirs(st, s.Redirs)
	if w.fatal != 0 {
		return w.failed(st)
	}
	if attrs['f'] && (variant == "export" || attrs['x']) {
		w.exportFuncs(st, argv[1:], !attrs['n'] && !off['x'])
	}
	i := w.emit(st, Action{Argv: argv, Redirs: redirs, Stdin: stdin(in), Builtin: true}, at)
	if attrs['f'] && i >= 0 {
		w.printFuncs(st, i, argv[1:])
	}
	both(st).behind(argv)
	if n := len(c.Args); n > 0 && c.Args[n-1].Array != nil || attrs['i'] || attrs['u'] || attrs['l'] || attrs['n'] {
		st.last = word.Word{} // the word as it was typed, not what became of it
	}
	if bad {
		return both(st) // what is no name is an error
	}
	return success(st)
}

// exportFuncs hands functions on to the shells that this one starts.
func (w *walker) exportFuncs(st *state, names []word.Word, on bool) {
	for _, x := range names {
		name, _ := x.Value()
		if f, ok := w.findFunc(st, name); ok {
			st.own()
			if st.funcs == nil {
				st.funcs = map[string]*function{}
			}
			g := *f
			g.exported = on
			st.funcs[name] = &g
		}
	}
}

// printFuncs notes what declare -f prints: functions, as code that defines them.
func (w *walker) printFuncs(st *state, i int, names []word.Word) {
	var b strings.Builder
	for _, x := range names {
		name, ok := x.Value()
		if ok && strings.HasPrefix(name, "-") {
			continue
		}
		f, found := w.findFunc(st, name)
		if !ok || !found || f.maybe || f.body == nil {
			return
		}
		from, to := int(f.body.Pos().Offset()), int(f.body.End().Offset())
		if from > to || to > len(f.src) || strings.Contains(f.src[from:to], "<<") {
			return // its here-documents stand elsewhere
		}
		b.WriteString(name + " () " + f.src[from:to] + "\n")
	}
	if b.Len() == 0 || b.Len() > maxValue {
		return
	}
	if w.says == nil {
		w.says = map[int]said{}
	}
	w.says[i] = said{texts: []word.Word{word.Lit(b.String())}, whole: true}
}

// query reports whether a declaration only asks: -p, -f or -F.
func query(args []*syntax.Assign) bool {
	for _, a := range args {
		if a.Name != nil || a.Value == nil {
			continue
		}
		if s := a.Value.Lit(); len(s) > 1 && s[0] == '-' && strings.ContainsAny(s[1:], "pfF") {
			return true
		}
	}
	return false
}

// declared does one declaration and returns its word.
func (w *walker) declared(st *state, variant string, attrs, off map[byte]bool, a *syntax.Assign) word.Word {
	name := a.Name.Value
	if variant == "local" || (variant == "declare" || variant == "typeset") && !attrs['g'] {
		w.local(st, name)
	}
	if variant == "nameref" {
		attrs['n'] = true
	}
	word1 := func() word.Word {
		if a.Naked {
			return word.Lit(name)
		}
		if v := w.get(st, name, nil); a.Array == nil && a.Index == nil && v.state == VarSet {
			return w.concat(word.Lit(name+"="), v.val)
		}
		return word.Lit(w.source(a))
	}
	v := w.lookup(st, name)
	if attrs['n'] && variant != "export" {
		v = variable{state: VarSet, nameref: true, val: word.Lit(""), exported: v.exported}
		if !a.Naked {
			v.val = w.assigned(st, a.Value)
		}
		st.set(name, v)
		return word1()
	}
	if off['n'] && v.nameref {
		v.nameref = false
		st.set(name, v)
	}
	target, index, ok := w.refer(st, name)
	if !ok || index != "" {
		w.lose(st)
		return word1()
	}
	if v = w.lookup(st, target); v.readonly {
		return word1() // an error, and no more than that
	}
	was := v
	if attrs['a'] || attrs['A'] {
		v.begin()
	}
	if attrs['a'] && !v.isList && v.keys == nil {
		if v.state == VarSet {
			v.list = []word.Word{v.val}
		}
		v.isList = v.state != VarUnknown
		if v.isList {
			v.state = VarSet
		}
	}
	if attrs['A'] && v.keys == nil {
		v = variable{keys: map[string]word.Word{}, state: VarSet, more: v.state == VarUnknown, exported: v.exported}
	}
	v.exported = (v.exported || attrs['x'] || variant == "export") && !off['x'] && !(variant == "export" && attrs['n'])
	v.integer = (v.integer || attrs['i']) && !off['i']
	v.upper = (v.upper || attrs['u']) && !off['u'] && !attrs['l']
	v.lower = (v.lower || attrs['l']) && !off['l'] && !attrs['u']
	if attrs['c'] {
		v = variable{state: VarUnknown, exported: v.exported}
	}
	if was.state != v.state || was.isList != v.isList || was.exported != v.exported || was.integer != v.integer || was.upper != v.upper || was.lower != v.lower || attrs['A'] || attrs['c'] ||
		a.Naked && v.state == VarSet && !v.isList && v.keys == nil {
		st.set(target, v)
	}
	if !a.Naked {
		w.assign(st, a, v.exported)
		if off['x'] || attrs['c'] {
			x := w.lookup(st, target)
			x.exported = v.exported
			if attrs['c'] {
				x = v
			}
			st.set(target, x)
		}
	}
	if v = w.lookup(st, target); variant == "readonly" || attrs['r'] {
		v.readonly = true
		st.set(target, v)
	}
	return word1()
}

// local keeps a variable's value for the end of the function.
func (w *walker) local(st *state, name string) {
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
}

// localOptions keeps the options for the end of the function: local -.
func (w *walker) localOptions(st *state) {
	for i := len(w.calls) - 1; i >= 0; i-- {
		f := w.calls[i]
		if f.sub < 0 || f.source {
			continue
		}
		if f.sub == w.sub && !f.keepsOpts {
			f.opts, f.keepsOpts = maps.Clone(st.opts), true
		}
		return
	}
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
