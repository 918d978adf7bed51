package command

import (
	"strings"

	"guardsh/rules/word"
)

// gitCarries is aliases and pagers that a line gives git, and the commands of
// git that start others.
func gitCarries(args []word.Word) (c carried) {
	aliases, extAllowed := map[string]string{}, false
	set := func(setting string) {
		key, val, _ := strings.Cut(setting, "=")
		switch key = strings.ToLower(key); {
		case key == "protocol.ext.allow" || key == "protocol.allow":
			extAllowed = val != "never"
		case strings.HasPrefix(key, "alias."):
			aliases[strings.TrimPrefix(key, "alias.")] = val
		case key == "core.pager" || key == "core.sshcommand" || key == "core.editor" || key == "sequence.editor" || strings.HasPrefix(key, "pager.") || key == "core.fsmonitor" || key == "diff.external":
			c.codes = append(c.codes, word.Lit(val))
		case strings.HasPrefix(key, "credential.") && strings.HasSuffix(key, ".helper") || key == "credential.helper":
			if code, ok := strings.CutPrefix(val, "!"); ok {
				c.codes = append(c.codes, word.Lit(code))
			}
		}
	}
	for len(args) > 0 {
		v, ok := args[0].Value()
		if !ok || len(v) < 2 || v[0] != '-' {
			break
		}
		args = args[1:]
		if (v == "-c" || v == "-C" || v == "--git-dir" || v == "--work-tree" || v == "--namespace") && len(args) > 0 {
			if v == "-c" {
				set(args[0].String())
			}
			args = args[1:]
		}
	}
	if len(args) == 0 {
		return c
	}
	verb, _ := args[0].Value()
	rest := args[1:]
	if code, ok := strings.CutPrefix(aliases[verb], "!"); ok {
		c.argvs = append(c.argvs, aliasCall(code, rest))
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
	case "clone", "fetch", "pull", "push", "ls-remote", "archive":
		for _, x := range rest {
			if strings.HasPrefix(x.Prefix(), "ext::") && extAllowed {
				c.codes = append(c.codes, trimWord(x, len("ext::")))
			}
		}
		c.codes = append(c.codes, optionCode("-u", "--upload-pack", "--receive-pack", "--exec")(rest).codes...)
		if verb == "clone" {
			for _, x := range optionCode("-c+", "--config")(rest).codes {
				set(x.String())
			}
		}
	case "difftool", "mergetool":
		c.codes = append(c.codes, optionCode("-x", "--extcmd")(rest).codes...)
	case "grep":
		c.codes = append(c.codes, optionCode("--open-files-in-pager", "-O+")(rest).codes...)
	case "rebase":
		c.codes = append(c.codes, optionCode("-x", "--exec")(rest).codes...)
	case "filter-branch":
		c.codes = append(c.codes, optionCode("--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter", "--setup")(rest).codes...)
	}
	return c
}

// aliasCall is how git starts the shell for the code of an alias: with what
// stands behind its name as arguments.
func aliasCall(code string, args []word.Word) []word.Word {
	if len(args) == 0 {
		return word.Lits("sh", "-c", code)
	}
	return append(word.Lits("sh", "-c", code+` "$@"`, code), args...)
}

// gitAliases is the calls of an alias that the line has put into git's
// configuration before it uses it.
func (w *walker) gitAliases(args []word.Word) (argvs [][]word.Word) {
	args = skipOptions(args, "cC")
	verb, ok := firstOf(args).Value()
	if !ok {
		return nil
	}
	for i := range w.line.Actions {
		a := &w.line.Actions[i]
		if n, _ := a.Name(); n != "git" || len(a.Argv) < 3 || !a.Argv[1].Is("config") {
			continue
		}
		ops := skipOptions(a.Argv[2:], "f")
		if len(ops) != 2 || !ops[0].Is("alias."+verb) {
			continue
		}
		if text, ok := ops[1].Value(); ok && strings.HasPrefix(text, "!") {
			argvs = append(argvs, aliasCall(text[1:], args[1:]))
		}
	}
	return argvs
}
