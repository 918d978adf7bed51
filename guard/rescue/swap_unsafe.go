package rescue

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flags of swapon(2).
const (
	swapPrefer       = 0x8000
	swapPriorityMask = 0x7fff
)

func swapOn(path string, flags int) error {
	return swapCall(unix.SYS_SWAPON, path, flags)
}

func swapOff(path string) error {
	return swapCall(unix.SYS_SWAPOFF, path, 0)
}

func swapCall(trap uintptr, path string, flags int) error {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(trap, uintptr(unsafe.Pointer(p)), uintptr(flags), 0); errno != 0 {
		return errno
	}
	return nil
}
