package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// rehearseTime bounds a rehearsal: mkfs writes only its metadata, into a
	// file that stays in memory.
	rehearseTime = 20 * time.Second
	// sentinels is how many blocks of a rehearsal are not empty: one that is a
	// hole afterwards was discarded.
	sentinels = 64
	block     = 4096
	// rehearsalName is what the directory of one begins with, in the store.
	rehearsalName = ".rehearsal-"
)

// rehearse runs argv, which makes a filesystem, on a sparse loop device of the
// same size and sectors as the device at path, and gives back what it wrote
// and whether it discarded blocks. Nothing that argv names can be reached:
// words with a slash or a tag are refused, and it runs in an empty directory.
func (s *Store) rehearse(ctx context.Context, path string, argv []string, size int64, sector int) (wrote [][2]int64, discards bool, err error) {
	dir, err := os.MkdirTemp(s.root, rehearsalName)
	if err != nil {
		return nil, false, err
	}
	defer os.RemoveAll(dir)
	image, err := os.OpenFile(filepath.Join(dir, "image"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, false, err
	}
	defer image.Close()
	if err := image.Truncate(size); err != nil {
		return nil, false, err
	}
	mark := bytes.Repeat([]byte{0x5a}, block)
	var marks []int64
	const edge = 4 << 20 // where old signatures are looked for
	if size > 4*edge {
		for i := range int64(sentinels) {
			at := (edge + (size-2*edge)/sentinels*i) / block * block
			if _, err := image.WriteAt(mark, at); err != nil {
				return nil, false, err
			}
			marks = append(marks, at)
		}
	}
	dev, err := attach(dir, image, sector)
	if err != nil {
		return nil, false, err
	}
	defer dev.Close()
	args, err := rehearsed(argv, path, dev.Name())
	if err != nil {
		return nil, false, err
	}
	prog, err := program(filepath.Base(argv[0]))
	if err != nil {
		return nil, false, err
	}
	empty := filepath.Join(dir, "cwd")
	if err := os.Mkdir(empty, 0o700); err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, rehearseTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, prog, args...)
	cmd.Dir, cmd.WaitDelay = empty, outputTime
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, false, fmt.Errorf("%s: %w: %s", filepath.Base(prog), err, firstLine(out))
	}
	if err := dev.Sync(); err != nil {
		return nil, false, err
	}
	if wrote, err = allocated(int(image.Fd()), size); err != nil {
		return nil, false, err
	}
	for _, at := range marks {
		b := make([]byte, block)
		if _, err := readAt(int(image.Fd()), b, at); err != nil {
			return nil, false, err
		}
		if bytes.Equal(b, mark) {
			wrote = without(wrote, at, block)
		} else if !slices.ContainsFunc(wrote, func(r [2]int64) bool { return r[0] <= at && at < r[0]+r[1] }) {
			discards = true
		}
	}
	return wrote, discards, nil
}

// rehearsed is a command's arguments with one device for another.
func rehearsed(argv []string, path, dev string) ([]string, error) {
	var out []string
	found := false
	for _, a := range argv[1:] {
		switch {
		case a == path:
			a, found = dev, true
		case strings.ContainsRune(a, '/') || strings.Contains(a, "UUID=") || strings.Contains(a, "LABEL="):
			return nil, fmt.Errorf("%q may name another device or file", a)
		}
		out = append(out, a)
	}
	if !found {
		return nil, fmt.Errorf("the command does not name %s", path)
	}
	return out, nil
}

// attach makes a loop device over a file, by nodes of its own: /dev may hold
// none. It lets go of the file when it is closed.
func attach(dir string, image *os.File, sector int) (*os.File, error) {
	control := filepath.Join(dir, "control")
	if err := unix.Mknod(control, unix.S_IFCHR|0o600, int(unix.Mkdev(10, 237))); err != nil {
		return nil, fmt.Errorf("loop devices: %w", err)
	}
	ctl, err := os.OpenFile(control, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("loop devices: %w", err)
	}
	defer ctl.Close()
	for {
		n, err := unix.IoctlRetInt(int(ctl.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("a free loop device: %w", err)
		}
		name := filepath.Join(dir, "loop"+strconv.Itoa(n))
		if err := unix.Mknod(name, unix.S_IFBLK|0o600, int(unix.Mkdev(7, uint32(n)))); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
		dev, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(dev.Fd()), &unix.LoopConfig{Fd: uint32(image.Fd()), Size: uint32(sector),
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}})
		if err == nil {
			return dev, nil
		}
		dev.Close()
		if !errors.Is(err, unix.EBUSY) { // another took it first: look again
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// without takes a piece out of ranges.
func without(rs [][2]int64, at, n int64) [][2]int64 {
	var out [][2]int64
	for _, r := range rs {
		end := r[0] + r[1]
		if at >= end || at+n <= r[0] {
			out = append(out, r)
			continue
		}
		if r[0] < at {
			out = append(out, [2]int64{r[0], at - r[0]})
		}
		if at+n < end {
			out = append(out, [2]int64{at + n, end - at - n})
		}
	}
	return out
}

// merge sorts ranges, widens them to whole blocks and joins those that touch.
func merge(rs [][2]int64, size int64) [][2]int64 {
	var out [][2]int64
	slices.SortFunc(rs, func(a, b [2]int64) int { return int(min(1, max(-1, a[0]-b[0]))) })
	for _, r := range rs {
		from, to := r[0]/block*block, min((r[0]+r[1]+block-1)/block*block, size)
		if from = max(from, 0); from >= to {
			continue
		}
		if n := len(out) - 1; n >= 0 && from <= out[n][0]+out[n][1] {
			out[n][1] = max(out[n][1], to-out[n][0])
			continue
		}
		out = append(out, [2]int64{from, to - from})
	}
	return out
}
