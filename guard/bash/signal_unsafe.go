package bash

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// caught are CHLD, by which the kernel tells of a child, and the signals that
// somebody sends to us and means for the child, INT, QUIT and TSTP unless they
// come from the terminal.
var caught = [...]syscall.Signal{
	unix.SIGCHLD, unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGPIPE, unix.SIGINT, unix.SIGQUIT,
	unix.SIGABRT, unix.SIGXCPU, unix.SIGXFSZ, unix.SIGVTALRM, unix.SIGPROF, unix.SIGIO, unix.SIGPWR, unix.SIGSTKFLT,
	unix.SIGTSTP, unix.SIGCONT, // in this order, where both have come: nobody is left stopped
}

// signals is this process's hold on them. Package os/signal has two threads of
// its own, between which and the others it changes several times for each signal
// that it is to catch: together a tenth of the time of a short line. Here a
// handler sets a bit, and who waits for the child waits for that. It takes no
// descriptor, of which there may be none left (ulimit -n), and however many
// come, none is lost: a signal that comes twice before it is looked at is one,
// as in the kernel.
type signals struct {
	taken uint32 // of came, before their turn
	old   [len(caught)]action
}

// came are the signals that nobody has looked at yet: bit n for signal n.
var came uint32

// ownID is this process's: what it sends itself is not for the child. A write to
// a pipe that nobody reads sends PIPE.
var ownID int32

// action is the kernel's struct sigaction.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	withInfo = 0x00000004 // SA_SIGINFO
	onStack  = 0x08000000 // SA_ONSTACK: a goroutine's stack has no room for it
	restart  = 0x10000000 // SA_RESTART
	ignored  = 1          // SIG_IGN
)

// handlers gives the addresses of the handler, and of what it returns by where
// the kernel wants that told, with the flag that tells it.
func handlers() (handler, restorer, flag uintptr)

// catch catches them. What was ignored when this process was started stays so,
// for the child too: nohup and a job in the background of a shell without job
// control mean that.
func catch() *signals {
	InheritIgnored()
	s := &signals{}
	atomic.StoreInt32(&ownID, int32(os.Getpid()))
	handler, restorer, flag := handlers()
	a := action{handler: handler, restorer: restorer, flags: onStack | restart | withInfo | flag, mask: ^uint64(0)}
	for i, sig := range caught {
		setAction(sig, nil, &s.old[i])
		if sig == unix.SIGCHLD || s.old[i].handler != ignored {
			setAction(sig, &a, nil)
		}
	}
	return s
}

// release lets them go again.
func (s *signals) release() {
	for i, sig := range caught {
		setAction(sig, &s.old[i], nil)
	}
}

// next waits for a signal.
func (s *signals) next() syscall.Signal {
	for {
		s.take()
		for _, sig := range caught {
			if s.taken&bit(sig) != 0 {
				s.taken &^= bit(sig)
				return sig
			}
		}
		s.wait(nil)
	}
}

// take takes those that have come.
func (s *signals) take() { s.taken |= atomic.SwapUint32(&came, 0) }

// wait returns when one has come, or the time is over, or at any time.
func (s *signals) wait(most *unix.Timespec) {
	const futexWait = 128 // FUTEX_WAIT_PRIVATE
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&came)), futexWait, 0, uintptr(unsafe.Pointer(most)), 0, 0)
}

// bit is a signal's in came.
func bit(sig syscall.Signal) uint32 { return 1 << sig }

// stopBy stops this process by a signal: the status of a stopped job tells which.
func (s *signals) stopBy(sig syscall.Signal) {
	if sig != unix.SIGTSTP {
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		return
	}
	// Another thread may take the stop, and this one would go on for a moment. In
	// a group that no shell waits for there is none.
	const none = time.Second
	s.taken &^= bit(unix.SIGCONT)
	var old action
	setAction(sig, &action{}, &old) // its default
	defer setAction(sig, &old, nil)
	unix.Kill(os.Getpid(), sig)
	for end := time.Now().Add(none); s.taken&bit(unix.SIGCONT) == 0 && time.Now().Before(end); s.take() {
		most := unix.NsecToTimespec(time.Until(end).Nanoseconds())
		s.wait(&most)
	}
}

// setAction sets what a signal does, and tells what it did before; nil for either
// leaves that out. Package os/signal has no default action for TSTP: its Reset
// leaves the runtime's handler in place, which ignores it.
func setAction(sig syscall.Signal, a, old *action) {
	const setBytes = 8 // of a signal set
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(a)), uintptr(unsafe.Pointer(old)), setBytes, 0, 0)
}
