package effect

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/word"
)

// chattrFiles is chattr, chcon and setfacl: a mode that looks like an option
// or an operand, then files.
func chattrFiles(c *call) {
	ops := c.args.Operands
	e := c.effect(Metadata)
	switch c.name {
	case "chattr":
		argv := c.action.Args()
		ops = nil
		flags := false
		for _, w := range argv {
			v, ok := w.Value()
			switch {
			case ok && (v == "-v" || v == "-p"):
				flags = true
			case ok && len(v) > 1 && (v[0] == '+' || v[0] == '=') && len(ops) == 0:
				if strings.ContainsAny(v, "ia") {
					e.mark("immutable")
				}
				e.param("flags", v)
			case ok && len(v) > 1 && v[0] == '-' && len(ops) == 0:
				if strings.Trim(v[1:], "aAcCdDeFijmPsStTux") == "" && strings.ContainsAny(v, "ia") {
					e.mark("mutable")
				}
			case flags && len(ops) == 0 && ok && strings.Trim(v, "0123456789") == "":
			default:
				ops = append(ops, w)
			}
		}
	case "setcap":
		e.mark("label")
		if len(ops) > 1 {
			e.param("caps", ops[0].String())
			ops = ops[1:]
		}
	default:
		e.mark("label")
		if c.name == "setfacl" {
			e.mark(listAttrs(c.text("spec"))...)
		}
		// chcon CONTEXT FILE, unless an option gave the context.
		if c.name == "chcon" && len(c.values("spec")) == 0 && len(ops) > 1 {
			ops = ops[1:]
		}
	}
	if c.name == "setfacl" && len(c.values("saved")) > 0 {
		c.savedLists(e)
		return
	}
	for _, w := range ops {
		c.emitWord(e, Path, w, false)
	}
}

// listAttrs says what is dangerous about entries of an access list: the
// owner, everybody or the mask is left nothing, or everybody may write.
func listAttrs(specs []string) []string {
	var out []string
	for _, s := range specs {
		for entry := range strings.SplitSeq(s, ",") {
			f := strings.Split(strings.TrimPrefix(strings.TrimPrefix(entry, "d:"), "default:"), ":")
			perm := f[len(f)-1]
			if len(f) < 2 || len(f) > 2 && f[1] != "" {
				continue // one named user's or group's
			}
			none := perm != "" && strings.Trim(perm, "-") == "" || perm == "0"
			switch f[0] {
			case "o", "other":
				if strings.ContainsAny(perm, "w2367") {
					out = append(out, "world-writable")
				}
				if none {
					out = append(out, "no-access")
				}
			case "m", "mask", "u", "user", "":
				if none {
					out = append(out, "no-access")
				}
			}
		}
	}
	return out
}

// savedLists is setfacl --restore: owner, mode and list of every file that
// getfacl named, of each tree its top. Names count from the working directory
// unless they begin with a slash. Where the file cannot be read it may name
// everything.
func (c *call) savedLists(e Effect) {
	text, known := c.action.Given.Value()
	if !known {
		text, known = c.input()
	}
	if !known {
		e.mark("all", "recursive")
		c.emitWord(e, Path, word.Lit("."), false)
		return
	}
	tops := map[string]bool{} // and whether something below it is named
	var order []string
	for l := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSpace(l), "# file:")
		if !ok {
			continue
		}
		name = path.Clean(strings.TrimSpace(name)) // "" is / without its slash
		top := name
		for d := name; d != "." && d != "/"; {
			if d = path.Dir(d); slices.Contains(order, d) {
				top = d
			}
		}
		if top != name {
			tops[top] = true
			continue
		}
		if _, again := tops[name]; !again {
			tops[name] = false
			order = append(order, name)
		}
		if len(order) > maxSaved {
			e.mark("all", "recursive")
			c.emitWord(e, Path, word.Lit("."), false)
			return
		}
	}
	for _, name := range order {
		one := c.effect(Metadata, "label")
		if tops[name] {
			one.mark("recursive")
		}
		c.emitWord(one, Path, word.Lit(name), false)
	}
}
