package guard

import (
	"os"
	"path/filepath"
	"testing"

	"guardsh/guard/host"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// BenchmarkStart judges the starts of one step of a kernel's make.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".o1.o.d"), []byte("o1.o: o1.c\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	set := rules.Builtin()
	j := &Judge{Knowledge: effect.Builtin(), Rules: set, World: host.New(host.Options{Protect: set.Protection()})}
	for _, argv := range [][]string{
		{"/bin/sh", "-c", "set -e; gcc -Wp,-MMD,.o1.o.d -O1 -c -o o1.o o1.c; scripts/fixdep < .o1.o.d > .o1.o.cmd; rm -f .o1.o.d"},
		{"/usr/bin/rm", "-f", ".o1.o.d"},
	} {
		b.Run(filepath.Base(argv[0]), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := itself(j.Start(Quote(argv), argv, false, &command.StaticShell{Dir: dir, Login: "root"}), false); len(d.Findings) > 0 {
					b.Fatal(d)
				}
			}
		})
	}
}
