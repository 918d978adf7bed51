package bash

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// byDefault gives a signal its default action until the function that it returns
// is called. os/signal has none for that: its Reset leaves the runtime's handler
// in place, which ignores SIGTSTP.
func byDefault(sig syscall.Signal) (restore func()) {
	const setBytes = 8
	var old, none [4]uint64 // struct sigaction of the kernel; SIG_DFL is 0
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&none)), uintptr(unsafe.Pointer(&old)), setBytes, 0, 0)
	return func() {
		if e == 0 {
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&old)), 0, setBytes, 0, 0)
		}
	}
}
