package command

import (
	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// maxCases bounds how often one command is walked for the values that its
// variables may have.
const maxCases = 8

// cases walks a command once for each value that a variable may have, where
// they are not the same number of words: $F that is nothing or -rf. The state
// that begins each turn has the variable as it is then.
func (w *walker) cases(st *state, words []*syntax.Word, f func(*state) result) (result, bool) {
	name, v := w.several(st, words)
	was := w.cased
	now := max(was, 1) * len(v.val.Values)
	if name == "" || now > maxCases {
		return result{}, false
	}
	w.cased = now
	defer func() { w.cased = was }()
	var r result
	for _, value := range v.val.Values {
		s := st.clone()
		one := v
		one.val, one.maybe = word.Lit(value), false
		one.val.Src, one.val.Origin = v.val.Src, word.FromVariable
		s.set(name, one)
		turn := w.branch(s, true, f)
		r.ok, r.fail = w.join(r.ok, turn.ok), w.join(r.fail, turn.fail)
	}
	return r, true
}

// several is the first variable among the words of a command that stands there
// without quotes and may become one number of words or another.
func (w *walker) several(st *state, words []*syntax.Word) (string, variable) {
	for _, word := range words {
		for _, p := range word.Parts {
			x, ok := p.(*syntax.ParamExp)
			if !ok || x.Param == nil || x.Excl || x.Length || x.Width || x.Index != nil || x.Slice != nil || x.Repl != nil || x.Exp != nil || x.Names != 0 {
				continue
			}
			v, ok := st.vars[x.Param.Value]
			if !ok || v.state != VarSet || v.isList || v.keys != nil || v.nameref || len(v.val.Values) < 2 {
				continue
			}
			if ifs, known := w.ifs(st); known && splits(v.val.Values, ifs) {
				return x.Param.Value, v
			}
		}
	}
	return "", variable{}
}
