package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// dead is a file system that does not answer any more.
type dead struct {
	fs.Inode
	asked chan struct{} // gets a word for each question
	never chan struct{}
}

func (d *dead) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	select {
	case d.asked <- struct{}{}:
	default:
	}
	<-d.never
	return nil, syscall.EIO
}

var _ fs.NodeLookuper = (*dead)(nil)

// TestHangingMount runs in a child with mounts of its own.
func TestHangingMount(t *testing.T) {
	inOwnMounts(t, hang)
}

func hang(t *testing.T, dir string) {
	point, ctl := filepath.Join(dir, "mnt"), filepath.Join(dir, "ctl")
	for _, d := range []string{point, ctl} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("fusectl", ctl, "fusectl", 0, ""); err != nil {
		t.Fatal(err)
	}
	root := &dead{asked: make(chan struct{}, 1000), never: make(chan struct{})}
	opts := &fs.Options{}
	opts.DirectMountStrict = true
	server, err := fs.Mount(point, root, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if m := parseMounts(readAll(t, "/proc/self/mountinfo")).at[point]; m != nil {
			abort := filepath.Join(ctl, strconv.Itoa(m.Minor), "abort")
			if err := os.WriteFile(abort, []byte("1"), 0); err != nil {
				t.Error(err)
			}
		}
		close(root.never)
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		server.Wait()
		if err := unix.Unmount(ctl, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		noChildren(t)
	}()
	if err := os.Symlink(point, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	w := New(Options{})
	defer w.Close()
	const missed = "no answer within "
	var effects []effect.Effect
	for i := range 500 {
		effects = append(effects, on(effect.Delete, fmt.Sprintf("%s/link/f%d", dir, i), "recursive"))
	}
	f := w.Facts(nil, effects)
	for _, e := range effects {
		if u := f.Of(e.Object).Unknown; len(u) != 1 || !strings.Contains(u[0], missed) {
			t.Fatalf("%s: unknown is %q", e.Object.Name, u)
		}
	}
	// One question is waited for; it speaks for the other 499 paths.
	if n := len(root.asked); n != 1 {
		t.Errorf("the file system was asked %d times", n)
	}
	if _, err := w.Glob(point, "*", command.GlobOptions{}); err == nil {
		t.Error("a glob on the dead mount has an answer")
	}
	if _, err := w.ReadFile(point+"/script", 100); err == nil {
		t.Error("a file on the dead mount was read")
	}
	if n := len(root.asked); n != 1 {
		t.Errorf("a mount that missed its deadline was asked again: %d times in all", n)
	}
	// What only names the mount, without touching it, has an answer.
	e := on(effect.Delete, filepath.Join(dir, "link"))
	if of := w.Facts(nil, []effect.Effect{e}).Of(e.Object); len(of.Unknown) != 0 || of.Path.Type != "link" {
		t.Errorf("the link itself: %+v", of)
	}
	// No thread of ours may be stuck.
	tasks, _ := filepath.Glob("/proc/self/task/*/stat")
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		if _, rest, ok := strings.Cut(string(b), ") "); ok && strings.HasPrefix(rest, "D") {
			t.Errorf("%s: a thread is stuck in the kernel", task)
		}
	}
}

func readAll(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noChildren waits until every helper is gone.
func noChildren(t *testing.T) {
	t.Helper()
	until := time.Now().Add(10 * time.Second)
	for {
		var left []string
		files, _ := filepath.Glob("/proc/self/task/*/children")
		for _, f := range files {
			b, _ := os.ReadFile(f)
			left = append(left, strings.Fields(string(b))...)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(until) {
			t.Errorf("helpers are left: %v", left)
			return
		}
		time.Sleep(5 * time.Millisecond) // for the helpers to end, whose parent is another process
	}
}
