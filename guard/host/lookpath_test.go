package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What is remembered of a search path is compared with the disk each time it
// is asked for.
func TestLookPathSeesChanges(t *testing.T) {
	t.Parallel()
	type step struct {
		what   string
		change func(dir string) error
		want   string // where prog is then; "" nowhere
	}
	program := func(p string) error { return os.WriteFile(p, []byte("#!/bin/sh\n"), 0o755) }
	steps := []step{
		{"a program comes into an earlier directory", func(d string) error { return program(d + "/one/prog") }, "one"},
		{"a program goes", func(d string) error { return os.Remove(d + "/two/prog") }, "three"},
		{"a program is one no more", func(d string) error { return os.Chmod(d+"/two/prog", 0o644) }, "three"},
		{"a program becomes a directory", func(d string) error {
			if err := os.Remove(d + "/two/prog"); err != nil {
				return err
			}
			return os.Mkdir(d+"/two/prog", 0o755)
		}, "three"},
		{"a directory comes", func(d string) error {
			if err := os.Mkdir(d+"/zero", 0o755); err != nil {
				return err
			}
			return program(d + "/zero/prog")
		}, "zero"},
		{"a directory is replaced", func(d string) error {
			if err := os.Rename(d+"/two", d+"/was"); err != nil {
				return err
			}
			return os.Mkdir(d+"/two", 0o755)
		}, "three"},
		{"a directory becomes a link", func(d string) error {
			if err := os.Rename(d+"/one", d+"/was"); err != nil {
				return err
			}
			return os.Symlink("four", d+"/one")
		}, "one"},
		{"a link leads elsewhere", func(d string) error {
			if err := os.Remove(d + "/link"); err != nil {
				return err
			}
			return os.Symlink("four", d+"/link")
		}, "link"},
		{"a program behind a link goes", func(d string) error { return os.Remove(d + "/four/real") }, "two"},
	}
	dirs := make([]string, len(steps))
	for i := range steps {
		d := t.TempDir()
		dirs[i] = d
		for _, sub := range []string{"one", "two", "three", "four", "empty"} {
			if err := os.Mkdir(filepath.Join(d, sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []string{"/two/prog", "/three/prog", "/four/real"} {
			if err := program(d + p); err != nil {
				t.Fatal(err)
			}
		}
		for from, to := range map[string]string{"/four/prog": "real", "/link": "empty"} {
			if err := os.Symlink(to, d+from); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(settled) // for the files to be old enough to be remembered: their ctime is nobody's to set
	for i, s := range steps {
		t.Run(s.what, func(t *testing.T) {
			d := dirs[i]
			w := New(Options{})
			t.Cleanup(w.Close)
			path, first := d+"/zero:"+d+"/one:"+d+"/link:"+d+"/two:"+d+"/three", d+"/two/prog"
			if i == len(steps)-1 {
				path, first = d+"/four:"+d+"/two", d+"/four/prog"
			}
			for range 3 {
				if got, err := w.LookPath("prog", path); err != nil || got != first {
					t.Fatalf("at first it is %s, %v", got, err)
				}
			}
			for dir, p := range w.programs.dirs {
				if marks, known := p.names["prog"]; !p.gone && !known || known && (len(marks) > 0) != (dir+"/prog" == first) {
					t.Errorf("%s is not remembered as it is", dir)
				}
			}
			if len(w.programs.dirs) == 0 {
				t.Error("nothing is remembered")
			}
			if err := s.change(d); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, err := w.LookPath("prog", path)
				if want := filepath.Join(d, s.want, "prog"); err != nil || got != want {
					t.Errorf("then it is %s, %v; want %s", got, err, want)
				}
			}
		})
	}
}
