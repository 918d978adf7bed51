package bash

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Prompts with these statuses have the driver say something: when the prompt
// would have been drawn long ago, and when it is.
const (
	statusSlow = 77
	statusLate = 78
)

// readsKeys says whether a terminal is read key by key, as readline does.
func readsKeys(tty string) bool {
	f, err := os.OpenFile(tty, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return true // nobody is left to wait for
	}
	defer f.Close()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err != nil || state.Lflag&unix.ICANON == 0
}

// What is said on a terminal that is not the session's own leaves the prompt
// there, and nothing of it is lost.
func TestWordsInAnotherTerminal(t *testing.T) {
	s := session(t, "export PS1")
	s.send("script -qc 'bash --rcfile rc -i' /dev/null\r")
	s.expect(ps1)
	s.want("(exit 77)", "guardsh: words\n")
	s.want("echo ne''xt", "next\n")
	for _, tc := range []struct{ keys, want string }{
		{"echo la''ter\r", "guardsh: words\r\nlater\r\n" + ps1},
		{"\r", "\r\nguardsh: words\r\n" + ps1}, // no line
	} {
		said := s.said()
		s.want("(exit 78)", "")
		s.logged("words", func(entry) bool { return s.said() > said })
		if got := s.unread(); got != "" {
			t.Errorf("%q below the prompt", got)
		}
		s.send(tc.keys)
		s.expect(tc.want)
		s.want("echo ne''xt", "next\n")
	}
	// A program left the terminal as readline has it.
	s.run("stty -icanon")
	s.run("(exit 77)")
	s.send("echo la''ter\r")
	s.expect("guardsh: words\r\nlater\r\n" + ps1)
}

// said counts the driver's words at prompts that stood.
func (s *typing) said() (n int) {
	for _, e := range s.entries() {
		if e.Text == "said" {
			n++
		}
	}
	return n
}
