package command

import (
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// number is an arithmetic value, when it is known.
type number struct {
	n     int64
	known bool
}

// assigns reports whether an arithmetic operator changes its left side.
func assigns(op syntax.BinAritOperator) bool {
	switch op {
	case syntax.Assgn, syntax.AddAssgn, syntax.SubAssgn, syntax.MulAssgn, syntax.QuoAssgn, syntax.RemAssgn,
		syntax.AndAssgn, syntax.OrAssgn, syntax.XorAssgn, syntax.ShlAssgn, syntax.ShrAssgn:
		return true
	}
	return false
}

// arith evaluates an arithmetic expression over plain integers. Anything else
// is unknown: bash would evaluate a variable's text as an expression again.
func (w *walker) arith(st *state, x syntax.ArithmExpr) number {
	switch e := x.(type) {
	case *syntax.Word:
		return w.arithWord(st, e)
	case *syntax.ParenArithm:
		return w.arith(st, e.X)
	case *syntax.UnaryArithm:
		return w.unary(st, e)
	case *syntax.BinaryArithm:
		return w.arithBinary(st, e)
	}
	return number{}
}

func (w *walker) arithWord(st *state, x *syntax.Word) number {
	name := x.Lit()
	if isName(name) {
		v := w.get(st, name, nil)
		switch v.state {
		case VarUnset:
			return number{0, true}
		case VarSet:
			return integer(v.val)
		}
		return number{}
	}
	return integer(w.value(st, x))
}

// integer reads a plain integer as bash's arithmetic does: 0x1f, 017, 2#101.
func integer(v word.Word) number {
	s, ok := v.Value()
	if !ok {
		return number{}
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return number{0, true}
	}
	if base, digits, ok := strings.Cut(s, "#"); ok {
		b, err := strconv.Atoi(base)
		if err != nil || b < 2 || b > 36 {
			return number{}
		}
		n, err := strconv.ParseInt(digits, b, 64)
		return number{n, err == nil}
	}
	if strings.ContainsAny(s, "_bBoO") {
		return number{}
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return number{n, err == nil}
}

func (w *walker) unary(st *state, e *syntax.UnaryArithm) number {
	x := w.arith(st, e.X)
	switch e.Op {
	case syntax.Not:
		return number{truthInt(x.n == 0), x.known}
	case syntax.BitNegation:
		return number{^x.n, x.known}
	case syntax.Plus:
		return x
	case syntax.Minus:
		return number{-x.n, x.known}
	case syntax.Inc, syntax.Dec:
		d := int64(1)
		if e.Op == syntax.Dec {
			d = -1
		}
		y := number{x.n + d, x.known}
		w.assignNumber(st, e.X, y)
		if e.Post {
			return x
		}
		return y
	}
	return number{}
}

func truthInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (w *walker) assignNumber(st *state, x syntax.ArithmExpr, n number) {
	lit, ok := x.(*syntax.Word)
	if !ok {
		return
	}
	name := lit.Lit()
	if !isName(name) {
		return
	}
	if !n.known {
		st.set(name, variable{state: VarUnknown})
		return
	}
	v := w.lookup(st, name)
	v.state, v.isList, v.keys, v.list = VarSet, false, nil, nil
	v.val = word.Word{Src: "$" + name, Know: word.Known, Values: []string{strconv.FormatInt(n.n, 10)}, Origin: word.FromVariable}
	st.set(name, v)
}

func (w *walker) arithBinary(st *state, e *syntax.BinaryArithm) number {
	switch e.Op {
	case syntax.AndArit, syntax.OrArit:
		x := w.arith(st, e.X)
		if x.known && (x.n == 0) == (e.Op == syntax.AndArit) {
			return number{truthInt(x.n != 0), true}
		}
		if !x.known {
			w.forget(st, func(f *forgetter) { f.node(e.Y) })
			return number{}
		}
		y := w.arith(st, e.Y)
		return number{truthInt(y.n != 0), y.known}
	case syntax.TernQuest:
		c := w.arith(st, e.X)
		b, ok := e.Y.(*syntax.BinaryArithm)
		if !ok || !c.known {
			w.forget(st, func(f *forgetter) { f.node(e.Y) })
			return number{}
		}
		if c.n != 0 {
			return w.arith(st, b.X)
		}
		return w.arith(st, b.Y)
	case syntax.Assgn:
		y := w.arith(st, e.Y)
		w.assignNumber(st, e.X, y)
		return y
	}
	x, y := w.arith(st, e.X), w.arith(st, e.Y)
	if e.Op == syntax.Comma {
		return y
	}
	op := e.Op
	if assigns(op) {
		op = compound[op]
		n := calc(op, x, y)
		w.assignNumber(st, e.X, n)
		return n
	}
	return calc(op, x, y)
}

var compound = map[syntax.BinAritOperator]syntax.BinAritOperator{
	syntax.AddAssgn: syntax.Add, syntax.SubAssgn: syntax.Sub, syntax.MulAssgn: syntax.Mul,
	syntax.QuoAssgn: syntax.Quo, syntax.RemAssgn: syntax.Rem, syntax.AndAssgn: syntax.And,
	syntax.OrAssgn: syntax.Or, syntax.XorAssgn: syntax.Xor, syntax.ShlAssgn: syntax.Shl, syntax.ShrAssgn: syntax.Shr,
}

func calc(op syntax.BinAritOperator, a, b number) number {
	if !a.known || !b.known {
		return number{}
	}
	x, y := a.n, b.n
	known := func(n int64) number { return number{n, true} }
	switch op {
	case syntax.Add:
		return known(x + y)
	case syntax.Sub:
		return known(x - y)
	case syntax.Mul:
		return known(x * y)
	case syntax.Quo, syntax.Rem:
		if y == 0 || y == -1 && x == -1<<63 {
			return number{}
		}
		if op == syntax.Quo {
			return known(x / y)
		}
		return known(x % y)
	case syntax.Pow:
		if y < 0 || y > 63 {
			return number{}
		}
		n := int64(1)
		for range y {
			n *= x
		}
		return known(n)
	case syntax.Eql:
		return known(truthInt(x == y))
	case syntax.Neq:
		return known(truthInt(x != y))
	case syntax.Gtr:
		return known(truthInt(x > y))
	case syntax.Lss:
		return known(truthInt(x < y))
	case syntax.Leq:
		return known(truthInt(x <= y))
	case syntax.Geq:
		return known(truthInt(x >= y))
	case syntax.And:
		return known(x & y)
	case syntax.Or:
		return known(x | y)
	case syntax.Xor:
		return known(x ^ y)
	case syntax.Shl, syntax.Shr:
		if y < 0 || y > 63 {
			return number{}
		}
		if op == syntax.Shl {
			return known(x << uint(y))
		}
		return known(x >> uint(y))
	}
	return number{}
}
