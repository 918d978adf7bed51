package bash

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

// Run runs bash with the arguments argv (`-c LINE NAME ARG…`, `FILE ARG…`, or
// none for a script on standard input) as a child with this process's own
// descriptors, in its process group, without a pseudo terminal, and returns
// its status, 128+n when signal n killed it. It judges nothing.
//
// Signals that came to this process alone are passed on. ^C and ^\ reach the
// child from the terminal itself, and are left for it to decide about.
func Run(ctx context.Context, cfg Config, argv []string) (status int, err error) {
	path, err := cfg.fill()
	switch {
	case err != nil && cfg.Bash != "":
		return StatusFailed, err
	case err != nil:
		return StatusFailed, notFound()
	}
	env := cfg.Env
	if len(cfg.Wrappers) > 0 {
		dir, remove, err := runtimeDir(cfg.Dir, func(string) error { return nil })
		if err != nil {
			return StatusFailed, err
		}
		defer remove()
		if env, err = wrapperPath(cfg, dir, env); err != nil {
			return StatusFailed, err
		}
	}
	stdin := cfg.Stdin
	if stdin == nil {
		stdin = os.Stdin
	}
	caught := cfg.Signals
	if caught == nil {
		caught = Catch()
		defer caught.release()
	}
	signals := caught.take()

	// ForkExec gives the child the signal mask and dispositions that this
	// process was started with, but for those that are caught here. It spares
	// the second process by which os.StartProcess tries the kernel out.
	var pid int
	fds := files(stdin.Fd(), os.Stdout.Fd(), os.Stderr.Fd())
	for _, f := range cfg.Further {
		fds = append(fds, f.Fd())
	}
	err = cfg.spawn(func() (err error) {
		pid, err = syscall.ForkExec(path, append([]string{cmp.Or(cfg.Name, "bash")}, argv...), &syscall.ProcAttr{Env: env, Files: fds})
		return err
	})
	switch {
	case err != nil && cfg.Bash != "":
		return StatusFailed, fmt.Errorf("start %s: %w", path, err) // not bash, but what stands in for it
	case err != nil:
		return StatusFailed, &CannotStart{Why: Why(path, err)}
	}

	Begun()
	ended, stopped := make(chan int, 1), make(chan syscall.Signal, 1)
	go func() { ended <- waitFor(pid, func(by syscall.Signal) { stopped <- by }, cfg.Killed) }()
	done := ctx.Done()
	told := false // to stop, by a signal that came here
	for {
		select {
		case status := <-ended:
			return status, nil
		case by := <-stopped:
			// As it does, so that who waits for this process sees it: whoever sent it
			// a TSTP, or the shell whose foreground this is. Where only the child was
			// stopped, only that may be continued.
			if told || fromTerminal() {
				told = false
				stopBy(by)
			}
		case sig := <-signals:
			n, ok := sig.(syscall.Signal)
			switch {
			case !ok:
			case n == unix.SIGCONT:
				told = false
				if st, err := proc.Of(pid); err != nil || st.State == 'T' {
					unix.Kill(pid, n) // its group was not continued
				}
			case n == unix.SIGTSTP && !fromTerminal():
				told = true
				unix.Kill(pid, n)
			case n == unix.SIGTSTP:
			case n != unix.SIGINT && n != unix.SIGQUIT || !fromTerminal():
				unix.Kill(pid, n)
			}
		case <-done:
			done = nil
			unix.Kill(pid, unix.SIGTERM)
		}
	}
}

// stopBy stops this process by a signal: the status of a stopped job tells which.
func stopBy(sig syscall.Signal) {
	if sig != unix.SIGTSTP {
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		return
	}
	// Another thread may take the stop, and this one would go on for a moment. In
	// a group that no shell waits for there is none.
	const none = time.Second
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(continued)
	defer byDefault(sig)()
	unix.Kill(os.Getpid(), sig)
	select {
	case <-continued:
	case <-time.After(none):
	}
}

// passedOn are the signals that somebody sends to us and means for the child,
// INT, QUIT and TSTP unless they come from the terminal.
var passedOn = []os.Signal{
	unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGPIPE, unix.SIGINT, unix.SIGQUIT,
	unix.SIGTSTP, unix.SIGCONT,
}

// Signals is this process's hold on the signals that a child is to get.
type Signals struct {
	caught chan os.Signal
	taken  chan struct{} // closed when a child is about to start
	over   chan struct{} // closed when nobody else looks at caught any more
	once   sync.Once
}

// Catch begins to catch them. To catch one costs the runtime several changes
// of thread, together near a millisecond (seen), so that this is done beside
// whatever comes before the child. Until there is one, a signal does to this
// process what it would have done.
//
// What was ignored when this process was started stays so, for the child too:
// nohup and a job in the background of a shell without job control mean that.
func Catch() *Signals {
	if s := ahead.Swap(nil); s != nil {
		return s
	}
	inheritIgnored()
	s := &Signals{caught: make(chan os.Signal, 16), taken: make(chan struct{}), over: make(chan struct{})}
	go func() {
		defer close(s.over)
		for _, sig := range passedOn {
			if !signal.Ignored(sig) {
				signal.Notify(s.caught, sig)
			}
		}
		for {
			select {
			case <-s.taken:
				return
			case sig := <-s.caught:
				if sig == unix.SIGCONT {
					continue // it has done what it does
				}
				signal.Reset(sig)
				if n, ok := sig.(syscall.Signal); ok {
					unix.Kill(os.Getpid(), n)
				}
			}
		}
	}()
	return s
}

// ahead is what CatchAhead caught, for the next Catch.
var ahead atomic.Pointer[Signals]

// CatchAhead begins with Catch when nothing is known yet but that a child will
// start. LetGo is called where none does after all.
func CatchAhead() { ahead.Store(Catch()) }

// LetGo ends what CatchAhead began.
func LetGo() {
	if s := ahead.Swap(nil); s != nil {
		s.release()
	}
}

// take waits until all are caught; what comes from now on is the child's.
func (s *Signals) take() <-chan os.Signal {
	s.once.Do(func() { close(s.taken) })
	<-s.over
	return s.caught
}

// release lets them go again, which takes as long as to catch them.
func (s *Signals) release() {
	s.take()
	signal.Stop(s.caught)
}

// fromTerminal guesses where an INT or QUIT came from: with a terminal of
// which this process's group is the foreground one, the keyboard sent it to
// the child too.
func fromTerminal() bool {
	st, err := proc.Of(os.Getpid())
	return err == nil && st.TTY != 0 && st.Foreground == st.Group
}
