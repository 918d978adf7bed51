package guard

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxConfigFile bounds a file of the configuration. Nobody writes 256 KiB by
// hand, and the reader of the format calls itself once per level of nesting.
const maxConfigFile = 256 << 10

// maxLinks is how many symbolic links the kernel itself would follow.
const maxLinks = 40

// trust says whose files are obeyed: those that nobody else could have written.
type trust struct {
	root   string // taken for /
	owners []int
	deny   fs.FileMode // write bits of others that make a file or directory untrusted
	dirs   bool        // the directories on the way have to be trusted as well
}

// errDistrusted is wrapped by the reason why a file is ignored.
var errDistrusted = errors.New("so it is ignored")

func (t trust) check(path string, st fs.FileInfo) error {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: its owner cannot be seen, %w", path, errDistrusted)
	}
	owned := false
	for _, uid := range t.owners {
		owned = owned || int(sys.Uid) == uid
	}
	if !owned {
		return fmt.Errorf("%s belongs to uid %d, not to %s, %w", path, sys.Uid, owner(t.owners[0]), errDistrusted)
	}
	if st.Mode()&fs.ModeSymlink == 0 && st.Mode().Perm()&t.deny != 0 {
		return fmt.Errorf("%s can be written by others (mode %04o), %w", path, st.Mode().Perm(), errDistrusted)
	}
	return nil
}

func owner(uid int) string {
	if uid == 0 {
		return "root"
	}
	return fmt.Sprintf("uid %d", uid)
}

// walk resolves a path below the root component by component and checks each
// directory and link on the way, so that nobody else could have put another
// file there. It returns the real path, with the root in front.
func (t trust) walk(path string) (string, fs.FileInfo, error) {
	todo := strings.Split(filepath.Clean(path), "/")
	real, links := "/", 0
	st, err := os.Lstat(t.root + "/")
	for err == nil && len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "":
			continue
		case "..":
			real = filepath.Dir(real)
			continue
		}
		if t.dirs {
			if err := t.check(real, st); err != nil {
				return "", nil, err
			}
		}
		next := filepath.Join(real, name)
		if st, err = os.Lstat(t.root + next); err != nil {
			break
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			real = next
			continue
		}
		if err := t.check(next, st); err != nil {
			return "", nil, err
		}
		if links++; links > maxLinks {
			return "", nil, fmt.Errorf("%s: too many symbolic links", path)
		}
		var target string
		if target, err = os.Readlink(t.root + next); err != nil {
			break
		}
		if filepath.IsAbs(target) {
			real = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
		st, err = os.Lstat(t.root + real)
	}
	if err != nil {
		return "", nil, err
	}
	return t.root + real, st, nil
}

// read returns what a trusted file holds. A file that is not there is an
// fs.ErrNotExist. Nothing is read of a file that is not trusted, and a FIFO
// or device is never opened for good.
func (t trust) read(path string) ([]byte, error) {
	real, walked, err := t.walk(path)
	if err != nil {
		return nil, plain(err)
	}
	f, err := os.OpenFile(real, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, plain(err)
	}
	switch {
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("not a regular file, %w", errDistrusted)
	case !os.SameFile(walked, st):
		return nil, fmt.Errorf("replaced while it was read, %w", errDistrusted)
	}
	if err := t.check(path, st); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(b) > maxConfigFile {
		return nil, fmt.Errorf("larger than %d KiB, %w", maxConfigFile>>10, errDistrusted)
	}
	return b, nil
}

// list returns the names in a trusted directory that end in .yaml or .yml,
// sorted. Hidden names are an editor's.
func (t trust) list(dir string) ([]string, error) {
	real, st, err := t.walk(dir)
	if err != nil {
		return nil, plain(err)
	}
	if err := t.check(dir, st); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(real) // sorted by name
	if err != nil {
		return nil, plain(err)
	}
	var names []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// plain takes the operation and the path off an error of the file system: the
// problem it ends in names the file already.
func plain(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
