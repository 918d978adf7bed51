package audit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be its own victim: a child that is killed, or
// that runs in a mount namespace of its own.
func TestMain(m *testing.M) {
	switch os.Getenv("AUDIT_TEST_CHILD") {
	case "append":
		appendForever()
	case "full":
		os.Exit(onFullDisk(os.Getenv("AUDIT_TEST_DIR")))
	}
	os.Exit(m.Run())
}

// trail makes a trail with one session of the given lines, closed.
func trail(t *testing.T, root string, lines ...string) *Journal {
	t.Helper()
	j, err := Open(root, SessionInfo{User: "ann", UID: 1000, TTY: "pts/3", Host: "lab", Cwd: "/"})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range lines {
		n := i + 1
		if err := j.Append(Event{Kind: LineRead, Line: n, Text: l, Cwd: "/", Verdict: "allow"}); err != nil {
			t.Fatal(err)
		}
		j.AppendLazy(Event{Kind: End, Line: n, Status: Int(0), Duration: time.Millisecond, Outcome: Ran})
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	return j
}

func good(t *testing.T, root string) Summary {
	t.Helper()
	problems, sum, err := Verify(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("problem in a good trail: %v", p)
	}
	return sum
}

func TestJournal(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	j := trail(t, root, "cd /srv", "printf '\xff\\n' # <b>&", "mysql -phunter2")
	sum := good(t, root)
	if sum.Journals != 2 || sum.Events != 10 || sum.Heads < 3 {
		t.Errorf("summary = %+v", sum)
	}
	for path, mode := range map[string]os.FileMode{
		"": 0o700, filepath.Base(j.dir): 0o700, filepath.Base(j.dir) + "/events.jsonl": 0o600, "key": 0o600, filepath.Base(j.dir) + "/heads": 0o600,
	} {
		st, err := os.Stat(filepath.Join(root, path))
		if err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %o", path, st.Mode(), err, mode)
		}
	}
	s, err := Find(root, "last")
	if err != nil {
		t.Fatal(err)
	}
	if s.User != "ann" || s.TTY != "pts/3" || s.State != Ended || len(s.Lines) != 3 || *s.Status != 0 {
		t.Errorf("session = %+v", s)
	}
	if e := s.Lines[1].Event; string(e.TextRaw) != "printf '\xff\\n' # <b>&" || e.Text != "printf '\uFFFD\\n' # <b>&" {
		t.Errorf("bytes that are not UTF-8: %q, %q", e.TextRaw, e.Text)
	}
	if got := s.Lines[2].Event.Text; got != "mysql -p[redacted]" {
		t.Errorf("secret: %q", got)
	}
	if s.Lines[2].Outcome() != Ran {
		t.Errorf("outcome = %q", s.Lines[2].Outcome())
	}
	if err := j.Append(Event{Kind: LineRead}); !errors.Is(err, ErrNotWritten) {
		t.Errorf("Append after Close = %v", err)
	}
}

// A facts field that is no JSON must not cost the event.
func TestAppendBadFacts(t *testing.T) {
	root := t.TempDir()
	j, err := Open(root, SessionInfo{User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 1, Text: "ls", Facts: []byte("{oops")}); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 2, Text: strings.Repeat("\x01", maxText+5)}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	good(t, root)
	s, err := Find(root, "")
	if err != nil {
		t.Fatal(err)
	}
	if u := s.Lines[0].Event.Unknowns; len(u) != 1 || !strings.HasPrefix(u[0], "facts: ") {
		t.Errorf("unknowns = %q", u)
	}
	if e := s.Lines[1].Event; e.TextCut != 5 || len(e.Text) != maxText {
		t.Errorf("cut = %d, kept %d", e.TextCut, len(e.Text))
	}
}

// Sessions without a terminal write into one journal at the same time.
func TestShared(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	const sessions, lines = 8, 5
	var wg sync.WaitGroup
	for i := range sessions {
		wg.Go(func() {
			j, err := Open(root, SessionInfo{User: "ann", Shared: true})
			if err != nil {
				t.Error(err)
				return
			}
			for n := range lines {
				if err := j.Append(Event{Kind: LineRead, Line: n + 1, Text: fmt.Sprintf("line %d of %d", n, i)}); err != nil {
					t.Error(err)
				}
			}
			if err := j.Close(i, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	good(t, root)
	all, err := Sessions(root)
	if err != nil || len(all) != sessions {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	if events, err := ReadJournal(all[0].Dir); err != nil || len(events) != sessions*(lines+2) {
		t.Errorf("%d events, want %d, %v", len(events), sessions*(lines+2), err)
	}
	for _, s := range all {
		if len(s.Lines) != lines || s.State != Ended || !s.Shared {
			t.Errorf("session %s: %d lines, %s", s.ID, len(s.Lines), s.State)
		}
	}
}

func TestConcurrentAppend(t *testing.T) {
	root := t.TempDir()
	j, err := Open(root, SessionInfo{User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := j.Append(Event{Kind: Program, Argv: []string{"true"}}); err != nil {
					t.Error(err)
				}
				j.AppendLazy(Event{Kind: Program, Argv: []string{"false"}})
			}
		})
	}
	wg.Wait()
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	if sum := good(t, root); sum.Events != 8*40+2+2 {
		t.Errorf("events = %d", sum.Events)
	}
}

// appendForever writes lines and says which ones are durable, until it is
// killed.
func appendForever() {
	j, err := Open(os.Getenv("AUDIT_TEST_DIR"), SessionInfo{User: "ann", Shared: os.Getenv("AUDIT_TEST_SHARED") != ""})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for n := 1; ; n++ {
		if err := j.Append(Event{Kind: LineRead, Line: n, Text: fmt.Sprintf("%s-%d", j.Session(), n), Facts: []byte(`{"x":"` + strings.Repeat("y", 20000) + `"}`)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s-%d\n", j.Session(), n)
	}
}

// A session that is killed at any moment leaves a valid prefix, with every
// line that it was told is durable.
func TestKill(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	var released []string
	for i := range 24 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "AUDIT_TEST_CHILD=append", "AUDIT_TEST_DIR="+root)
		if i%2 == 1 {
			cmd.Env = append(cmd.Env, "AUDIT_TEST_SHARED=1")
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The moment differs: after so many bytes of its answers.
		buf := make([]byte, 4096)
		var got []byte
		for len(got) < 29*(i/2*3+1) {
			n, err := out.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				t.Fatalf("child ended by itself: %v", err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for {
			n, err := out.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				break
			}
		}
		cmd.Wait()
		if i := strings.LastIndexByte(string(got), '\n'); i >= 0 {
			released = append(released, strings.Fields(string(got[:i]))...)
		}
	}
	sum := good(t, root)
	if sum.Journals != 12+2 {
		t.Errorf("journals = %d", sum.Journals)
	}
	all, err := Sessions(root)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range all {
		if s.State != Killed {
			t.Errorf("session %s is %s", s.ID, s.State)
		}
		for _, l := range s.Lines {
			have[l.Event.Text] = true
		}
	}
	if len(released) < 24 {
		t.Errorf("only %d lines were released", len(released))
	}
	for _, l := range released {
		if !have[l] {
			t.Errorf("released, but not in the trail: %s", l)
		}
	}
}

// A whole event behind a torn one: the torn bytes are cut off, with a gap.
func TestTornTail(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	j, err := Open(root, SessionInfo{User: "ann", Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 1, Text: "one"}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(j.dir, EventsName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"v":1,"seq":3,"ti`)
	f.Close()
	if err := j.Append(Event{Kind: LineRead, Line: 2, Text: "two"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	good(t, root)
	s, err := Find(root, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Lines) != 2 || len(s.Others) != 1 || s.Others[0].Kind != Gap || !strings.Contains(s.Others[0].Reason, "18 bytes") {
		t.Errorf("session = %+v", s)
	}
}

// The journal is removed while the session runs: it goes on in a new file, and
// verify says what is gone.
func TestRemoved(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	j, err := Open(root, SessionInfo{User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 1, Text: "one"}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(j.dir); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 2, Text: "two"}); !errors.Is(err, ErrNotWritten) {
		t.Fatalf("Append = %v", err)
	}
	if err := j.Append(Event{Kind: LineRead, Line: 3, Text: "three"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	s, err := Find(root, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Lines) != 2 || s.Lines[0].Event.Text != "two" || len(s.Others) != 1 || s.Others[0].Kind != Gap {
		t.Errorf("session = %+v", s)
	}
}

// The next day's journal ends the one before: when its tail and its heads are
// cut together, the host log knows.
func TestDayEnds(t *testing.T) {
	root := t.TempDir()
	j, err := Open(root, SessionInfo{User: "ann", Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := j.Append(Event{Kind: LineRead, Line: n + 1, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	// Tomorrow, as the writer of tomorrow's first session would see it.
	w := &writer{j: &Journal{session: "later", info: SessionInfo{Shared: true}}, root: root, name: "9999-12-31-ann"}
	w.closeDay()
	good(t, root)
	if err := os.Remove(filepath.Join(j.dir, HeadsName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(j.dir, EventsName), 0); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, root, "events 1 to 5: cut tail: the host log's final head covers 5 events")
}

// A head covers only what is on the disk: a power cut takes what was not synced,
// and a head of it that is left would name the rest as cut off.
func TestHeadsCoverWhatIsSynced(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "2026-11-26-ann", EventsName)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	event := func(line int) *Event {
		return &Event{V: Version, Time: time.Now().UTC(), Session: "s", Kind: LineRead, Line: line}
	}
	// One writer's event is synced, another's is not, and the one opens the file
	// anew for each of its sessions.
	for _, c := range []struct {
		synced, unsynced int
		want             int64 // events that the head covers
	}{
		{2, 0, 2},
		{1, 3, 3},
		{1, 0, 7}, // what stood before is synced with it
		{0, 2, 9}, // none of it is known to be on the disk: it is synced first
	} {
		f, err := openChain(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range c.synced {
			if err := f.write([]*Event{event(n + 1)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if c.synced > 0 {
			if err := f.sync(); err != nil {
				t.Fatal(err)
			}
		}
		for n := range c.unsynced {
			if err := f.write([]*Event{event(n + 1)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.catchUp(); err != nil {
			t.Fatal(err)
		}
		h, err := signHead(root, "2026-11-26-ann", f, nil)
		if err != nil {
			t.Fatal(err)
		}
		if h.Size != c.want {
			t.Errorf("%+v: the head covers %d events", c, h.Size)
		}
		f.close()
	}
}

// A shared session signs while its line runs what it would sign at its end, once.
func TestSignAhead(t *testing.T) {
	root := filepath.Join(t.TempDir(), "trail")
	j, err := Open(root, SessionInfo{User: "ann", Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close(0, "")
	heads := func() int {
		b, err := os.ReadFile(filepath.Join(j.dir, HeadsName))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(b), "\n")
	}
	line := func(n int) {
		t.Helper()
		if err := j.Append(Event{Kind: LineRead, Line: n, Text: "true"}); err != nil {
			t.Fatal(err)
		}
	}
	line(1)
	if n := heads(); n != 0 {
		t.Fatalf("%d heads before there was time for one", n)
	}
	j.SignAhead()
	j.SignAhead()
	line(2) // comes behind it
	if n := heads(); n != 1 {
		t.Fatalf("%d heads when the line runs, want 1", n)
	}
	j.SignAhead()
	j.AppendLazy(Event{Kind: End, Line: 2, Outcome: Ran})
	if err := j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	if n := heads(); n != 2 {
		t.Errorf("%d heads, want one for each time that something was written down", n)
	}
	good(t, root)
}
