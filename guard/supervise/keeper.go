package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// keeperName is what the keeper's process is called. Only argv[0] says so:
// nothing in an environment can.
const keeperName = "guardsh: keeper"

// The keeper's descriptors.
const (
	keeperListener = 3
	keeperMemory   = 4
	keeperLife     = 5 // a pipe whose other end is this process's: it ends with it
)

// keep makes the process aside the keeper, where it is none yet. It must be one
// before this process ends in an orderly way: what is killed for memory takes
// with it what shares that.
func (l *listening) keep() error {
	a := l.aside
	defer unix.Close(a.ready)
	go a.reap()
	_, err := unix.Write(a.life, a.text[:])
	for err == nil {
		var n int
		if n, err = unix.Read(a.ready, a.text[:]); n > 0 {
			return nil
		}
		if n == 0 && err == nil {
			err = io.EOF
		}
		if errors.Is(err, unix.EINTR) {
			err = nil
		}
	}
	return fmt.Errorf("the keeper did not begin (%w): programs that outlive this session cannot start others", err)
}

// KeeperMain is the keeper when this process was started as one, and does not
// return then; else it returns at once. main calls it before anything else.
func KeeperMain() {
	if len(os.Args) != 1 || os.Args[0] != keeperName {
		return
	}
	m, err := mapShared(keeperMemory)
	if err != nil {
		os.Exit(1)
	}
	// The last to be killed for memory: without it nothing that is left could
	// start a program. Not being allowed to is no reason to go.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0)
	for _, s := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGPIPE} {
		signal.Ignore(s)
	}
	_, _ = os.Stdout.Write([]byte("k"))
	os.Stdout.Close()
	if keeperWait() {
		keeperServe(m)
	}
	os.Exit(0)
}

// keeperWait waits until the session has ended; false when nothing is
// supervised any more before that.
func keeperWait() bool {
	fds := []unix.PollFd{{Fd: keeperLife, Events: unix.POLLIN}, {Fd: keeperListener}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil {
			continue
		}
		if fds[1].Revents != 0 {
			return false
		}
		if fds[0].Revents != 0 {
			return true
		}
	}
}

// keeperServe lets what is left start programs, until the last is gone.
func keeperServe(m *shared) {
	// What the session had taken: nobody hands that out again.
	for i := range m.slots {
		s := &m.slots[i]
		if id := s.n.id; id != 0 {
			if atomic.LoadUint32(&s.state) == slotJudged {
				m.refuse(s.n.pid)
			}
			keeperAnswer(m, &s.n)
		}
	}
	var s slot
	fds := []unix.PollFd{{Fd: keeperListener, Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return
		}
		if receive(keeperListener, &s) == nil {
			keeperAnswer(m, &s.n)
		}
	}
}

// keeperAnswer answers in the session's place: no to a process that was refused
// something a moment ago.
func keeperAnswer(m *shared, n *notification) {
	var errno unix.Errno
	if m.wasRefused(n.pid) {
		errno = unix.EPERM
	}
	_ = answer(keeperListener, n.id, errno)
}
