package snapshot

import (
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Ground is a filesystem of this machine as a place for snapshots.
type Ground struct {
	Mount  string
	Type   string
	Free   int64 // bytes
	Need   int64 // bytes that have to stay free: with less nothing is kept there
	Clones bool  // a large file is kept without copying it
	Own    bool  // the store itself lies here
}

// Room says whether something can be kept there.
func (g Ground) Room() bool { return g.Free >= g.Need }

// Grounds are the filesystems on which this store keeps files: its own, and
// for root each disk's that can be written.
func (s *Store) Grounds() []Ground {
	all := readMounts()
	seen := map[string]bool{}
	var out []Ground
	add := func(dir, fstype string, own bool) {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			return
		}
		out = append(out, Ground{
			Mount: dir, Type: fstype, Own: own,
			Free: int64(st.Bavail) * int64(st.Bsize), Need: s.reserve(int64(st.Blocks) * int64(st.Bsize)),
			Clones: clones(dir),
		})
	}
	if i := all.of(s.root); i != nil {
		seen[i.FSType+" "+i.Source] = true
		add(s.root, i.FSType, true)
	} else {
		add(s.root, "", true)
	}
	for _, i := range all.list {
		// What lies in memory, and what another mount shows already, is no
		// ground of its own.
		if !s.shared || !isLocal(i.FSType) || inMemory(i.FSType) || seen[i.FSType+" "+i.Source] || readOnly(i.Options) || readOnly(i.VFSOptions) || filepath.Base(i.Mountpoint) == placeName {
			continue
		}
		if all.of(i.Mountpoint) != i {
			continue // something else is mounted on top
		}
		seen[i.FSType+" "+i.Source] = true
		add(i.Mountpoint, i.FSType, false)
	}
	slices.SortStableFunc(out[min(1, len(out)):], func(a, b Ground) int { return len(a.Mount) - len(b.Mount) })
	return out
}

// inMemory reports a filesystem that lies in memory, or that nobody writes to.
func inMemory(fstype string) bool {
	switch fstype {
	case "tmpfs", "ramfs", "rootfs", "squashfs", "iso9660", "erofs":
		return true
	}
	return false
}

func readOnly(options string) bool {
	return options == "ro" || len(options) > 3 && options[:3] == "ro,"
}

// clones tries, with two files that have no name, whether a filesystem can
// share the blocks of two files.
func clones(dir string) bool {
	file := func() int {
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return -1
		}
		return fd
	}
	from, to := file(), file()
	defer unix.Close(from)
	defer unix.Close(to)
	if from < 0 || to < 0 {
		return false
	}
	if _, err := unix.Write(from, make([]byte, 4096)); err != nil {
		return false
	}
	return unix.IoctlFileClone(to, from) == nil
}
