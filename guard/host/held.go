package host

import (
	"bytes"
	"os"
	"os/user"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// holdKinds are the effects for which it matters who has the object open. Not
// deleting: a file that is open lives on.
var holdKinds = map[effect.Kind]bool{
	effect.Overwrite: true, effect.Truncate: true, effect.Append: true, effect.Move: true,
	effect.Unmount: true, effect.Kill: true, effect.Fsck: true, effect.DBChange: true,
}

// heldBudget bounds the search through all processes' descriptors.
const heldBudget = 40 * time.Millisecond

// maxHolders is how many are named.
const maxHolders = 16

// target is something that processes may have open.
type target struct {
	dev, ino uint64
	mount    string // instead: all that lies on the mount at this point
	of       *rules.ObjectFact
}

// holders finds who has the paths open.
func (g *gathering) holders(list []*wanted) {
	var targets []*target
	for _, x := range list {
		if !x.held || !x.spot.Exists || x.spot.Denied != "" {
			continue
		}
		t := &target{dev: x.spot.Dev, ino: x.spot.Ino, of: x.of}
		if x.unmount {
			t.mount = g.w.root + x.spot.Real
			if x.of.Path.Type == "block" {
				// umount takes a device, too.
				if t.mount = g.table.mountOf(x.spot.Rdev); t.mount == "" {
					continue
				}
			}
			targets = append(targets, t)
			g.otherNamespaces(t)
			continue
		}
		if x.of.Path.Type != "file" {
			continue
		}
		if m := g.table.of(g.w.root + x.spot.Real); m != nil && mayHang(m) {
			continue // not worth a helper; rules do not depend on it
		}
		if !unshared(g.w.root + x.spot.Real) {
			targets = append(targets, t)
		}
	}
	if len(targets) == 0 {
		return
	}
	if !g.scan(targets, time.Now().Add(min(heldBudget, g.left()))) {
		for _, t := range targets {
			unknownf(t.of, "open files: not all processes were looked at within %d ms", heldBudget.Milliseconds())
		}
	}
}

// unshared says that certainly nobody has a file open. The kernel grants a
// write lease only then, which takes two microseconds instead of the search
// through all processes; it is given back at once.
func unshared(name string) bool {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return false
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	return err == nil
}

// otherNamespaces adds a process of each other mount namespace that has the
// file system, too: it stays in use there.
func (g *gathering) otherNamespaces(t *target) {
	m := g.table.at[t.mount]
	if m == nil || pseudo[m.FSType] {
		return
	}
	for _, pid := range mountNamespaces() {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/mountinfo")
		if err != nil {
			continue
		}
		for _, o := range parseMounts(b).all {
			if o.Major == m.Major && o.Minor == m.Minor && len(t.of.Path.HeldBy) < maxHolders {
				t.of.Path.HeldBy = append(t.of.Path.HeldBy, holder(pid))
				break
			}
		}
	}
}

// scan looks through every process that may be looked at; false when time ran
// out. Nothing on a mount that may hang is touched: a descriptor's text is
// compared first.
func (g *gathering) scan(targets []*target, until time.Time) bool {
	pids, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	self := os.Getpid()
	for _, e := range pids {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == self {
			continue
		}
		if time.Now().After(until) {
			return false
		}
		base := "/proc/" + e.Name()
		links := []string{base + "/cwd", base + "/root", base + "/exe"}
		if fds, err := os.ReadDir(base + "/fd"); err == nil {
			for _, fd := range fds {
				links = append(links, base+"/fd/"+fd.Name())
			}
		}
		for _, t := range targets {
			if len(t.of.Path.HeldBy) >= maxHolders {
				continue
			}
			if g.holds(links, t) && !slices.ContainsFunc(t.of.Path.HeldBy, func(h rules.Holder) bool { return h.PID == pid }) {
				t.of.Path.HeldBy = append(t.of.Path.HeldBy, holder(pid))
			}
		}
	}
	return true
}

// holds says whether one of a process's links is the target.
func (g *gathering) holds(links []string, t *target) bool {
	name := t.of.Path.Real
	for _, l := range links {
		text, err := os.Readlink(l)
		if err != nil || !path.IsAbs(text) {
			continue
		}
		if t.mount != "" {
			if _, ok := relative(t.mount, text); ok {
				return true
			}
			continue
		}
		// The text may be another name (a container's, a hard link's): the
		// base is compared only to save the stat of the most.
		if text != name && path.Base(text) != path.Base(name) {
			continue
		}
		if m := g.table.of(text); m != nil && mayHang(m) {
			continue
		}
		var st unix.Stat_t
		if unix.Stat(l, &st) == nil && uint64(st.Dev) == t.dev && st.Ino == t.ino {
			return true
		}
	}
	return false
}

// holder is what people know a process by.
func holder(pid int) rules.Holder {
	h := rules.Holder{PID: pid}
	base := "/proc/" + strconv.Itoa(pid)
	if b, err := os.ReadFile(base + "/comm"); err == nil {
		h.Name = strings.TrimSpace(string(b))
	}
	if st, err := os.ReadFile(base + "/status"); err == nil {
		for line := range bytes.Lines(st) {
			if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "Uid:" {
				h.User = userName(f[1])
			}
		}
	}
	h.TTY = ttyOf(base)
	h.Container = containerOf(base)
	return h
}

func userName(uid string) string {
	if uid == "0" {
		return "root"
	}
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}

// ttyOf is a process's controlling terminal, by its number in stat.
func ttyOf(base string) string {
	b, err := os.ReadFile(base + "/stat")
	if err != nil {
		return ""
	}
	// The name in parentheses may hold anything.
	_, rest, ok := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
	f := strings.Fields(rest)
	if !ok || len(f) < 5 {
		return ""
	}
	n, err := strconv.Atoi(f[4])
	if err != nil || n == 0 {
		return ""
	}
	major, minor := n>>8&0xfff, n&0xff|n>>12&0xfff00
	switch {
	case major >= 136 && major <= 143:
		return "pts/" + strconv.Itoa((major-136)*256+minor)
	case major == 4 && minor < 64:
		return "tty" + strconv.Itoa(minor)
	case major == 4:
		return "ttyS" + strconv.Itoa(minor-64)
	}
	return ""
}

// containerMarks are how control groups of containers are named; what follows
// is the container's id or name.
var containerMarks = [...]string{"/docker/", "/docker-", "/libpod-", "/lxc.payload.", "/lxc/", "/machine.slice/machine-", "/crio-", "/cri-containerd-"}

// containerOf is the container that a process runs in, by its control group.
func containerOf(base string) string {
	b, err := os.ReadFile(base + "/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		for _, mark := range containerMarks {
			_, rest, ok := strings.Cut(strings.TrimSpace(line), mark)
			if !ok {
				continue
			}
			id, _, _ := strings.Cut(rest, "/")
			id = strings.TrimSuffix(id, ".scope")
			if len(id) == 64 { // a full hash; people use the first twelve
				id = id[:12]
			}
			return id
		}
	}
	return ""
}

// mountNamespaces gives one process of every mount namespace that may be
// looked at, ours not counted.
func mountNamespaces() []int {
	own, _ := os.Readlink("/proc/self/ns/mnt")
	seen := []string{own}
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		ns, err := os.Readlink("/proc/" + e.Name() + "/ns/mnt")
		if err != nil || slices.Contains(seen, ns) {
			continue
		}
		seen = append(seen, ns)
		pids = append(pids, pid)
	}
	return pids
}
