package supervise

import (
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// aside is a process that holds the listener from before the first program is
// let go, so that there is no moment at which the death of this process would
// leave the others without a holder. It becomes the keeper when it is told to,
// or when this process ends.
//
// To start a program is what most short lines take longest for. So it shares
// this process's memory until then: it costs little more than a system call.
// In return it may not touch Go's runtime, which knows nothing of it: it does
// system calls and nothing else, on a stack of its own, with all signals
// blocked.
type aside struct {
	pid   int // a negative one is the error for which there is none
	end   sync.Once
	life  int // ours of a pipe: a byte there makes it the keeper, our end does too
	ready int // ours of a pipe: the keeper says there that it is one

	// What follows is for the other side: by number here, and where it goes.
	files [6]struct{ from, moved int32 }
	fds   [2]unix.PollFd
	root  [2]byte
	path  [16]byte
	name  [24]byte
	argv  [2]uintptr
	envp  [1]uintptr
	text  [1]byte
	top   uintptr // of its stack
}

const (
	asideBytes = 32 << 10 // the structure, and the stack above it
	lastFile   = 1 << 10  // descriptors that are closed one by one where close_range(2) is missing
)

// newAside makes ready what a process aside needs but the listener, which is
// not there yet.
func newAside(mem int) (*aside, error) {
	b, err := unix.Mmap(-1, 0, asideBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("memory for the keeper: %w", err)
	}
	a := (*aside)(unsafe.Pointer(&b[0]))
	var life, ready [2]int
	if err = unix.Pipe2(life[:], unix.O_CLOEXEC); err == nil {
		if err = unix.Pipe2(ready[:], unix.O_CLOEXEC); err != nil {
			unix.Close(life[0])
			unix.Close(life[1])
		}
	}
	if err != nil {
		_ = unix.Munmap(b)
		return nil, fmt.Errorf("pipes for the keeper: %w", err)
	}
	a.life, a.ready = life[1], ready[0]
	for to, from := range []int{life[0], ready[1], life[0], -1, mem, life[0]} {
		a.files[to].from = int32(from)
	}
	a.fds = [2]unix.PollFd{{Fd: keeperListener}, {Fd: keeperLife, Events: unix.POLLIN}}
	copy(a.root[:], "/")
	copy(a.path[:], "/proc/self/exe")
	copy(a.name[:], keeperName)
	a.argv[0] = uintptr(unsafe.Pointer(&a.name))
	a.top = (uintptr(unsafe.Pointer(&b[0])) + asideBytes) &^ 15
	return a, nil
}

// reap waits until it has ended.
func (a *aside) reap() {
	a.end.Do(func() {
		for {
			if _, err := unix.Wait4(a.pid, nil, 0, nil); err != unix.EINTR {
				return
			}
		}
	})
}

// cloneAside starts a process that shares this one's memory and begins with the
// function at entry, which does not return, on a stack of its own.
func cloneAside(flags, stack uintptr, a *aside, entry uintptr) int

// forget gives back what newAside made.
func (a *aside) forget() {
	for _, fd := range []int{a.life, a.ready, int(a.files[1].from), int(a.files[keeperLife].from)} {
		unix.Close(fd)
	}
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(a)), asideBytes))
}

// start starts it. It is called where nothing of the runtime's may be.
//
//go:nosplit
//go:norace
func (a *aside) start() {
	// By its name assembly would get to it, and it to package unix's calls, through
	// functions of the compiler's, which tell the race detector that they were
	// entered: on the stack of the thread whose place in Go's runtime this is.
	run := runAside
	entry := **(**uintptr)(unsafe.Pointer(&run))
	a.pid = cloneAside(unix.CLONE_VM|uintptr(unix.SIGCHLD), a.top, a, entry)
	syscall.RawSyscall(unix.SYS_CLOSE, uintptr(a.files[1].from), 0, 0)
	syscall.RawSyscall(unix.SYS_CLOSE, uintptr(a.files[keeperLife].from), 0, 0)
}

// runAside is that process.
//
//go:nosplit
//go:norace
func runAside(a *aside) {
	// Neither the signals of a terminal nor a file of ours is for it.
	syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	// They are moved first, out of the way of where they go. Where a limit leaves
	// no room for that (ulimit -n) there is nobody aside: it would wait for files
	// that are others, with the caller's output open.
	for i := range a.files {
		f := &a.files[i]
		n, _, e := syscall.RawSyscall(unix.SYS_FCNTL, uintptr(f.from), unix.F_DUPFD, uintptr(len(a.files)))
		for e != 0 {
			syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
		}
		f.moved = int32(n)
	}
	for i := range a.files {
		syscall.RawSyscall(unix.SYS_DUP3, uintptr(a.files[i].moved), uintptr(i), 0)
	}
	if _, _, e := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(len(a.files)), uintptr(^uint32(0)), 0); e != 0 {
		for fd := uintptr(len(a.files)); fd < lastFile; fd++ {
			syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
		}
	}
	syscall.RawSyscall(unix.SYS_CHDIR, uintptr(unsafe.Pointer(&a.root)), 0, 0) // no file system is kept busy
	n, _, _ := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds)), uintptr(len(a.fds)), 0, 0, 0, 0)
	if n > 0 && n <= uintptr(len(a.fds)) && a.fds[0].Revents == 0 { // something is supervised
		if a.fds[1].Revents&unix.POLLIN != 0 {
			syscall.RawSyscall(unix.SYS_READ, keeperLife, uintptr(unsafe.Pointer(&a.text)), 1)
		}
		syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(&a.path)), uintptr(unsafe.Pointer(&a.argv)), uintptr(unsafe.Pointer(&a.envp)))
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
