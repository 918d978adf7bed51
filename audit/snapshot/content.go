package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// errMoved: a hard link that was kept is the file itself, and an undo gives it
// back instead of copying it.
var errMoved = errors.New("its content went back with an earlier undo")

// errWritten: a hard link that was kept is the file itself, and what is written
// to that by another name (mv keeps the inode) is written to what was kept.
var errWritten = errors.New("was written to through another name since")

// blobs opens the directory of an entry's blob. One at the root of a mount lies
// below a directory that may be a user's, who can put another in its place.
func (x *Snapshot) blobs(e *Entry) (int, error) {
	if e.Place == 0 {
		return openDir(unix.AT_FDCWD, filepath.Join(x.dir, "blob"))
	}
	if e.Place < 0 || e.Place > len(x.Places) {
		return -1, errors.New("the manifest does not say where its content is")
	}
	path := x.Places[e.Place-1]
	top, err := openPath(filepath.Dir(path))
	if err != nil {
		return -1, err
	}
	defer unix.Close(top)
	return ownDir(top, filepath.Base(path))
}

// blob opens an entry's blob.
func (x *Snapshot) blob(e *Entry) (*os.File, error) {
	dir, err := x.blobs(e)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	fd, err := openRead(dir, e.Blob, unix.O_NOFOLLOW)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: e.Blob, Err: err}
	}
	return os.NewFile(uintptr(fd), e.Blob), e.unwritten(fd)
}

// unwritten reports that a hard link that was kept holds what it held.
func (e *Entry) unwritten(fd int) error {
	st, err := stat(fd)
	if err != nil || !e.Linked {
		return err
	}
	var now Entry
	describe(&now, &st)
	if now.Kind != KFile || now.Size != e.Size || now.Mtime != e.Mtime {
		return errWritten
	}
	return nil
}

// source opens what holds an entry's content.
func (x *Snapshot) source(e *Entry) (*os.File, error) {
	if e.Packed {
		return os.Open(filepath.Join(x.dir, "pack"))
	}
	if e.Blob == "" {
		if e.Lost != "" {
			return nil, errors.New("its content was not kept: " + e.Lost)
		}
		return nil, errors.New("its content was not kept")
	}
	src, err := x.blob(e)
	if errors.Is(err, fs.ErrNotExist) && e.Linked {
		return nil, errMoved
	}
	if err != nil {
		if src != nil {
			src.Close()
		}
		return nil, err
	}
	return src, nil
}

// read hands an entry's data to f piece by piece, with the offset each has in
// the file. Bytes whose hash is wrong are found out only at the end: what f
// wrote has to be thrown away on an error.
func (x *Snapshot) read(e *Entry, f func(off int64, b []byte) error) error {
	src, err := x.source(e)
	if err != nil {
		return err
	}
	defer src.Close()
	h := sha256.New()
	buf := make([]byte, min(1<<20, max(e.stored(), 1)))
	at := e.Off
	for _, d := range e.extents() {
		for off, end := d[0], d[0]+d[1]; off < end; {
			n := min(end-off, int64(len(buf)))
			from := off
			if e.Packed {
				from = at
			}
			if _, err := readAt(int(src.Fd()), buf[:n], from); err != nil {
				return fmt.Errorf("%s: %w", src.Name(), err)
			}
			h.Write(buf[:n])
			if err := f(off, buf[:n]); err != nil {
				return err
			}
			off += n
			at += n
		}
	}
	if e.SHA != "" && hex.EncodeToString(h.Sum(nil)) != e.SHA {
		return fmt.Errorf("%s: what was kept is damaged (wrong sha256)", src.Name())
	}
	return nil
}

var errDiffers = errors.New("differs")

// sameBytes compares what was kept of a file with the present, byte by byte.
func (p *plan) sameBytes(pre, now int) (bool, error) {
	h, err := p.now.open(now)
	if err != nil {
		return false, err
	}
	defer unix.Close(h)
	fd, err := reopen(h, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	e := &p.pre.entries[pre]
	if e.Holes {
		rs, err := ranges(fd, e.Size)
		if err != nil || !slices.Equal(rs, e.Data) {
			return false, err
		}
	}
	var buf []byte
	err = p.x.read(e, func(off int64, b []byte) error {
		if len(buf) < len(b) {
			buf = make([]byte, len(b))
		}
		if _, err := readAt(fd, buf[:len(b)], off); err != nil {
			return err
		}
		if !bytes.Equal(b, buf[:len(b)]) {
			return errDiffers
		}
		return nil
	})
	if errors.Is(err, errDiffers) {
		return false, nil
	}
	return err == nil, err
}

// open opens a handle on an entry by its names, following no link.
func (t *tree) open(i int) (int, error) {
	var chain []string
	for ; t.entries[i].Up >= 0; i = t.entries[i].Up {
		chain = append(chain, t.entries[i].Name)
	}
	root := t.entries[i].Name
	fd, err := openPath(filepath.Dir(root))
	if err != nil {
		return -1, err
	}
	if root != "/" {
		chain = append(chain, filepath.Base(root))
	}
	for _, n := range slices.Backward(chain) {
		next, err := handle(fd, n)
		unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}
