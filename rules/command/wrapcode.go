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
}

// carriers are programs that can be told to start something, each with where
// that stands among its arguments.
var carriers = sync.OnceValue(func() map[string]func(args []word.Word) carried {
	return map[string]func(args []word.Word) carried{
		"tar": tarCarries, "bsdtar": tarCarries, "gtar": tarCarries,
		"git": gitCarries, "rsync": optionCode("-e", "--rsh"), "zip": optionCode("-TT", "--unzip-command"),
		"vi": editorCarries, "vim": editorCarries, "nvim": editorCarries, "view": editorCarries, "ex": editorCarries, "vimdiff": editorCarries, "gvim": editorCarries,
		"less": editorCarries, "more": editorCarries, "most": editorCarries,
		"sed": sedCarries, "gsed": sedCarries,
		"nc": optionCode("-e", "-c", "--exec", "--sh-exec"), "ncat": optionCode("-e", "-c", "--exec", "--sh-exec"), "netcat": optionCode("-e", "-c"),
		"socat": socatCarries,
		"fish":  optionCode("-c", "--command", "-C"), "csh": optionCode("-c"), "tcsh": optionCode("-c"),
		"xterm": behind("-e"), "uxterm": behind("-e"), "urxvt": behind("-e"), "rxvt": behind("-e"), "st": behind("-e"), "konsole": behind("-e"), "alacritty": behind("-e", "--command"),
		"kitty": behind("--"), "gnome-terminal": behind("--", "-x"), "xfce4-terminal": behind("-x"), "terminator": behind("-x"), "foot": behind("--"),
		"fd": fdCarries, "fdfind": fdCarries,
	}
})

// carries walks what a program starts beside its own work.
func (w *walker) carries(st *state, l launch, base string) {
	f := carriers()[base]
	if f == nil {
		return
	}
	c := f(l.argv[1:])
	for _, code := range c.codes {
		if v, ok := code.Value(); ok && w.unreadable(v) {
			continue // no shell's
		}
		if _, ok := w.code(code); ok {
			w.shellCode(st, l, base, code, nil)
		}
	}
	for _, argv := range c.argvs {
		w.under(st, l, base, argv, nil)
	}
}

// optionCode is code in the argument of an option, behind it or attached.
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
				switch {
				case v == n && i+1 < len(args):
					c.codes = append(c.codes, args[i+1])
				case strings.HasPrefix(n, "--") && strings.HasPrefix(v, n+"="):
					c.codes = append(c.codes, word.Lit(v[len(n)+1:]))
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
	c := optionCode("--to-command", "--use-compress-program", "-I", "--info-script", "-F", "--new-volume-script", "--rsh-command")(args)
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

// gitCarries is aliases and pagers that a line gives git, and the commands of
// git that start others.
func gitCarries(args []word.Word) (c carried) {
	var pagers []word.Word
	aliases := map[string]string{}
	for len(args) > 0 {
		v, ok := args[0].Value()
		if !ok || len(v) < 2 || v[0] != '-' {
			break
		}
		args = args[1:]
		if (v == "-c" || v == "-C" || v == "--git-dir" || v == "--work-tree" || v == "--namespace") && len(args) > 0 {
			key, val, set := strings.Cut(args[0].String(), "=")
			key = strings.ToLower(key)
			switch {
			case v != "-c" || !set:
			case strings.HasPrefix(key, "alias."):
				aliases[strings.TrimPrefix(key, "alias.")] = val
			case key == "core.pager" || key == "core.sshcommand" || key == "core.editor" || key == "sequence.editor" || strings.HasPrefix(key, "pager.") || key == "core.fsmonitor" || key == "diff.external":
				pagers = append(pagers, word.Lit(val))
			}
			args = args[1:]
		}
	}
	if len(args) == 0 {
		return c
	}
	c.codes = pagers
	verb, _ := args[0].Value()
	rest := args[1:]
	if code, ok := strings.CutPrefix(aliases[verb], "!"); ok {
		c.codes = append(c.codes, word.Lit(code))
	}
	switch verb {
	case "bisect":
		if len(rest) > 1 && rest[0].Is("run") {
			c.argvs = append(c.argvs, rest[1:])
		}
	case "submodule":
		rest = skipOptions(rest, "")
		if len(rest) > 1 && rest[0].Is("foreach") {
			if rest = skipOptions(rest[1:], ""); len(rest) == 1 {
				c.codes = append(c.codes, rest[0])
			} else {
				c.argvs = append(c.argvs, rest)
			}
		}
	case "rebase":
		c.codes = append(c.codes, optionCode("-x", "--exec")(rest).codes...)
	case "filter-branch":
		c.codes = append(c.codes, optionCode("--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter", "--setup")(rest).codes...)
	}
	return c
}

// editorCarries is "!command" among the commands that an editor or pager is
// given: vim -c '!x', less '+!x'.
func editorCarries(args []word.Word) (c carried) {
	bang := func(s string) {
		for _, part := range strings.Split(s, "|") {
			part = strings.TrimLeft(part, ": \t")
			for _, quiet := range []string{"silent! ", "silent ", "sil! ", "sil ", "call ", "exe ", "execute "} {
				part = strings.TrimPrefix(part, quiet)
			}
			if code, ok := strings.CutPrefix(part, "system("); ok {
				if code = strings.TrimSuffix(strings.TrimSpace(code), ")"); len(code) > 2 && strings.IndexByte(code[1:], code[0]) == len(code)-2 {
					c.codes = append(c.codes, word.Lit(code[1:len(code)-1]))
				}
				continue
			}
			if code, ok := strings.CutPrefix(part, "!"); ok && code != "" {
				c.codes = append(c.codes, word.Lit(strings.TrimPrefix(code, "!")))
			}
		}
	}
	for i, x := range args {
		v, ok := x.Value()
		switch {
		case !ok:
		case strings.HasPrefix(v, "+"):
			bang(strings.TrimPrefix(v[1:], "+"))
		case (v == "--cmd" || len(v) > 1 && v[0] == '-' && v[1] != '-' && v[len(v)-1] == 'c') && i+1 < len(args):
			next, _ := args[i+1].Value()
			bang(next)
		}
	}
	return c
}

// sedCarries is sed's e command: an address and e with a command.
func sedCarries(args []word.Word) (c carried) {
	for _, x := range args {
		v, ok := x.Value()
		if !ok {
			continue
		}
		for _, line := range strings.Split(v, "\n") {
			line = strings.TrimLeft(line, "0123456789,$ \t{;")
			if code, is := strings.CutPrefix(line, "e "); is {
				c.codes = append(c.codes, word.Lit(code))
			}
		}
	}
	return c
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

// codePrinters are programs whose own work is to print code for the shell that
// called them.
var codePrinters = map[string]bool{"ssh-agent": true, "gpg-agent": true, "dircolors": true, "keychain": true, "lesspipe": true, "lesspipe.sh": true, "register-python-argcomplete": true,
	"resize": true, "tset": true, "getopt": true, "locale": true}

// codeVerbs are the words by which other programs are asked for that.
var codeVerbs = map[string]bool{"completion": true, "completions": true, "hook": true, "init": true, "shellenv": true, "activate": true, "docker-env": true, "podman-env": true, "env": true,
	"shell.bash": true, "--alias": true, "--bash": true, "--completion": true}

// printsCode reports a program on this machine that was asked for code to be
// evaluated: eval "$(ssh-agent)", source <(kubectl completion bash).
func printsCode(a *Action) bool {
	name, ok := a.Name()
	if !ok || a.Place.Kind != Here || a.Wrapper || len(a.PipeTo) > 0 || a.Stdin.Kind == InputPipe {
		return false
	}
	if codePrinters[name] {
		return true
	}
	if shells[name] || len(a.Argv) > 5 || name == "curl" || name == "wget" {
		return false
	}
	for _, x := range a.Args() {
		if v, ok := x.Value(); ok && codeVerbs[v] {
			return true
		}
	}
	return false
}
