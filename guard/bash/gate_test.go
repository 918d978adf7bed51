package bash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// forms are the ways to write one command with a redirection: of a refused
// line not even that may happen.
var forms = []string{
	"echo a >%s", "{ echo a; } >%s", "( echo a ) >%s", "for i in 1; do echo a; done >%s", "while false; do :; done >%s",
	"if true; then echo a; fi >%s", "case x in x) echo a;; esac >%s", "[[ a ]] >%s", "(( 1 )) >%s", "echo a | cat >%s",
	"echo a >%s &", "( echo a >%s ) &", "time echo a >%s", "! echo a >%s", "coproc echo a >%s",
	"select x in 1; do break; done </dev/null >%s", "x=1 >%s", ">%s", "until true; do :; done >%s", "echo a && echo b >%s",
	"eval 'echo a >%s'", "f() { echo a; } >%s; f", "exec 9>%s", "cat <<X >%s\rhi\rX", "for ((i=0;i<1;i++)); do echo; done >%s",
}

func TestRefusal(t *testing.T) {
	s := session(t, "")
	s.want("echo hi", "hi\n")
	s.refused("echo RISKY")
	s.want("echo $?", "130\n")
	s.want("echo still", "still\n")
	s.refused(" echo RISKY with a blank")
	s.refused("for i in 1 2\rdo echo RISKY\rdone")
	s.refused("cat <<X\rRISKY\rX")
	s.refused("echo \\\rRISKY")
	s.want("set -- a b; echo $# $_", "2 b\n")
	s.want("echo x y", "x y\n")
	s.want("echo $_", "y\n")
	s.want("false", "")
	s.want("echo $?", "1\n")
	s.want("false | true", "")
	s.want("echo ${PIPESTATUS[@]}", "1 0\n")
	if got := s.exit("exit 7"); got != 7 {
		t.Errorf("status %d, want 7", got)
	}
	want := []string{"echo hi", "echo RISKY", "echo $?", "echo still", " echo RISKY with a blank", "for i in 1 2\ndo echo RISKY\ndone", "cat <<X\nRISKY\nX\n"}
	if got := s.lines(); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("lines %q", got)
	}
}

// Nothing of a refused line happens, whatever the user has done to INT.
func TestRefusedForms(t *testing.T) {
	for name, rc := range map[string]string{
		"plain": "", "trapped": "trap 'echo GOT INT' INT", "ignored": "trap '' INT", "errexit": "set -e", "nounset": "set -u",
		"xtrace": "set -x", "functrace": "set -T; trap 'LASTCMD=$BASH_COMMAND' DEBUG", "extdebug": "shopt -s extdebug", "nopromptvars-job-off": "set +m", "posix": "set -o posix",
		"allexport": "set -a", "vi": "set -o vi", "keyword": "set -k", "noglob": "set -f", "ifs": "IFS=abcdefghijklmnop",
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, rc)
			for i, f := range forms {
				s.send(": RISKY; " + fmt.Sprintf(f, fmt.Sprintf("out%d", i)) + "\r")
				s.expect("guardsh: refused")
				s.expect(ps1)
			}
			for i := range forms {
				s.missing(fmt.Sprintf("out%d", i))
			}
			s.send("echo al''ive; trap -p INT\r")
			s.expect("alive\r\n")
			if out := s.expect(ps1); name == "trapped" && !strings.Contains(out, "trap -- 'echo GOT INT' SIGINT") || name == "ignored" && !strings.Contains(out, "trap -- '' SIGINT") {
				t.Errorf("INT trap is %q", out)
			}
		})
	}
}

func TestFortyLines(t *testing.T) {
	s := session(t, "")
	for i := range 40 {
		if i%2 == 0 {
			s.refused(fmt.Sprintf("touch ran%d # RISKY", i))
		} else {
			s.want(fmt.Sprintf("touch ran%d", i), "")
		}
	}
	for i := range 40 {
		_, err := os.Stat(filepath.Join(s.dir, fmt.Sprintf("ran%d", i)))
		if (err == nil) != (i%2 == 1) {
			t.Errorf("line %d: %v", i, err)
		}
	}
}

func TestPasteStopsAtRefusal(t *testing.T) {
	// A line with nothing in it is none that could have run.
	paste := "touch p1\r\rtouch p2 # RISKY\rtouch p3\r  \r\rtouch p4\rtouch p5\r"
	for name, tc := range map[string]struct{ rc, before, after string }{
		"raw":       {"", "", ""},
		"bracketed": {"bind 'set enable-bracketed-paste on'", "\x1b[200~", "\x1b[201~\r"},
		"ended":     {"bind 'set enable-bracketed-paste on'", "\x1b[200~", "\r\x1b[201~\r"},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, tc.rc)
			s.send(tc.before + strings.TrimSuffix(paste, "\r") + map[bool]string{true: tc.after, false: "\r"}[tc.after != ""])
			s.expect("guardsh: refused")
			s.expect("guardsh: 3 lines typed or pasted behind it were not run")
			s.expect(ps1)
			s.run("echo d''one")
			if _, err := os.Stat(filepath.Join(s.dir, "p1")); err != nil {
				t.Error("the line before the refused one did not run")
			}
			for _, p := range []string{"p2", "p3", "p4", "p5"} {
				s.missing(p)
			}
		})
	}
}

func TestLongPaste(t *testing.T) {
	s := session(t, "")
	var paste strings.Builder
	paste.WriteString("touch RISKY\r")
	for i := range 400 {
		fmt.Fprintf(&paste, "touch far%d ..........................................\r", i)
	}
	go s.tty.WriteString(paste.String())
	s.expect("guardsh: refused")
	s.expect("were not run")
	s.expect(ps1)
	s.send("\x15echo d''one\r")
	s.expect("done\r\n")
	if got := s.lines(); got[0] != "touch RISKY" {
		t.Errorf("lines %q", got)
	}
}

func TestTypeAheadRuns(t *testing.T) {
	s := session(t, "")
	s.send("echo o''ne\recho t''wo\recho th''ree\r")
	s.expect("one\r\n")
	s.expect("two\r\n")
	s.expect("three\r\n")
}

// The user's names and options must not break the gate's own code.
func TestHostileNames(t *testing.T) {
	for name, rc := range map[string]string{
		"functions": "history() { :; }; kill() { :; }; printf() { :; }; read() { :; }; exec() { :; }; trap() { :; }; eval() { :; }; fc() { :; }; pwd() { :; }; set() { :; }; exit() { command exit; }",
		"aliases":   "shopt -s expand_aliases; alias history=: kill=: printf=: read=: exec=: trap=: eval=: fc=: pwd=: set=:",
		"xtrace":    "set -x", "nopromptvars": "shopt -u promptvars", "histexpand-off": "set +H",
		"nocasematch": "shopt -s nocasematch extglob nullglob failglob", "verbose": "set -v",
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, rc)
			s.expect(ps1)
			for range 2 {
				s.send("echo RISKY >bad\r")
				s.expect("guardsh: refused")
				s.expect(ps1)
				s.send("echo f''ine\r")
				s.expect("fine\r\n")
				s.expect(ps1)
			}
			s.missing("bad")
		})
	}
}

// ^C and ^\ while a line waits withdraw it: it must not run.
func TestWithdraw(t *testing.T) {
	for name, tc := range map[string]struct{ rc, key string }{
		"interrupt": {"", "\x03"}, "quit": {"", "\x1c"}, "interrupt-trapped": {"trap 'echo GOT' INT", "\x03"},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, tc.rc)
			s.send("touch ran # SLOW\r")
			s.logged("request", func(e entry) bool { return e.Kind == "line" })
			s.send(tc.key)
			s.expect(ps1)
			s.logged("withdrawal", func(e entry) bool { return e.Kind == "withdrawn" })
			s.missing("ran")
			s.want("echo ok", "ok\n")
			s.missing("ran")
		})
	}
	t.Run("killed", func(t *testing.T) {
		s := session(t, "")
		s.send("touch ran # SLOW\r")
		e := s.logged("request", func(e entry) bool { return e.Kind == "line" })
		for _, pid := range children(t, e.PID) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		// The DEBUG trap asks again.
		s.logged("second request", func(entry) bool { return len(s.lines()) == 2 })
		s.send("\x03")
		s.expect(ps1)
		s.missing("ran")
		s.want("echo ok", "ok\n")
	})
}

// A judgement that never comes keeps neither its line, once ^C withdrew that,
// nor the end of the session.
func TestStuckJudgement(t *testing.T) {
	s := session(t, "")
	s.send("touch ran # STUCK\r")
	s.logged("request", func(e entry) bool { return e.Kind == "line" })
	s.send("\x03")
	s.expect(ps1)
	s.want("echo ok", "ok\n")
	s.missing("ran")
	if got := s.exit("exit 3"); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
}

func children(t *testing.T, pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, l := range lists {
		b, _ := os.ReadFile(l)
		for _, f := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(f)
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		t.Fatalf("process %d has no children", pid)
	}
	return out
}

// Nothing is visible to programs but PS0, PROMPT_COMMAND and GUARDSH_*.
func TestEnvironment(t *testing.T) {
	s := session(t, "PROMPT_COMMAND='MINE=1'; unset OLDPWD")
	s.run(":")
	out := s.run("env -0 | cut -z -d= -f1 | tr '\\0' ' '")
	for _, name := range strings.Fields(out) {
		switch {
		case name == "PS0", name == "PROMPT_COMMAND", strings.HasPrefix(name, "GUARDSH_"):
		case slices.Contains([]string{"PATH", "HOME", "TERM", "LANG", "TMPDIR", "EDITOR", "PWD", "SHLVL", "_", "OLDPWD"}, name):
		case strings.HasPrefix(name, "PROMPT>"):
		default:
			t.Errorf("%s is visible", name)
		}
	}
	s.want("echo $MINE; trap -p; shopt lithist cmdhist | tr -s '\\t ' ' '", "1\nlithist off\ncmdhist on\n")
}

// Many shells on one gate: no answer goes to another's line.
func TestShellsDoNotMixUp(t *testing.T) {
	s := session(t, "")
	s.run("env -0 >env")
	b, err := os.ReadFile(s.dir + "/env")
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	const shells, each = 4, 15
	var done sync.WaitGroup
	for n := range shells {
		other := &typing{t: t, dir: s.dir, log: s.log}
		other.open(exec.Command("bash", "--rcfile", s.dir+"/rc", "-i"), env)
		done.Go(func() {
			other.expect(ps1)
			for i := range each {
				other.run(fmt.Sprintf("touch bad%d.%d # RISKY", n, i))
				other.run(fmt.Sprintf("touch good%d.%d", n, i))
			}
		})
	}
	done.Wait()
	bad, _ := filepath.Glob(filepath.Join(s.dir, "bad*"))
	good, _ := filepath.Glob(filepath.Join(s.dir, "good*"))
	if len(bad) != 0 || len(good) != shells*each {
		t.Errorf("%d of the lines that were refused ran, and %d of %d others", len(bad), len(good), shells*each)
	}
}

func TestBigHereDocument(t *testing.T) {
	s := session(t, "")
	body := strings.Repeat(strings.Repeat("x", 99)+"\n", 10000)
	write(t, s.dir+"/big", "cat >out <<'X'\n"+body+"X\n")
	// Sourcing would not pass the gate: the file is the shell's input.
	s.run("PS1= PS2= bash --norc --noediting -i <big >/dev/null 2>&1")
	if got, err := os.ReadFile(s.dir + "/out"); err != nil || string(got) != body {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for _, l := range s.lines() {
		if len(l) > len(body) {
			return
		}
	}
	t.Error("the here-document was not seen whole")
}

func TestUnreachableGuard(t *testing.T) {
	s := session(t, "")
	s.run("export GUARDSH_DIR=/nonexistent")
	s.send("\r")
	s.expect(ps1)
	if n := strings.Count(s.all(), "cannot be reached"); n != 1 {
		t.Errorf("said %d times: %q", n, s.all())
	}
	s.run(":")
	s.want("echo runs", "runs\n")
	if n := strings.Count(s.all(), "cannot be reached"); n != 1 {
		t.Errorf("said %d times", n)
	}
}
