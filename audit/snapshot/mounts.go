package snapshot

import (
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// local are the filesystems on which names, links and clones behave as on a
// disk of this machine. What is not here is a network's, a program's (fuse) or
// the kernel's own view of itself, and is not walked into.
var local = map[string]bool{
	"ext2": true, "ext3": true, "ext4": true, "xfs": true, "btrfs": true, "f2fs": true, "bcachefs": true,
	"zfs": true, "jfs": true, "reiserfs": true, "nilfs2": true, "vfat": true, "exfat": true, "ntfs3": true,
	"tmpfs": true, "ramfs": true, "overlay": true, "rootfs": true, "squashfs": true, "erofs": true,
	"iso9660": true, "udf": true, "hfsplus": true, "minix": true, "ubifs": true, "hugetlbfs": false,
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
	if i == nil || local[i.FSType] {
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
