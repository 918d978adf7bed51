package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// startVars are the environment variables in which a program finds the code of
// the editor, the pager or the way to another host that it starts.
func startVars(name string) []string {
	switch name {
	case "git":
		return []string{"GIT_SSH_COMMAND", "GIT_PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "GIT_PROXY_COMMAND", "SSH_ASKPASS", "PAGER", "VISUAL", "EDITOR"}
	case "crontab", "vipw", "vigr", "edquota", "virsh", "ansible-vault", "more", "sensible-editor", "tig", "etckeeper":
		return editors
	case "cvs":
		return []string{"CVS_RSH", "CVSEDITOR", "EDITOR"}
	case "visudo", "sudoedit":
		return []string{"SUDO_EDITOR", "VISUAL", "EDITOR"}
	case "sudo":
		return []string{"SUDO_ASKPASS"}
	case "man":
		return []string{"MANPAGER", "PAGER"}
	case "less":
		return []string{"LESSOPEN", "LESSCLOSE", "VISUAL", "EDITOR"}
	case "bat":
		return []string{"BAT_PAGER", "PAGER"}
	case "systemctl":
		return []string{"SYSTEMD_PAGER", "SYSTEMD_EDITOR", "PAGER", "VISUAL", "EDITOR"}
	case "journalctl", "loginctl", "machinectl":
		return []string{"SYSTEMD_PAGER", "PAGER"}
	case "rsync":
		return []string{"RSYNC_RSH", "RSYNC_CONNECT_PROG"}
	case "svn":
		return []string{"SVN_SSH", "SVN_EDITOR", "VISUAL", "EDITOR"}
	case "hg":
		return []string{"HGEDITOR", "HGMERGE", "VISUAL", "EDITOR"}
	case "psql":
		return []string{"PSQL_PAGER", "PSQL_EDITOR", "PAGER", "VISUAL", "EDITOR"}
	case "mysql", "mariadb", "ranger":
		return []string{"PAGER", "VISUAL", "EDITOR"}
	case "kubectl":
		return []string{"KUBE_EDITOR", "EDITOR"}
	case "oc":
		return []string{"OC_EDITOR", "EDITOR"}
	case "ssh", "ssh-add", "scp":
		return []string{"SSH_ASKPASS"}
	case "xdg-open", "sensible-browser":
		return []string{"BROWSER"}
	case "sensible-pager":
		return []string{"PAGER"}
	case "fzf":
		return []string{"FZF_DEFAULT_COMMAND"}
	case "aws":
		return []string{"AWS_PAGER", "PAGER"}
	case "gh":
		return []string{"GH_PAGER", "GH_EDITOR", "PAGER", "VISUAL", "EDITOR"}
	case "dpkg":
		return []string{"DPKG_PAGER", "PAGER"}
	case "mc":
		return []string{"PAGER", "VIEWER", "EDITOR"}
	}
	return nil
}

var editors = []string{"VISUAL", "EDITOR"}

// given is what the line itself puts into a program's environment under a
// name.
func given(st *state, assigns []Assign, name string) (word.Word, bool) {
	for i := len(assigns) - 1; i >= 0; i-- {
		if assigns[i].Name == name {
			return assigns[i].Value, true
		}
	}
	v, set := st.vars[name]
	if !set || v.state != VarSet || !v.exported || v.isList || v.keys != nil {
		return word.Word{}, false
	}
	return v.val, true
}

// called walks what a program finds in its environment to be started. Whether
// it comes to that is not known, nor what stands behind it then.
func (w *walker) called(st *state, l launch, base string) {
	for _, name := range startVars(base) {
		code, set := given(st, l.assigns, name)
		if !set || code.Is("") {
			continue
		}
		v, ok := code.Value()
		l := l
		l.assigns = slices.DeleteFunc(slices.Clone(l.assigns), func(a Assign) bool { return a.Name == name })
		if name == "LESSOPEN" && ok {
			v = strings.TrimLeft(v, "|-")
			code = word.Lit(v)
		}
		if ok && w.unreadable(v) {
			continue
		}
		if _, ok := w.code(code); ok {
			w.shellCode(st, l, base+" "+name, code, func(s *state, _ *context) {
				s.certain = Possible
				s.set(name, variable{state: VarUnknown}) // it does not go on so for ever
			})
		}
	}
}

// startup walks the file that a shell reads before anything else, where the
// line names one: BASH_ENV for bash that nobody types into, ENV for the others.
func (w *walker) startup(sub *state, l launch, base string, a shellArgs) {
	name := "BASH_ENV"
	if base == "bash" {
		for _, f := range sub.funcs {
			f.maybe = false
		}
	}
	if base != "bash" {
		name = "ENV"
		if !hasFlag(a.opts, "i") {
			return
		}
	}
	file, set := given(sub, l.assigns, name)
	v, ok := file.Value()
	if !set || ok && v == "" || hasFlag(a.opts, "p") {
		return
	}
	var r result
	if ok {
		// The value is expanded as text between double quotes.
		r = w.inline(sub, `. "`+strings.ReplaceAll(v, `"`, `\"`)+`"`, l.at)
	} else {
		r = w.dot(sub, launch{argv: []word.Word{word.Lit("."), file}, at: l.at}, -1)
	}
	if s := w.join(r.ok, r.fail); s != nil && s != sub {
		*sub = *s
	}
}

// hasFlag reports whether a shell was given an option of one letter.
func hasFlag(opts []word.Word, letter string) bool {
	for _, o := range opts {
		if o.Is("-" + letter) {
			return true
		}
	}
	return false
}

// bind -x and complete -C put down code for a key and for a completion.
func (w *walker) bind(st *state, l launch, _ int) result {
	for i, x := range l.argv {
		if v, ok := last(l.argv).Value(); ok && x.Is("-x") && i < len(l.argv)-1 {
			if _, code, ok := strings.Cut(v, "\":"); ok {
				w.pressed(st, l, word.Lit(code), "bind -x")
			}
		}
	}
	return both(st)
}

func (w *walker) complete(st *state, l launch, _ int) result {
	for i, x := range l.argv {
		if x.Is("-C") && i+1 < len(l.argv) {
			w.pressed(st, l, l.argv[i+1], "complete -C")
		}
	}
	return both(st)
}

// pressed walks code that a key may start later.
func (w *walker) pressed(st *state, l launch, code word.Word, via string) {
	if v, ok := code.Value(); ok && !w.unreadable(v) {
		sub := st.clone()
		sub.certain = Possible
		w.inContext(sub, func(c *context) { c.via, c.top = with(c.via, via), false }, func() result { return w.run(sub, code, l.at, via) })
	}
}
