package host

import (
	"path"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// What a program was given beside its objects: options, variables, a working
// directory.

// userOf is the account an effect runs as, for Home: "" is the session's.
func userOf(e *effect.Effect) string {
	if e.User == "?" {
		return ""
	}
	return e.User
}

// action is the one that an effect is of; nil where there is none.
func (g *gathering) action(e *effect.Effect) *command.Action {
	if g.line == nil || e.Action < 0 || e.Action >= len(g.line.Actions) {
		return nil
	}
	return &g.line.Actions[e.Action]
}

// absolute is a path as an effect's program will find it.
func (g *gathering) absolute(e *effect.Effect, p string) string {
	if strings.HasPrefix(p, "~/") {
		if home, err := g.w.Home(userOf(e)); err == nil {
			return home + p[1:]
		}
	}
	if cwd := g.cwdOf(e); !path.IsAbs(p) && cwd != "" {
		return path.Join(cwd, p)
	}
	return p
}

// aim is a variable that the program of an effect will find; false when its
// value is not known.
func (g *gathering) aim(e *effect.Effect, name string) (string, bool) {
	a := g.action(e)
	if a == nil {
		return "", true
	}
	for _, v := range a.Env {
		if v.Name == name {
			return v.Value.Value()
		}
	}
	return "", true
}

// cwdOf is an effect's working directory; "" when it is not known.
func (g *gathering) cwdOf(e *effect.Effect) string {
	a := g.action(e)
	if a == nil {
		return ""
	}
	v, _ := a.Cwd.Value()
	return v
}

// options are the values of long and short options with one value, by name
// without dashes: of those asked for, the last.
func (g *gathering) options(e *effect.Effect, names ...string) map[string]string {
	values := map[string]string{}
	g.eachOption(e, names, func(name, value string) { values[name] = value })
	return values
}

// eachOption calls f for each of the named options that stands on the line, in
// their order.
func (g *gathering) eachOption(e *effect.Effect, names []string, f func(name, value string)) {
	a := g.action(e)
	if a == nil {
		return
	}
	wanted := make(map[string]bool, len(names))
	for _, n := range names {
		wanted[n] = true
	}
	for i, w := range a.Argv {
		v, ok := w.Value()
		if !ok || !strings.HasPrefix(v, "-") {
			continue
		}
		name, val, joined := strings.Cut(strings.TrimLeft(v, "-"), "=")
		short := !strings.HasPrefix(v, "--") && len(v) > 2
		switch {
		case short && wanted[v[1:2]]: // -nprod
			f(v[1:2], strings.TrimPrefix(v[2:], "="))
		case !wanted[name]:
		case joined:
			f(name, val)
		case i+1 < len(a.Argv):
			value, _ := a.Argv[i+1].Value()
			f(name, value)
		}
	}
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
