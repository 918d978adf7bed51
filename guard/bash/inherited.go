package bash

import (
	"math/bits"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// What this process was started with, noted by the program's entry (entry_*.s)
// where it was linked with -E guardsh_entry: bit n-1 for signal n, bit n for
// descriptor n.
var (
	ignoredAtStart uint64
	closedAtStart  uint64
)

// Closed reports whether descriptor fd, 0 to 2, was closed when this process
// was started. What it leads to now is /dev/null, opened by Go's runtime.
func Closed(fd int) bool { return closedAtStart&(1<<fd) != 0 }

// Unpiped is a standard file to which a write fails where nobody reads it any
// more. At the descriptors 1 and 2 Go's runtime ends the process by SIGPIPE then,
// which is to go on: what it runs is not over.
func Unpiped(f *os.File) *os.File {
	if Closed(int(f.Fd())) {
		return f
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// InheritIgnored makes this process ignore what it was started to ignore, so
// that a child begins with it: nohup, a job in the background of a shell
// without job control, and a service manager that ignores SIGPIPE mean what
// they start. Go's runtime keeps only HUP and INT so. CHLD is not: the kernel
// then keeps no status of a child, and bash's would be lost.
func InheritIgnored() {
	for set := ignoredAtStart; set != 0; set &= set - 1 {
		if sig := syscall.Signal(bits.TrailingZeros64(set) + 1); sig != syscall.SIGCHLD {
			signal.Ignore(sig)
		}
	}
}

// AsStarted gives this thread, and so what it starts, the timer slack that this
// process was started with and, until the function that it returns is called, the
// signals that were blocked then. Go's runtime unblocks those by which a process is
// ended.
func AsStarted() (done func()) {
	runtime.LockOSThread()
	if slackAtStart > 0 {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slackAtStart), 0, 0, 0)
	}
	var blocked, old unix.Sigset_t
	blocked.Val[0] = maskAtStart
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, &old)
	return func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}
}

// files are a child's descriptors 0 to 2, where a closed one stays closed.
func files(fds ...uintptr) []uintptr {
	for i := range fds {
		if Closed(i) && fds[i] == uintptr(i) {
			fds[i] = ^uintptr(0)
		}
	}
	return fds
}
