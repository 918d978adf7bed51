package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"
)

// What a line moved is still written to by its new name: that is not what was
// kept, and does not come back as if it were.
func TestMovedAndWritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	f, g := filepath.Join(dir, "f"), filepath.Join(dir, "g")
	write(t, f, strings.Repeat("before\n", smallFile))
	x := take(t, s, Item{Class: Delete, Path: f})
	tree, err := readTreeFile(filepath.Join(x.dir, "entries"))
	if err != nil {
		t.Fatal(err)
	}
	linked := false
	for _, e := range tree.entries {
		linked = linked || e.Linked
	}
	if err := os.Rename(f, g); err != nil {
		t.Fatal(err)
	}
	finish(t, s, x.ID)
	a, err := os.OpenFile(g, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(a, "after")
	a.Close()
	r, err := s.Restore(context.Background(), x.ID, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f)
	if !linked { // it was cloned: nothing reaches that
		if err != nil || strings.Contains(string(got), "after") {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		return
	}
	if !errors.Is(err, fs.ErrNotExist) || len(r.Failed) != 1 || !strings.Contains(r.Failed[0], errWritten.Error()) {
		t.Errorf("%d bytes came back, %v; failed: %q", len(got), err, r.Failed)
	}
	if got := text(t, g); !strings.HasSuffix(got, "after\n") {
		t.Error("the moved file was changed")
	}
}

// A restore that was killed leaves names of its own; the next one goes on.
func TestRestoreAfterKilledRestore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	d, gone := filepath.Join(dir, "d"), filepath.Join(dir, "gone")
	for _, n := range []string{d, gone} {
		if err := os.Mkdir(n, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			write(t, fmt.Sprintf("%s/f%d", n, i), "before")
		}
	}
	x := take(t, s, Item{Class: InPlace, Path: d}, Item{Class: Delete, Path: gone})
	for i := range 4 {
		write(t, fmt.Sprintf("%s/f%d", d, i), "after it")
	}
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	finish(t, s, x.ID)
	prefix := ".guardsh-" + x.Short + "-"
	for i := range 8 {
		write(t, fmt.Sprintf("%s/%s%d", d, prefix, i), "half")
		if err := os.MkdirAll(fmt.Sprintf("%s/%s%d/half", dir, prefix, i), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	restore(t, s, x.ID, RestoreOptions{})
	for _, n := range []string{d, gone} {
		names, err := filepath.Glob(n + "/*")
		if err != nil || len(names) != 4 {
			t.Errorf("%q, %v", names, err)
		}
		for _, f := range names {
			if got := text(t, f); got != "before" {
				t.Errorf("%s holds %q", f, got)
			}
		}
	}
	if left, _ := filepath.Glob(d + "/" + prefix + "*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// What a take that was killed linked at the root of a mount goes with the rest
// of it, and a user who owns that root decides nothing.
func TestPlaces(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		inNamespace(t, "TestPlaces")
		return
	}
	dir := os.Getenv(childEnv)
	s := open(t, filepath.Join(dir, "store"))
	m := filepath.Join(dir, "m")
	if err := os.Mkdir(m, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", m, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	old := strings.ToLower(ulid.MustNew(ulid.Timestamp(time.Now().Add(-2*halfMade)), ulid.DefaultEntropy()).String())
	for _, d := range []string{filepath.Join(s.snapshots(), "."+old), filepath.Join(m, placeName, old)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(d, "0"), "half")
	}
	rehearsal := filepath.Join(s.root, rehearsalName+"x")
	if err := os.Mkdir(rehearsal, 0o700); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-2 * halfMade)
	if err := os.Chtimes(rehearsal, before, before); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(Retention{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{filepath.Join(s.snapshots(), "."+old), filepath.Join(m, placeName), rehearsal} {
		if _, err := os.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", d, err)
		}
	}

	f := filepath.Join(m, "f")
	write(t, f, strings.Repeat("before\n", smallFile))
	x := take(t, s, Item{Class: Delete, Path: f})
	if len(x.Places) != 1 {
		t.Fatalf("places: %q", x.Places)
	}
	if err := os.Remove(f); err != nil {
		t.Fatal(err)
	}
	finish(t, s, x.ID)
	evil := filepath.Join(m, "evil")
	if err := os.Mkdir(evil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(m, placeName), filepath.Join(m, "aside")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(m, "aside", x.ID), filepath.Join(evil, x.ID)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(evil, filepath.Join(m, placeName)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Restore(context.Background(), x.ID, RestoreOptions{})
	if err != nil || len(r.Failed) == 0 {
		t.Errorf("restored through a link: %v %q", err, r.Failed)
	}
	if err := s.Drop(x.ID); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(evil, x.ID)); err != nil || len(left) == 0 {
		t.Errorf("what the link leads to was removed: %v", err)
	}
	fmt.Println(childDone)
}
