package supervise

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes a thread after a time. To set a timer of the runtime's wakes one
// to look after it; this one costs a system call.
type alarm struct{ fd int }

func newAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err != nil {
		return alarm{}, fmt.Errorf("a timer: %w", err)
	}
	return alarm{fd}, nil
}

// set lets it go off in d instead of when it was to before; 0 is never.
func (a alarm) set(d time.Duration) {
	_ = unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}, nil)
}

// wait waits until it has gone off; false: it never will.
func (a alarm) wait() bool {
	var count [8]byte
	for {
		_, err := unix.Read(a.fd, count[:])
		if err != unix.EINTR {
			return err == nil
		}
	}
}
