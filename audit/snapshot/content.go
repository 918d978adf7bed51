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

// blobPath is where an entry's blob lies.
func (x *Snapshot) blobPath(e *Entry) (string, error) {
	if e.Place == 0 {
		return filepath.Join(x.dir, "blob", e.Blob), nil
	}
	if e.Place < 0 || e.Place > len(x.Places) {
		return "", errors.New("the manifest does not say where its content is")
	}
	return filepath.Join(x.Places[e.Place-1], e.Blob), nil
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
	path, err := x.blobPath(e)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NOATIME|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == unix.EPERM {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	}
	if errors.Is(err, fs.ErrNotExist) && e.Linked {
		return nil, errMoved
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
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
