package snapshot

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// estimateTime bounds the counting that goes on after a budget was passed,
	// so that the question can name a size.
	estimateTime = 250 * time.Millisecond
	// perEntry and copyRate guess how long a whole snapshot would take: what
	// was seen on an ordinary virtual disk, rounded to the slow side.
	perEntry = 15 * time.Microsecond
	copyRate = 150 << 20
	// rereads is how often a file that is being written is read again before
	// its copy counts as doubtful.
	rereads = 3
	// maxReasons bounds what a snapshot says about itself.
	maxReasons = 20
)

// place is a directory that takes blobs for one mount.
type place struct {
	dir     string
	fd      int
	index   int // as Entry.Place
	noClone bool
	noLink  bool
}

// keeper saves contents while a walk goes on.
type keeper struct {
	s      *Store
	w      *walker
	snap   *Snapshot
	dir    string // the snapshot while it is being made
	opts   Options
	start  time.Time
	noLink bool // some item writes in place, perhaps through another name of a linked file

	packFile *os.File
	pack     *bufio.Writer
	packed   int64
	blobs    int
	main     *place
	places   map[uint64]*place // by mount id; nil where there can be none
	mount    uint64            // of the store
	sync     []string          // blobs to sync

	files   int
	copied  int64
	over    string // which bound was passed: counting only
	overAt  time.Time
	targets []string
}

// each counts an entry against the budget.
func (k *keeper) each() error {
	k.files++
	if k.over != "" {
		if time.Since(k.overAt) > estimateTime {
			return errEnough
		}
		return nil
	}
	switch {
	case k.opts.Files > 0 && k.files > k.opts.Files:
		k.pass("files")
	case k.opts.Time > 0 && k.files%64 == 0 && time.Since(k.start) > k.opts.Time:
		k.pass("time")
	}
	return nil
}

func (k *keeper) pass(limit string) { k.over, k.overAt = limit, time.Now() }

// tooBig is what was counted, as an error.
func (k *keeper) tooBig(more bool) error {
	eta := time.Duration(k.files)*perEntry + time.Duration(float64(k.copied)/copyRate*float64(time.Second))
	return &TooBig{Limit: k.over, Files: k.files, Bytes: k.copied, More: more, ETA: eta}
}

// charge counts bytes to be copied; false means that the budget is passed.
func (k *keeper) charge(n int64) bool {
	k.copied += n
	if k.over == "" && k.opts.Bytes > 0 && k.copied > k.opts.Bytes {
		k.pass("bytes")
	}
	return k.over == ""
}

// file keeps one regular file.
func (k *keeper) file(r int, st *unix.Statx_t, e *Entry) error {
	class := k.snap.Items[e.Item].Class
	if k.over != "" {
		if class != Metadata && e.Size <= smallFile {
			k.copied += e.Size
		} else if class != Metadata {
			k.copied += int64(st.Blocks) * 512
		}
		return nil
	}
	if class == Metadata {
		return nil
	}
	k.snap.Bytes += e.Size
	linkable := (class == Delete || class == Replace) && !k.noLink
	if linkable && e.Nlink > 1 {
		// Only the inode itself can be joined to its other names again.
		k.link(r, st, e)
	}
	if e.Size > smallFile {
		switch {
		case e.Blob != "":
			return nil
		case k.clone(r, st, e):
			return nil
		case linkable && k.link(r, st, e):
			return nil
		}
	}
	for try := 0; ; try++ {
		var err error
		if e.Size <= smallFile {
			err = k.small(r, st, e)
		} else {
			err = k.copy(r, st, e)
		}
		if isLimit(err) || k.over != "" {
			return err
		}
		now, serr := stat(r)
		if serr != nil {
			return serr
		}
		steady := now.Mtime == st.Mtime && now.Size == st.Size
		if steady || try == rereads {
			if err == nil && !steady {
				err = fmt.Errorf("was being written while it was kept")
			}
			return err
		}
		*st = now
		link := e.Linked
		describe(e, st)
		e.Linked, e.Holes, e.Data = link, false, nil
	}
}

func (k *keeper) small(r int, st *unix.Statx_t, e *Entry) error {
	if !k.charge(e.Size) {
		return nil
	}
	b, err := k.w.small(r, st, e)
	if err != nil {
		return err
	}
	if k.pack == nil {
		if err := k.openPack(); err != nil {
			return fatal(err)
		}
	}
	if _, err := k.pack.Write(b); err != nil {
		return fatal(err)
	}
	e.Packed, e.Off = true, k.packed
	before := k.packed
	k.packed += int64(len(b))
	if before>>24 != k.packed>>24 { // every 16 MiB
		return k.s.room(k.dir, 0)
	}
	return nil
}

// fatal marks an error of the store itself, which must end the walk.
func fatal(err error) error { return &NoStore{err} }

// NoStore says that the store cannot be written.
type NoStore struct{ Err error }

func (e *NoStore) Error() string { return "the snapshot store cannot be written: " + e.Err.Error() }
func (e *NoStore) Unwrap() error { return e.Err }

// copy writes a larger file's data to a blob, holes left out.
func (k *keeper) copy(r int, st *unix.Statx_t, e *Entry) error {
	if err := findHoles(r, st, e); err != nil {
		return err
	}
	if !k.charge(e.stored()) {
		return nil
	}
	if err := k.s.room(k.dir, e.stored()); err != nil {
		return err
	}
	name := strconv.Itoa(k.blobs)
	k.blobs++
	path := filepath.Join(k.main.dir, name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for _, d := range e.extents() {
		for off, end := d[0], d[0]+d[1]; off < end; {
			n := min(end-off, int64(len(buf)))
			if _, err := readAt(r, buf[:n], off); err != nil {
				return err
			}
			if _, err := f.WriteAt(buf[:n], off); err != nil {
				return fatal(err)
			}
			h.Write(buf[:n])
			off += n
			if err := k.w.ctx.Err(); err != nil {
				return err
			}
			if k.opts.Time > 0 && time.Since(k.start) > k.opts.Time {
				k.pass("time")
				return nil
			}
		}
	}
	if err := f.Truncate(e.Size); err != nil {
		return fatal(err)
	}
	e.Blob, e.SHA = name, hex.EncodeToString(h.Sum(nil))
	k.sync = append(k.sync, path)
	return nil
}

// clone shares a file's blocks with a blob. Not hashed: reading it would cost
// what the clone saves.
func (k *keeper) clone(r int, st *unix.Statx_t, e *Entry) bool {
	p := k.placeFor(st.Mnt_id)
	if p == nil || p.noClone {
		return false
	}
	name := strconv.Itoa(k.blobs)
	fd, err := unix.Openat(p.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if e.Flags&flNoCOW != 0 {
		_ = setFlags(fd, flNoCOW) // both ends of a clone must agree on it
	}
	if err := unix.IoctlFileClone(fd, r); err != nil {
		if err == unix.EOPNOTSUPP || err == unix.ENOTTY || err == unix.ENOSYS || err == unix.EXDEV {
			p.noClone = true
		}
		_ = unix.Unlinkat(p.fd, name, 0)
		return false
	}
	k.blobs++
	e.Blob, e.Place = name, p.index
	k.sync = append(k.sync, filepath.Join(p.dir, name))
	_ = findHoles(r, st, e)
	return true
}

// link keeps the inode itself. Only where the line will not write into it.
func (k *keeper) link(fd int, st *unix.Statx_t, e *Entry) bool {
	p := k.placeFor(st.Mnt_id)
	if p == nil || p.noLink {
		return false
	}
	name := strconv.Itoa(k.blobs)
	if err := unix.Linkat(unix.AT_FDCWD, self(fd), p.fd, name, unix.AT_SYMLINK_FOLLOW); err != nil {
		p.noLink = err == unix.EXDEV || err == unix.EOPNOTSUPP
		return false
	}
	k.blobs++
	e.Blob, e.Place, e.Linked = name, p.index, true
	if now, err := stat(fd); err == nil { // a new name moves the ctime
		*st = now
		e.Ctime = stamp{now.Ctime.Sec, int64(now.Ctime.Nsec)}
	}
	return true
}

// placeFor is where blobs of a mount's files go; nil if they must be copied.
func (k *keeper) placeFor(mount uint64) *place {
	if p, known := k.places[mount]; known {
		return p
	}
	var p *place
	if mount == k.mount {
		p = k.main
	} else if k.s.shared {
		p = k.newPlace(mount)
	}
	k.places[mount] = p
	return p
}

// newPlace makes .guardsh/ID at the root of a mount, unless the line is about
// to change it there.
func (k *keeper) newPlace(mount uint64) *place {
	m := k.w.mounts.byID(mount)
	if m == nil || !isLocal(m.FSType) {
		return nil
	}
	for _, t := range k.targets {
		if under(t, filepath.Join(m.Mountpoint, placeName)) {
			return nil
		}
	}
	root, err := openPath(m.Mountpoint)
	if err != nil {
		return nil
	}
	defer unix.Close(root)
	if st, err := stat(root); err != nil || st.Mnt_id != mount {
		return nil // something is mounted over it
	}
	dir, err := privateDir(root, placeName)
	if err != nil {
		return nil
	}
	defer unix.Close(dir)
	fd, err := privateDir(dir, k.snap.ID)
	if err != nil {
		return nil
	}
	path := filepath.Join(m.Mountpoint, placeName, k.snap.ID)
	k.snap.Places = append(k.snap.Places, path)
	return &place{dir: path, fd: fd, index: len(k.snap.Places)}
}

// placeName is the store's directory at the root of a filesystem.
const placeName = ".guardsh"

// privateDir opens a directory of mode 0700 that belongs to us, making it if
// it is not there. Another's directory, or a link, is not used.
func privateDir(dir int, name string) (int, error) {
	err := unix.Mkdirat(dir, name, 0o700)
	if err != nil && err != unix.EEXIST {
		return -1, err
	}
	return ownDir(dir, name)
}

var errOthers = errors.New("belongs to someone else or is open to others")

// ownDir opens a directory of mode 0700 that belongs to us.
func ownDir(dir int, name string) (int, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	st, err := stat(fd)
	if err == nil && (int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0) {
		err = fmt.Errorf("%s %w", name, errOthers)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// close gives the handles of all places back.
func (k *keeper) close() {
	for _, p := range k.places {
		if p != nil && p != k.main {
			unix.Close(p.fd)
		}
	}
	if k.packFile != nil {
		k.packFile.Close()
	}
	if k.main != nil {
		unix.Close(k.main.fd)
	}
}
