package bash

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// What the user's own shell reads of ours calls every command as a builtin: the
// user may have aliases and functions of any name, ":" among them.
func TestEveryCommandIsBuiltin(t *testing.T) {
	names, err := fs.Glob(shellFiles, "sh/*.sh")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var commands int
	for _, name := range names {
		text, err := fs.ReadFile(shellFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(string(text)), path.Base(name))
		if err != nil {
			t.Fatal(err)
		}
		syntax.Walk(f, func(n syntax.Node) bool {
			c, ok := n.(*syntax.CallExpr)
			if !ok || len(c.Args) == 0 {
				return true
			}
			commands++
			if word := string(text[c.Args[0].Pos().Offset():c.Args[0].End().Offset()]); word != `\builtin` {
				t.Errorf("%s:%s: %s", path.Base(name), c.Pos(), word)
			}
			return true
		})
	}
	if commands < 50 {
		t.Errorf("only %d commands were seen", commands)
	}
}
