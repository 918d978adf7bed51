package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// param adds what a parameter expansion becomes, and walks what is substituted
// in it.
func (w *walker) param(st *state, ps []piece, pe *syntax.ParamExp, quoted bool) []piece {
	if pe.Exp == nil && pe.Repl == nil && pe.Slice == nil && pe.Index == nil {
		return w.paramOf(st, ps, pe, quoted)
	}
	n, seen := len(ps), len(w.line.Actions)
	out := w.paramOf(st, ps, pe, quoted)
	if len(w.line.Actions) == seen && slices.ContainsFunc(out[min(n, len(out)):], func(p piece) bool { return p.hole != word.NoHole }) {
		// Nothing is known of the value, so that the words behind the operator
		// were not looked at: they may be expanded all the same.
		w.substituted(st, pe)
	}
	return out
}

// substituted walks the commands that are substituted in the words of an
// expansion. Whether it comes to them is not known.
func (w *walker) substituted(st *state, pe *syntax.ParamExp) {
	sub := st.clone()
	sub.certain = Possible
	syntax.Walk(pe, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.subst(sub, n.Stmts, w.source(n))
			return false
		case *syntax.ProcSubst:
			return false
		}
		return true
	})
}

func (w *walker) paramOf(st *state, ps []piece, pe *syntax.ParamExp, quoted bool) []piece {
	src := w.source(pe)
	hole := func() []piece {
		return append(ps, piece{hole: word.Var, src: src, many: !quoted, quoted: quoted})
	}
	if pe.Param == nil {
		return hole()
	}
	name := pe.Param.Value
	if pe.Names != 0 {
		return w.prefixed(st, ps, pe, quoted, src)
	}
	if pe.Excl && isAll(pe.Index) {
		return w.keys(st, ps, name, quoted, src)
	}
	if pe.Excl {
		// ${!x}: the name is itself a value.
		if ref := w.lookup(st, name); ref.nameref {
			// Of a name reference it is the name that it stands for.
			return w.pieces(ps, ref.val, quoted, word.FromVariable)
		}
		ref := word.Hidden(src, word.Var)
		switch x := w.get(st, name, pe.Index); x.state {
		case VarSet:
			ref = x.val
		case VarUnset:
			w.fatal = drops // nothing to lead anywhere
			return ps
		case VarUnknown:
		}
		v, ok := ref.Value()
		array, index, element := subscript(v)
		switch {
		case !ok:
			return hole()
		case element && (index == "@" || index == "*"):
			cp := *pe
			cp.Excl, cp.Param = false, &syntax.Lit{Value: array}
			cp.Index = &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: index}}}
			return w.list(st, ps, &cp, array, quoted, src)
		case element:
			return w.single(st, ps, pe, v, w.elementNamed(st, array, index), quoted, src)
		case v == "@" || v == "*":
			return hole()
		case v != "" && (isName(v) || strings.Trim(v, "0123456789") == ""):
		case len(v) != 1 || !strings.Contains("#?-$!", v):
			w.fatal = drops // not a name
			return ps
		default:
			return hole()
		}
		name = v
		cp := *pe
		cp.Index = nil
		pe = &cp
	}
	if name == "@" || name == "*" || isAll(pe.Index) {
		return w.list(st, ps, pe, name, quoted, src)
	}
	return w.single(st, ps, pe, name, w.get(st, name, pe.Index), quoted, src)
}

// single adds what the expansion of one value becomes.
func (w *walker) single(st *state, ps []piece, pe *syntax.ParamExp, name string, v variable, quoted bool, src string) []piece {
	hole := func() []piece {
		return append(ps, piece{hole: word.Var, src: src, many: !quoted, quoted: quoted})
	}
	if v.maybe && w.opt(st, "nounset") && pe.Exp == nil {
		st.ended = true
	}
	if v.state == VarUnset && w.opt(st, "nounset") && pe.Exp == nil && !strings.Contains("!$?-#*@", name) {
		w.fatal = ends
	}
	if pe.Length {
		if v.state == VarUnknown || v.state == VarSet && v.val.Know != word.Known {
			return append(ps, piece{hole: word.Var, src: src, quoted: true})
		}
		n := 0
		if s, ok := v.val.Value(); ok && v.state == VarSet {
			n = len([]rune(s))
		}
		return append(ps, piece{text: strconv.Itoa(n), quoted: quoted, split: !quoted})
	}
	if pe.Exp != nil {
		if out, done := w.fallback(st, ps, pe, name, v, quoted, src); done {
			return out
		}
	}
	if v.state == VarUnknown {
		if alwaysNumber(name) && pe.Exp == nil && pe.Repl == nil {
			return append(ps, piece{hole: word.Var, src: src, quoted: true})
		}
		if pe.Exp == nil && pe.Repl == nil && pe.Slice == nil && v.val.Know == word.Unknown && len(v.val.Shape) > 0 {
			return w.pieces(ps, v.val, quoted, word.FromVariable)
		}
		return hole()
	}
	if pe.Exp != nil && pe.Exp.Op == syntax.OtherParamOps {
		op := pe.Exp.Word.Lit()
		switch {
		case op == "a":
			return w.attributes(st, ps, name, quoted, src)
		case v.state == VarUnset:
			return append(ps, piece{quoted: quoted, split: !quoted})
		case op == "A" || op == "K" || op == "k":
			return hole()
		}
	}
	val := v.val
	if v.state == VarUnset {
		val = word.Word{Src: src, Know: word.Known, Values: []string{""}, Origin: word.FromVariable}
		if pe.Repl != nil || pe.Slice != nil {
			return w.pieces(ps, val, quoted, word.FromVariable) // nothing to work on
		}
	}
	val, ok := w.operate(st, pe, val)
	if !ok {
		return hole()
	}
	if v.maybe && pe.Repl != nil {
		val = w.either(val, word.Lit("")) // where it is unset there is nothing to work on
	}
	from := val.Origin
	if from == word.FromLiteral || from == "" {
		from = word.FromVariable
	}
	return w.pieces(ps, val, quoted, from)
}

// alwaysNumber reports whether bash keeps a number in a parameter: one word,
// whatever it is.
func alwaysNumber(name string) bool {
	switch name {
	case "?", "$", "#", "RANDOM", "SRANDOM", "SECONDS", "LINENO", "BASHPID", "EPOCHSECONDS", "PPID", "UID", "EUID":
		return true
	}
	return false
}

// fallback handles the operators that ask whether a parameter is set.
func (w *walker) fallback(st *state, ps []piece, pe *syntax.ParamExp, name string, v variable, quoted bool, src string) ([]piece, bool) {
	op := pe.Exp.Op
	null := false
	switch op {
	case syntax.AlternateUnsetOrNull, syntax.DefaultUnsetOrNull, syntax.ErrorUnsetOrNull, syntax.AssignUnsetOrNull:
		null = true
	case syntax.AlternateUnset, syntax.DefaultUnset, syntax.ErrorUnset, syntax.AssignUnset:
	default:
		return ps, false
	}
	missing := no
	switch v.state {
	case VarUnset:
		missing = yes
	case VarUnknown:
		missing = maybe
	case VarSet:
		if v.maybe {
			missing = maybe
		}
		if null {
			switch v.val.Know {
			case word.Known:
				if v.val.Values[0] == "" {
					missing = yes
				}
			case word.OneOf:
				if slices.Contains(v.val.Values, "") {
					missing = maybe
				}
			default:
				missing = maybe
				for _, p := range v.val.Shape {
					if p.Hole == word.NoHole && p.Lit != "" {
						missing = no
					}
				}
			}
		}
	}
	hole := append(slices.Clip(ps), piece{hole: word.Var, src: src, many: !quoted, quoted: quoted})
	other := func() []piece {
		if pe.Exp.Word == nil {
			if quoted {
				return append(ps, piece{quoted: true})
			}
			return ps
		}
		n := len(ps)
		ps = w.parts(st, ps, fallbackParts(pe.Exp.Word, quoted), quoted)
		for i := n; i < len(ps); i++ {
			if !ps[i].quoted && ps[i].hole == word.NoHole {
				ps[i].split = true
			}
		}
		return ps
	}
	switch op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		switch missing {
		case yes:
			return ps, true
		case no:
			return other(), true
		}
		return hole, true
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		if missing == yes {
			return other(), true
		}
		if missing == maybe && v.state == VarUnknown {
			hole[len(ps)].other = w.otherwise(st, pe.Exp.Word, quoted)
			return hole, true
		}
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		if missing == yes && isName(name) {
			st.setScalar(name, w.one(w.parts(st, nil, fallbackParts(pe.Exp.Word, quoted), quoted), src))
			return w.pieces(ps, st.vars[name].val, quoted, word.FromVariable), true
		}
		if missing == maybe && isName(name) && v.state == VarUnknown {
			hole[len(ps)].other = w.otherwise(st, pe.Exp.Word, quoted)
			val := word.Word{Src: src, Know: word.Unknown, Shape: shape(hole[len(ps):], false), Origin: word.FromVariable}
			st.set(name, variable{state: VarUnknown, val: val})
			return hole, true
		}
		if missing == yes && pe.Index == nil {
			w.fatal = drops // a positional parameter cannot be assigned
			return ps, true
		}
		if missing == maybe && isName(name) {
			st.set(name, variable{state: VarUnknown})
		}
	default:
		if missing == yes {
			w.fatal = ends
			return ps, true
		}
		if missing == maybe && null && v.state == VarSet && v.val.Know == word.OneOf {
			vals := slices.DeleteFunc(slices.Clone(v.val.Values), func(s string) bool { return s == "" })
			return w.pieces(ps, word.Set(v.val.Src, v.val.Origin, vals...), quoted, word.FromVariable), true
		}
	}
	if missing == maybe && !null && v.state == VarSet && v.val.Know != word.Unknown {
		if op == syntax.ErrorUnset {
			return w.pieces(ps, v.val, quoted, word.FromVariable), true
		}
		sub := st.clone()
		sub.certain = Possible
		return w.pieces(ps, w.either(v.val, w.value(sub, pe.Exp.Word)), quoted, word.FromVariable), true
	}
	if missing == maybe && v.state == VarSet && v.val.Know == word.OneOf {
		sub := st.clone()
		sub.certain = Possible
		d := w.value(sub, pe.Exp.Word)
		vals := slices.DeleteFunc(slices.Clone(v.val.Values), func(s string) bool { return s == "" })
		return w.pieces(ps, w.either(word.Set(v.val.Src, v.val.Origin, vals...), d), quoted, word.FromVariable), true
	}
	if missing == no {
		return w.pieces(ps, v.val, quoted, word.FromVariable), true
	}
	return hole, true
}

// otherwise is the value of a default that may or may not be used, "" where it
// is not known. What it starts may run.
func (w *walker) otherwise(st *state, x *syntax.Word, quoted bool) string {
	if x == nil {
		return ""
	}
	sub := st.clone()
	sub.certain = Possible
	v, ok := w.value(sub, x).Value()
	if !ok || !quoted && strings.ContainsAny(v, "*?[") {
		return ""
	}
	return v
}

// operate applies ${x%…}, ${x/…/…}, ${x:…:…} and the like to each value.
func (w *walker) operate(st *state, pe *syntax.ParamExp, val word.Word) (word.Word, bool) {
	if pe.Exp == nil && pe.Repl == nil && pe.Slice == nil {
		return val, true
	}
	if val.Know == word.Unknown || val.Know == 0 {
		return val, false
	}
	fs, ok := w.operators(st, pe)
	if !ok {
		return val, false
	}
	var vals []string
	for _, v := range val.Values {
		for _, f := range fs {
			s, ok := f(v)
			if !ok && pe.Slice != nil && len(val.Values) == 1 {
				w.fatal = drops // a length below zero
			}
			if !ok || len(s) > maxValue {
				return val, false
			}
			if !slices.Contains(vals, s) {
				vals = append(vals, s)
			}
		}
	}
	if len(vals) > w.lim.Values {
		return val, false
	}
	return word.Set(val.Src, val.Origin, vals...), true
}

// operators are the functions of which an expansion applies one; false where it
// is not known.
func (w *walker) operators(st *state, pe *syntax.ParamExp) ([]func(string) (string, bool), bool) {
	if pe.Slice != nil || pe.Repl == nil {
		f, ok := w.operator(st, pe)
		return []func(string) (string, bool){f}, ok
	}
	pat, ok := w.pattern(st, pe.Repl.Orig)
	if !ok {
		return nil, false
	}
	with, ok := w.replacement(st, pe.Repl.With)
	if !ok {
		return nil, false
	}
	anchor, pat := anchored(pat, pe.Repl.Orig, pe.Repl.All)
	var fs []func(string) (string, bool)
	for _, r := range with {
		fs = append(fs, func(s string) (string, bool) { return replace(s, pat, anchor, r, pe.Repl.All) })
	}
	return fs, true
}

// operator is the function that an expansion applies, but for replacements.
func (w *walker) operator(st *state, pe *syntax.ParamExp) (func(string) (string, bool), bool) {
	switch {
	case pe.Slice != nil:
		off := number{known: true}
		if pe.Slice.Offset != nil {
			off = w.arith(st, pe.Slice.Offset)
		}
		length := number{n: 1 << 40, known: true}
		if pe.Slice.Length != nil {
			length = w.arith(st, pe.Slice.Length)
		}
		if !off.known || !length.known {
			return nil, false
		}
		return func(s string) (string, bool) {
			r := []rune(s)
			a, b, ok := window(int64(len(r)), off.n, length.n)
			if !ok {
				return "", false
			}
			return string(r[a:b]), true
		}, true
	}
	op := pe.Exp.Op
	switch op {
	case syntax.OtherParamOps:
		if pe.Exp.Word.Lit() == "P" {
			return func(s string) (string, bool) { return w.prompt(st, s) }, true
		}
		f := transforms()[pe.Exp.Word.Lit()]
		return f, f != nil
	case syntax.UpperAll, syntax.UpperFirst, syntax.LowerAll, syntax.LowerFirst:
		return w.capitals(st, pe)
	}
	pat, ok := w.pattern(st, pe.Exp.Word)
	if !ok {
		return nil, false
	}
	prefix := op == syntax.RemSmallPrefix || op == syntax.RemLargePrefix
	large := op == syntax.RemLargePrefix || op == syntax.RemLargeSuffix
	if !prefix && op != syntax.RemSmallSuffix && op != syntax.RemLargeSuffix {
		return nil, false
	}
	return func(s string) (string, bool) { return trimPattern(s, pat, prefix, large) }, true
}

// window turns an offset and a length into a range, as ${x:o:l} does.
func window(n, off, length int64) (a, b int64, ok bool) {
	if off < 0 {
		off += n
		if off < 0 {
			return 0, 0, true
		}
	}
	if off > n {
		return 0, 0, true
	}
	end := off + length
	if length < 0 {
		end = n + length
		if end < off {
			return 0, 0, false // bash says: substring expression < 0
		}
	}
	return off, min(end, n), true
}

func isName(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}

func (w *walker) scalar(st *state, name string) word.Word {
	v := w.get(st, name, nil)
	switch v.state {
	case VarSet:
		return v.val
	case VarUnset:
		return word.Lit("")
	case VarUnknown:
	}
	return word.Hidden("$"+name, word.Var)
}

// get is one parameter or one element of an array.
func (w *walker) get(st *state, name string, index syntax.ArithmExpr) variable {
	if c := name[0]; c >= '0' && c <= '9' {
		n, err := strconv.Atoi(name)
		if err != nil {
			return variable{state: VarUnknown}
		}
		if n == 0 {
			return variable{state: VarSet, val: st.arg0}
		}
		if n <= len(st.params) && !slices.ContainsFunc(st.params[:n], func(p word.Word) bool { return p.Many }) {
			return variable{state: VarSet, val: st.params[n-1]}
		}
		if st.more || slices.ContainsFunc(st.params, func(p word.Word) bool { return p.Many }) {
			return variable{state: VarUnknown}
		}
		return variable{state: VarUnset}
	}
	switch name {
	case "#":
		if st.more || slices.ContainsFunc(st.params, func(p word.Word) bool { return p.Many }) {
			return variable{state: VarUnknown}
		}
		return variable{state: VarSet, val: word.Lit(fmt.Sprint(len(st.params)))}
	case "_":
		if st.last.Know != 0 {
			return variable{state: VarSet, val: st.last}
		}
		return variable{state: VarUnknown}
	case "?", "$", "!", "-", "RANDOM", "SRANDOM", "SECONDS", "LINENO", "BASHPID", "EPOCHSECONDS", "EPOCHREALTIME", "PPID", "FUNCNAME", "BASH_SOURCE", "BASH_LINENO", "BASH_COMMAND", "PIPESTATUS", "DIRSTACK", "SHLVL", "BASH_SUBSHELL":
		if name == "FUNCNAME" && index == nil {
			for i := len(w.calls) - 1; i >= 0; i-- {
				if f := w.calls[i]; f.source {
					return variable{state: VarSet, val: word.Lit("source")}
				} else if f.sub >= w.shellSub {
					return variable{state: VarSet, val: word.Lit(f.name)}
				}
			}
		}
		if name == "BASH_SOURCE" && index == nil && st.ctx.arg0 != "" {
			return variable{state: VarSet, val: word.Lit(st.ctx.arg0)}
		}
		return variable{state: VarUnknown}
	case "PWD":
		if _, ok := st.vars[name]; !ok {
			return variable{state: VarSet, val: st.cwd}
		}
	case "OLDPWD":
		if st.oldpwd.Know != 0 {
			return variable{state: VarSet, val: st.oldpwd}
		}
	case "HOME":
		if v := w.lookup(st, "HOME"); v.state != VarUnknown {
			return v
		}
		return variable{state: VarSet, val: w.home(st)}
	case "UID", "EUID":
		if st.ctx.user == "root" || st.ctx.user == "" && st.ctx.shell && w.shell.User() == "root" {
			return variable{state: VarSet, val: word.Lit("0")}
		}
		if v := w.lookup(st, name); v.state == VarSet {
			return v
		}
		return variable{state: VarUnknown}
	case "HOSTNAME", "HOSTTYPE", "OSTYPE", "MACHTYPE", "BASH_VERSION", "BASH", "GROUPS", "OPTIND", "SHELLOPTS", "BASHOPTS", "COLUMNS", "LINES", "TERM", "PATH", "IFS", "PS1", "PS4", "PS2", "OPTERR", "BASH_VERSINFO":
		// bash sets these itself: not in the environment does not mean unset.
		v := w.lookup(st, name)
		if _, here := st.vars[name]; v.state == VarUnset && !here {
			return variable{state: VarUnknown}
		}
		return v
	}
	v := w.resolved(st, name)
	if index == nil {
		if v.keys != nil || v.isList {
			return w.first(&v)
		}
		return v
	}
	if v.state != VarSet {
		return v
	}
	return w.elementOf(st, &v, index)
}
