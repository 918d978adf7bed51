package host

import (
	"bytes"
	"maps"
	"os"
	"os/user"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
	"guardsh/rules"
	"guardsh/rules/effect"
)

// holdKind reports an effect for which it matters who has the object open. Not
// deleting: a file that is open lives on.
func holdKind(k effect.Kind) bool {
	switch k {
	case effect.Overwrite, effect.Truncate, effect.Append, effect.Move, effect.Unmount, effect.Kill, effect.Fsck, effect.DBChange:
		return true
	}
	return false
}

// heldBudget bounds the search through all processes' descriptors.
var heldBudget = 40 * time.Millisecond

// maxHolders is how many are named.
const maxHolders = 16

// target is something that processes may have open.
type target struct {
	dev, ino uint64
	mount    string                // instead: all that lies on the mount at this point
	away     map[string]*awayMount // and its places in other mount namespaces, by the namespace's name
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
			if g.w.root == "" {
				g.otherNamespaces(t)
			}
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
	budget := min(Fair(heldBudget), g.left())
	complete := g.scan(targets, time.Now().Add(budget))
	for _, t := range targets {
		t.keepers()
	}
	if !complete {
		for _, t := range targets {
			unknownf(t.of, "open files: not all processes were looked at within %d ms", budget.Milliseconds())
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

// otherNamespaces finds where other mount namespaces have the file system, too,
// and would keep it: an unmount here goes on to them only through the mount
// below it.
func (g *gathering) otherNamespaces(t *target) {
	m := g.table.at[t.mount]
	if m == nil || pseudo(m.FSType) {
		return
	}
	for _, pid := range mountNamespaces() {
		base := "/proc/" + strconv.Itoa(pid)
		b, err := os.ReadFile(base + "/mountinfo")
		if err != nil {
			continue
		}
		ns, err := os.Readlink(base + "/ns/mnt")
		if err != nil {
			continue
		}
		theirs := parseMounts(b)
		for _, o := range theirs.all {
			if o.Major != m.Major || o.Minor != m.Minor {
				continue
			}
			if t.away == nil {
				t.away = map[string]*awayMount{}
			}
			t.away[ns] = &awayMount{point: o.Mountpoint, pid: pid, stays: !propagates(g.table, m, theirs, o)}
			break
		}
	}
}

// awayMount is a file system's place in another mount namespace.
type awayMount struct {
	point string
	pid   int  // one of the processes there
	stays bool // unmounting here leaves it mounted there
	found bool // a process that uses it was named
}

// propagates says whether unmounting m takes o in the other table along: the
// mount below o gets what happens on the one below m.
func propagates(ours *mountTable, m *mountinfo.Info, theirs *mountTable, o *mountinfo.Info) bool {
	below, under := ours.byID(m.Parent), theirs.byID(o.Parent)
	if below == nil || under == nil {
		return false
	}
	for _, tag := range strings.Fields(below.Optional) {
		group, ok := strings.CutPrefix(tag, "shared:")
		if !ok {
			continue
		}
		f := strings.Fields(under.Optional)
		return slices.Contains(f, "shared:"+group) || slices.Contains(f, "master:"+group)
	}
	return false
}

// keepers names a process of each namespace that keeps the mount though
// nothing there uses it now.
func (t *target) keepers() {
	for _, ns := range slices.Sorted(maps.Keys(t.away)) {
		a := t.away[ns]
		if a.stays && !a.found && len(t.of.Path.HeldBy) < maxHolders {
			h := holder(a.pid)
			h.Away = true
			t.of.Path.HeldBy = append(t.of.Path.HeldBy, h)
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
	own := ownProcesses()
	for _, e := range pids {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == self && !mounts(targets) {
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
		ns := ""
		for _, t := range targets {
			if len(t.of.Path.HeldBy) >= maxHolders {
				continue
			}
			mount, away := t.mount, (*awayMount)(nil)
			if len(t.away) > 0 {
				if ns == "" {
					ns, _ = os.Readlink(base + "/ns/mnt")
				}
				if away = t.away[ns]; away != nil {
					mount = away.point
				}
			}
			if !g.holds(links, t, mount) {
				continue
			}
			h := holder(pid)
			h.Own = own.has(pid)
			if away != nil {
				h.Away, away.found = true, true
			}
			t.of.Path.HeldBy = append(t.of.Path.HeldBy, h)
		}
	}
	return true
}

// holds says whether one of a process's links is the target.
// On a mount, mount is where that is for the process.
func (g *gathering) holds(links []string, t *target, mount string) bool {
	name := t.of.Path.Real
	for _, l := range links {
		text, err := os.Readlink(l)
		if err != nil || !path.IsAbs(text) {
			continue
		}
		if t.mount != "" {
			if _, ok := relative(mount, text); ok {
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

// mounts says whether one of the targets is a whole mount. What guardsh itself
// has open matters only there: its directory is the shell's.
func mounts(targets []*target) bool {
	return slices.ContainsFunc(targets, func(t *target) bool { return t.mount != "" })
}

// ownSession is this session's processes.
type ownSession struct {
	parents []int // guardsh, and what it was started by
	sid     int   // -1 not known
	tty     uint64
}

// maxParents bounds the way up; a login is five or six deep.
const maxParents = 64

func ownProcesses() ownSession {
	self, _ := proc.At("/proc/self")
	o := ownSession{sid: -1, tty: self.TTY}
	for pid := os.Getpid(); pid > 1 && len(o.parents) < maxParents; {
		o.parents = append(o.parents, pid)
		st, err := proc.Of(pid)
		if err != nil {
			break
		}
		if o.sid < 0 {
			o.sid = st.Session
		}
		pid = st.Parent
	}
	return o
}

// has says whether a process ends with the session, or the session with it.
func (o *ownSession) has(pid int) bool {
	if slices.Contains(o.parents, pid) {
		return true
	}
	// The shell of an interactive session is guardsh's child, on a terminal
	// and in a session of its own.
	st, err := proc.Of(pid)
	return err == nil && (o.tty != 0 && st.TTY == o.tty || st.Session == o.sid || st.Parent == os.Getpid())
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
	h.TTY = ttyOf(pid)
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
func ttyOf(pid int) string {
	st, err := proc.Of(pid)
	if err != nil || st.TTY == 0 {
		return ""
	}
	major, minor := int(unix.Major(st.TTY)), int(unix.Minor(st.TTY))
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
