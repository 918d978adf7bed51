package guard

import (
	"fmt"
	"os"

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
		return nil, nil, nil, fmt.Errorf("the command runs in the background of its terminal")
	}
	return tty, tty, func() { tty.Close() }, nil
}
