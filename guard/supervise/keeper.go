package supervise

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"

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

// keep starts the keeper. It must hold the listener before anything that is
// supervised could outlive this process.
func (l *listening) keep() error {
	life, ours, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("the keeper: %w", err)
	}
	ready, said, err := os.Pipe()
	if err != nil {
		life.Close()
		ours.Close()
		return fmt.Errorf("the keeper: %w", err)
	}
	// os.NewFile would close what is ours when it is collected: the keeper gets
	// copies.
	files := []*os.File{dup(l.fd), dup(l.mem), life}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{keeperName}
	cmd.Dir = "/"
	cmd.Env = []string{}
	cmd.ExtraFiles = files
	cmd.Stdout = said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	for _, f := range append(files, said) {
		if f != nil {
			f.Close()
		}
	}
	defer ready.Close()
	if err != nil {
		ours.Close()
		return fmt.Errorf("the keeper: %w", err)
	}
	go func() {
		_ = cmd.Wait()
		ours.Close()
	}()
	if b, _ := io.ReadAll(io.LimitReader(ready, 1)); len(b) != 1 {
		return fmt.Errorf("the keeper did not begin: programs that outlive this session cannot start others")
	}
	return nil
}

func dup(fd int) *os.File {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(n), "")
}

// KeeperMain is the keeper when this process was started as one, and does not
// return then; else it returns at once. main calls it before anything else.
func KeeperMain() {
	if len(os.Args) != 1 || os.Args[0] != keeperName {
		return
	}
	sl, err := sharedSlots(keeperMemory)
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
		keeperServe(sl)
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
func keeperServe(sl *[slots]slot) {
	// What the session had taken: nobody hands that out again.
	for i := range sl {
		s := &sl[i]
		if id := s.n.id; id != 0 {
			var errno unix.Errno
			if atomic.LoadUint32(&s.state) == slotJudged {
				errno = unix.EPERM
			}
			_ = answer(keeperListener, id, errno)
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
			_ = answer(keeperListener, s.n.id, 0)
		}
	}
}
