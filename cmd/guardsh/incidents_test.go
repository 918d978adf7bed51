package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// TestIncidents runs the rows of the incidents, one script each, on a scratch
// machine of its own where the situation is put up for real. Beside the
// commands of TestScripts there are:
//
//	verdict V LINE      wants exactly this verdict; see cmdVerdict
//	hung DIR            mounts a file system there that never answers
func TestIncidents(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("..", "..", "testdata", "incidents", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) == 0 {
		t.Fatal("no scripts in testdata/incidents")
	}
	bin := product(t)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runInside(t, bin, script, nil)
		})
	}
}

// refused is guardsh's status for a line that was not run.
const refusedStatus = 253

// cmdVerdict is "verdict V LINE": guardsh check gives the line this verdict.
// Where that is not allow or notify, the line is also given to guardsh -c with
// nobody to ask; it must not run, and what was said is the script's stderr.
// Else it is not run, and the script's stdout is what check says.
func cmdVerdict(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: verdict allow|notify|confirm|challenge|block line")
	}
	want, line := args[0], args[1]
	// Its status says the verdict once more, coarsely.
	if err := ts.Exec("guardsh", "check", "--json", line); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("guardsh check: %v", err)
		}
	}
	var got struct{ Verdict string }
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &got); err != nil {
		ts.Fatalf("guardsh check %q: %v", line, err)
	}
	if got.Verdict != want {
		ts.Fatalf("%s: %s, want %s\n%s", line, got.Verdict, want, ts.ReadFile("stdout"))
	}
	if slices.Contains([]string{"allow", "notify"}, want) {
		return
	}
	status := 0
	if err := ts.Exec("guardsh", "-c", line); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("guardsh -c: %v", err)
		}
		status = statusOf(ee)
	}
	if status != refusedStatus {
		ts.Fatalf("guardsh -c %q: exit status %d, want %d", line, status, refusedStatus)
	}
}

// neverAnswers is the root of a file system whose server is stuck.
type neverAnswers struct {
	fs.Inode
	never chan struct{}
}

func (n *neverAnswers) Lookup(context.Context, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	<-n.never
	return nil, syscall.EIO
}

var _ fs.NodeLookuper = (*neverAnswers)(nil)

// cmdHung is "hung DIR".
func cmdHung(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hung directory")
	}
	if err := unix.Mknod("/dev/fuse", unix.S_IFCHR|0o600, int(unix.Mkdev(10, 229))); err != nil && !errors.Is(err, os.ErrExist) {
		ts.Fatalf("/dev/fuse: %v", err)
	}
	root := &neverAnswers{never: make(chan struct{})}
	o := &fs.Options{}
	o.DirectMountStrict = true
	o.FsName = "nas:/export"
	server, err := fs.Mount(ts.MkAbs(args[0]), root, o)
	ts.Check(err)
	ts.Defer(func() {
		close(root.never)
		_ = unix.Unmount(ts.MkAbs(args[0]), unix.MNT_DETACH)
		_ = server.Unmount()
	})
}
