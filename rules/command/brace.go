package command

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// braceWords is how many words a brace expansion becomes; past maxWords it
// stops counting.
func braceWords(x *syntax.Word, depth int) int {
	if depth > maxNest {
		return maxWords + 1
	}
	n := 1
	for _, p := range x.Parts {
		b, ok := p.(*syntax.BraceExp)
		if !ok {
			continue
		}
		one := 0
		switch {
		case b.Sequence:
			one = sequenceWords(b)
		default:
			for _, e := range b.Elems {
				if one += braceWords(e, depth+1); one > maxWords {
					return one
				}
			}
		}
		if one > maxWords {
			return one
		}
		if n *= max(one, 1); n > maxWords {
			return n
		}
	}
	return n
}

// sequenceWords is how many words {from..to..step} becomes.
func sequenceWords(b *syntax.BraceExp) int {
	if len(b.Elems) < 2 {
		return 1
	}
	from, err1 := strconv.ParseInt(b.Elems[0].Lit(), 10, 64)
	to, err2 := strconv.ParseInt(b.Elems[1].Lit(), 10, 64)
	if err1 != nil || err2 != nil {
		return 128 // from letter to letter
	}
	step := int64(1)
	if len(b.Elems) > 2 {
		if n, err := strconv.ParseInt(b.Elems[2].Lit(), 10, 64); err == nil && n != 0 && n > -1<<62 {
			step = max(n, -n)
		}
	}
	if from > 1<<40 || from < -1<<40 || to > 1<<40 || to < -1<<40 {
		return maxWords + 1
	}
	return int(min(max(to-from, from-to)/step+1, maxWords+1))
}

func hasBrace(x *syntax.Word) bool {
	for _, p := range x.Parts {
		if l, ok := p.(*syntax.Lit); ok && strings.IndexByte(l.Value, '{') >= 0 {
			return true
		}
	}
	return false
}

// joinNames puts a parameter's name together that a brace expansion made longer:
// braces are expanded before anything else is looked at, so $x{a,b} is $xa $xb.
func joinNames(parts []syntax.WordPart) []syntax.WordPart {
	var out []syntax.WordPart
	for _, p := range parts {
		l, ok := p.(*syntax.Lit)
		if !ok || len(out) == 0 {
			out = append(out, p)
			continue
		}
		n := 0
		for n < len(l.Value) && isName("_"+l.Value[:n+1]) {
			n++
		}
		rest := *l
		rest.Value = l.Value[n:]
		switch before := out[len(out)-1].(type) {
		case *syntax.ParamExp:
			if n == 0 || !before.Short || before.Param == nil || !isName(before.Param.Value) {
				break
			}
			pe, name := *before, *before.Param
			name.Value += l.Value[:n]
			pe.Param = &name
			out[len(out)-1] = &pe
			if rest.Value != "" {
				out = append(out, &rest)
			}
			continue
		case *syntax.Lit:
			head, dollar := strings.CutSuffix(before.Value, "$")
			if !dollar || strings.HasSuffix(head, `\`) || !isName(l.Value[:n]) {
				break
			}
			cp := *before
			cp.Value = head
			out[len(out)-1] = &cp
			out = append(out, &syntax.ParamExp{Dollar: l.ValuePos, Short: true, Param: &syntax.Lit{ValuePos: l.ValuePos, ValueEnd: l.ValueEnd, Value: l.Value[:n]}}, &rest)
			continue
		}
		out = append(out, p)
	}
	return out
}

// spread is the declarations that braces in the value of one make, since it is a
// word of a command too: declare x={a,b} is x=a x=b.
func spread(a *syntax.Assign) []*syntax.Assign {
	if a.Value == nil || !hasBrace(a.Value) {
		return []*syntax.Assign{a}
	}
	cp := *a.Value
	if !syntax.SplitBraces(&cp) || braceWords(&cp, 0) > maxWords {
		return []*syntax.Assign{a}
	}
	var out []*syntax.Assign
	for x, err := range expand.BracesSeq(nil, &cp) {
		if err != nil || len(out) > maxNest {
			return []*syntax.Assign{a}
		}
		one := *a
		one.Value = &syntax.Word{Parts: joinNames(x.Parts)}
		out = append(out, &one)
	}
	return out
}
