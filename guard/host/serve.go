package host

import (
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// serve answers one request. Only a mount that may hang is an error; whatever
// else goes wrong is in the answer.
func serve(r request, wk *walker) (a answer, err error) {
	if r.Op == opGlob {
		a.Names, err = glob(wk, r.Cwd, r.Path, r.Glob)
		return a.settle(err)
	}
	if r.Op == opClaimed {
		busy, err := exclusive(wk.root + r.Path)
		if busy {
			a.Names = []string{r.Path}
		}
		return a.settle(err)
	}
	if r.Op == opSuper {
		a.Data, err = superBlock(wk.root + r.Path)
		return a.settle(err)
	}
	follow := r.Follow || r.Op == opRead || r.Op == opProgram
	p := r.Path
	if !path.IsAbs(p) {
		p = r.Cwd + "/" + p
	}
	a.Spot, err = wk.find(p, follow)
	if err != nil {
		return a.settle(err)
	}
	switch r.Op {
	case opStrangers:
		other, err := wk.find(r.Other, true)
		if err != nil {
			return a.settle(err)
		}
		if a.Spot.isDir() && other.isDir() {
			a.strangers(wk.root+a.Spot.Real, wk.root+other.Real, time.Now().Add(r.Budget))
		}
	case opRead:
		a.Data, err = read(wk.root, &a.Spot, r.Max)
	case opProgram:
		err = program(wk.root, &a.Spot)
	case opTree:
		if a.Spot.isDir() {
			a.Entries, a.Bytes, a.More = count(wk.root+a.Spot.Real, time.Now().Add(r.Budget))
			a.Has = present(wk.root+a.Spot.Real, r.Has)
		}
	}
	return a.settle(err)
}

// settle puts an ordinary error into the answer.
func (a answer) settle(err error) (answer, error) {
	var h hangs
	if errors.As(err, &h) {
		return a, err
	}
	if err != nil {
		a.fail(err)
	}
	return a, nil
}

// missing is the error of a spot where nothing is.
func (s *spot) missing() error {
	if s.Denied == "" {
		return unix.ENOENT
	}
	return errors.New(s.Denied)
}

func read(root string, s *spot, max int64) ([]byte, error) {
	if !s.Exists {
		return nil, s.missing()
	}
	if s.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("not a regular file")
	}
	f, err := os.OpenFile(root+s.Real, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// It may have become something else since.
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, max))
}

func program(root string, s *spot) error {
	if !s.Exists {
		return s.missing()
	}
	if s.Mode&unix.S_IFMT != unix.S_IFREG || s.Mode&0o111 == 0 {
		return unix.ENOENT
	}
	if err := unix.Faccessat(unix.AT_FDCWD, root+s.Real, unix.X_OK, unix.AT_EACCESS); err != nil {
		return unix.ENOENT // PATH is searched on
	}
	return nil
}

// maxEntries bounds the counting of a tree; beyond it the number says no more
// to a person than "more".
const maxEntries = 50_000

// count walks a tree without leaving its file system: its entries, itself
// included, and their apparent size.
func count(dir string, until time.Time) (entries int, size int64, more bool) {
	var top unix.Stat_t
	if unix.Lstat(dir, &top) != nil {
		return 0, 0, false
	}
	entries, size = 1, top.Size
	todo := []string{dir}
	for len(todo) > 0 {
		d := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		f, err := os.OpenFile(d, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			more = true
			continue
		}
		fd := int(f.Fd())
		for {
			names, err := f.Readdirnames(256)
			for _, name := range names {
				var st unix.Stat_t
				if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
					continue
				}
				entries++
				size += st.Size
				if st.Mode&unix.S_IFMT != unix.S_IFDIR {
					continue
				}
				if st.Dev != top.Dev {
					more = true
					continue
				}
				todo = append(todo, filepath.Join(d, name))
			}
			if err != nil {
				break
			}
			if entries >= maxEntries || time.Now().After(until) {
				f.Close()
				return entries, size, true
			}
		}
		f.Close()
	}
	return entries, size, more
}

// present are those of the relative names that exist below dir.
func present(dir string, names []string) []string {
	var have []string
	for _, n := range names {
		var st unix.Stat_t
		if unix.Lstat(dir+"/"+n, &st) == nil {
			have = append(have, n)
		}
	}
	return have
}
