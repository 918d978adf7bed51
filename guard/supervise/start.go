package supervise

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"guardsh/guard/proc"
)

// Start is a program that is about to start, as its process asked the kernel
// for it. Its process waits.
type Start struct {
	PID  int
	Path string // as it was asked for; relative to Cwd
	// File leads to the program's file where Path was no name of one in a
	// directory: a descriptor, the process's own program; else "".
	File string
	l    *listening
	n    *notification
	abi  abi

	once sync.Once
	rest Rest
	err  error

	envOnce sync.Once
	env     []string

	rootOnce  sync.Once
	elsewhere bool
}

// Rest is what is read of a start only when it is looked at more closely.
type Rest struct {
	Argv []string // argv[0] is what the program is told of its name, and may lie
	Cwd  string
	UID  int // the effective one
}

// Limits of what is read of one start: the kernel's own (execve(2)).
const (
	maxString = 128 << 10 // MAX_ARG_STRLEN
	maxTotal  = 6 << 20   // however large the stack may be
)

// errGone is that the process does not wait any more.
var errGone = errors.New("the process has given up")

// newStart reads what the fast path needs: the program's name.
func newStart(l *listening, n *notification) (*Start, error) {
	a, ok := abiOf(n.arch, n.nr)
	if !ok {
		return nil, fmt.Errorf("system call %d of architecture %#x is no program start", n.nr, n.arch)
	}
	s := &Start{PID: int(n.pid), l: l, n: n, abi: a}
	at := n.args[0]
	if uint32(n.nr) == a.execveat {
		at = n.args[1]
	}
	p, err := s.text(at)
	if err != nil {
		return nil, err
	}
	s.Path = p
	if uint32(n.nr) == a.execveat {
		s.below()
	}
	s.own()
	return s, nil
}

// Name is the program's base name.
func (s *Start) Name() string { return path.Base(s.Path) }

// below is for execveat, which means a path relative to a directory, or the
// open file itself.
func (s *Start) below() {
	dirfd := int(int32(s.n.args[0]))
	if path.IsAbs(s.Path) || dirfd == unix.AT_FDCWD {
		return
	}
	fd := fmt.Sprintf("/proc/%d/fd/%d", s.PID, dirfd)
	to, err := os.Readlink(fd)
	switch {
	case err != nil: // the kernel will say so
	case s.Path == "":
		s.Path, s.File = withoutDeleted(to), fd
	default:
		s.Path = path.Join(to, s.Path)
	}
}

// own is for paths that are another file for each process: its own program, its
// descriptors.
func (s *Start) own() {
	if !strings.HasPrefix(s.Path, "/") || !strings.Contains(s.Path, "proc/") && !strings.Contains(s.Path, "dev/") {
		return
	}
	name := path.Clean(s.Path)
	for _, p := range ownPaths {
		if rest, ok := strings.CutPrefix(name, p.prefix); ok {
			file := fmt.Sprintf("/proc/%d/%s%s", s.PID, p.to, rest)
			if to, err := os.Readlink(file); err == nil && path.IsAbs(to) {
				s.Path, s.File = withoutDeleted(to), file
			}
			return
		}
	}
}

var ownPaths = []struct{ prefix, to string }{
	{"/proc/self/", ""}, {"/proc/thread-self/", ""}, {"/dev/fd/", "fd/"}, {"/dev/stdin", "fd/0"}, {"/dev/stdout", "fd/1"}, {"/dev/stderr", "fd/2"},
}

func withoutDeleted(p string) string { return strings.TrimSuffix(p, " (deleted)") }

// Absolute is Path from the process's directory; "" where that is not known.
func (s *Start) Absolute() string {
	if path.IsAbs(s.Path) {
		return s.Path
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", s.PID))
	if err != nil {
		return ""
	}
	return path.Join(dir, s.Path)
}

// Rest reads the others once. An error means that it cannot be known what
// starts, or that the process waits no more (Waits tells).
func (s *Start) Rest() (Rest, error) {
	s.once.Do(func() {
		s.rest, s.err = s.read()
		if s.err == nil && !stillWaits(s.l.fd, s.n.id) {
			s.err = errGone
		}
	})
	return s.rest, s.err
}

// Waits says whether the process still waits for the answer.
func (s *Start) Waits() bool { return stillWaits(s.l.fd, s.n.id) }

func (s *Start) read() (Rest, error) {
	argv, _ := s.lists()
	var r Rest
	var err error
	if r.Argv, err = s.texts(argv); err != nil {
		return r, fmt.Errorf("its arguments: %w", err)
	}
	proc := "/proc/" + strconv.Itoa(s.PID)
	if r.Cwd, err = os.Readlink(proc + "/cwd"); err != nil {
		return r, fmt.Errorf("its directory: %w", err)
	}
	if r.UID, err = uidOf(s.PID); err != nil {
		return r, err
	}
	return r, nil
}

// lists are where the arguments and the environment are.
func (s *Start) lists() (argv, envp uint64) {
	if uint32(s.n.nr) == s.abi.execveat {
		return s.n.args[2], s.n.args[3]
	}
	return s.n.args[1], s.n.args[2]
}

// Env reads the program's environment once, for the few that are judged by it;
// nil where it cannot be known.
func (s *Start) Env() []string {
	s.envOnce.Do(func() {
		_, envp := s.lists()
		env, err := s.texts(envp)
		if err != nil || !stillWaits(s.l.fd, s.n.id) {
			return
		}
		if s.env = env; env == nil {
			s.env = []string{} // known to be empty
		}
	})
	return s.env
}

// text reads a string.
func (s *Start) text(at uint64) (string, error) {
	var out []byte
	buf := make([]byte, 256)
	for len(out) <= maxString {
		n := readMemory(s.PID, at, buf)
		if n == 0 {
			return "", fmt.Errorf("memory of process %d at %#x cannot be read", s.PID, at)
		}
		if i := bytes.IndexByte(buf[:n], 0); i >= 0 {
			return string(append(out, buf[:i]...)), nil
		}
		out = append(out, buf[:n]...)
		at += uint64(n)
		if len(buf) < 16<<10 {
			buf = make([]byte, 4*len(buf))
		}
	}
	return "", fmt.Errorf("longer than %d bytes", maxString)
}

// pointers are those in a piece of a list, and whether it ends there.
func (s *Start) pointers(b []byte) (addrs []uint64, last bool) {
	for ; len(b) > 0; b = b[s.abi.word:] {
		p := uint64(binary.NativeEndian.Uint32(b))
		if s.abi.word == 8 {
			p = binary.NativeEndian.Uint64(b)
		}
		if p == 0 {
			return addrs, true
		}
		addrs = append(addrs, p)
	}
	return addrs, false
}

// texts reads a list of strings that ends with a null pointer.
func (s *Start) texts(at uint64) ([]string, error) {
	var out []string
	left := maxTotal
	if at == 0 {
		return nil, nil
	}
	buf := make([]byte, 64*s.abi.word)
	for {
		n := readMemory(s.PID, at, buf) / s.abi.word * s.abi.word
		if n == 0 {
			return nil, fmt.Errorf("memory of process %d at %#x cannot be read", s.PID, at)
		}
		addrs, last := s.pointers(buf[:n])
		for i, b := range readStarts(s.PID, addrs) {
			var t string
			if end := bytes.IndexByte(b, 0); end >= 0 {
				t = string(b[:end])
			} else if long, err := s.text(addrs[i]); err == nil {
				t = long
			} else {
				return nil, err
			}
			if left -= len(t) + 1; left < 0 {
				return nil, fmt.Errorf("more than %d bytes", maxTotal)
			}
			out = append(out, t)
		}
		if last {
			return out, nil
		}
		at += uint64(n)
	}
}

// uidOf is a process's effective user. Since Linux 6.13 the kernel says it in a
// word; before that it is read of a text that is long in the making.
func uidOf(pid int) (int, error) {
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		defer unix.Close(fd)
		info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_CREDS}
		if unix.IoctlPidfdInfo(fd, &info) == nil && info.Mask&unix.PIDFD_INFO_CREDS != 0 {
			return int(info.Euid), nil
		}
	}
	name := "/proc/" + strconv.Itoa(pid) + "/status"
	b, err := proc.ReadFile(name)
	if err != nil {
		return -1, err
	}
	_, rest, ok := strings.Cut(string(b), "\nUid:")
	if f := strings.Fields(rest); ok && len(f) > 1 {
		return strconv.Atoi(f[1])
	}
	return -1, fmt.Errorf("%s names no user", name)
}

// Elsewhere says whether the process has another root directory than this one,
// so that its paths are not those of this one. The same directory by another
// name, or in another mount namespace (unshare -m), still is this machine's.
func (s *Start) Elsewhere() bool {
	if !s.l.rooted.Load() {
		return false
	}
	s.rootOnce.Do(func() {
		ours := rootHere()
		var theirs unix.Stat_t
		if ours != nil && unix.Stat("/proc/"+strconv.Itoa(s.PID)+"/root/", &theirs) == nil {
			s.elsewhere = ours.Dev != theirs.Dev || ours.Ino != theirs.Ino
		}
	})
	return s.elsewhere
}

// OtherMounts says whether the process is in another mount namespace than this
// one, in which a path may be another directory.
func (s *Start) OtherMounts() bool {
	theirs, err := os.Readlink("/proc/" + strconv.Itoa(s.PID) + "/ns/mnt")
	return err == nil && mountsHere() != "" && theirs != mountsHere()
}

// mountsHere is this process's mount namespace, which it never changes.
var mountsHere = sync.OnceValue(func() string {
	ns, _ := os.Readlink("/proc/self/ns/mnt")
	return ns
})

// rootHere is this process's root directory, which it never changes.
var rootHere = sync.OnceValue(func() *unix.Stat_t {
	var st unix.Stat_t
	if unix.Stat("/", &st) != nil {
		return nil
	}
	return &st
})

// Ancestor is a process above another.
type Ancestor struct {
	Exe  string   // its program's file
	Argv []string // what it was started with
}

// Above gives the processes above a process by their numbers, nearest first, up
// to but without this one.
func Above(pid int) iter.Seq[int] {
	return func(yield func(int) bool) {
		self := os.Getpid()
		for range 64 {
			if pid = parentOf(pid); pid <= 1 || pid == self || !yield(pid) {
				return
			}
		}
	}
}

// Ancestors are what is known of the processes Above.
func Ancestors(pid int) iter.Seq[Ancestor] {
	return func(yield func(Ancestor) bool) {
		for pid := range Above(pid) {
			dir := "/proc/" + strconv.Itoa(pid)
			exe, err := os.Readlink(dir + "/exe")
			if err != nil {
				continue // a process of the kernel, or gone
			}
			argv, _ := proc.ReadFile(dir + "/cmdline")
			if !yield(Ancestor{
				Exe:  strings.TrimSuffix(exe, " (deleted)"),
				Argv: strings.Split(strings.TrimSuffix(string(argv), "\x00"), "\x00"),
			}) {
				return
			}
		}
	}
}

// Below says whether a process was started by another, at whatever distance.
func Below(pid, other int) bool {
	for range 64 {
		if pid = parentOf(pid); pid <= 1 || pid == other {
			return pid == other
		}
	}
	return false
}

func parentOf(pid int) int {
	if pid == os.Getpid() {
		return os.Getppid()
	}
	st, _ := proc.Of(pid) // 0 of what is gone
	return st.Parent
}

// Tell writes text on a process's standard error, as if it had said it. What
// cannot be reached is not told.
func Tell(pid int, text string) {
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/2", pid), os.O_WRONLY|os.O_APPEND|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
		// In a file, what is written stays only where the process's own place
		// in it moves along.
		if own, err := descriptorOf(pid, 2); err == nil {
			defer own.Close()
			f = own
		}
	}
	_, _ = f.WriteString(text)
}

// OnTerminal reports whether a process's standard error is a terminal.
func OnTerminal(pid int) bool {
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/2", pid), os.O_WRONLY|os.O_APPEND|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return term.IsTerminal(int(f.Fd()))
}

// descriptorOf is a copy of a process's descriptor (Linux 5.6).
func descriptorOf(pid, fd int) (*os.File, error) {
	p, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(p)
	n, err := unix.PidfdGetfd(p, fd, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(n), ""), nil
}
