package bash

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DieOf ends this process by the signal that ended its shell: whoever waits for
// it tells a death from an exit, and a shell that ran guardsh stops at ^C only
// for what died of it. It returns where the signal ends nothing, and for 0.
//
// Go's runtime catches every signal, and what it does at QUIT or SEGV is to
// print its stacks: so the signal gets back from the kernel what it does by
// itself. The shell left a core where one was wanted; this process leaves none.
func DieOf(sig syscall.Signal) {
	if sig == 0 {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	const setBytes = 8     // of a signal set
	var ordinary [4]uint64 // struct sigaction with SIG_DFL
	var one unix.Sigset_t  // the signal alone
	one.Val[0] = 1 << (uint(sig) - 1)
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&ordinary)), 0, setBytes, 0, 0)
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &one, nil)
	// A signal to the thread that sends it is taken before the call returns.
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), sig)
}
