package command

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// change says what is different for a wrapper's command. rest are the operands
// that stand before it.
type change func(w *walker, a option.Args, rest []word.Word, s *state, c *context)

// changeNamed is a difference by the name that the table has for it.
func changeNamed(name string) change {
	switch name {
	case "sudo":
		return sudoChange
	case "root":
		return rootChange
	case "pkexec":
		return pkexecChange
	case "user":
		return userChange
	case "first-user":
		return userFirst
	case "env":
		return envChange
	case "chroot":
		return chrootChange
	case "proot":
		return prootChange
	case "namespace":
		return namespaceChange
	case "nspawn":
		return nspawnChange
	case "systemd":
		return systemdChange
	case "bwrap":
		return bwrapChange
	}
	return nil
}

// become sets the user that a command runs as.
func (c *context) become(user word.Word, def string) {
	u, ok := user.Value()
	switch {
	case user.Know == 0:
		u = def
	case !ok:
		u = "?"
	case u == "#0" || u == "0":
		u = "root"
	}
	if i := strings.IndexByte(u, ':'); i > 0 {
		u = u[:i]
	}
	c.user = u
}

// newEnv forgets the environment: another user's.
func newEnv(s *state, c *context) {
	s.own()
	s.vars = nil
	c.env = envUnknown
}

// rootChange is a program that makes its command root's, or that of the user
// who is named.
func rootChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	c.become(last(a.Values["user"]), "root")
	w.asAnother(a, s, c)
}

// sudoChange is sudo, by which a command of another group alone stays the same
// user's.
func sudoChange(w *walker, a option.Args, rest []word.Word, s *state, c *context) {
	if last(a.Values["user"]).Know == 0 && last(a.Values["group"]).Know != 0 {
		w.asAnother(a, s, c)
		return
	}
	rootChange(w, a, rest, s, c)
}

func (w *walker) asAnother(a option.Args, s *state, c *context) {
	if !a.Has("keep") {
		newEnv(s, c)
	}
	if r := last(a.Values["root"]); r.Know != 0 {
		chroot(s, c, r)
	}
	if a.Has("login") {
		s.cwd = c.home()
	}
}

// pkexecChange is pkexec, which goes to the user's home directory.
func pkexecChange(w *walker, a option.Args, rest []word.Word, s *state, c *context) {
	rootChange(w, a, rest, s, c)
	if !a.Has("keep-cwd") {
		s.cwd = c.home()
	}
}

// home is the home directory of the user that a command runs as.
func (c *context) home() word.Word {
	if c.user != "?" && c.place.Kind == Here { // "" is the session's own
		if d, err := c.files.Home(c.user); err == nil && d != "" {
			return word.Word{Src: "~", Know: word.Known, Values: []string{d}, Origin: word.FromShell}
		}
		if c.user == "root" {
			return word.Word{Src: "~", Know: word.Known, Values: []string{"/root"}, Origin: word.FromShell}
		}
	}
	return word.Hidden("~", word.Var)
}

func userChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if u := last(a.Values["user"]); u.Know != 0 {
		c.become(u, "")
	}
}

// prootChange is proot, whose root needs no privilege and is as real.
func prootChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if r := last(a.Values["root"]); r.Know != 0 {
		dir := s.cwd
		chroot(s, c, r)
		if len(a.Values["dir"]) > 0 {
			s.cwd = dir
		}
	}
}

func userFirst(w *walker, _ option.Args, rest []word.Word, s *state, c *context) {
	c.become(last(rest), "?")
}

func envChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if a.Has("clear") {
		s.own()
		s.vars = nil
		c.env, s.lost = envNone, false
	}
	for _, u := range a.Values["unset"] {
		if n, ok := u.Value(); ok {
			s.set(n, variable{state: VarUnset})
		}
	}
}

func chroot(s *state, c *context, root word.Word) {
	if !root.Is("/") {
		if v, ok := root.Value(); ok && c.place.Kind == Container && len(c.binds) > 0 {
			// A container's directory that is one of this machine.
			if p, ok := outside(c.binds, v); ok && path.IsAbs(v) {
				c.place, c.binds = c.bound, nil
				chroot(s, c, word.Lit(p))
				return
			}
		}
		if v, ok := root.Value(); ok {
			if p, ok := absolute(s.cwd, v); ok {
				root = word.Word{Src: root.Src, Know: word.Known, Values: []string{p}, Origin: root.Origin}
			}
		}
		c.place = Place{Kind: Chroot, Names: []word.Word{root}}
	}
	s.cwd = word.Lit("/")
}

func chrootChange(w *walker, a option.Args, rest []word.Word, s *state, c *context) {
	if u := last(a.Values["user"]); u.Know != 0 {
		c.become(u, "")
	}
	chroot(s, c, last(rest))
}

func nspawnChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	c.become(last(a.Values["user"]), "root")
	newEnv(s, c)
	c.binds = w.binds(s, a, "")
	c.place = Place{Kind: Container, Names: append(a.Values["name"], a.Values["root"]...)}
	s.cwd = word.Hidden("$PWD", word.Var)
}

// bwrapChange is bwrap, in whose root is only what was bound into it.
func bwrapChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	var bs []bind
	from, to := a.Values["b"], a.Values["to"]
	for i := range min(len(from), len(to)) {
		f, known := from[i].Value()
		t, too := to[i].Value()
		if p, ok := absolute(s.cwd, f); ok && known && too {
			bs = append(bs, bind{inside: path.Clean(t), outside: path.Clean(p)})
		}
	}
	all := func(b bind) bool { return b.inside != b.outside }
	if slices.Contains(bs, bind{inside: "/", outside: "/"}) && !slices.ContainsFunc(bs, all) && c.place.Kind == Here {
		return // all of this machine, under its own names
	}
	c.binds = bs
	c.place = Place{Kind: Container, Names: word.Lits("bwrap")}
}

func namespaceChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if r := last(a.Values["root"]); r.Know != 0 {
		chroot(s, c, r)
		return
	}
	if (last(a.Values["pid"]).Is("1") || ofFirst(a.Values["file"])) && (c.place.Kind == Here || c.hostNS) {
		c.place, c.binds = Place{}, nil // the first process is this machine itself
		return
	}
	if c.place.Kind == Here {
		c.place = Place{Kind: Namespace, Names: a.Values["pid"]}
	}
}

// ofFirst reports whether name spaces that are named by files are those of the
// first process.
func ofFirst(files []word.Word) bool {
	return len(files) > 0 && !slices.ContainsFunc(files, func(x word.Word) bool { return !strings.HasPrefix(x.Prefix(), "/proc/1/ns/") })
}

func systemdChange(w *walker, a option.Args, _ []word.Word, s *state, c *context) {
	if u := last(a.Values["user"]); u.Know != 0 {
		c.become(u, "")
	}
	if h := append(a.Values["host"], a.Values["machine"]...); len(h) > 0 {
		remote(s, c, Remote, h)
		return
	}
	if !a.Has("scope") {
		if d := last(a.Values["dir"]); d.Know == 0 && !a.Has("samedir") {
			s.cwd = word.Lit("/")
		}
		newEnv(s, c)
		c.async = true
	}
}

// remote puts a command on another host or in a container: nothing of this
// machine's files and environment is known there.
func remote(s *state, c *context, kind PlaceKind, names []word.Word) {
	newEnv(s, c)
	s.own()
	s.funcs, s.aliases, s.opts = nil, nil, nil
	c.shell = false
	c.user = ""
	c.files = NoFiles{}
	c.place = Place{Kind: kind, Names: names}
	s.cwd = word.Hidden("$PWD", word.Var)
	s.oldpwd = word.Word{}
}
