package audit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// onFullDisk runs in a mount namespace of its own, as the child of
// TestFullDisk. It prints "finished" when all held.
func onFullDisk(dir string) int {
	fail := func(format string, args ...any) int {
		fmt.Printf(format+"\n", args...)
		return 1
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		return fail("mount: %v", err)
	}
	told := make(chan error, 8)
	root := filepath.Join(dir, "trail")
	j, err := Open(root, SessionInfo{User: "ann", OnTrouble: func(err error) { told <- err }})
	if err != nil {
		return fail("open: %v", err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 1, Text: "before"}); err != nil {
		return fail("append: %v", err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return fail("the disk did not become full: %v", err)
	}
	// What is left of the last page still takes an event or two.
	n := 1
	for err = nil; err == nil && n < 100; {
		n++
		err = j.Append(Event{Kind: LineRead, Line: n, Text: strings.Repeat("x", 100)})
	}
	if !errors.Is(err, ErrNotWritten) || !errors.Is(err, syscall.ENOSPC) {
		return fail("append on a full disk: %v", err)
	}
	first := n
	start := time.Now()
	const more = 50
	for range more {
		n++
		if err := j.Append(Event{Kind: LineRead, Line: n, Text: "while full"}); err == nil {
			return fail("append %d on a full disk reported success", n)
		}
	}
	if took := time.Since(start); took > more*patience {
		return fail("each append waits: %v", took)
	}
	if err := <-told; err == nil {
		return fail("told nil first")
	}
	if j.Trouble() == nil {
		return fail("no trouble")
	}
	if err := os.Remove(ballast); err != nil {
		return fail("remove: %v", err)
	}
	select { // it tries again by itself
	case err := <-told:
		if err != nil {
			return fail("told twice: %v", err)
		}
	case <-time.After(10 * time.Second):
		return fail("it did not try again")
	}
	// Read-only, then writable again.
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err == nil {
		return fail("read-only although a file is open for writing")
	}
	if err := j.Append(Event{Kind: LineRead, Line: n + 1, Text: "after"}); err != nil {
		return fail("append after: %v", err)
	}
	if err := j.Close(0, ""); err != nil {
		return fail("close: %v", err)
	}
	problems, _, err := Verify(root)
	if err != nil || len(problems) > 0 {
		return fail("verify: %v, %v", problems, err)
	}
	s, err := Find(root, "")
	if err != nil {
		return fail("find: %v", err)
	}
	if len(s.Lines) != n+1 || len(s.Others) != 1 || s.Others[0].Kind != Gap || s.Others[0].Lost != 0 {
		return fail("%d lines (want %d), others %+v", len(s.Lines), n+1, s.Others)
	}
	if gap := s.Others[0]; !strings.Contains(gap.Reason, "no space left") || s.Lines[first-1].Event.Seq < gap.Seq {
		return fail("gap %+v", gap)
	}
	fmt.Println("finished")
	return 0
}

func TestFullDisk(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "AUDIT_TEST_CHILD=full", "AUDIT_TEST_DIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "finished\n") {
		t.Fatalf("child: %v\n%s", err, out)
	}
}

// A trail that cannot even be made: the session goes on, and what happened is
// written when it can be.
func TestNoTrail(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "trail")
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 8)
	j, err := Open(root, SessionInfo{User: "ann", OnTrouble: func(err error) { told <- err }})
	if !errors.Is(err, ErrNotWritten) || j == nil {
		t.Fatalf("Open = %v, %v", j, err)
	}
	if err := <-told; err == nil {
		t.Fatal("told nil")
	}
	for n := 1; n <= spoolEvents+10; n++ {
		j.AppendLazy(Event{Kind: LineRead, Line: n, Text: "x"})
		if n%500 == 0 || n == spoolEvents+10 { // let the writer take them: this is not about the queue
			if err := j.Append(Event{Kind: Program}); err == nil {
				t.Fatal("append without a trail reported success")
			}
		}
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 9999, Text: "late"}); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	good(t, root)
	events, err := ReadJournal(j.dir)
	if err != nil {
		t.Fatal(err)
	}
	if e := events[0]; e.Kind != Gap || e.Lost == 0 || events[1].Kind != SessionStart {
		t.Errorf("first events: %+v, %+v", events[0], events[1])
	}
}

// A disk that does not answer, played by a lock that somebody holds: the first
// Append waits its two seconds, the others hardly, and nothing is lost.
func TestStuck(t *testing.T) {
	root := t.TempDir()
	told := make(chan error, 8)
	j, err := Open(root, SessionInfo{User: "ann", OnTrouble: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(j.dir, EventsName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	const waited = 10
	for n := 1; n <= waited; n++ {
		if err := j.Append(Event{Kind: LineRead, Line: n, Text: "x"}); !errors.Is(err, ErrNotWritten) {
			t.Fatalf("Append = %v", err)
		}
	}
	if took := time.Since(start); took < patience || took >= waited*patience {
		t.Errorf("%d lines waited %v", waited, took)
	}
	for range queueLen + 10 { // more than the queue takes: dropped, and counted
		j.AppendLazy(Event{Kind: Program, Argv: []string{"true"}})
	}
	if err := <-told; err == nil {
		t.Error("told nil")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil {
		t.Errorf("told %v", err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 11, Text: "x"}); err != nil {
		t.Error(err)
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	good(t, root)
	events, err := ReadJournal(j.dir)
	if err != nil {
		t.Fatal(err)
	}
	lines, programs, lost := 0, 0, 0
	for _, e := range events {
		switch e.Kind {
		case LineRead:
			lines++
		case Program:
			programs++
		case Gap:
			lost += e.Lost
		}
	}
	if lines != 11 || programs+lost != queueLen+10 || lost == 0 {
		t.Errorf("%d lines, %d programs, %d lost", lines, programs, lost)
	}
}

// Whoever made a shared journal may have died before the host log knew of it.
func TestSharedJournalWhoseMakerDied(t *testing.T) {
	root := t.TempDir()
	info := SessionInfo{User: "ann", Shared: true}
	dir := filepath.Join(root, dayName(time.Now(), info))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, EventsName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := Open(root, info)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 1, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	good(t, root)
}

// The public half comes when the key is used, if its maker died before that.
func TestKeyWhoseMakerDied(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	trail(t, root, "one")
	if err := os.Remove(filepath.Join(root, keyPubName)); err != nil {
		t.Fatal(err)
	}
	trail(t, root, "two")
	good(t, root)
}

// A trail that cannot be signed is written all the same, says so once, and has
// no gap.
func TestUnsignedTrail(t *testing.T) {
	root := t.TempDir()
	key := filepath.Join(root, keyName)
	if err := os.WriteFile(key, []byte("damaged\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := writerOf(root)
	count := func() (n int) {
		events, err := ReadJournal(filepath.Join(root, "s"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			switch e.Kind {
			case Gap:
				t.Errorf("a gap: %s", e.Reason)
			case Degraded:
				n++
			}
		}
		return n
	}
	for n := range 3 {
		w.handle(request{ev: &Event{V: Version, Session: "s", Kind: LineRead, Line: n + 1}, sync: true})
		w.tend()
		w.tend()
	}
	if n := count(); n != 1 {
		t.Errorf("it was said %d times that the trail cannot be signed", n)
	}
	if host, err := ReadJournal(filepath.Join(root, HostLog)); err != nil || len(host) != 1 {
		t.Errorf("the host log has %d events, %v", len(host), err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	w.tend()
	if w.unsigned || w.headless {
		t.Error("it was not signed when it could be")
	}
}

// writerOf is a writer without its goroutine.
func writerOf(root string) *writer {
	j := &Journal{dir: filepath.Join(root, "s"), session: "s", notify: make(chan error, 8), reqs: make(chan request, 8)}
	return &writer{j: j, root: root, name: "s"}
}

// What a batch brings is written, however large it is.
func TestLargeBatch(t *testing.T) {
	root := t.TempDir()
	w := writerOf(root)
	large := strings.Repeat("x", maxText)
	var all []request
	for n := range 4 {
		all = append(all, request{ev: &Event{V: Version, Session: "s", Kind: LineRead, Line: n + 1, Text: large}, sync: true, done: make(chan error, 1)})
	}
	for _, r := range all[1:] {
		w.j.reqs <- r
	}
	w.handle(all[0])
	for n, r := range all {
		if err := <-r.done; err != nil {
			t.Errorf("line %d: %v", n+1, err)
		}
	}
	events, err := ReadJournal(filepath.Join(root, "s"))
	if err != nil || len(events) != len(all) {
		t.Errorf("%d events of %d, %v", len(events), len(all), err)
	}
}
