package command

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// ownWrapper is what reads a program whose own work is to start another and whose
// shape is its own; the others are in the table.
func ownWrapper(base string) func(*walker, *state, launch, string) result {
	switch base {
	case "su", "runuser":
		return (*walker).su
	case "flock":
		return (*walker).flock
	case "ip":
		return (*walker).ip
	case "find":
		return (*walker).find
	case "xargs":
		return (*walker).xargs
	case "parallel", "sem":
		return (*walker).parallel
	case "ssh", "autossh":
		return (*walker).ssh
	case "dsh", "pdsh", "clush", "mussh", "cssh", "clusterssh", "csshX", "pssh", "parallel-ssh":
		return (*walker).manyHosts
	case "ansible":
		return (*walker).ansible
	case "salt", "salt-ssh", "salt-call":
		return (*walker).salt
	case "aws":
		return (*walker).aws
	case "fab", "inv", "invoke":
		return (*walker).fab
	case "az":
		return (*walker).az
	case "script":
		return (*walker).scriptTool
	case "at", "batch":
		return (*walker).atJob
	case "tmux", "byobu":
		return (*walker).tmux
	case "screen":
		return (*walker).screen
	case "sg":
		return (*walker).sg
	case "gdb", "lldb":
		return (*walker).argsTool
	case "capsh":
		return (*walker).capsh
	case "machinectl":
		return (*walker).machinectl
	case "virsh":
		return (*walker).virsh
	case "crontab":
		return (*walker).crontab
	case "make", "gmake":
		return (*walker).makeTool
	}
	return nil
}

// wrapperOf is what reads a program whose own work is to start another; nil
// where it is none.
func wrapperOf(base string) func(*walker, *state, launch, string) result {
	if f := ownWrapper(base); f != nil {
		return f
	}
	wr := wrapperNamed(base)
	if wr == nil && isLoader(base) {
		wr = wrapperNamed("ld.so")
	}
	if wr == nil {
		return nil
	}
	return func(w *walker, st *state, l launch, base string) result { return w.wrap(st, l, base, wr) }
}

// isLoader reports whether a name is that of the dynamic loader, which starts
// the program that it is given.
func isLoader(base string) bool {
	return strings.Contains(base, ".so") && (strings.HasPrefix(base, "ld-linux") || strings.HasPrefix(base, "ld-musl") || strings.HasPrefix(base, "ld64.so") || strings.HasPrefix(base, "ld.so"))
}

// command is a wrapper's command line, read: what stands before the command,
// and the command.
type command struct {
	option.Args
	wr      *wrapper
	key     string      // the program and its subcommands
	rest    []word.Word // operands before the command
	ops     []word.Word // the command
	assigns []Assign
	none    bool // a subcommand that starts nothing
	dashed  bool // the command stands behind --
}

// readWrapper reads a command line down to the command.
func readWrapper(base string, wr *wrapper, argv []word.Word) command {
	c := command{key: base, wr: wr}
	c.read(argv)
	for c.wr.sub {
		ops := c.ops
		if len(ops) == 0 || c.Has("ask") {
			c.none = true
			return c
		}
		v, _ := ops[0].Value()
		next := wrapperNamed(c.key + " " + v)
		if next == nil {
			c.none = true
			return c
		}
		c.key += " " + v
		if next.as != "" {
			to := next.as
			if next = wrapperNamed(to); next.sub {
				c.key = to // its subcommands are that one's
			}
		}
		c.wr = next
		c.read(ops[1:])
	}
	if s := last(c.Values["split"]); s.Know != 0 {
		if v, ok := s.Value(); ok {
			c.ops = append(word.Lits(fieldsOf(v)...), c.ops...)
		} else {
			c.ops = append([]word.Word{s}, c.ops...)
		}
	}
	if c.wr.env {
		c.environment(base)
	}
	c.skipped(argv)
	return c
}

// read reads options, in addition to those of an outer command.
func (c *command) read(argv []word.Word) {
	var behind []word.Word
	if len(c.wr.cuts) > 0 {
		if i := slices.IndexFunc(argv, c.wr.isCut); i >= 0 {
			argv, behind, c.dashed = argv[:i], argv[i+1:], true
		}
	}
	outer := c.Args
	c.Args = c.wr.grammar.Read(argv)
	for k, v := range outer.Attrs {
		c.Attrs[k] = c.Attrs[k] || v
	}
	for k, v := range outer.Values {
		c.Values[k] = append(v, c.Values[k]...)
	}
	c.rest, c.ops = nil, c.Operands
	if c.dashed {
		c.rest, c.ops = c.Operands, behind
	}
}

// environment takes name=value operands off the command.
func (c *command) environment(base string) {
	for len(c.ops) > 0 {
		name, val, ok := cutWord(c.ops[0], "=")
		if !ok || name == "" || strings.HasPrefix(name, "/") {
			if base == "env" && c.ops[0].Is("-") {
				c.Attrs["clear"] = true
				c.ops = c.ops[1:]
				continue
			}
			return
		}
		c.assigns = append(c.assigns, Assign{Name: name, Value: val})
		ops := c.ops[1:]
		c.ops = ops
		if base == "sudo" && len(ops) > 0 && strings.HasPrefix(ops[0].Prefix(), "-") {
			c.read(ops) // sudo takes options behind assignments too
		}
	}
}

// skipped takes the operands off that stand before the command.
func (c *command) skipped(argv []word.Word) {
	skip := c.wr.skip
	switch {
	case c.wr.unlessOptions && len(argv) > 0 && strings.HasPrefix(argv[0].Prefix(), "-"):
		skip = 0 // setarch: the architecture can be left out
	case c.wr.nameFirst && len(c.Values["hosts"]) == 0:
		skip = 1
	case c.Has("latest"):
		skip = 0
	}
	if !c.dashed {
		c.rest = c.ops[:min(skip, len(c.ops))]
		c.ops = c.ops[len(c.rest):]
		if len(c.wr.cuts) > 0 && skip == 0 && !c.wr.lastCode {
			c.rest, c.ops = c.ops, nil // all of it is for the program itself
		}
	}
	if c.wr.again {
		ops, rest := c.ops, c.rest
		c.read(ops)
		c.rest = rest
	}
	if p := last(c.Values["prog"]); p.Know != 0 {
		c.ops = append([]word.Word{p}, c.ops...)
	}
}

// codes are the texts that a shell runs.
func (c *command) codes(w *walker) []word.Word {
	out := slices.Clone(c.Values["code"])
	switch {
	case len(out) > 0 && !c.wr.each || c.wr.codeOnly:
	case c.wr.each:
		out = append(out, c.ops...)
	case len(c.ops) == 0:
	case c.wr.joined && !c.Has("exec") || c.Has("joined"):
		out = append(out, w.joined(c.ops))
	case c.wr.lastCode && !c.dashed:
		out = append(out, last(c.ops))
	}
	return out
}

// wrap starts a wrapper of the table and the command behind it.
func (w *walker) wrap(st *state, l launch, base string, wr *wrapper) result {
	c := readWrapper(base, wr, l.argv[1:])
	wr = c.wr
	if c.none || wr.needs != "" && len(c.Values[wr.needs]) == 0 {
		w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
		w.carries(st, l, base)
		return both(st)
	}
	codes := c.codes(w)
	if wr.codeOnly || len(codes) > 0 {
		c.rest, c.ops = append(c.rest, c.ops...), nil
	}
	if wr.place != Here {
		return w.elsewhere(st, l, &c, codes)
	}
	blurred := blurs(l.argv, c.ops)
	runs := (len(c.ops) > 0 || len(codes) > 0) && !c.Has("ask")
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs}, l.at)
	if !runs {
		w.carries(st, l, base)
		return w.inputShell(st, l, i, &c)
	}
	change := func(s *state, x *context) {
		if blurred {
			s.certain = Possible
		}
		x.async = x.async || wr.async || c.Has("background")
		if d := last(c.Values["dir"]); d.Know != 0 {
			s.cwd = w.arrive(s.cwd, d)
		}
		if wr.change != nil {
			wr.change(w, c.Args, c.rest, s, x)
		}
		for _, as := range c.assigns {
			s.set(as.Name, variable{state: VarSet, val: as.Value, exported: true})
		}
	}
	if wr.edits || c.Has("edit") {
		w.edited(st, l, c.key, c.ops, change)
		return both(st)
	}
	if name, _ := firstOf(c.ops).Value(); base == "sudo" && path.Base(name) == "sudoedit" {
		w.edited(st, l, c.key, c.ops[1:], change) // sudo does it itself
		return both(st)
	}
	for _, code := range codes {
		w.shellCode(st, l, c.key, code, change)
	}
	w.under(st, l, c.key, c.ops, change)
	return both(st)
}

// edited is sudo -e and sudoedit, which start no program as the other user:
// they write the files as that user themselves. They are one action of the name
// sudoedit, with nothing left of the options.
func (w *walker) edited(st *state, l launch, via string, files []word.Word, change func(*state, *context)) {
	sub := st.clone()
	w.beneath(sub, l, via, change, func() result {
		w.emit(sub, Action{Argv: append(word.Lits("sudoedit", "--"), files...)}, l.at)
		return both(sub)
	})
}

// elsewhere walks what a wrapper of the table starts on another host or in a
// container.
func (w *walker) elsewhere(st *state, l launch, c *command, codes []word.Word) result {
	r := remoteRun{kind: c.wr.place, hosts: append(c.Values["hosts"], c.rest...), user: last(c.Values["user"]), ops: c.ops, argv: true, dir: last(c.Values["dir"]),
		input: c.wr.stdin, async: c.wr.async || c.Has("background"), ask: c.Has("ask"), binds: w.binds(st, c.Args, volumeStore(c.key))}
	if c.wr.nameFirst && len(c.Values["hosts"]) > 0 {
		r.hosts = c.Values["hosts"][len(c.Values["hosts"])-1:]
	} else if c.wr.skip > 0 && len(c.rest) > 0 {
		r.hosts = c.rest[:1]
	} else if named := c.Values["hosts"]; c.wr.place == Remote && len(named) > 0 {
		// fab -H h1,h2 -- reboot: an option names them, and what is left is the command's.
		r.hosts = nil
		for _, h := range named {
			v, ok := h.Value()
			if !ok {
				r.hosts = append(r.hosts, h)
				continue
			}
			for _, name := range w.hostList(v) {
				r.hosts = append(r.hosts, word.Word{Src: h.Src, Know: word.Known, Values: []string{name}, Origin: h.Origin})
			}
		}
	}
	if node, ok := strings.CutPrefix(firstOf(c.rest).Prefix(), "node/"); ok && strings.HasSuffix(c.key, " debug") {
		// kubectl debug node/x shows the node's root below /host.
		r.binds = append(r.binds, bind{inside: "/host", outside: "/", alone: true})
		r.bound = Place{Kind: Remote, Names: word.Lits(node)}
	}
	r.fresh = c.wr.fresh && c.alone()
	r.host = slices.ContainsFunc(c.Values["pid"], func(x word.Word) bool { return x.Is("host") })
	if len(codes) > 0 {
		r.ops, r.argv = codes[len(codes)-1:], false
	}
	for i, h := range r.hosts {
		if u, name, ok := cutWord(h, "@"); ok && c.wr.place == Remote {
			r.hosts[i], r.user = name, word.Lit(u)
		}
	}
	if len(r.hosts) == 0 {
		r.hosts = []word.Word{word.Hidden(c.key, word.Subst)}
	}
	return w.remoteCode(st, l, c.key, r)
}

// alone reports whether a container that is made for the command has nothing
// that is held elsewhere: no directory, volume, device or name space of this
// machine or of another container. What a compose file gives it is not known.
func (c *command) alone() bool {
	for _, given := range [...]string{"volume", "mount", "device", "given", "pid"} {
		if len(c.Values[given]) > 0 {
			return false
		}
	}
	shared := func(w word.Word) bool {
		v, ok := w.Value()
		return !ok || v == "host" || strings.Contains(v, ":")
	}
	return !c.Has("privileged") && !strings.Contains(c.key, "compose") && !slices.ContainsFunc(c.Values["net"], shared)
}

// blurs reports whether what a program prints stands before a wrapper's command:
// it may be any number of words, so that the command may begin elsewhere.
func blurs(argv, command []word.Word) bool {
	before := argv[:max(0, len(argv)-len(command))]
	return slices.ContainsFunc(before, func(x word.Word) bool {
		return x.Many && slices.ContainsFunc(x.Shape, func(p word.Part) bool { return p.Hole == word.Subst })
	})
}

// inputShell is a wrapper without a command that starts a shell instead, which
// reads the wrapper's own input: sudo -i, chroot DIR, unshare.
func (w *walker) inputShell(st *state, l launch, i int, c *command) result {
	starts := c.Has("login") || c.Has("shell") || c.wr.shell && len(c.rest) >= c.wr.skip
	in := w.standardInput(st, l)
	if !starts || c.Has("ask") || i < 0 || in.Kind == InputClosed {
		return both(st)
	}
	if in.Kind == InputShell {
		w.line.Actions[i].Opens = true
		return both(st)
	}
	w.under(st, l, c.key, word.Lits("sh"), func(s *state, x *context) {
		if c.wr.change != nil {
			c.wr.change(w, c.Args, c.rest, s, x)
		}
	})
	return both(st)
}

func firstOf(ws []word.Word) word.Word { return last(ws[:min(1, len(ws))]) }

func last(ws []word.Word) word.Word {
	if len(ws) == 0 {
		return word.Word{}
	}
	return ws[len(ws)-1]
}

// fieldsOf splits env -S's argument: blanks, quotes and backslashes.
func fieldsOf(s string) []string {
	var out []string
	var b strings.Builder
	has := false
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != '\'' && c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
			has = true
		case quote != 0:
			b.WriteByte(c)
		case c == '\'' || c == '"':
			quote, has = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if has {
				out = append(out, b.String())
			}
			b.Reset()
			has = false
		default:
			b.WriteByte(c)
			has = true
		}
	}
	if has {
		out = append(out, b.String())
	}
	return out
}

// codeReader is what looks through the code that a program is given in a language
// of its own for what that starts; i is the program's action.
func codeReader(base string) func(w *walker, st *state, l launch, i int, base string) {
	switch base {
	case "pwsh", "powershell":
		return (*walker).powershellCode
	case "puppet", "chef-apply":
		return (*walker).configured
	case "m4", "gm4":
		return (*walker).m4Code
	case "sed", "gsed":
		return (*walker).sedRuns
	}
	if _, ok := lispDialectOf(base); ok {
		return (*walker).lispCode
	}
	return nil
}

// Carries reports whether a program of that base name may be given another
// command or code to run: a wrapper, a shell, an interpreter, an editor, a
// prompt with a way to the shell.
func Carries(base string) bool {
	return Interprets(base) || wrapperOf(base) != nil || carriers()[base] != nil || codeReader(base) != nil || tellers()[base].starts()
}

// Interprets reports whether a program of that base name runs code: a shell,
// an interpreter.
func Interprets(base string) bool { return isShell(base) || languageOf(base) != nil }
