// Package hypothetical is the machine that check --hypothetical and the
// examples of rules imagine: an ordinary server on which everything that a
// line names exists.
//
// Named paths are non-empty directories unless they look like files; nothing
// is a link except the merged /usr; named devices are not mounted and carry a
// filesystem; services run; crontabs have jobs; the session came over SSH
// through the interface that is named; guests lie on this host's own disks; there are no site notes and no labels,
// and the host's name is not known. Variables that the line does not set are
// unknown, except HOME, PWD, USER, LOGNAME, UID, EUID, PATH
// and SHELL. File name
// patterns are not matched.
//
// A rules.Situation says what differs from that. The package is pure.
package hypothetical

import (
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/word"
)

// Situation is what differs from the ordinary server.
type Situation = rules.Situation

// defaultUser is the ordinary administrator.
const defaultUser = "admin"

// World is an imagined machine, and the shell of the session on it. It
// satisfies rules.World and command.Shell and is safe for concurrent use.
type World struct {
	at Situation
}

// New is the world of a situation; the zero situation is the ordinary server.
func New(at Situation) *World {
	if at.User == "" {
		at.User = defaultUser
	}
	if at.Cwd == "" {
		at.Cwd = homeOf(at.User)
	}
	return &World{at: at}
}

func homeOf(user string) string {
	if user == "root" {
		return "/root"
	}
	return "/home/" + user
}

// ReadFile is the content that the situation gives; every other file is not
// known.
func (w *World) ReadFile(name string, max int64) ([]byte, error) {
	text, ok := w.at.Files[path.Clean(name)]
	if !ok {
		return nil, command.ErrUnknown
	}
	if int64(len(text)) > max {
		text = text[:max]
	}
	return []byte(text), nil
}

// Real follows the links of the situation and those of a merged /usr.
func (w *World) Real(name string) (string, error) {
	if !path.IsAbs(name) {
		return "", command.ErrUnknown
	}
	real := w.real(name, true, mergedLinks())
	if slices.Contains(w.at.Absent, real) || slices.Contains(w.at.Absent, path.Clean(name)) {
		return "", fs.ErrNotExist
	}
	return real, nil
}

// Glob matches against the situation's tree; without one names are not known.
func (w *World) Glob(cwd, pattern string, opts command.GlobOptions) ([]string, error) {
	if w.at.Tree == nil {
		return nil, command.ErrUnknown
	}
	full := pattern
	if !path.IsAbs(pattern) {
		full = strings.TrimSuffix(cwd, "/") + "/" + pattern
	}
	var out []string
	for _, name := range w.at.Tree {
		if matches(strings.TrimSuffix(full, "/"), name, opts) {
			if !path.IsAbs(pattern) {
				name = strings.TrimPrefix(name, strings.TrimSuffix(cwd, "/")+"/")
			}
			if strings.HasSuffix(pattern, "/") {
				name += "/"
			}
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return slices.Compact(out), nil
}

func matches(pattern, name string, opts command.GlobOptions) bool {
	ps, ns := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(ps) != len(ns) {
		return false
	}
	for i := range ps {
		if opts.DotGlob && strings.HasPrefix(ns[i], ".") {
			if ok, err := path.Match(ps[i], ns[i]); !ok || err != nil {
				return false
			}
			continue
		}
		if !rules.MatchName(ps[i], ns[i]) {
			return false
		}
	}
	return true
}

// Home is a user's home directory.
func (w *World) Home(user string) (string, error) {
	if user == "" {
		user = w.at.User
	}
	return homeOf(user), nil
}

// Program says that every file is what its name says.
func (w *World) Program(string) []string { return nil }

// LookPath finds every program in /usr/bin.
func (w *World) LookPath(name, _ string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	return "/usr/bin/" + name, nil
}

// Cwd is the session's working directory.
func (w *World) Cwd() word.Word {
	return word.Word{Src: w.at.Cwd, Know: word.Known, Values: []string{w.at.Cwd}, Origin: word.FromShell}
}

// Var is a variable: those that every session has are known.
func (w *World) Var(name string) command.Variable {
	set := func(v string) command.Variable {
		return command.Variable{State: command.VarSet, Value: v, Exported: true}
	}
	if v, ok := w.at.Vars[name]; ok {
		return set(v)
	}
	if slices.Contains(w.at.Unset, name) {
		return command.Variable{State: command.VarUnset}
	}
	switch name {
	case "HOME":
		return set(homeOf(w.at.User))
	case "PWD":
		return set(w.at.Cwd)
	case "USER", "LOGNAME":
		return set(w.at.User)
	case "PATH":
		return set("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	case "SHELL":
		return set("/bin/bash")
	case "UID", "EUID":
		if w.at.User == "root" {
			return set("0")
		}
		return set("1000")
	case "PS0", "PROMPT_COMMAND", "GUARDSH_DIR":
		return set("$(gate)") // the session is a guarded one
	case "IFS":
		return command.Variable{State: command.VarSet, Value: " \t\n"}
	case "OPTIND":
		return command.Variable{State: command.VarSet, Value: "1"}
	}
	return command.Variable{State: command.VarUnknown}
}

// Alias is an alias of the situation.
func (w *World) Alias(name string) (string, bool) { b, ok := w.at.Aliases[name]; return b, ok }

// Function is a function of the situation.
func (w *World) Function(name string) (string, bool) { b, ok := w.at.Funcs[name]; return b, ok }

// Option is bash's default for an interactive shell.
func (w *World) Option(name string) (bool, bool) {
	switch name {
	case "expand_aliases", "interactive_comments", "emacs", "history", "monitor", "promptvars", "progcomp", "checkwinsize", "histexpand":
		return true, true
	}
	return command.DefaultOn(name), true
}

// User is the session's user.
func (w *World) User() string { return w.at.User }

// Positional is nothing: a typed line has no arguments.
func (w *World) Positional() []word.Word { return nil }
