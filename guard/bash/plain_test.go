package bash

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"guardsh/guard/proc"
)

func plain(t *testing.T, stdin string, args ...string) *exec.Cmd {
	t.Helper()
	dir := scratch(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, driverName)
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{dir + "/log", "plain"}, args...)...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	return cmd
}

// A script, -c and a pipe behave as with bash itself.
func TestPlain(t *testing.T) {
	for name, tc := range map[string]struct {
		stdin string
		args  []string
	}{
		"c":       {"", []string{"-c", "echo $0 $1; exit 3", "zero", "one"}},
		"stdin":   {"echo in; read x; echo [$x]; exit 4\nnext\n", nil},
		"binary":  {"", []string{"-c", "printf '\\0\\377\\r\\n'"}},
		"signal":  {"", []string{"-c", "kill -TERM $$"}},
		"kill":    {"", []string{"-c", "kill -9 $$"}},
		"missing": {"", []string{"/nonexistent/script"}},
		"syntax":  {"", []string{"-c", "if"}},
		"group":   {"", []string{"-c", "ps -o pgid= -p $$ | wc -l; [ $(ps -o pgid= -p $$) = $(ps -o pgid= -p $PPID) ] || [ $(ps -o pgid= -p $$) != $$ ]"}},
		"data":    {"a\x00b\r\n", []string{"-c", "cat"}},
		"env":     {"", []string{"-c", "env | grep -c -e GUARDSH_ -e PS0; true"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut, wantOut, wantErr bytes.Buffer
			cmd := plain(t, tc.stdin, tc.args...)
			cmd.Stdout, cmd.Stderr = &out, &errOut
			cmd.Run()
			ref := exec.Command("bash", tc.args...)
			ref.Dir, ref.Stdin, ref.Stdout, ref.Stderr = cmd.Dir, strings.NewReader(tc.stdin), &wantOut, &wantErr
			ref.Run()
			want := ref.ProcessState.ExitCode()
			if ws := ref.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
				want = 128 + int(ws.Signal())
			}
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("status %d, want %d", got, want)
			}
			if !bytes.Equal(out.Bytes(), wantOut.Bytes()) || !bytes.Equal(errOut.Bytes(), wantErr.Bytes()) {
				t.Errorf("%q %q, want %q %q", &out, &errOut, &wantOut, &wantErr)
			}
		})
	}
}

func TestPlainPassesSignalsOn(t *testing.T) {
	cmd := plain(t, "", "-c", "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.01; done")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var b [64]byte
	n, _ := out.Read(b[:])
	if string(b[:n]) != "ready\n" {
		t.Fatalf("%q", b[:n])
	}
	cmd.Process.Signal(syscall.SIGTERM)
	n, _ = out.Read(b[:])
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 9 || string(b[:n]) != "got\n" {
		t.Errorf("status %d, %q", got, b[:n])
	}
}

// What whoever started us ignores is ignored by the child too, as bash itself
// would leave it: nohup, and jobs in the background of a script.
func TestPlainKeepsIgnored(t *testing.T) {
	const show = `trap -p HUP INT; grep SigIgn /proc/$$/status`
	ignoring := func(argv ...string) string {
		t.Helper()
		sh := exec.Command("bash", append([]string{"-c", `trap '' HUP INT; exec "$@"`, "sh"}, argv...)...)
		out, err := sh.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	want := ignoring("bash", "-c", show)
	if !strings.Contains(want, "SIGHUP") || !strings.Contains(want, "SIGINT") {
		t.Fatalf("bash itself says %q", want)
	}
	if got := ignoring(plain(t, "", "-c", show).Args...); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPlacesInstead compares where bash is looked for with and without Go's
// runtime.
func TestPlacesInstead(t *testing.T) {
	var at []string
	for _, p := range bashAt {
		at = append(at, strings.TrimSuffix(p, "\x00"))
	}
	if !slices.Equal(at, Places) {
		t.Errorf("%q, and Places %q", at, Places)
	}
}

// Who waits for us sees that the shell was stopped where it was meant to, and a
// shell that was stopped by itself goes on with us.
func TestPlainStops(t *testing.T) {
	for name, tc := range map[string]struct {
		line   string
		send   syscall.Signal // to us, when the line has said that it is there; 0: none
		stops  bool           // this process, and not only the shell
		status int
		group  bool // it is sent to the shell as well
	}{
		"told to stop":   {"echo up; while [ ! -e go ]; do read -t 0.01 <> <(:); done; exit 3", syscall.SIGTSTP, true, 3, false},
		"both are told":  {"echo up; while [ ! -e go ]; do read -t 0.01 <> <(:); done; exit 3", syscall.SIGTSTP, true, 3, true},
		"does not stop":  {"trap '' TSTP; echo up; sleep 0.2; exit 3", syscall.SIGTSTP, false, 3, false},
		"stops itself":   {"echo up; kill -STOP $$; exit 3", 0, false, 3, false},
		"traps the stop": {"trap 'exit 4' TSTP; echo up; while :; do sleep 0.01; done", syscall.SIGTSTP, false, 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := plain(t, "", "-c", tc.line)
			cmd.Stdin = nil
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // in a session of its own the kernel drops a TSTP
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			if _, err := out.Read(make([]byte, 8)); err != nil {
				t.Fatal(err)
			}
			shell := children(t, cmd.Process.Pid)[0]
			stopped := func(pid int) func() bool {
				return func() bool { st, err := proc.Of(pid); return err == nil && st.State == 'T' }
			}
			if tc.group {
				syscall.Kill(-cmd.Process.Pid, tc.send)
			} else if tc.send != 0 {
				cmd.Process.Signal(tc.send)
			}
			if tc.stops && !await(patience, stopped(cmd.Process.Pid)) {
				t.Error("it goes on")
			}
			if (tc.stops || tc.send == 0) && !await(patience, stopped(shell)) {
				t.Error("the shell goes on")
			}
			write(t, cmd.Dir+"/go", "")
			if tc.stops || tc.send == 0 {
				cmd.Process.Signal(syscall.SIGCONT)
			}
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
		})
	}
}
