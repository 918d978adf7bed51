package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// guardedShell is guardsh on a scratch machine, plainShell what it is compared
// with.
const (
	guardedShell = "/usr/local/bin/guardsh"
	plainShell   = "/bin/bash"
)

// cmdDoors is "doors ROWS": each row of the file is "name: command", a door
// through which commands come. It is run once where root's shell and $S are
// bash and once where they are guardsh, in an empty directory, for the line
// $LINE, which is what the script calls PROBE; output, errors, status and the
// files that it left have to be the same. Then, where the row says $LINE, it is
// run with what the script calls FORBIDDEN: that must not run, and the trail
// must hold it.
func cmdDoors(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: doors rows")
	}
	probe, forbidden := ts.Getenv("PROBE"), ts.Getenv("FORBIDDEN")
	if probe == "" || forbidden == "" {
		ts.Fatalf("doors: PROBE and FORBIDDEN are not set")
	}
	// What the trail must hold: a door may quote the line anew, or cut it.
	needle := "rsync"
	users, err := os.ReadFile("/etc/passwd")
	ts.Check(err)
	var wrong []string
	for row := range strings.Lines(ts.ReadFile(args[0])) {
		name, command, ok := strings.Cut(strings.TrimSpace(row), ": ")
		if !ok || name[0] == '#' {
			continue
		}
		began := time.Now()
		plain := throughDoor(ts, plainShell, command, probe)
		guarded := throughDoor(ts, guardedShell, command, probe)
		if plain != guarded {
			wrong = append(wrong, name)
			ts.Logf("%s: bash gave\n%s\n%s: guardsh gave\n%s", name, plain, name, guarded)
		}
		if strings.Contains(command, "$LINE") {
			before := trailLines(ts, needle)
			out := throughDoor(ts, guardedShell, command, forbidden)
			now, err := os.ReadFile("/etc/passwd")
			ts.Check(err)
			if !bytes.Equal(rootLine.ReplaceAll(now, nil), rootLine.ReplaceAll(users, nil)) {
				ts.Fatalf("%s: %s ran:\n%s", name, forbidden, out)
			}
			switch {
			case !strings.Contains(out, "guardsh:"):
				wrong = append(wrong, name)
				ts.Logf("%s: %s: nothing was said:\n%s", name, forbidden, out)
			case trailLines(ts, needle) <= before:
				wrong = append(wrong, name)
				ts.Logf("%s: the trail does not hold that %s was refused", name, forbidden)
			}
		}
		ts.Logf("%s: %s", name, time.Since(began).Round(time.Millisecond))
	}
	if len(wrong) > 0 {
		ts.Fatalf("doors that differ: %s", strings.Join(wrong, " "))
	}
}

// throughDoor is all that can be seen of one command: what it printed, its
// status and what it left in its directory.
func throughDoor(ts *testscript.TestScript, shell, command, line string) string {
	setShell(ts, shell)
	dir := "/tmp/door"
	ts.Check(os.RemoveAll(dir))
	ts.Check(os.Mkdir(dir, 0o755))
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = []string{"S=" + shell, "LINE=" + line, "BASH_ENV="}
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "TERM", "LANG"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, "SHELL="+shell)
	// Files, not pipes: what a door leaves in the background may keep them.
	var said [2]*os.File
	for i := range said {
		f, err := os.CreateTemp("", "door")
		ts.Check(err)
		defer os.Remove(f.Name())
		defer f.Close()
		said[i] = f
	}
	cmd.Stdout, cmd.Stderr = said[0], said[1]
	err := cmd.Run()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		ts.Check(err)
	}
	var b bytes.Buffer
	for i, f := range said {
		text, err := os.ReadFile(f.Name())
		ts.Check(err)
		fmt.Fprintf(&b, "%s:\n%s", []string{"output", "errors"}[i], text)
	}
	fmt.Fprintf(&b, "status: %d\n", cmd.ProcessState.ExitCode())
	ts.Check(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s\n", fi.Mode(), path)
		if fi.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s\n", text)
		}
		return nil
	}))
	// The shell's own name is what was asked for.
	return strings.ReplaceAll(b.String(), guardedShell, plainShell)
}

// rootLine is root in the table of users, up to the shell.
var rootLine = regexp.MustCompile(`(?m)^(root:.*:).*$`)

// setShell gives root a shell, as chsh does.
func setShell(ts *testscript.TestScript, shell string) {
	b, err := os.ReadFile("/etc/passwd")
	ts.Check(err)
	ts.Check(os.WriteFile("/etc/passwd", rootLine.ReplaceAll(b, []byte("${1}"+shell)), 0o644))
}

// trailLines counts the refused lines in the trail that hold text.
func trailLines(ts *testscript.TestScript, text string) int {
	n := 0
	err := filepath.WalkDir("/var/log/guardsh", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "events.jsonl" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, text) && strings.Contains(line, `"verdict":"block"`) {
				n++
			}
		}
		return nil
	})
	if !errors.Is(err, os.ErrNotExist) {
		ts.Check(err)
	}
	return n
}

// doorKeys are typed behind a door that leads to a prompt.
var doorKeys = []struct{ keys, until string }{
	{"", "ready> "},
	{"echo $0 $- $SHLVL $SHELL $MARK; shopt login_shell; pwd\r", "ready> "},
	{"umask; cat /proc/self/timerslack_ns; ulimit -a | md5sum; tty | tr -d 0-9; stty -a | md5sum\r", "ready> "},
	{"ls /proc/self/fd | tr '\\n' ' '; grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status\r", "ready> "},
	{"env | grep -v '^\\(GUARDSH_.*\\|SSH_.*\\|XDG_.*\\|PS0\\|PROMPT_COMMAND\\|_\\)=' | sort\r", "ready> "},
	{"set -o | grep monitor; jobs\r", "ready> "},
	{"(exit 3)\r", "[3] ready> "},
	{"exit 7\r", ""},
}

// ownPath is where a session has its own sudo and su, which drop the gate.
var ownPath = regexp.MustCompile("PATH=/run/guardsh/guardsh[.0-9]*/bin:")

// cmdDoor is "door COMMAND ...", which leads to a prompt of root's shell. The
// same keys are typed to bash and to guardsh behind it, and the same has to be
// shown, with the same status; then FORBIDDEN is typed to guardsh.
func cmdDoor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: door command args...")
	}
	setShell(ts, plainShell)
	plain, plainStatus := behindDoor(ts, plainShell, args, doorKeys)
	setShell(ts, guardedShell)
	guarded, guardedStatus := behindDoor(ts, guardedShell, args, doorKeys)
	for i := range plain {
		a := plain[i]
		b := ownPath.ReplaceAllString(strings.ReplaceAll(guarded[i], guardedShell, plainShell), "PATH=")
		if a != b {
			ts.Logf("after %q\nbash showed    %q\nguardsh showed %q", doorKeys[i].keys, a, b)
			defer ts.Fatalf("the screens differ")
		}
	}
	if plainStatus != guardedStatus {
		ts.Fatalf("exit status %d, plain bash's is %d", guardedStatus, plainStatus)
	}
	forbidden := ts.Getenv("FORBIDDEN")
	before := trailLines(ts, forbidden)
	shown, _ := behindDoor(ts, guardedShell, args, []struct{ keys, until string }{
		{"", "ready> "}, {forbidden + "\r", "[130] ready> "}, {"exit 0\r", ""},
	})
	if !strings.Contains(shown[1], "guardsh:") {
		ts.Fatalf("%s: nothing was said: %q", forbidden, shown[1])
	}
	if trailLines(ts, forbidden) <= before {
		ts.Fatalf("the trail does not hold that %s was refused", forbidden)
	}
}

// behindDoor is what is shown after each of the keys behind a door, and the
// door's own status.
func behindDoor(ts *testscript.TestScript, shell string, args []string, keys []struct{ keys, until string }) ([]string, int) {
	path, err := lookPath(args[0], ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = "/tmp"
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "TERM", "LANG"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, "HISTFILE=", "SHELL="+shell)
	return typeKeys(ts, cmd, shell, keys)
}
