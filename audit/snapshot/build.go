package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

func shaOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// maxGroups bounds the handles that are held on files with several names.
const maxGroups = 512

// writeInto reports whether a file is restored by writing into the inode that
// is there: its other names must see the old content again too.
func (p *plan) writeInto(i int) bool {
	e, n := &p.pre.entries[i], p.now.entry(p.at[i])
	c := p.x.Items[e.Item].Class
	return (c == InPlace || c == Create) && n != nil && e.Kind == KFile && n.Kind == KFile && n.Ino == e.Ino && n.Dev == e.Dev && n.Nlink > 1
}

// into writes the old content into the file that is there.
func (r *restorer) into(l *level, name string, i int) error {
	id := inode{r.pre.entries[i].Dev, r.pre.entries[i].Ino}
	if r.wrote[id] {
		return nil // through another of its names
	}
	h, err := r.still(l, name, i)
	if err != nil {
		return err
	}
	defer unix.Close(h)
	r.unlock(h)
	fd, err := unix.Open(self(h), unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	e := &r.pre.entries[i]
	// Looked at first: bytes that are damaged must not reach the file.
	if err := r.x.read(e, func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	if err := unix.Ftruncate(fd, 0); err != nil {
		return err
	}
	r.wrote[id] = true
	if err := r.fill(fd, e); err != nil {
		return err
	}
	return r.meta(h, i, true)
}

// fill writes an entry's data into an empty file, leaving its holes.
func (r *restorer) fill(fd int, e *Entry) error {
	if err := unix.Ftruncate(fd, e.Size); err != nil {
		return err
	}
	if e.Blob != "" && !e.Packed && e.SHA == "" && e.Size > 0 {
		if src, err := r.x.source(e); err == nil {
			err = unix.IoctlFileClone(fd, int(src.Fd()))
			src.Close()
			if err == nil {
				return nil
			}
		}
	}
	return r.x.read(e, func(off int64, b []byte) error {
		for len(b) > 0 {
			n, err := unix.Pwrite(fd, b, off)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return err
			}
			b, off = b[n:], off+int64(n)
		}
		return nil
	})
}

// build makes an entry, and all below it, under a name that is free.
func (r *restorer) build(l *level, name string, i int) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	e := &r.pre.entries[i]
	switch e.Kind {
	case KFile:
		return r.buildFile(l, name, i)
	case KDir:
		return r.buildDir(l, name, i)
	case KLink:
		if err := unix.Symlinkat(e.Link, l.fd, name); err != nil {
			return err
		}
	case KFIFO:
		if err := unix.Mknodat(l.fd, name, unix.S_IFIFO|0o600, 0); err != nil {
			return err
		}
	case KSocket:
		if err := unix.Mknodat(l.fd, name, unix.S_IFSOCK|0o600, 0); err != nil {
			return err
		}
	case KChar, KBlock:
		mode := uint32(unix.S_IFCHR)
		if e.Kind == KBlock {
			mode = unix.S_IFBLK
		}
		if err := unix.Mknodat(l.fd, name, mode|0o600, int(e.Rdev)); err != nil {
			return fmt.Errorf("device node: %w", err)
		}
	default:
		return fmt.Errorf("cannot be made: kind %q", e.Kind)
	}
	h, err := handle(l.fd, name)
	if err != nil {
		return err
	}
	defer unix.Close(h)
	return r.meta(h, i, true)
}

func (r *restorer) buildDir(l *level, name string, i int) error {
	if err := unix.Mkdirat(l.fd, name, 0o700); err != nil {
		return err
	}
	d, err := enter(l, name)
	if err != nil {
		return err
	}
	// Compression and copy-on-write are handed down to what is made inside.
	if f := r.pre.entries[i].Flags & (flCompress | flNoCOW); f != 0 {
		_ = setFlags(d.fd, f)
	}
	for base, k := range r.pre.kids[i] {
		if err := r.build(d, base, k); err != nil {
			if d.fd < 0 {
				return err
			}
			r.fail(r.pre.path(k), err)
		}
	}
	return errors.Join(r.meta(d.fd, i, true), leave(l, d))
}

func (r *restorer) buildFile(l *level, name string, i int) error {
	e := &r.pre.entries[i]
	first := i
	if e.Same > 0 {
		first = e.Same - 1
		e = &r.pre.entries[first]
	}
	if fd, ok := r.groups[first]; ok {
		err := unix.Linkat(unix.AT_FDCWD, self(fd), l.fd, name, unix.AT_SYMLINK_FOLLOW)
		if r.left[first]--; r.left[first] <= 0 {
			unix.Close(fd)
			delete(r.groups, first)
		}
		if err == nil {
			return nil
		}
	}
	if r.joinLive(l, name, e) {
		return nil
	}
	if e.Linked && r.giveBack(l, name, e) {
		return r.named(l, name, first)
	}
	fd, err := unix.Openat(l.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if f := e.Flags & (flCompress | flNoCOW); f != 0 {
		_ = setFlags(fd, f)
	}
	err = r.fill(fd, e)
	unix.Close(fd)
	if err != nil {
		_ = unix.Unlinkat(l.fd, name, 0)
		return err
	}
	if e.Linked {
		r.rep.Notes = append(r.rep.Notes, r.pre.path(i)+": came back as a copy")
	}
	return r.named(l, name, first)
}

// named finishes a file that was made: its metadata, and a handle for its
// further names.
func (r *restorer) named(l *level, name string, first int) error {
	h, err := handle(l.fd, name)
	if err != nil {
		return err
	}
	if r.left[first] > 0 && len(r.groups) < maxGroups {
		if _, held := r.groups[first]; !held {
			r.groups[first] = h
			return r.meta(h, first, true)
		}
	}
	defer unix.Close(h)
	return r.meta(h, first, true)
}

// joinLive gives a file that still lives under another kept name this name
// again, so that both are one inode as they were.
func (r *restorer) joinLive(l *level, name string, e *Entry) bool {
	other, ok := r.live[inode{e.Dev, e.Ino}]
	if !ok {
		return false
	}
	h, err := r.now.open(r.at[other])
	if err != nil {
		return false
	}
	defer unix.Close(h)
	st, err := stat(h)
	if err != nil || st.Ino != e.Ino || unix.Mkdev(st.Dev_major, st.Dev_minor) != e.Dev {
		return false
	}
	return unix.Linkat(unix.AT_FDCWD, self(h), l.fd, name, unix.AT_SYMLINK_FOLLOW) == nil
}

// giveBack moves the inode that was kept to its place: it then has the number
// of names that it had, which crontabs and lock files depend on.
func (r *restorer) giveBack(l *level, name string, e *Entry) bool {
	dir, err := r.x.blobs(e)
	if err != nil {
		return false
	}
	defer unix.Close(dir)
	h, err := handle(dir, e.Blob)
	if err != nil {
		return false
	}
	defer unix.Close(h)
	return e.unwritten(h) == nil && unix.Renameat2(dir, e.Blob, l.fd, name, unix.RENAME_NOREPLACE) == nil
}

// unlock takes the flags off that stand against a change. They come back with
// the metadata, or go with the file.
func (r *restorer) unlock(h int) {
	fd, err := reopenPlain(h)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if f, ok := inodeFlags(fd); ok && f&(flImmutable|flAppend) != 0 {
		_ = setFlags(fd, f&^(flImmutable|flAppend))
	}
}

// reopenPlain opens a handle if it is a file or directory: nothing else has
// flags, and nothing else may be opened.
func reopenPlain(h int) (int, error) {
	st, err := stat(h)
	if err != nil {
		return -1, err
	}
	if k := kindOf(uint32(st.Mode)); k != KFile && k != KDir {
		return -1, unix.ENOTTY
	}
	return reopen(h, 0)
}

// meta gives a file its owner, xattrs, mode, times and flags, in the order in
// which none undoes another. Times only if asked.
func (r *restorer) meta(h, i int, times bool) error {
	e := &r.pre.entries[i]
	st, err := stat(h)
	if err != nil {
		return err
	}
	mode := e.Mode
	path := func() string { return r.pre.path(i) }
	if st.Uid != e.UID || st.Gid != e.GID {
		if err := unix.Fchownat(h, "", int(e.UID), int(e.GID), unix.AT_EMPTY_PATH); err != nil {
			// Another's setuid bit on our own file would be a hole.
			mode &^= 0o6000
			r.fail(path(), fmt.Errorf("owner %d:%d could not be restored: %w", e.UID, e.GID, err))
		}
	}
	r.xattrs(h, i)
	if e.Kind != KLink {
		if now, err := stat(h); err != nil || uint32(now.Mode)&0o7777 != mode {
			if err := unix.Chmod(self(h), mode); err != nil {
				r.fail(path(), fmt.Errorf("mode %04o could not be restored: %w", mode, err))
			}
		}
	}
	if times {
		if err := setTimes(h, e); err != nil {
			r.fail(path(), fmt.Errorf("times could not be restored: %w", err))
		}
	}
	if e.FlagsOK && (e.Kind == KFile || e.Kind == KDir) {
		r.flags(h, i)
	}
	return nil
}

func setTimes(h int, e *Entry) error {
	return unix.UtimesNanoAt(unix.AT_FDCWD, self(h), []unix.Timespec{e.Atime.spec(), e.Mtime.spec()}, 0)
}

func (r *restorer) flags(h, i int) {
	e := &r.pre.entries[i]
	if e.Flags&(flImmutable|flAppend) != 0 {
		r.late = append(r.late, i)
	}
	if err := flagsOf(h, e.Flags&^(flImmutable|flAppend)); err != nil {
		r.fail(r.pre.path(i), fmt.Errorf("flags %#x could not be restored: %w", e.Flags, err))
	}
}

// freeze sets the flags that forbid changes, when all changes are done.
func (r *restorer) freeze() {
	for _, i := range r.late {
		h, err := r.pre.open(i)
		if err == nil {
			err = flagsOf(h, r.pre.entries[i].Flags)
			unix.Close(h)
		}
		if err != nil {
			r.fail(r.pre.path(i), fmt.Errorf("flags %#x could not be restored: %w", r.pre.entries[i].Flags, err))
		}
	}
}

func flagsOf(h int, want uint32) error {
	fd, err := reopenPlain(h)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return setFlags(fd, want)
}

// xattrs makes the extended attributes those that were kept.
func (r *restorer) xattrs(h, i int) {
	e := &r.pre.entries[i]
	now, err := xattrs(h)
	if err != nil && len(now) == 0 {
		if len(e.Xattrs) > 0 {
			r.fail(r.pre.path(i), err)
		}
		return
	}
	for _, x := range now {
		if !slices.ContainsFunc(e.Xattrs, func(y Xattr) bool { return x.Name == y.Name }) {
			if err := unix.Removexattr(self(h), x.Name); err != nil && err != unix.ENODATA {
				r.fail(r.pre.path(i), fmt.Errorf("xattr %s: %w", x.Name, err))
			}
		}
	}
	for _, x := range e.Xattrs {
		if slices.ContainsFunc(now, func(y Xattr) bool { return x.Name == y.Name && bytes.Equal(x.Value, y.Value) }) {
			continue
		}
		if err := unix.Setxattr(self(h), x.Name, x.Value, 0); err != nil {
			r.fail(r.pre.path(i), &os.PathError{Op: "xattr " + x.Name, Path: e.Name, Err: err})
		}
	}
}
