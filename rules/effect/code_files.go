package effect

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// fileMode is chmod: the first operand is the mode (also "-x" and "-rwx",
// which look like options), the others are files.
func fileMode(c *call) {
	ops := c.args.Operands
	var mode word.Word
	switch {
	case len(c.values("reference")) > 0:
	case len(c.args.Strange) > 0:
		mode = c.args.Strange[0]
	case len(ops) > 0:
		mode, ops = ops[0], ops[1:]
	}
	e := c.effect(Metadata, modeAttrs(mode.Values)...)
	if len(mode.Values) > 0 {
		e.param("mode", mode.Values...)
	}
	for _, w := range ops {
		c.emitWord(e, Path, w, false)
	}
}

// modeAttrs says what is dangerous about a mode.
func modeAttrs(modes []string) []string {
	var out []string
	for _, m := range modes {
		if n, err := strconv.ParseUint(m, 8, 16); err == nil {
			if n&0o002 != 0 && n&0o1000 == 0 {
				out = append(out, "world-writable")
			}
			if n&0o6000 != 0 {
				out = append(out, "setid")
			}
			if n&0o777 == 0 {
				out = append(out, "no-access")
			}
			continue
		}
		for _, clause := range strings.Split(m, ",") {
			i := strings.IndexAny(clause, "+=-")
			if i < 0 {
				continue
			}
			who, op, what := clause[:i], clause[i], clause[i+1:]
			other := strings.ContainsAny(who, "oa")
			switch {
			case op != '-' && other && strings.Contains(what, "w"):
				out = append(out, "world-writable")
			case op != '-' && strings.Contains(what, "s"):
				out = append(out, "setid")
			case op == '-' && strings.Contains(what, "r") && (strings.Contains(who, "a") || who == ""),
				op == '=' && what == "" && strings.Contains(who, "a"):
				out = append(out, "no-access")
			}
		}
	}
	return out
}

// findTest reports whether an expression of find takes an argument and chooses
// among the files.
func findTest(expr string) bool {
	switch expr {
	case "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-lname", "-ilname", "-regex", "-iregex", "-newer", "-anewer", "-cnewer", "-mtime",
		"-atime", "-ctime", "-mmin", "-amin", "-cmin", "-size", "-user", "-group", "-uid", "-gid", "-perm", "-type", "-xtype", "-links", "-inum", "-samefile",
		"-fstype", "-used", "-context", "-Bmin", "-newermt", "-newerct", "-newerat", "-newermm":
		return true
	}
	return false
}

// findAge reports whether nearly every file of a machine passes it.
func findAge(expr string) bool {
	switch expr {
	case "-mtime", "-atime", "-ctime", "-mmin", "-amin", "-cmin", "-user", "-uid", "-group", "-gid":
		return true
	}
	return false
}

// findNames reports whether it asks for a name, or for one file.
func findNames(expr string) bool {
	switch expr {
	case "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-lname", "-ilname", "-inum", "-samefile":
		return true
	}
	return false
}

// findOther reports whether it takes an argument and chooses nothing.
func findOther(expr string) bool {
	switch expr {
	case "-maxdepth", "-mindepth", "-regextype", "-printf", "-D", "-files0-from":
		return true
	}
	return false
}

// findActions is find: -delete and the actions that write a file. What -exec
// starts is listed as an action of its own.
func findActions(c *call) {
	argv := c.action.Args()
	var starts []word.Word
	i := 0
	for ; i < len(argv); i++ {
		v := argv[i].Prefix()
		if v == "-H" || v == "-L" || v == "-P" || strings.HasPrefix(v, "-O") {
			if v == "-L" {
				c.set("follow")
			}
			continue
		}
		if v == "-D" {
			i++
			continue
		}
		if strings.HasPrefix(v, "-") || v == "(" || v == "!" || v == ")" || v == "," {
			break
		}
		starts = append(starts, argv[i])
	}
	switch names, known := c.action.Given.Value(); {
	case known: // by -files0-from
		starts = word.Lits(strings.Split(names, "\x00")...)
	case slices.ContainsFunc(argv, func(x word.Word) bool { return x.Is("-files0-from") }):
		starts = []word.Word{word.Hidden("{}", word.Subst)}
	case len(starts) == 0:
		starts = []word.Word{word.Lit(".")}
	}
	filtered, negated, aged, called := false, false, false, false
	depth := ""
	for ; i < len(argv); i++ {
		v, ok := argv[i].Value()
		if !ok {
			continue
		}
		switch {
		case v == "-delete":
			e := c.effect(Delete, "recursive", "force", "several")
			if filtered {
				e.mark("filtered")
			}
			if aged && !filtered {
				e.mark("filtered", "aged")
			}
			if (filtered || aged) && !called {
				e.mark("unnamed")
			}
			if depth != "" {
				e.param("mindepth", depth)
			}
			if named := command.FindsNamed(c.action.Args()); named != "" {
				e.param("named", named)
			}
			for _, w := range starts {
				c.emitWord(e, Path, w, false)
			}
		case v == "-fprint", v == "-fls", v == "-fprint0", v == "-fprintf":
			i++
			if i < len(argv) {
				c.emitWord(c.effect(Truncate), Path, argv[i], false)
			}
			if v == "-fprintf" {
				i++
			}
		case v == "-exec", v == "-execdir", v == "-ok", v == "-okdir":
			for i < len(argv) && !argv[i].Is(";") && !argv[i].Is("+") {
				i++
			}
		case v == "-o", v == "-or":
			// What comes now falls on all that was not chosen so far.
			filtered, negated, aged, called = false, false, false, false
		case v == "-mindepth":
			i++
			if i < len(argv) {
				depth = argv[i].String()
			}
		case v == "-not", v == "!":
			negated = true
		case v == "-empty", v == "-nouser", v == "-nogroup", v == "-executable":
			filtered = true
		case findTest(v):
			if negated {
				// All but a few are left in.
				negated = false
				i++
				continue
			}
			// -type f below a tree still takes nearly all of it.
			special := i+1 < len(argv) && !argv[i+1].Is("f") && !argv[i+1].Is("d") // links, sockets: few
			if v != "-type" && v != "-xtype" || special {
				aged = aged || findAge(v)
				filtered = filtered || !findAge(v)
				called = called || findNames(v)
			}
			if (v == "-name" || v == "-iname") && i+1 < len(argv) && argv[i+1].Is("*") {
				filtered = false
			}
			i++
		case findOther(v):
			i++
		case v == "-xdev", v == "-mount":
			c.set("one-filesystem")
		}
	}
}

// mountOptions is the words of every -o.
func (c *call) mountOptions() []string {
	var out []string
	for _, v := range c.text("option") {
		out = append(out, strings.Split(v, ",")...)
	}
	return out
}

// mountFilesystem is mount: it lists, mounts or remounts.
func mountFilesystem(c *call) {
	opts := c.mountOptions()
	remount := false
	for _, o := range opts {
		switch o {
		case "remount":
			remount = true
		case "ro":
			c.set("read-only")
		case "rw":
			c.set("read-write")
		case "bind", "rbind":
			c.set("bind")
		case "abort", "shutdown":
			if slices.Contains(opts, "remount") {
				c.set("freeze") // nothing is written from then on
			}
		case "errors=continue":
			c.set("errors-continue")
		}
	}
	var device, dir []word.Word
	ops := c.args.Operands
	named := c.values("source")
	target := c.values("target")
	switch {
	case len(named) > 0 && len(target) > 0:
		device, dir = named[:1], target[:1]
	case len(named) > 0:
		device = named[:1]
		if len(ops) > 0 {
			dir = ops[:1]
		}
	case len(target) > 0:
		dir = target[:1]
		if len(ops) > 0 {
			device = ops[:1]
		}
	case len(ops) >= 2:
		device, dir = ops[:1], ops[1:2]
	case len(ops) == 1:
		// One operand stands in fstab: a mount point, or a device.
		if p := ops[0].Prefix(); strings.HasPrefix(p, "/dev/") || strings.Contains(p, "=") {
			device = ops[:1]
		}
		dir = ops[:1]
	}
	kind := Mount
	if remount {
		kind = Remount
		c.set("remount")
	}
	if c.has("_move") && len(device) > 0 && len(dir) > 0 {
		// What is mounted there is found at another place from then on.
		e := c.effect(Move)
		if to, ok := dir[0].Value(); ok {
			e.param("to", to)
		}
		c.emitWord(e, Path, device[0], false)
	}
	e := c.effect(kind)
	if len(opts) > 0 {
		e.param("options", opts...)
	}
	if v := c.text("fstype"); len(v) > 0 {
		e.param("fstype", v...)
	}
	if len(device) > 0 {
		if v, ok := device[0].Value(); ok {
			e.param("device", v)
		}
		objs := c.objects(Device, device[0])
		if len(objs) > 0 && strings.HasPrefix(objs[0].Name, "/") {
			e.Source = &objs[0]
		}
	}
	switch {
	case len(dir) > 0:
		c.emitWord(e, Path, dir[0], false)
	case len(device) > 0:
		c.emit(e, Object{Type: Path, Word: device[0]})
	case c.has("all"):
		c.emit(e, Object{Type: Path, Word: word.Lit("-a")})
	}
}

// crontab is crontab(1). Debian's refuses -r together with -e; others take
// the last.
func crontab(c *call) {
	user := Object{Type: Crontab, Word: word.Lit("crontab")}
	if ws := c.values("user"); len(ws) > 0 {
		user.Word = ws[len(ws)-1]
		user.Name, _ = user.Word.Value()
	} else if u := c.action.User; u != "" && u != "?" {
		user.Name = u
	}
	switch {
	case c.has("list") && !c.has("delete"):
	case c.has("delete"):
		c.emit(c.effect(ScheduleChange), user)
	case c.has("edit"):
		c.emit(c.effect(ScheduleChange), user)
	default:
		file := word.Lit("-")
		if ws := c.args.Operands; len(ws) > 0 {
			file = ws[0]
		}
		if v, ok := file.Value(); ok && (path.Clean(v) == "/dev/stdin" || path.Clean(v) == "/dev/fd/0" || path.Clean(v) == "/proc/self/fd/0") {
			file = word.Lit("-")
		}
		e := c.effect(ScheduleChange, "replace")
		in := c.action.Stdin
		switch {
		case !file.Is("-"):
			if objs := c.objects(Path, file); len(objs) > 0 {
				e.Source = &objs[0]
			}
			text, made := c.action.Given.Value()
			if v, ok := file.Value(); ok && path.Clean(v) == "/dev/null" || made && !schedules(text) {
				e.mark("empty")
			}
		case in.Kind == command.InputFile:
			if objs := c.objects(Path, in.Word); len(objs) > 0 {
				e.Source = &objs[0]
			}
			if in.Word.Is("/dev/null") {
				e.mark("empty")
			}
		case in.Kind == command.InputText || in.Kind == command.InputPipe:
			if v, ok := c.input(); ok && !schedules(v) {
				e.mark("empty")
			} else if ok {
				e.param("text", v)
			}
		case in.Kind == command.InputClosed:
			e.mark("empty")
		case in.Kind == command.InputShell && file.Is("-") && len(c.args.Operands) == 0:
			// "crontab" alone waits for the terminal: ^D empties it.
			e.mark("empty")
		}
		c.emit(e, user)
	}
}

// schedules reports whether the text of a crontab starts anything: a line that
// is neither blank, a comment nor a variable.
func schedules(text string) bool {
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		if name, _, ok := strings.Cut(l, "="); ok && !strings.ContainsAny(strings.TrimSpace(name), " \t@*") {
			continue
		}
		return true
	}
	return false
}

// mirrorHere is lftp's command mirror, in -e or -c, as far as it writes on this
// side: with -R it writes on the other.
func mirrorHere(c *call) {
	if c.name != "lftp" {
		return
	}
	for _, s := range c.text("script") {
		for _, command := range strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == '\n' || r == '&' }) {
			f := strings.Fields(command)
			if len(f) == 0 || f[0] != "mirror" {
				continue
			}
			var ops []string
			attrs := []string{"contents", "recursive", "download"}
			reverse := false
			for _, a := range f[1:] {
				switch {
				case a == "-R" || a == "--reverse":
					reverse = true
				case a == "-e" || a == "--delete" || a == "--delete-first":
					attrs = append(attrs, "delete")
				case !strings.HasPrefix(a, "-"):
					ops = append(ops, strings.Trim(a, `"'`))
				}
			}
			if !reverse && len(ops) > 1 {
				c.emitWord(c.effect(WriteTree, attrs...), Path, word.Lit(ops[1]), false)
			}
		}
	}
}
