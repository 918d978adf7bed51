package host

import (
	"bufio"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"guardsh/rules"
)

// Protection is what a policy says about real paths.
type Protection interface {
	// Class says how much the system leans on a real path, by its name
	// alone.
	Class(real string) rules.Class
	// Paths are the protected paths, as real names; not what lies below.
	Paths() []string
	// Mark sets Account, Kernel, Loader and Config of a path.
	Mark(real string, f *rules.PathFact)
}

// weight orders classes: a path with several names has the heaviest.
var weight = map[rules.Class]int{
	rules.Scratch: 0, rules.Ordinary: 1, rules.Special: 2, rules.Inside: 3, rules.MountAt: 4,
	rules.HomeRoot: 5, rules.Site: 6, rules.System: 7, rules.Root: 8,
}

func heavier(a, b rules.Class) rules.Class {
	if weight[b] > weight[a] {
		return b
	}
	return a
}

// homeCache is what the password file said.
type homeCache struct {
	read time.Time // its mtime
	size int64
	of   map[string]string // by account
	dirs map[string]bool   // homes of people and root, and the directories that hold them
}

// nologin are shells of accounts that nobody logs in to: their "home" is a
// directory of some service.
var nologin = map[string]bool{"nologin": true, "false": true, "sync": true, "halt": true, "shutdown": true}

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
		if err != nil || nologin[path.Base(field[6])] {
			continue
		}
		// People and root; services have their homes in /var and are
		// protected by that.
		if home := path.Clean(field[5]); (uid == 0 || uid >= 1000) && home != "/" {
			c.dirs[home] = true
			if up := path.Dir(home); uid != 0 && up != "/" {
				c.dirs[up] = true
			}
		}
	}
	w.homes = c
	return c
}

// classOf is the class of a real path under all its names.
func (w *World) classOf(t *mountTable, real string) rules.Class {
	c := w.classByName(real)
	if m := t.at[w.root+real]; m != nil && real != "/" && !pseudo[m.FSType] {
		c = heavier(c, rules.MountAt)
	}
	for _, a := range t.aliases(w.root + real) {
		if a, ok := relative(w.root, a); ok {
			c = heavier(c, w.classByName("/"+a))
		}
	}
	return c
}

// pseudo are file systems whose mount points are the kernel's, not data.
var pseudo = map[string]bool{
	"proc": true, "sysfs": true, "devtmpfs": true, "devpts": true, "cgroup": true, "cgroup2": true, "mqueue": true,
	"debugfs": true, "tracefs": true, "securityfs": true, "pstore": true, "bpf": true, "configfs": true,
	"binfmt_misc": true, "fusectl": true, "rpc_pipefs": true, "nsfs": true, "efivarfs": true, "hugetlbfs": true,
}

func (w *World) classByName(real string) rules.Class {
	c := w.opts.Protect.Class(real)
	if w.passwd().dirs[real] || real == path.Clean(w.env["HOME"]) && real != "." {
		c = heavier(c, rules.HomeRoot)
	}
	return c
}

// protectedBelow lists the protected paths at and below a real directory that
// are really there, and the mounts below it.
func (w *World) protectedBelow(t *mountTable, real string) []string {
	var list []string
	add := func(p string) bool {
		for _, have := range list {
			if have == p {
				return true
			}
		}
		list = append(list, p)
		return len(list) < maxNamed
	}
	for _, p := range w.opts.Protect.Paths() {
		if _, ok := relative(real, p); ok && w.there(t, p) && !add(p) {
			return list
		}
	}
	for home := range w.passwd().dirs {
		if _, ok := relative(real, home); ok && w.there(t, home) && !add(home) {
			return list
		}
	}
	for _, m := range t.below(w.root + real) {
		name, _ := relative(w.root, m.Mountpoint)
		if !add("/" + name) {
			return list
		}
	}
	return list
}

// maxNamed bounds what is listed by name; nobody reads more.
const maxNamed = 64

// there says whether a protected path exists, without touching a mount that
// may hang (such a one counts as there).
func (w *World) there(t *mountTable, p string) bool {
	s, err := w.walker(t, "", true).find(p, false)
	return err != nil || s.Exists
}
