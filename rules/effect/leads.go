package effect

import (
	"maps"
	"path"
	"strings"

	"guardsh/rules/command"
)

// leads is where names lead since the line itself made links or mounted
// directories: no world can see that before it runs.
type leads struct {
	links  map[string]string // symbolic link → what it points at
	mounts map[string]string // mount point → directory that is shown there
}

// maxLeads bounds what is remembered of one line.
const maxLeads = 64

// after is what holds after some more effects.
func (l *leads) after(effects []Effect) *leads {
	for i := range effects {
		e := &effects[i]
		if e.Object.Type != Path || e.Object.Name == "" || e.Place.Kind != command.Here {
			continue
		}
		name := path.Clean(e.Object.Name)
		switch {
		case e.Kind == Mount && e.Has("bind") && e.Source != nil && path.IsAbs(e.Source.Name):
			l = l.with(func(n *leads) { n.mounts[name] = path.Clean(e.Source.Name) })
		case e.Has("symbolic") && len(e.Params["to"]) == 1 && path.Clean(e.Params["to"][0]) != name && !e.Has("inside"):
			l = l.with(func(n *leads) { n.links[name] = path.Clean(e.Params["to"][0]) })
		case e.Kind == Unmount || e.Kind == Delete || e.Kind == Move:
			if l != nil && (l.links[name] != "" || l.mounts[name] != "") {
				l = l.with(func(n *leads) { delete(n.links, name); delete(n.mounts, name) })
			}
		}
	}
	return l
}

// with is a copy that f changes.
func (l *leads) with(f func(*leads)) *leads {
	n := &leads{links: map[string]string{}, mounts: map[string]string{}}
	if l != nil {
		maps.Copy(n.links, l.links)
		maps.Copy(n.mounts, l.mounts)
	}
	if len(n.links)+len(n.mounts) < maxLeads {
		f(n)
	}
	return n
}

// to gives an effect's object the name that it has without the links and
// mounts of the line.
func (l *leads) to(e *Effect) {
	if e.Place.Kind != command.Here || e.Kind == Mount || e.Kind == Remount || e.Kind == Unmount {
		return // a mount point is meant as it is
	}
	if name := e.Object.Name; name != "" {
		if tidy := tidied(name); l.real(tidy) != tidy {
			name = tidy
		}
		e.Object.Name = l.real(name)
		for range 8 {
			to := l.links[path.Clean(e.Object.Name)]
			if to == "" || !through(e) {
				break
			}
			e.Object.Name = l.real(to)
		}
	} else if p := e.Object.Pattern; p != "" {
		e.Object.Pattern = l.real(p)
	}
}

// through reports an act that goes through a link which its object is. What a
// plain copy or a redirection writes goes there; what deletes, moves or makes a
// link takes the link itself.
func through(e *Effect) bool {
	switch e.Kind {
	case Overwrite, Truncate, Append:
		return !e.Has("replace") && !e.Has("link")
	case Metadata:
		return !e.Has("nofollow") && !e.Has("recursive")
	case RawWrite, Format, WriteTree:
		return true
	}
	return false
}

// tidied is a name without steps that lead nowhere; the slash at its end stays.
func tidied(name string) string {
	clean := path.Clean(name)
	if strings.HasSuffix(name, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// real is a name without them. A link itself, with nothing behind it, stays
// one.
func (l *leads) real(name string) string {
	for range 8 { // a link may lead to another
		best, to := "", ""
		for dir, target := range l.mounts {
			if len(dir) > len(best) && (name == dir || strings.HasPrefix(name, dir+"/")) {
				best, to = dir, target
			}
		}
		for link, target := range l.links {
			if len(link) > len(best) && strings.HasPrefix(name, link+"/") {
				best, to = link, target
			}
		}
		if best == "" {
			return name
		}
		name = strings.TrimSuffix(to, "/") + name[len(best):]
		if name == "" {
			name = "/"
		}
	}
	return name
}
