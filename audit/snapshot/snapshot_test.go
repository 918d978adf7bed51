package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func take(t testing.TB, s *Store, items ...Item) *Snapshot {
	t.Helper()
	x, err := s.Take(context.Background(), Plan{Session: "s", Line: "line", Items: items})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func finish(t testing.TB, s *Store, id string) {
	t.Helper()
	if err := s.Finish(context.Background(), id); err != nil {
		t.Fatal(err)
	}
}

func restore(t testing.TB, s *Store, id string, o RestoreOptions) Report {
	t.Helper()
	r, err := s.Restore(context.Background(), id, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Failed) > 0 {
		t.Fatalf("failed: %q", r.Failed)
	}
	return r
}

func TestUndoAndRedo(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	f, made := filepath.Join(dir, "d", "f"), filepath.Join(dir, "d", "new", "deep", "x")
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, f, "before")
	x := take(t, s, Item{Class: InPlace, Path: f}, Item{Class: Create, Path: made})
	if x.Reach != Full || x.State != Prepared {
		t.Fatalf("%s %s %q", x.Reach, x.State, x.Reasons)
	}
	write(t, f, "after!")
	if err := os.MkdirAll(filepath.Dir(made), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, made, "made")
	finish(t, s, x.ID)
	r := restore(t, s, x.Short, RestoreOptions{})
	if got := text(t, f); got != "before" {
		t.Errorf("content %q", got)
	}
	if _, err := os.Lstat(filepath.Join(dir, "d", "new")); !os.IsNotExist(err) {
		t.Errorf("what the line made is still there: %v", err)
	}
	y, err := s.Load(x.ID)
	if err != nil || y.State != Undid || y.Undone.By != r.Undo {
		t.Fatalf("%+v %v", y, err)
	}
	restore(t, s, r.Undo, RestoreOptions{})
	if text(t, f) != "after!" || text(t, made) != "made" {
		t.Error("the undo was not undone")
	}
	if y, _ := s.Load(x.ID); y.State != Done {
		t.Errorf("state %s after the undo was undone", y.State)
	}
	restore(t, s, x.ID, RestoreOptions{})
	if got := text(t, f); got != "before" {
		t.Errorf("content %q the second time", got)
	}
	if err := s.Verify(context.Background(), x.ID); err != nil {
		t.Error(err)
	}
}

func TestLaterChangesAreNotLost(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	d := filepath.Join(dir, "d")
	for _, n := range []string{"changed", "deleted", "same", "other"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(d, n), "1 "+n)
	}
	x := take(t, s, Item{Class: InPlace, Path: d})
	write(t, filepath.Join(d, "changed"), "2 changed")
	write(t, filepath.Join(d, "made"), "2 made")
	if err := os.Remove(filepath.Join(d, "deleted")); err != nil {
		t.Fatal(err)
	}
	finish(t, s, x.ID)
	write(t, filepath.Join(d, "changed"), "3 changed")
	write(t, filepath.Join(d, "made"), "3 made")
	write(t, filepath.Join(d, "other"), "3 other") // not touched by the line: not the undo's business
	write(t, filepath.Join(d, "later"), "3 later")
	r, err := s.Restore(context.Background(), x.ID, RestoreOptions{})
	var c *Conflict
	if !errors.As(err, &c) || len(c.Changes) != 2 {
		t.Fatalf("%v %+v", err, r)
	}
	if text(t, filepath.Join(d, "changed")) != "3 changed" {
		t.Error("a later change is lost")
	}
	if _, err := os.Lstat(filepath.Join(d, "deleted")); err == nil {
		t.Error("something was restored in spite of the conflict")
	}
	write(t, filepath.Join(d, "changed"), "2 changed")
	write(t, filepath.Join(d, "made"), "2 made")
	// Same bytes, but written later: still not certain to be the line's.
	if _, err = s.Restore(context.Background(), x.ID, RestoreOptions{}); !errors.As(err, &c) {
		t.Fatal(err)
	}
	r = restore(t, s, x.ID, RestoreOptions{Force: true})
	for n, want := range map[string]string{"changed": "1 changed", "deleted": "1 deleted", "same": "1 same", "other": "1 other"} {
		if got := text(t, filepath.Join(d, n)); got != want {
			t.Errorf("%s: %q", n, got)
		}
	}
	restore(t, s, r.Undo, RestoreOptions{})
	if text(t, filepath.Join(d, "later")) != "3 later" || text(t, filepath.Join(d, "other")) != "3 other" {
		t.Error("what --force took is not to be had again")
	}
}

func TestHostileNames(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	d := filepath.Join(dir, "d")
	names := []string{"new\nline", "-rf", "\xff\xfe", " ", "*", "\x1b[31m", strings.Repeat("n", 255), "a'b\"c$(x)"}
	for _, n := range names {
		if err := os.MkdirAll(filepath.Join(d, n), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(d, n, n), n)
		if err := os.Symlink("\xff"+n[:1], filepath.Join(d, n, "l")); err != nil {
			t.Fatal(err)
		}
	}
	x := take(t, s, Item{Class: Delete, Path: d})
	if err := os.RemoveAll(d); err != nil {
		t.Fatal(err)
	}
	finish(t, s, x.ID)
	restore(t, s, x.ID, RestoreOptions{})
	for _, n := range names {
		if got := text(t, filepath.Join(d, n, n)); got != n {
			t.Errorf("%q: %q", n, got)
		}
		if l, err := os.Readlink(filepath.Join(d, n, "l")); err != nil || l != "\xff"+n[:1] {
			t.Errorf("%q: link %q %v", n, l, err)
		}
	}
}

// TestDeepTree goes far beyond PATH_MAX and beyond the directories held open.
func TestDeepTree(t *testing.T) {
	const depth = 1500
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	top := filepath.Join(dir, "deep")
	name := strings.Repeat("d", 20)
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	step := func(fd int, n string) int {
		next, err := openDir(fd, n)
		unix.Close(fd)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	if err := unix.Mkdirat(fd, "deep", 0o755); err != nil {
		t.Fatal(err)
	}
	fd = step(fd, "deep")
	for range depth {
		if err := unix.Mkdirat(fd, name, 0o750); err != nil {
			t.Fatal(err)
		}
		fd = step(fd, name)
	}
	f, err := unix.Openat(fd, "leaf", unix.O_CREAT|unix.O_WRONLY, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(f, []byte("leaf")); err != nil {
		t.Fatal(err)
	}
	unix.Close(f)
	unix.Close(fd)
	x := take(t, s, Item{Class: Delete, Path: top})
	if x.Entries < depth {
		t.Fatalf("%d entries: %q", x.Entries, x.Reasons)
	}
	if out, err := exec.Command("rm", "-rf", top).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	finish(t, s, x.ID)
	r := restore(t, s, x.ID, RestoreOptions{})
	fd, err = unix.Open(top, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range depth {
		fd = step(fd, name)
	}
	var st unix.Stat_t
	if err := unix.Fstatat(fd, "leaf", &st, 0); err != nil || st.Size != 4 || st.Mode&0o777 != 0o640 {
		t.Fatalf("%v %+v", err, st)
	}
	unix.Close(fd)
	// The undo of the undo takes it away again, without following a path.
	restore(t, s, r.Undo, RestoreOptions{})
	if _, err := os.Lstat(top); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestSymlinkRace swaps a directory for a link to a forbidden one while it is
// walked and restored: nothing from outside may be kept or touched.
func TestSymlinkRace(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	d, secret := filepath.Join(dir, "d"), filepath.Join(dir, "secret")
	for _, p := range []string{d + "/a", d + "/spare", secret} {
		if err := os.MkdirAll(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const mark = "must-not-be-kept"
	for i := range 50 {
		write(t, fmt.Sprintf("%s/f%d", secret, i), mark)
		write(t, fmt.Sprintf("%s/a/f%d", d, i), "mine")
	}
	if err := os.Symlink(secret, d+"/link"); err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				ended <- n
				return
			default:
				// d/a and the link change places, at once.
				if unix.Renameat2(unix.AT_FDCWD, d+"/a", unix.AT_FDCWD, d+"/link", unix.RENAME_EXCHANGE) == nil {
					n++
				}
			}
		}
	}()
	for range 60 {
		x, err := s.Take(context.Background(), Plan{Items: []Item{{Class: InPlace, Path: d}}})
		if err != nil {
			t.Error(err)
			break
		}
		b, err := os.ReadFile(filepath.Join(x.dir, "pack"))
		// Where the directory was away just then, no content was kept at all.
		if err != nil && !errors.Is(err, fs.ErrNotExist) || strings.Contains(string(b), mark) {
			t.Errorf("what lies behind the link was kept (%v)", err)
			break
		}
		finish(t, s, x.ID)
		_, _ = s.Restore(context.Background(), x.ID, RestoreOptions{Force: true, NoKeep: true})
	}
	close(stop)
	if n := <-ended; n < 100 {
		t.Fatalf("only %d swaps: the race was not run", n)
	}
	for i := range 50 {
		if got := text(t, fmt.Sprintf("%s/f%d", secret, i)); got != mark {
			t.Fatalf("secret was changed: %q", got)
		}
	}
	es, err := os.ReadDir(secret)
	if err != nil || len(es) != 50 {
		t.Fatalf("%d entries in secret, %v", len(es), err)
	}
}

func TestBudget(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	d := filepath.Join(dir, "d")
	if err := os.Mkdir(d, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		write(t, fmt.Sprintf("%s/f%d", d, i), strings.Repeat("x", 1000))
	}
	for name, o := range map[string]Options{"files": {Files: 50}, "bytes": {Bytes: 10_000}, "time": {Time: 1}} {
		_, err := s.Take(context.Background(), Plan{Items: []Item{{Class: Delete, Path: d}}, Options: o})
		var big *TooBig
		if !errors.As(err, &big) || big.Limit != name || big.Files != 201 || big.Bytes < 150_000 || big.More || big.ETA <= 0 {
			t.Errorf("%s: %v %+v", name, err, big)
		}
	}
	s.reserve = func(total int64) int64 { return total }
	_, err := s.Take(context.Background(), Plan{Items: []Item{{Class: Delete, Path: d}}})
	var full *NoSpace
	if !errors.As(err, &full) {
		t.Errorf("full: %v", err)
	}
	left, err := os.ReadDir(s.snapshots())
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestStoreInTarget(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "d", "store"))
	if _, err := s.Take(context.Background(), Plan{Items: []Item{{Class: Delete, Path: filepath.Join(dir, "d")}}}); err == nil {
		t.Error("kept inside of what goes")
	}
}

func TestLinkAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	write(t, target, "before")
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	x := take(t, s, Item{Class: InPlace, Path: link})
	write(t, link, "after") // through it
	finish(t, s, x.ID)
	restore(t, s, x.ID, RestoreOptions{})
	if l, err := os.Readlink(link); err != nil || l != "target" || text(t, target) != "before" {
		t.Errorf("%q %v %q", l, err, text(t, target))
	}
	x = take(t, s, Item{Class: Delete, Path: link})
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	finish(t, s, x.ID)
	restore(t, s, x.ID, RestoreOptions{})
	if l, err := os.Readlink(link); err != nil || l != "target" {
		t.Errorf("%q %v", l, err)
	}
}

func TestDamageIsFound(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	f := filepath.Join(dir, "f")
	write(t, f, "precious")
	x := take(t, s, Item{Class: InPlace, Path: f})
	write(t, f, "other")
	finish(t, s, x.ID)
	write(t, filepath.Join(x.dir, "pack"), "preciou?")
	if err := s.Verify(context.Background(), x.ID); err == nil {
		t.Error("damage not found")
	}
	r, err := s.Restore(context.Background(), x.ID, RestoreOptions{})
	if err != nil || len(r.Failed) == 0 || text(t, f) != "other" {
		t.Errorf("%v %+v %q", err, r, text(t, f))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".guardsh*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestPrunePinDrop(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	f := filepath.Join(dir, "f")
	write(t, f, strings.Repeat("x", 5000))
	var ids []string
	for range 4 {
		x := take(t, s, Item{Class: InPlace, Path: f})
		ids = append(ids, x.ID)
	}
	if err := s.Pin(ids[0], true); err != nil {
		t.Fatal(err)
	}
	dropped, err := s.Prune(Retention{Age: time.Nanosecond})
	if err != nil || len(dropped) != 2 {
		t.Fatalf("%d dropped, %v", len(dropped), err)
	}
	all, err := s.List()
	if err != nil || len(all) != 2 || all[0].ID != ids[3] || all[1].ID != ids[0] || !all[1].Pinned {
		t.Fatalf("%v %v", all, err)
	}
	if err := s.Drop(ids[0]); err != nil {
		t.Fatal(err)
	}
	var nf *NotFound
	if _, err := s.Load(ids[0]); !errors.As(err, &nf) {
		t.Error(err)
	}
}

func TestGrounds(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	all := s.Grounds()
	if len(all) == 0 || !all[0].Own || all[0].Mount != s.Root() || all[0].Free <= 0 || all[0].Need < 1<<30 {
		t.Fatalf("%+v", all)
	}
	for _, g := range all[1:] {
		if g.Own || inMemory(g.Type) || !isLocal(g.Type) {
			t.Errorf("%+v is no ground of its own", g)
		}
	}
}
