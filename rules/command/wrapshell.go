package command

import (
	"slices"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

var (
	suOptions      = grammar{text: "-c --command --session-command =code\n-f --fast\n-g --group =group\n-G --supp-group =group\n-l --login : login\n-m -p --preserve-environment : keep\n-P --pty\n-s --shell =shell\n-w --whitelist-environment =list\n-u --user =user\n-h --help : ask\n-V --version : ask"}
	runuserOptions = grammar{style: posix, text: "-u --user =user\n-g --group =group\n-G --supp-group =group\n-c --command --session-command =code\n-f --fast\n-l --login : login\n-m -p --preserve-environment : keep\n-P --pty\n-s --shell =shell\n-w --whitelist-environment =list\n-h --help : ask\n-V --version : ask"}
	flockOptions   = grammar{style: posix, text: "-s --shared\n-x -e --exclusive\n-u --unlock\n-n --nb --nonblock\n-w --wait --timeout =s\n-E --conflict-exit-code =n\n-o --close\n-F --no-fork\n--fcntl\n--verbose\n-c --command =code\n-h --help : ask\n-V --version : ask"}
	scriptOptions  = grammar{text: "-a --append\n-c --command =code\n-e --return\n-E --echo =when\n-f --flush\n--force\n-I --log-in =file\n-O --log-out =file\n-B --log-io =file\n-m --logging-format =f\n-o --output-limit =n\n-q --quiet\n-t --timing [=file]\n-T --log-timing =file\n-h --help : ask\n-V --version : ask"}
	atOptions      = grammar{style: option.Style{Exact: true}, text: "-q =queue\n-f =file\n-m\n-M\n-u =user\n-k\n-l : ask\n-r : ask\n-d : ask\n-b\n-v\n-V : ask\n-c : ask\n-t =time"}
	ipOptions      = grammar{style: option.Style{Posix: true, LongDash: true}, text: "-V -Version : ask\n-h -human\n-b -batch =file\n-force\n-s -stats -statistics\n-d -details\n-l -loops =n\n-f -family =f\n-4\n-6\n-B\n-M\n-0\n-o -oneline\n-r -resolve\n-n -netns =ns\n-N -Numeric\n-a -all\n-c -color\n-t -timestamp\n-ts -tshort\n-rc -rcvbuf =n\n-iec\n-br -brief\n-j -json\n-p -pretty\n-echo"}
)

// su starts a shell as another user, or with -u (runuser) a command.
func (w *walker) su(st *state, l launch, base string) result {
	g := &suOptions
	if base == "runuser" {
		for _, x := range l.argv[1:] {
			if p := x.Prefix(); strings.HasPrefix(p, "-u") || strings.HasPrefix(p, "--user") {
				g = &runuserOptions
			}
		}
	}
	a := g.Read(l.argv[1:])
	ops := a.Operands
	login := a.Has("login")
	if len(ops) > 0 && ops[0].Is("-") {
		login = true
		ops = ops[1:]
	}
	user := last(a.Values["user"])
	code := last(a.Values["code"])
	runs := code.Know != 0 || user.Know != 0 && len(ops) > 0
	if user.Know == 0 && len(ops) > 0 {
		user, ops = ops[0], ops[1:]
		if code.Know == 0 && len(ops) > 0 {
			// What stands behind the user is the shell's: su www -- -c CODE.
			shell := last(a.Values["shell"])
			if shell.Know == 0 {
				shell = word.Lit("sh")
			}
			ops, runs = append([]word.Word{shell}, ops...), true
		}
	}
	in := w.standardInput(st, l)
	// Without code its shell reads standard input.
	if !runs && in.Kind != InputShell && in.Kind != InputClosed {
		i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: in.known}, l.at)
		if i >= 0 {
			sub := st.clone()
			sub.ctx = w.changed(sub, func(c *context) {
				c.become(user, "root")
				newEnv(sub, c)
				if login {
					sub.cwd = c.home()
				}
			})
			w.shellInput(sub, l, i, base, shellArgs{}, in)
		}
		return both(st)
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs && !a.Has("ask"),
		Opens: !runs && !a.Has("ask") && in.Kind == InputShell}, l.at)
	if !runs || a.Has("ask") {
		return both(st)
	}
	change := func(s *state, c *context) {
		c.become(user, "root")
		if !a.Has("keep") {
			newEnv(s, c)
		}
		if login {
			s.cwd = c.home()
		}
	}
	if code.Know != 0 {
		w.shellCode(st, l, base, code, change)
		return both(st)
	}
	w.under(st, l, base, ops, change)
	return both(st)
}

func (w *walker) changed(s *state, f func(*context)) *context {
	c := *s.ctx
	f(&c)
	return &c
}

// sg GROUP [-c] CODE
func (w *walker) sg(st *state, l launch, base string) result {
	ops := l.argv[1:]
	if len(ops) > 0 && ops[0].Is("-") {
		ops = ops[1:]
	}
	if len(ops) > 0 {
		ops = ops[1:]
	}
	if len(ops) > 0 && ops[0].Is("-c") {
		ops = ops[1:]
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(ops) > 0}, l.at)
	if len(ops) > 0 {
		w.shellCode(st, l, base, ops[0], nil)
	}
	return both(st)
}

// flock FILE COMMAND, flock FILE -c CODE, flock -c CODE FILE, flock FD.
func (w *walker) flock(st *state, l launch, base string) result {
	a := flockOptions.Read(l.argv[1:])
	ops := a.Operands
	code := last(a.Values["code"])
	if len(ops) > 0 {
		ops = ops[1:]
	}
	if code.Know == 0 && len(ops) > 1 && (ops[0].Is("-c") || ops[0].Is("--command")) {
		code = ops[1]
	}
	runs := (len(ops) > 0 || code.Know != 0) && !a.Has("ask")
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs}, l.at)
	switch {
	case !runs:
	case code.Know != 0:
		w.shellCode(st, l, base, code, nil)
	default:
		w.under(st, l, base, ops, nil)
	}
	return both(st)
}

// ip netns exec NAME COMMAND; all else of ip starts nothing.
func (w *walker) ip(st *state, l launch, base string) result {
	a := ipOptions.Read(l.argv[1:])
	ops := a.Operands
	runs := len(ops) > 3 && abbreviates(ops[0], "netns", 4) && abbreviates(ops[1], "exec", 1)
	if len(ops) > 2 && a.Attrs != nil && abbreviates(ops[0], "vrf", 2) && abbreviates(ops[1], "exec", 1) {
		runs = len(ops) > 3
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs}, l.at)
	if batch := last(a.Values["file"]); batch.Know != 0 {
		text, ok := "", false
		if batch.Is("-") {
			text, ok = w.inputText(st, w.standardInput(st, l))
		} else if text, ok = w.processText(batch); !ok {
			text, ok = w.readFile(st, batch)
		}
		for _, line := range strings.Split(text, "\n") {
			if f := strings.Fields(line); ok && len(f) > 0 && f[0][0] != '#' {
				w.under(st, l, "ip -batch", append(word.Lits("ip"), word.Lits(f...)...), nil)
			}
		}
	}
	if runs {
		w.under(st, l, "ip netns exec", ops[3:], func(s *state, c *context) {
			if c.place.Kind == Here {
				c.place = Place{Kind: Namespace, Names: ops[2:3]}
			}
		})
	}
	return both(st)
}

// abbreviates reports whether a word is a subcommand, shortened to no less
// than n letters.
func abbreviates(x word.Word, full string, n int) bool {
	s, ok := x.Value()
	return ok && len(s) >= n && strings.HasPrefix(full, s)
}

// scriptTool is script(1): the recorder of terminals.
func (w *walker) scriptTool(st *state, l launch, base string) result {
	a := scriptOptions.Read(l.argv[1:])
	code := last(a.Values["code"])
	if i := slices.IndexFunc(l.argv, func(x word.Word) bool { return x.Is("--") }); i >= 0 && code.Know == 0 && i+1 < len(l.argv) {
		code = w.joined(l.argv[i+1:])
	}
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: code.Know != 0}, l.at)
	in := w.standardInput(st, l)
	switch {
	case i < 0 || a.Has("ask"):
	case code.Know != 0:
		w.shellCode(st, l, base, code, nil)
	case in.Kind != InputShell:
		w.shellInput(st.clone(), l, i, base, shellArgs{}, in) // it hands it on to a shell
	}
	return both(st)
}

// atJob is at and batch: their input is run later.
func (w *walker) atJob(st *state, l launch, base string) result {
	a := atOptions.Read(l.argv[1:])
	in := w.standardInput(st, l)
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if a.Has("ask") || i < 0 {
		return both(st)
	}
	if f := last(a.Values["file"]); f.Know != 0 && !f.Is("/dev/stdin") && !f.Is("-") {
		in = input{Input: Input{Kind: InputFile, Word: f}}
	}
	sub := st.clone()
	c := *sub.ctx
	c.async, c.top = true, false
	sub.ctx = &c
	w.shellInput(sub, l, i, base, shellArgs{}, in)
	return both(st)
}

// argsTool is gdb --args PROGRAM …: a debugger that is given a program with
// its arguments.
func (w *walker) argsTool(st *state, l launch, base string) result {
	var ops []word.Word
	for i, x := range l.argv[1:] {
		if x.Is("--args") || base == "lldb" && x.Is("--") {
			ops = l.argv[i+2:]
			break
		}
	}
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(ops) > 0}, l.at)
	own := l
	own.argv = l.argv[:len(l.argv)-len(ops)]
	w.tells(st, own, i, base)
	w.under(st, l, base, ops, possibly)
	return both(st)
}

// capsh OPTIONS -- SHELL-ARGUMENTS starts bash with what stands behind.
func (w *walker) capsh(st *state, l launch, base string) result {
	var ops []word.Word
	user, root := word.Word{}, word.Word{}
	for i, x := range l.argv[1:] {
		if x.Is("--") || x.Is("==") {
			ops = append(word.Lits("bash"), l.argv[i+2:]...)
			break
		}
		if k, v, ok := cutWord(x, "="); ok && k == "--user" {
			user = v
		} else if ok && k == "--chroot" {
			root = v
		}
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(ops) > 1}, l.at)
	w.under(st, l, base, ops, func(s *state, c *context) {
		if user.Know != 0 {
			c.become(user, "")
		}
		if root.Know != 0 {
			chroot(s, c, root)
		}
	})
	return both(st)
}

var machineOptions = grammar{style: exact, text: "--uid =user\n-E --setenv =v\n-M --machine =name\n-H --host =name\n-q --quiet\n-l --full\n-n =n\n-o =o\n-p =p\n--kill-whom =w\n-s =sig\n--no-pager\n--no-legend\n--no-ask-password"}

// machinectl shell [USER@]NAME PROGRAM …; .host is this machine.
func (w *walker) machinectl(st *state, l launch, base string) result {
	a := machineOptions.Read(l.argv[1:])
	r := remoteRun{kind: Container, argv: true, ask: true}
	if len(a.Operands) > 0 && a.Operands[0].Is("shell") {
		b := machineOptions.Read(a.Operands[1:])
		_, host, named := cutWord(firstOf(b.Operands), "@")
		if !named {
			host = firstOf(b.Operands)
		}
		if in := w.standardInput(st, l); len(b.Operands) <= 1 && (host.Know == 0 || host.Is(".host") || host.Is("")) {
			w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Opens: in.Kind == InputShell}, l.at)
			return both(st)
		}
		if len(b.Operands) > 1 {
			host := b.Operands[0]
			r.user = last(append(a.Values["user"], b.Values["user"]...))
			if u, h, ok := cutWord(host, "@"); ok {
				host, r.user = h, word.Lit(u)
			}
			r.local = host.Is(".host") || host.Is("")
			if r.user.Know == 0 {
				r.user = word.Lit("root")
			}
			r.hosts, r.ops, r.ask = []word.Word{host}, b.Operands[1:], false
		}
	}
	return w.remoteCode(st, l, base, r)
}
