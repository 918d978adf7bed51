package host

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// sysBlock is where the kernel lists every block device by its numbers.
const sysBlock = "/sys/dev/block"

// sessionOf finds the iSCSI session in a device's place in sysfs.
var sessionOf = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`/(session[0-9]+)/`) })

// iscsiTargets are the targets that this host is logged in to, by name where
// the kernel tells it.
func iscsiTargets() []string {
	sessions, _ := os.ReadDir("/sys/class/iscsi_session")
	var names []string
	for _, s := range sessions {
		name := sysText("/sys/class/iscsi_session/"+s.Name(), "targetname")
		if name == "" {
			name = s.Name()
		}
		names = append(names, name)
	}
	return names
}

// lunUsers says what is mounted, or otherwise used, from the disks that the
// command takes away: those of a target's session, or of a multipath device.
func lunUsers(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	target := ""
	if e.Object.Type == effect.Volume {
		target = e.Object.Name
	}
	g.usersOf(of, func(dir, real string) (string, bool) {
		session := ""
		if m := sessionOf().FindStringSubmatch(real); m != nil {
			session = m[1]
		}
		switch {
		case strings.HasPrefix(e.Command, "multipath") || e.Object.Name == "multipathd":
			dm := sysText(dir, "dm/name")
			if strings.HasPrefix(sysText(dir, "dm/uuid"), "mpath-") {
				return dm, target == "" || target == dm || target == "/dev/mapper/"+dm
			}
			return "", target == "" && (session != "" || strings.Contains(real, "/rport-"))
		case session == "":
			return "", false
		}
		name := sysText("/sys/class/iscsi_session/"+session, "targetname")
		return name, target == "" || name == "" || name == target
	})
}

// sysfsUsers says who uses the disks below a device of sysfs that is taken
// away.
func sysfsUsers(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	dir, err := filepath.EvalSymlinks(path.Dir(path.Clean(e.Object.Name)))
	if err != nil {
		return
	}
	g.usersOf(of, func(_, real string) (string, bool) {
		return "", strings.HasPrefix(real, dir+"/") || real == dir
	})
}

// usersOf adds the users of every block device that is meant; meant gets its
// directory, and that with every link resolved, and may give it another name.
func (g *gathering) usersOf(of *rules.ObjectFact, meant func(dir, real string) (string, bool)) {
	entries, _ := os.ReadDir(sysBlock)
	var st *stack
	for _, en := range entries {
		major, minor, ok := parseDev(en.Name())
		if !ok {
			continue
		}
		dir := sysDir(major, minor)
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		name, ok := meant(dir, real)
		if !ok {
			continue
		}
		if st == nil {
			st = g.stack()
		}
		var d rules.DeviceFact
		st.users(&d, major, minor, "", 0)
		label := path.Base(real)
		if name != "" && name != label {
			label += " (" + name + ")"
		}
		for _, u := range d.Users {
			of.Device.Users = append(of.Device.Users, label+" is "+u)
		}
		for _, m := range d.Mounts {
			if !slices.Contains(of.Device.Mounts, m) {
				of.Device.Mounts = append(of.Device.Mounts, m)
			}
		}
	}
}

// volumeUsers says what lies on logical volumes, and who uses them: on one, or
// on all of a group.
func volumeUsers(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	name := strings.TrimPrefix(e.Object.Name, "/dev/")
	if name == "" || e.Object.Type != effect.Volume || strings.Contains(name, "..") {
		return
	}
	nodes := []string{"/dev/" + name}
	if !strings.Contains(name, "/") {
		nodes, _ = filepath.Glob("/dev/" + quote(name) + "/*")
	}
	var st *stack
	for _, node := range nodes[:min(len(nodes), maxNamed)] {
		var s unix.Stat_t
		if unix.Stat(node, &s) != nil || s.Mode&unix.S_IFMT != unix.S_IFBLK {
			continue
		}
		if st == nil {
			st = g.stack()
		}
		one := rules.ObjectFact{Path: rules.PathFact{Real: node, Exists: true, Type: "block"}}
		g.device(&one, st, int(unix.Major(uint64(s.Rdev))), int(unix.Minor(uint64(s.Rdev))))
		if len(nodes) == 1 {
			of.Device = one.Device
		} else {
			for _, u := range one.Device.Users {
				of.Device.Users = append(of.Device.Users, path.Base(node)+" is "+u)
			}
			for _, c := range one.Device.Carries {
				of.Device.Carries = append(of.Device.Carries, path.Base(node)+": "+c)
			}
			of.Device.Mounts = append(of.Device.Mounts, one.Device.Mounts...)
			of.Device.InUse = of.Device.InUse || one.Device.InUse
		}
		of.Unknown = append(of.Unknown, one.Unknown...)
	}
}

// mapperUsers says what lies on a device of the device mapper and who uses it;
// without a name, who uses any. The kernel's own list is read: a node below
// /dev/mapper may be missing, or of another name.
func mapperUsers(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	name := e.Object.Name
	if e.Object.Type != effect.Volume {
		return
	}
	if name == "" {
		g.usersOf(of, func(dir, _ string) (string, bool) {
			dm := sysText(dir, "dm/name")
			return dm, dm != ""
		})
		return
	}
	var node unix.Stat_t
	if strings.Contains(name, "/") && (unix.Stat(name, &node) != nil || node.Mode&unix.S_IFMT != unix.S_IFBLK) {
		name = path.Base(name)
	}
	entries, _ := os.ReadDir(sysBlock)
	for _, en := range entries {
		major, minor, ok := parseDev(en.Name())
		if !ok {
			continue
		}
		dir := sysDir(major, minor)
		dm := sysText(dir, "dm/name")
		if dm == "" || name != dm && name != sysText(dir, "dm/uuid") && node.Rdev != unix.Mkdev(uint32(major), uint32(minor)) {
			continue
		}
		one := rules.ObjectFact{Path: rules.PathFact{Real: "/dev/" + deviceName(dir), Exists: true, Type: "block"}}
		g.device(&one, g.stack(), major, minor)
		of.Device = one.Device
		of.Unknown = append(of.Unknown, one.Unknown...)
		return
	}
}
