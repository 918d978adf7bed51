package effect

import (
	"slices"
	"strings"
	"sync"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// listings are how the tools for containers and guests name everything that
// they have.
var listings = sync.OnceValue(func() *option.Grammar {
	return option.MustParse(option.Style{Exact: true}, `
-f --filter --name --label --state --last --since --before --latest-tag --pod --image =filter
-n =count
-l --latest : filter
--format --sort --namespace =x
-a --all -q --quiet --no-trunc -s --size --noheading
`)
})

// listWord reports whether they are asked by a word.
func listWord(s string) bool {
	switch s {
	case "ps", "ls", "list", "pods", "containers", "container", "volume", "volumes", "c", "task", "tasks", "t":
		return true
	}
	return false
}

// narrowing reports whether a program lets only some lines of a listing through.
func narrowing(name string) bool {
	switch name {
	case "grep", "egrep", "fgrep", "rg", "head", "tail", "awk", "gawk", "mawk", "sed", "shuf", "uniq", "comm", "fzf":
		return true
	}
	return false
}

// counted tells docker ps -n 5 from ctr -n NAMESPACE.
func counted(ws []word.Word) bool {
	v, ok := theValue(ws)
	return ok && strings.Trim(v, "0123456789") == ""
}

// everyListed marks an act on names that are not known, but come from a
// listing of all there are: docker rm -f $(docker ps -aq).
func everyListed(c *call) {
	unknown := func(w word.Word) bool { return w.Know == word.Unknown }
	if !slices.ContainsFunc(c.args.Operands, unknown) {
		return
	}
	every := false
	for i := range c.line.Actions {
		a := &c.line.Actions[i]
		name, ok := a.Name()
		if !ok {
			continue
		}
		if narrowing(name) {
			return
		}
		if name != c.name {
			continue
		}
		args := listings().Read(a.Args())
		asks := len(args.Operands) > 0
		for _, w := range args.Operands {
			v, known := w.Value()
			// A namespace or the like may stand between the words.
			asks = asks && (!known || listWord(v) || len(args.Strange) > 0)
		}
		if asks && len(args.Values["filter"]) == 0 && !counted(args.Values["count"]) && !args.Has("filter") {
			every = true
		}
	}
	if every {
		c.set("each")
	}
}
