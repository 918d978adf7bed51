package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// steps is how many programs BenchmarkTrue starts, and how many files
// BenchmarkMake compiles.
const steps = 2000

// BenchmarkTrue starts programs that nobody has to look at, one after the
// other, below a line of root's. The floor, a filter that is answered and
// nothing else, was 1.10 where it was measured.
func BenchmarkTrue(b *testing.B) {
	bin := apart(b, "ratio", "cpu-ratio")
	if bin == "" {
		return
	}
	beside(b, bin, "for ((i = 0; i < "+strconv.Itoa(steps)+"; i++)); do /bin/true; done", func() {})
}

// BenchmarkMake is a parallel make as the kernel's is: each step is a line of
// sh's that compiles, has a program of the tree make a list of what the object
// depends on, and removes the compiler's own. What is compiled needs five of
// libc's headers, which is far less than what the kernel's smallest file needs.
func BenchmarkMake(b *testing.B) {
	benchMake(b, "-O2", `#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "all.h"

int f%[1]d(const char *from, char *to, size_t n)
{
	if (strlen(from) >= n)
		return -ENAMETOOLONG;
	snprintf(to, n, "%%s.%%d", from, STEP(%[1]d));
	return access(to, R_OK) ? -errno : atoi(to);
}
`)
}

// BenchmarkMakeTwoLines is the same with files of two lines, which are compiled
// in less time than any that does something.
func BenchmarkMakeTwoLines(b *testing.B) {
	benchMake(b, "-O1", "#include \"all.h\"\nint f%[1]d(int x) { return x + STEP(%[1]d); }\n")
}

// benchMake compiles files with such a text, in which their number is put.
func benchMake(b *testing.B, optimize, source string) {
	bin := apart(b, "ratio", "cpu-ratio")
	if bin == "" {
		return
	}
	dir := b.TempDir()
	mk := "all:"
	for i := range steps {
		mk += fmt.Sprintf(" o%d.o", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("o%d.c", i)), fmt.Appendf(nil, source, i), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	mk += `
%.o: %.c
	@set -e; gcc -Wp,-MMD,.$@.d ` + optimize + ` -c -o $@ $<; scripts/fixdep < .$@.d > .$@.cmd; rm -f .$@.d
`
	if err := os.Mkdir(filepath.Join(dir, "scripts"), 0o755); err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"Makefile": mk, "all.h": "#define STEP(n) ((n) * 2)\n",
		"scripts/fixdep.c": "#include <stdio.h>\nint main(void) { int c; printf(\"deps_\"); while ((c = getchar()) != EOF) putchar(c); return 0; }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if out, err := exec.Command("gcc", "-O1", "-o", filepath.Join(dir, "scripts/fixdep"), filepath.Join(dir, "scripts/fixdep.c")).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	made := func(pattern string) []string {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			b.Fatal(err)
		}
		return names
	}
	beside(b, bin, "make -s -j4 -C "+dir, func() {
		if n := len(made("*.o")); n != steps {
			b.Fatalf("%d of %d were compiled", n, steps)
		}
		for _, f := range append(made("*.o"), made(".*.cmd")...) {
			if err := os.Remove(f); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// rootPath is root's PATH where nobody has changed it (login.defs(5)): each
// directory in front of a program's own is one more start that fails.
const rootPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// beside runs a line in bash and in guardsh, by turns, and reports the ratio of
// the shortest turns, and that of the processors' time: on a machine that is
// busy with other work the first says less about that. after is called behind
// each turn.
func beside(b *testing.B, bin, line string, after func()) {
	const turns = 3
	type cost struct{ wall, cpu time.Duration }
	run := func(shell string) cost {
		cmd := exec.Command(shell, "-c", line)
		cmd.Env = append(os.Environ(), "PATH="+rootPath)
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			b.Fatalf("%s: %q: %v %.500s", shell, line, err, out)
		}
		wall := time.Since(start)
		after()
		return cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	}
	var plain, guarded []cost
	for range turns {
		plain = append(plain, run("bash"))
		guarded = append(guarded, run(bin))
	}
	least := func(of []cost, part func(cost) time.Duration) float64 {
		return float64(part(slices.MinFunc(of, func(x, y cost) int { return int(part(x) - part(y)) })))
	}
	wall, cpu := func(c cost) time.Duration { return c.wall }, func(c cost) time.Duration { return c.cpu }
	for b.Loop() { // the turns say enough
	}
	b.ReportMetric(least(guarded, wall)/least(plain, wall), "ratio")
	b.ReportMetric(least(guarded, cpu)/least(plain, cpu), "cpu-ratio")
}
