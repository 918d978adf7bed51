package bash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

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
	signals := catch()
	if !cfg.Last {
		defer signals.release()
	}

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
	stop := context.AfterFunc(ctx, func() { unix.Kill(pid, unix.SIGTERM) })
	defer stop()
	told := false // to stop, by a signal that came here
	for {
		switch sig := signals.next(); {
		case sig == unix.SIGCHLD:
			by, status, ended := look(pid, cfg.Killed)
			if ended {
				return status, nil
			}
			// As it does, so that who waits for this process sees it: whoever sent it
			// a TSTP, or the shell whose foreground this is. Where only the child was
			// stopped, only that may be continued.
			if by != 0 && (told || fromTerminal()) {
				told = false
				signals.stopBy(by)
			}
		case sig == unix.SIGCONT:
			if st, err := proc.Of(pid); told || err != nil || st.State == 'T' {
				unix.Kill(pid, sig) // its group was not continued, or it has yet to stop
			}
			told = false
		case sig == unix.SIGTSTP && !fromTerminal():
			if st, err := proc.Of(pid); err == nil && st.State == 'T' {
				signals.stopBy(sig) // it came to both
				continue
			}
			told = true
			unix.Kill(pid, sig)
		case sig == unix.SIGTSTP:
		case sig != unix.SIGINT && sig != unix.SIGQUIT || !fromTerminal():
			unix.Kill(pid, sig)
		}
	}
}

// look says what became of a child: that it was stopped by a signal, or ended.
func look(pid int, killed *syscall.Signal) (by syscall.Signal, status int, ended bool) {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(pid, &ws, unix.WUNTRACED|unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, StatusFailed, true
		case got == 0:
			return by, 0, false
		case ws.Stopped():
			by = ws.StopSignal()
		default:
			return 0, statusOf(ws, killed), true
		}
	}
}

// fromTerminal guesses where an INT or QUIT came from: with a terminal of
// which this process's group is the foreground one, the keyboard sent it to
// the child too.
func fromTerminal() bool {
	st, err := proc.Of(os.Getpid())
	return err == nil && st.TTY != 0 && st.Foreground == st.Group
}
