package guard

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"guardsh/audit/snapshot"
	"guardsh/rules"
)

// shellWithChild is a process that stands for a shell, and one below it.
func shellWithChild(t *testing.T) (shell, child int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "cat; :")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	if _, err := in.Write([]byte("x")); err != nil { // it comes back from the child, which is there then
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	shell = cmd.Process.Pid
	pid := strconv.Itoa(shell)
	b, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		t.Fatal(err)
	}
	child, err = strconv.Atoi(strings.Fields(string(b))[0])
	if err != nil {
		t.Fatal(err)
	}
	return shell, child
}

// What one shell's line was judged by and keeps is not touched by a line of
// another one.
func TestShellsBesideEachOther(t *testing.T) {
	dir := t.TempDir()
	place := Place{Trail: filepath.Join(dir, "trail"), Store: filepath.Join(dir, "store"), State: dir}
	s := &Session{place: place, trail: openTrail(place)}
	defer s.trail.journal().Close(0, "")
	pidA, belowA := shellWithChild(t)
	pidB, belowB := shellWithChild(t)
	a := s.scopeOf(pidA)
	if got := s.scopes.above(belowA); got != a {
		t.Error("the only shell's line is not that of what is started")
	}
	b := s.scopeOf(pidB)
	for pid, want := range map[int]*scope{pidA: a, belowA: a, pidB: b, belowB: b} {
		if got := s.scopes.above(pid); got != want {
			t.Errorf("process %d is not below its shell", pid)
		}
	}
	s.scopes.released(a, 1)
	if s.scopes.counting(belowA) != a || s.scopes.counting(os.Getpid()) != a {
		t.Error("where one line runs, what is started is not its")
	}
	keys := []string{answerKey("fs/x", "/srv")}
	a.judged.add(keys)
	a.answered.add(keys)
	a.no = map[string]time.Time{"fs/x": time.Now()}

	st, err := s.snapshots()
	if err != nil {
		t.Fatal(err)
	}
	f := filepath.Join(dir, "f")
	if err := os.WriteFile(f, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x, err := st.Take(context.Background(), snapshot.Plan{Items: []snapshot.Item{{Class: snapshot.InPlace, Path: f}}})
	if err != nil {
		t.Fatal(err)
	}
	a.kept = append(a.kept, x.ID)

	b.newLine(nil)
	s.scopes.released(b, 2)
	if s.scopes.counting(belowA) != a || s.scopes.counting(belowB) != b {
		t.Error("where two lines run, what is started is not that of its shell")
	}
	s.Ended(Outcome{Number: 2, scope: b, released: time.Now()}, 0)
	if !a.judged.hasKeys(keys) || !a.answered.hasKeys(keys) || a.no["fs/x"].IsZero() || b.judged.hasKeys(keys) {
		t.Error("a line of one shell changed what is known of another's")
	}
	state := func() snapshot.State {
		x, err := st.Load(x.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x.State
	}
	if got := state(); got != snapshot.Prepared {
		t.Errorf("another shell's line ended what this one keeps: %s", got)
	}
	s.Ended(Outcome{Number: 1, scope: a, released: time.Now()}, 0)
	if got := state(); got != snapshot.Done {
		t.Errorf("the line has ended, and what it kept is %s", got)
	}
}

// A yes of an earlier line goes on to hold for what that line left behind, and
// for nothing that a later line starts.
func TestYesOfJobs(t *testing.T) {
	shell, job := shellWithChild(t)
	_, other := shellWithChild(t)
	sc := &scope{shell: shell}
	j := Judgement{Decision: rules.Decision{Findings: []rules.Finding{{Rule: "fs/x", Object: "/srv", Verdict: rules.Confirm, EffectAt: -1}}}}
	asked := func(pid int) bool { return len(remaining(sc.over(pid), j, j.Decision).Findings) > 0 }
	sc.judged.add(keysOf(j, 0))
	if asked(job) || asked(shell) {
		t.Error("what the line itself starts is asked about")
	}
	sc.newLine(jobsOf(job)) // nothing runs below it
	if !asked(job) {
		t.Error("the yes of a line that is over holds")
	}
	sc.judged.add(keysOf(j, 0))
	sc.newLine(map[int]int64{job: beganAt(job)})
	if asked(job) {
		t.Error("what the job starts is asked about again")
	}
	if !asked(shell) {
		t.Error("the yes of the job's line holds for the next line")
	}
	if asked(other) {
		t.Error("what has left the shell's tree may be the job's, and is asked about")
	}
	sc.newLine(map[int]int64{job: beganAt(job) + 1})
	if !asked(shell) || asked(other) {
		t.Error("while something runs, what was said of it is forgotten")
	}
	if _, ok := sc.jobs[job]; !ok || len(sc.over(job)) == 1 && sc.over(job)[0] == &sc.earlier {
		t.Error("another process with the job's number goes for the job")
	}
	sc.newLine(nil)
	if !asked(job) || !asked(other) {
		t.Error("the yes holds when nothing runs any more")
	}
}
