package effect

import (
	"path"
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

// findTests are the expressions of find that take an argument each and choose
// among the files.
var findTests = wordsOf("-name -iname -path -ipath -wholename -iwholename -lname -ilname -regex -iregex -newer -anewer -cnewer " +
	"-mtime -atime -ctime -mmin -amin -cmin -size -user -group -uid -gid -perm -type -xtype -links -inum -samefile -fstype -used -context -Bmin -newermt -newerct -newerat -newermm")

// findOthers take an argument and choose nothing.
var findOthers = wordsOf("-maxdepth -mindepth -regextype -printf -D -files0-from")

func wordsOf(s string) map[string]bool { return setOf(strings.Fields(s)...) }

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
	if len(starts) == 0 {
		starts = []word.Word{word.Lit(".")}
	}
	filtered, negated := false, false
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
			if depth != "" {
				e.param("mindepth", depth)
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
		case v == "-mindepth":
			i++
			if i < len(argv) {
				depth = argv[i].String()
			}
		case v == "-not", v == "!":
			negated = true
		case v == "-empty", v == "-nouser", v == "-nogroup", v == "-executable":
			filtered = true
		case findTests[v]:
			if negated {
				// All but a few are left in.
				negated = false
				i++
				continue
			}
			// -type f below a tree still takes nearly all of it.
			filtered = filtered || v != "-type" && v != "-xtype"
			if (v == "-name" || v == "-iname") && i+1 < len(argv) && argv[i+1].Is("*") {
				filtered = false
			}
			i++
		case findOthers[v]:
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

// signals by number, as far as their meaning matters.
var signals = map[string]string{
	"0": "0", "1": "HUP", "2": "INT", "3": "QUIT", "6": "ABRT", "9": "KILL", "10": "USR1", "12": "USR2", "14": "ALRM",
	"15": "TERM", "17": "CHLD", "18": "CONT", "19": "STOP", "20": "TSTP", "23": "URG", "28": "WINCH",
}

// signalClass says what a signal does to a program that does not expect it.
var signalClass = map[string]string{
	"KILL": "kill", "TERM": "term", "HUP": "term", "INT": "term", "QUIT": "term", "ABRT": "kill", "STOP": "term",
	"0": "harmless", "CONT": "harmless", "CHLD": "harmless", "WINCH": "harmless", "URG": "harmless", "EXIT": "harmless",
}

// signal takes a leading -9, -KILL or -SIGKILL off the words of kill, killall
// and pkill, and reads -s and -n.
func (c *call) signal(argv []word.Word) (name string, rest []word.Word) {
	name = "TERM"
	given := false
	for i := 0; i < len(argv); i++ {
		v, ok := argv[i].Value()
		if !ok {
			rest = append(rest, argv[i])
			continue
		}
		upper := strings.ToUpper(strings.TrimPrefix(strings.ToUpper(strings.TrimPrefix(v, "-")), "SIG"))
		switch {
		case v == "--":
			return name, append(rest, argv[i+1:]...)
		case (v == "-s" || v == "-n" || v == "--signal") && i+1 < len(argv):
			i++
			name, given = signalName(argv[i].String()), true
		case strings.HasPrefix(v, "--signal="):
			name, given = signalName(v[len("--signal="):]), true
		case strings.HasPrefix(v, "-s") && len(v) > 3 && signalClass[signalName(v[2:])] != "":
			name, given = signalName(v[2:]), true
		case len(v) > 1 && v[0] == '-' && len(rest) == 0 && !given && (signals[upper] != "" || signalClass[upper] != "" || len(upper) > 2 && strings.HasPrefix(upper, "USR") || strings.HasPrefix(upper, "RTM")):
			name, given = signalName(upper), true
		default:
			rest = append(rest, argv[i])
		}
	}
	return name, rest
}

func signalName(s string) string {
	s = strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if n, ok := signals[s]; ok {
		return n
	}
	return s
}

// signalInit is a signal to the first process, which systemd takes as an order:
// it reports whether there is any effect.
func (c *call) signalInit(e *Effect, name string) bool {
	switch name {
	case "HUP", "WINCH", "CHLD", "CONT", "USR1", "USR2", "PIPE":
		return false // read the configuration again, show, nothing
	case "INT", "RTMIN+5", "39", "RTMIN+15", "49", "RTMIN+6", "40", "RTMIN+16", "50":
		e.Kind = Power
		e.mark("reboot")
	case "RTMIN+3", "37", "RTMIN+13", "47", "RTMIN+4", "38", "RTMIN+14", "48":
		e.Kind = Power
		e.mark("poweroff")
	}
	return true
}

// killProcesses is kill, killall, pkill and skill. What is left of the words
// without the signal is read by the grammar of each.
func killProcesses(c *call) {
	name, rest := c.signal(c.action.Args())
	class := signalClass[name]
	if class == "harmless" {
		return
	}
	if class == "" {
		class = "term"
	}
	negatives := c.name == "kill"
	g := c.node.grammar
	args := g.Read(rest)
	if negatives {
		// kill -TERM -1: a negative number is a process group, -1 everybody.
		args.Operands = nil
		for _, w := range rest {
			if v := w.Prefix(); v == "-l" || v == "-L" || v == "--list" || v == "--table" {
				return
			}
			args.Operands = append(args.Operands, w)
		}
		if len(c.args.Operands) == 0 && len(rest) == 0 {
			// "kill -1" alone names a signal and nobody.
			return
		}
	}
	if args.Attrs["dry"] || args.Attrs["list"] {
		return
	}
	for a, on := range args.Attrs {
		c.args.Attrs[a] = on
	}
	e := c.effect(Kill, class)
	e.param("signal", name)
	if c.name == "pkill" || c.name == "skill" {
		e.mark("pattern")
		for _, by := range [...]string{"user", "terminal", "parent", "group", "session"} {
			if ws := args.Values[by]; len(ws) > 0 {
				e.param(by, texts(ws)...)
				if len(args.Operands) == 0 {
					w := ws[0]
					c.emit(e, Object{Type: Process, Name: by + " " + w.String(), Word: w})
				}
			}
		}
	}
	if c.name == "killall5" {
		e.mark("all")
		c.emit(e, Object{Type: Process, Name: "-1", Word: word.Lit(c.name)})
		return
	}
	if c.name == "pkill" && args.Attrs["_inverse"] {
		e.mark("all")
		e.Attrs["pattern"] = false
	}
	if c.name == "killall" && len(args.Operands) == 0 {
		for _, w := range args.Values["user"] {
			e.param("user", w.String())
			c.emit(e, Object{Type: Process, Name: "user " + w.String(), Word: w})
		}
	}
	for _, w := range args.Operands {
		one := e
		v, known := w.Value()
		switch {
		case known && strings.HasPrefix(v, "%"):
			one.mark("job")
		case negatives && v == "-1":
			one.mark("all")
		case negatives && v == "0":
			one.mark("job")
		case negatives && v == "1":
			if !c.signalInit(&one, name) {
				continue
			}
		}
		if one.Kind == Power {
			c.emit(one, Object{Type: Host, Word: w})
			continue
		}
		for _, o := range named(Process, w) {
			c.emit(one, o)
		}
	}
}
