package rescue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// copier copies files. What it does not preserve it says.
type copier struct {
	*call
	recursive, force, noClobber, update, verbose, one, ask bool
	links                                                  bool // a link is copied as a link
	follow                                                 bool // every link is followed
	mode, owner, times, xattrs, hard                       bool // what is preserved

	made map[inode]bool   // directories that this copy made: never copied into themselves
	seen map[inode]string // files with several names: where the first went
	dev  uint64
}

// inode names a file on this machine.
type inode struct{ dev, ino uint64 }

func inodeOf(st fs.FileInfo) inode {
	s := sysOf(st)
	return inode{s.Dev, s.Ino}
}

func copyFiles(c *call) {
	k := copier{call: c}
	f := c.options()
	archive := f.BoolP("archive", "a", false, "all below, and everything about it: the same as -dR --preserve=all")
	f.BoolVarP(&k.recursive, "recursive", "r", false, "directories and all below")
	capital := f.BoolP("Recursive", "R", false, "the same")
	noLinks := f.BoolP("no-dereference", "P", false, "links as links")
	f.BoolVarP(&k.follow, "dereference", "L", false, "what links lead to")
	d := f.BoolP("d", "d", false, "links as links, files with several names kept so")
	p := f.BoolP("p", "p", false, "preserve mode, owner and times")
	preserve := f.StringSlice("preserve", nil, "mode, ownership, timestamps, links, xattr, all")
	f.BoolVarP(&k.force, "force", "f", false, "remove what cannot be written over")
	f.BoolVarP(&k.noClobber, "no-clobber", "n", false, "leave what is there")
	f.BoolVarP(&k.ask, "interactive", "i", false, "ask before writing over")
	f.BoolVarP(&k.update, "update", "u", false, "leave what is as new")
	f.BoolVarP(&k.verbose, "verbose", "v", false, "say each")
	f.BoolVarP(&k.one, "one-file-system", "x", false, "leave what is mounted below alone")
	into := f.StringP("target-directory", "t", "", "put the copies here")
	noDir := f.BoolP("no-target-directory", "T", false, "DEST is the name itself, never a directory to put it in")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	k.recursive = k.recursive || *capital || *archive
	// A tree is copied with its links, unless it is said otherwise.
	k.links = *noLinks || *d || *archive || k.recursive && !k.follow
	k.hard = *d || *archive
	k.xattrs = *archive
	k.mode = *p || *archive
	k.owner, k.times = k.mode, k.mode
	for _, what := range *preserve {
		switch what {
		case "mode":
			k.mode = true
		case "ownership":
			k.owner = true
		case "timestamps":
			k.times = true
		case "links":
			k.hard = true
		case "xattr":
			k.xattrs = true
		case "all":
			k.mode, k.owner, k.times, k.hard, k.xattrs = true, true, true, true, true
		default:
			c.say("--preserve=%s is not known here", what)
			return
		}
	}
	for _, pair := range c.pairs(args, *into, *noDir) {
		k.tree(pair[0], pair[1])
	}
}

// pairs says which file goes under which name: into a directory that is there,
// or to the one name that is given.
func (c *call) pairs(args []string, into string, noDir bool) (pairs [][2]string) {
	sources := args
	if into == "" {
		if len(args) < 2 {
			c.misuse()
			return nil
		}
		sources, into = args[:len(args)-1], args[len(args)-1]
		st, err := os.Stat(c.path(into))
		if err != nil || !st.IsDir() || noDir {
			if len(sources) > 1 || strings.HasSuffix(into, "/") && err == nil && !st.IsDir() {
				c.say("%s is no directory", into)
				return nil
			}
			return [][2]string{{c.path(sources[0]), c.path(into)}}
		}
	}
	for _, s := range sources {
		to := c.path(into)
		if base := filepath.Base(s); base != "." && base != ".." && base != "/" {
			to = strings.TrimSuffix(to, "/") + "/" + base
		}
		pairs = append(pairs, [2]string{c.path(s), to})
	}
	return pairs
}

// tree copies one operand.
func (k *copier) tree(from, to string) bool {
	k.made, k.dev = map[inode]bool{}, 0
	if k.seen == nil {
		k.seen = map[inode]string{}
	}
	st, err := k.look(from, true)
	if err != nil {
		k.fail(err)
		return false
	}
	if st.IsDir() && !k.recursive {
		k.say("%s is a directory (-r copies it)", from)
		return false
	}
	k.dev = sysOf(st).Dev
	return k.copy(from, to, st)
}

func (k *copier) look(path string, named bool) (fs.FileInfo, error) {
	if k.links && !k.follow && !(named && strings.HasSuffix(path, "/")) {
		return os.Lstat(path)
	}
	return os.Stat(path)
}

// copy copies one file, or a directory and all below, and reports whether all
// of it arrived.
func (k *copier) copy(from, to string, st fs.FileInfo) bool {
	if k.stopped() {
		return false
	}
	old, err := os.Lstat(to)
	there := err == nil
	if there && !k.replaces(from, to, st, old) {
		return k.status == 0
	}
	if st.IsDir() {
		return k.directory(from, to, st, there)
	}
	if there {
		if target, err := os.Stat(to); err == nil && target.IsDir() && !(old.Mode()&fs.ModeSymlink != 0 && k.links) {
			k.say("%s is a directory, %s is not", to, from)
			return false
		}
	}
	first, again := k.seen[inodeOf(st)]
	if k.hard && sysOf(st).Nlink > 1 && again {
		err = makeLink(first, to, false, true)
	} else {
		err = k.file(from, to, st, there)
		if k.hard && sysOf(st).Nlink > 1 && err == nil {
			k.seen[inodeOf(st)] = to
		}
	}
	if err != nil {
		k.fail(err)
		return false
	}
	if k.verbose {
		fmt.Fprintf(k.out, "%s -> %s\n", from, to)
	}
	return true
}

// replaces says whether what is there may be written over.
func (k *copier) replaces(from, to string, st, old fs.FileInfo) bool {
	target, err := os.Stat(to)
	if os.SameFile(st, old) || err == nil && os.SameFile(st, target) && !(k.links && st.Mode()&fs.ModeSymlink != 0) {
		k.say("%s and %s are the same file", from, to)
		return false
	}
	if st.IsDir() {
		return true
	}
	switch {
	case k.noClobber:
		return false
	case k.update && !st.ModTime().After(old.ModTime()):
		return false
	case k.ask:
		return k.call.ask("write over %s", to)
	}
	return true
}

func (k *copier) directory(from, to string, st fs.FileInfo, there bool) bool {
	if k.made[inodeOf(st)] {
		k.say("%s is not copied into itself", from)
		return false
	}
	if k.one && sysOf(st).Dev != k.dev {
		return true
	}
	if there {
		target, err := os.Stat(to)
		if err != nil || !target.IsDir() {
			k.say("%s is no directory, %s is one", to, from)
			return false
		}
	} else if err := os.Mkdir(to, 0o700); err != nil {
		k.fail(err)
		return false
	}
	if i, err := os.Stat(to); err == nil && !there {
		k.made[inodeOf(i)] = true
	}
	entries, err := os.ReadDir(from)
	k.fail(err)
	all := err == nil
	for _, d := range entries {
		path := filepath.Join(from, d.Name())
		i, err := k.look(path, false)
		if err != nil {
			k.fail(err)
			all = false
			continue
		}
		all = k.copy(path, filepath.Join(to, d.Name()), i) && all
	}
	if !there || k.mode {
		err := k.attributes(from, to, st, !there)
		k.fail(err)
		all = all && err == nil
	}
	return all && !k.stopped()
}

// file copies what is no directory.
func (k *copier) file(from, to string, st fs.FileInfo, there bool) error {
	s := sysOf(st)
	switch {
	case st.Mode().IsRegular() || !k.recursive && st.Mode()&fs.ModeSymlink == 0:
		if err := k.content(from, to, st, there); err != nil {
			return err
		}
	default:
		// What stood there goes only when its successor does exist.
		at := to
		if there {
			at = besideName(to)
		}
		var err error
		if st.Mode()&fs.ModeSymlink != 0 {
			var target string
			if target, err = os.Readlink(from); err == nil {
				err = os.Symlink(target, at)
			}
		} else if err = unix.Mknod(at, s.Mode, int(s.Rdev)); err != nil {
			err = &fs.PathError{Op: "mknod", Path: to, Err: err}
		}
		if err == nil && there {
			if err = os.Rename(at, to); err != nil {
				_ = os.Remove(at)
			}
		}
		if err != nil {
			return err
		}
	}
	return k.attributes(from, to, st, !there)
}

// content copies a file's bytes and leaves its holes out.
func (k *copier) content(from, to string, st fs.FileInfo, there bool) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	perm := st.Mode().Perm()
	if k.mode || k.owner {
		perm &= 0o700 // nobody else sees it before its owner is right
	}
	if old, err := os.Lstat(to); there && k.links && err == nil && old.Mode()&fs.ModeSymlink != 0 && k.recursive {
		// Within a tree a link is replaced, not written through.
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil && k.force && there {
		if err := os.Remove(to); err != nil {
			return err
		}
		out, err = os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	}
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	if !st.Mode().IsRegular() || sysOf(st).Blocks*512 >= st.Size() {
		_, err = k.call.copy(out, in)
		return err
	}
	if target, err := out.Stat(); err != nil || !target.Mode().IsRegular() {
		_, err = k.call.copy(out, in)
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
func (k *copier) attributes(from, to string, st fs.FileInfo, created bool) error {
	s := sysOf(st)
	isLink := st.Mode()&fs.ModeSymlink != 0
	if k.owner {
		if err := os.Lchown(to, int(s.Uid), int(s.Gid)); err != nil && os.Geteuid() == 0 {
			return err
		}
	}
	if k.xattrs {
		if err := copyXattrs(from, to); err != nil {
			return err
		}
	}
	switch {
	case isLink:
	case k.mode:
		if err := unix.Chmod(to, s.Mode&0o7777); err != nil {
			return &fs.PathError{Op: "chmod", Path: to, Err: err}
		}
	case created && (st.IsDir() || k.owner):
		mask := unix.Umask(0)
		unix.Umask(mask)
		if err := unix.Chmod(to, s.Mode&0o777&^uint32(mask)); err != nil {
			return &fs.PathError{Op: "chmod", Path: to, Err: err}
		}
	}
	if !k.times {
		return nil
	}
	times := []unix.Timespec{{Sec: s.Atim.Sec, Nsec: s.Atim.Nsec}, {Sec: s.Mtim.Sec, Nsec: s.Mtim.Nsec}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, to, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "utimes", Path: to, Err: err}
	}
	return nil
}

// copyXattrs copies extended attributes: ACLs, capabilities, labels.
func copyXattrs(from, to string) error {
	buf := make([]byte, 64<<10) // the kernel's bound for the list and for a value
	n, err := unix.Llistxattr(from, buf)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "listxattr", Path: from, Err: err}
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value := make([]byte, 64<<10)
		m, err := unix.Lgetxattr(from, name, value)
		if err == nil {
			err = unix.Lsetxattr(to, name, value[:m], 0)
		}
		if err != nil && !(errors.Is(err, unix.ENOTSUP) && !strings.HasPrefix(name, "security.capability")) {
			return &fs.PathError{Op: "xattr " + name, Path: to, Err: err}
		}
	}
	return nil
}
