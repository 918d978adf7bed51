package bash

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// An answer that comes when the gate's read has just run out of time is read
// in two parts; it counts all the same. The shell would wait for ever else.
func TestAnswerInParts(t *testing.T) {
	dir := t.TempDir()
	if err := writeScripts(dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "--norc", "-c", `read -r; . "$GUARDSH_DIR/gate"`)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "GUARDSH_DIR=" + dir, "GUARDSH_PID=1"}
	var out bytes.Buffer
	cmd.Stdout = &out
	start, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	pid := strconv.Itoa(cmd.Process.Pid)
	for _, name := range []string{"q", pid + ".q", pid + ".a"} {
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	requests, err := openFIFO(filepath.Join(dir, pid+".q"))
	if err != nil {
		t.Fatal(err)
	}
	defer requests.Close()
	answers, err := openFIFO(filepath.Join(dir, pid+".a"))
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	start.Write([]byte("\n"))
	requests.SetReadDeadline(time.Now().Add(10 * time.Second))
	f, err := readFrame(bufio.NewReader(requests))
	if err != nil || f.kind != 'L' {
		t.Fatalf("%c %q %v", f.kind, f.fields, err)
	}
	answers.WriteString(f.field(0) + " o")
	// It has read that part, and then it goes to sleep in its read, is woken by
	// the end of its time, and goes to sleep in the next: twice that.
	if !await(10*time.Second, func() bool {
		n, err := unix.IoctlGetInt(int(answers.Fd()), unix.TIOCINQ)
		return err == nil && n == 0
	}) {
		t.Fatal("the gate does not read its answer")
	}
	slept := sleepsOf(t, cmd.Process.Pid)
	if !await(10*time.Second, func() bool { return sleepsOf(t, cmd.Process.Pid) >= slept+3 }) {
		t.Fatal("the gate's read has no end")
	}
	answers.WriteString("k\x00")
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil || out.String() != "2" {
			t.Errorf("%v, %q", err, &out)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the gate waits for ever")
	}
}

// sleepsOf is how often a process has gone to sleep by itself.
func sleepsOf(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "\nvoluntary_ctxt_switches:")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
