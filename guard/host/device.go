package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// sectorSize is the unit of every size in sysfs, whatever the disk's own is.
const sectorSize = 512

// maxStack bounds the walk through partitions and holders: disk, partition,
// raid, encryption, physical volume, logical volume, and as much again.
const maxStack = 12

// probeDeadline is for blkid, which reads some sectors of the device.
var probeDeadline = 100 * time.Millisecond

// carried reports an effect on a directory for which the device below the file
// system matters.
func carried(k effect.Kind) bool {
	switch k {
	case effect.Remount, effect.Unmount, effect.Fsck, effect.Format:
		return true
	}
	return false
}

// imageKind reports an effect for which a plain file may be a disk.
func imageKind(k effect.Kind) bool {
	switch k {
	case effect.Format, effect.Partition, effect.RawWrite:
		return true
	}
	return false
}

// stack is what the machine does with its block devices; read once a line.
type stack struct {
	mounts []*mountinfo.Info // of all mount namespaces that may be looked at
	swaps  []uint64          // device numbers
}

// devices fills in what the named devices carry and who uses them.
func (g *gathering) devices() {
	var st *stack
	for i := range g.effects {
		e := &g.effects[i]
		if !local(e) {
			continue
		}
		st = g.deviceOf(&e.Object, e, st)
		if e.Source != nil && e.Kind == effect.Mount {
			st = g.deviceOf(e.Source, e, st)
		}
	}
}

// deviceOf fills in the device that an object is or lies on.
func (g *gathering) deviceOf(o *effect.Object, e *effect.Effect, st *stack) *stack {
	of := g.facts.Objects[o.Key()]
	if of == nil || o.Name == "" || of.Device.Block {
		return st
	}
	p := &of.Path
	var major, minor int
	switch {
	case p.Type == "block":
		var s unix.Stat_t
		if unix.Stat(g.w.root+p.Real, &s) != nil {
			return st
		}
		major, minor = int(unix.Major(uint64(s.Rdev))), int(unix.Minor(uint64(s.Rdev)))
	case p.Type == "dir" && carried(e.Kind):
		m := g.table.at[g.w.root+p.Real]
		if m == nil || m.Major == 0 {
			return st
		}
		major, minor = m.Major, m.Minor
	case p.Type == "file" && imageKind(e.Kind):
		if loop := loopOver(g.w.root + p.Real); loop != "" {
			of.Device.InUse = true
			of.Device.Users = append(of.Device.Users, "attached as "+loop)
		}
		return st
	default:
		return st
	}
	if st == nil {
		st = g.stack()
	}
	g.device(of, st, major, minor)
	g.trouble(of, e, major, minor)
	return st
}

// stack reads mounts and swaps.
func (g *gathering) stack() *stack {
	s := &stack{mounts: slices.Clone(g.table.all)}
	for _, pid := range mountNamespaces() {
		if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/mountinfo"); err == nil {
			s.mounts = append(s.mounts, parseMounts(b).all...)
		}
	}
	b, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return s
	}
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, " ")
		var st unix.Stat_t
		if path.IsAbs(name) && unix.Stat(name, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK {
			s.swaps = append(s.swaps, uint64(st.Rdev))
		}
	}
	return s
}

// device fills in one.
func (g *gathering) device(of *rules.ObjectFact, st *stack, major, minor int) {
	d := &of.Device
	d.Block = true
	dir := sysDir(major, minor)
	d.Size = sysNumber(dir, "size") * sectorSize
	d.Transport = transport(dir, 0)
	st.users(d, major, minor, "", 0)
	g.signatures(of, dir, major, minor)
	if n := partitions(dir); d.Table != "" {
		d.Carries = append(d.Carries, fmt.Sprintf("%s table, %s", d.Table, plural(len(n), "partition")))
	} else if len(n) > 0 {
		d.Carries = append(d.Carries, plural(len(n), "partition"))
	}
	if owner := claim(d.FSType); owner != "" && len(d.Users) == 0 {
		d.Users = append(d.Users, owner)
	}
	if len(d.Users) == 0 && g.claimed(of, major, minor) {
		d.Users = append(d.Users, "claimed by the kernel (a mount or device that this session cannot see)")
	}
	d.InUse = len(d.Users) > 0
	d.Errors = fsErrors(dir)
}

// claim is what uses a device of which that is known by its signature alone, even
// while nothing is active on it.
func claim(signature string) string {
	switch signature {
	case "LVM2_member":
		return "LVM physical volume"
	case "linux_raid_member", "isw_raid_member", "ddf_raid_member":
		return "member of a RAID array"
	case "mpath_member":
		return "path of a multipath device"
	case "zfs_member":
		return "member of a ZFS pool"
	case "ceph_bluestore":
		return "Ceph OSD"
	case "drbd":
		return "DRBD backing device"
	case "bcache":
		return "bcache backing device"
	}
	return ""
}

func sysDir(major, minor int) string {
	return "/sys/dev/block/" + strconv.Itoa(major) + ":" + strconv.Itoa(minor)
}

func sysText(dir, name string) string {
	b, err := os.ReadFile(dir + "/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func sysNumber(dir, name string) int64 {
	n, _ := strconv.ParseInt(sysText(dir, name), 10, 64)
	return n
}

// deviceName is the kernel's name of a device: sda1, dm-0.
func deviceName(dir string) string {
	real, err := os.Readlink(dir)
	if err != nil {
		return ""
	}
	return path.Base(real)
}

// partitions are the device numbers of a disk's partitions.
func partitions(dir string) [][2]int {
	var list [][2]int
	entries, _ := os.ReadDir(dir + "/")
	for _, e := range entries {
		sub := dir + "/" + e.Name()
		if sysText(sub, "partition") == "" {
			continue
		}
		if ma, mi, ok := parseDev(sysText(sub, "dev")); ok {
			list = append(list, [2]int{ma, mi})
		}
	}
	return list
}

// users adds who uses a device, its partitions and what is built on it.
func (s *stack) users(d *rules.DeviceFact, major, minor int, through string, depth int) {
	if depth > maxStack {
		return
	}
	add := func(list *[]string, text string) {
		if !slices.Contains(*list, text) && len(*list) < maxNamed {
			*list = append(*list, text)
		}
	}
	dir := sysDir(major, minor)
	name := deviceName(dir)
	for _, m := range s.mounts {
		if m.Major != major || m.Minor != minor {
			if m.Major != 0 || !sameDevice(m.Source, major, minor) {
				continue
			}
		}
		add(&d.Users, "mounted on "+m.Mountpoint+through)
		add(&d.Mounts, m.Mountpoint)
	}
	for _, rdev := range s.swaps {
		if int(unix.Major(rdev)) == major && int(unix.Minor(rdev)) == minor {
			add(&d.Users, "swap"+through)
		}
	}
	if name != "" && len(d.Mounts) == 0 {
		// A btrfs of several devices shows only one of them as its source.
		if fs, _ := os.ReadDir("/sys/fs/btrfs"); fs != nil {
			for _, f := range fs {
				if _, err := os.Lstat("/sys/fs/btrfs/" + f.Name() + "/devices/" + name); err == nil {
					add(&d.Users, "part of a mounted btrfs"+through)
				}
			}
		}
	}
	holders, _ := os.ReadDir(dir + "/holders")
	for _, h := range holders {
		sub := "/sys/class/block/" + h.Name()
		words, label := holdsAs(sub, h.Name())
		switch inner := sameGroup(dir, sub); {
		case inner && depth == 0:
			add(&d.Users, "used by device "+label)
		case !inner: // else how the group is built is nobody's use of the disk below
			add(&d.Users, words+through)
		}
		if ma, mi, ok := parseDev(sysText(sub, "dev")); ok {
			s.users(d, ma, mi, " (through "+label+")", depth+1)
		}
	}
	for _, p := range partitions(dir) {
		s.users(d, p[0], p[1], " (partition "+deviceName(sysDir(p[0], p[1]))+")", depth+1)
	}
}

// sameDevice says whether a mount's source is the device; file systems such as
// btrfs have device numbers of their own.
func sameDevice(source string, major, minor int) bool {
	if !strings.HasPrefix(source, "/dev/") {
		return false
	}
	var st unix.Stat_t
	return unix.Stat(source, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK &&
		int(unix.Major(uint64(st.Rdev))) == major && int(unix.Minor(uint64(st.Rdev))) == minor
}

// holdsAs says in words what a holder makes of a device.
func holdsAs(dir, name string) (words, label string) {
	uuid, dm := sysText(dir, "dm/uuid"), sysText(dir, "dm/name")
	switch {
	case strings.HasPrefix(uuid, "LVM-"):
		return "physical volume of " + volumeGroup(dm), dm
	case strings.HasPrefix(uuid, "mpath-"):
		return "path of multipath device " + dm, dm
	case strings.HasPrefix(uuid, "CRYPT-"):
		return "encrypted container of " + dm, dm
	case dm != "":
		return "used by device " + dm, dm
	case strings.HasPrefix(name, "md"):
		return "member of " + name, name
	}
	return "used by " + name, name
}

// sameGroup says whether both are logical volumes of one group: a mirror's half
// and the mirror, a snapshot's origin and the snapshot.
func sameGroup(dir, holder string) bool {
	group := func(dir string) string {
		if !strings.HasPrefix(sysText(dir, "dm/uuid"), "LVM-") {
			return ""
		}
		return volumeGroup(sysText(dir, "dm/name"))
	}
	g := group(dir)
	return g != "" && g == group(holder)
}

// volumeGroup takes the group from a mapper name: "vg0-data"; a dash within a
// name is doubled.
func volumeGroup(dm string) string {
	for i := 0; i < len(dm); i++ {
		if dm[i] != '-' {
			continue
		}
		if i+1 < len(dm) && dm[i+1] == '-' {
			i++
			continue
		}
		return strings.ReplaceAll(dm[:i], "--", "-")
	}
	return dm
}

// transport says what a disk hangs on, by its place in sysfs.
func transport(dir string, depth int) string {
	real, err := os.Readlink(dir)
	if err != nil {
		return ""
	}
	for _, t := range [...]struct{ mark, name string }{
		{"/session", "iscsi"}, {"/rport-", "fc"}, {"/usb", "usb"}, {"/nvme", "nvme"}, {"/virtio", "virtio"},
		{"/ata", "sata"}, {"/nbd", "nbd"}, {"/rbd", "rbd"}, {"/drbd", "drbd"}, {"/end_device-", "sas"}, {"/block/loop", "loop"},
	} {
		if strings.Contains(real, t.mark) {
			return t.name
		}
	}
	if slaves, _ := os.ReadDir(dir + "/slaves"); depth < maxStack {
		for _, s := range slaves {
			if t := transport("/sys/class/block/"+s.Name(), depth+1); t != "" {
				return t
			}
		}
	}
	return ""
}

// loopOver is the loop device that has a file attached.
func loopOver(file string) string {
	entries, _ := os.ReadDir("/sys/class/block")
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "loop") && sysText("/sys/class/block/"+e.Name(), "loop/backing_file") == file {
			return "/dev/" + e.Name()
		}
	}
	return ""
}

// fsErrors is how many errors an ext4 has counted since it was last repaired.
func fsErrors(dir string) int {
	name := deviceName(dir)
	if name == "" {
		return 0
	}
	return int(sysNumber("/sys/fs/ext4/"+name, "errors_count"))
}

// signatures asks blkid what is on a device, or udev where it may not be read.
func (g *gathering) signatures(of *rules.ObjectFact, dir string, major, minor int) {
	until := time.Now().Add(min(Fair(probeDeadline), g.left()))
	node := g.w.root + of.Path.Real
	if of.Path.Type != "block" { // a mount point
		node = "/dev/" + deviceName(dir)
	}
	out, err := output(until, "blkid", "-p", "-o", "export", node)
	code := exitCode(err)
	var tags map[string]string
	switch {
	case err == nil:
		tags = parseTags(out, "")
	case code == 2: // nothing found, or not readable
		if unix.Access(node, unix.R_OK) == nil {
			return
		}
		fallthrough
	default:
		b, uerr := os.ReadFile("/run/udev/data/b" + strconv.Itoa(major) + ":" + strconv.Itoa(minor))
		if code == 8 {
			of.Device.Carries = append(of.Device.Carries, "several signatures at once")
		} else if uerr != nil {
			unknownf(of, "what is on the device: %v", err)
			return
		}
		tags = udevTags(b)
	}
	d := &of.Device
	d.FSType, d.Label, d.Table = tags["TYPE"], tags["LABEL"], tags["PTTYPE"]
	if d.FSType != "" {
		words := d.FSType
		if d.Label != "" {
			words += " " + strconv.Quote(d.Label)
		}
		if d.Size > 0 {
			words += " " + bytesText(d.Size)
		}
		d.Carries = append([]string{words}, d.Carries...)
	}
}

// udevTags are blkid's from what udev keeps. A partition has its disk's tags
// beside its own: the table is the disk's.
func udevTags(b []byte) map[string]string {
	kept := parseTags(b, "E:ID_")
	tags := map[string]string{"TYPE": kept["FS_TYPE"], "LABEL": kept["FS_LABEL"]}
	if kept["PART_ENTRY_NUMBER"] == "" {
		tags["PTTYPE"] = kept["PART_TABLE_TYPE"]
	}
	return tags
}

// parseTags reads NAME=value lines; blkid escapes what the shell would read.
func parseTags(b []byte, prefix string) map[string]string {
	tags := map[string]string{}
	sc := bufio.NewScanner(bytes.NewReader(b))
	for sc.Scan() {
		line, ok := strings.CutPrefix(sc.Text(), prefix)
		if !ok {
			continue
		}
		if k, v, ok := strings.Cut(line, "="); ok {
			tags[k] = strings.ReplaceAll(v, `\ `, " ")
		}
	}
	return tags
}

// exitCode is a program's own; -1 when it did not end by itself.
func exitCode(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return -1
}

// claimed says whether the kernel lets nobody else have the device, which it
// does whatever mount namespace its user is in. Asked in a helper, since a
// dead disk may hang whoever opens it.
func (g *gathering) claimed(of *rules.ObjectFact, major, minor int) bool {
	if g.left() <= 0 {
		return false
	}
	key := "device " + strconv.Itoa(major) + ":" + strconv.Itoa(minor)
	a := g.w.helpers.ask(key, []request{{Op: opClaimed, Path: of.Path.Real, Root: g.w.root}}, g.deadline)[0]
	if a.Unknown {
		unknownf(of, "in use: %s", a.Err)
	}
	return len(a.Names) > 0
}

// exclusive tries to open a device as a mount would.
func exclusive(name string) (busy bool, err error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EBUSY) {
		return true, nil
	}
	if err == nil {
		unix.Close(fd)
	}
	return false, err
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// bytesText is a size for people: 20 GiB.
func bytesText(n int64) string {
	const units = "KMGTPE"
	f, u := float64(n), -1
	for f >= 1024 && u+1 < len(units) {
		f, u = f/1024, u+1
	}
	if u < 0 {
		return plural(int(n), "byte")
	}
	if f < 10 && f != float64(int(f)) {
		return fmt.Sprintf("%.1f %ciB", f, units[u])
	}
	return fmt.Sprintf("%.0f %ciB", f, units[u])
}
