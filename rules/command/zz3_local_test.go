package command

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSlow(t *testing.T) {
	b, _ := os.ReadFile("../../../shared/lines/everyday.txt")
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	opts := Options{Shell: &StaticShell{Dir: "/home/ann", Environ: []string{"HOME=/home/ann", "PATH=/usr/bin:/bin"}, Login: "ann"}}
	type tk struct {
		d time.Duration
		l string
		n int
	}
	var all []tk
	for _, l := range lines {
		best := time.Hour
		n := 0
		for range 5 {
			s := time.Now()
			x := Understand(l, opts)
			best = min(best, time.Since(s))
			n = len(x.Actions)
		}
		all = append(all, tk{best, l, n})
	}
	slices.SortFunc(all, func(a, b tk) int { return int(b.d - a.d) })
	for _, a := range all[:20] {
		fmt.Printf("%8s %4d %.150s\n", a.d, a.n, a.l)
	}
	fmt.Println("p50", all[len(all)/2].d, "p99", all[len(all)/100].d)
}
