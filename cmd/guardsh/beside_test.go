package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// besideKeys are typed to plain bash and to guardsh. Each waits for its text
// to show before the next is typed: what is typed ahead is echoed at another
// moment by any shell.
var besideKeys = []struct{ keys, until string }{
	{"", "ready> "},
	{"echo one  two\r", "ready> "},
	{"cat de", "cat de"},
	{"\t", "ep/"},   // completes a directory
	{"f\t", "file"}, // and the one file in it
	{"\r", "ready> "},
	{"ls d\t\t", "d"},   // nothing more to complete
	{"\x03", "ready> "}, // ^C at a prompt
	{"echo $?\r", "ready> "},
	{"sh -c 'echo up; exec sleep 100'\r", "\nup"},
	{"\x03", "ready> "},
	{"sh -c 'echo up; exec sleep 100'\r", "\nup"},
	{"\x1a", "ready> "}, // ^Z
	{"jobs\r", "ready> "},
	{"fg\r", "sleep 100'"},
	{"\x03", "ready> "},
	{"for i in 1 2\r", "> "},
	{"do echo $i\r", "> "},
	{"done\r", "ready> "},
	{"\x1b[A", "echo $i"}, // history: the loop is one entry
	{"\x1b[A", ""},
	{"\x15", ""},
	{"cat <<E\r", "> "},
	{"in $HOME\r", "> "},
	{"E\r", "ready> "},
	{"(exit 7)\r", "ready> "},
	{"stty size; tty | tr -d 0-9\r", "ready> "},
	{"history | tail -n 4\r", "ready> "},
	{"no-such-command\r", "ready> "},
	{"if; then\r", "ready> "},
	{"f() { echo in f $1; }; f x\r", "ready> "},
	{"printf '\\e[31mred\\e[0m\\n'\r", "ready> "},
	{"set -o | grep -c on\r", "ready> "},
	{"echo $- $SHLVL $0 ${#PIPESTATUS[@]} \"$HISTCONTROL\"\r", "ready> "},
	{"trap -p; alias; shopt | md5sum\r", "ready> "},
	{"ls /proc/self/fd | tr '\\n' ' '\r", "ready> "}, // nothing of the gate is open for what runs
	{"grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status; ulimit -a | md5sum; umask\r", "ready> "},
	{"set -x\r", "ready> "}, // nothing of the gate is traced, nor does it fail
	{"echo $_ traced\r", "ready> "},
	{"trap 'echo failed $_' ERR\r", "ready> "},
	{"false\r", "ready> "},
	{"set -E\r", "ready> "},
	{"echo $(false; echo $?)\r", "ready> "},
	{"set +xE; PROMPT_COMMAND='echo prompt $? $_'\r", "ready> "},
	{"false\r", "ready> "},
	{"trap 'echo returned' RETURN\r", "ready> "},
	{"echo here\r", "ready> "},
	{"trap - ERR RETURN\r", "ready> "},
	{"exit 9\r", ""},
}

// cmdBeside types the same keys to plain bash and to guardsh, one after the
// other, and wants the same bytes on both terminals.
func cmdBeside(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: beside")
	}
	plain, plainStatus := besideScreen(ts, "bash")
	guarded, guardedStatus := besideScreen(ts, "guardsh")
	if plainStatus != guardedStatus {
		ts.Fatalf("exit status %d, plain bash's is %d", guardedStatus, plainStatus)
	}
	for i := range besideKeys {
		a, b := plain[i], guarded[i]
		if a != b {
			ts.Logf("after %q\nbash showed    %q\nguardsh showed %q", besideKeys[i].keys, a, b)
			defer ts.Fatalf("the screens differ")
		}
	}
}

// besideScreen is what a shell shows after each of the keys, and its status.
func besideScreen(ts *testscript.TestScript, shell string) ([]string, int) {
	dir := ts.MkAbs("beside")
	ts.Check(os.RemoveAll(dir))
	ts.Check(os.MkdirAll(dir+"/deep", 0o755))
	ts.Check(os.WriteFile(dir+"/deep/file", []byte("content\n"), 0o644))
	path, err := lookPath(shell, ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.Command(path)
	cmd.Args[0] = "bash" // guardsh has bash started by that name
	cmd.Dir = dir
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, "HISTFILE=")
	return typeKeys(ts, cmd, shell, besideKeys)
}

// typeKeys starts a command on a terminal and types keys to it, and returns
// what is shown after each of them, and its status.
func typeKeys(ts *testscript.TestScript, cmd *exec.Cmd, shell string, keys []struct{ keys, until string }) ([]string, int) {
	p, err := sitAt(cmd, 100)
	ts.Check(err)
	defer p.stop()
	var shown []string
	from := 0
	for i, k := range keys {
		if i == 20 {
			ts.Check(setSize(p.f, &unix.Winsize{Row: 30, Col: 90}))
			p.settle() // the prompt is shown anew: with keys typed meanwhile, before or behind them
		}
		ts.Check(p.send(k.keys))
		if k.until != "" {
			if err := p.expectText(k.until); err != nil {
				ts.Fatalf("%s: after %q: %v\n%s", shell, k.keys, err, p.all())
			}
		}
		if !p.settle() {
			ts.Fatalf("%s: after %q: it shows more and more for %s\n%s", shell, k.keys, ptyDeadline, p.all())
		}
		p.mu.Lock()
		shown = append(shown, string(p.raw[from:]))
		from = len(p.raw)
		p.from = len(p.plain())
		p.mu.Unlock()
	}
	select {
	case <-p.ended:
	case <-time.After(ptyDeadline):
		ts.Fatalf("%s: still running after %s", shell, ptyDeadline)
	}
	return shown, cmd.ProcessState.ExitCode()
}

// expectText waits for text as it stands.
func (p *typist) expectText(text string) error {
	return p.expect(fmt.Sprintf(`\Q%s\E`, text))
}

// quiet is how long a terminal has to say nothing, while nobody behind it has
// anything to do, for a shell to be taken as waiting for keys.
const quiet = 150 * time.Millisecond

// settle waits until nothing more is shown. It is false where that does not
// come to be.
func (p *typist) settle() bool {
	p.mu.Lock()
	shown := len(p.raw)
	p.mu.Unlock()
	for end := time.Now().Add(ptyDeadline); p.await(quiet, func() bool { return len(p.raw) > shown }) || busy(p.cmd.Process.Pid); {
		if time.Now().After(end) {
			return false
		}
		p.mu.Lock()
		shown = len(p.raw)
		p.mu.Unlock()
	}
	return true
}

// busy says that a process or one below it runs, or would if the machine had a
// processor for it: it may still show something.
func busy(pid int) bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(task + "/stat")
		if _, rest, ok := strings.Cut(string(b), ") "); ok && strings.ContainsAny(rest[:1], "RD") {
			return true
		}
		below, _ := os.ReadFile(task + "/children")
		for f := range strings.FieldsSeq(string(below)) {
			if n, err := strconv.Atoi(f); err == nil && busy(n) {
				return true
			}
		}
	}
	return false
}
