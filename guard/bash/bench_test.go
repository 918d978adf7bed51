package bash

import (
	"os/exec"
	"slices"
	"testing"
	"time"
)

// BenchmarkEnter measures Enter to the first output of a builtin, under the
// gate and in plain bash, turn by turn in one run. The budget is a difference
// of 2 ms at the median.
func BenchmarkEnter(b *testing.B) {
	t := &testing.T{}
	guarded := session(t, "")
	bare := &typing{t: t, dir: guarded.dir, log: guarded.log}
	bare.open(exec.Command("bash", "--rcfile", guarded.dir+"/rc", "-i"), []string{"PATH=/usr/bin:/bin", "HOME=" + guarded.dir, "TERM=xterm"})
	bare.expect(ps1)
	defer guarded.exit("exit")
	once := func(s *typing) time.Duration {
		s.send("echo x''y")
		s.expect("x''y")
		from := time.Now()
		s.send("\r")
		s.expect("xy\r\n")
		d := time.Since(from)
		s.expect(ps1)
		return d
	}
	var with, without []time.Duration
	for range 5 {
		once(guarded)
		once(bare)
	}
	for b.Loop() {
		with = append(with, once(guarded))
		without = append(without, once(bare))
	}
	slices.Sort(with)
	slices.Sort(without)
	w, o := with[len(with)/2], without[len(without)/2]
	b.ReportMetric(float64(w.Microseconds()), "guarded-p50-µs")
	b.ReportMetric(float64(o.Microseconds()), "bash-p50-µs")
	b.ReportMetric(float64((w - o).Microseconds()), "added-p50-µs")
}
