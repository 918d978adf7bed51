package effect

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// nmcliName takes the keyword off nmcli's connection: "down id X".
func nmcliName(c *call) {
	key := c.values("key")
	if len(key) == 0 {
		return
	}
	for _, k := range [...]string{"id", "uuid", "path", "apath", "filename"} {
		if key[0].Is(k) && len(c.values("name")) > 0 {
			return
		}
	}
	c.args.Values["name"] = append(key[:1:1], c.values("name")...)
}

// nmcliUp is a connection that goes up: with other addresses, where the line has
// changed them before.
func nmcliUp(c *call) {
	nmcliName(c)
	for i := range c.line.Actions[:c.at] {
		a := &c.line.Actions[i]
		if name, _ := a.Name(); name != c.name || a.Place.Kind != c.action.Place.Kind {
			continue
		}
		changes, same := false, false
		for _, x := range a.Args() {
			v := x.Prefix()
			changes = changes || strings.HasPrefix(strings.TrimPrefix(v, "+"), "ipv4.") || strings.HasPrefix(v, "ipv6.") || strings.HasPrefix(v, "-ipv4.") || strings.HasPrefix(v, "802-3-ethernet.") || v == "ip4" || v == "gw4"
			same = same || slices.ContainsFunc(c.values("name"), func(n word.Word) bool { return n.String() == x.String() })
		}
		if changes && same {
			c.set("_changed")
		}
	}
}

// nftCommands is nft: words of a command, commands separated by ";" in one
// word, or a file.
func nftCommands(c *call) {
	if files := c.sources("file"); len(files) > 0 {
		e := c.effect(NetChange, "load")
		e.Source = files[0]
		c.emit(e, Object{Type: Firewall, Word: files[0].Word})
		return
	}
	var text []string
	for _, w := range c.values("word") {
		text = append(text, w.String())
	}
	if len(text) == 0 {
		return
	}
	src := c.values("word")[0]
	if all := " " + strings.Join(strings.FieldsFunc(strings.Join(text, " "), func(r rune) bool { return strings.ContainsRune(" \t\n;{}", r) }), " ") + " "; strings.Contains(all, " policy drop ") {
		// A base chain with a policy is one command up to its brace.
		f := strings.Fields(all)
		for i, w := range f {
			if w != "chain" {
				continue
			}
			e := c.effect(NetChange, "default", "drop")
			name := strings.Join(first(f[i+1:], 3), " ")
			if strings.HasSuffix(strings.ToLower(name), "input") || strings.Contains(all, " hook input ") {
				e.mark("input", "all")
			}
			c.emit(e, Object{Type: Firewall, Name: name, Word: src})
		}
		return
	}
	for _, one := range strings.FieldsFunc(strings.Join(text, " "), func(r rune) bool { return r == ';' || r == '\n' }) {
		c.nft(strings.Fields(one), src)
	}
}

// nft is one command of nft.
func (c *call) nft(f []string, src word.Word) {
	if len(f) < 2 {
		return
	}
	e := c.effect(NetChange)
	name := ""
	rest := f[2:]
	switch f[1] {
	case "table":
		name = strings.Join(first(rest, 2), " ")
	case "chain", "set", "map", "rule", "element":
		name = strings.Join(first(rest, 3), " ")
	}
	if strings.HasSuffix(strings.ToLower(name), "input") {
		e.mark("input")
	}
	if name == "" && strings.HasPrefix(f[1], "$") && f[0] != "add" {
		e.mark("flush") // whatever is listed, a table among it
	}
	drops := false
	for _, w := range f {
		drops = drops || w == "drop" || w == "reject"
	}
	switch f[0] {
	case "flush":
		e.mark("flush")
	case "delete", "destroy", "reset":
		e.mark("remove")
	case "add", "insert", "create", "replace":
		if !drops {
			return
		}
		e.mark("add", "drop")
	default:
		return
	}
	c.emit(e, Object{Type: Firewall, Name: name, Word: src})
}

// first is at most n of the words.
func first(ws []string, n int) []string { return ws[:min(n, len(ws))] }

// maxCommandLines bounds how many of them are read.
const maxCommandLines = 4096

// commandLines is tc -batch and its like: each line of a file, or of the
// input, is what the program is given otherwise.
func commandLines(c *call) {
	if len(c.values("batch")) == 0 {
		return
	}
	text, known := c.action.Given.Value()
	if !known {
		text, known = c.input()
	}
	if !known {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if i >= maxCommandLines || len(f) == 0 || f[0][0] == '#' || f[0][0] == '-' {
			continue
		}
		c.lines = append(c.lines, word.Lits(f...))
	}
	c.args.Attrs["dry"] = true
}
