package host

import "testing"

func TestMeminfo(t *testing.T) {
	a, s := meminfo("MemTotal:  2048 kB\nMemAvailable:  1024 kB\nSwapCached: 100 kB\nSwapTotal: 1000 kB\nSwapFree: 300 kB\n")
	if a != 1024<<10 || s != 600<<10 {
		t.Errorf("available %d, swapped out %d", a, s)
	}
	if a, s := meminfo("garbage\nSwapTotal:\n"); a != 0 || s != 0 {
		t.Errorf("of garbage: %d, %d", a, s)
	}
}
