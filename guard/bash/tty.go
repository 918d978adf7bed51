package bash

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

// ttyOf is the controlling terminal of a process and its device number.
func ttyOf(pid int) (name string, dev uint64) {
	st, err := proc.Of(pid)
	if err != nil || st.TTY == 0 {
		return "", 0
	}
	dev = st.TTY
	for fd := range 3 {
		p, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
		if err == nil && strings.HasPrefix(p, "/dev/") && deviceOf(p) == dev {
			return p, dev
		}
	}
	if major := unix.Major(dev); major >= 136 && major <= 143 { // Unix98 pseudo terminals
		return fmt.Sprintf("/dev/pts/%d", (major-136)<<20|unix.Minor(dev)), dev
	}
	return "", dev
}

// deviceOf is the device number of a device file, 0 where it is none.
func deviceOf(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return 0
	}
	return uint64(st.Rdev)
}
