package rules

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// Own is a path of guardsh itself, or a pattern of such paths (path.Match):
// what lies below one belongs to it.
type Own struct {
	Path string
	What string // one of those below
}

// What a path of guardsh's own is.
const (
	OwnProgram       = "program"
	OwnConfiguration = "configuration"
	OwnTrail         = "trail"
	OwnSnapshots     = "snapshots"
	OwnState         = "state"   // a user's trail and snapshots
	OwnDoors         = "doors"   // what leads logins and sudo to guardsh
	OwnRuntime       = "runtime" // by which a session that runs is shown its lines
)

// ownPlaces is where they are on every machine. A site may have them elsewhere
// (Policy.Own).
var ownPlaces = []Own{
	{"/usr/bin/guardsh", OwnProgram}, {"/usr/sbin/guardsh", OwnProgram}, {"/usr/local/bin/guardsh", OwnProgram}, {"/usr/local/sbin/guardsh", OwnProgram},
	{"/etc/guardsh", OwnConfiguration}, {"/home/*/.config/guardsh", OwnConfiguration}, {"/root/.config/guardsh", OwnConfiguration},
	{"/etc/sudoers.d/guardsh", OwnDoors}, {"/etc/ssh/sshd_config.d/10-guardsh.conf", OwnDoors},
	{"/var/log/guardsh", OwnTrail}, {"/var/lib/guardsh", OwnSnapshots},
	{"/home/*/.local/state/guardsh", OwnState}, {"/root/.local/state/guardsh", OwnState},
	{"/run/guardsh", OwnRuntime}, {"/run/user/*/guardsh.[0-9]*", OwnRuntime}, {"/tmp/guardsh.[0-9]*", OwnRuntime}, {"/dev/shm/guardsh.[0-9]*", OwnRuntime},
}

// ownStore is the directory at the root of a filesystem that holds what was
// kept of it.
const ownStore = "/.guardsh"

// ownEverywhere is ownPlaces, each by the path that it is matched by.
var ownEverywhere = sync.OnceValue(func() []Own { return ownMerged(ownPlaces) })

func ownMerged(of []Own) []Own {
	out := slices.Clone(of)
	for i := range out {
		out[i].Path = merged(path.Clean(out[i].Path))
	}
	return out
}

// owns is what of guardsh's own there is on this machine.
func (s *Set) owns(yield func(Own) bool) {
	for _, list := range [...][]Own{ownEverywhere(), s.own} {
		for _, o := range list {
			if !yield(o) {
				return
			}
		}
	}
}

// ownAt is what of guardsh's own a real path is, or lies in; "" none.
func (s *Set) ownAt(p string) string {
	if p = merged(path.Clean(p)); !strings.HasPrefix(p, "/") {
		return ""
	}
	// The deepest counts: a trail may lie in the store's directory.
	at, what := "", ""
	for o := range s.owns {
		if d := above(p, o.Path); len(d) > len(at) {
			at, what = d, o.What
		}
	}
	if what == "" && strings.Contains(p+"/", ownStore+"/") {
		return OwnSnapshots
	}
	return what
}

// above is the part of a path that a pattern matches; "" none.
func above(p, pattern string) string {
	lit := pattern
	if i := strings.IndexAny(pattern, "*?[\\"); i >= 0 {
		lit = pattern[:i]
	}
	if !strings.HasPrefix(p, lit) {
		return ""
	}
	n := strings.Count(pattern, "/")
	end := len(p)
	for i, c := range p[1:] {
		if c == '/' {
			if n--; n == 0 {
				end = i + 1
				break
			}
		}
	}
	if p[:end] == pattern {
		return pattern
	}
	if ok, err := path.Match(pattern, p[:end]); ok && err == nil {
		return p[:end]
	}
	return ""
}

// ownBelow lists what of guardsh's own lies below a real path, each once: what is
// there on every machine that has it, and where the site has it.
func (s *Set) ownBelow(p string) (whats []string) {
	p = merged(path.Clean(p))
	if !strings.HasPrefix(p, "/") {
		return nil
	}
	below := strings.TrimSuffix(p, "/") + "/"
	for o := range s.owns {
		if !strings.HasPrefix(o.Path, below) || strings.ContainsAny(o.Path, "*[") || strings.HasPrefix(o.Path, "/root/") {
			continue
		}
		if !slices.Contains(whats, o.What) {
			whats = append(whats, o.What)
		}
	}
	return whats
}
