package guard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules/command"
)

// scriptBound is how much of a script on standard input is read before it is
// judged. What is longer is judged with one byte more, which makes it too large.
const scriptBound = command.MaxText

// streamWait is how long a script on standard input may take to end before it
// is taken for a stream, whose commands are judged one by one as they come.
const streamWait = time.Second

// ScriptInput is a script on standard input, read as far as it can be before
// anything of it runs.
type ScriptInput struct {
	Text  []byte
	Whole bool // Text is all of it
	// File says that the input is a regular file, which was read without
	// moving its position: bash takes it as it is.
	File bool
}

// readScript reads a script from in. A regular file is read by its offset and
// left where it was; anything else is read up to its end, the bound, or a
// second of waiting, and has to be given to bash again.
func readScript(in *os.File) (ScriptInput, error) {
	fi, err := in.Stat()
	if err != nil {
		return ScriptInput{}, fmt.Errorf("standard input: %w", err)
	}
	if fi.Mode().IsRegular() {
		at, err := in.Seek(0, io.SeekCurrent)
		if err != nil {
			return ScriptInput{}, fmt.Errorf("standard input: %w", err)
		}
		b, err := io.ReadAll(io.NewSectionReader(in, at, scriptBound+1))
		if err != nil {
			return ScriptInput{}, fmt.Errorf("standard input: %w", err)
		}
		return ScriptInput{Text: b, Whole: len(b) <= scriptBound, File: true}, nil
	}
	return readUntil(in, time.Now().Add(streamWait))
}

func readUntil(in *os.File, deadline time.Time) (ScriptInput, error) {
	var s ScriptInput
	buf := make([]byte, 64<<10)
	for len(s.Text) <= scriptBound {
		ready, err := readable(in, time.Until(deadline))
		if err != nil || !ready {
			return s, err
		}
		n, err := in.Read(buf[:min(len(buf), scriptBound+1-len(s.Text))])
		s.Text = append(s.Text, buf[:n]...)
		if errors.Is(err, io.EOF) {
			s.Whole = true
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("standard input: %w", err)
		}
	}
	return s, nil
}

// readable waits until a read would not block: data, or the end.
func readable(f *os.File, wait time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	end := time.Now().Add(wait)
	for {
		left := time.Until(end)
		n, err := unix.Poll(fds, int(max(left, 0).Milliseconds()))
		switch {
		case err == unix.EINTR && left > 0:
		case err != nil && err != unix.EINTR:
			return false, fmt.Errorf("standard input: %w", err)
		default:
			return n > 0, nil
		}
	}
}
