package supervise

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// aside is a process that holds the listener from before the first program is
// let go, so that there is no moment at which the death of this process would
// leave the others without a holder. It becomes the keeper when it is told to,
// or when this process ends.
//
// It also lets the first start go, which is the shell's own: the thread that
// starts the shell stands still until then, with a processor of the runtime's in
// its hand (vfork), and to wake another that would answer is what most short
// lines wait for longest.
//
// To start a program takes as long. So it shares this process's memory until it
// is the keeper: it costs little more than a system call. In return it may not
// touch Go's runtime, which knows nothing of it: it does system calls and nothing
// else, on a stack of its own, with all signals blocked. It has no filter, and so
// is there before the filter is; it shares this process's descriptors until it
// has the listener.
type aside struct {
	pid   int
	end   sync.Once
	life  int // ours of a pipe: a byte there makes it the keeper, our end does too
	ready int // ours of a pipe: the keeper says there that it is one

	// What follows is for the other side: by number here, and where it goes.
	parent int
	told   uint32        // asideHolds or asideEnds, once there is a listener or there will be none
	holds  uint32        // asideHolds or asideEnds, once it has one or could not take it
	again  unix.Timespec // how long either waits before it looks whether the other is still there
	files  [6]struct{ from, moved int32 }
	fds    [2]unix.PollFd
	asks   notification // the start that waits
	answer response     // to it
	common *shared
	root   [2]byte
	path   [16]byte
	name   [24]byte
	argv   [2]uintptr
	envp   [1]uintptr
	text   [1]byte
	top    uintptr // of its stack
}

// What either side says to the other, who waits for it as futex(2) has it.
const (
	futexWait = 0
	futexWake = 1

	asideHolds = 1
	asideEnds  = 2
)

const (
	asideBytes = 32 << 10 // the structure, and the stack above it
	lastFile   = 1 << 10  // descriptors that are closed one by one where close_range(2) is missing
)

// newAside starts a process aside.
func newAside(mem int, common *shared) (*aside, error) {
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
	a.life, a.ready, a.parent, a.common = life[1], ready[0], os.Getpid(), common
	for to, from := range []int{life[0], ready[1], life[0], -1, mem, life[0]} {
		a.files[to].from = int32(from)
	}
	a.fds = [2]unix.PollFd{{Fd: keeperListener, Events: unix.POLLIN}, {Fd: keeperLife, Events: unix.POLLIN}}
	a.again.Nsec = asideLooks
	copy(a.root[:], "/")
	copy(a.path[:], "/proc/self/exe")
	copy(a.name[:], keeperName)
	a.argv[0] = uintptr(unsafe.Pointer(&a.name))
	a.top = (uintptr(unsafe.Pointer(&b[0])) + asideBytes) &^ 15

	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	runtime.LockOSThread()
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old)
	// By its name assembly would get to it, and it to package unix's calls, through
	// functions of the compiler's, which tell the race detector that they were
	// entered: on the stack of the thread whose place in Go's runtime this is.
	run := runAside
	entry := **(**uintptr)(unsafe.Pointer(&run))
	a.pid = cloneAside(unix.CLONE_VM|unix.CLONE_FILES|uintptr(unix.SIGCHLD), a.top, a, entry)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	runtime.UnlockOSThread()
	if a.pid < 0 {
		err = fmt.Errorf("a process to keep what outlives the session: %w", unix.Errno(-a.pid))
		a.free()
		return nil, err
	}
	return a, nil
}

// asideLooks is how often, in nanoseconds, each side looks whether the other is
// still there.
const asideLooks = 100e6

// hold gives it the listener, which it must have before anything is started.
func (a *aside) hold(listener int) error {
	a.files[keeperListener].from = int32(listener)
	a.say(asideHolds)
	for atomic.LoadUint32(&a.holds) == 0 {
		_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&a.holds)), futexWait, 0, uintptr(unsafe.Pointer(&a.again)), 0, 0)
		if a.ended() {
			break
		}
	}
	if atomic.LoadUint32(&a.holds) != asideHolds {
		a.reap()
		a.free()
		return errors.New("there is no keeper for what outlives the session (ulimit -n may leave it no descriptors)")
	}
	for _, fd := range []int32{a.files[1].from, a.files[keeperLife].from} {
		unix.Close(int(fd))
	}
	return nil
}

// say tells it what to do: asideHolds or asideEnds.
func (a *aside) say(told uint32) {
	atomic.StoreUint32(&a.told, told)
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&a.told)), futexWake, 1, 0, 0, 0)
}

// ended says whether it has.
func (a *aside) ended() bool {
	pid, err := unix.Wait4(a.pid, nil, unix.WNOHANG, nil)
	if pid != a.pid && err != unix.ECHILD {
		return false
	}
	a.end.Do(func() {})
	return true
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

// forget ends it where there is no listener.
func (a *aside) forget() {
	a.say(asideEnds)
	a.reap()
	a.free()
}

// free gives back what newAside made.
func (a *aside) free() {
	for _, fd := range []int{a.life, a.ready, int(a.files[1].from), int(a.files[keeperLife].from)} {
		unix.Close(fd)
	}
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(a)), asideBytes))
}

// cloneAside starts a process that shares this one's memory and begins with the
// function at entry, which does not return, on a stack of its own.
func cloneAside(flags, stack uintptr, a *aside, entry uintptr) int

// runAside is that process.
//
//go:nosplit
//go:norace
func runAside(a *aside) {
	for a.told == 0 {
		syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&a.told)), futexWait, 0, uintptr(unsafe.Pointer(&a.again)), 0, 0)
		if parent, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); parent != uintptr(a.parent) {
			a.told = asideEnds
		}
	}
	for a.told == asideEnds {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	// Neither the signals of a terminal nor a file of ours is for it.
	syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	_, _, e := syscall.RawSyscall(unix.SYS_UNSHARE, unix.CLONE_FILES, 0, 0)
	// They are moved first, out of the way of where they go. A limit may leave no
	// room for that (ulimit -n).
	for i := range a.files {
		f := &a.files[i]
		var n uintptr
		if e == 0 {
			n, _, e = syscall.RawSyscall(unix.SYS_FCNTL, uintptr(f.from), unix.F_DUPFD, uintptr(len(a.files)))
		}
		f.moved = int32(n)
	}
	for i := range a.files {
		if e == 0 {
			syscall.RawSyscall(unix.SYS_DUP3, uintptr(a.files[i].moved), uintptr(i), 0)
		}
	}
	if e == 0 {
		if _, _, missing := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(len(a.files)), uintptr(^uint32(0)), 0); missing != 0 {
			for fd := uintptr(len(a.files)); fd < lastFile; fd++ {
				syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
			}
		}
		syscall.RawSyscall(unix.SYS_CHDIR, uintptr(unsafe.Pointer(&a.root)), 0, 0) // no file system is kept busy
	}
	if a.holds = asideHolds; e != 0 {
		a.holds = asideEnds
	}
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&a.holds)), futexWake, 1, 0, 0, 0)
	for e != 0 {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}

	for a.fds[0].Events != 0 {
		n, _, _ := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds)), uintptr(len(a.fds)), 0, 0, 0, 0)
		switch {
		case n == 0 || n > uintptr(len(a.fds)):
		case a.fds[0].Revents&unix.POLLIN == 0:
			a.fds[0].Events = 0 // nothing will start, or this process has ended before
		default:
			if a.pass() {
				a.fds[0].Events = 0
			}
		}
	}
	n, _, _ := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds)), uintptr(len(a.fds)), 0, 0, 0, 0)
	if n > 0 && n <= uintptr(len(a.fds)) && a.fds[0].Revents == 0 { // something is supervised
		if a.fds[1].Revents&unix.POLLIN != 0 {
			syscall.RawSyscall(unix.SYS_READ, keeperLife, uintptr(unsafe.Pointer(&a.text)), 1)
		}
		syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(&a.path)), uintptr(unsafe.Pointer(&a.argv)), uintptr(unsafe.Pointer(&a.envp)))
		// Without /proc there is no such program: then the keeper is this process.
		syscall.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&a.text)), 1)
		a.serve()
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}

// serve does what the keeper's program does, but for what still looks along PATH
// after a no.
//
//go:nosplit
//go:norace
func (a *aside) serve() {
	for a.fds[0].Revents == 0 && a.fds[1].Revents&unix.POLLHUP == 0 {
		syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds)), uintptr(len(a.fds)), 0, 0, 0, 0)
	}
	for i := range a.common.slots {
		s := &a.common.slots[i]
		switch {
		case s.n.id == 0:
		case s.state == slotJudged:
			a.answer = response{id: s.n.id, errno: -int32(unix.EPERM)}
			a.send()
		default:
			a.answer = response{id: s.n.id, flags: flagContinue}
			a.send()
		}
	}
	a.fds[0].Events = unix.POLLIN
	for a.fds[0].Revents&^unix.POLLIN == 0 {
		n, _, _ := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds)), 1, 0, 0, 0, 0)
		if n == 1 && a.fds[0].Revents&unix.POLLIN != 0 {
			a.pass()
		}
	}
}

// pass lets the start that waits go on; false where its process is gone, or was
// interrupted by a signal: then it comes again.
//
//go:nosplit
//go:norace
func (a *aside) pass() bool {
	a.asks = notification{} // the kernel wants it so
	if _, _, gone := syscall.RawSyscall(unix.SYS_IOCTL, keeperListener, iocRecv, uintptr(unsafe.Pointer(&a.asks))); gone != 0 {
		return false
	}
	a.answer = response{id: a.asks.id, flags: flagContinue}
	return a.send()
}

// send gives the answer.
//
//go:nosplit
//go:norace
func (a *aside) send() bool {
	again := unix.EINTR
	for again == unix.EINTR {
		_, _, again = syscall.RawSyscall(unix.SYS_IOCTL, keeperListener, iocSend, uintptr(unsafe.Pointer(&a.answer)))
	}
	return again == 0
}
