package command

import (
	"slices"
	"strings"
	"sync"

	"guardsh/rules/word"
)

// carried is what a program whose own work is another starts beside it.
type carried struct {
	codes []word.Word   // run by a shell
	argvs [][]word.Word // started as they are
	told  []toldCode    // run by an interpreter of its own
	far   []word.Word   // run by a shell on another host
	host  word.Word     // that host
}

// toldCode is code of another language.
type toldCode struct{ lang, text string }

// carriers are programs that can be told to start something, each with where
// that stands among its arguments.
var carriers = sync.OnceValue(func() map[string]func(args []word.Word) carried {
	return map[string]func(args []word.Word) carried{
		"tar": tarCarries, "bsdtar": tarCarries, "gtar": tarCarries,
		"git": gitCarries, "rsync": rsyncCarries, "zip": optionCode("-TT=", "-TT", "--unzip-command"),
		"vi": editorCarries, "vim": editorCarries, "nvim": editorCarries, "view": editorCarries, "ex": editorCarries, "vimdiff": editorCarries, "gvim": editorCarries,
		"less": editorCarries, "more": editorCarries, "most": editorCarries,
		"split": optionCode("--filter"), "sort": optionCode("--compress-program"), "cpio": optionCode("--rsh-command"), "wget": optionCode("--use-askpass"),
		"dpkg": optionCode("--pre-invoke", "--post-invoke"), "pppd": behindWords("connect", "disconnect", "init", "pty"), "rpm": rpmCarries, "rpmbuild": rpmCarries, "rpmspec": rpmCarries, "tcpdump": tcpdumpCarries, "dc": dcCarries,
		"openvpn": optionCode("--up", "--down", "--route-up", "--route-pre-down", "--ipchange", "--tls-verify", "--client-connect", "--client-disconnect", "--learn-address", "--auth-user-pass-verify"),
		"apt":     aptCarries, "apt-get": aptCarries, "aptitude": aptCarries, "sshfs": sshfsCarries,
		"scp": sshCarries, "sftp": sshCarries, "man": optionCode("-P+", "--pager", "-H+", "--html"),
		"nc": optionCode("-e", "-c", "--exec", "--sh-exec"), "ncat": optionCode("-e", "-c", "--exec", "--sh-exec"), "netcat": optionCode("-e", "-c"),
		"socat": socatCarries,
		"fish":  optionCode("-c", "--command", "-C"), "csh": optionCode("-c"), "tcsh": optionCode("-c"),
		"xterm": behind("-e"), "uxterm": behind("-e"), "urxvt": behind("-e"), "rxvt": behind("-e"), "st": behind("-e"), "konsole": behind("-e"), "alacritty": behind("-e", "--command"),
		"kitty": behind("--"), "gnome-terminal": behind("--", "-x"), "xfce4-terminal": behind("-x"), "terminator": behind("-x"), "foot": behind("--"),
		"fd": fdCarries, "fdfind": fdCarries,
		"bpftrace": optionCode("-c"), "cmake": cmakeCarries,
	}
})

// carries walks what a program starts beside its own work.
func (w *walker) carries(st *state, l launch, base string) {
	f := carriers()[base]
	if f == nil {
		return
	}
	c := f(l.argv[1:])
	if base == "git" {
		c.argvs = append(c.argvs, w.gitAliases(l.argv[1:])...)
	}
	// Whether it comes to any of it is the program's own business.
	for _, code := range c.codes {
		if v, ok := code.Value(); ok && w.unreadable(v) {
			continue // no shell's
		}
		if _, ok := w.code(code); ok {
			w.shellCode(st, l, base, code, possibly)
		}
	}
	for _, code := range c.told {
		w.look(st, l, -1, languages()[code.lang], base, code.text, nil, nil, true)
	}
	for _, argv := range c.argvs {
		w.under(st, l, base, argv, possibly)
	}
	for _, code := range c.far {
		if _, ok := w.code(code); ok {
			w.shellCode(st, l, base, code, func(s *state, x *context) {
				possibly(s, x)
				remote(s, x, Remote, []word.Word{c.host})
			})
		}
	}
}

// cmakeCarries is cmake -E, which has some commands of its own that are those
// of the system by other names.
func cmakeCarries(args []word.Word) (c carried) {
	if len(args) < 3 || !args[0].Is("-E") {
		return c
	}
	verb, _ := args[1].Value()
	argv := map[string][]string{
		"rm": {"rm"}, "remove": {"rm", "-f"}, "remove_directory": {"rm", "-rf"}, "rename": {"mv", "-T"}, "copy": {"cp", "-R"}, "copy_directory": {"cp", "-RT"},
		"create_symlink": {"ln", "-sfn"}, "env": {"env"}, "time": {"env"}, "touch": {"touch"},
	}[verb]
	if argv != nil {
		c.argvs = [][]word.Word{append(word.Lits(argv...), args[2:]...)}
	}
	return c
}

// optionCode is code in the argument of an option, behind it or attached: to a
// long one by "=", to a short one whose name ends in "+" or "=" by nothing more.
func optionCode(names ...string) func([]word.Word) carried {
	return func(args []word.Word) (c carried) {
		for i, x := range args {
			v, ok := x.Value()
			if !ok {
				continue
			}
			if v == "--" {
				break
			}
			for _, n := range names {
				short := strings.TrimSuffix(n, "+")
				switch {
				case v == short && i+1 < len(args):
					c.codes = append(c.codes, args[i+1])
				case strings.HasPrefix(n, "--") && strings.HasPrefix(v, n+"="):
					c.codes = append(c.codes, word.Lit(v[len(n)+1:]))
				case (short != n || strings.HasSuffix(n, "=")) && strings.HasPrefix(v, short):
					c.codes = append(c.codes, word.Lit(v[len(short):]))
				}
			}
		}
		return c
	}
}

// behind is a command behind a mark: -e of terminals.
func behind(marks ...string) func([]word.Word) carried {
	return func(args []word.Word) (c carried) {
		for i, x := range args {
			if slices.ContainsFunc(marks, x.Is) && i+1 < len(args) {
				if len(args) == i+2 {
					c.codes = args[i+1:]
				} else {
					c.argvs = [][]word.Word{args[i+1:]}
				}
				break
			}
		}
		return c
	}
}

// behindWords is code behind words that are no options: pppd connect CODE.
func behindWords(names ...string) func([]word.Word) carried {
	return func(args []word.Word) (c carried) {
		for i, x := range args[:max(0, len(args)-1)] {
			if slices.ContainsFunc(names, x.Is) {
				c.codes = append(c.codes, args[i+1])
			}
		}
		return c
	}
}

// settings are the arguments of -o and the like, "Key=value" each.
func settings(args []word.Word, names ...string) (keys []string, values []word.Word) {
	for i, x := range args {
		for _, n := range names {
			set := word.Word{}
			switch p := x.Prefix(); {
			case x.Is(n) && i+1 < len(args):
				set = args[i+1]
			case strings.HasPrefix(n, "--") && strings.HasPrefix(p, n+"="):
				set = trimWord(x, len(n)+1)
			case !strings.HasPrefix(n, "--") && strings.HasPrefix(p, n) && len(p) > len(n):
				set = trimWord(x, len(n))
			}
			if key, val, ok := cutWord(set, "="); ok {
				keys, values = append(keys, strings.ToLower(strings.TrimRight(strings.TrimSpace(key), ":"))), append(values, val)
			}
		}
	}
	return keys, values
}

// aptCarries are the hooks of apt: -o DPkg::Pre-Invoke::=CODE.
func aptCarries(args []word.Word) (c carried) {
	keys, values := settings(args, "-o", "--option")
	for i, key := range keys {
		if strings.HasSuffix(key, "-invoke") || strings.HasSuffix(key, "-invoke-success") || strings.HasSuffix(key, "-install-pkgs") {
			c.codes = append(c.codes, values[i])
		}
	}
	return c
}

func sshfsCarries(args []word.Word) (c carried) {
	keys, values := settings(args, "-o")
	for i, key := range keys {
		if key == "ssh_command" || sshStarts(key) {
			c.codes = append(c.codes, values[i])
		}
	}
	return c
}

// rpmCarries is %(code) and %{lua:code} in what rpm is told to expand or define.
func rpmCarries(args []word.Word) (c carried) {
	for _, code := range optionCode("-E+", "--eval", "-D+", "--define")(args).codes {
		v, _ := code.Value()
		for {
			shell, lua := strings.Index(v, "%("), strings.Index(v, "%{lua:")
			if shell < 0 && lua < 0 {
				break
			}
			if shell >= 0 && (lua < 0 || shell < lua) {
				n := closing(v[shell+1:], '(', ')')
				c.codes = append(c.codes, word.Lit(strings.TrimSuffix(v[shell+2:shell+1+n], ")")))
				v = v[shell+1+n:]
				continue
			}
			n := closing(v[lua+1:], '{', '}')
			c.told = append(c.told, toldCode{"lua", strings.TrimPrefix(strings.TrimSuffix(v[lua+2:lua+1+n], "}"), "lua:")})
			v = v[lua+1+n:]
		}
	}
	return c
}

// tcpdumpCarries is -z, the program for each file that is full: its name alone,
// with the file behind it.
func tcpdumpCarries(args []word.Word) (c carried) {
	for _, x := range optionCode("-z+", "--postrotate-command")(args).codes {
		c.argvs = append(c.argvs, []word.Word{x, word.Hidden("capture", word.Var)})
	}
	return c
}

// dcCarries is "!code" among what dc is told.
func dcCarries(args []word.Word) (c carried) {
	for _, x := range optionCode("-e+", "--expression")(args).codes {
		v, _ := x.Value()
		for line := range strings.Lines(v) {
			if code, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok && code != "" {
				c.codes = append(c.codes, word.Lit(code))
			}
		}
	}
	return c
}

// skipOptions is the words behind a program's own options; the letters of with
// take a word.
func skipOptions(args []word.Word, with string) []word.Word {
	for len(args) > 0 {
		v, ok := args[0].Value()
		if !ok || len(v) < 2 || v[0] != '-' {
			break
		}
		args = args[1:]
		if v == "--" {
			break
		}
		if v[1] != '-' && strings.IndexByte(with, v[len(v)-1]) >= 0 && len(args) > 0 {
			args = args[1:]
		}
	}
	return args
}

func tarCarries(args []word.Word) carried {
	c := optionCode("--to-command", "--use-compress-program", "-I+", "--info-script", "-F+", "--new-volume-script", "--rsh-command")(args)
	for i, x := range args {
		v, _ := x.Value()
		if v == "--checkpoint-action" && i+1 < len(args) {
			v, _ = args[i+1].Value()
		} else {
			v = strings.TrimPrefix(v, "--checkpoint-action=")
		}
		if code, ok := strings.CutPrefix(v, "exec="); ok {
			c.codes = append(c.codes, word.Lit(code))
		}
	}
	return c
}

// rsyncCarries is the way to the other host, -e, which may stand at the end of a
// cluster or with its argument attached, and the program there.
func rsyncCarries(args []word.Word) carried {
	c := optionCode("--rsh")(args)
	for i, x := range args {
		v, ok := x.Value()
		if !ok {
			v = x.Prefix()
		}
		if v == "--" {
			break
		}
		if host, _, remote := strings.Cut(v, ":"); remote && v[0] != '-' && !strings.Contains(host, "/") && c.host.Know == 0 {
			c.host = word.Lit(host[strings.LastIndexByte(host, '@')+1:])
		}
		if code, ok := strings.CutPrefix(v, "--rsync-path="); ok {
			c.far = append(c.far, word.Lit(code))
		} else if v == "--rsync-path" && i+1 < len(args) {
			c.far = append(c.far, args[i+1])
		}
		if len(v) < 2 || v[0] != '-' || v[1] == '-' {
			continue
		}
		n := strings.IndexAny(v, "efBTM@")
		switch {
		case n < 0 || v[n] != 'e':
		case n+1 < len(v):
			c.codes = append(c.codes, word.Lit(strings.TrimPrefix(v[n+1:], "=")))
		case i+1 < len(args):
			c.codes = append(c.codes, args[i+1])
		}
	}
	if c.host.Know == 0 {
		c.far = nil
	}
	return c
}

// sshCarries are the options that scp and sftp hand to ssh, and the program that
// they use in its place.
func sshCarries(args []word.Word) carried {
	c := optionCode("-S+")(args)
	for i, x := range args {
		if !strings.HasPrefix(x.Prefix(), "-o") {
			continue
		}
		o := trimWord(x, 2)
		if o.Is("") && i+1 < len(args) {
			o = args[i+1]
		}
		if key, code := sshOption(o); sshStarts(key) {
			c.codes = append(c.codes, code)
		}
	}
	return c
}

// sshStarts reports whether an option of ssh starts something on this side.
func sshStarts(key string) bool {
	switch key {
	case "proxycommand", "localcommand", "knownhostscommand":
		return true
	}
	return false
}

// sshOption splits an option of ssh: "Key=value" or "Key value".
func sshOption(o word.Word) (string, word.Word) {
	key, val, ok := cutWord(o, "=")
	if k, v, blank := cutWord(o, " "); blank && (!ok || len(k) < len(key)) {
		key, val = k, v
	}
	return strings.ToLower(strings.TrimSpace(key)), val
}

func socatCarries(args []word.Word) (c carried) {
	for _, x := range args {
		v, _ := x.Value()
		kind, rest, ok := strings.Cut(v, ":")
		if !ok {
			continue
		}
		switch strings.ToUpper(kind) {
		case "EXEC", "SYSTEM", "SHELL":
			code, _, _ := strings.Cut(rest, ",")
			c.codes = append(c.codes, word.Lit(code))
		case "OPEN", "FILE", "GOPEN", "CREATE":
			// It writes what it reads: the same as cat into that file.
			if name, opts, _ := strings.Cut(rest, ","); !strings.Contains(opts, "rdonly") && name != "" && name != "-" && len(args) > 1 && !args[0].Is("-U") {
				c.argvs = append(c.argvs, word.Lits("tee", "-a", "--", name))
			}
		}
	}
	return c
}

// fdCarries is fd PATTERN [DIRECTORY…] with -x or -X: find under another name.
func fdCarries(args []word.Word) (c carried) {
	mark := slices.IndexFunc(args, func(x word.Word) bool { return x.Is("-x") || x.Is("-X") || x.Is("--exec") || x.Is("--exec-batch") })
	if mark < 0 {
		return c
	}
	batch := args[mark].Is("-X") || args[mark].Is("--exec-batch")
	var ops []word.Word
	types := false
	for rest := args[:mark]; len(rest) > 0; {
		v, _ := rest[0].Value()
		switch {
		case len(v) > 1 && v[0] == '-':
			n := 1
			if strings.IndexByte("teEdSoc", v[len(v)-1]) >= 0 && v[1] != '-' && !strings.ContainsAny(v, "=") {
				n = 2
				types = types || v[len(v)-1] != 't' // -t f leaves nearly all of a tree in
			}
			rest = rest[min(n, len(rest)):]
		default:
			ops = append(ops, rest[0])
			rest = rest[1:]
		}
	}
	argv := word.Lits("find")
	if len(ops) > 1 {
		argv = append(argv, ops[1:]...)
	}
	if types || len(ops) > 0 && !ops[0].Is(".") && !ops[0].Is("") {
		argv = append(argv, word.Lits("-name", "?*")...)
	}
	cmd := args[mark+1:]
	if n := slices.IndexFunc(cmd, func(x word.Word) bool { return x.Is(";") }); n >= 0 {
		cmd = cmd[:n]
	}
	if len(cmd) == 0 {
		return c
	}
	argv = append(append(argv, word.Lit("-exec")), cmd...)
	if !slices.ContainsFunc(cmd, func(x word.Word) bool { return strings.Contains(x.String(), "{}") }) {
		argv = append(argv, word.Lit("{}"))
	}
	end := ";"
	if batch && argv[len(argv)-1].Is("{}") {
		end = "+"
	}
	c.argvs = [][]word.Word{append(argv, word.Lit(end))}
	return c
}

// printsForShell reports whether a program's own work is to print code for the
// shell that called it.
func printsForShell(name string) bool {
	switch name {
	case "ssh-agent", "gpg-agent", "dircolors", "keychain", "lesspipe", "lesspipe.sh", "register-python-argcomplete", "resize", "tset", "getopt", "locale":
		return true
	}
	return false
}

// asksForCode reports whether other programs are asked for that by a word.
func asksForCode(arg string) bool {
	switch arg {
	case "completion", "completions", "hook", "init", "shellenv", "activate", "docker-env", "podman-env", "env", "shell.bash", "--alias", "--bash", "--completion":
		return true
	}
	return false
}

// printsCode reports a program on this machine that was asked for code to be
// evaluated: eval "$(ssh-agent)", source <(kubectl completion bash).
func printsCode(a *Action) bool {
	name, ok := a.Name()
	if !ok || a.Place.Kind != Here || a.Wrapper || len(a.PipeTo) > 0 || a.Stdin.Kind == InputPipe {
		return false
	}
	if printsForShell(name) {
		return true
	}
	if isShell(name) || len(a.Argv) > 5 || name == "curl" || name == "wget" {
		return false
	}
	for _, x := range a.Args() {
		if v, ok := x.Value(); ok && asksForCode(v) {
			return true
		}
	}
	return false
}
