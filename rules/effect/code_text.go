package effect

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// sedFiles is sed: the first operand is the script unless -e or -f gave one.
// With -i the files are written; "w FILE" in a script writes another.
func sedFiles(c *call) {
	files := c.args.Operands
	scripts := c.values("script")
	if len(c.args.Values["scriptfile"]) == 0 && !c.scriptGiven() {
		if len(files) > 0 {
			files = files[1:]
		}
	}
	for _, w := range scripts {
		for _, v := range w.Values {
			if p, ok := sedWrites(v); ok {
				c.emitWord(c.effect(Truncate, "!inplace"), Path, word.Lit(p), false)
			}
		}
	}
	if !c.has("inplace") {
		return
	}
	attrs := []string{"partial"}
	if len(c.values("suffix")) > 0 {
		attrs = append(attrs, "backup")
	}
	kind := Overwrite
	if t := strings.Join(c.text("script"), "\n"); len(scripts) > 0 && (nothingPasses("sed", word.Lits(t)) ||
		hasOption(c, "-n", "--quiet", "--silent") && strings.Trim(t, " ;dnxg") == "") {
		kind, attrs = Truncate, append(attrs, "empty")
	}
	for _, w := range files {
		c.emitWord(c.effect(kind, attrs...), Path, w, false)
	}
}

// scriptGiven reports whether an option, not an operand, gave sed its script.
func (c *call) scriptGiven() bool {
	s := c.values("script")
	return len(s) > 0 && (len(c.args.Operands) == 0 || s[0].Src != c.args.Operands[0].Src)
}

// sedWrites finds the file of a w command: an address, or none, and w with a
// file name up to the end of the line.
func sedWrites(script string) (string, bool) {
	for _, line := range strings.Split(script, "\n") {
		i := 0
		for i < len(line) && strings.IndexByte("0123456789,$ ~+!{", line[i]) >= 0 {
			i++
		}
		if i < len(line) && line[i] == '/' {
			if j := strings.IndexByte(line[i+1:], '/'); j >= 0 {
				i += j + 2
			}
		}
		if i+1 < len(line) && line[i] == 's' {
			// s/…/…/w FILE
			sep := line[i+1 : i+2]
			if f := strings.Split(line[i+2:], sep); len(f) > 2 {
				flags := strings.Join(f[2:], sep)
				if j := strings.Index(flags, "w "); j >= 0 && strings.Trim(flags[:j], "gpiIm0123456789") == "" {
					return strings.TrimRight(strings.TrimSpace(flags[j+1:]), "}"), true
				}
			}
		}
		if i+2 < len(line) && line[i] == 'w' && line[i+1] == ' ' {
			return strings.TrimRight(strings.TrimSpace(line[i+1:]), "}"), true
		}
	}
	return "", false
}

// perlFiles is perl -i: files behind the options are written; without -e the
// first is the program.
func perlFiles(c *call) {
	if !c.has("inplace") {
		return
	}
	files := c.args.Operands
	if len(c.values("script")) == 0 && len(files) > 0 {
		files = files[1:]
	}
	attrs := []string{"partial"}
	for _, v := range c.text("suffix") {
		// -pie is -p -i with suffix "e", as many have found out.
		if v != "" {
			attrs = append(attrs, "backup")
		}
	}
	kind := Overwrite
	if t := c.text("script"); len(t) == 1 && (flagged(c.action.Args(), 'p') && nothingLeft(t[0]) || flagged(c.action.Args(), 'n') && !flagged(c.action.Args(), 'p') &&
		!strings.Contains(t[0], "print") && !strings.Contains(t[0], "say") && !strings.Contains(t[0], "puts") && !strings.Contains(t[0], "write")) {
		kind, attrs = Truncate, append(attrs, "empty") // -n prints nothing by itself
	}
	for _, w := range files {
		c.emitWord(c.effect(kind, attrs...), Path, w, false)
	}
}

// nothingLeft reports whether perl's program with -p empties each line that it
// prints: $_="", undef $_, s/.*//s, next LINE.
func nothingLeft(script string) bool {
	switch strings.TrimRight(strings.ReplaceAll(script, " ", ""), ";") {
	case `$_=""`, `$_=''`, `$_=undef`, `undef$_`, `undef($_)`, `s/.*//s`, `s/.*\n//`, `s/.*//gs`, `s/.*//sg`:
		return true
	}
	return false
}

// awkFiles is gawk -i inplace: what the program does not print is gone.
func awkFiles(c *call) {
	if !slices.Contains(c.text("include"), "inplace") || len(c.values("program")) > 0 {
		return
	}
	e := c.effect(Overwrite, "inplace", "partial")
	if t := c.text("script"); len(t) == 1 && nothingPasses("awk", word.Lits(t[0])) {
		e.Kind = Truncate
		e.mark("empty")
	}
	for _, w := range c.values("file") {
		c.emitWord(e, Path, w, false)
	}
}

// wholeBuffer are the commands by which ed and vi delete every line.
var wholeBuffer = []string{"%d", "1,$d", ",d", "%delete", "1,$delete", "g/.*/d", "g/^/d", "g//d", "g/./d", "normal ggdG", "normal! ggdG", "norm ggdG", "norm! ggdG"}

// editorWrites reports whether an order writes a file which it names.
func editorWrites(order string) bool {
	switch order {
	case "w", "write", "wq", "x", "xit", "sav", "saveas", "up", "update":
		return true
	}
	return false
}

// editorFiles is vi, nano and the others: a person edits the files named, or
// commands on the line or on standard input do.
func editorFiles(c *call) {
	e := c.effect(Overwrite, "edit")
	orders := c.text("order")
	for _, w := range c.action.Args() {
		if o, ok := strings.CutPrefix(w.Prefix(), "+"); ok {
			orders = append(orders, o)
		}
	}
	if in, known := c.input(); known && (c.name == "ed" || c.name == "ex") {
		orders = append(orders, strings.Fields(in)...)
	}
	for _, o := range orders {
		for _, all := range wholeBuffer {
			if rest, ok := strings.CutPrefix(strings.TrimLeft(o, ": +"), all); ok && (rest == "" || rest[0] == '|' || rest[0] == ' ') {
				e = c.effect(Truncate, "empty", "inplace")
			}
		}
	}
	for _, o := range orders {
		// :w FILE writes what is open into another file.
		f := strings.Fields(strings.TrimLeft(o, ": %"))
		if len(f) == 2 && editorWrites(strings.TrimSuffix(f[0], "!")) && !strings.HasPrefix(f[1], "!") {
			c.emitWord(c.effect(Overwrite), Path, word.Lit(f[1]), false)
		}
	}
	for _, w := range c.args.Operands {
		if p := w.Prefix(); strings.HasPrefix(p, "+") || strings.HasPrefix(p, "scp://") || p == "-" {
			continue
		}
		c.emitWord(e, Path, w, false)
	}
}

// sudoeditFiles is sudoedit: what stands below it writes the files as the other
// user, the program that was named only starts that.
func sudoeditFiles(c *call) {
	if c.action.Wrapper {
		return
	}
	for _, w := range c.args.Operands {
		c.emitWord(c.effect(Overwrite, "edit"), Path, w, false)
	}
}

// maxSaved bounds the trees that one file of access lists is followed into.
const maxSaved = 100

// hasOption reports whether one of an option's names stands on the line.
func hasOption(c *call, names ...string) bool {
	return slices.ContainsFunc(c.action.Args(), func(w word.Word) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			v := w.Prefix()
			return v == n || len(n) == 2 && strings.HasPrefix(v, n) || strings.HasPrefix(v, n+"=")
		})
	})
}

// flagged reports whether a letter stands in a cluster of options.
func flagged(argv []word.Word, letter byte) bool {
	for _, w := range argv {
		if v := w.Prefix(); len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.IndexByte(v, letter) > 0 {
			return true
		}
	}
	return false
}
