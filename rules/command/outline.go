package command

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Outline is the syntax tree of a line for people: a command a line, indented
// by what it stands in, with its text behind it. A line that cannot be parsed
// says why.
func Outline(src string) []string {
	src = onlyRunes(src)
	f, err := parseText(src)
	if err != nil {
		return []string{"not understood: " + err.Error()}
	}
	o := &outline{src: src}
	for _, s := range f.Stmts {
		o.stmt(s, 0)
	}
	return o.lines
}

type outline struct {
	src   string
	lines []string
}

// outlineWidth is how much of a command's text stands in its line: it is there
// to find the place, not to be read again.
const outlineWidth = 72

func (o *outline) put(depth int, what string, n syntax.Node) {
	text := ""
	if n != nil {
		from, to := int(n.Pos().Offset()), int(n.End().Offset())
		if from < to && to <= len(o.src) {
			text = asBytes(strings.Join(strings.Fields(o.src[from:to]), " "))
		}
		if r := []rune(text); len(r) > outlineWidth {
			text = string(r[:outlineWidth-1]) + "…"
		}
	}
	o.lines = append(o.lines, strings.TrimRight(strings.Repeat("  ", depth)+what+"  "+text, " "))
}

func (o *outline) stmts(list []*syntax.Stmt, depth int) {
	for _, s := range list {
		o.stmt(s, depth)
	}
}

func (o *outline) stmt(s *syntax.Stmt, depth int) {
	if s == nil {
		return
	}
	before := len(o.lines)
	o.command(s.Cmd, depth)
	if before < len(o.lines) {
		mark := ""
		if s.Negated {
			mark += " not"
		}
		if s.Background {
			mark += " in the background"
		}
		if mark != "" {
			head, text, _ := strings.Cut(strings.TrimLeft(o.lines[before], " "), "  ")
			o.lines[before] = strings.TrimRight(strings.Repeat("  ", depth)+head+mark+"  "+text, " ")
		}
		depth++
	}
	for _, r := range s.Redirs {
		o.put(depth, "redirection", r)
	}
}

func (o *outline) command(c syntax.Command, depth int) {
	switch c := c.(type) {
	case nil:
	case *syntax.CallExpr:
		what := "command"
		if len(c.Args) == 0 {
			what = "assignment"
		}
		o.put(depth, what, c)
		o.inside(c, depth+1)
	case *syntax.BinaryCmd:
		o.put(depth, binaryName(c.Op), nil)
		o.stmt(c.X, depth+1)
		o.stmt(c.Y, depth+1)
	case *syntax.Subshell:
		o.put(depth, "subshell", nil)
		o.stmts(c.Stmts, depth+1)
	case *syntax.Block:
		o.put(depth, "group", nil)
		o.stmts(c.Stmts, depth+1)
	case *syntax.IfClause:
		o.put(depth, "if", nil)
		for ; c != nil; c = c.Else {
			o.stmts(c.Cond, depth+2)
			o.put(depth+1, "then", nil)
			o.stmts(c.Then, depth+2)
		}
	case *syntax.WhileClause:
		o.put(depth, map[bool]string{false: "while", true: "until"}[c.Until], nil)
		o.stmts(c.Cond, depth+1)
		o.put(depth, "do", nil)
		o.stmts(c.Do, depth+1)
	case *syntax.ForClause:
		o.put(depth, "for", c.Loop)
		o.stmts(c.Do, depth+1)
	case *syntax.CaseClause:
		o.put(depth, "case", c.Word)
		for _, i := range c.Items {
			o.stmts(i.Stmts, depth+1)
		}
	case *syntax.FuncDecl:
		o.put(depth, "function "+c.Name.Value, nil)
		o.stmt(c.Body, depth+1)
	case *syntax.TimeClause:
		o.put(depth, "time", nil)
		o.stmt(c.Stmt, depth+1)
	case *syntax.CoprocClause:
		o.put(depth, "coprocess", nil)
		o.stmt(c.Stmt, depth+1)
	default: // [[ ]], (( )), let, declare: one line, and what is substituted in it
		o.put(depth, "command", c)
		o.inside(c, depth+1)
	}
}

// inside lists the commands that substitutions in a command's words hold.
func (o *outline) inside(n syntax.Node, depth int) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			o.put(depth, "substitution", nil)
			o.stmts(n.Stmts, depth+1)
			return false
		case *syntax.ProcSubst:
			o.put(depth, "process substitution", nil)
			o.stmts(n.Stmts, depth+1)
			return false
		}
		return true
	})
}

// binaryName is what an operator between two commands means.
func binaryName(op syntax.BinCmdOperator) string {
	switch op {
	case syntax.AndStmt:
		return "both, the second if the first works (&&)"
	case syntax.OrStmt:
		return "either, the second if the first fails (||)"
	case syntax.Pipe:
		return "pipe (|)"
	case syntax.PipeAll:
		return "pipe of output and errors (|&)"
	}
	return ""
}
