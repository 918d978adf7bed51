package rescue

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// mountFlag is an option that is a flag of mount(2).
type mountFlag struct {
	bit   uintptr
	clear bool
}

// mountFlags are they by name; the others go to the file system as they are.
var mountFlags = sync.OnceValue(func() map[string]mountFlag {
	return map[string]mountFlag{
		"ro": {unix.MS_RDONLY, false}, "rw": {unix.MS_RDONLY, true},
		"nosuid": {unix.MS_NOSUID, false}, "suid": {unix.MS_NOSUID, true},
		"nodev": {unix.MS_NODEV, false}, "dev": {unix.MS_NODEV, true},
		"noexec": {unix.MS_NOEXEC, false}, "exec": {unix.MS_NOEXEC, true},
		"sync": {unix.MS_SYNCHRONOUS, false}, "async": {unix.MS_SYNCHRONOUS, true},
		"dirsync": {unix.MS_DIRSYNC, false},
		"noatime": {unix.MS_NOATIME, false}, "atime": {unix.MS_NOATIME, true},
		"nodiratime": {unix.MS_NODIRATIME, false}, "diratime": {unix.MS_NODIRATIME, true},
		"relatime": {unix.MS_RELATIME, false}, "norelatime": {unix.MS_RELATIME, true},
		"strictatime": {unix.MS_STRICTATIME, false}, "lazytime": {unix.MS_LAZYTIME, false},
		"remount": {unix.MS_REMOUNT, false}, "bind": {unix.MS_BIND, false}, "rbind": {unix.MS_BIND | unix.MS_REC, false},
		"private": {unix.MS_PRIVATE, false}, "rprivate": {unix.MS_PRIVATE | unix.MS_REC, false},
		"shared": {unix.MS_SHARED, false}, "rshared": {unix.MS_SHARED | unix.MS_REC, false},
		"slave": {unix.MS_SLAVE, false}, "rslave": {unix.MS_SLAVE | unix.MS_REC, false},
		"move":     {unix.MS_MOVE, false},
		"defaults": {0, false}, "auto": {0, false}, "noauto": {0, false}, "nofail": {0, false}, "loop": {0, false}, "_netdev": {0, false},
		"user": {unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, false}, "nouser": {0, false},
	}
})

// mountOptions splits options into flags and what the file system is told.
func mountOptions(opts []string, flags uintptr) (uintptr, string) {
	var data []string
	for _, o := range opts {
		f, ok := mountFlags()[o]
		switch {
		case o == "" || strings.HasPrefix(o, "x-"):
		case !ok:
			data = append(data, o)
		case f.clear:
			flags &^= f.bit
		default:
			flags |= f.bit
		}
	}
	return flags, strings.Join(data, ",")
}

func mountFS(c *call) {
	f := c.options()
	fstype := f.StringP("types", "t", "", "file system")
	all := f.BoolP("all", "a", false, "all that /etc/fstab names")
	opts := f.StringSliceP("options", "o", nil, "options, as in fstab")
	readOnly := f.BoolP("read-only", "r", false, "the same as -o ro")
	writable := f.BoolP("rw", "w", false, "the same as -o rw")
	bind := f.BoolP("bind", "B", false, "the same as -o bind")
	rbind := f.BoolP("rbind", "R", false, "the same as -o rbind")
	moved := f.BoolP("move", "M", false, "the same as -o move")
	args, ok := c.read(f, 0, 2)
	if !ok {
		return
	}
	for _, v := range []struct {
		on   bool
		name string
	}{{*readOnly, "ro"}, {*writable, "rw"}, {*bind, "bind"}, {*rbind, "rbind"}, {*moved, "move"}} {
		if v.on {
			*opts = append(*opts, v.name)
		}
	}
	if *all {
		c.mountAll()
		return
	}
	if len(args) == 0 {
		c.showMounts(*fstype)
		return
	}
	flags, data := mountOptions(*opts, 0)
	source, at := "", args[len(args)-1]
	if len(args) == 2 {
		source = args[0]
	}
	switch {
	case flags&unix.MS_REMOUNT != 0:
		at = c.path(at)
		// What is not said stays as it is.
		for _, m := range mounts() {
			if m.Mountpoint == filepath.Clean(at) {
				kept, _ := mountOptions(strings.Split(m.Options, ","), 0)
				flags, data = mountOptions(*opts, kept)
			}
		}
		c.mounted(unix.Mount("", at, "", flags, data), at)
		return
	case flags&(unix.MS_PRIVATE|unix.MS_SHARED|unix.MS_SLAVE) != 0:
		c.mounted(unix.Mount("", c.path(at), "", flags, ""), at)
		return
	case len(args) == 1:
		entry := c.fstab(at)
		if entry == nil {
			c.say("%s is not in /etc/fstab: name the device and the directory", at)
			return
		}
		source, at = entry.source, entry.at
		if *fstype == "" {
			*fstype = entry.fstype
		}
		*opts = append(slices.Clone(entry.options), *opts...)
		flags, data = mountOptions(*opts, 0)
	}
	c.mountOne(source, at, *fstype, flags, data, *opts)
}

// mountOne mounts one source.
func (c *call) mountOne(source, at, fstype string, flags uintptr, data string, opts []string) {
	source, at = c.device(source), c.path(at)
	if flags&unix.MS_BIND != 0 {
		source = c.path(source)
		err := unix.Mount(source, at, "", flags&(unix.MS_BIND|unix.MS_REC), "")
		if rest := flags &^ uintptr(unix.MS_REC|unix.MS_BIND); err == nil && rest != 0 {
			// A bind mount takes its own flags only in a second step.
			err = unix.Mount("", at, "", flags&^unix.MS_REC|unix.MS_REMOUNT, "")
		}
		c.mounted(err, at)
		return
	}
	if flags&unix.MS_MOVE != 0 {
		c.mounted(unix.Mount(c.path(source), at, "", unix.MS_MOVE, ""), at)
		return
	}
	if st, err := os.Stat(c.path(source)); slices.Contains(opts, "loop") || err == nil && st.Mode().IsRegular() && fstype != "none" {
		path, err := attachLoop("", c.path(source), 0, 0, flags&unix.MS_RDONLY != 0, false)
		if err != nil {
			c.noDev(source, err)
			return
		}
		source = path
		defer func() { // it goes with the mount, or at once where there is none
			if l, err := os.Open(path); err == nil {
				_ = unix.IoctlLoopSetStatus64(int(l.Fd()), &unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR})
				l.Close()
			}
		}()
	}
	if fstype != "" && fstype != "auto" {
		if strings.HasPrefix(source, "/") || strings.Contains(source, "/") && fstype != "nfs" && fstype != "cifs" {
			source = c.path(source)
		}
		c.mounted(unix.Mount(source, at, fstype, flags, data), at)
		return
	}
	c.mounted(guessType(c.path(source), at, flags, data), at)
}

func (c *call) mounted(err error, at string) {
	switch {
	case err == nil:
	case errors.Is(err, unix.ENODEV):
		c.say("%s: the kernel does not know this file system (its module may be gone)", at)
	case errors.Is(err, unix.EINVAL):
		c.say("%s: wrong file system, option or damaged superblock; dmesg | tail may say more", at)
	default:
		c.say("%s: %s", at, err)
	}
}

// likelyTypes are tried where /proc/filesystems does not say what the kernel
// knows. A journal's file system comes before its older relatives.
var likelyTypes = []string{"ext4", "xfs", "btrfs", "ext3", "ext2", "vfat", "iso9660", "udf", "exfat", "ntfs3", "f2fs", "squashfs", "erofs"}

// guessType mounts a device by trying what the kernel knows.
func guessType(source, at string, flags uintptr, data string) error {
	if has, err := describe(source); err == nil && has != nil {
		return unix.Mount(source, at, has.kind, flags, data)
	}
	types := likelyTypes
	if f, err := os.Open("/proc/filesystems"); err == nil {
		sc := bufio.NewScanner(f)
		for sc.Scan() {
			if name, ok := strings.CutPrefix(sc.Text(), "\t"); ok { // a device is what it needs
				types = append(types[:len(types):len(types)], name)
			}
		}
		f.Close()
	}
	last := error(unix.ENODEV)
	for _, t := range types {
		err := unix.Mount(source, at, t, flags, data)
		if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENODEV) {
			return err
		}
		if errors.Is(err, unix.EINVAL) {
			last = err
		}
	}
	return last
}

// device is what a source of fstab stands for. Where nobody keeps links to the
// devices by their names, the devices themselves are looked at.
func (c *call) device(source string) string {
	tag, value, ok := strings.Cut(source, "=")
	dir := map[string]string{"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel"}[tag]
	if !ok || dir == "" {
		return source
	}
	value = strings.Trim(value, `"`)
	link := filepath.Join("/dev/disk", dir, value)
	if real, err := filepath.EvalSymlinks(link); err == nil {
		return real
	}
	names, err := blockNames()
	if err != nil {
		return link // whoever opens it says what is missing
	}
	for _, n := range names {
		has, err := describe("/dev/" + n)
		if err == nil && has != nil && (tag == "UUID" && strings.EqualFold(has.uuid, value) || tag == "LABEL" && has.label == value) {
			return "/dev/" + n
		}
	}
	return link
}

// fstabEntry is a line of fstab.
type fstabEntry struct {
	source, at, fstype string
	options            []string
}

func (c *call) fstabEntries() (entries []fstabEntry) {
	b, err := os.ReadFile("/etc/fstab")
	if err != nil {
		return nil
	}
	spaces := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`)
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0][0] == '#' {
			continue
		}
		e := fstabEntry{spaces.Replace(f[0]), spaces.Replace(f[1]), f[2], nil}
		if len(f) > 3 {
			e.options = strings.Split(f[3], ",")
		}
		entries = append(entries, e)
	}
	return entries
}

// fstab is the entry for a device or directory, nil where there is none.
func (c *call) fstab(name string) *fstabEntry {
	path := filepath.Clean(c.path(name))
	for _, e := range c.fstabEntries() {
		if e.source == name || e.source == path || e.at == path {
			return &e
		}
	}
	return nil
}

// mountAll mounts what fstab names and is not mounted yet.
func (c *call) mountAll() {
	there := map[string]bool{}
	for _, m := range mounts() {
		there[m.Mountpoint] = true
	}
	for _, e := range c.fstabEntries() {
		if there[e.at] || e.fstype == "swap" || e.at == "none" || slices.Contains(e.options, "noauto") {
			continue
		}
		flags, data := mountOptions(e.options, 0)
		c.mountOne(e.source, e.at, e.fstype, flags, data, e.options)
	}
}

// mounts are what is mounted; none where /proc is not.
func mounts() []*mountinfo.Info {
	m, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil
	}
	return m
}

func (c *call) showMounts(fstype string) {
	all, err := mountinfo.GetMounts(nil)
	if err != nil {
		c.noProc(err)
		return
	}
	for _, m := range all {
		if fstype != "" && m.FSType != fstype {
			continue
		}
		fmt.Fprintf(c.out, "%s on %s type %s (%s)\n", m.Source, m.Mountpoint, m.FSType, m.Options)
	}
}

// noProc says how to get /proc where it is not mounted.
func (c *call) noProc(err error) {
	c.fail(err)
	if errors.Is(err, fs.ErrNotExist) {
		c.err("hint: mkdir -p /proc; mount -t proc proc /proc\n")
	}
}

func unmount(c *call) {
	f := c.options()
	lazy := f.BoolP("lazy", "l", false, "out of sight now, away when nobody uses it")
	force := f.BoolP("force", "f", false, "even where a server does not answer")
	readOnly := f.BoolP("read-only", "r", false, "read-only where it cannot be unmounted")
	recursive := f.BoolP("recursive", "R", false, "what is mounted below too")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	flags := unix.UMOUNT_NOFOLLOW
	if *lazy {
		flags |= unix.MNT_DETACH
	}
	if *force {
		flags |= unix.MNT_FORCE
	}
	// This process must not be what keeps it busy.
	_ = os.Chdir(c.dir)
	for _, a := range args {
		at := filepath.Clean(c.path(a))
		if real, err := filepath.EvalSymlinks(at); err == nil {
			at = real
		}
		all := mounts()
		for _, m := range all {
			if m.Source == at {
				at = m.Mountpoint
			}
		}
		if *recursive {
			for i := len(all) - 1; i >= 0; i-- { // later mounts stand on earlier ones
				if below := all[i].Mountpoint; strings.HasPrefix(below, strings.TrimSuffix(at, "/")+"/") {
					if err := unix.Unmount(below, flags); err != nil {
						c.say("%s: %s", below, err)
					}
				}
			}
		}
		err := unix.Unmount(at, flags)
		if errors.Is(err, unix.EBUSY) && *readOnly {
			err = unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		}
		if err != nil {
			c.say("%s: %s", a, err)
		}
	}
}
