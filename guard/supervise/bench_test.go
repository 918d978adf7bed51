package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// side runs argv as often beside itself as under supervision, by turns, and
// reports the ratio of the shortest turns, and that of the processors' time: on
// a machine that is busy with other work the first says more about that.
func side(b *testing.B, argv ...string) {
	const turns = 3
	type times struct{ wall, cpu time.Duration }
	plain, supervised := times{time.Hour, time.Hour}, times{time.Hour, time.Hour}
	run := func(cmd *exec.Cmd, best *times) {
		start := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatalf("%q: %v", cmd.Args, err)
		}
		best.wall = min(best.wall, time.Since(start))
		best.cpu = min(best.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	for b.Loop() {
		for range turns {
			run(exec.Command(argv[0], argv[1:]...), &plain)
			cmd := exec.Command("/proc/self/exe", append([]string{"bench"}, argv...)...)
			cmd.Args[0] = sessionName
			run(cmd, &supervised)
		}
	}
	b.ReportMetric(float64(supervised.wall)/float64(plain.wall), "ratio")
	b.ReportMetric(float64(supervised.cpu)/float64(plain.cpu), "cpu-ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTrue starts 2,000 programs that nobody has to look at. The floor,
// a filter that is answered and nothing else, was 1.10 where it was measured.
func BenchmarkTrue(b *testing.B) {
	side(b, "bash", "-c", "for ((i = 0; i < 2000; i++)); do /bin/true; done")
}

// BenchmarkMake is a parallel make of 300 small compile steps.
func BenchmarkMake(b *testing.B) {
	dir := b.TempDir()
	mk := "all:"
	for i := range 300 {
		mk += fmt.Sprintf(" o%d.o", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("o%d.c", i)), []byte(fmt.Sprintf("int f%d(int x) { return x + %d; }\n", i, i)), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	mk += "\n%.o: %.c\n\t@gcc -O1 -c -o /dev/null $<\n"
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte(mk), 0o644); err != nil {
		b.Fatal(err)
	}
	side(b, "make", "-s", "-j4", "-C", dir)
}
