// Package proc reads what the kernel says of processes in /proc. A line asks for
// many of these files before it runs, so that each costs no more than to open,
// read and close it: package os also asks for its size, has the runtime's poller
// watch it, and starts with less room than it takes.
package proc

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Stat is what /proc/PID/stat says of a process.
type Stat struct {
	Name       string // at most 15 bytes of its program's, or what it calls itself
	State      byte   // R, S, D, T, Z and others of proc(5)
	Parent     int    // 0 where that is outside of the namespace, or none
	Group      int
	Session    int
	TTY        uint64 // the device number of its controlling terminal, 0 none
	Foreground int    // the group in front of that terminal
	Start      int64  // when it was started, in clock ticks after boot
}

// Of is of the process with a number.
func Of(pid int) (Stat, error) { return At("/proc/" + strconv.Itoa(pid)) }

// At is of a process by its directory, such as /proc/self.
func At(dir string) (Stat, error) {
	name := dir + "/stat"
	fd, err := open(name)
	if err != nil {
		return Stat{}, err
	}
	defer unix.Close(fd)
	// The fields up to the last one used take 64 bytes of name and 20 each at
	// most, and the kernel gives them in one piece.
	var buf [1024]byte
	n, err := read(fd, buf[:])
	if err != nil {
		return Stat{}, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	s, err := parse(buf[:n])
	if err != nil {
		return Stat{}, &fs.PathError{Op: "parse", Path: name, Err: err}
	}
	return s, nil
}

// parse reads a line of stat: 7 (sh) S 1 7 7 0 -1 …. The name may hold
// anything, brackets too; what follows it is numbers.
func parse(line []byte) (Stat, error) {
	from, to := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if from < 0 || to < from {
		return Stat{}, errors.New("no name in brackets")
	}
	s := Stat{Name: string(line[from+1 : to])}
	rest, ok := bytes.CutPrefix(line[to+1:], []byte(" "))
	state, rest, _ := bytes.Cut(rest, []byte(" "))
	if !ok || len(state) != 1 {
		return Stat{}, errors.New("no state behind the name")
	}
	s.State = state[0]
	const first, last = 4, 22 // as proc(5) counts the fields
	for at := first; at <= last; at++ {
		var word []byte
		word, rest, _ = bytes.Cut(rest, []byte(" "))
		n, err := strconv.ParseInt(string(word), 10, 64)
		if err != nil {
			return Stat{}, errors.New("field " + strconv.Itoa(at) + ": " + err.Error())
		}
		switch at {
		case 4:
			s.Parent = int(n)
		case 5:
			s.Group = int(n)
		case 6:
			s.Session = int(n)
		case 7:
			d := uint32(n) // the kernel's own order of the bits
			s.TTY = unix.Mkdev(d>>8&0xfff, d&0xff|d>>12&0xfff00)
		case 8:
			s.Foreground = int(n)
		case 22:
			s.Start = n
		}
	}
	return s, nil
}

// ReadFile reads the whole of a file of the kernel's, which says nothing of its
// size beforehand.
func ReadFile(name string) ([]byte, error) {
	fd, err := open(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	b := make([]byte, 0, 4096)
	for {
		n, err := read(fd, b[len(b):cap(b)])
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		}
		if n == 0 {
			return b, nil
		}
		if b = b[:len(b)+n]; len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
	}
}

func open(name string) (fd int, err error) {
	for {
		fd, err = unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return fd, nil
		case unix.EINTR:
		default:
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

func read(fd int, b []byte) (n int, err error) {
	for {
		if n, err = unix.Read(fd, b); err != unix.EINTR {
			return n, err
		}
	}
}
