package effect

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// aptPackages turns "install x-" into a removal and "remove x+" into none.
func aptPackages(c *call) {
	installs := strings.HasSuffix(c.node.path, "install")
	var rest []word.Word
	for _, w := range c.values("package") {
		v, ok := w.Value()
		switch {
		case ok && installs && strings.HasSuffix(v, "-"):
			c.emit(c.effect(PackageRemove), Object{Type: Package, Name: strings.TrimSuffix(v, "-"), Word: w})
		case ok && !installs && strings.HasSuffix(v, "+") && !strings.HasSuffix(v, "++"):
		default:
			rest = append(rest, w)
		}
	}
	c.args.Values["package"] = rest
}

// removeVerb reports whether package managers remove by a word.
func removeVerb(s string) bool {
	switch s {
	case "del", "remove", "rm", "uninstall", "un", "r", "erase", "autoremove", "purge", "deinstall", "delete":
		return true
	}
	return false
}

// otherPackages is the package managers that have nothing of their own but a
// verb and names. What they install beside the system is no effect.
func otherPackages(c *call) {
	ops := c.args.Operands
	if c.has("_search") && c.name == "apk" {
		return // it simulates
	}
	removes := c.has("_remove") || c.name == "xbps-remove" || c.name == "removepkg" || c.name == "emerge" && slices.ContainsFunc(c.action.Args(), func(w word.Word) bool { return w.Is("-C") || w.Is("-c") })
	if !removes && len(ops) > 0 {
		v, ok := ops[0].Value()
		if !ok || !removeVerb(v) || c.name == "emerge" {
			return
		}
		removes, ops = true, ops[1:]
	}
	if !removes {
		return
	}
	if len(ops) == 0 && c.has("all") {
		c.emit(c.effect(PackageRemove), Object{Type: Package, Name: "every package", Word: word.Lit("-a")})
	}
	for _, w := range ops {
		for _, o := range named(Package, w) {
			c.emit(c.effect(PackageRemove), o)
		}
	}
}
