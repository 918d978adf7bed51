package host

import (
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules/command"
)

// Bounds of one pattern. What has more names than a command line could hold is
// better left unknown.
const maxNames = 32 * 1024

var globBudget = 100 * time.Millisecond

var (
	errTooMany = errors.New("too many names")
	errNoTime  = errors.New("took too long")
)

// globber expands one pattern, component by component, as bash does.
type globber struct {
	wk    *walker
	cwd   string
	opts  command.GlobOptions
	until time.Time
	names []string
}

// glob expands a pattern that is absolute or below cwd.
func glob(wk *walker, cwd, pattern string, opts command.GlobOptions) ([]string, error) {
	g := &globber{wk: wk, cwd: cwd, opts: opts, until: time.Now().Add(Fair(globBudget))}
	prefix := ""
	rest := pattern
	for strings.HasPrefix(rest, "/") {
		prefix, rest = prefix+"/", rest[1:]
	}
	if err := g.expand(prefix, rest, false); err != nil {
		return nil, err
	}
	slices.Sort(g.names)
	return slices.Compact(g.names), nil
}

// expand matches rest, which does not begin with a slash, below prefix, which
// is "" or ends in one. Once a component was a pattern (matched), bash writes
// single slashes.
func (g *globber) expand(prefix, rest string, matched bool) error {
	if len(g.names) > maxNames {
		return errTooMany
	}
	if time.Now().After(g.until) {
		return errNoTime
	}
	if rest == "" {
		if prefix == "" {
			return nil
		}
		return g.keep(prefix)
	}
	name, after := cut(rest)
	last := after == ""
	slashes := ""
	for strings.HasPrefix(after, "/") {
		slashes, after = slashes+"/", after[1:]
	}
	if g.opts.GlobStar && name == "**" {
		return g.star(prefix, after, last, matched)
	}
	if slashes != "" && (matched || special(name, g.opts.ExtGlob)) {
		slashes = "/"
	}
	if !special(name, g.opts.ExtGlob) {
		name = unquote(name)
		if last {
			return g.keep(prefix + name)
		}
		return g.expand(prefix+name+slashes, after, matched)
	}
	entries, err := g.list(prefix)
	if err != nil {
		return err
	}
	m := matcher{opts: g.opts}
	for _, e := range entries {
		if !m.match(name, e.Name()) {
			continue
		}
		if last {
			g.names = append(g.names, prefix+e.Name())
			if len(g.names) > maxNames {
				return errTooMany
			}
			continue
		}
		if t := e.Type(); t != 0 && t&(os.ModeDir|os.ModeSymlink) == 0 {
			continue
		}
		if err := g.expand(prefix+e.Name()+slashes, after, true); err != nil {
			return err
		}
	}
	return nil
}

// star is "**": no directory, or any number of them; links are not followed.
func (g *globber) star(prefix, after string, last, matched bool) error {
	if len(g.names) > maxNames {
		return errTooMany
	}
	if time.Now().After(g.until) {
		return errNoTime
	}
	switch {
	case !last:
		// "x/**/y": y in this directory, too. "**/**" is "**".
		for strings.HasPrefix(after, "**/") {
			after = strings.TrimLeft(after[2:], "/")
		}
		if err := g.expand(prefix, after, true); err != nil {
			return err
		}
	case prefix != "":
		if matched {
			prefix = strings.TrimSuffix(prefix, "/")
		}
		if err := g.keep(prefix); err != nil {
			return err
		}
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return g.below(prefix, after, last)
}

func (g *globber) below(prefix, after string, last bool) error {
	entries, err := g.list(prefix)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !g.opts.DotGlob && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if last {
			g.names = append(g.names, prefix+e.Name())
			if len(g.names) > maxNames {
				return errTooMany
			}
		}
		if !last && after == "" && e.Type()&os.ModeSymlink != 0 {
			// "**/" names links to directories, without going on below.
			if err := g.keep(prefix + e.Name() + "/"); err != nil {
				return err
			}
		}
		if e.IsDir() {
			sub := prefix + e.Name() + "/"
			if !last {
				if err := g.expand(sub, after, true); err != nil {
					return err
				}
			}
			if time.Now().After(g.until) {
				return errNoTime
			}
			if err := g.below(sub, after, last); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep adds a name without a pattern, if it is there.
func (g *globber) keep(name string) error {
	s, err := g.wk.find(g.path(name), false)
	var h hangs
	switch {
	case errors.As(err, &h):
		return err
	case err == nil && s.Exists && (!strings.HasSuffix(name, "/") || s.isDir()):
		g.names = append(g.names, name)
	}
	return nil
}

// list reads a directory; what cannot be read holds nothing, as for bash.
func (g *globber) list(prefix string) ([]os.DirEntry, error) {
	s, err := g.wk.find(g.path(prefix)+"/", true)
	var h hangs
	if errors.As(err, &h) {
		return nil, err
	}
	if err != nil || !s.isDir() {
		return nil, nil
	}
	f, err := os.OpenFile(g.wk.root+s.Real, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	entries, err := f.ReadDir(maxNames + 1)
	if len(entries) > maxNames {
		return nil, errTooMany
	}
	if err != nil && len(entries) == 0 {
		return nil, nil
	}
	return entries, nil
}

func (g *globber) path(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return g.cwd + "/" + name
}

// cut splits a pattern before its first slash that is not quoted.
func cut(p string) (name, rest string) {
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			if i+1 < len(p) && p[i+1] != '/' {
				i++
			}
		case '/':
			return p[:i], p[i:]
		}
	}
	return p, ""
}

// special says whether a component is a pattern at all.
func special(p string, extglob bool) bool {
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '\\':
			i++
		case '*', '?':
			return true
		case '[':
			if _, ok := bracketEnd(p, i); ok {
				return true
			}
		case '+', '@', '!':
			if extglob && i+1 < len(p) && p[i+1] == '(' {
				return true
			}
		}
	}
	return false
}

func unquote(p string) string {
	if !strings.Contains(p, `\`) {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		b.WriteByte(p[i])
	}
	return b.String()
}
