package snapshot

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// name is a name in a directory, with the type that the directory says it has
// (DT_REG …). That is a hint: what is opened is looked at again.
type name struct {
	base string
	dt   byte
}

// names lists a directory that was just opened for reading.
func names(fd int, buf []byte) (all []name, err error) {
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return all, err
		}
		all = parseNames(all, buf[:n])
	}
}

// parseNames reads what getdents64(2) wrote: inode, offset, length of the
// record, type, and the name up to a zero byte.
func parseNames(all []name, buf []byte) []name {
	const (
		lenAt  = int(unsafe.Offsetof(unix.Dirent{}.Reclen))
		typeAt = int(unsafe.Offsetof(unix.Dirent{}.Type))
		nameAt = int(unsafe.Offsetof(unix.Dirent{}.Name))
	)
	for len(buf) > nameAt {
		size := int(binary.NativeEndian.Uint16(buf[lenAt:]))
		if size <= nameAt || size > len(buf) {
			break
		}
		text := buf[nameAt:size]
		if end := bytes.IndexByte(text, 0); end >= 0 {
			text = text[:end]
		}
		if s := string(text); s != "." && s != ".." && s != "" {
			all = append(all, name{s, buf[typeAt]})
		}
		buf = buf[size:]
	}
	return all
}

// found is what stands under a name.
type found struct {
	st unix.Statx_t
	fd int // a handle on it; -1 where r or the name itself did as well
	r  int // the file, open for reading; -1 not open
}

func (f *found) close() {
	for _, fd := range [...]*int{&f.fd, &f.r} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// look finds out what a name stands for, with as few calls as its type allows:
// most of a tree is plain files, which are opened for reading anyway, and
// links, which need no handle. All else is only opened as a handle, and so is
// what something may be mounted on: opening a device, a FIFO or a file of a
// server that is dead does things, or never returns.
func (w *walker) look(in *level, n name) (*found, error) {
	f := &found{fd: -1, r: -1}
	if n.dt == unix.DT_REG && !w.mounts.named(n.base) {
		r, err := openRead(in.fd, n.base, unix.O_NOFOLLOW)
		if err == nil {
			if f.st, err = stat(r); err == nil && kindOf(uint32(f.st.Mode)) == KFile {
				f.r = r
				return f, nil
			}
			unix.Close(r)
		}
	}
	if n.dt == unix.DT_LNK && !w.mounts.named(n.base) {
		err := statAt(in.fd, n.base, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, &f.st)
		if err == nil && kindOf(uint32(f.st.Mode)) == KLink {
			return f, nil
		}
	}
	fd, err := handle(in.fd, n.base)
	if err != nil {
		return nil, err
	}
	f.fd = fd
	if f.st, err = stat(fd); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// open opens what was found for reading, unless it is.
func (f *found) open(flags int) (err error) {
	if f.r < 0 {
		f.r, err = reopen(f.fd, flags)
	}
	return err
}

// link is a link's text.
func (f *found) link(in *level, n name) (string, error) {
	if f.fd >= 0 {
		return readLink(f.fd, "")
	}
	return readLink(in.fd, n.base)
}

// xattrs is the extended attributes of what is not opened for reading.
func (f *found) xattrs(in *level, n name) ([]Xattr, error) {
	if f.fd >= 0 {
		return xattrs(f.fd)
	}
	var list [512]byte
	size, err := listXattrAt(in.fd, n.base, list[:])
	if err == nil && size == 0 || err == unix.ENOTSUP {
		return nil, nil
	}
	// It has some, or this kernel (before 6.13) cannot say by name.
	if f.fd, err = handle(in.fd, n.base); err != nil {
		return nil, err
	}
	return xattrs(f.fd)
}

// listXattrAt is listxattrat(2) on a name itself, not on what a link leads to.
func listXattrAt(dir int, base string, list []byte) (int, error) {
	p, err := unix.BytePtrFromString(base)
	if err != nil {
		return 0, err
	}
	n, _, e := unix.Syscall6(unix.SYS_LISTXATTRAT, uintptr(dir), uintptr(unsafe.Pointer(p)), unix.AT_SYMLINK_NOFOLLOW,
		uintptr(unsafe.Pointer(&list[0])), uintptr(min(len(list), math.MaxInt32)), 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
