package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"guardsh/guard/host"
	"guardsh/guard/supervise"
)

func TestMain(m *testing.M) {
	host.HelperMain()
	supervise.KeeperMain()
	if os.Getenv(scratchEnv) != "" {
		os.Exit(scratchInit())
	}
	status := m.Run()
	if builtDir != "" {
		os.RemoveAll(builtDir)
	}
	os.Exit(status)
}

// scriptEnv names the script that TestInside runs.
const scriptEnv = "GUARDSH_TEST_SCRIPT"

// TestScripts runs each script of testdata/script on a scratch machine of its
// own, where /usr/local/bin/guardsh is the product as it is delivered.
//
// Beside testscript's own commands there are:
//
//	status N COMMAND ...    runs it and wants exactly this exit status
//	pty STEPS COMMAND ...   types at a terminal; see ptySteps
//	beside                  the same keys to bash and to guardsh; see besideKeys
//	loop NAME SIZE          a block device; its path is in $NAME
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("..", "..", "testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) == 0 {
		t.Fatal("no scripts in testdata/script")
	}
	bin := product(t)
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runInside(t, bin, script, nil)
		})
	}
}

// runInside runs one script on a scratch machine, and wants to see that it ran
// to its end. more are further files, there and here.
func runInside(t *testing.T, bin, script string, more map[string]string) {
	t.Helper()
	there := insideDir + "/" + filepath.Base(script)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"/usr/local/bin/guardsh": bin, insideDir + "/guardsh.test": exe, there: script}
	maps.Copy(files, more)
	out, err := scratchMachine{
		base:  t.TempDir(),
		files: files,
		argv:  []string{insideDir + "/guardsh.test", "-test.run=^TestInside$", "-test.v", "-test.timeout=" + insideTime(t).String()},
		env: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "TERM=xterm", "LANG=C.UTF-8",
			scriptEnv + "=" + there,
		},
	}.run(t)
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInside/") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// insideTime is how long a script may take: each of its waits has an end of its
// own, and the longest scripts start a thousand programs, which takes as long as
// the machine is busy. It is over before the time of all tests is, so that the
// script can say where it was.
func insideTime(t *testing.T) time.Duration {
	const most, before = 10 * time.Minute, 20 * time.Second
	end, ok := t.Deadline()
	if !ok {
		return most
	}
	return max(time.Second, min(most, time.Until(end)-before)).Round(time.Second)
}

// builtDir is where the product was built; TestMain removes it.
var builtDir string

// product builds guardsh as it is delivered, once.
var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "guardsh-product")
	if err != nil {
		return "", err
	}
	builtDir = dir
	bin := filepath.Join(dir, "guardsh")
	// The flag says where the program begins; see guard/bash.
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-E=guardsh_entry", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return bin, nil
})

func product(t testing.TB) string {
	t.Helper()
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// TestInside runs the script that TestScripts brought to a scratch machine.
func TestInside(t *testing.T) {
	script := os.Getenv(scriptEnv)
	if script == "" {
		return // TestScripts is what runs here
	}
	if os.Getppid() != 1 {
		t.Fatal("this is no scratch machine")
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{script},
		Setup:               setupScript,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": cmdStatus,
			"pty":    cmdPty,
			"loop":   cmdLoop,
			"beside": cmdBeside,
			"doors":  cmdDoors,
			"door":   cmdDoor,

			"verdict": cmdVerdict,
			"hung":    cmdHung,
		},
	})
}

// setupScript gives a script the environment that root has.
func setupScript(e *testscript.Env) error {
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG"} {
		e.Setenv(name, os.Getenv(name))
	}
	e.Setenv("TMPDIR", "/tmp")
	e.Setenv("PACKAGES", packagesDir)
	e.Setenv("OTHER", insideDir+"/other")
	// A prompt that shows the status and that nothing else prints.
	return os.WriteFile("/root/.bashrc", []byte("PS1='[$?] ready> '\n"), 0o644)
}

// cmdStatus is "status N COMMAND ARGS": an exit status is asserted exactly, so
// that a refusal never passes for another failure.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("%v", err)
		}
		got = statusOf(ee)
	}
	if got != want {
		ts.Fatalf("%s: exit status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// statusOf is a status as shells say it: 128+n for signal n.
func statusOf(ee *exec.ExitError) int {
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ee.ExitCode()
}
