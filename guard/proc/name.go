package proc

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// RealName is a file's name without symbolic links, as filepath.EvalSymlinks has
// it. The kernel knows it of an open file: at three calls, where each part of the
// path would be one or two, and every login asks for several.
func RealName(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return "", &os.PathError{Op: "open", Path: path, Err: err}
	}
	if err == nil {
		defer unix.Close(fd)
		var open, named unix.Stat_t
		name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		// A file that was removed meanwhile has a name that is none.
		if err == nil && unix.Fstat(fd, &open) == nil && unix.Stat(name, &named) == nil && open.Ino == named.Ino && open.Dev == named.Dev {
			return name, nil
		}
	}
	return filepath.EvalSymlinks(path)
}
