package supervise

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// ahead is by how much of nice(2) a thread that receives and answers precedes
// what it lets go. The kernel queues that on the same processor (wakeInStep).
// Were it to run before this thread sleeps again, its execve would find two
// there, and move it to a processor that has nothing of it in its caches: this
// takes longer than to ask and to answer.
const ahead = 10

// precedence is what nice(2) says of a thread: as guardsh was started, and while
// it receives.
type precedence struct{ usual, high int }

func newPrecedence() precedence {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less than none: the call has no negative results
	if err != nil {
		return precedence{}
	}
	usual := 20 - raw
	return precedence{usual, max(usual-ahead, -20)}
}

// take gives it to this goroutine's thread, where the kernel lets it: it takes
// CAP_SYS_NICE. Nothing may be started before it is given back, which would
// have it too.
func (p precedence) take() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, p.high)
}

func (p precedence) giveBack() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, p.usual)
	runtime.UnlockOSThread()
}
