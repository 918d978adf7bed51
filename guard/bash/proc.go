package bash

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procStat is what /proc/PID/stat says of a process's job control.
type procStat struct {
	state byte
	ppid  int
	pgrp  int
	tty   int64 // the kernel's number of the controlling terminal, 0 none
	tpgid int
	start string // when it was started, in clock ticks after boot
}

func statOf(pid int) (procStat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}, err
	}
	s := string(b)
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:]) // the name before may hold anything
	if len(f) < 6 {
		return procStat{}, fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	st := procStat{state: f[0][0]}
	st.ppid, _ = strconv.Atoi(f[1])
	st.pgrp, _ = strconv.Atoi(f[2])
	st.tty, _ = strconv.ParseInt(f[4], 10, 64)
	st.tpgid, _ = strconv.Atoi(f[5])
	if len(f) > 19 {
		st.start = f[19]
	}
	return st, nil
}

// ttyOf is the controlling terminal of a process and its device number.
func ttyOf(pid int) (name string, dev uint64) {
	st, err := statOf(pid)
	if err != nil || st.tty == 0 {
		return "", 0
	}
	major := uint32(st.tty>>8) & 0xfff
	minor := uint32(st.tty)&0xff | uint32(st.tty>>12)&0xfff00
	dev = unix.Mkdev(major, minor)
	for fd := range 3 {
		p, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
		if err == nil && strings.HasPrefix(p, "/dev/") && deviceOf(p) == dev {
			return p, dev
		}
	}
	if major >= 136 && major <= 143 { // Unix98 pseudo terminals
		return fmt.Sprintf("/dev/pts/%d", (major-136)<<20|minor), dev
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
