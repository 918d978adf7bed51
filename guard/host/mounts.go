package host

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// mountTable is what /proc/self/mountinfo says. It is never changed once made.
type mountTable struct {
	all []*mountinfo.Info
	at  map[string]*mountinfo.Info // mount point to what is on top there
	// longest is the length of the longest mount point: a name may have
	// thousands of components, of which the first few count.
	longest int
}

// localType reports a file system that answers as long as the machine does.
// Every other type (nfs, cifs, fuse.*, 9p, autofs, ceph, one that is not known)
// may hang whoever touches it.
func localType(fstype string) bool {
	switch fstype {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "nilfs2", "vfat", "msdos", "exfat", "ntfs3", "hfsplus", "udf", "iso9660",
		"squashfs", "erofs", "cramfs", "minix", "tmpfs", "ramfs", "rootfs", "devtmpfs", "overlay", "aufs", "proc", "sysfs", "devpts", "cgroup", "cgroup2", "mqueue",
		"hugetlbfs", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs", "binfmt_misc", "selinuxfs", "efivarfs", "nsfs", "fusectl", "rpc_pipefs",
		"nfsd":
		return true
	}
	return false
}

// mountsNow gives the current table. The kernel marks an open mountinfo when
// mounts changed, so that the file is read again only then.
func (w *World) mountsNow() *mountTable {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mounts < 0 {
		// Not by package os: the runtime's own poller would take the
		// mark away.
		fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			// Without /proc nothing is known of mounts; paths are
			// then looked at as if there were none.
			return &mountTable{}
		}
		w.mounts = fd
	} else if w.table != nil {
		fds := []unix.PollFd{{Fd: int32(w.mounts), Events: unix.POLLPRI}}
		if n, err := unix.Poll(fds, 0); err == nil && n == 0 {
			return w.table
		}
	}
	b, err := readFrom(w.mounts)
	if err != nil {
		return &mountTable{}
	}
	w.table = parseMounts(b)
	return w.table
}

// readFrom reads a proc file from its beginning.
func readFrom(fd int) ([]byte, error) {
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	buf := make([]byte, 32*1024)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, err
		case n == 0:
			return b.Bytes(), nil
		default:
			b.Write(buf[:n])
		}
	}
}

func parseMounts(b []byte) *mountTable {
	infos, err := mountinfo.GetMountsFromReader(bytes.NewReader(b), nil)
	if err != nil {
		infos = nil
	}
	t := &mountTable{all: infos, at: make(map[string]*mountinfo.Info, len(infos))}
	for _, m := range infos {
		t.at[m.Mountpoint] = m // a later one is stacked on the earlier
		t.longest = max(t.longest, len(m.Mountpoint))
	}
	return t
}

// of is the mount that a real path lies on; nil if the table is empty.
func (t *mountTable) of(real string) *mountinfo.Info {
	for p := real; ; {
		if len(p) <= t.longest {
			if m := t.at[p]; m != nil {
				return m
			}
		}
		switch i := strings.LastIndexByte(p, '/'); {
		case i > 0:
			p = p[:i]
		case i == 0 && len(p) > 1:
			p = "/"
		default:
			return nil
		}
	}
}

// byID is the mount with that number; nil if it is out of sight.
func (t *mountTable) byID(id int) *mountinfo.Info {
	for _, m := range t.all {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// mountOf is where a block device is mounted; "" nowhere.
func (t *mountTable) mountOf(rdev uint64) string {
	for _, m := range t.all {
		if m.Major == int(unix.Major(rdev)) && m.Minor == int(unix.Minor(rdev)) {
			return m.Mountpoint
		}
	}
	return ""
}

// below lists the mount points under a directory, itself not counted.
func (t *mountTable) below(real string) []*mountinfo.Info {
	prefix := strings.TrimRight(real, "/") + "/"
	var ms []*mountinfo.Info
	for _, m := range t.all {
		if strings.HasPrefix(m.Mountpoint, prefix) && len(m.Mountpoint) > len(prefix) && t.at[m.Mountpoint] == m {
			ms = append(ms, m)
		}
	}
	return ms
}

// aliases are the other names of a real path: where the same directory of the
// same file system can be reached through another mount.
func (t *mountTable) aliases(real string) []string {
	m := t.of(real)
	if m == nil {
		return nil
	}
	inFS := path.Join(m.Root, strings.TrimPrefix(real, strings.TrimRight(m.Mountpoint, "/")))
	var names []string
	for _, o := range t.all {
		if o == m || o.Major != m.Major || o.Minor != m.Minor {
			continue
		}
		rest, ok := relative(o.Root, inFS)
		if !ok {
			continue
		}
		name := path.Join(o.Mountpoint, rest)
		// A mount on top of the name hides what we look for.
		if name != real && t.of(name) == o {
			names = append(names, name)
		}
	}
	return names
}

// relative is the part of p below dir, "" for dir itself.
func relative(dir, p string) (string, bool) {
	dir = strings.TrimRight(dir, "/")
	if p == dir || (dir == "" && p == "/") {
		return "", true
	}
	if strings.HasPrefix(p, dir+"/") {
		return p[len(dir)+1:], true
	}
	return "", false
}

// mayHang says whether touching a mount can block for ever.
func mayHang(m *mountinfo.Info) bool {
	// If the root itself hangs, no helper can be started either.
	if m.Mountpoint == "/" {
		return false
	}
	if !localType(m.FSType) {
		return true
	}
	return m.Major != 0 && farDevice(m.Major, m.Minor, 0)
}

// farDevice says whether a block device lies behind a network: its file
// systems hang as those of a dead server do.
func farDevice(major, minor, depth int) bool {
	dir := "/sys/dev/block/" + strconv.Itoa(major) + ":" + strconv.Itoa(minor)
	real, err := os.Readlink(dir)
	if err != nil {
		return false
	}
	for _, mark := range [...]string{"/session", "/rport-", "/nbd", "/rbd", "/drbd"} {
		if strings.Contains(real, mark) {
			return true
		}
	}
	if depth > 4 { // multipath on LVM on md is three
		return false
	}
	slaves, _ := os.ReadDir(dir + "/slaves")
	for _, s := range slaves {
		b, err := os.ReadFile(dir + "/slaves/" + s.Name() + "/dev")
		if err != nil {
			continue
		}
		ma, mi, ok := parseDev(string(b))
		if ok && farDevice(ma, mi, depth+1) {
			return true
		}
	}
	return false
}

// parseDev reads "8:1".
func parseDev(s string) (major, minor int, ok bool) {
	a, b, found := strings.Cut(strings.TrimSpace(s), ":")
	if !found {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(a)
	minor, err2 := strconv.Atoi(b)
	return major, minor, err1 == nil && err2 == nil
}

// readOnly reads both option fields, and what newer kernels say after an
// error: errors=remount-ro leaves "rw" and adds "emergency_ro".
func readOnly(m *mountinfo.Info) bool {
	for _, opts := range [...]string{m.Options, m.VFSOptions} {
		for o := range strings.SplitSeq(opts, ",") {
			if o == "ro" || o == "emergency_ro" {
				return true
			}
		}
	}
	return false
}
