package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"guardsh/guard/bash"
)

// initLimit is how long one package may take before main starts. Every login
// and every ssh host command pays it.
const initLimit = 500 * time.Microsecond

// initBytes is what one of guardsh's own packages may allocate by then. A table
// that is a switch, a static array, or made when it is first asked for costs
// nothing.
const initBytes = 1 << 10

// initCost is what a package does before main.
type initCost struct {
	took  time.Duration
	bytes int
}

// TestNoSlowInit reads the runtime's own account of what packages do before
// main. The least of several runs counts: the rest is the machine's noise.
func TestNoSlowInit(t *testing.T) {
	bin := product(t)
	least := map[string]initCost{}
	for range 7 {
		cmd := exec.Command(bin, "--version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		var trace bytes.Buffer
		cmd.Stderr = &trace
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, trace.String())
		}
		for name, cost := range initCosts(trace.String()) {
			if old, seen := least[name]; seen {
				cost = initCost{min(cost.took, old.took), min(cost.bytes, old.bytes)}
			}
			least[name] = cost
		}
	}
	if _, own := least["main"]; !own || len(least) < 3 {
		t.Fatalf("only %d packages in the trace: %v", len(least), least)
	}
	for name, cost := range least {
		if cost.took > initLimit {
			t.Errorf("%s takes %s before main, more than %s", name, cost.took, initLimit)
		}
		if own := name == "main" || strings.HasPrefix(name, "guardsh/"); own && cost.bytes > initBytes {
			t.Errorf("%s allocates %d bytes before main, more than %d", name, cost.bytes, initBytes)
		}
	}
}

// TestNoWebInside keeps TLS and HTTP out of the login shell: each fault that is found
// in them would be one of every login.
func TestNoWebInside(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, "guardsh/guard") {
		t.Fatalf("no packages in %q", out)
	}
	for _, name := range []string{"crypto/tls", "net/http"} {
		if slices.Contains(packages, name) {
			t.Errorf("%s is part of the product (go list -deps says by what)", name)
		}
	}
}

// initCosts reads lines such as "init os @0.1 ms, 0.023 ms clock, 432 bytes, …".
func initCosts(trace string) map[string]initCost {
	costs := map[string]initCost{}
	sc := bufio.NewScanner(strings.NewReader(trace))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 9 || f[0] != "init" || f[6] != "clock," || f[8] != "bytes," {
			continue
		}
		ms, err := strconv.ParseFloat(f[4], 64)
		n, errn := strconv.Atoi(f[7])
		if err == nil && errn == nil {
			costs[f[1]] = initCost{time.Duration(ms * float64(time.Millisecond)), n}
		}
	}
	return costs
}

// benchEnv tells a benchmark that the trail and the snapshots of this machine
// are out of its reach. Its value is the product.
const benchEnv = "GUARDSH_BENCH_PRODUCT"

// apart runs the benchmark again where /var/log and /var/lib are directories
// of its own on the same kind of disk, since the product writes there, and
// passes on the metrics that it reports. It returns the product's path where
// it is to be measured, "" where that has been done.
func apart(b *testing.B, units ...string) string {
	b.Helper()
	if bin := os.Getenv(benchEnv); bin != "" {
		return bin
	}
	// Installed, which is to say copied: the pages of a file that was just
	// linked lie about in memory one by one, and to map them takes each start
	// most of a millisecond more.
	dir := b.TempDir()
	bin := dir + "/guardsh"
	if out, err := exec.Command("cp", product(b), bin).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, d := range []string{"log", "lib"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec",
		`mount --bind "$1/log" /var/log; mount --bind "$1/lib" /var/lib; shift; exec "$@"`, "sh", dir,
		"/proc/self/exe", "-test.run=^$", "-test.bench=^"+b.Name()+"$", "-test.benchtime="+strconv.Itoa(min(max(b.N, 50), 500))+"x")
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Args[slices.Index(cmd.Args, "/proc/self/exe")] = exe
	cmd.Env = append(os.Environ(), benchEnv+"="+bin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	f := strings.Fields(string(out))
	for _, unit := range units {
		at := slices.Index(f, unit)
		if at < 1 {
			b.Fatalf("no %s in\n%s", unit, out)
		}
		v, err := strconv.ParseFloat(f[at-1], 64)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(v, unit)
	}
	b.ReportMetric(0, "ns/op")
	return ""
}

// BenchmarkStart is "guardsh -c true" over "bash -c true", one after the other
// so that both see the same machine. What is written down before the line
// runs is part of it, and one write and sync of its size on the same disk is
// measured beside it.
func BenchmarkStart(b *testing.B) {
	bin := apart(b, "over-ms", "fsync-ms", "p99-over-ms")
	if bin == "" {
		return
	}
	timed := func(argv ...string) time.Duration {
		start := time.Now()
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
			b.Fatalf("%q: %v %s", argv, err, out)
		}
		return time.Since(start)
	}
	timed(bin, "-c", "true") // makes the trail's directories
	disk, err := os.OpenFile("/var/log/plain", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	row := bytes.Repeat([]byte("x"), 700)
	var plain, guarded, fsync []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := disk.Write(row); err != nil {
			b.Fatal(err)
		}
		if err := disk.Sync(); err != nil {
			b.Fatal(err)
		}
		fsync = append(fsync, time.Since(start))
		plain = append(plain, timed("bash", "-c", "true"))
		guarded = append(guarded, timed(bin, "-c", "true"))
	}
	slices.Sort(plain)
	slices.Sort(guarded)
	over := func(part float64) float64 {
		i := int(part * float64(len(plain)-1))
		return float64(guarded[i]-plain[i]) / 1e6
	}
	b.ReportMetric(over(0.5), "over-ms")
	b.ReportMetric(quantile(fsync, 0.5), "fsync-ms") // of over-ms, what the disk asks for
	b.ReportMetric(over(0.99), "p99-over-ms")
}

// TestNoShellInstead wants each verb to be known where bash would stand in for a
// shell: it would take the verb for a script.
func TestNoShellInstead(t *testing.T) {
	bin := product(t)
	names := []string{"rescue", "exec", "help", "-h", "--help", "--version", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
	for _, c := range verbs() {
		names = append(names, c.Name())
	}
	for _, name := range names {
		cmd := exec.Command("bash", "-c", `ulimit -v 300000; exec "$@"`, "bash", bin, name)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != bash.StatusFailed || !strings.Contains(string(out), "ulimit -v") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
