package bash

import (
	"bytes"
	"strings"

	"golang.org/x/sys/unix"
)

// What was typed or pasted ahead of the line that is judged.

// The brackets that terminals put around a paste.
var pasteBegin, pasteEnd = []byte("\x1b[200~"), []byte("\x1b[201~")

// count keeps account of the lines that were sent. keysMu is held.
func (s *screen) count(b []byte) {
	for _, c := range b {
		s.edge = append(s.edge, c)
		if n := len(s.edge) - len(pasteBegin); n > 0 {
			s.edge = s.edge[n:]
		}
		if c == '\x1b' {
			s.before = s.filled
		}
		switch {
		case bytes.Equal(s.edge, pasteBegin):
			s.paste, s.pasted, s.filled = true, 0, s.before
		case bytes.Equal(s.edge, pasteEnd):
			s.paste, s.filled = false, s.before
		case c != '\r' && c != '\n':
			s.filled = s.filled || c != ' ' && c != '\t'
		default:
			if !s.filled {
				s.blanks++
			}
			s.ahead++
			s.filled = false
			if s.paste && s.holdsPaste {
				s.pasted++
			} else {
				s.drop = 0 // a new Enter: what follows is not that paste any more
			}
		}
	}
}

// countLines counts the lines that Enter ends, as both bytes do in a paste, but
// for those with nothing in them.
func countLines(b []byte) int {
	n, filled := 0, false
	for _, c := range b {
		switch c {
		case '\r', '\n':
			if filled {
				n++
			}
			filled = false
		case ' ', '\t':
		default:
			filled = true
		}
	}
	return n
}

// atPrompt is told that a shell on this terminal is about to read a line.
func (s *screen) atPrompt() {
	s.keysMu.Lock()
	defer s.keysMu.Unlock()
	if n, err := s.queued(); err == nil && n == 0 && s.pasted == 0 && s.drop == 0 {
		s.ahead, s.blanks = 0, 0
	}
}

// lineTaken counts a line off what was sent ahead and returns what is left;
// dropped says that it belongs to a paste of which a line was refused.
func (s *screen) lineTaken(line string) (ahead int, dropped bool) {
	s.keysMu.Lock()
	defer s.keysMu.Unlock()
	n := 1 + strings.Count(line, "\n")
	if s.drop > 0 {
		s.drop = max(0, s.drop-n)
		return 0, true
	}
	s.ahead = max(0, s.ahead-n)
	s.blanks = min(max(0, s.blanks-n+countLines([]byte(line+"\n"))), s.ahead)
	s.pasted = min(max(0, s.pasted-n+1), s.ahead)
	if q, err := s.queued(); err == nil && q == 0 {
		// Nothing waits in the terminal: the rest were answers to PS2, or were
		// read by a program, but for what bash holds of a paste.
		s.ahead = s.pasted
		s.blanks = min(s.blanks, s.ahead)
	}
	return s.ahead - s.blanks + countLines(s.held), false
}

// queued is the number of bytes that wait in the inner terminal's input.
func (s *screen) queued() (int, error) {
	slave, err := s.slave()
	if err != nil {
		return 0, err
	}
	defer slave.Close()
	return unix.IoctlGetInt(int(slave.Fd()), unix.TIOCINQ)
}

// readAhead takes what the outer terminal holds now into held. The key pump
// must be paused.
func (s *screen) readAhead() {
	buf := make([]byte, bufferSize)
	for {
		fds := []unix.PollFd{{Fd: int32(s.in.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 0); n <= 0 || err != nil {
			return
		}
		n, err := unix.Read(int(s.in.Fd()), buf)
		if n <= 0 || err != nil {
			return
		}
		s.hold(buf[:n])
	}
}

// dropAhead throws away everything that was typed behind a refused line and
// returns the number of its lines.
func (s *screen) dropAhead() int {
	resume := s.pause()
	defer resume()
	s.readAhead()
	s.keysMu.Lock()
	n := s.ahead - s.blanks + countLines(s.held)
	s.drop = s.pasted
	s.ahead, s.blanks, s.pasted, s.held, s.holding = 0, 0, 0, nil, false
	s.keysMu.Unlock()
	if slave, err := s.slave(); err == nil {
		unix.IoctlSetInt(int(slave.Fd()), unix.TCFLSH, unix.TCIFLUSH)
		slave.Close()
	}
	return n
}
