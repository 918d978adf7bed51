package effect

import (
	"path"
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

// unzipTree is unzip, 7z and unrar: a tree into -d, -oDIR, the last operand
// (unrar) or the working directory.
func unzipTree(c *call) {
	dirs := c.values("dir")
	switch c.name {
	case "unzip", "bsdunzip":
		if c.has("_list") || len(c.values("archive")) == 0 {
			return
		}
	default:
		argv := c.action.Args()
		if len(argv) == 0 {
			return
		}
		verb, _ := argv[0].Value()
		switch {
		case verb == "x", verb == "e":
		case c.name == "unar":
		case verb == "d" || verb == "u" || verb == "a" || verb == "rn":
			if hasOption(c, "-sdel") {
				// 7z a -sdel deletes what it packed.
				names := 0
				for _, w := range argv[1:] {
					if strings.HasPrefix(w.Prefix(), "-") {
						continue
					}
					if names++; names > 1 {
						c.emitWord(c.effect(Delete, "recursive", "force"), Path, w, false)
					}
				}
			}
			for _, w := range argv[1:] {
				if !strings.HasPrefix(w.Prefix(), "-") {
					e := c.effect(Overwrite, "inplace")
					if verb == "d" {
						e.mark("remove")
					}
					c.emitWord(e, Path, w, false)
					break
				}
			}
			return
		default:
			return
		}
		dirs = nil
		for i, w := range argv {
			if c.name == "unar" && i+1 < len(argv) && (w.Is("-o") || w.Is("-output-directory")) {
				dirs = []word.Word{argv[i+1]}
			}
		}
		for _, w := range argv[1:] {
			if v, ok := w.Value(); ok && strings.HasPrefix(v, "-o") && len(v) > 2 && c.name != "unrar" && c.name != "unar" {
				dirs = []word.Word{word.Lit(v[2:])}
			}
			if v, ok := w.Value(); ok && c.name == "unrar" && strings.HasSuffix(v, "/") {
				dirs = []word.Word{w}
			}
		}
	}
	if len(dirs) == 0 {
		dirs = []word.Word{word.Lit(".")}
	}
	c.emitWord(c.effect(WriteTree, "extract", "contents", "recursive"), Path, dirs[len(dirs)-1], false)
}

// cpioTree is cpio -i without -D: into the working directory.
func cpioTree(c *call) {
	if c.has("extract") && !c.has("_list") && len(c.values("dir")) == 0 {
		c.emitWord(c.effect(WriteTree, "contents", "recursive"), Path, word.Lit("."), false)
	}
	if c.has("_list") {
		c.args.Attrs["dry"] = true
	}
}

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

// maxSaved bounds the trees that one file of access lists is followed into.
const maxSaved = 100

// groupsAndUsers is groupdel and its neighbours; what only adds has no effect.
func groupsAndUsers(c *call) {
	ops := c.args.Operands
	emit := func(w word.Word, attrs ...string) {
		for _, o := range named(Account, w) {
			c.emit(c.effect(AccountChange, attrs...), o)
		}
	}
	switch c.name {
	case "groupdel", "delgroup":
		if len(ops) > 0 {
			emit(ops[0], "remove", "group")
		}
	case "groupmod":
		if len(ops) == 0 {
			return
		}
		for _, how := range [...]string{"gid", "newname"} {
			if v := c.text(how); len(v) > 0 {
				e := c.effect(AccountChange, "group", "changed")
				e.param(how, v...)
				c.emit(e, named(Account, ops[0])[0])
			}
		}
	case "gpasswd", "groupmems":
		group := ops
		if g := c.values("ofgroup"); c.name == "groupmems" && len(g) > 0 {
			group = g
		}
		for _, w := range c.values("user") {
			e := c.effect(AccountChange, "remove", "group")
			e.param("group", texts(group)...)
			for _, o := range named(Account, w) {
				c.emit(e, o)
			}
		}
		if (len(c.values("list")) > 0 && hasOption(c, "-M", "--members") || c.has("_purge")) && len(group) > 0 {
			emit(group[0], "remove", "group", "all")
		}
	case "useradd", "adduser":
		for _, v := range c.text("uid") {
			if v == "0" && len(ops) > 0 {
				e := c.effect(AccountChange)
				e.param("uid", v)
				c.emit(e, named(Account, ops[0])[0])
			}
		}
	case "chpasswd", "newusers", "chgpasswd":
		text, ok := c.input()
		if !ok {
			text, ok = c.action.Given.Value()
		}
		if ok && c.name == "chpasswd" {
			c.setPasswords(text)
			return
		}
		e := c.effect(AccountChange, "password", "all")
		if c.name == "chpasswd" && hasOption(c, "-e", "--encrypted") {
			e.mark("lock")
		}
		c.emit(e, Object{Type: Account, Word: word.Lit("")})
	case "pwunconv", "grpunconv":
		c.emit(c.effect(AccountChange, "all"), Object{Type: Account, Word: word.Lit("")})
	}
}

// setPasswords is chpasswd's input, a line "user:password" each. With -e it is
// what stands in /etc/shadow, where a text that is no hash lets nobody in.
func (c *call) setPasswords(text string) {
	hashed := hasOption(c, "-e", "--encrypted")
	for l := range strings.Lines(text) {
		user, password, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok || user == "" {
			continue
		}
		e := c.effect(AccountChange, "password")
		switch {
		case password == "":
			e.mark("empty", "remove")
		case hashed && !strings.HasPrefix(password, "$") && !strings.HasPrefix(password, "_") && len(password) != 13:
			e.mark("lock")
		}
		c.emit(e, Object{Type: Account, Name: user, Word: word.Lit(user)})
	}
}

// hasOption reports whether one of an option's names stands on the line.
func hasOption(c *call, names ...string) bool {
	return slices.ContainsFunc(c.action.Args(), func(w word.Word) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			v := w.Prefix()
			return v == n || len(n) == 2 && strings.HasPrefix(v, n) || strings.HasPrefix(v, n+"=")
		})
	})
}

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

// flagged reports whether a letter stands in a cluster of options.
func flagged(argv []word.Word, letter byte) bool {
	for _, w := range argv {
		if v := w.Prefix(); len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.IndexByte(v, letter) > 0 {
			return true
		}
	}
	return false
}

// unpackArchive is dpkg-deb -x FILE DIR, pax -r, jar x and ar x.
func unpackArchive(c *call) {
	argv := c.action.Args()
	if len(argv) == 0 {
		return
	}
	flags := strings.TrimLeft(argv[0].Prefix(), "-")
	dir := word.Lit(".")
	switch c.name {
	case "dpkg-deb":
		if flags != "x" && flags != "X" && flags != "extract" && flags != "vextract" && flags != "R" && flags != "raw-extract" || len(argv) < 3 {
			return
		}
		dir = argv[2]
	case "pax":
		if flagged(argv, 'r') && flagged(argv, 'w') {
			// pax -rw FILE… DIR
			if last := argv[len(argv)-1]; !strings.HasPrefix(last.Prefix(), "-") {
				c.emitWord(c.effect(WriteTree, "contents", "recursive", "preserve"), Path, last, false)
			}
			return
		}
		reads := false
		for _, w := range argv {
			if v := w.Prefix(); strings.HasPrefix(v, "-") && strings.Contains(v, "r") && !strings.Contains(v, "w") {
				reads = true
			}
		}
		if !reads {
			return
		}
	case "jar", "ar":
		if !strings.Contains(flagsBefore(flags, "f"), "x") {
			return
		}
	default:
		return
	}
	c.emitWord(c.effect(WriteTree, "extract", "contents", "recursive"), Path, dir, false)
}
