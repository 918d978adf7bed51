package command

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
)

// output is what an action writes to its standard output, where that follows
// from its words alone.
func (w *walker) output(i int) (string, bool) {
	a := &w.line.Actions[i]
	name, ok := a.Name()
	if !ok {
		return "", false
	}
	if a.Place.Kind != Here && !anywhere(name) {
		return "", false
	}
	if a.Wrapper {
		// What it starts is listed too and writes for it.
		return "", true
	}
	if p, ok := w.says[i]; ok && p.whole {
		texts, ok := known(p.texts)
		return strings.Join(texts, ""), ok
	}
	f := writerOf(name)
	if f == nil {
		return "", false
	}
	return f(w, i)
}

// anywhere reports a program whose output follows from its words and its input
// on any machine.
func anywhere(name string) bool {
	switch name {
	case "echo", "printf", "seq", "basename", "dirname", "cat", "tee", "base64":
		return true
	}
	return filterOf(name) != nil
}

// writerOf is what knows a program's output; nil where nothing does.
func writerOf(name string) func(*walker, int) (string, bool) {
	switch name {
	case "echo":
		return fromArgs(echoText)
	case "printf":
		return fromWords(printfText)
	case "seq":
		return fromArgs(seqText)
	case "basename":
		return fromArgs(basenameText)
	case "dirname":
		return fromArgs(dirnameText)
	case "pwd":
		return pwdText
	case "cat", "tee":
		return copied
	case "base64":
		return decoded
	case "realpath", "readlink":
		return (*walker).realpath
	case "which", "command", "type":
		return (*walker).which
	case "whoami":
		return (*walker).whoami
	case "id":
		return (*walker).id
	case "uname":
		return (*walker).uname
	case "cd":
		return cdText
	case ":", "true", "export", "declare", "local", "readonly", "typeset", "set", "shopt", "unset", "test", "[", "shift", "read", "mkdir", "touch", "exit", "return", "sleep", "trap":
		return silent
	}
	if filterOf(name) != nil {
		return filtered
	}
	return nil
}

// cdText is where cd says that it went, if that is not what was typed.
func cdText(w *walker, i int) (string, bool) {
	said := slices.ContainsFunc(w.line.Actions[i].Args(), func(x word.Word) bool { return x.Could("-") })
	return "", !said && !strings.Contains(w.line.Src, "CDPATH") && w.shell.Var("CDPATH").State != VarSet
}

// silent is the output of those that print nothing. Of them, those that list
// something say so when they are given nothing, or are asked.
func silent(w *walker, i int) (string, bool) {
	args := w.line.Actions[i].Args()
	if len(args) == 0 {
		return "", !listsItself(nameOf(w, i))
	}
	first := args[0].Prefix()
	asks := listsItself(nameOf(w, i)) && (strings.HasPrefix(first, "-p") || strings.HasPrefix(first, "-f") || strings.HasPrefix(first, "-F") || strings.HasPrefix(first, "-l"))
	return "", !asks && first != "-" || nameOf(w, i) == "set"
}

// listsItself reports whether a builtin prints what there is.
func listsItself(name string) bool {
	switch name {
	case "export", "declare", "local", "readonly", "typeset", "set", "shopt", "trap":
		return true
	}
	return false
}

func nameOf(w *walker, i int) string {
	name, _ := w.line.Actions[i].Name()
	return name
}

func known(ws []word.Word) ([]string, bool) {
	out := make([]string, len(ws))
	for i, x := range ws {
		v, ok := x.Value()
		if !ok {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

func fromArgs(f func([]string) (string, bool)) func(*walker, int) (string, bool) {
	return func(w *walker, i int) (string, bool) {
		args, ok := known(w.line.Actions[i].Args())
		if !ok {
			return "", false
		}
		return f(args)
	}
}

func fromWords(f func([]word.Word) (string, bool)) func(*walker, int) (string, bool) {
	return func(w *walker, i int) (string, bool) { return f(w.line.Actions[i].Args()) }
}

func echoText(args []string) (string, bool) {
	newline, expands := true, false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		for _, c := range args[0][1:] {
			switch c {
			case 'n':
				newline = false
			case 'e':
				expands = true
			case 'E':
				expands = false
			}
		}
		args = args[1:]
	}
	s := strings.Join(args, " ")
	if expands {
		var stop, ok bool
		if s, stop, ok = unescapeText(s, ofEcho); !ok {
			return "", false
		}
		newline = newline && !stop
	}
	if newline {
		s += "\n"
	}
	return s, true
}

func seqText(args []string) (string, bool) {
	between, wide := "\n", false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && (args[0][1] < '0' || args[0][1] > '9') {
		switch {
		case args[0] == "-w" || args[0] == "--equal-width":
			wide = true
		case args[0] == "-s" && len(args) > 1:
			between, args = args[1], args[1:]
		case strings.HasPrefix(args[0], "-s"):
			between = args[0][2:]
		case strings.HasPrefix(args[0], "--separator="):
			between = args[0][len("--separator="):]
		default:
			return "", false
		}
		args = args[1:]
	}
	from, step, to := int64(1), int64(1), int64(0)
	nums := make([]int64, len(args))
	for i, a := range args {
		n, err := strconv.ParseInt(a, 10, 64)
		if err != nil || len(a) > 1 && a[0] == '0' {
			return "", false
		}
		nums[i] = n
	}
	switch len(nums) {
	case 1:
		to = nums[0]
	case 2:
		from, to = nums[0], nums[1]
	case 3:
		from, step, to = nums[0], nums[1], nums[2]
	default:
		return "", false
	}
	if step == 0 || (to-from)/step > defaultUnroll*4 {
		return "", false
	}
	width := 0
	if wide {
		// As wide as the longer of the bounds, a sign included.
		width = max(len(strconv.FormatInt(from, 10)), len(strconv.FormatInt(to, 10)))
	}
	var b strings.Builder
	for n := from; step > 0 && n <= to || step < 0 && n >= to; n += step {
		if n != from {
			b.WriteString(between)
		}
		fmt.Fprintf(&b, "%0*d", width, n)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String(), true
}

func basenameText(args []string) (string, bool) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || len(args) > 2 || strings.HasPrefix(args[0], "-") {
		return "", false
	}
	b := path.Base(args[0])
	if args[0] == "" {
		b = ""
	}
	if len(args) == 2 && args[1] != b {
		b = strings.TrimSuffix(b, args[1])
	}
	return b + "\n", true
}

func dirnameText(args []string) (string, bool) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return "", false
	}
	var b strings.Builder
	for _, a := range args {
		s := strings.TrimRight(a, "/")
		switch j := strings.LastIndexByte(s, '/'); {
		case s == "" && a != "":
			s = "/"
		case j < 0:
			s = "."
		default:
			if s = strings.TrimRight(s[:j], "/"); s == "" {
				s = "/"
			}
		}
		b.WriteString(s + "\n")
	}
	return b.String(), true
}

func pwdText(w *walker, i int) (string, bool) {
	a := &w.line.Actions[i]
	if len(a.Argv) > 1 && !a.Argv[1].Is("-L") {
		return "", false
	}
	v, ok := a.Cwd.Value()
	return v + "\n", ok
}

// copied is the output of commands that pass their input on.
func copied(w *walker, i int) (string, bool) {
	a := &w.line.Actions[i]
	if name, _ := a.Name(); name == "cat" && len(a.Argv) > 1 && !a.Argv[1].Is("-") {
		var b strings.Builder
		for _, x := range a.Args() {
			v, ok := x.Value()
			if !ok || v == "" || v[0] == '-' {
				return "", false
			}
			text, ok := w.contents(i, v)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		}
		return b.String(), true
	}
	return w.read0(i)
}

// read0 is what an action reads, where that is known text.
func (w *walker) read0(i int) (string, bool) {
	a := &w.line.Actions[i]
	switch a.Stdin.Kind {
	case InputText:
		v, ok := a.Stdin.Word.Value()
		if ok && len(a.Redirs) > 0 {
			for _, r := range a.Redirs {
				if r.FD == 0 && r.Kind == Text && !strings.HasSuffix(v, "\n") {
					v += "\n" // a here-string
				}
			}
		}
		return v, ok
	case InputPipe:
		var b strings.Builder
		for _, j := range a.Stdin.From {
			t, ok := w.output(j)
			if !ok || w.line.Actions[j].Certain != Certain && t != "" {
				return "", false
			}
			b.WriteString(t)
		}
		return b.String(), len(a.Stdin.From) > 0
	}
	return "", false
}

// realpath is what realpath and readlink -f print: where their operands lead.
func (w *walker) realpath(i int) (string, bool) {
	a := &w.line.Actions[i]
	args, ok := known(a.Args())
	if !ok {
		return "", false
	}
	name, _ := a.Name()
	follows := name == "realpath"
	var b strings.Builder
	for n, arg := range args {
		if strings.HasPrefix(arg, "-") && arg != "-" {
			switch arg {
			case "-f", "-e", "--canonicalize", "--canonicalize-existing":
				follows = true
			case "-q", "-P", "--physical", "--quiet", "--":
			default:
				return "", false
			}
			if arg == "-f" && name == "realpath" {
				return "", false
			}
			continue
		}
		if !follows || n > 64 {
			return "", false
		}
		p, ok := absolute(a.Cwd, arg)
		if !ok || arg == "" {
			return "", false
		}
		real, err := w.files.Real(p)
		if err != nil {
			return "", false
		}
		b.WriteString(real + "\n")
	}
	return b.String(), b.Len() > 0
}

func (w *walker) whoami(i int) (string, bool) {
	a := &w.line.Actions[i]
	u := a.User
	if u == "" {
		u = w.shell.User()
	}
	return u + "\n", u != "" && u != "?" && len(a.Argv) == 1
}

// uname is the kernel's release: half of the paths to its modules and images
// are written with it.
func (w *walker) uname(i int) (string, bool) {
	args, ok := known(w.line.Actions[i].Args())
	if !ok || len(args) != 1 || args[0] != "-r" && args[0] != "--kernel-release" {
		return "", false
	}
	b, err := w.files.ReadFile("/proc/sys/kernel/osrelease", maxRelease)
	return string(b), err == nil && len(b) > 0
}

// maxRelease is what utsname holds.
const maxRelease = 65

// which is where a name leads along PATH, as long as nothing in the line can
// have changed that.
func (w *walker) which(i int) (string, bool) {
	a := &w.line.Actions[i]
	args, ok := known(a.Args())
	if name, _ := a.Name(); name != "which" && len(args) == 2 {
		// command -v and type -p, of what is neither a builtin nor a function
		_, alias := w.shell.Alias(args[1])
		_, function := w.shell.Function(args[1])
		if b, _ := builtinNamed(args[1]); b.run != nil || alias || function || args[0] != "-v" && args[0] != "-p" && args[0] != "-P" {
			return "", false
		}
		args = args[1:]
	} else if name != "which" {
		return "", false
	}
	v := w.shell.Var("PATH")
	if !ok || len(args) != 1 || args[0] == "" || args[0][0] == '-' || v.State != VarSet || v.Value == "" || a.User != "" || strings.Contains(w.line.Src, "PATH") {
		return "", false
	}
	for j := range w.line.Actions[:i] {
		b := &w.line.Actions[j]
		name, ok := b.Name()
		if len(b.Argv) > 0 && !ok || b.Builtin && (name == "." || name == "source" || name == "eval" || name == "read" || name == "export") {
			return "", false
		}
	}
	for _, via := range a.Via {
		if via != "$()" {
			return "", false
		}
	}
	file, err := w.files.LookPath(args[0], v.Value)
	if err != nil || !strings.HasPrefix(file, "/") {
		return "", false
	}
	return file + "\n", true
}

func (w *walker) id(i int) (string, bool) {
	a := &w.line.Actions[i]
	args, ok := known(a.Args())
	if !ok || len(args) != 1 {
		return "", false
	}
	u := a.User
	if u == "" {
		u = w.shell.User()
	}
	switch args[0] {
	case "-u", "--user":
		return "0\n", u == "root"
	case "-un", "-nu":
		return u + "\n", u != "" && u != "?"
	}
	return "", false
}
