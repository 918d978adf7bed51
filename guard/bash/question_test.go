package bash

import (
	"strings"
	"testing"
)

func TestQuestion(t *testing.T) {
	t.Run("yes", func(t *testing.T) {
		s := session(t, "")
		s.send("echo ra''n # ASK\r")
		s.expect("QUESTION? ")
		s.send("y\r")
		s.expect("ran\r\n" + ps1)
		s.want("echo next", "next\n")
	})
	for name, key := range map[string]string{"no": "n\r", "enter": "\r", "end-of-file": "\x04"} {
		t.Run(name, func(t *testing.T) {
			s := session(t, "")
			s.send("touch ran # ASK\r")
			s.expect("QUESTION? ")
			s.send(key)
			s.expect(ps1)
			s.missing("ran")
			s.want("echo $?", "130\n")
		})
	}
	// What was typed before the question is no answer to it: it is kept for
	// the shell, or dropped with the line.
	t.Run("typed-ahead-yes", func(t *testing.T) {
		s := session(t, "")
		s.send("echo ra''n # ASK\rread x; echo [$x]\ry\n")
		s.expect("QUESTION? ")
		s.send("y\r")
		s.expect("ran\r\n")
		s.expect("[y]\r\n")
	})
	t.Run("typed-ahead-no", func(t *testing.T) {
		s := session(t, "")
		s.send("touch ran1 # ASK\ry\rtouch ran2\r")
		s.expect("QUESTION? ")
		s.send("n\r")
		s.expect("2 lines typed or pasted behind it were not run")
		s.expect(ps1)
		s.run("echo do''ne")
		s.missing("ran1")
		s.missing("ran2")
	})
	t.Run("readline-unharmed", func(t *testing.T) {
		s := session(t, "")
		s.send("echo a # ASK\r")
		s.expect("QUESTION? ")
		s.send("n\r")
		s.expect(ps1)
		s.send("echo abd\x02\x04c\r") // left, delete: readline edits
		s.expect("abc\r\n" + ps1)
		s.send("sh -c 'echo sta''rted; exec sleep 100'\r")
		s.expect("started\r\n")
		s.send("\x1a")
		s.expect("Stopped")
		s.expect(ps1)
		s.run("p=$(jobs -p %1); disown %1; kill -9 $p") // a stopped job is not waited for
		s.want("echo ok", "ok\n")
	})
}

// A window of a terminal multiplexer is asked in that window.
func TestQuestionInAnotherTerminal(t *testing.T) {
	s := session(t, "export PS1")
	s.send("script -qc 'bash --rcfile rc -i' /dev/null\r")
	s.expect(ps1)
	s.send("echo ra''n # ASK\r")
	s.expect("QUESTION? ")
	s.send("y\r")
	s.expect("ran\r\n")
	s.expect(ps1)
	s.send("touch bad # RISKY\r")
	s.expect("guardsh: refused")
	s.expect(ps1)
	s.missing("bad")
	found := false
	for _, e := range s.entries() {
		found = found || e.Kind == "line" && strings.Contains(e.Line, "ASK") && !e.Own
	}
	if !found {
		t.Errorf("log %+v", s.entries())
	}
}
