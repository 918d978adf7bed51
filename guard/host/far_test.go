package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// alive is a file system of an unknown kind that answers.
type alive struct{ fs.Inode }

func (a *alive) OnAdd(ctx context.Context) {
	d := a.NewPersistentInode(ctx, &fs.Inode{}, fs.StableAttr{Mode: fuse.S_IFDIR})
	a.AddChild("dir", d, false)
	for _, n := range []string{"one", "two", "\xff"} {
		d.AddChild(n, a.NewPersistentInode(ctx, &fs.MemRegularFile{Data: []byte(n), Attr: fuse.Attr{Mode: 0o644}}, fs.StableAttr{}), false)
	}
}

// TestFarMount: what may hang, and does not, is answered through the helper.
func TestFarMount(t *testing.T) {
	inOwnMounts(t, far)
}

func far(t *testing.T, dir string) {
	point := filepath.Join(dir, "mnt")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	opts := &fs.Options{}
	opts.DirectMountStrict = true
	server, err := fs.Mount(point, &alive{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	w := New(Options{})
	e := on(effect.Delete, point+"/dir", "recursive")
	of := w.Facts(nil, []effect.Effect{e}).Of(e.Object)
	if len(of.Unknown) != 0 || !of.Path.Exists || of.Path.Type != "dir" || of.Path.Entries != 4 {
		t.Errorf("%+v", of)
	}
	start := time.Now()
	names, err := w.Glob(point, "dir/*", command.GlobOptions{})
	if err != nil || !slices.Equal(names, []string{"dir/one", "dir/two", "dir/\xff"}) {
		t.Errorf("%q, %v", names, err)
	}
	if b, err := w.ReadFile(point+"/dir/two", 100); err != nil || string(b) != "two" {
		t.Errorf("%q, %v", b, err)
	}
	t.Logf("glob and read through a helper that waits: %v", time.Since(start))
	if _, err := w.ReadFile(point+"/dir/none", 100); err == nil {
		t.Error("what is not there was read")
	}
	w.Close()
	noChildren(t)
	if err := server.Unmount(); err != nil {
		t.Error(err)
	}
}
