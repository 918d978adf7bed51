package command

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is the lines that the benchmark reads: the everyday corpus where it
// is at hand, else the room's own.
func sample(tb testing.TB) []string {
	b, err := os.ReadFile("../../../shared/lines/everyday.txt")
	if err != nil {
		if b, err = os.ReadFile("testdata/lines"); err != nil {
			tb.Fatal(err)
		}
	}
	var out []string
	for _, l := range strings.Split(string(b), "\n") {
		if strings.TrimSpace(l) != "" {
			out = append(out, l)
		}
	}
	return out
}

// BenchmarkUnderstand reads the everyday lines one after another and reports
// the median and the 99th percentile of a line.
func BenchmarkUnderstand(b *testing.B) {
	lines := sample(b)
	opts := Options{Shell: &StaticShell{Dir: "/home/ann", Environ: []string{"HOME=/home/ann", "PATH=/usr/bin:/bin"}, Login: "ann"}}
	b.ReportAllocs()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		Understand(lines[i%len(lines)], opts)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

// TestEveryday holds that no everyday line runs into a bound or an internal
// error, and that nearly all of them are understood.
func TestEveryday(t *testing.T) {
	lines := sample(t)
	not := 0
	for _, l := range lines {
		for _, n := range Understand(l, Options{Shell: &StaticShell{Dir: "/home/ann", Environ: []string{}}}).Notes {
			switch {
			case strings.HasPrefix(n.Text, "internal error"), n.Kind == TooLarge, n.Kind == ForkBomb:
				t.Errorf("%s: %s: %s", l, n.Kind, n.Text)
			case n.Kind == NotUnderstood:
				not++
				if os.Getenv("SHOW") != "" {
					t.Logf("%s: %s", n.Text, l)
				}
			case n.Kind == RunUnknown:
				if os.Getenv("SHOW") != "" {
					t.Logf("RUN %s: %s", n.Text, l)
				}
			}
		}
	}
	if not*100 > len(lines)*3 {
		t.Errorf("%d of %d lines were not understood", not, len(lines))
	}
}
