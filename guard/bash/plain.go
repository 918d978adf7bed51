package bash

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
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
	if err != nil {
		return StatusFailed, err
	}
	env := cfg.Env
	if len(cfg.Wrappers) > 0 {
		dir, remove, err := runtimeDir(cfg.Dir)
		if err != nil {
			return StatusFailed, err
		}
		defer remove()
		if env, err = wrapperPath(cfg, dir, env); err != nil {
			return StatusFailed, err
		}
	}
	name := cmp.Or(cfg.Name, "bash")
	if cfg.Login {
		name = "-" + name
	}
	stdin := cfg.Stdin
	if stdin == nil {
		stdin = os.Stdin
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn...)
	signal.Notify(signals, unix.SIGINT, unix.SIGQUIT)
	defer signal.Stop(signals)

	// ForkExec gives the child the signal mask and dispositions that this
	// process was started with, but for those that are caught here. It spares
	// the second process by which os.StartProcess tries the kernel out.
	pid, err := syscall.ForkExec(path, append([]string{name}, argv...), &syscall.ProcAttr{
		Env: env, Files: []uintptr{stdin.Fd(), os.Stdout.Fd(), os.Stderr.Fd()},
	})
	if err != nil {
		return StatusFailed, fmt.Errorf("start %s: %w", path, err)
	}

	ended := make(chan int, 1)
	go func() { ended <- waitFor(pid, nil) }()
	done := ctx.Done()
	for {
		select {
		case status := <-ended:
			return status, nil
		case sig := <-signals:
			if n, ok := sig.(syscall.Signal); ok && (n != unix.SIGINT && n != unix.SIGQUIT || !fromTerminal()) {
				unix.Kill(pid, n)
			}
		case <-done:
			done = nil
			unix.Kill(pid, unix.SIGTERM)
		}
	}
}

// passedOn are the signals that somebody sends to us and means for the child.
// Stopping and continuing reach it with the process group.
var passedOn = []os.Signal{
	unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGPIPE,
}

// fromTerminal guesses where an INT or QUIT came from: with a terminal of
// which this process's group is the foreground one, the keyboard sent it to
// the child too.
func fromTerminal() bool {
	st, err := statOf(os.Getpid())
	return err == nil && st.tty != 0 && st.tpgid == st.pgrp
}
