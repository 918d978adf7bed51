package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guardsh/audit"
	"guardsh/guard"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// everydayLines are a working day.
func everydayLines(tb testing.TB) []string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "lines", "day.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) < 100 {
		tb.Fatalf("only %d lines", len(lines))
	}
	return lines
}

// A guard that asks about ordinary work is switched off.
func TestEverydayLinesAreSilent(t *testing.T) {
	k, err := newChecker(true, "/home/ann/work", "root")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range everydayLines(t) {
		r := k.check(line)
		if r.Verdict > rules.Notify {
			t.Errorf("%q: %s: %+v", line, r.Verdict, r.Findings)
		}
	}
}

// BenchmarkJudgeEveryday understands and judges a working day on this machine,
// the second time round, when what can be kept of the facts is kept.
func BenchmarkJudgeEveryday(b *testing.B) {
	k, err := newChecker(false, "", "")
	if err != nil {
		b.Fatal(err)
	}
	lines := everydayLines(b)
	interrupted := 0
	for _, line := range lines {
		if k.check(line).Verdict > rules.Notify {
			interrupted++
		}
	}
	var took []time.Duration
	for b.Loop() {
		for _, line := range lines {
			start := time.Now()
			k.check(line)
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-µs")
	b.ReportMetric(100*float64(interrupted)/float64(len(lines)), "interrupted-%")
}

// keptFacts is a machine that is asked once about each line.
type keptFacts struct {
	rules.World
	of map[string]*rules.Facts
}

func (k keptFacts) Facts(line *command.Line, effects []effect.Effect) *rules.Facts {
	f := k.of[line.Src]
	if f == nil {
		f = k.World.Facts(line, effects)
		k.of[line.Src] = f
	}
	return f
}

// BenchmarkJudgeCached understands and judges the same day with the facts of
// this machine as they were found the first time: what guardsh itself thinks.
func BenchmarkJudgeCached(b *testing.B) {
	j, problems := guard.NewJudge(guard.Here())
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	sh, err := guard.StillShell("", "", "")
	if err != nil {
		b.Fatal(err)
	}
	j.World = keptFacts{j.World, map[string]*rules.Facts{}}
	lines := everydayLines(b)
	for _, line := range lines {
		j.Line(line, sh)
	}
	var took []time.Duration
	for b.Loop() {
		for _, line := range lines {
			start := time.Now()
			j.Line(line, sh)
			took = append(took, time.Since(start))
		}
	}
	b.ReportMetric(quantile(took, 0.5)*1e3, "p50-µs")
	b.ReportMetric(quantile(took, 0.99)*1e3, "p99-µs")
}

// BenchmarkAppend is the event that a line waits for, over the one fsync that
// it cannot do without, one after the other on the same disk.
func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	j, err := audit.Open(filepath.Join(dir, "trail"), audit.SessionInfo{User: "root", Cwd: "/", Argv: []string{"guardsh"}})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close(0, "done")
	f, err := os.OpenFile(filepath.Join(dir, "plain"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	row := []byte(strings.Repeat("x", 400) + "\n")
	var event, plain []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := j.Append(audit.Event{Kind: audit.LineRead, Line: 1, Text: "ls -la /srv", Verdict: "allow", Cwd: "/"}); err != nil {
			b.Fatal(err)
		}
		event = append(event, time.Since(start))
		start = time.Now()
		if _, err := f.Write(row); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		plain = append(plain, time.Since(start))
	}
	slices.Sort(event)
	slices.Sort(plain)
	b.ReportMetric(float64(event[len(event)/2])/float64(plain[len(plain)/2]), "ratio")
}
