package guard

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runs starts a program on this thread, and so in its mount namespace.
func runs(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// ownMounts gives the test's thread mounts of its own, and a loop device with
// ext4 on it. The thread ends with the test.
func ownMounts(t *testing.T) (device, at string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a loop device needs root: run the tests as root")
	}
	runtime.LockOSThread() // and never unlocked: the thread must not be used again
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 16<<20); err != nil {
		t.Fatal(err)
	}
	runs(t, "mkfs.ext4", "-q", image)
	device = runs(t, "losetup", "-f", "--show", image)
	at = filepath.Join(dir, "srv")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Unmount(at, unix.MNT_DETACH)
		if out, err := exec.Command("losetup", "-d", device).CombinedOutput(); err != nil {
			t.Errorf("losetup -d %s: %v\n%s", device, err, out)
		}
	})
	runs(t, "mount", "-o", "errors=remount-ro", device, at)
	return device, at
}

func words(events []event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.words)
	}
	return strings.Join(out, "\n")
}

// A file system that is made read-only by a remount is told of once, quietly.
func TestWatchRemount(t *testing.T) {
	device, at := ownMounts(t)
	w := newWatch("/proc/thread-self/mountinfo", "/sys")
	defer w.close()
	if e := w.look(); len(e) != 0 {
		t.Fatalf("the first look: %v", e)
	}
	if e := w.look(); len(e) != 0 {
		t.Fatalf("nothing happened: %v", e)
	}
	for range 2 { // writable again and read-only again is another event
		runs(t, "mount", "-o", "remount,ro", at)
		e := w.look()
		want := at + " turned read-only at "
		if len(e) != 1 || !strings.HasPrefix(e[0].words, want) || !strings.HasSuffix(e[0].words, "(ext4 on "+filepath.Base(device)+")") || !e[0].quiet {
			t.Fatalf("%+v, want %q", e, want)
		}
		if e := w.look(); len(e) != 0 {
			t.Fatalf("told twice: %v", e)
		}
		runs(t, "mount", "-o", "remount,rw", at)
		if e := w.look(); len(e) != 0 {
			t.Fatalf("writable again is no event: %v", e)
		}
	}
}

// An error of a real file system with errors=remount-ro: one event with the
// count, and somebody is called.
func TestWatchError(t *testing.T) {
	device, at := ownMounts(t)
	w := newWatch("/proc/thread-self/mountinfo", "/sys")
	defer w.close()
	w.look()
	trigger := "/sys/fs/ext4/" + filepath.Base(device) + "/trigger_fs_error"
	if err := os.WriteFile(trigger, []byte("a test"), 0o200); err != nil {
		t.Fatal(err)
	}
	e := w.look()
	if len(e) != 1 || e[0].rule != "fs/turned-read-only" || e[0].quiet || e[0].hint == "" || !strings.Contains(e[0].words, at) ||
		!strings.Contains(e[0].words, ", 1 error)") {
		t.Fatalf("%+v", e)
	}
	if e := w.look(); len(e) != 0 {
		t.Fatalf("told twice: %v", e)
	}
}

// fakeSys makes a sysfs and a mountinfo with n more mounts.
func fakeSys(t testing.TB, n int) (mounts, sys, count string) {
	t.Helper()
	dir := t.TempDir()
	sys, mounts = filepath.Join(dir, "sys"), filepath.Join(dir, "mountinfo")
	count = filepath.Join(sys, "fs/ext4/sdb1/errors_count")
	for name, text := range map[string]string{
		count: "2\n",
		filepath.Join(filepath.Dir(count), "last_error_time"):   "0\n",
		filepath.Join(sys, "fs/btrfs/u/devinfo/1/error_stats"):  "write_errs 0\nread_errs 0\nflush_errs 0\n",
		filepath.Join(sys, "fs/btrfs/u/devices/sdc/ro"):         "0\n",
		filepath.Join(sys, "fs/ext4/features/batched_discard"):  "supported\n",
		filepath.Join(sys, "devices/virtual/block/sdb1/uevent"): "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(sys, "dev/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../devices/virtual/block/sdb1", filepath.Join(sys, "dev/block/8:17")); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("20 1 8:17 / /srv rw,relatime - ext4 /dev/mapper/vg-srv rw\n21 1 8:17 /x /export rw,relatime - ext4 /dev/mapper/vg-srv rw\n")
	for i := range n {
		fmt.Fprintf(&b, "%d 1 0:%d / /run/containers/overlay/%064d/merged rw,relatime - overlay overlay rw,lowerdir=/a:/b:/c\n", 100+i, 50+i, i)
	}
	if err := os.WriteFile(mounts, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return mounts, sys, count
}

func TestWatchCounts(t *testing.T) {
	mounts, sys, count := fakeSys(t, 0)
	w := newWatch(mounts, sys)
	defer w.close()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	step := func(what, want string) {
		t.Helper()
		got := words(w.look())
		if want == "" && got != "" || !strings.Contains(got, want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	step("two errors from before", "")
	write(count, "5\n")
	step("three more", "sdb1) has 5 errors by now")
	step("again", "")
	write(count, "0\n")
	step("repaired", "")
	write(count, "1\n")
	step("a new one", "has 1 error by now")
	write(filepath.Join(sys, "fs/btrfs/u/devinfo/1/error_stats"), "write_errs 3\nread_errs 1\nflush_errs 0\n")
	step("btrfs", "sdc has 4 errors by now")
	b, err := os.ReadFile(mounts)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "vg-srv rw", "vg-srv rw,emergency_ro")
	write(mounts, text)
	write(count, "2\n")
	step("emergency_ro in both places at once", "/export (and 1 more places) turned read-only at ")
	step("once", "")
	write(mounts, "99 1 8:17 / /new ro - ext4 /dev/sdb1 ro\n")
	step("a new mount that is read-only is none that turned", "")
}

// A look costs next to nothing, with a hundred mounts too.
func TestWatchCost(t *testing.T) {
	for _, n := range []int{0, 100} {
		mounts, sys, _ := fakeSys(t, n)
		w := newWatch(mounts, sys)
		w.look()
		best := time.Hour
		for range 200 {
			start := time.Now()
			w.look()
			best = min(best, time.Since(start))
		}
		w.close()
		if best > 200*time.Microsecond {
			t.Errorf("%d mounts more: a look takes %v", n, best)
		}
	}
}

func BenchmarkWatchLook(b *testing.B) {
	w := newWatch("/proc/self/mountinfo", "/sys")
	defer w.close()
	for b.Loop() {
		w.look()
	}
}

// A silent mount is told of once, asked again only after a while, and told of
// again when it had answered between.
func TestProber(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	silent, asked := true, 0
	rounds := make(chan bool)
	p := &prober{now: func() time.Time { return clock }}
	p.probe = func(skip func(string) bool) (yes, no []string) {
		defer func() { rounds <- true }()
		if skip("/mnt/nfs") {
			return nil, nil
		}
		asked++
		if silent {
			return nil, []string{"/mnt/nfs"}
		}
		return []string{"/mnt/nfs"}, nil
	}
	round := func() string {
		t.Helper()
		p.start()
		<-rounds
		for {
			p.mu.Lock()
			busy := p.busy
			p.mu.Unlock()
			if !busy {
				break
			}
			runtime.Gosched()
		}
		return words(p.start())
	}
	if got := round(); !strings.HasPrefix(got, "/mnt/nfs does not answer") {
		t.Errorf("%q", got)
	}
	clock = clock.Add(probeEvery)
	if got := round(); got != "" || asked != 1 {
		t.Errorf("left alone: %q, asked %d times", got, asked)
	}
	clock = clock.Add(silentAgain)
	if got := round(); got != "" || asked != 2 {
		t.Errorf("still silent: %q, asked %d times", got, asked)
	}
	silent = false
	clock = clock.Add(silentAgain)
	if got := round(); got != "" || asked != 3 {
		t.Errorf("answers: %q, asked %d times", got, asked)
	}
	silent = true
	clock = clock.Add(probeEvery)
	if got := round(); !strings.HasPrefix(got, "/mnt/nfs does not answer") {
		t.Errorf("silent again: %q", got)
	}
}
