package bash

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"guardsh/guard/proc"
)

// terminal is where a shell's user is told and asked: the outer terminal for
// the session's own shell, the shell's own one for a tmux window below it.
func (s *shell) terminal() *Terminal {
	if s.own && s.g.screen != nil {
		return &Terminal{say: s.g.screen.say, above: s.g.screen.sayAbove, open: s.g.screen.open}
	}
	return &Terminal{say: s.sayInner, above: s.sayInnerAbove, open: s.openInner}
}

// terminalOf is where the user of a process below the session can be told and
// asked. Only a terminal's foreground may ask there: a background job would
// take the keys of what is in front.
func (g *gate) terminalOf(pid int) *Terminal {
	tty, dev := ttyOf(pid)
	sh := &shell{g: g, pid: pid, tty: tty, own: dev != 0 && dev == g.ownTTY}
	t := sh.terminal()
	if open := t.open; sh.own {
		t.open = func() (in, out *os.File, restore func(), err error) {
			if fg, err := foreground(pid); err != nil || !fg {
				return nil, nil, nil, errors.Join(err, fmt.Errorf("process %d is in the background of %s", pid, tty))
			}
			in, out, back, err := open()
			return in, out, func() {
				if err == nil {
					back()
					g.screen.settle() // no line waits whose end would let the keys go on
				}
			}, err
		}
	}
	return t
}

// TerminalOf is the same for a process that is below no interactive bash.
func TerminalOf(pid int) *Terminal { return (&gate{}).terminalOf(pid) }

// TTYOf is the name of a process's controlling terminal, "" where it has none.
func TTYOf(pid int) string {
	name, _ := ttyOf(pid)
	return name
}

func (s *shell) openTTY() (*os.File, error) {
	if s.tty == "" {
		return nil, errors.New("the shell has no terminal")
	}
	return os.OpenFile(s.tty, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
}

func (s *shell) sayInner(text string) error {
	f, err := s.openTTY()
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text) // bash has the terminal cooked here: \n becomes \r\n
	return err
}

// sayInnerAbove says text above the shell's prompt. What stands in the last line
// of a terminal that is not ours is not known, so that below a prompt nothing is
// said: the text is kept for sayKept.
func (s *shell) sayInnerAbove(text string) error {
	s.mu.Lock()
	s.kept += text
	s.mu.Unlock()
	return s.sayKept(false)
}

// sayKept says what was kept while a prompt stood. Unless the shell is known to
// have left it, the terminal tells: readline reads key by key, as only a terminal
// that a program left so does otherwise.
func (s *shell) sayKept(left bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == "" {
		return nil
	}
	f, err := s.openTTY()
	if err != nil {
		return err
	}
	defer f.Close()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil || !left && state.Lflag&unix.ICANON == 0 {
		return err
	}
	text := s.kept
	s.kept = ""
	_, err = f.WriteString(text)
	return err
}

// openInner takes a terminal that is not the session's own for a question.
func (s *shell) openInner() (in, out *os.File, restore func(), err error) {
	f, err := s.openTTY()
	if err != nil {
		return nil, nil, nil, err
	}
	fd := int(f.Fd())
	unix.SetNonblock(fd, false)
	fg, err := foreground(s.pid)
	if err == nil && !fg {
		err = fmt.Errorf("shell %d is in the background of %s", s.pid, s.tty)
	}
	state, serr := term.GetState(fd)
	if err = errors.Join(err, serr); err != nil {
		f.Close()
		return nil, nil, nil, err
	}
	unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH)
	var once sync.Once
	return f, f, func() {
		once.Do(func() {
			term.Restore(fd, state)
			f.Close()
		})
	}, nil
}

// dropAhead throws away what was typed behind a refused line and returns the
// number of lines.
func (s *shell) dropAhead() int {
	if s.own && s.g.screen != nil {
		return s.g.screen.dropAhead()
	}
	f, err := s.openTTY()
	if err != nil {
		return 0
	}
	defer f.Close()
	fd := int(f.Fd())
	var ahead []byte
	buf := make([]byte, bufferSize)
	for {
		k, err := unix.Read(fd, buf)
		if k <= 0 || err != nil {
			break
		}
		ahead = append(ahead, buf[:k]...)
	}
	unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH)
	return countLines(ahead)
}

// foreground says whether a process's group is its terminal's foreground one.
func foreground(pid int) (bool, error) {
	st, err := proc.Of(pid)
	if err != nil {
		return false, err
	}
	return st.Foreground == st.Group, nil
}

// InFront says whether a process belongs to what is in front of its terminal.
func InFront(pid int) bool {
	front, err := foreground(pid)
	return err == nil && front
}

// Interrupt does to a process's terminal what ^C does there, unless what is in
// front takes that as a key.
func Interrupt(pid int) {
	st, err := proc.Of(pid)
	name := TTYOf(pid)
	if err != nil || name == "" || st.Foreground <= 1 {
		return
	}
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil && state.Lflag&unix.ISIG != 0 {
		unix.Kill(-st.Foreground, unix.SIGINT)
	}
}
