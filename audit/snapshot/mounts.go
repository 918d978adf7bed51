package snapshot

import (
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// isLocal reports a filesystem on which names, links and clones behave as on a
// disk of this machine. Any other is a network's, a program's (fuse) or the
// kernel's own view of itself, and is not walked into.
func isLocal(fstype string) bool {
	switch fstype {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "jfs", "reiserfs", "nilfs2", "vfat", "exfat", "ntfs3", "tmpfs", "ramfs", "overlay",
		"rootfs", "squashfs", "erofs", "iso9660", "udf", "hfsplus", "minix", "ubifs":
		return true
	}
	return false
}

// mounts is the mount table as it was when a walk began; it is read without
// touching any of the mounts.
type mounts struct {
	list []*mountinfo.Info
	base map[string]bool // the last components of all mount points
}

func readMounts() *mounts {
	list, err := mountinfo.GetMounts(nil)
	if err != nil {
		return &mounts{} // no /proc: everything then counts as local
	}
	m := &mounts{list, map[string]bool{}}
	for _, i := range list {
		m.base[filepath.Base(i.Mountpoint)] = true
	}
	return m
}

// named reports whether something may be mounted on a name, wherever it lies.
func (m *mounts) named(base string) bool { return m.base[base] }

// byID finds a mount by what statx calls it.
func (m *mounts) byID(id uint64) *mountinfo.Info {
	for _, i := range m.list {
		if uint64(i.ID) == id {
			return i
		}
	}
	return nil
}

// of is the mount that a path lies on, judged by its name alone.
func (m *mounts) of(path string) *mountinfo.Info {
	var best *mountinfo.Info
	for _, i := range m.list {
		// A later mount on the same point lies on top of the earlier one.
		if under(i.Mountpoint, path) && (best == nil || len(i.Mountpoint) >= len(best.Mountpoint)) {
			best = i
		}
	}
	return best
}

// foreign is why a mount is not walked into; "" if it is.
func foreign(i *mountinfo.Info) string {
	if i == nil || isLocal(i.FSType) {
		return ""
	}
	return "on " + i.FSType + ", which is not kept"
}

// under reports whether path is dir or below it. Both are clean.
func under(dir, path string) bool {
	return dir == "/" || path == dir || strings.HasPrefix(path, dir+"/")
}

// room checks that enough stays free on the filesystem of dir when need more
// bytes are written: 5 % of it, and at least 1 GiB, since a disk that is full
// takes the machine down where a lost undo does not.
func (s *Store) room(dir string, need int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	free := int64(st.Bavail)*int64(st.Bsize) - need
	keep := s.reserve(int64(st.Blocks) * int64(st.Bsize))
	if free < keep {
		return &NoSpace{Dir: filepath.Clean(dir), Free: max(free, 0), Need: keep}
	}
	return nil
}

// Room says whether the store's own filesystem has room for another snapshot: a
// *NoSpace where it has not.
func (s *Store) Room() error { return s.room(s.root, 0) }

func defaultReserve(total int64) int64 { return max(total/20, 1<<30) }
