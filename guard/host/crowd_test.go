package host

import (
	"testing"
	"time"
)

func TestCrowd(t *testing.T) {
	for _, tt := range []struct {
		loadavg    string
		processors int
		want       int
	}{
		{"0.00 0.00 0.00 1/312 9417\n", 2, 1}, // that is the reader
		{"9.00 9.00 9.00 2/312 9417\n", 2, 1}, // they wait for disks
		{"0.00 0.00 0.00 3/312 9417\n", 2, 2},
		{"0.00 0.00 0.00 9/312 9417\n", 2, 5},
		{"0.00 0.00 0.00 900/1312 9417\n", 2, maxCrowd},
		{"0.00 0.00 0.00 900/1312 9417\n", 1024, 1},
		{"0.00 0.00 0.00 0/1 9417\n", 1, 1},
		{"", 2, 1},
		{"0.00 0.00 0.00 many/few 9417\n", 2, 1},
	} {
		if got := crowdOf([]byte(tt.loadavg), tt.processors); got != tt.want {
			t.Errorf("%q with %d processors: %d, want %d", tt.loadavg, tt.processors, got, tt.want)
		}
	}
	if got := Fair(time.Second); got < time.Second || got > maxCrowd*time.Second {
		t.Errorf("a second is %v", got)
	}
}

// What cannot hang is looked at where the deadline is over already: this process
// stood still then. Only what is far more than a line names is not.
func TestNearIsServedLate(t *testing.T) {
	w := world(t, tree(t, "file"))
	rs := make([]request, certain+1)
	for i := range rs {
		rs[i] = request{Op: opPath, Path: "/file"}
	}
	for i, a := range w.askAll(rs, time.Now().Add(-time.Hour)) {
		if late := i == certain; a.Spot.Exists == late || a.Unknown != late || late && a.Err != noTimeLeft {
			t.Errorf("request %d: %+v", i, a)
		}
	}
}
