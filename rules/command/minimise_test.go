package command

import (
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// minimise takes pieces out of a program as long as it stays bad.
func minimise(s string, bad func(string) bool) string {
	end := time.Now().Add(6 * time.Second)
	for again := true; again && time.Now().Before(end); {
		again = false
		for i := 0; time.Now().Before(end); i++ {
			c, ok := smaller(s, i)
			if !ok {
				break
			}
			if len(c) < len(s) && bad(c) {
				s, again = c, true
				i--
			}
		}
	}
	toks := tokens(s)
	for size := len(toks) / 2; size >= 1 && time.Now().Before(end); {
		cut := false
		for i := 0; i+size <= len(toks) && time.Now().Before(end); {
			t := strings.Join(append(append([]string{}, toks[:i]...), toks[i+size:]...), "")
			if _, err := parseText(t); err == nil && bad(t) {
				toks, cut = tokens(t), true
			} else {
				i++
			}
		}
		if !cut || size > len(toks) {
			size = min(size, len(toks)) / 2
		}
	}
	return strings.Join(toks, "")
}

// smaller is the n-th program with less in it.
func smaller(s string, n int) (string, bool) {
	f, err := parseText(s)
	if err != nil {
		return "", false
	}
	at := 0
	done := false
	try := func(f func()) {
		if at == n && !done {
			f()
			done = true
		}
		at++
	}
	list := func(ss *[]*syntax.Stmt, least int) {
		for i, x := range *ss {
			if len(*ss) > least {
				try(func() { *ss = append((*ss)[:i:i], (*ss)[i+1:]...) })
			}
			with := func(in []*syntax.Stmt) {
				try(func() { *ss = append((*ss)[:i:i], append(append([]*syntax.Stmt{}, in...), (*ss)[i+1:]...)...) })
			}
			switch c := x.Cmd.(type) {
			case *syntax.Block:
				with(c.Stmts)
			case *syntax.Subshell:
				with(c.Stmts)
			case *syntax.IfClause:
				with(c.Then)
				with(c.Cond)
				if c.Else != nil {
					with(c.Else.Then)
					try(func() { c.Else = nil })
				}
			case *syntax.WhileClause:
				with(c.Do)
			case *syntax.ForClause:
				with(c.Do)
			case *syntax.BinaryCmd:
				with([]*syntax.Stmt{c.X})
				with([]*syntax.Stmt{c.Y})
			case *syntax.CaseClause:
				for i, it := range c.Items {
					with(it.Stmts)
					if len(c.Items) > 1 {
						try(func() { c.Items = append(c.Items[:i:i], c.Items[i+1:]...) })
					}
				}
			case *syntax.FuncDecl:
				with([]*syntax.Stmt{c.Body})
			}
			if x.Negated {
				try(func() { x.Negated = false })
			}
			for i := range x.Redirs {
				try(func() { x.Redirs = append(x.Redirs[:i:i], x.Redirs[i+1:]...) })
			}
		}
	}
	words := func(ws *[]*syntax.Word, least int) {
		for i := range *ws {
			if len(*ws) > least {
				try(func() { *ws = append((*ws)[:i:i], (*ws)[i+1:]...) })
			}
		}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.File:
			list(&n.Stmts, 1)
		case *syntax.Block:
			list(&n.Stmts, 1)
		case *syntax.Subshell:
			list(&n.Stmts, 1)
		case *syntax.CmdSubst:
			list(&n.Stmts, 1)
		case *syntax.IfClause:
			list(&n.Cond, 1)
			list(&n.Then, 1)
		case *syntax.WhileClause:
			list(&n.Cond, 1)
			list(&n.Do, 1)
		case *syntax.ForClause:
			list(&n.Do, 1)
		case *syntax.CaseItem:
			list(&n.Stmts, 0)
		case *syntax.WordIter:
			words(&n.Items, 0)
		case *syntax.CallExpr:
			words(&n.Args, 1)
			for i := range n.Assigns {
				if len(n.Args) > 0 || len(n.Assigns) > 1 {
					try(func() { n.Assigns = append(n.Assigns[:i:i], n.Assigns[i+1:]...) })
				}
			}
		case *syntax.Word:
			for i := range n.Parts {
				if len(n.Parts) > 1 {
					try(func() { n.Parts = append(n.Parts[:i:i], n.Parts[i+1:]...) })
				}
			}
		case *syntax.DblQuoted:
			for i := range n.Parts {
				try(func() { n.Parts = append(n.Parts[:i:i], n.Parts[i+1:]...) })
			}
		}
		return !done
	})
	if !done {
		return "", at > n
	}
	var b strings.Builder
	if syntax.NewPrinter(syntax.SingleLine(true)).Print(&b, f) != nil {
		return s, true
	}
	return strings.TrimSpace(b.String()), true
}

func tokens(s string) []string {
	var out []string
	cur := ""
	for _, r := range s {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			cur += string(r)
			continue
		}
		if cur != "" {
			out = append(out, cur)
			cur = ""
		}
		out = append(out, string(r))
	}
	if cur != "" {
		out = append(out, cur)
	}
	return out
}
