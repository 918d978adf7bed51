package hypothetical

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"guardsh/rules"
)

// BenchmarkEveryday understands and judges everyday lines, the large corpus
// where it is at hand, with the facts as --hypothetical has them: what the rules
// cost by themselves.
func BenchmarkEveryday(b *testing.B) {
	text, err := os.ReadFile("../../../shared/lines/everyday.txt")
	if err != nil {
		if text, err = os.ReadFile("../../testdata/lines/day.txt"); err != nil {
			b.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	s := rules.Builtin()
	for _, l := range lines {
		decide(s, l, Situation{}) // rules and manifests are read when they are first needed
	}
	best := make([]time.Duration, len(lines))
	var took []time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		n := i % len(lines)
		start := time.Now()
		decide(s, lines[n], Situation{})
		d := time.Since(start)
		took = append(took, d)
		if best[n] == 0 || d < best[n] {
			best[n] = d
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	if !testing.Verbose() {
		return
	}
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return int(best[y] - best[x]) })
	for _, n := range order[:20] {
		b.Logf("%8s %.120s", best[n], lines[n])
	}
}
