package command

import (
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// number is an arithmetic value, when it is known.
type number struct {
	n         int64
	known     bool
	undefined bool // bash refuses to compute it: a division by zero
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
		return w.arithValue(st, w.get(st, name, nil))
	}
	if pe, ok := element(x); ok {
		return w.arithValue(st, w.get(st, pe.Param.Value, pe.Index))
	}
	return w.evaluate(st, w.value(st, x))
}

// arithValue is what a variable is worth in an expression.
func (w *walker) arithValue(st *state, v variable) number {
	switch v.state {
	case VarUnset:
		if w.opt(st, "nounset") {
			w.fatal = ends
		}
		return number{n: 0, known: true}
	case VarSet:
		return w.evaluate(st, v.val)
	}
	return number{}
}

// element is a subscripted variable as it stands in an expression: a[i].
func element(x syntax.ArithmExpr) (*syntax.ParamExp, bool) {
	word, ok := x.(*syntax.Word)
	if !ok || len(word.Parts) != 1 {
		return nil, false
	}
	pe, ok := word.Parts[0].(*syntax.ParamExp)
	return pe, ok && pe.Short && pe.Param != nil && pe.Index != nil && !pe.Excl && !pe.Length
}

// maxEvaluate bounds how deep a variable's text may be read as an expression
// that names another.
const maxEvaluate = 16

// evaluate is the value of text as an expression: what bash makes of a
// variable's value in arithmetic, which may be one itself.
func (w *walker) evaluate(st *state, x word.Word) number {
	n := integer(x)
	s, ok := x.Value()
	if n.known || !ok {
		return n
	}
	if len(s) > 256 || w.evaluating >= maxEvaluate {
		return number{}
	}
	text := "((" + s + "))"
	f, err := parseText(text)
	if err != nil || len(f.Stmts) != 1 {
		return number{}
	}
	a, ok := f.Stmts[0].Cmd.(*syntax.ArithmCmd)
	if !ok {
		return number{}
	}
	saved := w.src
	w.src = text
	w.evaluating++
	n = w.arith(st, a.X)
	w.evaluating--
	w.src = saved
	return n
}

// integer reads a plain integer as bash's arithmetic does: 0x1f, 017, 2#101.
func integer(v word.Word) number {
	s, ok := v.Value()
	if !ok {
		return number{}
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return number{n: 0, known: true}
	}
	if base, digits, ok := strings.Cut(s, "#"); ok {
		b, err := strconv.Atoi(base)
		if err != nil || b < 2 || b > 64 {
			return number{}
		}
		return digitsOf(digits, int64(b))
	}
	if strings.ContainsAny(s, "_bBoO") {
		return number{}
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return number{n: n, known: err == nil}
}

// digitsOf reads digits of a base up to 64: letters, then capitals where the
// base is above 36, then @ and _.
func digitsOf(s string, base int64) number {
	n := int64(0)
	for i := 0; i < len(s); i++ {
		d := int64(64)
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = int64(c - '0')
		case c >= 'a' && c <= 'z':
			d = int64(c-'a') + 10
		case c >= 'A' && c <= 'Z' && base <= 36:
			d = int64(c-'A') + 10
		case c >= 'A' && c <= 'Z':
			d = int64(c-'A') + 36
		case c == '@':
			d = 62
		case c == '_':
			d = 63
		}
		if d >= base || n > 1<<56 {
			return number{}
		}
		n = n*base + d
	}
	return number{n: n, known: s != ""}
}

func (w *walker) unary(st *state, e *syntax.UnaryArithm) number {
	x := w.arith(st, e.X)
	switch e.Op {
	case syntax.Not:
		return number{n: truthInt(x.n == 0), known: x.known}
	case syntax.BitNegation:
		return number{n: ^x.n, known: x.known}
	case syntax.Plus:
		return x
	case syntax.Minus:
		return number{n: -x.n, known: x.known}
	case syntax.Inc, syntax.Dec:
		d := int64(1)
		if e.Op == syntax.Dec {
			d = -1
		}
		y := number{n: x.n + d, known: x.known}
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
	val := word.Hidden(w.source(x), word.Var)
	if n.known {
		val = word.Word{Src: val.Src, Know: word.Known, Values: []string{strconv.FormatInt(n.n, 10)}, Origin: word.FromVariable}
	}
	if pe, ok := element(x); ok {
		name, index, ok := w.refer(st, pe.Param.Value)
		v := w.lookup(st, name)
		switch {
		case !ok || index != "":
			w.lose(st)
		case !v.readonly:
			w.store(st, &v, pe.Index, val)
			st.set(name, v)
		}
		return
	}
	lit, ok := x.(*syntax.Word)
	if !ok {
		return
	}
	if name := lit.Lit(); isName(name) {
		w.storeNamed(st, name, val)
	} else {
		w.lose(st) // a name that an expansion gives
	}
}

func (w *walker) arithBinary(st *state, e *syntax.BinaryArithm) number {
	switch e.Op {
	case syntax.AndArit, syntax.OrArit:
		x := w.arith(st, e.X)
		if x.known && (x.n == 0) == (e.Op == syntax.AndArit) {
			return number{n: truthInt(x.n != 0), known: true}
		}
		if !x.known {
			w.forget(st, func(f *forgetter) { f.node(e.Y) })
			return number{}
		}
		y := w.arith(st, e.Y)
		return number{n: truthInt(y.n != 0), known: y.known}
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
		op = plainOp(op)
		n := calc(op, x, y)
		w.assignNumber(st, e.X, n)
		return n
	}
	return calc(op, x, y)
}

// plainOp is the operator within an assignment: + of +=.
func plainOp(op syntax.BinAritOperator) syntax.BinAritOperator {
	switch op {
	case syntax.AddAssgn:
		return syntax.Add
	case syntax.SubAssgn:
		return syntax.Sub
	case syntax.MulAssgn:
		return syntax.Mul
	case syntax.QuoAssgn:
		return syntax.Quo
	case syntax.RemAssgn:
		return syntax.Rem
	case syntax.AndAssgn:
		return syntax.And
	case syntax.OrAssgn:
		return syntax.Or
	case syntax.XorAssgn:
		return syntax.Xor
	case syntax.ShlAssgn:
		return syntax.Shl
	case syntax.ShrAssgn:
		return syntax.Shr
	}
	return 0
}

func calc(op syntax.BinAritOperator, a, b number) number {
	if !a.known || !b.known {
		return number{undefined: a.undefined || b.undefined}
	}
	x, y := a.n, b.n
	known := func(n int64) number { return number{n: n, known: true} }
	switch op {
	case syntax.Add:
		return known(x + y)
	case syntax.Sub:
		return known(x - y)
	case syntax.Mul:
		return known(x * y)
	case syntax.Quo, syntax.Rem:
		if y == 0 || y == -1 && x == -1<<63 {
			return number{undefined: y == 0}
		}
		if op == syntax.Quo {
			return known(x / y)
		}
		return known(x % y)
	case syntax.Pow:
		if y < 0 || y > 1<<10 {
			return number{undefined: y < 0}
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
