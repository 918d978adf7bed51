package bash

import (
	"fmt"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// openPTY opens a pseudo terminal, also where there is no /dev to find one in.
func openPTY() (master, slave *os.File, err error) {
	master, slave, err = pty.Open()
	if err == nil {
		return master, slave, nil
	}
	fd, detached := detachedMaster()
	if detached != nil {
		return nil, nil, err // why there is none in /dev says more
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	if slave, err = slaveOf(fd, 0); err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// detachedMaster is the master of a pseudo terminal of a devpts that is mounted
// nowhere, and goes with its last terminal. Only root may have one.
func detachedMaster() (int, error) {
	fs, err := unix.Fsopen("devpts", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(mount)
	master, err := unix.Openat(mount, "ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		unix.Close(master)
		return -1, err
	}
	return master, nil
}

// slaveOf opens the other end of a pseudo terminal by its master, so that it
// needs no name.
func slaveOf(master, flags int) (*os.File, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, uintptr(flags|unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC))
	if errno != 0 {
		return nil, fmt.Errorf("pseudo terminal: %w", errno)
	}
	return os.NewFile(fd, ""), nil
}

// slave opens the inner terminal for a moment.
func (s *screen) slave() (*os.File, error) {
	if s.tty == "" {
		return slaveOf(s.master, unix.O_NONBLOCK)
	}
	return os.OpenFile(s.tty, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
}
