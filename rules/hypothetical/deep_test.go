package hypothetical_test

import (
	"strings"
	"testing"
	"time"

	"guardsh/rules/hypothetical"
)

// The components of a path are not its links: only those are bounded.
func TestLinkBehindManyDirectories(t *testing.T) {
	deep := "/srv" + strings.Repeat("/d", 60)
	w := hypothetical.New(hypothetical.Situation{Links: map[string]string{deep + "/etc": "/etc", deep + "/near": "../x"}})
	for name, want := range map[string]string{
		deep + "/etc/ssh/": "/etc/ssh",
		deep + "/near":     "/srv" + strings.Repeat("/d", 59) + "/x",
		"/../bin/./ls":     "/usr/bin/ls",
		"/a/..":            "/",
		"//":               "/",
	} {
		if real, err := w.Real(name); err != nil || real != want {
			t.Errorf("%s leads to %s, %v; want %s", name, real, err, want)
		}
	}
}

// A name of thousands of components, as a slip with seq makes one, takes time
// in proportion to its length.
func TestDeepPath(t *testing.T) {
	w := hypothetical.New(hypothetical.Situation{})
	least := func(n int) time.Duration {
		name := strings.Repeat("/folder", n)
		best := time.Hour
		for range 20 {
			start := time.Now()
			if _, err := w.Real(name); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	if short, long := least(500), least(8000); long > 64*short {
		t.Errorf("16 times as many components take %d times as long", long/short)
	}
}
