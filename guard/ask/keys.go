package ask

import (
	"bytes"
	"context"
	"errors"
	"os"
	"time"

	"github.com/AlecAivazis/survey/v2/terminal"
	"golang.org/x/sys/unix"
)

var (
	errTimedOut  = errors.New("time-out")
	errWithdrawn = errors.New("withdrawn")
	errEnd       = errors.New("end of input")
	errLost      = errors.New("terminal lost")
)

// Control characters that mean something here.
const (
	ctrlC = 0x03
	ctrlD = 0x04
	esc   = 0x1b
)

// rawKeys takes a terminal's keys one by one, without echo or signals, and
// throws away what was typed ahead. The returned function undoes it.
func rawKeys(in *os.File) (restore func(), err error) {
	fd := int(in.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	raw := *old
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Iflag |= unix.ICRNL
	raw.Oflag |= unix.OPOST | unix.ONLCR
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	// TCSETSF flushes what was typed ahead in the same step.
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &raw); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }, nil
}

// keys reads a terminal's keys for survey: with a deadline, without escape
// sequences, and with answers of its own to survey's questions to the
// terminal, which not every terminal would answer.
type keys struct {
	in       *os.File
	deadline time.Time
	wake     [2]int // a pipe that the context's end writes to
	stop     func() bool
	replies  bytes.Buffer
}

func newKeys(ctx context.Context, in *os.File, deadline time.Time) (*keys, error) {
	k := &keys{in: in, deadline: deadline}
	if err := unix.Pipe2(k.wake[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		unix.Write(k.wake[1], []byte{0})
		close(done)
	})
	k.stop = func() bool {
		if stop() {
			return true
		}
		<-done // it writes to a descriptor that is about to be closed
		return false
	}
	return k, nil
}

func (k *keys) close() {
	k.stop()
	unix.Close(k.wake[0])
	unix.Close(k.wake[1])
}

// Fd is survey's way to the terminal's settings.
func (k *keys) Fd() uintptr { return k.in.Fd() }

// wait waits until there are keys, at most until a time. Where that has passed
// before it looks, since this process had to wait for a processor, it looks all
// the same: keys that are there were typed before.
func (k *keys) wait(until time.Time) error {
	if until.After(k.deadline) {
		until = k.deadline
	}
	fds := []unix.PollFd{{Fd: int32(k.in.Fd()), Events: unix.POLLIN}, {Fd: int32(k.wake[0]), Events: unix.POLLIN}}
	for {
		if !time.Now().Before(k.deadline) {
			return errTimedOut
		}
		left := max(0, time.Until(until))
		n, err := unix.Poll(fds, int((left+time.Millisecond-1)/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return errTimedOut
		case fds[1].Revents != 0:
			return errWithdrawn
		case fds[0].Revents&unix.POLLIN != 0:
			return nil
		default: // POLLHUP, POLLERR
			return errLost
		}
	}
}

// silence waits until nothing has been typed for so long. What is typed is
// thrown away, but ^C is heard.
func (k *keys) silence(d time.Duration) error {
	var buf [4096]byte
	for {
		err := k.wait(time.Now().Add(d))
		if errors.Is(err, errTimedOut) && time.Now().Before(k.deadline) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := k.read(buf[:])
		if err != nil {
			return err
		}
		if bytes.IndexByte(b, ctrlC) >= 0 {
			return terminal.InterruptErr
		}
	}
}

// read takes what is there.
func (k *keys) read(buf []byte) ([]byte, error) {
	for {
		n, err := unix.Read(int(k.in.Fd()), buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return nil, nil
		case err != nil:
			return nil, errLost
		case n == 0:
			return nil, errLost
		}
		return buf[:n], nil
	}
}

// Read gives survey its answers first, then keys.
func (k *keys) Read(p []byte) (int, error) {
	if k.replies.Len() > 0 {
		return k.replies.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	buf := make([]byte, min(len(p), 4096))
	for {
		if err := k.wait(k.deadline); err != nil {
			return 0, err
		}
		b, err := k.read(buf)
		if err != nil {
			return 0, err
		}
		switch {
		case bytes.IndexByte(b, ctrlC) >= 0:
			return copy(p, []byte{ctrlC}), nil
		case bytes.IndexByte(b, ctrlD) >= 0:
			return 0, errEnd
		case bytes.IndexByte(b, esc) >= 0 || pasted(b):
			// Cursor keys, a terminal's reports, a paste: no answer.
			if err := k.silence(quiet); err != nil {
				return 0, err
			}
			continue
		}
		return copy(p, b), nil
	}
}

// pasted reports more than one line at once, which nobody types.
func pasted(b []byte) bool {
	i := bytes.IndexAny(b, "\r\n")
	return i >= 0 && i < len(b)-1
}
