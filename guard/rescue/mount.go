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

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// mountFlags are the options that are flags of mount(2); the others go to the
// file system as they are.
var mountFlags = map[string]struct {
	bit   uintptr
	clear bool
}{
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
	"defaults": {0, false}, "auto": {0, false}, "noauto": {0, false}, "nofail": {0, false}, "_netdev": {0, false},
	"user": {unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, false}, "nouser": {0, false},
}

// mountOptions splits options into flags and what the file system is told.
func mountOptions(opts []string, flags uintptr) (uintptr, string) {
	var data []string
	for _, o := range opts {
		f, ok := mountFlags[o]
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
		source, at = entry[0], entry[1]
		if *fstype == "" {
			*fstype = entry[2]
		}
		flags, data = mountOptions(append(strings.Split(entry[3], ","), *opts...), 0)
	}
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
	if *fstype != "" && *fstype != "auto" {
		if strings.HasPrefix(source, "/") || strings.Contains(source, "/") && *fstype != "nfs" && *fstype != "cifs" {
			source = c.path(source)
		}
		c.mounted(unix.Mount(source, at, *fstype, flags, data), at)
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

// device is what a source of fstab stands for.
func (c *call) device(source string) string {
	for tag, dir := range map[string]string{"UUID=": "by-uuid", "LABEL=": "by-label", "PARTUUID=": "by-partuuid", "PARTLABEL=": "by-partlabel"} {
		v, ok := strings.CutPrefix(source, tag)
		if !ok {
			continue
		}
		name := filepath.Join("/dev/disk", dir, strings.Trim(v, `"`))
		if real, err := filepath.EvalSymlinks(name); err == nil {
			return real
		}
		return name
	}
	return source
}

// fstab is the entry for a device or directory: source, directory, type,
// options.
func (c *call) fstab(name string) []string {
	b, err := os.ReadFile("/etc/fstab")
	if err != nil {
		return nil
	}
	path := filepath.Clean(c.path(name))
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) >= 4 && f[0][0] != '#' && (f[0] == name || f[0] == path || f[1] == path) {
			return f
		}
	}
	return nil
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

func diskFree(c *call) {
	f := c.options()
	units := f.BoolP("human-readable", "h", false, "sizes with a unit")
	inodes := f.BoolP("inodes", "i", false, "inodes instead of room")
	types := f.BoolP("print-type", "T", false, "the file system too")
	f.BoolP("k", "k", true, "in KiB, as always")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	infos := mounts()
	type row struct{ source, at, fstype string }
	var rows []row
	for _, a := range args {
		path := c.path(a)
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		r := row{"-", path, "-"}
		best := -1
		for _, m := range infos {
			if len(m.Mountpoint) >= best && (path == m.Mountpoint || m.Mountpoint == "/" || strings.HasPrefix(path, m.Mountpoint+"/")) {
				best, r = len(m.Mountpoint), row{m.Source, m.Mountpoint, m.FSType}
			}
		}
		rows = append(rows, r)
	}
	if len(args) == 0 {
		for _, m := range infos {
			rows = append(rows, row{m.Source, m.Mountpoint, m.FSType})
		}
		if !slices.ContainsFunc(rows, func(r row) bool { return r.at == "/" }) {
			// Without /proc, or in a root that nothing is mounted on.
			rows = append(rows, row{"-", "/", "-"})
		}
	}
	amount := func(n uint64) string {
		switch {
		case *inodes && !*units:
			return fmt.Sprint(n)
		case *units:
			return human(n)
		}
		return fmt.Sprint((n + 1023) / 1024)
	}
	kind := func(s string) string {
		if *types {
			return fmt.Sprintf("%-10s ", s)
		}
		return ""
	}
	fmt.Fprintf(c.out, "%-20s %s%12s %12s %12s %5s %s\n", "Filesystem", kind("Type"), "Size", "Used", "Avail", "Use%", "Mounted on")
	for _, r := range rows {
		var st unix.Statfs_t
		if err := unix.Statfs(r.at, &st); err != nil {
			c.say("%s: %s", r.at, err)
			continue
		}
		if st.Blocks == 0 && len(args) == 0 {
			continue // holds nothing: /proc and the like
		}
		unit := uint64(st.Frsize)
		size, used, avail := st.Blocks*unit, (st.Blocks-st.Bfree)*unit, st.Bavail*unit
		if *inodes {
			size, used, avail = st.Files, st.Files-st.Ffree, st.Ffree
		}
		part := "-"
		if used+avail > 0 {
			part = fmt.Sprintf("%d%%", (used*100+used+avail-1)/(used+avail))
		}
		fmt.Fprintf(c.out, "%-20s %s%12s %12s %12s %5s %s\n", r.source, kind(r.fstype), amount(size), amount(used), amount(avail), part, r.at)
	}
}

func diskUsage(c *call) {
	f := c.options()
	units := f.BoolP("human-readable", "h", false, "sizes with a unit")
	sum := f.BoolP("summarize", "s", false, "only the sum of each")
	all := f.BoolP("all", "a", false, "files too")
	one := f.BoolP("one-file-system", "x", false, "leave what is mounted below alone")
	depth := f.IntP("max-depth", "d", -1, "show so many levels")
	f.BoolP("k", "k", true, "in KiB, as always")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	if *sum {
		*depth = 0
	}
	seen := map[inode]bool{}
	show := func(n int64, name string) {
		if *units {
			fmt.Fprintf(c.out, "%s\t%s\n", human(uint64(n)*512), name)
			return
		}
		fmt.Fprintf(c.out, "%d\t%s\n", (n+1)/2, name)
	}
	var measure func(name string, level int, dev uint64) int64
	measure = func(name string, level int, dev uint64) int64 {
		st, err := os.Lstat(c.path(name))
		if err != nil || c.stopped() {
			c.fail(err)
			return 0
		}
		s := sysOf(st)
		if level > 0 && *one && s.Dev != dev {
			return 0
		}
		if !st.IsDir() {
			if s.Nlink > 1 {
				if seen[inodeOf(st)] {
					return 0
				}
				seen[inodeOf(st)] = true
			}
			if level == 0 || *all && (*depth < 0 || level <= *depth) {
				show(s.Blocks, name)
			}
			return s.Blocks
		}
		n := s.Blocks
		entries, err := os.ReadDir(c.path(name))
		c.fail(err)
		for _, d := range entries {
			n += measure(strings.TrimSuffix(name, "/")+"/"+d.Name(), level+1, s.Dev)
		}
		if *depth < 0 || level <= *depth {
			show(n, name)
		}
		return n
	}
	for _, a := range args {
		measure(a, 0, 0)
	}
}
