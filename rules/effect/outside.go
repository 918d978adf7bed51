package effect

import (
	"slices"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// startsInPlace reports whether a wrapper starts its command at once, as the same
// user, on the terminal that it has itself.
func startsInPlace(name string) bool {
	switch name {
	case "exec", "command", "builtin", "env", "nice", "ionice", "chrt", "taskset", "time", "stdbuf", "nohup", "setarch", "numactl", "unbuffer", "rlwrap", "setsid",
		"busybox":
		return true
	}
	return false
}

// opensAsAnother reports whether a program opens a shell as another user, in an
// environment without the gate.
func opensAsAnother(name string) bool {
	switch name {
	case "doas", "pkexec", "run0", "super", "machinectl":
		return true
	}
	return false
}

// standIn reports whether a program does so in whose place guardsh is started,
// unless it is named by its path.
func standIn(name string) bool {
	switch name {
	case "sudo", "su", "runuser":
		return true
	}
	return false
}

// outside is a shell of this machine that takes its lines from the terminal
// and will not show them: another shell than bash, a bash whose environment was
// emptied, another user's. What sudo and su open is the session's to say, which
// knows whether guardsh stands in for it.
func (c *call) outside() {
	a := c.action
	name, ok := a.Name()
	opens := a.Opens && command.Interprets(name) || otherShell(name) && c.bare()
	if !ok || a.Wrapper || a.Async || a.Place.Kind != command.Here {
		return
	}
	if c.another(name) {
		if !opens && !a.Opens {
			return
		}
	} else if !opens || a.User != "" || slices.ContainsFunc(a.Via, func(via string) bool { return !startsInPlace(via) }) || name == "bash" && !c.action.Ungated {
		return
	}
	c.name = name
	c.emit(c.effect(GuardChange), Object{Type: Other, Name: "shell", Word: a.Argv[0]})
}

// another says whether the action is a shell of another user's, or opens one,
// that guardsh does not stand in for.
func (c *call) another(name string) bool {
	byPath := func(a *command.Action) bool {
		v, _ := a.Argv[0].Value()
		return strings.Contains(v, "/")
	}
	if opensAsAnother(name) || standIn(name) && byPath(c.action) {
		return true
	}
	for _, via := range c.action.Via {
		if opensAsAnother(via) {
			return true
		}
		for i := c.at - 1; i >= 0 && standIn(via); i-- {
			if a := &c.line.Actions[i]; a.Wrapper {
				if n, _ := a.Name(); n == via {
					return byPath(a)
				}
			}
		}
	}
	return false
}

// otherShell reports whether a program is a shell of another language than sh's.
func otherShell(name string) bool {
	switch name {
	case "fish", "csh", "tcsh", "nu", "elvish", "xonsh", "pwsh":
		return true
	}
	return false
}

// bare says that one of those is given nothing to run: options, but no -c.
func (c *call) bare() bool {
	return c.action.Stdin.Kind == command.InputShell && !slices.ContainsFunc(c.action.Args(), func(w word.Word) bool {
		v, ok := w.Value()
		return !ok || !strings.HasPrefix(v, "-") || strings.HasPrefix(v, "-c") || strings.HasPrefix(v, "--")
	})
}

// gate is what a line leaves of the gate of the shell that it was typed into.
// A variable alone comes back with the other one, before the next prompt, and
// what a person put there runs behind it; both at once leave nothing that
// could bring them back but guardsh, which types them in; without what the gate
// is written with, or what it knows, there is none.
func (c *call) gate() {
	var names []string
	variables, own, lost := 0, true, false
	for _, l := range c.action.Left {
		name := l.Name
		switch l.Kind {
		case command.LeftVariable:
			if !slices.Contains(command.GateVariables, name) {
				lost = true
				break
			}
			variables++
			own = own && !l.Unset && !l.Fixed && !l.Value.Is("")
		case command.LeftFunction:
			name, lost = "the function "+name, true
		case command.LeftBuiltin:
			name, lost = name+" (switched off)", true
		case command.LeftOption:
			name, lost = "set -o "+name, true
		}
		names = append(names, name)
	}
	e := c.effect(GuardChange)
	switch {
	case lost, variables > 1 && !own:
		e.mark("lost")
	case variables > 1:
		e.mark("later")
	case own:
		e.mark("own")
	}
	e.param("names", names...)
	c.emit(e, Object{Type: Other, Name: "gate"})
}

// preloaded is code that a line has the loader put into a program, from where
// everybody may write.
func (c *call) preloaded() {
	for _, as := range c.action.Env {
		if as.Name != "LD_PRELOAD" && as.Name != "LD_AUDIT" {
			continue
		}
		for _, v := range as.Value.Values {
			for _, lib := range strings.FieldsFunc(v, func(r rune) bool { return r == ':' || r == ' ' }) {
				for _, d := range [...]string{"/tmp/", "/var/tmp/", "/dev/shm/"} {
					if strings.HasPrefix(lib, d) {
						c.emit(c.effect(RunUnknown, "preload"), Object{Type: Code, Name: lib, Word: as.Value})
					}
				}
			}
		}
	}
}
