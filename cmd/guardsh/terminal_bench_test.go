package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// benchPrompt is what nothing else prints.
const benchPrompt = "ready]]> "

// benchTerminal is a shell on a terminal, with as little between it and the
// clock as can be.
type benchTerminal struct {
	b   *testing.B
	f   *os.File
	cmd *exec.Cmd
	buf []byte
	got []byte // not yet looked at
}

// openTerminal starts a shell and waits for its first prompt.
func openTerminal(b *testing.B, argv ...string) *benchTerminal {
	b.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TERM=dumb", "HOME="+benchHome(b), "HISTFILE=")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		b.Fatal(err)
	}
	t := &benchTerminal{b: b, f: f, cmd: cmd, buf: make([]byte, 64<<10)}
	b.Cleanup(func() {
		f.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.wait(benchPrompt)
	return t
}

// benchHome has start-up files that set nothing but the prompt.
func benchHome(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	if err := os.WriteFile(dir+"/.bashrc", []byte("PS1='[[$?]]"+benchPrompt+"'\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}

// wait reads until the text has come.
func (t *benchTerminal) wait(text string) {
	t.b.Helper()
	timer := time.AfterFunc(time.Minute, func() { t.f.Close() })
	defer timer.Stop()
	for {
		if at := bytes.Index(t.got, []byte(text)); at >= 0 {
			t.got = t.got[at+len(text):]
			return
		}
		if keep := len(text) - 1; len(t.got) > 1<<20 {
			t.got = t.got[len(t.got)-keep:]
		}
		n, err := t.f.Read(t.buf)
		if err != nil {
			t.b.Fatalf("waiting for %q: %v; the terminal showed %q", text, err, t.got)
		}
		t.got = append(t.got, t.buf[:n]...)
	}
}

// timed types and waits for what has to come.
func (t *benchTerminal) timed(keys, want string) time.Duration {
	t.b.Helper()
	start := time.Now()
	if _, err := t.f.WriteString(keys); err != nil {
		t.b.Fatal(err)
	}
	t.wait(want)
	return time.Since(start)
}

// quantile is in milliseconds.
func quantile(d []time.Duration, part float64) float64 {
	slices.Sort(d)
	return float64(d[int(part*float64(len(d)-1))]) / 1e6
}

// BenchmarkEnter is the time from Enter to the next prompt over plain bash's,
// a line here and a line there.
func BenchmarkEnter(b *testing.B) {
	bin := apart(b, "p50-ms", "p99-ms")
	if bin == "" {
		return
	}
	guarded, plain := openTerminal(b, bin), openTerminal(b, "bash")
	var with, without []time.Duration
	n := 0
	for b.Loop() {
		n++
		line := "true " + strconv.Itoa(n) + "\r"
		without = append(without, plain.timed(line, benchPrompt))
		with = append(with, guarded.timed(line, benchPrompt))
	}
	b.ReportMetric(quantile(with, 0.5)-quantile(without, 0.5), "p50-ms")
	b.ReportMetric(quantile(with, 0.99)-quantile(without, 0.99), "p99-ms")
}

// BenchmarkEcho is how long a typed character takes to show, over script -q.
func BenchmarkEcho(b *testing.B) {
	bin := apart(b, "ratio")
	if bin == "" {
		return
	}
	guarded, recorded := openTerminal(b, bin), openTerminal(b, "script", "-q", "-c", "bash", "/dev/null")
	var with, without []time.Duration
	for b.Loop() {
		for _, key := range []string{"w", "x", "y", "z"} {
			without = append(without, recorded.timed(key, key))
			with = append(with, guarded.timed(key, key))
		}
		recorded.timed("\x15", "") // takes the line back
		guarded.timed("\x15", "")
	}
	b.ReportMetric(quantile(with, 0.5)/quantile(without, 0.5), "ratio")
}

// BenchmarkThroughput is a hundred megabytes to the terminal, recorded, over
// script -q, which writes them to a file as well.
func BenchmarkThroughput(b *testing.B) {
	bin := apart(b, "ratio")
	if bin == "" {
		return
	}
	dir := b.TempDir()
	big := dir + "/big"
	if err := os.WriteFile(big, bytes.Repeat([]byte(strings.Repeat("all work and no play ", 4)+"\n"), 100_000_000/85), 0o600); err != nil {
		b.Fatal(err)
	}
	guarded, recorded := openTerminal(b, bin), openTerminal(b, "script", "-q", "-c", "bash", dir+"/typescript")
	line := "cat " + big + "; echo do''ne\r"
	ratio := make([]float64, 0, 3)
	for range 3 {
		without := recorded.timed(line, "done")
		with := guarded.timed(line, "done")
		ratio = append(ratio, float64(with)/float64(without))
	}
	for b.Loop() { // three rounds say enough
	}
	slices.Sort(ratio)
	b.ReportMetric(ratio[1], "ratio")
}

// BenchmarkMemory is what a session of a hundred lines holds in memory at its
// highest, its helpers included.
func BenchmarkMemory(b *testing.B) {
	bin := apart(b, "MB")
	if bin == "" {
		return
	}
	t := openTerminal(b, bin)
	for b.Loop() {
		t.timed("ls / > /dev/null\r", benchPrompt)
	}
	exe, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	total := 0.0
	for _, pid := range processTree(b, t.cmd.Process.Pid) {
		if st, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || !os.SameFile(st, exe) {
			continue
		}
		total += statusKiB(b, pid, "VmHWM:") / 1024
	}
	if total == 0 {
		b.Fatal("no process of guardsh found")
	}
	b.ReportMetric(total, "MB")
}

// processTree is a process and all below it.
func processTree(b *testing.B, pid int) []int {
	b.Helper()
	all := []int{pid}
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return all // it has ended
	}
	for _, f := range strings.Fields(string(out)) {
		child, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, processTree(b, child)...)
	}
	return all
}

func statusKiB(b *testing.B, pid int, key string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == key {
			n, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatalf("no %s of process %d", key, pid)
	return 0
}
