package effect

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// augeasTree is augtool: its commands change a tree, in which /files/etc/hosts
// is a file and what lies below it a part of that. Files are written by save, or
// at the end with -s.
func augeasTree(c *call) {
	var lines []string
	if ops := c.args.Operands; len(ops) > 0 {
		var words []string
		for _, w := range ops {
			words = append(words, w.String())
		}
		lines = []string{strings.Join(words, " ")}
	} else {
		for _, w := range c.fed() {
			lines = append(lines, strings.Split(w.String(), "\n")...)
		}
	}
	saves := c.has("_saves")
	for _, l := range lines {
		saves = saves || strings.TrimSpace(l) == "save"
	}
	if !saves {
		return
	}
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "rm", "set", "setm", "clear", "clearm", "touch", "ins", "insert", "mv", "move", "cp", "copy", "rename":
		default:
			continue
		}
		for _, x := range f[1:] {
			c.augeasNode(f[0], strings.Trim(x, "'\""))
		}
	}
}

// augeasNode is a change of what stands below one path of the tree. Where the
// file ends shows at a part that no file is named like: a number, an index, a
// star, a capital. Where none shows, each part may be the file's: what is there
// decides.
func (c *call) augeasNode(verb, node string) {
	file, ok := strings.CutPrefix(node, "/files/")
	if !ok {
		return
	}
	file = "/" + file
	parts := strings.Split(file[1:], "/")
	for i, p := range parts {
		if p == "" || strings.ContainsAny(p, "[*=") || numbered(p) || i > 1 && p[0] >= 'A' && p[0] <= 'Z' {
			if i > 1 {
				kind := Overwrite
				if verb == "rm" && p == "*" && i == len(parts)-1 {
					kind = Truncate // all of its lines
				}
				c.augeasFile(kind, "/"+path.Join(parts[:i]...))
			}
			return
		}
	}
	for i := 2; i < len(parts); i++ {
		c.augeasFile(Overwrite, "/"+path.Join(parts[:i]...))
	}
	if verb == "rm" {
		c.augeasFile(Delete, file)
	} else {
		c.augeasFile(Overwrite, file)
	}
}

func (c *call) augeasFile(kind Kind, file string) {
	e := c.effect(kind)
	switch kind {
	case Overwrite:
		e.mark("inplace", "partial")
	case Truncate:
		e.mark("inplace", "empty")
	}
	c.emit(e, Object{Type: Path, Name: file, Word: word.Lit(file)})
}
