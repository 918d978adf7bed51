package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// etc makes a tree of the size and shape of a full /etc: 3,000 entries, most
// of them small, a third of them links.
func etc(b *testing.B, dir string) {
	b.Helper()
	n := 1
	for d := range 200 {
		p := filepath.Join(dir, fmt.Sprintf("d%d", d))
		if err := os.MkdirAll(p, 0o755); err != nil {
			b.Fatal(err)
		}
		n++
		for f := range 9 {
			size := []int{120, 300, 700, 1500, 2200, 3900, 800, 60, 20000}[f]
			if err := os.WriteFile(filepath.Join(p, fmt.Sprintf("f%d", f)), bytes.Repeat([]byte{byte(d)}, size), 0o644); err != nil {
				b.Fatal(err)
			}
			n++
		}
		for l := range 5 {
			if err := os.Symlink(fmt.Sprintf("f%d", l), filepath.Join(p, fmt.Sprintf("l%d", l))); err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	if n != 3001 {
		b.Fatalf("%d entries", n)
	}
}

// BenchmarkEtc measures Take beside cp -a of the same tree, in one run.
// Budgets: 50 ms for contents, 25 ms for metadata.
func BenchmarkEtc(b *testing.B) {
	dir := b.TempDir()
	src := filepath.Join(dir, "etc")
	etc(b, src)
	s := open(b, filepath.Join(dir, "store"))
	for _, class := range []Class{Delete, InPlace, Metadata} {
		b.Run(string(class), func(b *testing.B) {
			for b.Loop() {
				x, err := s.Take(context.Background(), Plan{Items: []Item{{Class: class, Path: src}}})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if x.Entries < 3001 {
					b.Fatalf("%d entries", x.Entries)
				}
				if err := s.Drop(x.ID); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), strings.ReplaceAll(string(class), " ", "-")+"-ms")
		})
	}
	b.Run("finish", func(b *testing.B) {
		x, err := s.Take(context.Background(), Plan{Items: []Item{{Class: InPlace, Path: src}}})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := s.Finish(context.Background(), x.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cp-a", func(b *testing.B) {
		for b.Loop() {
			to := filepath.Join(dir, "copy")
			if out, err := exec.Command("cp", "-a", src, to).CombinedOutput(); err != nil {
				b.Fatalf("%s", out)
			}
			b.StopTimer()
			if err := os.RemoveAll(to); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "cp-ms")
	})
}
