package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkFsync is the floor of a durable event: as many bytes, one write,
// one fdatasync.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "f"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	line := bytes.Repeat([]byte("x"), 450)
	for b.Loop() {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
}

func benchAppend(b *testing.B, shared, lazy bool) {
	j, err := Open(b.TempDir(), SessionInfo{User: "ann", Shared: shared})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close(0, "")
	for b.Loop() {
		e := Event{Kind: LineRead, Line: 1, Text: "rsync -aP /srv/lxc/lab/rootfs/ /srv/new/", Cwd: "/srv", Verdict: "allow"}
		if lazy {
			j.AppendLazy(e)
		} else if err := j.Append(e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend has a budget of two BenchmarkFsync.
func BenchmarkAppend(b *testing.B)       { benchAppend(b, false, false) }
func BenchmarkAppendShared(b *testing.B) { benchAppend(b, true, false) }
func BenchmarkAppendLazy(b *testing.B)   { benchAppend(b, false, true) }

// BenchmarkSession is what a session without a terminal costs: open, one line,
// its end, close.
func BenchmarkSession(b *testing.B) {
	root := b.TempDir()
	for b.Loop() {
		j, err := Open(root, SessionInfo{User: "ann", Shared: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := j.Append(Event{Kind: LineRead, Line: 1, Text: "true", Verdict: "allow"}); err != nil {
			b.Fatal(err)
		}
		j.AppendLazy(Event{Kind: End, Line: 1, Status: Int(0), Duration: time.Millisecond})
		if err := j.Close(0, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	for b.Loop() {
		Redact("cd /srv && rsync -aP --delete /srv/lxc/lab/rootfs/ backup@host:/srv/new/ | tee -a /var/log/x.log")
	}
}
