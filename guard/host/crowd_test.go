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
