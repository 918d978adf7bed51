package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// smallFile goes into the pack: reading it costs less than making and
	// syncing a file of its own.
	smallFile = 128 << 10
	// openLevels is how many directories of one branch are held open; above
	// that the way back is "..", checked. It keeps trees that are deeper than
	// RLIMIT_NOFILE within reach.
	openLevels = 64
	// hashBudget bounds the bytes that are hashed when only the state after a
	// line is recorded; beyond it ctime alone tells a later change.
	hashBudget = 64 << 20
	// racy is how close to a walk a ctime may be before it stops proving that
	// the content is the one that was read: kernels before 6.13 stamp by the tick.
	racy = 20 * time.Millisecond
)

// inode names a file for as long as it lives.
type inode struct{ dev, ino uint64 }

// level is an open directory on the way down.
type level struct {
	fd    int
	id    inode
	mount uint64
	depth int
}

// back opens a level again from one of its children, and makes sure that it
// still is the same directory.
func (l *level) back(child int) error {
	fd, err := openDir(child, "..")
	if err != nil {
		return err
	}
	st, err := stat(fd)
	if err == nil && (inode{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}) != l.id {
		err = errors.New("a directory was moved while it was read")
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	l.fd = fd
	return nil
}

// walker reads trees into entries.
type walker struct {
	ctx    context.Context
	t      *tree
	mounts *mounts
	skip   map[inode]bool // the store itself
	owner  int            // of stores at the roots of mounts
	// file deals with a regular file's content: r is the file, open for reading.
	file func(r int, st *unix.Statx_t, e *Entry) error
	// unread decides what an error means for a file that cannot be opened.
	unread func(e *Entry, err error) error
	// each is called for every entry; an error ends the walk.
	each func() error
	note func(path, why string)

	ref    *tree     // an earlier walk of the same paths, whose hashes may be used again
	before time.Time // when ref was made
	hashed int64
	inodes map[inode]int // the first name of each inode that has several
	buf    []byte        // for directories
	data   []byte        // for contents
}

func newWalker(ctx context.Context, m *mounts) *walker {
	return &walker{ctx: ctx, t: &tree{}, mounts: m, owner: os.Geteuid(), inodes: map[inode]int{},
		buf: make([]byte, 32<<10), data: make([]byte, smallFile),
		note: func(string, string) {}, each: func() error { return nil }, unread: func(*Entry, error) error { return nil }}
}

// where resolves the links in front of a path's last component: the path that
// it has today. missing are the directories that are not there, topmost first.
func where(path string) (clean string, missing []string, err error) {
	if !filepath.IsAbs(path) {
		return "", nil, fmt.Errorf("%q is no absolute path", path)
	}
	trimmed := strings.TrimRight(path, "/")
	if trimmed == "" {
		return "/", nil, nil
	}
	dir, base := filepath.Split(trimmed)
	if base == "." || base == ".." {
		// Nothing but the kernel's own way through it says what this is.
		real, err := filepath.EvalSymlinks(trimmed)
		if err != nil {
			return "", nil, err
		}
		return real, nil, nil
	}
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		return filepath.Join(real, base), nil, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	parent, more, err := where(strings.TrimRight(dir, "/"))
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(parent, base), append(more, parent), nil
}

// behind is what a link at the end of a path leads to; "" if there is none.
// The target need not exist.
func behind(path string) string {
	p := strings.TrimRight(path, "/")
	for range 40 { // as many as the kernel follows
		text, err := os.Readlink(p)
		if err != nil {
			break
		}
		if !filepath.IsAbs(text) {
			text = filepath.Join(filepath.Dir(p), text)
		}
		if p, _, err = where(text); err != nil {
			return ""
		}
	}
	if p == strings.TrimRight(path, "/") {
		return ""
	}
	return p
}

// root reads a path and all below it. missing are its absent ancestors.
func (w *walker) root(item int, path string, missing []string) error {
	if why := foreign(w.mounts.of(path)); why != "" {
		w.note(path, why)
		w.t.add(Entry{Up: -1, Item: item, Name: path, Kind: KAbsent, Lost: why})
		return nil
	}
	for _, m := range missing {
		if w.t.child(-1, m) >= 0 {
			continue
		}
		if err := w.above(item, m); err != nil {
			return err
		}
	}
	if path == "/" {
		fd, err := openDir(unix.AT_FDCWD, "/")
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return w.visit(&level{fd: fd}, name{".", unix.DT_DIR}, "/", -1, item, w.ref.child(-1, "/"))
	}
	dir, base := filepath.Split(path)
	dir = filepath.Clean(dir)
	if w.t.child(-1, dir) < 0 {
		if err := w.above(item, dir); err != nil {
			return err
		}
	}
	parent, err := openPath(dir)
	if err != nil {
		if gone(err) {
			w.t.add(Entry{Up: -1, Item: item, Name: path, Kind: KAbsent})
			return nil
		}
		return err
	}
	defer unix.Close(parent)
	st, err := stat(parent)
	if err != nil {
		return err
	}
	return w.visit(&level{fd: parent, mount: st.Mnt_id, id: inode{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}},
		name{base, unix.DT_UNKNOWN}, path, -1, item, w.ref.child(-1, path))
}

// above records a directory on the way to an item, without what is in it.
func (w *walker) above(item int, path string) error {
	e := Entry{Up: -1, Item: item, Above: true, Name: path, Kind: KAbsent}
	fd, err := openPath(path)
	if err == nil {
		defer unix.Close(fd)
		st, err := stat(fd)
		if err != nil {
			return err
		}
		describe(&e, &st)
	} else if !gone(err) {
		return err
	}
	w.t.add(e)
	return nil
}

// visit reads one name in a directory, and what is below it. path is what the
// entry is called: a root by its whole path.
func (w *walker) visit(in *level, n name, path string, up, item, ref int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	f, err := w.look(in, n)
	if err != nil {
		if up == -1 && gone(err) {
			w.t.add(Entry{Up: -1, Item: item, Name: path, Kind: KAbsent})
			return nil
		}
		if gone(err) {
			return nil // it went while the directory was read
		}
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer f.close()
	e := Entry{Up: up, Item: item, Name: path}
	describe(&e, &f.st)
	id := inode{e.Dev, e.Ino}
	if w.skip[id] || n.base == placeName && e.isDir() && int(e.UID) == w.owner && e.Mode == 0o700 {
		return nil // a store is never kept in a store
	}
	if err := w.each(); err != nil {
		return err
	}
	if f.st.Mnt_id != in.mount && in.mount != 0 {
		if why := foreign(w.mounts.byID(f.st.Mnt_id)); why != "" {
			e.Lost = why
			i := w.t.add(e)
			w.note(w.t.path(i), why)
			return nil
		}
	}
	switch e.Kind {
	case KLink:
		if e.Link, err = f.link(in, n); gone(err) && up != -1 {
			return nil // it went, or another thing took its name, in between
		}
		if err != nil {
			return err
		}
		if e.Xattrs, err = f.xattrs(in, n); err != nil {
			e.Lost = err.Error()
		}
	case KFile:
		first, again := w.inodes[id]
		if again {
			f := &w.t.entries[first]
			e.Same, e.SHA, e.Holes, e.Data, e.Flags, e.FlagsOK = first+1, f.SHA, f.Holes, f.Data, f.Flags, f.FlagsOK
			e.Xattrs = f.Xattrs
			e.Packed, e.Off, e.Blob, e.Place, e.Linked, e.Ctime = f.Packed, f.Off, f.Blob, f.Place, f.Linked, f.Ctime
			break
		}
		if e.Nlink > 1 {
			w.inodes[id] = len(w.t.entries)
		}
		if ref >= 0 {
			w.reuse(&w.ref.entries[ref], &e)
		}
		if err := w.content(f, &e); err != nil {
			if isLimit(err) {
				return err
			}
			e.Lost = err.Error()
		}
	case KDir:
		if err := f.open(unix.O_DIRECTORY); err != nil {
			e.Lost = "cannot be read: " + err.Error()
			e.Xattrs, _ = xattrs(f.fd)
			break
		}
		if err := e.inside(f.r); err != nil {
			e.Lost = err.Error()
		}
		i := w.t.add(e)
		if e.Lost != "" {
			w.note(w.t.path(i), e.Lost)
		}
		l := &level{fd: f.r, id: id, mount: f.st.Mnt_id, depth: in.depth + 1}
		f.r = -1
		f.close()
		err = w.inside(in, l, i, item, ref)
		if l.fd >= 0 {
			unix.Close(l.fd)
		}
		return err
	default:
		if e.Xattrs, err = f.xattrs(in, n); err != nil {
			e.Lost = err.Error()
		}
	}
	i := w.t.add(e)
	if e.Lost != "" {
		w.note(w.t.path(i), e.Lost)
	}
	return nil
}

// content reads what only an open file tells, and hands it on.
func (w *walker) content(f *found, e *Entry) error {
	if err := f.open(0); err != nil {
		e.Xattrs, _ = xattrs(f.fd)
		return w.unread(e, err)
	}
	if err := e.inside(f.r); err != nil {
		return err
	}
	return w.file(f.r, &f.st, e)
}

// inside reads the directory l, which is entry i and lies in the level up.
func (w *walker) inside(up, l *level, i, item, ref int) error {
	if l.depth > openLevels && up.fd >= 0 && up.depth > 0 {
		unix.Close(up.fd)
		up.fd = -1
	}
	list, err := names(l.fd, w.buf)
	if err != nil {
		return &os.PathError{Op: "read", Path: w.t.path(i), Err: err}
	}
	for _, n := range list {
		r := -1
		if ref >= 0 {
			r = w.ref.child(ref, n.base)
		}
		if err := w.visit(l, n, n.base, i, item, r); err != nil {
			return err
		}
	}
	if up.fd < 0 {
		return up.back(l.fd)
	}
	return nil
}

// reuse takes over the hash of an earlier walk if the inode proves that the
// content is still the same.
func (w *walker) reuse(was, e *Entry) {
	old := time.Unix(was.Ctime[0], was.Ctime[1]).Add(racy).Before(w.before)
	if old && was.Kind == KFile && was.Dev == e.Dev && was.Ino == e.Ino && was.Ctime == e.Ctime && was.Size == e.Size && was.Mtime == e.Mtime {
		e.SHA, e.Holes, e.Data = was.SHA, was.Holes, was.Data
	}
}

// fingerprint is the content step of a walk that only needs to tell later
// whether something changed: small files are hashed.
func (w *walker) fingerprint(r int, st *unix.Statx_t, e *Entry) error {
	if e.SHA != "" || e.Size > smallFile || w.hashed > hashBudget {
		return nil
	}
	w.hashed += e.Size
	_, err := w.small(r, st, e)
	return err
}

// inside fills what only an open file or directory tells.
func (e *Entry) inside(r int) (err error) {
	e.Flags, e.FlagsOK = inodeFlags(r)
	e.Xattrs, err = openXattrs(r)
	return err
}

// small reads a small file's data into the walker's buffer, and its hash and
// holes into the entry.
func (w *walker) small(r int, st *unix.Statx_t, e *Entry) ([]byte, error) {
	if err := findHoles(r, st, e); err != nil {
		return nil, err
	}
	n := 0
	for _, d := range e.extents() {
		m, err := readAt(r, w.data[n:n+int(d[1])], d[0])
		n += m
		if err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(w.data[:n])
	e.SHA = hex.EncodeToString(sum[:])
	return w.data[:n], nil
}

// findHoles fills Holes and Data where fewer blocks are in use than the size needs.
func findHoles(r int, st *unix.Statx_t, e *Entry) (err error) {
	if int64(st.Blocks)*512 < e.Size {
		e.Holes = true
		e.Data, err = ranges(r, e.Size)
	}
	return err
}

// extents is where the content is: all of it, or what lies between the holes.
func (e *Entry) extents() [][2]int64 {
	if e.Holes {
		return e.Data
	}
	if e.Size == 0 {
		return nil
	}
	return [][2]int64{{0, e.Size}}
}

// readAt fills b; a file that ends too early was cut meanwhile.
func readAt(fd int, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], off+int64(n))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			return n, io.ErrUnexpectedEOF
		}
		n += m
	}
	return n, nil
}

// isLimit reports an error that ends a walk, where others only cost one entry.
func isLimit(err error) bool {
	var big *TooBig
	var full *NoSpace
	var store *NoStore
	return errors.As(err, &big) || errors.As(err, &store) || errors.As(err, &full) || errors.Is(err, errEnough) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// errEnough ends the counting after a budget was passed.
var errEnough = errors.New("counted enough")
