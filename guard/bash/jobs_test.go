package bash

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

func TestJobs(t *testing.T) {
	s := session(t, "")
	s.send("sh -c 'echo sta''rted; exec sleep 100'\r")
	s.expect("started\r\n")
	s.send("\x03")
	s.expect(ps1)
	s.want("echo $?", "130\n")
	s.run("sleep 100 & echo $! >job")
	s.refused("echo RISKY")
	s.want("jobs -r | wc -l", "1\n")
	s.send("fg\r")
	s.expect("sleep 100\r\n")
	// fg names the job before it hands the terminal over: only then does ^Z
	// reach it.
	s.foreground("job")
	s.send("\x1a")
	s.expect("Stopped")
	s.expect(ps1)
	s.refused("echo RISKY; kill %1")
	s.run("disown %1; kill -9 $(cat job)") // disowned: no word of its end at some later prompt
	s.send("echo gua''rd\x01\x0b\x19\r")   // kill and yank
	s.expect("guard\r\n" + ps1)
	s.send("ec\tab''c\r")
	s.expect("abc\r\n" + ps1)
}

func TestWindowSize(t *testing.T) {
	s := session(t, "")
	s.want("stty size", "24 200\n")
	s.control(func(fd int) { _ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100}) })
	s.send("until [ \"$(stty size)\" = '30 100' ]; do :; done; echo re''sized\r")
	s.expect("resized\r\n")
}

// jobStopped waits until the shell on the terminal calls its job stopped.
func (s *typing) jobStopped(prompt string) {
	s.t.Helper()
	if !await(patience, func() bool {
		s.send("jobs\r")
		s.expect("jobs\r\n")
		return strings.Contains(s.expect(prompt), "Stopped")
	}) {
		s.t.Fatalf("the session does not stop: %q", s.all())
	}
}

// inFront waits until a job of the shell on the terminal has it, and has made it
// raw.
func (s *typing) inFront() {
	s.t.Helper()
	if !await(patience, func() bool {
		var pgrp int
		var err error
		s.control(func(fd int) { pgrp, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP) })
		modes, merr := s.modes()
		return err == nil && merr == nil && pgrp != s.cmd.Process.Pid && modes.Lflag&unix.ICANON == 0 && modes.Oflag&unix.OPOST == 0
	}) {
		s.t.Fatalf("the session does not make its terminal raw: %q", s.all())
	}
}

// foreground waits until the process whose number a file holds is in front of
// its terminal.
func (s *typing) foreground(file string) {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		s.t.Fatal(err)
	}
	if !await(patience, func() bool { st, err := proc.Of(pid); return err == nil && st.Foreground == st.Group }) {
		s.t.Fatalf("process %d does not come to the front", pid)
	}
}

func TestStatus(t *testing.T) {
	for line, want := range map[string]int{"exit 3": 3, "true; exit": 0, "kill -9 $$": 137, "exec sh -c 'kill -TERM $$'": 143, "exec false": 1} {
		t.Run(line, func(t *testing.T) {
			if got := session(t, "").exit(line); got != want {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}
}

// A session is a job of the shell that it was started from, as a bash is: stopped
// by itself or by that shell, taken to the background, where it stops again, and
// back to the front, where it has its terminal raw.
func TestSessionIsAJob(t *testing.T) {
	const outer = "OUTER> "
	for _, stop := range []string{"suspend", "kill -TSTP $PPID"} {
		for _, way := range []string{"fg", "bg fg", "bg bg fg"} {
			t.Run(stop+" "+way, func(t *testing.T) {
				dir := scratch(t)
				s := &typing{t: t, dir: dir, log: filepath.Join(dir, "log")}
				s.writeRC("")
				write(t, filepath.Join(dir, "outer"), "PS1='"+outer+"'\nbind 'set enable-bracketed-paste off'\nHISTFILE=\n")
				self, err := os.Executable()
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(self, filepath.Join(dir, driverName)); err != nil {
					t.Fatal(err)
				}
				s.open(exec.Command("bash", "--rcfile", "outer", "-i"), []string{"PATH=" + testPath(), "HOME=" + dir, "TERM=xterm", "LANG=C.UTF-8", "TMPDIR=" + dir})
				s.expect(outer)
				s.send("./" + driverName + " log live --rcfile rc -i\r")
				s.expect(ps1)
				for range 3 {
					s.send(stop + "\r")
					s.expect("Stopped")
					s.expect(outer)
					for _, c := range strings.Fields(way) {
						s.send(c + "\r")
						s.expect(driverName)
						if c == "bg" {
							s.expect(outer)
							s.jobStopped(outer)
						}
					}
					s.inFront()
					s.send("echo o''ne\r")
					s.expect("one\r\n")
					s.expect(ps1)
					s.refused("touch bad # RISKY")
					s.want("echo two", "two\n") // twice on a cooked terminal
				}
				s.missing("bad")
				s.send("exit\r")
				s.expect(outer)
				s.send("stty -a | grep -o '[ -]icrnl'\r")
				s.expect("\n icrnl\r\n")
			})
		}
	}
}

// Everything that was written is shown before the end, even with a background
// job that keeps the terminal open.
func TestDrains(t *testing.T) {
	s := session(t, "")
	s.send("sleep 1000 & disown; PID=$!; seq 1 20000; echo $PID >pid; exit 5\r")
	if got := s.wait(); got != 5 {
		t.Errorf("status %d", got)
	}
	s.expect("\r\n20000\r\n") // what the terminal still holds is read after the end
	if strings.Contains(s.all(), "]guardsh;") {
		t.Error("a mark of ours was shown")
	}
	b, _ := os.ReadFile(s.dir + "/pid")
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("the background job is gone: pid %q", b)
	}
}

func TestHangUpAndTerminate(t *testing.T) {
	for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGTERM} {
		s := session(t, "trap 'echo bye >bye' EXIT")
		s.cmd.Process.Signal(sig)
		s.wait()
		s.logged("end of bash", func(entry) bool { return s.fileHolds("bye", "bye") })
	}
}

// The outer terminal is as it was when the session ends.
func TestTerminalIsRestored(t *testing.T) {
	s := start(t, "")
	s.expect(ps1)
	raw, err := s.modes()
	if err != nil || raw.Lflag&unix.ICANON != 0 {
		t.Fatalf("not raw in the session: %v", err)
	}
	s.exit("exit")
	after, err := s.modes()
	if err == nil && after.Lflag&(unix.ICANON|unix.ECHO) != unix.ICANON|unix.ECHO {
		t.Errorf("flags %x after the session", after.Lflag)
	}
}

func TestKeys(t *testing.T) {
	s := session(t, "")
	write(t, s.dir+"/editor", "#!/bin/sh\necho 'touch bad # RISKY' >\"$1\"\n")
	s.send("echo x\x18\x05")
	s.expect("touch bad # RISKY")
	s.send("\r")
	s.expect("guardsh: refused")
	s.expect(ps1)
	s.run("set -o vi")
	s.send("echo x\x1bv")
	s.expect("touch bad # RISKY")
	s.send("\r")
	s.expect("guardsh: refused")
	s.expect(ps1)
	s.run("set -o emacs; X=RIS; bind -x '\"\\C-t\": touch bad2 '${X}KY2")
	s.send("\x14")
	s.expect("guardsh: refused")
	s.expect(ps1)
	s.run("bind -x '\"\\C-t\": touch good'")
	s.send("\x14")
	s.logged("key", func(e entry) bool { return e.Origin == Key && e.Line == "touch good" })
	s.send("ls go''od\r")
	s.expect("good\r\n")
	for _, f := range []string{"bad", "bad2", "RISKY2"} {
		s.missing(f)
	}
	s.send("KEEPEOF=1\r")
	s.logged("line", func(e entry) bool { return e.Line == "KEEPEOF=1" })
	s.send(": on''e\r")
	s.logged("line", func(e entry) bool { return e.Line == ": on''e" })
	s.send("echo t''wo\r")
	s.expect("two\r\n" + ps1)
	s.send("\x04")
	s.expect("Use \"exit\" to leave the shell.")
}
