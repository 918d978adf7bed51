package guard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return isTerminal(f) }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// openControlling opens the controlling terminal for a question. Only the
// terminal's foreground process group may ask there: a background job that
// asked would be stopped, or steal the keys of what is in front.
func openControlling() (in, out *os.File, restore func(), err error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("no terminal to ask on: %w", err)
	}
	front, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	if err != nil || front != unix.Getpgrp() {
		tty.Close()
		return nil, nil, nil, errBackground
	}
	return tty, tty, func() { tty.Close() }, nil
}

// openAsForeground is openControlling for a command below sudo. Where that has
// a terminal of its own for the command (use_pty) and its standard input is no
// terminal, it starts the command in the background of it and waits until the
// command stops over wanting it: then sudo asks its own terminal whether it is
// in the foreground there.
func openAsForeground() (in, out *os.File, restore func(), err error) {
	in, out, restore, err = openControlling()
	if errors.Is(err, errBackground) && ledBySudo() {
		// To this thread, so that it has stopped when the call returns.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGTTIN) == nil {
			return openControlling()
		}
	}
	return in, out, restore, err
}

// ledBySudo says whether the terminal of this process is one that sudo made.
func ledBySudo() bool {
	sid, err := unix.Getsid(0)
	if err != nil {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", sid))
	return err == nil && strings.HasPrefix(string(b), "sudo")
}

var errBackground = errors.New("the command runs in the background of its terminal")

// untilSignal is a context that ends with a signal by which this process would
// end: the terminal of a question is given back first. ended says which one came,
// 0 none, and lets them go.
func untilSignal(ctx context.Context) (_ context.Context, ended func() syscall.Signal) {
	ctx, cancel := context.WithCancel(ctx)
	came, which := make(chan os.Signal, 1), make(chan syscall.Signal, 1)
	for _, sig := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM} {
		if !signal.Ignored(sig) {
			signal.Notify(came, sig)
		}
	}
	go func() {
		defer cancel()
		select {
		case sig := <-came:
			which <- sig.(syscall.Signal)
		case <-ctx.Done():
			which <- 0
		}
	}()
	return ctx, func() syscall.Signal {
		cancel()
		signal.Stop(came)
		return <-which
	}
}
