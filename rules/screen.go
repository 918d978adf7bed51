package rules

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// screen is what has to be so for a condition to hold: less than the condition,
// and found out without the virtual machine. Dozens of rules are asked for each
// effect, most of which are of other places or other acts; beside other work,
// when nothing is in the caches, it is their number that takes the time. nil
// lets everything through.
type screen func(*env) bool

// screenOf is that of a condition as it is written.
func screenOf(condition string) screen {
	tree, err := parser.Parse(condition)
	if err != nil {
		return nil // whoever compiles it says so
	}
	return screenOfNode(tree.Node)
}

func screenOfNode(n ast.Node) screen {
	switch n := n.(type) {
	case *ast.BinaryNode:
		return screenOfBinary(n)
	case *ast.ConditionalNode:
		return either(screenOfNode(n.Exp1), screenOfNode(n.Exp2))
	case *ast.IdentifierNode:
		return truth(n.Value)
	case *ast.MemberNode:
		of, name := member(n)
		if of == "attr" {
			return func(v *env) bool { return v.Attr[name] }
		}
		return truth(of + "." + name)
	case *ast.BuiltinNode:
		if n.Name == "any" {
			return filled(n.Arguments[0])
		}
	}
	return nil
}

// truth is what a condition names that is true or false.
func truth(name string) screen {
	switch name {
	case "glob":
		return func(v *env) bool { return v.Glob }
	case "unsure":
		return func(v *env) bool { return v.Unsure }
	case "remote":
		return func(v *env) bool { return v.Remote }
	case "everything":
		return func(v *env) bool { return v.Every }
	case "path.kernel":
		return func(v *env) bool { return v.Path.Kernel }
	case "path.account":
		return func(v *env) bool { return v.Path.Account }
	case "path.config":
		return func(v *env) bool { return v.Path.Config }
	case "path.follows":
		return func(v *env) bool { return v.Path.Follows }
	case "path.loader":
		return func(v *env) bool { return v.Path.Loader }
	case "path.exists":
		return func(v *env) bool { return v.Path.Exists }
	}
	return nil
}

// list is what a condition asks the length or the members of.
func list(name string) func(*env) []string {
	switch name {
	case "gone":
		return func(v *env) []string { return v.Gone }
	case "blank":
		return func(v *env) []string { return v.Blank }
	case "ownBelow":
		return func(v *env) []string { return v.OwnIn }
	case "unknown":
		return func(v *env) []string { return v.Unknown }
	case "vital":
		return func(v *env) []string { return v.Vital }
	case "empty.vars":
		return func(v *env) []string { return v.Empty.Vars }
	}
	return nil
}

// compared is a text that a condition compares.
func compared(name string) func(*env) string {
	switch name {
	case "kind":
		return func(v *env) string { return v.Kind }
	case "type":
		return func(v *env) string { return v.Type }
	case "object":
		return func(v *env) string { return v.Object }
	case "pattern":
		return func(v *env) string { return v.Pattern }
	case "word":
		return func(v *env) string { return v.Word }
	case "under":
		return func(v *env) string { return v.Under }
	case "command":
		return func(v *env) string { return v.Command }
	case "place":
		return func(v *env) string { return v.Place }
	case "own":
		return func(v *env) string { return v.Own }
	case "from":
		return func(v *env) string { return v.From }
	case "path.real":
		return func(v *env) string { return v.Path.Real }
	case "path.class":
		return func(v *env) string { return string(v.Path.Class) }
	case "path.type":
		return func(v *env) string { return v.Path.Type }
	case "path.link":
		return func(v *env) string { return v.Path.Link }
	case "empty.class":
		return func(v *env) string { return string(v.Empty.Class) }
	case "apart.meant":
		return func(v *env) string { return v.Split.Meant }
	}
	return nil
}

// textOf is such a one as a condition writes it; nil for any other.
func textOf(n ast.Node) func(*env) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return compared(n.Value)
	case *ast.MemberNode:
		of, name := member(n)
		if of == "param" {
			return func(v *env) string { return v.Param[name] }
		}
		return compared(of + "." + name)
	case *ast.ConditionalNode:
		holds, yes, no := exactly(n.Cond), textOf(n.Exp1), textOf(n.Exp2)
		if holds == nil || yes == nil || no == nil {
			return nil
		}
		return func(v *env) string {
			if holds(v) {
				return yes(v)
			}
			return no(v)
		}
	}
	return nil
}

// exactly is a condition of which the screen is the whole: a text that is empty or
// not, or what is true or false.
func exactly(n ast.Node) screen {
	switch n := n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode:
		return screenOfNode(n)
	case *ast.BinaryNode:
		if n.Operator == "==" || n.Operator == "!=" {
			return screenOfBinary(n)
		}
	}
	return nil
}

func member(n *ast.MemberNode) (of, name string) {
	x, ok := n.Node.(*ast.IdentifierNode)
	p, named := n.Property.(*ast.StringNode)
	if !ok || !named {
		return "", ""
	}
	return x.Value, p.Value
}

func both(a, b screen) screen {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(v *env) bool { return a(v) && b(v) }
}

func either(a, b screen) screen {
	if a == nil || b == nil {
		return nil
	}
	return func(v *env) bool { return a(v) || b(v) }
}

func screenOfBinary(n *ast.BinaryNode) screen {
	switch n.Operator {
	case "&&", "and":
		return both(screenOfNode(n.Left), screenOfNode(n.Right))
	case "||", "or":
		return either(screenOfNode(n.Left), screenOfNode(n.Right))
	case ">":
		return screenOfLen(n)
	}
	of := textOf(n.Left)
	if of == nil {
		return nil
	}
	switch right := n.Right.(type) {
	case *ast.ArrayNode:
		var in []string
		for _, x := range right.Nodes {
			s, ok := x.(*ast.StringNode)
			if !ok {
				return nil
			}
			in = append(in, s.Value)
		}
		if n.Operator == "in" {
			return func(v *env) bool { return slices.Contains(in, of(v)) }
		}
	case *ast.StringNode:
		x := right.Value
		switch n.Operator {
		case "==":
			return func(v *env) bool { return of(v) == x }
		case "!=":
			return func(v *env) bool { return of(v) != x }
		case "startsWith":
			return func(v *env) bool { return strings.HasPrefix(of(v), x) }
		case "endsWith":
			return func(v *env) bool { return strings.HasSuffix(of(v), x) }
		case "contains":
			return func(v *env) bool { return strings.Contains(of(v), x) }
		case "matches":
			return screenOfPattern(of, x)
		}
	}
	return nil
}

// screenOfLen is that of len(list) > n.
func screenOfLen(n *ast.BinaryNode) screen {
	call, ok := n.Left.(*ast.BuiltinNode)
	if !ok || call.Name != "len" {
		return nil
	}
	return filled(call.Arguments[0])
}

// filled says that a list has members.
func filled(n ast.Node) screen {
	var of func(*env) []string
	switch n := n.(type) {
	case *ast.IdentifierNode:
		of = list(n.Value)
	case *ast.MemberNode:
		in, name := member(n)
		of = list(in + "." + name)
	}
	if of == nil {
		return nil
	}
	return func(v *env) bool { return len(of(v)) > 0 }
}

// screenOfPattern is that of a text which a regular expression has to match: it
// begins with one of some literals, or has one of them in it.
func screenOfPattern(of func(*env) string, pattern string) screen {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	any := literals(re)
	if len(any) == 0 {
		return nil
	}
	return func(v *env) bool {
		s := of(v)
		for _, l := range any {
			if l.first && strings.HasPrefix(s, l.text) || !l.first && strings.Contains(s, l.text) {
				return true
			}
		}
		return false
	}
}

// literal is a text that is in all that an alternative matches, or at its
// beginning.
type literal struct {
	text  string
	first bool
}

// literals are one for each alternative of a pattern; none where one has none.
func literals(re *syntax.Regexp) []literal {
	var out []literal
	for _, seq := range alternatives(re) {
		l := literalOf(seq)
		if l.text == "" {
			return nil
		}
		out = append(out, l)
	}
	return out
}

// maxAlternatives is how many are told apart.
const maxAlternatives = 16

// alternatives are the sequences of which one has to match.
func alternatives(re *syntax.Regexp) [][]*syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return alternatives(re.Sub[0])
	case syntax.OpAlternate:
		var out [][]*syntax.Regexp
		for _, sub := range re.Sub {
			out = append(out, alternatives(sub)...)
		}
		return out
	case syntax.OpPlus:
		apart := &syntax.Regexp{Op: syntax.OpEmptyMatch} // what stands beside it need not be beside each
		out := alternatives(re.Sub[0])
		for i, seq := range out {
			out[i] = slices.Concat([]*syntax.Regexp{apart}, seq, []*syntax.Regexp{apart})
		}
		return out
	case syntax.OpConcat:
		out := [][]*syntax.Regexp{nil}
		for _, sub := range re.Sub {
			more := alternatives(sub)
			if len(out)*len(more) > maxAlternatives {
				more = [][]*syntax.Regexp{{sub}}
			}
			var next [][]*syntax.Regexp
			for _, o := range out {
				for _, m := range more {
					next = append(next, append(slices.Clip(o), m...))
				}
			}
			out = next
		}
		return out
	}
	return [][]*syntax.Regexp{{re}}
}

// telling is how long a beginning is that most texts do not have.
const telling = 4

// literalOf is what a sequence begins with, where that tells something, or else
// the longest in it.
func literalOf(seq []*syntax.Regexp) (l literal) {
	exact := func(re *syntax.Regexp) bool { return re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0 }
	if len(seq) > 0 && seq[0].Op == syntax.OpBeginText {
		for _, re := range seq[1:] {
			if !exact(re) {
				break
			}
			l.text += string(re.Rune)
		}
	}
	if l.first = l.text != ""; len(l.text) >= telling {
		return l
	}
	for _, re := range seq {
		if exact(re) && len(re.Rune) > len(l.text) {
			l = literal{text: string(re.Rune)}
		}
	}
	return l
}
