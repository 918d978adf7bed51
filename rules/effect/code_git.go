package effect

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// gitPush says which branches at the other end are written over or deleted:
// the destinations of the refs with a plus, without a source, or all of them
// where an option says so. A lease refuses by itself what others have pushed
// since; a tag is nobody's work. What is left stands in the argument branch,
// as far as it is named.
func gitPush(c *call) {
	over, gone := c.has("_force"), c.has("delete")
	any := false
	for _, w := range c.values("ref") {
		ref := w.String()
		plus := strings.HasPrefix(ref, "+")
		ref = strings.TrimPrefix(ref, "+")
		from, to, pair := strings.Cut(ref, ":")
		if !pair {
			to = from
		}
		switch {
		case pair && from == "" && to != "":
			c.set("delete")
		case gone:
		case plus, over:
			c.set("rewrite")
		default:
			continue
		}
		any = true
		if strings.HasPrefix(to, "refs/tags/") {
			continue
		}
		dests := w.Values
		if len(dests) == 0 {
			dests = []string{to}
		}
		for _, v := range dests {
			if _, dest, ok := strings.Cut(v, ":"); ok {
				v = dest
			}
			v = strings.TrimPrefix(strings.TrimPrefix(v, "+"), "refs/heads/")
			c.args.Values["branch"] = append(c.args.Values["branch"], word.Lit(v))
		}
	}
	if over && !any {
		c.set("rewrite")
	}
	if any && len(c.values("branch")) == 0 {
		c.set("tag")
	}
}

// gitPaths tells the files of checkout and restore from the branches: behind
// "--", or plainly paths. Whoever names files means these.
func gitPaths(c *call) {
	past, named := false, false
	for _, w := range c.action.Args() {
		if w.Is(".") || w.Is(":/") || w.Is(":/.") || past && w.Is("*") {
			c.set("_paths")
			return
		}
		if v, ok := w.Value(); ok && past {
			dir, _ := theValue(append(append([]word.Word{}, c.values("repo")...), c.values("tree")...))
			if dir != "" && !path.IsAbs(v) {
				v = join(dir, v)
			}
			c.emitWord(c.effect(Overwrite), Path, word.Lit(v), false)
		}
		named = named || past
		past = past || w.Is("--")
	}
	if named {
		c.set("_paths")
		c.set("filtered")
		return
	}
	for i, w := range c.values("ref") {
		v, known := w.Value()
		if !known {
			if _, glob := w.Pattern(); glob && w.Src == "*" {
				c.set("_paths")
			}
			continue
		}
		// "main src/x.c", "./x", "src/": no branch is named so.
		if i > 0 || strings.HasPrefix(v, "./") || strings.HasPrefix(v, "../") || strings.HasSuffix(v, "/") || path.IsAbs(v) {
			c.set("_paths")
			c.set("filtered")
		}
	}
}
