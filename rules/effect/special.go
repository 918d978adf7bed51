package effect

import (
	"path"
	"strconv"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// putsBytes reports whether an act puts bytes behind a name.
func putsBytes(k Kind) bool {
	switch k {
	case Overwrite, Truncate, Append:
		return true
	}
	return false
}

// devicesOfNothing are the names below /dev that may be written to by anybody
// at any time. A trailing slash stands for what lies below.
var devicesOfNothing = []string{
	"null", "zero", "full", "random", "urandom", "tty", "console", "stdin", "stdout", "stderr", "fd/", "pts/",
	"ptmx", "log", "kmsg", "ttyS", "ttyUSB", "ttyACM", "lp", "usb/lp", "snd/", "dsp", "audio", "input/", "clipboard",
}

// plainBelowDev are directories below /dev that hold ordinary files.
var plainBelowDev = []string{"/dev/shm/", "/dev/mqueue/", "/dev/hugepages/"}

// special turns a write to /dev, /proc or /sys into what it is. It reports
// whether anything is left of the effect.
func (c *call) special(e *Effect) bool {
	if !putsBytes(e.Kind) || e.Attrs["link"] && e.Attrs["replace"] {
		return true // no bytes go to the device: the name itself is another's
	}
	if admits(e.Object.Name) {
		if text, ok := c.written(e); ok {
			e.param("text", text)
		}
	}
	name, pattern := e.Object.Name, false
	if name == "" {
		name, pattern = e.Object.Pattern, true
	}
	if name == "" {
		name = e.Object.Word.Prefix()
		if s := e.Object.Word.Shape; len(s) > 1 && s[0].Lit == name && strings.HasPrefix(s[1].Src, "/") {
			name += "/" // what is found below it
		}
		pattern = true
	}
	if !strings.Contains(name, "/dev") && !strings.Contains(name, "/proc") && !strings.Contains(name, "/sys") {
		return true
	}
	if !pattern {
		name = path.Clean(name)
		if strings.HasPrefix(name, "/dev/") {
			e.Object.Name = name // //dev/sdb, /dev/./sdb
		}
	}
	switch {
	case strings.HasPrefix(name, "/dev/"):
		for _, p := range plainBelowDev {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
		rest := name[len("/dev/"):]
		if strings.HasPrefix(rest, "tcp/") || strings.HasPrefix(rest, "udp/") {
			if text, ok := c.written(e); ok {
				c.protocol(text)
			}
			return false
		}
		for _, d := range devicesOfNothing {
			if rest == d || strings.HasPrefix(rest, d+"/") || strings.HasPrefix(rest, d) && (strings.HasSuffix(d, "/") || numbered(rest[len(d):])) {
				return false
			}
		}
		if e.Has("inside") && e.Has("maybe-into") {
			return false // a device is no directory
		}
		if rest == "watchdog" || strings.HasPrefix(rest, "watchdog") && numbered(rest[len("watchdog"):]) {
			// Whoever opens it has to go on writing, or to end with a V.
			if text, ok := c.written(e); ok && strings.HasSuffix(strings.TrimSpace(text), "V") {
				return false
			}
			e.Kind, e.Object = Power, Object{Type: Host, Word: e.Object.Word}
			e.mark("reboot", "no-sync")
			return true
		}
		e.Kind, e.Object.Type = RawWrite, Device
	case strings.HasPrefix(name, "/proc/"):
		return c.kernelFile(e, name)
	case strings.HasPrefix(name, "/sys/"):
		return c.kernelFile(e, name)
	}
	return true
}

// admits reports a file whose lines say who may log in, or which driver may be
// loaded: what is written there counts.
func admits(name string) bool {
	for _, p := range [...]string{"/.bashrc", "/.bash_profile", "/.bash_login", "/.profile", "/.zshrc"} {
		if strings.HasSuffix(name, p) {
			return true
		}
	}
	return name == "/etc/profile" || strings.HasPrefix(name, "/etc/profile.d/") || name == "/etc/bash.bashrc" || name == "/etc/bashrc" || name == "/etc/hosts.deny" || strings.HasPrefix(name, "/etc/modprobe.d/") || name == "/etc/ssh/sshd_config" || strings.HasPrefix(name, "/etc/ssh/sshd_config.d/")
}

// numbered reports whether s is a device's number: tty1, lp0.
func numbered(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// kernelFile is a write to a switch of the kernel.
func (c *call) kernelFile(e *Effect, name string) bool {
	text, known := c.written(e)
	if known {
		e.param("value", text)
	}
	switch {
	case name == "/proc/sysrq-trigger":
		e.Object = Object{Type: Host, Word: e.Object.Word}
		e.Kind = Power
		first := ""
		if text = strings.TrimSpace(text); text != "" {
			first = text[:1]
		}
		switch {
		case !known:
			e.mark("no-sync")
		case first == "b", first == "c":
			e.mark("reboot", "no-sync")
		case first == "o":
			e.mark("poweroff", "no-sync")
		case first == "e", first == "i":
			e.Kind, e.Object = Kill, Object{Type: Process, Name: "-1", Word: e.Object.Word}
			e.mark("all")
		case first == "u":
			e.Kind, e.Object = Remount, Object{Type: Path, Name: "/", Word: e.Object.Word}
			e.mark("all", "read-only")
		default: // s, h, w, t …: sync or show
			return false
		}
		return true
	case name == "/proc/fs/nfsd/threads":
		if !known || strings.TrimSpace(text) != "0" {
			return false // that many more or fewer of them
		}
		e.Kind, e.Object = Stop, Object{Type: Service, Name: "nfs-server", Word: e.Object.Word}
		return true
	case strings.HasPrefix(name, "/sys/fs/cgroup/") && strings.HasSuffix(name, "/cgroup.kill"):
		unit := path.Base(path.Dir(name))
		e.Kind, e.Object = Stop, Object{Type: Service, Name: strings.TrimSuffix(unit, ".service"), Word: e.Object.Word}
		e.mark("kill")
		e.param("signal", "KILL")
		return true
	case strings.HasPrefix(name, "/sys/fs/cgroup/") && known && starves(path.Base(name), strings.TrimSpace(text)):
		unit := path.Base(path.Dir(name))
		if strings.ContainsAny(unit, "*?[") {
			e.mark("pattern")
		}
		e.Kind, e.Object = Stop, Object{Type: Service, Name: strings.TrimSuffix(unit, ".service"), Word: e.Object.Word}
		e.mark("suspend")
		return true
	case strings.HasPrefix(name, "/sys/class/net/") || strings.HasPrefix(name, "/sys/devices/virtual/net/"):
		if link, attr := linkSwitch(name, strings.TrimSpace(text)); link != "" {
			e.Kind, e.Object = NetChange, Object{Type: Interface, Name: link, Word: e.Object.Word}
			e.mark(attr)
			return true
		}
	case name == "/sys/power/state":
		e.Kind, e.Object = Power, Object{Type: Host, Word: e.Object.Word}
		e.mark("suspend")
		return true
	case strings.HasPrefix(name, "/proc/") && strings.Contains(name, "/fd/"):
		return false
	}
	e.Kind, e.Object.Type = KernelChange, Kernel
	if key, ok := strings.CutPrefix(name, "/proc/sys/"); ok {
		e.param("key", strings.ReplaceAll(key, "/", "."))
	}
	return true
}

// starves reports whether what is written to a file of a control group leaves
// its processes nothing to run with.
func starves(file, text string) bool {
	switch file {
	case "cgroup.freeze":
		return text == "1"
	case "pids.max":
		return len(text) < 3 && numbered(text)
	case "memory.max", "memory.high":
		return strings.HasSuffix(text, "K") || len(text) < 4 && numbered(strings.TrimSuffix(text, "M")) || numbered(text) && len(text) < 9
	}
	return false
}

// linkSwitch is the interface that a file of the kernel's takes away when a
// text is written to it, and what becomes of it.
func linkSwitch(name, text string) (link, attr string) {
	dir, file := path.Split(name)
	link = path.Base(dir)
	switch file {
	case "flags":
		// Bit 0 is that it is up.
		if n, err := strconv.ParseUint(text, 0, 32); err == nil && n&1 == 0 {
			return link, "down"
		}
	case "carrier":
		if text == "0" {
			return link, "down"
		}
	case "bonding_masters", "slaves":
		if name, ok := strings.CutPrefix(text, "-"); ok {
			return name, "detach"
		}
	}
	return "", ""
}

// written is the text that an effect puts into its file, where it is plain:
// echo and printf with a redirection, a here-string, a pipe from one of those.
func (c *call) written(e *Effect) (string, bool) {
	if e.Has("redirect") {
		return output(c.action)
	}
	return c.input()
}

// input is what the action reads on its standard input, where that is plain.
func (c *call) input() (string, bool) {
	in := c.action.Stdin
	if in.Kind == command.InputFile && in.Word.Is("/dev/null") {
		return "", true
	}
	if in.Kind == command.InputText {
		return in.Word.Value()
	}
	if in.Kind != command.InputPipe || len(in.From) == 0 {
		return "", false
	}
	parts := make([]string, len(in.From))
	for n, i := range in.From {
		known := i >= 0 && i < len(c.line.Actions)
		if known {
			parts[n], known = output(&c.line.Actions[i])
		}
		if !known {
			return "", false
		}
	}
	return strings.Join(parts, "\n"), true
}

// output is what a program that writes plain text writes, if that is known:
// echo, printf, cat of a text, and those that write nothing.
func output(a *command.Action) (string, bool) {
	name, _ := a.Name()
	args := a.Args()
	between, escapes := " ", false
	switch name {
	case "echo":
		for len(args) > 0 && (args[0].Is("-n") || args[0].Is("-e") || args[0].Is("-E") || args[0].Is("-ne") || args[0].Is("-en")) {
			escapes = escapes || strings.Contains(args[0].Values[0], "e")
			args = args[1:]
		}
	case "printf":
		escapes = true
		if len(args) > 1 {
			if f, ok := args[0].Value(); ok && strings.HasPrefix(f, "%s") {
				if strings.HasSuffix(f, `\n`) {
					between = "\n"
				}
				args = args[1:]
			}
		}
	case "cat":
		switch {
		case len(args) == 0 && a.Stdin.Kind == command.InputText:
			return a.Stdin.Word.Value()
		case len(args) == 1 && args[0].Is("/dev/null"), len(args) == 0 && a.Stdin.Kind == command.InputFile && a.Stdin.Word.Is("/dev/null"):
			return "", true
		}
		return "", false
	case ":", "true", "false", "sleep":
		return "", true
	case "sed", "grep", "egrep", "awk", "gawk", "mawk", "dd":
		return "", nothingPasses(name, args)
	case "head", "tail":
		for i, w := range args {
			if w.Is("-0") || w.Is("-n0") || w.Is("-c0") || w.Is("--lines=0") || w.Is("--bytes=0") ||
				(w.Is("-n") || w.Is("-c")) && i+1 < len(args) && args[i+1].Is("0") {
				return "", true
			}
		}
		return "", false
	default:
		return "", false
	}
	var b strings.Builder
	for i, w := range args {
		v, ok := w.Value()
		if !ok {
			return "", false
		}
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(v)
	}
	text := b.String()
	if escapes {
		text = strings.TrimSuffix(strings.ReplaceAll(text, `\n`, "\n"), "\n")
	}
	return text, true
}

// nothingPasses reports filters that let nothing of their input through, or no
// line that has anything in it.
func nothingPasses(name string, args []word.Word) bool {
	text := strings.Join(texts(args), " ")
	switch name {
	case "sed":
		switch strings.ReplaceAll(strings.TrimPrefix(text, "-e "), "$ d", "$d") {
		case "d", "1,$d", "/.*/d", "//d", "/^/d", "-n", "-n d", "/./d":
			return true
		}
		return !sedChooses(text) && blankOf(name, args)
	case "grep", "egrep":
		switch text {
		case "-v .", "-v .*", "-v ", "-v ^", "-E -v .", "-Ev .", "-vE .", "-v -e .":
			return true
		}
	case "awk", "gawk", "mawk":
		return text == "0" || text == "1==0" || !strings.ContainsAny(text, "/~$\"") && !strings.Contains(text, "length") && blankOf("awk", args)
	case "dd":
		return strings.Contains(" "+text+" ", " if=/dev/null ")
	}
	return false
}

// sedChooses reports whether a script has addresses that look at what a line
// says, so that what is left depends on the file.
func sedChooses(script string) bool {
	for _, cmd := range strings.FieldsFunc(script, func(r rune) bool { return r == ';' || r == '\n' || r == '{' }) {
		cmd = strings.TrimLeft(cmd, " 0123456789,$~+!")
		if strings.HasPrefix(cmd, "/") || strings.HasPrefix(cmd, `\`) {
			return true
		}
	}
	return false
}

// blankOf reports whether a filter leaves nothing of a text that it has no
// reason to treat apart.
func blankOf(name string, args []word.Word) bool {
	out, ok := command.Filtered(name, texts(args), strings.Repeat("some: text 1\n", 300))
	return ok && strings.TrimSpace(out) == ""
}

// redirections adds what the redirections of an action do, whichever program
// it starts.
func (c *call) redirections() {
	c.name = redirector(c.action)
	for _, r := range c.action.Redirs {
		kind := Truncate
		switch r.Kind {
		case command.Out, command.Clobber:
		case command.Append:
			kind = Append
		case command.ReadWrite:
			kind = Overwrite
		case command.In, command.Text, command.Duplicate:
			continue
		}
		e := c.effect(kind, "redirect")
		switch {
		case kind == Overwrite:
			e.mark("inplace")
		case kind == Truncate && c.silent(r.FD):
			e.mark("empty")
		}
		if kind == Truncate {
			if text, known := output(c.action); known && r.FD == 1 {
				e.written(text)
			}
			if r.FD == 1 && c.reads(c.action, r.Target, 0) {
				e.mark("reads-itself")
			}
		}
		c.emitWord(e, Path, r.Target, false)
	}
}

// written says how much a file holds afterwards, where that is known.
func (e *Effect) written(text string) {
	if strings.TrimSpace(text) == "" {
		e.mark("empty")
	}
	lines := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
	if text == "" {
		lines = 0
	}
	e.param("lines", strconv.Itoa(lines))
	e.param("bytes", strconv.Itoa(len(text)))
}

// reads reports whether an action, or one that it is fed by, names the file
// that a redirection empties before any of them starts.
func (c *call) reads(a *command.Action, target word.Word, depth int) bool {
	name, ok := a.Name()
	v, known := target.Value()
	if !ok || !known || v == "" || depth > 8 {
		return false
	}
	if name != "echo" && name != "printf" {
		for _, w := range a.Args() {
			if w.Is(v) {
				return true
			}
		}
		if a.Stdin.Kind == command.InputFile && a.Stdin.Word.Is(v) {
			return true
		}
	}
	for _, i := range a.Stdin.From {
		if i >= 0 && i < len(c.line.Actions) && c.reads(&c.line.Actions[i], target, depth+1) {
			return true
		}
	}
	return false
}

// silent reports whether nothing is written through the redirection: the file
// is emptied and stays so.
func (c *call) silent(fd int) bool {
	if len(c.action.Argv) == 0 {
		return !c.action.Compound
	}
	name, _ := c.action.Name()
	switch name {
	case ":", "true", "exec":
		return true
	case "cat":
		args := c.action.Args()
		return fd == 1 && (len(args) == 1 && args[0].Is("/dev/null") ||
			len(args) == 0 && c.action.Stdin.Kind == command.InputFile && c.action.Stdin.Word.Is("/dev/null"))
	case "echo", "printf":
		text, known := output(c.action)
		return fd == 1 && known && text == ""
	}
	return false
}

func redirector(a *command.Action) string {
	if name, ok := a.Name(); ok {
		return name
	}
	return "bash"
}
