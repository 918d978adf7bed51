package supervise

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// first lets the first start go, which is the shell's own. The thread that
// starts it cannot go on before, nor can the runtime schedule anything that
// waits for that thread (see undisturbed). So this is done without the
// runtime: on a thread that keeps its processor, by calls of which it does not
// know, with no place in between at which it could be stopped.
type first struct {
	armed, over uint32 // 1: it is; by functions that are one instruction, or the runtime could stop between
}

// waitArmed returns when the first start would be let go.
func (f *first) waitArmed() {
	for atomic.LoadUint32(&f.armed) == 0 {
		runtime.Gosched()
	}
}

// end is called when the start is over. Where it did not get as far as the
// program, nobody else would tell.
func (f *first) end() { atomic.StoreUint32(&f.over, 1) }

// letGo waits for the first start and lets it go on, once the listener has
// another holder.
func (f *first) letGo(listener int, s *slot, holder *aside) {
	// The runtime interrupts goroutines by a signal.
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old)
	poll := unix.PollFd{Fd: int32(listener), Events: unix.POLLIN}
	wait := unix.Timespec{Nsec: 10e6}
	r := response{flags: flagContinue}
	f.spin(uintptr(listener), s, holder, &poll, &wait, &r)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
}

//go:nosplit
func (f *first) spin(listener uintptr, s *slot, holder *aside, poll *unix.PollFd, wait *unix.Timespec, r *response) {
	atomic.StoreUint32(&f.armed, 1)
	holder.start()
	for atomic.LoadUint32(&f.over) == 0 {
		left := *wait // the kernel writes what is left of it
		n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(poll)), 1, uintptr(unsafe.Pointer(&left)), 0, 0, 0)
		if n != 1 {
			continue
		}
		if poll.Revents&unix.POLLIN == 0 {
			return
		}
		atomic.StoreUint32(&s.state, slotTaken)
		if _, _, e := unix.RawSyscall(unix.SYS_IOCTL, listener, iocRecv, uintptr(unsafe.Pointer(&s.n))); e != 0 {
			continue
		}
		r.id = s.n.id
		for {
			if _, _, e := unix.RawSyscall(unix.SYS_IOCTL, listener, iocSend, uintptr(unsafe.Pointer(r))); e != unix.EINTR {
				return
			}
		}
	}
}
