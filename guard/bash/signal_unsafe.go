package bash

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
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
	unix.SIGTSTP, unix.SIGCONT,
}

// signals is this process's hold on them. Package os/signal has two threads of
// its own, between which and the others it changes several times for each signal
// that it is to catch: together a tenth of the time of a short line. Here a
// handler writes the signal's number to a pipe, and who waits for the child reads
// it.
type signals struct {
	from  int              // of the pipe
	queue []syscall.Signal // read before their turn
	old   [len(caught)]action
}

// action is the kernel's struct sigaction.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	onStack = 0x08000000 // SA_ONSTACK: a goroutine's stack has no room for it
	restart = 0x10000000 // SA_RESTART
	ignored = 1          // SIG_IGN
)

// tellTo is the descriptor that the handler writes to.
var tellTo int32

// handlers gives the addresses of the handler, and of what it returns by where
// the kernel wants that told, with the flag that tells it.
func handlers() (handler, restorer, flag uintptr)

// signalPipe makes the pipe, once: a handler may still run when nobody reads any more.
var signalPipe = sync.OnceValues(func() (from int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("a pipe for signals: %w", err)
	}
	_ = unix.SetNonblock(p[1], true)
	atomic.StoreInt32(&tellTo, int32(p[1]))
	return p[0], nil
})

// catch catches them. What was ignored when this process was started stays so,
// for the child too: nohup and a job in the background of a shell without job
// control mean that.
func catch() (*signals, error) {
	inheritIgnored()
	from, err := signalPipe()
	if err != nil {
		return nil, err
	}
	s := &signals{from: from}
	handler, restorer, flag := handlers()
	a := action{handler: handler, restorer: restorer, flags: onStack | restart | flag, mask: ^uint64(0)}
	for i, sig := range caught {
		setAction(sig, nil, &s.old[i])
		if sig == unix.SIGCHLD || s.old[i].handler != ignored {
			setAction(sig, &a, nil)
		}
	}
	return s, nil
}

// release lets them go again.
func (s *signals) release() {
	for i, sig := range caught {
		setAction(sig, &s.old[i], nil)
	}
}

// next waits for a signal.
func (s *signals) next() syscall.Signal {
	if len(s.queue) == 0 {
		s.read()
	}
	sig := s.queue[0]
	s.queue = s.queue[1:]
	return sig
}

func (s *signals) read() {
	var b [64]byte
	n, err := unix.Read(s.from, b[:])
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(s.from, b[:])
	}
	for _, sig := range b[:max(n, 0)] {
		s.queue = append(s.queue, syscall.Signal(sig))
	}
}

// stopBy stops this process by a signal: the status of a stopped job tells which.
func (s *signals) stopBy(sig syscall.Signal) {
	if sig != unix.SIGTSTP {
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		return
	}
	// Another thread may take the stop, and this one would go on for a moment. In
	// a group that no shell waits for there is none.
	const none = time.Second
	var old action
	setAction(sig, &action{}, &old) // its default
	defer setAction(sig, &old, nil)
	unix.Kill(os.Getpid(), sig)
	fds := []unix.PollFd{{Fd: int32(s.from), Events: unix.POLLIN}}
	for end := time.Now().Add(none); !slices.Contains(s.queue, unix.SIGCONT) && time.Now().Before(end); {
		if n, err := unix.Poll(fds, int(time.Until(end).Milliseconds())+1); n > 0 && err == nil {
			s.read()
		}
	}
}

// setAction sets what a signal does, and tells what it did before; nil for either
// leaves that out. Package os/signal has no default action for TSTP: its Reset
// leaves the runtime's handler in place, which ignores it.
func setAction(sig syscall.Signal, a, old *action) {
	const setBytes = 8 // of a signal set
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(a)), uintptr(unsafe.Pointer(old)), setBytes, 0, 0)
}
