package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// settable are the chattr flags that a user can ask for; the others (extents,
// indexed directory, inline data) are the filesystem's own business.
// Source: ioctl_iflags(2) and linux/fs.h, FS_*_FL.
const settable = 0x1 | 0x2 | 0x4 | 0x8 | flImmutable | flAppend | 0x40 | 0x80 | 0x400 | 0x4000 |
	0x8000 | 0x10000 | 0x20000 | 0x02000000 | flNoCOW | 0x20000000

const (
	flCompress  = 0x4
	flImmutable = 0x10
	flAppend    = 0x20
	flNoCOW     = 0x00800000 // only takes hold on an empty file
)

// self is the path of an open handle. Going through it reaches exactly that
// inode, whatever its name has become, also where the handle is O_PATH.
func self(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// handle opens a name for nothing but knowing it: no FIFO blocks, no tape
// winds, no link is followed, no automount happens.
func handle(dir int, name string) (int, error) {
	return unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// reopen opens a handle for reading, without leaving a trace in its access
// time where we may.
func reopen(fd, flags int) (int, error) {
	dir := handles()
	if dir < 0 {
		return -1, errors.New("/proc is not mounted")
	}
	return openRead(dir, strconv.Itoa(fd), flags)
}

// openRead opens a name for reading; nothing that it may be makes that wait.
func openRead(dir int, base string, flags int) (int, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	r, err := unix.Openat(dir, base, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		r, err = unix.Openat(dir, base, flags, 0)
	}
	return r, err
}

// handles is /proc/self/fd, opened once: looking it up for each file took a
// quarter of a walk.
var handles = sync.OnceValue(func() int {
	fd, err := unix.Open("/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
})

// openDir opens a directory below a handle, not through a link.
func openDir(dir int, name string) (int, error) {
	flags := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(dir, name, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		fd, err = unix.Openat(dir, name, flags, 0)
	}
	return fd, err
}

// openPath opens a directory by its absolute path, refusing links on the way:
// the path was free of them when it was written down.
func openPath(path string) (int, error) {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for c := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if c == "" {
			continue
		}
		next, err := unix.Openat(fd, c, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		unix.Close(fd)
		if err == unix.ENOTDIR || err == unix.ELOOP {
			return -1, fmt.Errorf("%s: %q is no directory (any more): %w", path, c, unix.ENOTDIR)
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		fd = next
	}
	return fd, nil
}

// stat asks what a handle is, never by waiting for a server: what the kernel
// holds is enough to tell that it is another mount.
func stat(fd int) (unix.Statx_t, error) {
	var st unix.Statx_t
	err := statAt(fd, "", unix.AT_EMPTY_PATH, &st)
	return st, err
}

func statAt(dir int, base string, flags int, st *unix.Statx_t) error {
	return unix.Statx(dir, base, flags|unix.AT_STATX_DONT_SYNC, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, st)
}

// describe fills an entry from what stat said.
func describe(e *Entry, st *unix.Statx_t) {
	e.Kind = kindOf(uint32(st.Mode))
	e.Mode = uint32(st.Mode) & 0o7777
	e.UID, e.GID = st.Uid, st.Gid
	e.Nlink = st.Nlink
	e.Atime = stamp{st.Atime.Sec, int64(st.Atime.Nsec)}
	e.Mtime = stamp{st.Mtime.Sec, int64(st.Mtime.Nsec)}
	e.Ctime = stamp{st.Ctime.Sec, int64(st.Ctime.Nsec)}
	e.Dev = unix.Mkdev(st.Dev_major, st.Dev_minor)
	e.Ino = st.Ino
	switch e.Kind {
	case KFile, KLink:
		e.Size = int64(st.Size)
	case KChar, KBlock:
		e.Rdev = unix.Mkdev(st.Rdev_major, st.Rdev_minor)
	}
}

// mirrored reports an xattr in which xfs shows an ACL a second time; it follows
// system.posix_acl_access or _default by itself.
func mirrored(xattr string) bool {
	switch xattr {
	case "trusted.SGI_ACL_FILE", "trusted.SGI_ACL_DEFAULT":
		return true
	}
	return false
}

// xattrs reads every extended attribute that we may see, by a handle.
func xattrs(fd int) ([]Xattr, error) {
	path := self(fd)
	return readXattrs(
		func(b []byte) (int, error) { return unix.Listxattr(path, b) },
		func(name string, b []byte) (int, error) { return unix.Getxattr(path, name, b) })
}

// openXattrs is xattrs by a file or directory that is open for reading, which
// needs no way through /proc.
func openXattrs(fd int) ([]Xattr, error) {
	return readXattrs(
		func(b []byte) (int, error) { return unix.Flistxattr(fd, b) },
		func(name string, b []byte) (int, error) { return unix.Fgetxattr(fd, name, b) })
}

func readXattrs(list func([]byte) (int, error), get func(string, []byte) (int, error)) ([]Xattr, error) {
	var small [512]byte
	all, err := grow(small[:], list)
	if err == unix.ENOTSUP || err == unix.EOPNOTSUPP || err == nil && len(all) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var xs []Xattr
	for name := range bytes.SplitSeq(all, []byte{0}) {
		if len(name) == 0 || mirrored(string(name)) {
			continue
		}
		v, err := grow(make([]byte, 256), func(b []byte) (int, error) { return get(string(name), b) })
		if err == unix.ENODATA {
			continue // gone since it was listed
		}
		if err != nil {
			return xs, fmt.Errorf("xattr %s: %w", name, err)
		}
		xs = append(xs, Xattr{string(name), v})
	}
	return xs, nil
}

// grow calls f with larger buffers until what it has fits.
func grow(b []byte, f func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := f(b)
		if err == unix.ERANGE {
			b = make([]byte, 4*len(b))
			continue
		}
		return b[:max(n, 0)], err
	}
}

// inodeFlags reads the chattr flags of a file or directory open for reading.
func inodeFlags(fd int) (uint32, bool) {
	f, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	return f & settable, err == nil
}

// setFlags sets the chattr flags, leaving the filesystem's own ones alone.
func setFlags(fd int, want uint32) error {
	now, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	next := now&^settable | want&settable
	if next == now {
		return nil
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(next))
}

// readLink is a link's text: of a name in a directory, or with "" of a handle
// on the link itself.
func readLink(fd int, base string) (string, error) {
	for size := 256; ; size *= 2 {
		b := make([]byte, size)
		n, err := unix.Readlinkat(fd, base, b)
		if err == unix.EINVAL && base != "" {
			err = unix.ENOENT // another thing has its name by now: the link is gone
		}
		if err != nil {
			return "", err
		}
		if n < size {
			return string(b[:n]), nil
		}
	}
}

// ranges is where a file has data. Only worth asking where fewer blocks are
// used than its size needs.
func ranges(fd int, size int64) ([][2]int64, error) {
	var rs [][2]int64
	for off := int64(0); off < size; {
		data, err := unix.Seek(fd, off, unix.SEEK_DATA)
		if err == unix.ENXIO {
			break // nothing but a hole up to the end
		}
		if err != nil {
			return nil, err
		}
		hole, err := unix.Seek(fd, data, unix.SEEK_HOLE)
		if err != nil {
			return nil, err
		}
		hole = min(hole, size)
		if data >= hole {
			break
		}
		rs = append(rs, [2]int64{data, hole - data})
		off = hole
	}
	return rs, nil
}

// gone reports that an error means that a name is not there.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) }
