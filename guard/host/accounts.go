package host

import (
	"os"
	"os/user"
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/effect"
)

// maxGroupFile bounds /etc/group; a directory's groups are not in it anyway.
const maxGroupFile = 1 << 20

// adminGroups are the groups whose members become root by sudo on the common
// distributions.
var adminGroups = []string{"sudo", "wheel", "admin"}

// accounts fills in whose accounts are changed: the one that types, one that
// may become root, the last of those.
func (g *gathering) accounts() {
	var admins []string
	read := false
	for i := range g.effects {
		e := &g.effects[i]
		if e.Object.Type != effect.Account || !local(e) {
			continue
		}
		of, fresh := g.object(&e.Object)
		if !fresh {
			continue
		}
		name := e.Object.Name
		if name == "" && (e.User == "" || e.User == "?") {
			name = g.facts.Session.User
		} else if name == "" {
			name = e.User
		}
		if !read {
			admins, read = g.w.admins(), true
			if admins == nil {
				unknownf(of, "who may become root: /etc/group cannot be read")
			}
		}
		a := &of.Account
		a.Self = name != "root" && (name == g.facts.Session.User || name == g.w.env["SUDO_USER"])
		a.Admin = slices.Contains(admins, name)
		a.LastAdmin = a.Admin && len(admins) == 1
		a.Guarded = g.w.guarded(name)
	}
}

// admins is the members of the groups whose members may become root; nil where
// that cannot be read.
func (w *World) admins() []string {
	b, err := w.ReadFile("/etc/group", maxGroupFile)
	if err != nil {
		return nil
	}
	out := []string{}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || !slices.Contains(adminGroups, f[0]) {
			continue
		}
		for m := range strings.SplitSeq(f[3], ",") {
			if m != "" && m != "root" && !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out
}

// Administrator says whether this process is in one of the groups whose members
// become root by sudo. It holds what the login gave it, and not what /etc/group
// has become since, as it is with sudo.
func Administrator() bool {
	mine, err := os.Getgroups()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(adminGroups, func(name string) bool {
		g, err := user.LookupGroup(name)
		if err != nil {
			return false
		}
		gid, err := strconv.Atoi(g.Gid)
		return err == nil && slices.Contains(mine, gid)
	})
}

// guarded says whether an account's login shell is guardsh.
func (w *World) guarded(name string) bool {
	b, err := w.ReadFile("/etc/passwd", maxGroupFile)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[0] == name {
			return path.Base(f[6]) == "guardsh"
		}
	}
	return false
}
