package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// budget is a number to hold. The benchmark measures it, side by side with
// what it is compared with in one run, and reports it under the unit.
type budget struct {
	what  string
	pkg   string
	bench string
	unit  string  // as in b.ReportMetric
	limit float64 // at most this, in the unit
}

// plainUnit is the unit without what tells it from others of its benchmark.
func (b budget) plainUnit() string { return b.unit[strings.LastIndexByte(b.unit, '-')+1:] }

var budgets = []budget{
	{"understand and judge one everyday line, median", "./cmd/guardsh", "BenchmarkJudgeCached", "p50-µs", 50},
	{"understand and judge one everyday line, 99th percentile", "./cmd/guardsh", "BenchmarkJudgeCached", "p99-µs", 1000},
	{"everyday lines that are interrupted", "./cmd/guardsh", "BenchmarkJudgeEveryday", "interrupted-%", 0.5},
	{"Enter to execution over plain bash, median", "./cmd/guardsh", "BenchmarkEnter", "p50-ms", 2},
	{"Enter to execution over plain bash, 99th percentile", "./cmd/guardsh", "BenchmarkEnter", "p99-ms", 10},
	{"guardsh -c true over bash -c true", "./cmd/guardsh", "BenchmarkStart", "over-ms", 5},
	{"ssh HOST true over the same with bash", "./cmd/guardsh", "BenchmarkLogin", "ratio", 1.1},
	{"ssh HOST until the prompt, likewise", "./cmd/guardsh", "BenchmarkLogin", "prompt-ratio", 1.25},
	{"2,000 starts of /bin/true under supervision", "./cmd/guardsh", "BenchmarkTrue", "ratio", 1.15},
	{"a parallel make of 2,000 small steps under supervision", "./cmd/guardsh", "BenchmarkMake", "ratio", 1.05},
	{"the same with files of two lines", "./cmd/guardsh", "BenchmarkMakeTwoLines", "ratio", 1.05},
	{"resident memory of a session", "./cmd/guardsh", "BenchmarkMemory", "MB", 40},
	{"100 MB through the recorded terminal over script -q", "./cmd/guardsh", "BenchmarkThroughput", "ratio", 1.5},
	{"keystroke echo over script -q", "./cmd/guardsh", "BenchmarkEcho", "ratio", 1.4},
	{"durable event over one fsync", "./cmd/guardsh", "BenchmarkAppend", "ratio", 2},
	{"snapshot of a 3,000-entry /etc", "./audit/snapshot", "BenchmarkEtc", "delete-ms", 50},
	{"snapshot before chmod -R on the same", "./audit/snapshot", "BenchmarkEtc", "metadata-ms", 25},
}

// called says whether a budget is meant by a part of its words or of its
// benchmark's name; without a part all are.
func (b budget) called(part string) bool {
	part = strings.ToLower(part)
	return strings.Contains(strings.ToLower(b.what), part) || strings.Contains(strings.ToLower(b.bench), part)
}

// bench runs the benchmarks behind the budgets that are called so, and prints
// a table. A budget without its benchmark is listed as not measured.
func (d *dev) bench(part string) int {
	var chosen []budget
	for _, b := range budgets {
		if b.called(part) {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) == 0 {
		fmt.Fprintf(d.out, "no number to hold is called %q\n", part)
		return 1
	}
	got := map[string]map[string]float64{} // by package and benchmark, by unit
	status := 0
	for _, b := range chosen {
		key := b.pkg + " " + b.bench
		if got[key] != nil {
			continue
		}
		cmd := d.command(nil, "go", "test", "-run", "^$", "-bench", "^"+b.bench+"$", "-count", "1", "-timeout", "1h", b.pkg)
		out, err := cmd.CombinedOutput()
		got[key] = metrics(out)
		if err != nil {
			status = 1
			fmt.Fprintf(d.out, "%s: %v\n%s", key, err, out)
		}
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tBUDGET\tMEASURED\tOF BUDGET\t")
	for _, b := range chosen {
		v, ok := got[b.pkg+" "+b.bench][b.unit]
		if !ok {
			fmt.Fprintf(w, "%s\t%g %s\tnot measured\t%s %s\t\n", b.what, b.limit, b.plainUnit(), b.pkg, b.bench)
			continue
		}
		mark := ""
		if v > b.limit {
			mark, status = "OVER", 1
		}
		fmt.Fprintf(w, "%s\t%g %s\t%.3g\t%.0f %%\t%s\n", b.what, b.limit, b.plainUnit(), v, 100*v/b.limit, mark)
	}
	w.Flush()
	return status
}

// metrics reads what go test -bench printed: "BenchmarkX-2  10  5 ns/op  3 ms".
// Of a benchmark with parts the largest value of each unit counts.
func metrics(out []byte) map[string]float64 {
	m := map[string]float64{}
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		if _, err := strconv.Atoi(f[1]); err != nil {
			continue
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if old, seen := m[f[i+1]]; err == nil && (!seen || v > old) {
				m[f[i+1]] = v
			}
		}
	}
	return m
}
