package rescue

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// content copies a file's bytes and leaves its holes out.
func (k *copier) content(from, to string, st fs.FileInfo, there bool) bool {
	in, err := os.Open(k.path(from))
	if err != nil {
		k.say("cannot open %s for reading: %s", shown(from), reason(err))
		return false
	}
	defer in.Close()
	perm := st.Mode().Perm()
	if k.anyMode {
		perm = 0o666
	}
	if k.mode || k.owner {
		perm &= 0o700 // nobody else sees it before its owner is right
	}
	if old, err := os.Lstat(k.path(to)); there && k.links && err == nil && old.Mode()&fs.ModeSymlink != 0 && k.recursive {
		// Within a tree a link is replaced, not written through.
		if err := os.Remove(k.path(to)); err != nil {
			k.cannot("remove", to, err)
			return false
		}
	}
	out, err := os.OpenFile(k.path(to), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil && k.force && there {
		if err = os.Remove(k.path(to)); err == nil {
			out, err = os.OpenFile(k.path(to), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		}
	}
	if err != nil {
		if errors.Is(err, unix.EISDIR) && strings.HasSuffix(to, "/") {
			err = unix.ENOTDIR
		}
		k.cannot("create regular file", to, err)
		return false
	}
	err = k.bytes(out, in, st)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if !silent(err) {
		k.say("error writing %s: %s", shown(to), reason(err))
	}
	return err == nil
}

func (k *copier) bytes(out, in *os.File, st fs.FileInfo) error {
	target, err := out.Stat()
	if err != nil || !target.Mode().IsRegular() || !st.Mode().IsRegular() || sysOf(st).Blocks*512 >= st.Size() {
		_, err := k.call.copy(out, in)
		return err
	}
	return k.sparse(out, in, st.Size())
}

func (k *copier) sparse(out, in *os.File, size int64) error {
	for at := int64(0); at < size; {
		data, err := unix.Seek(int(in.Fd()), at, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO):
			return out.Truncate(size) // nothing but a hole up to the end
		case err != nil:
			data = at
		}
		end, err := unix.Seek(int(in.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			end = size
		}
		n, err := k.call.copy(io.NewOffsetWriter(out, data), io.NewSectionReader(in, data, end-data))
		if err != nil {
			return err
		}
		if n == 0 { // it became shorter while it was read
			break
		}
		at = data + n
	}
	return out.Truncate(size)
}

// attributes gives a copy what its original has.
func (k *copier) attributes(from, to string, st fs.FileInfo, created bool) bool {
	s, path := sysOf(st), strings.TrimRight(k.path(to), "/")
	if k.owner {
		if err := os.Lchown(path, int(s.Uid), int(s.Gid)); err != nil && os.Geteuid() == 0 {
			k.say("failed to preserve ownership for %s: %s", shown(to), reason(err))
			return false
		}
	}
	if k.xattrs {
		if name, err := copyXattrs(k.path(from), path); err != nil {
			k.say("setting attribute %s for %s: %s", shown(name), shown(to), reason(err))
			return false
		}
	}
	mode, set := s.Mode&0o7777, false
	if k.anyMode {
		mode = 0o777
		if !st.IsDir() {
			mode = 0o666
		}
	}
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
	case k.mode:
		set = true
	case created && (st.IsDir() || k.owner):
		mask := unix.Umask(0)
		unix.Umask(mask)
		mode, set = mode&0o777&^uint32(mask), true
	}
	if set {
		if err := unix.Chmod(path, mode); err != nil {
			k.say("preserving permissions for %s: %s", shown(to), reason(err))
			return false
		}
	}
	if !k.times {
		return true
	}
	times := []unix.Timespec{{Sec: s.Atim.Sec, Nsec: s.Atim.Nsec}, {Sec: s.Mtim.Sec, Nsec: s.Mtim.Nsec}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		k.say("preserving times for %s: %s", shown(to), reason(err))
		return false
	}
	return true
}

// maxXattr is the kernel's bound for the list of a file's extended attributes,
// and for the value of one.
const maxXattr = 64 << 10

// xattrNames are the names of a file's extended attributes.
func xattrNames(path string) ([]string, error) {
	buf := make([]byte, maxXattr)
	n, err := unix.Llistxattr(path, buf)
	if err != nil || n == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00"), nil
}

// copyXattrs copies extended attributes: ACLs, capabilities, labels. With an
// error it returns the name of the one that could not be set.
func copyXattrs(from, to string) (string, error) {
	names, err := xattrNames(from)
	if errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	value := make([]byte, maxXattr)
	for _, name := range names {
		m, err := unix.Lgetxattr(from, name, value)
		if err == nil {
			err = unix.Lsetxattr(to, name, value[:m], 0)
		}
		if err != nil && !(errors.Is(err, unix.ENOTSUP) && name != "security.capability") {
			return name, err
		}
	}
	return "", nil
}
