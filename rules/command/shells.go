package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"guardsh/rules/word"
)

// isShell reports whether a program reads shell code. What only other shells
// than bash know is not understood; their common part is.
func isShell(base string) bool {
	switch base {
	case "sh", "bash", "dash", "ksh", "ksh93", "mksh", "zsh", "ash", "rbash", "yash", "posh", "lksh":
		return true
	}
	return false
}

// shellArgs is what a shell is told to run.
type shellArgs struct {
	code   bool // -c
	stdin  bool // -s
	opts   []word.Word
	rest   []word.Word // the code or the script, and what follows
	ignore bool        // --version, --help, -n
	base   string      // the shell's name
}

// longWith reports whether a shell's long option takes an argument.
func longWith(opt string) bool {
	switch opt {
	case "--rcfile", "--init-file", "--emulate":
		return true
	}
	return false
}

func readShell(args []word.Word) shellArgs {
	var out shellArgs
	for i := 0; i < len(args); i++ {
		s, ok := args[i].Value()
		switch {
		case !ok:
			out.rest = args[i:]
			return out
		case s == "--" || s == "-":
			out.rest = args[i+1:]
			return out
		case strings.HasPrefix(s, "--"):
			if longWith(s) {
				i++
			}
			if s == "--version" || s == "--help" {
				out.ignore = true
			}
		case len(s) > 1 && (s[0] == '-' || s[0] == '+'):
			for _, c := range s[1:] {
				switch {
				case c == 'c' && s[0] == '-':
					out.code = true
				case c == 's':
					out.stdin = true
				case c == 'n' && s[0] == '-':
					out.ignore = true // it is read and not run
				case c == 'o' || c == 'O':
					if i+1 < len(args) {
						out.opts = append(out.opts, word.Lit(s[:1]+"o"), args[i+1])
						i++
					}
				default:
					out.opts = append(out.opts, word.Lit(s[:1]+string(c)))
				}
			}
		default:
			out.rest = args[i:]
			return out
		}
	}
	return out
}

// shellProgram starts bash, sh and the like, and walks what they would run.
func (w *walker) shellProgram(st *state, l launch, base string) result {
	a := readShell(l.argv[1:])
	a.base = base
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if a.ignore || i < 0 {
		return both(st)
	}
	in := w.standardInput(st, l)
	sub := st.clone()
	switch {
	case a.code:
		if len(a.rest) == 0 {
			return both(st)
		}
		w.line.Actions[i].Wrapper = true
		w.beneath(sub, l, base, nil, func() result {
			sub.fresh()
			if len(a.rest) > 1 {
				sub.arg0 = a.rest[1]
				sub.params = a.rest[2:]
				if a.rest[1].Many {
					// One word of the line stands for $0 and for what follows.
					sub.arg0 = word.Hidden("$0", word.Var)
					sub.params = a.rest[1:]
				}
			}
			w.startup(sub, l, base, a)
			w.options(sub, a.opts, false)
			return w.run(sub, a.rest[0], l.at, base+" -c")
		})
	case len(a.rest) > 0 && !a.stdin:
		w.scriptFile(sub, l, i, a)
	default:
		w.shellInput(sub, l, i, base, a, in)
	}
	return both(st)
}

// shellInput walks what a shell reads from its standard input.
func (w *walker) shellInput(sub *state, l launch, i int, base string, a shellArgs, in input) {
	text, known := in.text, in.known
	switch in.Kind {
	case InputShell:
		w.line.Actions[i].Opens = true
		w.line.Actions[i].Ungated = sub.ungated(l.assigns)
		return
	case InputClosed:
		return
	case InputFile:
		if b, ok := w.readFile(sub, in.Word); ok {
			text, known = b, true
		} else if in.Word.Know == word.Unknown && w.isProcess(in.Word) {
			w.unseen(base+" reads "+in.Word.Src, w.sources(in.Word), &l.at)
			return
		} else {
			w.unread(base+" reads "+in.Word.Src, &l.at)
			return
		}
	}
	if !known {
		if in.Kind == InputText && in.Word.Know == word.Unknown {
			if t, ok := w.code(in.Word); ok {
				text, known = t, true
			}
		}
		if !known && in.Word.Origin == word.FromLarge {
			w.note(TooLarge, fmt.Sprintf("%s reads code of more than %d bytes", base, maxValue), &l.at)
			return
		}
		if !known {
			w.unseen(base+" reads what another command writes", in.From, &l.at)
			w.printedCode(sub, l, base, in.From)
			if in.coproc != "" {
				if w.coprocs == nil {
					w.coprocs = map[string]coproc{}
				}
				w.coprocs[in.coproc] = coproc{sub, l, base}
			}
			return
		}
	}
	w.line.Actions[i].Wrapper = true
	w.beneath(sub, l, base, func(_ *state, c *context) { c.stdin = input{} }, func() result {
		sub.fresh()
		sub.params = nil
		if a.stdin {
			sub.params = a.rest
		}
		w.startup(sub, l, base, a)
		w.options(sub, a.opts, false)
		return w.inline(sub, text, l.at)
	})
}

// isProcess reports whether a word is what a process substitution leaves.
func (w *walker) isProcess(x word.Word) bool {
	for _, p := range x.Shape {
		if p.Hole == word.Subst && (strings.HasPrefix(p.Src, "<(") || strings.HasPrefix(p.Src, ">(")) {
			return true
		}
	}
	return false
}

// scriptFile walks the script that a shell is given by name.
func (w *walker) scriptFile(sub *state, l launch, i int, a shellArgs) {
	name := a.rest[0]
	if name.Is("/dev/stdin") || name.Is("/proc/self/fd/0") {
		in := w.standardInput(sub, l)
		a.stdin, a.rest = true, a.rest[1:]
		w.shellInput(sub, l, i, "sh", a, in)
		return
	}
	if in, ok := descriptor(sub, l.redirs, name); ok {
		a.stdin, a.rest = true, a.rest[1:]
		w.shellInput(sub, l, i, "sh", a, in)
		return
	}
	if text, ok := w.processText(name); ok {
		w.line.Actions[i].Wrapper = true
		w.runScript(sub, l, "script "+name.Src, text, name, a)
		return
	}
	if w.isProcess(name) {
		w.unseen("a shell runs "+name.Src, w.sources(name), &l.at)
		return
	}
	if _, made, _ := w.made(sub, name); !made && w.eachDir(sub, name, func(s *state) { w.scriptFile(s, l, i, a) }) {
		return
	}
	text, ok := w.readFile(sub, name)
	if !ok {
		w.unread("a shell runs "+name.Src, &l.at)
		w.beneath(sub, l, a.base, nil, func() result {
			sub.fresh()
			w.startup(sub, l, a.base, a)
			return both(sub)
		})
	}
	if !ok || !textual(text) {
		return
	}
	w.line.Actions[i].Wrapper = true
	v, _ := name.Value()
	w.runScript(sub, l, "script "+v, text, name, a)
}

func (w *walker) runScript(sub *state, l launch, via, text string, arg0 word.Word, a shellArgs) {
	if !w.enter(via, &l.at) {
		return
	}
	w.beneath(sub, l, via, nil, func() result {
		sub.fresh()
		sub.arg0 = arg0
		sub.ctx.arg0, _ = arg0.Value()
		if len(a.rest) > 0 {
			sub.params = a.rest[1:]
		}
		w.startup(sub, l, a.base, a)
		w.options(sub, a.opts, false)
		return w.inline(sub, text, l.at)
	})
	w.calls = w.calls[:len(w.calls)-1]
}

// enter notes a script on the stack; one that starts itself is walked no
// further.
func (w *walker) enter(name string, at *position) bool {
	for _, c := range w.calls {
		if c.name == name && c.sub == -1 {
			if w.forking > c.forking+1 {
				w.note(ForkBomb, name, at)
			}
			return false
		}
	}
	w.calls = append(w.calls, &frame{name: name, sub: -1, forking: w.forking})
	return true
}

// fresh makes a state that of a new shell: what is not exported is gone.
func (st *state) fresh() {
	st.own()
	for name, v := range st.vars {
		if !v.exported && v.state != VarUnset {
			if v.state == VarUnknown && (st.lost || st.ctx.env == envUnknown) {
				continue
			}
			st.vars[name] = variable{state: VarUnset}
		}
	}
	if st.ctx.env == envShell {
		st.ctx.env = envExported
	}
	st.ctx.shell = false
	funcs := map[string]*function{}
	for name, f := range st.funcs {
		if f != nil && f.exported && st.ctx.env == envExported {
			g := *f
			g.maybe = true // another shell than bash does not take it
			funcs[name] = &g
		}
	}
	st.funcs, st.aliases, st.opts, st.dirs = funcs, nil, nil, nil
	st.params, st.more = nil, false
	st.atExit, st.at, st.getopt = nil, nil, getoptAt{}
	st.arg0, st.last = word.Hidden("$0", word.Var), word.Word{}
}

// readFile reads a file that a word names.
func (w *walker) readFile(st *state, name word.Word) (string, bool) {
	if text, ok := w.processText(name); ok {
		return text, true
	}
	made, written, whole, sure := w.maybeMade(st, name)
	if written && sure {
		return made, whole // not what is there now
	}
	switch st.ctx.place.Kind {
	case Remote, Container, Chroot:
		return made, written && whole
	}
	v, ok := name.Value()
	p, abs := absolute(st.cwd, v)
	if written {
		// What the line may write, behind what is there now.
		if b, err := st.ctx.files.ReadFile(p, int64(w.lim.Bytes)+1); ok && abs && err == nil {
			made = string(b) + "\n" + made
		}
		return made, whole
	}
	if !ok || v == "" || !abs {
		return "", false
	}
	b, err := st.ctx.files.ReadFile(p, int64(w.lim.Bytes)+1)
	if err == nil && len(b) > w.lim.Bytes && bytes.Contains(b, []byte("<<")) {
		b, err = st.ctx.files.ReadFile(p, MaxText) // here-documents are set aside
	}
	if err != nil {
		w.denied = errors.Is(err, fs.ErrPermission)
		return "", false
	}
	return string(b), true
}

// unread notes a script that is there and cannot be read. One that is not
// there, or of which nothing is known, is judged by what it starts when it
// runs.
func (w *walker) unread(what string, at *position) {
	if w.denied {
		w.denied = false
		w.unseen(what+", which cannot be read", nil, at)
	}
}

// textual reports whether bash would take a file for a script.
func textual(s string) bool {
	head := s[:min(len(s), 128)]
	line, _, _ := strings.Cut(head, "\n")
	return strings.IndexByte(line, 0) < 0 && !strings.HasPrefix(s, "\x7fELF")
}

// systemDir reports whether a directory holds programs that are not read to see
// whether they are scripts: what they do is known by their names.
func systemDir(dir string) bool {
	switch dir {
	case "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/games":
		return true
	}
	return false
}

// eachDir does something for each directory that the shell may be in, where a
// name depends on it; it reports whether it did.
func (w *walker) eachDir(st *state, name word.Word, f func(*state)) bool {
	v, ok := name.Value()
	if !ok || strings.HasPrefix(v, "/") || st.cwd.Know != word.OneOf || len(st.cwd.Values) > 8 {
		return false
	}
	for _, d := range st.cwd.Values {
		s := st.clone()
		s.cwd = word.Word{Src: st.cwd.Src, Know: word.Known, Values: []string{d}, Origin: st.cwd.Origin}
		s.certain = Possible
		f(s)
	}
	return true
}

// script walks a program that is itself a shell script.
func (w *walker) script(st *state, l launch, i int, name, file string) {
	if path.IsAbs(file) && systemDir(path.Dir(file)) {
		return
	}
	made, written, whole, sure := w.maybeMade(st, word.Lit(file))
	if !written && w.eachDir(st, word.Lit(file), func(s *state) { w.script(s, l, i, name, file) }) {
		return
	}
	p, ok := absolute(st.cwd, file)
	if !ok && written {
		p, ok = file, true
	}
	if !ok || systemDir(path.Dir(p)) {
		return
	}
	head := []byte(made)
	if !written || !sure {
		now, err := st.ctx.files.ReadFile(p, 256)
		switch {
		case err == nil:
			head = now
		case !written || !whole:
			return
		}
	} else if !whole {
		return
	}
	if !textual(string(head)) {
		return
	}
	if lang := scriptLanguage(string(head)); lang != nil {
		if text, ok := w.readFile(st, word.Lit(p)); ok {
			w.look(st, l, i, lang, "script "+name, text, l.argv[1:], nil, false)
		}
		return
	}
	a := shellArgs{rest: l.argv}
	if line, _, _ := strings.Cut(string(head), "\n"); strings.HasPrefix(line, "#!") {
		f := strings.Fields(line[2:])
		if len(f) > 0 && path.Base(f[0]) == "env" {
			f = f[1:]
			for len(f) > 0 && (strings.HasPrefix(f[0], "-") || strings.Contains(f[0], "=")) {
				f = f[1:]
			}
		}
		if len(f) == 0 || !isShell(path.Base(f[0])) {
			return
		}
		a.opts, a.base = readShell(word.Lits(f[1:]...)).opts, path.Base(f[0])
	}
	text, ok := w.readFile(st, word.Lit(p))
	if !ok {
		return
	}
	w.line.Actions[i].Wrapper = true
	sub := st.clone()
	w.runScript(sub, l, "script "+name, text, l.argv[0], a)
}

// dot walks a sourced file in the same shell.
func (w *walker) dot(st *state, l launch, i int) result {
	args := operands(l.argv)
	if len(args) == 0 {
		return failure(st)
	}
	name := args[0]
	text, ok := w.processText(name)
	if !ok && w.isProcess(name) {
		w.unseen("source "+name.Src, w.sources(name), &l.at)
		w.lose(st)
		return both(st)
	}
	if !ok && (name.Is("/dev/stdin") || name.Is("/proc/self/fd/0")) {
		in := w.standardInput(st, l)
		if text, ok = in.text, in.known; !ok && in.Kind == InputPipe {
			w.unseen("source reads what another command writes", in.From, &l.at)
			return both(st)
		}
	}
	if in, open := descriptor(st, l.redirs, name); !ok && open {
		text, ok = w.inputText(st, in)
	}
	if !ok {
		file := name
		if v, known := name.Value(); known && !strings.Contains(v, "/") {
			p := ""
			if v := w.lookup(st, "PATH"); v.state == VarSet {
				p, _ = v.val.Value()
			}
			if found, err := st.ctx.files.LookPath(v, p); err == nil {
				file = word.Lit(found)
			}
		}
		text, ok = w.readFile(st, file)
		if v, known := file.Value(); known && !ok && v != "" {
			if p, abs := absolute(st.cwd, v); abs && st.ctx.place.Kind == Here && !w.denied && w.missing(st, p) {
				return failure(st) // it is not there, and nothing of it runs
			}
		}
	}
	if !ok {
		w.unread("source "+name.Src, &l.at)
	}
	if !ok || !textual(text) {
		w.lose(st)
		return both(st)
	}
	via := "source " + name.Src
	if v, known := name.Value(); known {
		via = "source " + v
	}
	for _, c := range w.calls {
		if c.name == via {
			return both(st)
		}
	}
	fr := &frame{name: via, sub: w.sub, forking: w.forking, doubts: w.doubts(st), source: true}
	w.calls = append(w.calls, fr)
	params, more, certain, ctx := st.params, st.more, st.certain, st.ctx
	if len(args) > 1 {
		st.params, st.more = args[1:], false
	}
	r := w.inContext(st, func(c *context) {
		c.via = with(c.via, via)
		c.arg0, _ = name.Value()
		if l.in != nil {
			c.stdin = *l.in
		}
	}, func() result { return w.inline(st, text, l.at) })
	w.calls = w.calls[:len(w.calls)-1]
	r.ok, r.fail = w.join(r.ok, fr.ok), w.join(r.fail, fr.fail)
	r.each(func(s *state) {
		s.ctx, s.certain = ctx, certain
		if len(args) > 1 {
			s.params, s.more = params, more
		}
	})
	return r
}

// lose makes everything unknown that code which cannot be seen may have
// changed in this shell.
func (w *walker) lose(st *state) {
	st.own()
	st.vars, st.last = nil, word.Word{}
	for name, f := range st.funcs {
		if f != nil && !f.maybe {
			g := *f
			g.maybe = true
			st.funcs[name] = &g
		}
	}
	st.lost = true
}

// The marks around the number of a hole in text that is read as code. They
// stand in no line: bash itself drops such bytes from nowhere.
const (
	holeOpen  = '\x01'
	holeClose = '\x02'
)
