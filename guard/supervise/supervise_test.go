package supervise

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

// The filter cannot be taken off again, so that what is tested runs in a
// process of its own: this binary, as a session that runs bash on a line. It
// lets every start go but those whose arguments say FORBIDDEN, prints what it
// judged, and says at the end that it came to its end.

var garbage atomic.Pointer[[4096]byte]

const sessionName = "supervise: session of a test"

func TestMain(m *testing.M) {
	KeeperMain()
	if os.Args[0] == sessionName {
		os.Exit(session(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}

func session(mode string, argv []string) int {
	var mu sync.Mutex
	var seen []string
	cfg := Config{
		Known: func(s *Start) bool { return mode != "bench" && s.Name() != "true" },
		Judge: func(s *Start) Decision {
			r, err := s.Rest()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				seen = append(seen, "error "+err.Error())
				return Go
			}
			seen = append(seen, fmt.Sprintf("judged %s %q in %s by %d %v", s.Path, r.Argv, r.Cwd, r.UID, s.Elsewhere()))
			if strings.Contains(strings.Join(r.Argv, " "), "HANG") {
				mu.Unlock()
				select {}
			}
			if slices.Contains(r.Argv, "NICE") {
				out, err := exec.Command("nice").Output()
				seen = append(seen, fmt.Sprintf("looked up at %s %v", bytes.TrimSpace(out), err))
			}
			if slices.Contains(r.Argv, "ENV") {
				seen = append(seen, fmt.Sprintf("with %q %v", s.Env(), s.Env() != nil))
			}
			if slices.Contains(r.Argv, "FORBIDDEN") {
				Tell(s.PID, "refused here\n")
				return Refuse
			}
			return Go
		},
		Seen: func(s *Start) {
			mu.Lock()
			seen = append(seen, "seen "+s.Name())
			mu.Unlock()
		},
		Lost: func(err error) { fmt.Println("lost", err) },
	}
	if mode == "busy" {
		// Goroutines that allocate for as long as the session lasts.
		for range 4 {
			go func() {
				for range time.Tick(10 * time.Microsecond) {
					for range 16 {
						garbage.Store(new([4096]byte))
					}
				}
			}()
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	p, start := Prepare(cfg), cmd.Start
	switch mode {
	case "alone":
		// Whoever looks for processes to end has found the one aside.
		pid := awaitAside()
		unix.Kill(pid, unix.SIGKILL)
		// Else it would end while the shell starts.
		_ = unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	case "scarce":
		start = func() error {
			start = cmd.Start
			return unix.EMFILE
		}
	}
	sup, why, err := p.Start(func() error { return start() })
	if mode == "alone" || mode == "scarce" {
		fmt.Println("not supervised:", why, err)
		fmt.Println("aside:", len(asides()))
		fmt.Println("session ends:", cmd.Wait())
		return 0
	}
	if why != nil || err != nil {
		fmt.Println("not supervised:", why, err)
		return 9
	}
	if mode == "bench" {
		if cmd.Wait() != nil {
			return 1
		}
		return 0
	}
	if mode == "keeper" {
		if err := sup.keeper(); err != nil {
			fmt.Println("keeper:", err)
			return 9
		}
		fmt.Println("kept")
	}
	werr := cmd.Wait()
	if mode == "idle" {
		for end := time.Now().Add(20 * time.Second); !sup.l.idle() && time.Now().Before(end); {
			runtime.Gosched()
		}
		fmt.Println("supervises nothing:", sup.l.idle())
	}
	if err := sup.End(); err != nil {
		fmt.Println("keeper:", err)
	}
	mu.Lock()
	for _, s := range seen {
		fmt.Println(s)
	}
	fmt.Println("session ends:", werr)
	return 0
}

// awaitAside is the process aside, once it has the listener: it leads a session of
// its own then, and waits.
func awaitAside() int {
	for {
		for _, pid := range asides() {
			if st, err := proc.Of(pid); err == nil && st.Session == pid && st.State == 'S' {
				return pid
			}
		}
		time.Sleep(time.Millisecond) // for the process aside to wait in a session of its own, which it tells nobody
	}
}

// asides are the processes that this one has and that are no other program.
func asides() (pids []int) {
	files, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, s := range strings.Fields(string(b)) {
			if exe, _ := os.Readlink("/proc/" + s + "/exe"); strings.Contains(exe, ".test") {
				pid, _ := strconv.Atoi(s)
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// A shell starts where the process aside has been ended before it, and where there
// is not room for both: without supervision, which is said.
func TestStartsAlone(t *testing.T) {
	want(t, run(t, "alone", "sh", "-c", "/bin/echo lives"), "not supervised: the keeper was ended before there was a shell <nil>", "lives", "session ends: <nil>")
	want(t, run(t, "scarce", "sh", "-c", "/bin/echo lives"), "not supervised: there is no room for it beside the shell: too many open files <nil>", "aside: 0", "lives", "session ends: <nil>")
}

// Where there is no /proc the keeper is not a program of its own, and yet what
// outlives the session goes on.
func TestKeeperWithoutProc(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it takes root")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "; kill -9 $PPID"} {
		late := filepath.Join(t.TempDir(), "late")
		if err := unix.Mkfifo(late, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(late, os.O_RDWR|unix.O_NONBLOCK, 0) // so that it is no end of it when nobody writes
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		line := "(sleep 0.3; /bin/echo late; /bin/echo later) > " + late + " 2>&1 & sleep 0.1" + end
		cmd := exec.Command("unshare", "-m", "bash", "-c", `umount -l /proc; exec -a "$0" "$@"`, sessionName, self, "keeper", "bash", "-c", line)
		out, _ := cmd.CombinedOutput()
		b := make([]byte, len("late\nlater\n"))
		if err := f.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _ := io.ReadFull(f, b)
		b = b[:n]
		if string(b) != "late\nlater\n" {
			t.Errorf("%s: %q", out, b)
		}
	}
}

// run runs a session and returns what it and its programs printed.
func run(t *testing.T, mode string, argv ...string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{mode}, argv...)...)
	cmd.Args[0] = sessionName
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("session ends:")) {
		t.Fatalf("the session did not come to its end (%v):\n%s", err, out)
	}
	return string(out)
}

// When the shell is gone with all that it started, there is nothing to be kept.
// The thread that starts it must not be the process's first, which never ends.
func TestNothingIsLeft(t *testing.T) {
	for range 5 {
		want(t, run(t, "idle", "true"), "supervises nothing: true")
	}
}

func want(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(out, l) {
			t.Errorf("missing %q in\n%s", l, out)
		}
	}
}

func TestSeen(t *testing.T) {
	dir := t.TempDir()
	out := run(t, "", "bash", "-c", "cd "+dir+" && /bin/echo one two; ./missing; /bin/true; find . -maxdepth 0 -exec /bin/echo found {} +; python3 -c 'import subprocess; subprocess.run([\"echo\",\"py\"])'")
	want(t, out,
		`judged /bin/echo ["/bin/echo" "one" "two"] in `+dir+` by 0 false`,
		`judged /bin/echo ["/bin/echo" "found" "."] in `+dir,
		`"py"`, "seen true", "one two\n", "found .\n", "py\n", "session ends: <nil>")
	if strings.Contains(out, "judged /bin/true") {
		t.Errorf("what nobody has to look at was judged:\n%s", out)
	}
}

// Arguments of every length are read as they are, however many there are and
// wherever a page ends.
func TestArgumentsAsTheyAre(t *testing.T) {
	var args []string
	for n := range 300 {
		args = append(args, strings.Repeat(string(rune('a'+n%26)), n))
	}
	args = append(args, strings.Repeat("x", 4096), strings.Repeat("y", 70_000))
	out := run(t, "", append([]string{"env", "/bin/echo"}, args...)...)
	want(t, out, fmt.Sprintf("judged /bin/echo %q in ", append([]string{"/bin/echo"}, args...)))
}

// The environment is read when it is asked for; one that is empty is known.
func TestEnvironment(t *testing.T) {
	want(t, run(t, "", "env", "-i", "A=1", "B=x y", "/bin/echo", "ENV"), `with ["A=1" "B=x y"] true`)
	want(t, run(t, "", "env", "-i", "/bin/echo", "ENV"), `with [] true`)
}

// A thread precedes what it lets go while it receives, and nothing else does:
// no program that was started, or that is asked for a judgement.
func TestPrecedence(t *testing.T) {
	const ranks = `ranks() { local f s; for f in /proc/$PPID/task/*/stat; do read -r s < $f; set -- ${s##*) }; echo rank ${17}; done; }
		for ((i = 0; i < 1000; i++)); do all=$(ranks); [[ $all == *-7* ]] && break; done; sort -u <<< "$all"; `
	runtime.LockOSThread() // for good: the thread ends with the test
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 3); err != nil {
		t.Fatal(err)
	}
	want(t, run(t, "", "bash", "-c", ranks+`nice; nice -n 2 nice; /bin/echo NICE`), "rank -7\nrank 3\n", "3\n5\nNICE\n", "looked up at 3 <nil>")
}

func TestRefused(t *testing.T) {
	out := run(t, "", "bash", "-c", "/bin/echo FORBIDDEN; echo status $?; env /bin/echo a; xargs /bin/echo <<< FORBIDDEN; echo status $?; echo b | xargs -P 4 -n 1 /bin/echo")
	want(t, out, "refused here\n", "Operation not permitted", "status 126\n", "\na\n", "\nb\n")
	if strings.Contains(out, "\nFORBIDDEN") {
		t.Errorf("a refused program ran:\n%s", out)
	}
}

// What is told stays in a file into which the process goes on to write.
func TestToldIntoFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "said")
	run(t, "", "bash", "-c", "exec 2> "+file+"; echo before >&2; /bin/echo FORBIDDEN; echo behind >&2")
	got, err := os.ReadFile(file)
	if lines := strings.Split(string(got), "\n"); err != nil || len(lines) < 4 || lines[0] != "before" || lines[1] != "refused here" || lines[len(lines)-2] != "behind" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestThreadsAndFexecve(t *testing.T) {
	out := run(t, "", "python3", "-c", `
import os, threading, subprocess
def f(i): subprocess.run(["/bin/echo", "t%d" % i])
ts=[threading.Thread(target=f, args=(i,)) for i in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
fd=os.open("/bin/echo", os.O_RDONLY)
os.execve(fd, ["echo","by","fd"], {})`)
	want(t, out, "t0\n", "t7\n", "by fd\n", `["echo" "by" "fd"]`)
}

// A process that waits is ended by a signal as any other.
func TestKilledWhileWaiting(t *testing.T) {
	out := run(t, "", "bash", "-c", "(/bin/echo HANG & p=$!; sleep 0.3; kill $p; wait $p; echo status $?)")
	want(t, out, "status 143\n")
}

// Programs that outlive a session go on, whether it ended or was killed, and
// what a killed session had taken is answered.
func TestKeeper(t *testing.T) {
	for _, how := range []string{"end", "kill"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			script := filepath.Join(dir, "left")
			// It waits until its session is gone, and starts programs then.
			text := "#!/bin/bash\ntouch " + dir + "/begun\nwhile kill -0 $1 2>/dev/null; do sleep 0.02; done\n/bin/echo after > " + dir + "/after && /bin/true && touch " + dir + "/done || touch " + dir + "/failed\n"
			if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
			line := "setsid " + script + " $PPID >/dev/null 2>&1 & while ! test -e " + dir + "/begun; do sleep 0.02; done"
			if how == "kill" {
				line += "; (/bin/echo HANG; touch " + dir + "/answered) & sleep 0.1; touch " + dir + "/ready; sleep 30"
			}
			cmd := exec.Command("/proc/self/exe", "keeper", "bash", "-c", line)
			cmd.Args[0] = sessionName
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
			if how == "kill" {
				waitForFile(t, dir+"/ready")
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait()
			waitForFile(t, dir+"/done")
			if how == "kill" {
				waitForFile(t, dir+"/answered")
			}
		})
	}
}

// Who was refused by a session tries the next directory of PATH when that has
// ended, and is refused by the keeper.
func TestRefusedStaysSo(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "left.py")
	text := `
import os, sys, time
def tries(path):
    try: os.execv(path, ["echo", "FORBIDDEN"])
    except PermissionError: return "refused"
first = tries("/usr/bin/echo")
open(sys.argv[2] + "/tried", "w")
try:
    while True: os.kill(int(sys.argv[1]), 0); time.sleep(0.001)
except ProcessLookupError: pass
print(first, tries("/bin/echo"), flush=True)
open(sys.argv[2] + "/done", "w")
`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "", "bash", "-c",
		"setsid python3 "+script+" $PPID "+dir+" >"+dir+"/said 2>&1 & while ! test -e "+dir+"/tried; do sleep 0.02; done")
	cmd.Args[0] = sessionName
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	waitForFile(t, dir+"/done")
	if got, err := os.ReadFile(dir + "/said"); !strings.Contains(string(got), "refused refused\n") {
		t.Errorf("%q, %v", got, err)
	}
}

// A session that is killed by the first thing that its shell does leaves a
// shell that can start programs, too.
func TestKilledAtOnce(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		cmd := exec.Command("/proc/self/exe", "", "bash", "-c", "kill -9 $PPID; while kill -0 $PPID 2>/dev/null; do :; done; (/bin/true && /bin/echo after) > "+dir+"/after 2>&1; touch "+dir+"/done || : > "+dir+"/done")
		cmd.Args[0] = sessionName
		if err := cmd.Run(); !strings.Contains(fmt.Sprint(err), "killed") {
			t.Fatalf("the session was not killed: %v", err)
		}
		waitForFile(t, dir+"/done")
		if got, err := os.ReadFile(dir + "/after"); string(got) != "after\n" {
			t.Fatalf("what was left said %q (%v)", got, err)
		}
	}
}

func waitForFile(t *testing.T, name string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) { // for the file, which another process writes
		if _, err := os.Stat(name); err == nil {
			return
		}
	}
	t.Fatalf("%s did not come to be", name)
}

// A session starts whatever the runtime is busy with: few processors, and a
// garbage collection at every turn.
func TestBusyRuntime(t *testing.T) {
	for _, procs := range []string{"1", "2", "4"} {
		for range 8 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it hangs, it is not slow
			cmd := exec.CommandContext(ctx, "/proc/self/exe", "busy", "bash", "-c", "/bin/echo one; /bin/true")
			cmd.Args[0] = sessionName
			cmd.Env = append(os.Environ(), "GOMAXPROCS="+procs, "GOGC=1")
			cmd.WaitDelay = time.Minute // the keeper may still be on its way to the end of its life
			out, err := cmd.CombinedOutput()
			cancel()
			if err != nil || !bytes.Contains(out, []byte("session ends: <nil>")) {
				t.Fatalf("GOMAXPROCS=%s: %v\n%s", procs, err, out)
			}
		}
	}
}

// A shell that cannot be started is an error, and nothing waits.
func TestNoShell(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "", "/missing/shell")
	cmd.Args[0] = sessionName
	out, _ := cmd.CombinedOutput()
	want(t, string(out), "no such file or directory")
}
