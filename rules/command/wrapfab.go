package command

import (
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

var fabOptions = grammar{style: option.Style{Exact: true}, text: "-H --hosts =hosts\n-i --identity =x\n-t --connect-timeout =x\n-u --user =user\n-f -c --collection =file\n-r --search-root =root\n-S --ssh-config =x\n-D --list-depth =x\n-F --list-format =x\n-T --command-timeout =x\n--prompt-for-login-password\n--prompt-for-passphrase\n--prompt-for-sudo-password\n-p --pty\n-e --echo\n-w --warn-only\n-d --debug\n-P --parallel\n-l --list : ask\n-V --version : ask\n-h --help : ask\n-R --dry : ask"}

// fab runs tasks of a file of Python, or what stands behind --, on the hosts
// that it is given; inv, its relative, runs them here.
func (w *walker) fab(st *state, l launch, base string) result {
	for _, x := range l.argv[1:] {
		if x.Is("--") && base == "fab" {
			return w.wrap(st, l, base, wrapperNamed("fab-command"))
		}
	}
	a := fabOptions.Read(l.argv[1:])
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(a.Operands) > 0 && !a.Has("ask")}, l.at)
	if i < 0 || a.Has("ask") || len(a.Operands) == 0 {
		return both(st)
	}
	name := "tasks"
	if base == "fab" {
		name = "fabfile"
	}
	if v, ok := last(a.Values["file"]).Value(); ok {
		name = strings.TrimSuffix(v, ".py")
	}
	file := word.Lit(name + ".py")
	if d := last(a.Values["root"]); d.Know != 0 {
		file = joinPath(w, d, file)
	}
	text, ok := w.readFile(st, file)
	if !ok {
		return both(st)
	}
	var hosts []word.Word
	for _, h := range a.Values["hosts"] {
		if v, ok := h.Value(); ok {
			for _, n := range w.hostList(v) {
				if _, after, ok := strings.Cut(n, "@"); ok {
					n = after
				}
				hosts = append(hosts, word.Lit(n))
			}
		} else {
			hosts = append(hosts, h)
		}
	}
	if base == "fab" && len(hosts) == 0 && strings.Contains(text, "hosts") {
		h := word.Hidden("the hosts of "+name, word.Subst)
		h.Many = true
		hosts = append(hosts, h) // the file says which
	}
	for _, op := range a.Operands {
		task, ok := op.Value()
		if !ok || strings.Contains(task, "=") {
			continue
		}
		task, _, _ = strings.Cut(task, ":") // task:argument of Fabric 1
		param, body, ok := pythonFunction(text, strings.ReplaceAll(task[strings.LastIndexByte(task, '.')+1:], "-", "_"))
		if !ok {
			continue
		}
		w.taskBody(st, l, base, body, []string{param + ".local", "local"}, nil)
		w.taskBody(st, l, base, body, []string{param + ".run", param + ".sudo", "run", "sudo"}, hosts)
	}
	return both(st)
}

// taskBody looks through a task for the calls that run code, there or here.
func (w *walker) taskBody(st *state, l launch, base, body string, runs []string, hosts []word.Word) {
	python := *languages()["python"]
	calls := map[string]string{}
	if len(hosts) == 0 {
		calls = pythonCalls()
	}
	for _, r := range runs {
		calls[r] = "!code"
	}
	python.calls = func() map[string]string { return calls }
	sub := st.clone()
	w.beneath(sub, l, base, func(s *state, c *context) {
		if len(hosts) > 0 {
			remote(s, c, Remote, hosts)
		}
	}, func() result {
		w.look(sub, launch{at: l.at}, -1, &python, base+" -c", body, nil, nil, false)
		return both(sub)
	})
}

// pythonFunction is a function's first parameter and its body, by its name.
func pythonFunction(text, name string) (param, body string, ok bool) {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		rest, is := strings.CutPrefix(l, "def "+name+"(")
		if !is {
			continue
		}
		param, _, _ = strings.Cut(rest, ")")
		param, _, _ = strings.Cut(param, ",")
		param, _, _ = strings.Cut(param, ":")
		j := i + 1
		for j < len(lines) && (strings.TrimSpace(lines[j]) == "" || strings.HasPrefix(lines[j], " ") || strings.HasPrefix(lines[j], "\t")) {
			j++
		}
		return strings.TrimSpace(param), strings.Join(lines[i+1:j], "\n"), true
	}
	return "", "", false
}
