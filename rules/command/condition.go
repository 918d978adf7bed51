package command

import (
	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// test evaluates [[ … ]] where it depends on values alone.
func (w *walker) test(st *state, x syntax.TestExpr) truth {
	switch e := x.(type) {
	case *syntax.Word:
		return nonEmpty(w.value(st, e))
	case *syntax.ParenTest:
		return w.test(st, e.X)
	case *syntax.UnaryTest:
		if e.Op == syntax.TsNot {
			return not(w.test(st, e.X))
		}
		wd, ok := e.X.(*syntax.Word)
		if !ok {
			return maybe
		}
		v := w.value(st, wd)
		switch e.Op {
		case syntax.TsEmpStr:
			return not(nonEmpty(v))
		case syntax.TsNempStr:
			return nonEmpty(v)
		case syntax.TsVarSet:
			return w.isSet(st, v)
		case syntax.TsOptSet:
			if s, ok := v.Value(); ok && !st.ctx.shell || st.opts[s] {
				return truthFrom(w.opt(st, s))
			} else if _, here := st.opts[s]; ok && here {
				return no
			} else if on, known := w.shell.Option(s); ok && known {
				return truthFrom(on)
			}
		}
		return maybe
	case *syntax.BinaryTest:
		return w.testBinary(st, e)
	}
	return maybe
}

func nonEmpty(v word.Word) truth {
	switch v.Know {
	case word.Known:
		return is(v.Values[0] != "")
	case word.OneOf:
		for _, s := range v.Values {
			if s == "" {
				return maybe
			}
		}
		return yes
	}
	for _, p := range v.Shape {
		if p.Hole == word.NoHole && p.Lit != "" && !v.Many {
			return yes
		}
	}
	return maybe
}

// isSet is [[ -v name ]].
func (w *walker) isSet(st *state, name word.Word) truth {
	s, ok := name.Value()
	if !ok {
		return maybe
	}
	v := variable{state: VarUnknown}
	if array, index, element := subscript(s); element && index != "@" && index != "*" {
		v = w.elementNamed(st, array, index)
	} else if isName(s) {
		v = w.get(st, s, nil)
	}
	switch {
	case v.state == VarSet && !v.maybe:
		return yes
	case v.state == VarUnset:
		return no
	}
	return maybe
}

func truthFrom(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (w *walker) testBinary(st *state, e *syntax.BinaryTest) truth {
	switch e.Op {
	case syntax.AndTest:
		a := w.test(st, e.X)
		if a == no {
			return no
		}
		return both2(a, w.test(st, e.Y))
	case syntax.OrTest:
		a := w.test(st, e.X)
		if a == yes {
			return yes
		}
		return not(both2(not(a), not(w.test(st, e.Y))))
	}
	x, ok1 := e.X.(*syntax.Word)
	y, ok2 := e.Y.(*syntax.Word)
	if !ok1 || !ok2 {
		return maybe
	}
	l := w.value(st, x)
	switch e.Op {
	case syntax.TsMatchShort, syntax.TsMatch:
		if w.opt(st, "nocasematch") {
			return maybe
		}
		return w.matches(st, l, y)
	case syntax.TsNoMatch:
		if w.opt(st, "nocasematch") {
			return maybe
		}
		return not(w.matches(st, l, y))
	case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
		return compare(testOp(e.Op), w.evaluate(st, l), w.evaluate(st, w.value(st, y)))
	case syntax.TsReMatch:
		return w.rematch(st, l, y)
	}
	w.value(st, y)
	return maybe
}

// testOp is an operator that compares numbers, as test spells it.
func testOp(op syntax.BinTestOperator) string {
	switch op {
	case syntax.TsEql:
		return "-eq"
	case syntax.TsNeq:
		return "-ne"
	case syntax.TsLeq:
		return "-le"
	case syntax.TsGeq:
		return "-ge"
	case syntax.TsLss:
		return "-lt"
	case syntax.TsGtr:
		return "-gt"
	}
	return ""
}

func compare(op string, a, b number) truth {
	if !a.known || !b.known {
		return maybe
	}
	switch op {
	case "-eq":
		return is(a.n == b.n)
	case "-ne":
		return is(a.n != b.n)
	case "-le":
		return is(a.n <= b.n)
	case "-ge":
		return is(a.n >= b.n)
	case "-lt":
		return is(a.n < b.n)
	case "-gt":
		return is(a.n > b.n)
	}
	return maybe
}

func both2(a, b truth) truth {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return maybe
}

// bracketTest evaluates [ … ] and test where it depends on values alone.
func bracketTest(args []word.Word) truth {
	for _, a := range args {
		if a.Many {
			return maybe
		}
	}
	switch len(args) {
	case 0:
		return no
	case 1:
		return nonEmpty(args[0])
	case 2:
		op, _ := args[0].Value()
		switch op {
		case "!":
			return not(bracketTest(args[1:]))
		case "-n":
			return nonEmpty(args[1])
		case "-z":
			return not(nonEmpty(args[1]))
		}
	case 3:
		op, _ := args[1].Value()
		switch op {
		case "=", "==", "!=":
			t := equal(args[0], args[2])
			if op == "!=" {
				t = not(t)
			}
			return t
		case "-eq", "-ne", "-le", "-ge", "-lt", "-gt":
			return compare(op, integer(args[0]), integer(args[2]))
		}
		if args[0].Is("!") {
			return not(bracketTest(args[1:]))
		}
	case 4:
		if args[0].Is("!") {
			return not(bracketTest(args[1:]))
		}
	}
	return maybe
}

func equal(a, b word.Word) truth {
	if a.Know == word.Known && b.Know == word.Known {
		return is(a.Values[0] == b.Values[0])
	}
	if v, ok := a.Value(); ok && !b.Could(v) {
		return no
	}
	if v, ok := b.Value(); ok && !a.Could(v) {
		return no
	}
	return maybe
}
