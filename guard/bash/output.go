package bash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pumpOutput carries what bash and its children write to the outer terminal,
// until stop's mark was seen or the terminal is gone.
func (s *screen) pumpOutput() {
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(s.master, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.EAGAIN) {
			fds := []unix.PollFd{{Fd: int32(s.master), Events: unix.POLLIN}}
			unix.Poll(fds, -1)
			continue
		}
		if err != nil || n <= 0 { // EIO: nothing has the slave open any more
			s.flushTail()
			s.passed()
			return
		}
		b, passed := s.withoutMark(buf[:n])
		s.show(b)
		if passed != nil {
			close(passed) // not before: who waits for the mark writes behind what stood in front of it
		}
	}
}

// show writes to the outer terminal and to the recording.
func (s *screen) show(b []byte) {
	if len(b) == 0 {
		return
	}
	s.outMu.Lock()
	defer s.outMu.Unlock()
	s.put(b)
}

// put is show with outMu held.
func (s *screen) put(b []byte) {
	s.keepLine(b)
	for rest := b; len(rest) > 0; {
		n, err := unix.Write(int(s.out.Fd()), rest)
		if errors.Is(err, unix.EAGAIN) {
			unix.Poll([]unix.PollFd{{Fd: int32(s.out.Fd()), Events: unix.POLLOUT}}, -1)
			continue
		}
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			break // the terminal is gone; the recording goes on
		}
		rest = rest[n:]
	}
	if s.cfg.Output != nil {
		s.cfg.Output(b)
	}
}

// keepLine remembers what stands in the last line of the terminal. A line that
// is longer than any prompt with what was typed behind it is not kept.
func (s *screen) keepLine(b []byte) {
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		s.line, b = s.line[:0], b[i+1:]
	}
	if s.line = append(s.line, b...); len(s.line) > bufferSize {
		s.line = s.line[:0]
	}
}

// sayAbove shows text above the line that stands there, a prompt with what was
// typed behind it, and shows that line again.
func (s *screen) sayAbove(text string) error {
	s.barrier(time.Second)
	s.outMu.Lock()
	defer s.outMu.Unlock()
	line := bytes.Clone(s.line)
	s.put([]byte("\r\x1b[K" + strings.ReplaceAll(text, "\n", "\r\n")))
	if len(line) > 0 {
		s.put(line)
	}
	return nil
}

// say shows text of ours in the outer terminal, which is raw.
func (s *screen) say(text string) error {
	s.barrier(time.Second)
	s.show([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	return nil
}

// barrier waits until everything that was written to the inner terminal has
// been shown: it writes a mark there and waits for it to come out.
func (s *screen) barrier(limit time.Duration) {
	s.barrierMu.Lock()
	defer s.barrierMu.Unlock()
	slave, err := s.slave()
	if err != nil {
		return
	}
	defer slave.Close()
	s.marks.Lock()
	if s.gone {
		s.marks.Unlock()
		return
	}
	s.serial++
	s.mark = fmt.Sprintf("\x1b]guardsh;%d;%d\a", os.Getpid(), s.serial)
	marked := make(chan struct{})
	s.marked = marked
	mark := s.mark
	s.marks.Unlock()
	if _, err := slave.WriteString(mark); err == nil {
		select {
		case <-marked:
		case <-time.After(limit): // stopped by ^S, or nobody reads
		}
	}
	s.marks.Lock()
	if s.mark == mark {
		s.mark, s.marked = "", nil
	}
	s.marks.Unlock()
}

// passed tells barriers, those that wait and those to come, that nothing more
// is shown.
func (s *screen) passed() {
	s.marks.Lock()
	s.gone = true
	if s.marked != nil {
		close(s.marked)
		s.mark, s.marked = "", nil
	}
	s.marks.Unlock()
}

// withoutMark takes the barrier's mark out of the output. Where that came by,
// passed is to be closed when the rest has been shown.
func (s *screen) withoutMark(b []byte) (out []byte, passed chan struct{}) {
	s.marks.Lock()
	defer s.marks.Unlock()
	if s.muted {
		s.tail = append(s.tail, b...)
		i := bytes.Index(s.tail, []byte(rearmMark))
		if i < 0 {
			return nil, nil
		}
		out := append([]byte("\r\x1b[K"), s.tail[i+len(rearmMark):]...)
		s.tail, s.muted = nil, false
		close(s.heard)
		return out, nil
	}
	if s.mark == "" {
		if len(s.tail) == 0 {
			return b, nil
		}
		b = append(s.tail, b...)
		s.tail = nil
		return b, nil
	}
	b = append(s.tail, b...)
	s.tail = nil
	if i := bytes.Index(b, []byte(s.mark)); i >= 0 {
		out, passed = append(b[:i:i], b[i+len(s.mark):]...), s.marked
		s.mark, s.marked = "", nil
		return out, passed
	}
	for n := min(len(s.mark)-1, len(b)); n > 0; n-- {
		if bytes.HasSuffix(b, []byte(s.mark[:n])) {
			s.tail = append([]byte(nil), b[len(b)-n:]...)
			return b[:len(b)-n], nil
		}
	}
	return b, nil
}

func (s *screen) flushTail() {
	s.marks.Lock()
	tail := s.tail
	s.tail = nil
	s.marks.Unlock()
	s.show(tail)
}
