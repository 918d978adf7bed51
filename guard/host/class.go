package host

import (
	"bufio"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"guardsh/rules"
)

// homeCache is what the password file said.
type homeCache struct {
	read time.Time // its mtime
	size int64
	of   map[string]string // by account
	dirs map[string]bool   // homes of people and root, and the directories that hold them
}

// nologin reports a shell of accounts that nobody logs in to: their "home" is a
// directory of some service.
func nologin(shell string) bool {
	switch shell {
	case "nologin", "false", "sync", "halt", "shutdown":
		return true
	}
	return false
}

// accounts maps users to their homes.
func (w *World) accounts() map[string]string {
	return w.passwd().of
}

// passwd reads the password file, again only when it changed.
func (w *World) passwd() homeCache {
	name := w.root + "/etc/passwd"
	w.mu.Lock()
	defer w.mu.Unlock()
	fi, err := os.Stat(name)
	if err != nil {
		return homeCache{}
	}
	if w.homes.of != nil && fi.ModTime().Equal(w.homes.read) && fi.Size() == w.homes.size {
		return w.homes
	}
	f, err := os.Open(name)
	if err != nil {
		return homeCache{}
	}
	defer f.Close()
	c := homeCache{read: fi.ModTime(), size: fi.Size(), of: map[string]string{}, dirs: map[string]bool{}}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		field := strings.Split(sc.Text(), ":")
		if len(field) < 7 || !path.IsAbs(field[5]) {
			continue
		}
		c.of[field[0]] = field[5]
		uid, err := strconv.Atoi(field[2])
		if err != nil || nologin(path.Base(field[6])) {
			continue
		}
		// People and root; services have their homes in /var and are
		// protected by that.
		if home := path.Clean(field[5]); (uid == 0 || uid >= 1000) && home != "/" {
			c.dirs[home] = true
			up := path.Dir(home)
			if own := w.opts.Protect.Class(up); uid != 0 && (own == rules.Ordinary || own == rules.HomeRoot) {
				c.dirs[up] = true
			}
		}
	}
	w.homes = c
	return c
}

// names are a real path and the others that lead to the same place through
// bind mounts.
func (w *World) names(t *mountTable, real string) []string {
	list := []string{real}
	for _, a := range t.aliases(w.root + real) {
		if a, ok := relative(w.root, a); ok {
			list = append(list, "/"+a)
		}
	}
	return list
}

// classOf is the class of a real path under all its names.
func (w *World) classOf(t *mountTable, real string, dir bool) rules.Class {
	c := rules.Scratch
	for _, n := range w.names(t, real) {
		c = rules.Higher(c, w.classByName(n))
	}
	if c == rules.Ordinary && dir {
		c = w.output(t, real)
	}
	if m := t.at[w.root+real]; dir && m != nil && !pseudo(m.FSType) {
		c = rules.Higher(c, rules.MountAt)
	}
	return c
}

// mark says what a path is under any of its names.
func (w *World) mark(t *mountTable, p *rules.PathFact) {
	for _, n := range w.names(t, p.Real) {
		p.Account = p.Account || w.opts.Protect.Account(n)
		p.Kernel = p.Kernel || w.opts.Protect.Kernel(n)
		p.Loader = p.Loader || w.opts.Protect.Loader(n)
		p.Config = p.Config || w.opts.Protect.Config(n)
	}
}

// pseudo reports a file system whose mount points are the kernel's, not data.
func pseudo(fstype string) bool {
	switch fstype {
	case "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs", "binfmt_misc", "fusectl",
		"rpc_pipefs", "nsfs", "efivarfs", "hugetlbfs":
		return true
	}
	return false
}

func (w *World) classByName(real string) rules.Class {
	c := w.opts.Protect.Class(real)
	if w.passwd().dirs[real] || path.IsAbs(real) && real == path.Clean(w.env["HOME"]) {
		c = rules.Higher(c, rules.HomeRoot)
	}
	return c
}

// maxNamed bounds what is listed by name; nobody reads more than a dozen.
const maxNamed = 12

// reach lists the protected paths at and below a real path that are really
// there, those that matter most first; for a whole tree the homes and mounts
// below, too.
func (w *World) reach(t *mountTable, real string, tree bool) []string {
	var list []string
	add := func(p string) {
		if len(list) < maxNamed && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	for _, n := range w.names(t, real) {
		for _, p := range w.opts.Protect.Reach(n, 0) {
			if len(list) < maxNamed && w.there(t, p) {
				add(p)
			}
		}
	}
	if !tree {
		return list
	}
	for _, home := range slices.Sorted(maps.Keys(w.passwd().dirs)) {
		if _, ok := relative(real, home); ok && w.there(t, home) {
			add(home)
		}
	}
	for _, m := range t.below(w.root + real) {
		name, _ := relative(w.root, m.Mountpoint)
		add("/" + name)
	}
	return list
}

// there says whether a protected path exists, without touching a mount that
// may hang (such a one counts as there).
func (w *World) there(t *mountTable, p string) bool {
	s, err := w.walker(t, "", true).find(p, false)
	return err != nil || s.Exists
}
