package host

import (
	"bytes"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"guardsh/guard/proc"
)

// Deadlines are there for what does not answer, not for a machine that is busy:
// there each turn of a process, ours or that of a helper, waits for a processor
// first, and what it would have said in a millisecond is had by no deadline that
// an idle machine needs.

const (
	// maxCrowd bounds how much longer anything is waited for: a line whose facts
	// have 250 ms waits two seconds for a dead mount then.
	maxCrowd = 8
	// crowdLasts is how long a look at the machine's load is good for.
	crowdLasts = 20 * time.Millisecond
)

// crowd is the last look: when it was, in milliseconds, and what it gave.
var crowd atomic.Uint64

// Fair is how long to wait for what takes d where each processor has one process
// to run: as much longer as there are more that want one, up to eight times.
func Fair(d time.Duration) time.Duration {
	now := uint64(time.Since(crowdSince) / time.Millisecond)
	seen := crowd.Load()
	if seen == 0 || now-seen>>8 > uint64(crowdLasts/time.Millisecond) {
		b, err := proc.ReadFile("/proc/loadavg") // package os would have the runtime wait for it, and wake the thread that waits
		if err != nil {
			return d
		}
		seen = now<<8 | uint64(crowdOf(b, runtime.NumCPU()))
		crowd.Store(seen)
	}
	return d * time.Duration(seen&0xff)
}

// crowdSince is what the look's time is counted from.
var crowdSince = time.Now()

// crowdOf reads how many want each of the processors of /proc/loadavg's text,
// "2.03 1.87 1.70 5/312 9417": five run or could.
func crowdOf(loadavg []byte, processors int) int {
	f := bytes.Fields(loadavg)
	if len(f) < 4 {
		return 1
	}
	running, _, _ := bytes.Cut(f[3], []byte("/"))
	n, err := strconv.Atoi(string(running))
	if err != nil {
		return 1
	}
	return min(max(1, (n+processors-1)/processors), maxCrowd)
}
