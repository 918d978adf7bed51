package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"guardsh/audit"
	"guardsh/audit/cast"
	"guardsh/guard/ask"
	"guardsh/guard/bash"
	"guardsh/guard/host"
	"guardsh/guard/proc"
	"guardsh/guard/supervise"
	"guardsh/rules"
)

// trail writes a session's story in the audit room's words.
type trail struct {
	j      *audit.Journal // once opened is closed: see journal
	opened chan struct{}

	mu      sync.Mutex
	rec     *cast.Recorder // nil where there is no recording
	recFail bool           // the trail holds that the recording fails
	trouble error          // the last append's
	told    bool           // the user knows of it
}

// openTrail begins to open the journal, which nothing waits for until there is
// something to write down. A journal that cannot be written is usable all the
// same: it keeps events in memory, and the session says so once.
func openTrail(p Place) *trail {
	t := &trail{opened: make(chan struct{})}
	go func() {
		defer close(t.opened)
		name, _ := os.Hostname() // "" where it has none
		cwd, _ := os.Getwd()
		t.j, t.trouble = audit.Open(p.Trail, audit.SessionInfo{
			User:    sessionUser(),
			UID:     os.Geteuid(),
			TTY:     p.TTY,
			Host:    name,
			Peer:    host.Peer(),
			Parent:  parentSession(),
			Cwd:     cwd,
			Argv:    os.Args,
			Version: Version,
			Shared:  !p.Interactive,
			OnHead:  sendHead,
		})
	}()
	return t
}

// journal is what the trail is written to.
func (t *trail) journal() *audit.Journal {
	<-t.opened
	return t.j
}

// headTime bounds the wait for a system log that does not read: the next head
// holds all that this one did.
const headTime = 200 * time.Millisecond

// sendHead sends a signed head away with the system log.
func sendHead(head string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tellLog(context.Background(), head)
	}()
	select {
	case <-done:
	case <-time.After(headTime):
	}
}

// parentSession is the id of the session that this one started in. sudo and su
// clean the environment: theirs, which root may read, still names it. What has no
// terminal is a daemon, whatever session it was once started in.
func parentSession() string {
	if id := os.Getenv(sessionVariable); id != "" {
		return id
	}
	for pid := range supervise.Above(os.Getpid()) {
		if bash.TTYOf(pid) == "" {
			break
		}
		env, _ := proc.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		for kv := range strings.SplitSeq(string(env), "\x00") {
			if id, ok := strings.CutPrefix(kv, sessionVariable+"="); ok && id != "" {
				return id
			}
		}
	}
	return ""
}

// running says that nothing waits for the trail while a line runs.
func (t *trail) running() { t.journal().SignAhead() }

func (t *trail) id() string { return t.journal().Session() }

// put appends an event that the line waits for.
func (t *trail) put(e audit.Event) {
	err := t.journal().Append(e)
	t.mu.Lock()
	t.trouble = err
	if err == nil {
		t.told = false
	}
	t.mu.Unlock()
}

// start is a program's start below a line about which there was something to
// say.
func (t *trail) start(n int, r Request, j Judgement, pid int, o audit.Outcome) {
	t.put(audit.Event{Kind: audit.Program, Line: n, Text: r.Src, Cwd: r.Cwd, PID: pid, Outcome: o,
		Verdict: j.Decision.Verdict.String(), Findings: findings(j), Unknowns: j.Decision.Unknowns})
}

// programs counts the starts of one program below a line.
func (t *trail) programs(n int, path string, count int) {
	t.journal().AppendLazy(audit.Event{Kind: audit.Program, Line: n, Argv: []string{path}, Count: count})
}

func findings(j Judgement) (out []audit.Finding) {
	for _, f := range j.Decision.Findings {
		out = append(out, audit.Finding{
			Rule: f.Rule, Verdict: f.Verdict.String(), Effect: string(f.Effect), Object: f.Object,
			Summary: f.Summary, Details: f.Details, Hint: f.Hint, Snapshot: f.Snapshot,
		})
	}
	return out
}

func (t *trail) line(n int, r Request, j Judgement) {
	e := audit.Event{
		Kind: audit.LineRead, Line: n, Text: r.part(), Source: string(r.Source), Cwd: r.Cwd, TTY: r.TTY,
		User: r.user(), Verdict: j.Decision.Verdict.String(), Unknowns: j.Decision.Unknowns,
	}
	e.Offset = t.offset()
	e.Findings = findings(j)
	if len(j.Decision.Findings) > 0 && j.Facts != nil {
		// The facts are for judging the line again; those of a line that
		// nothing was said about would only fill the disk.
		if b, err := json.Marshal(j.Facts); err == nil {
			e.Facts = b
		}
	}
	if j.Failed != nil {
		e.Reason = j.Failed.Error()
	}
	t.put(e)
}

func (t *trail) question(n int, j Judgement) {
	t.put(audit.Event{Kind: audit.Question, Line: n, Text: j.Decision.Findings[0].Summary, Verdict: j.Decision.Verdict.String()})
}

func (t *trail) answer(n int, a ask.Answer) {
	e := audit.Event{Kind: audit.Answer, Line: n, Answer: answerWord(a), Took: a.Took}
	if !a.Yes {
		e.Outcome = audit.Refused
	}
	t.put(e)
}

// answerWord is the answer in the trail's words: an answer that nobody typed
// says what it was made of.
func answerWord(a ask.Answer) string {
	switch {
	case a.Yes:
		return "yes"
	case a.How == ask.Typed || a.How == "":
		return "no"
	}
	return "no: " + string(a.How)
}

func (t *trail) kept(n int, id string, reach string) {
	t.put(audit.Event{Kind: audit.SnapshotTaken, Line: n, Snapshots: []string{id}, Text: reach})
}

func (t *trail) refused(n int) {
	t.put(audit.Event{Kind: audit.End, Line: n, Outcome: audit.Refused, Status: audit.Int(StatusRefused)})
}

func (t *trail) cancelled(n int) {
	t.journal().AppendLazy(audit.Event{Kind: audit.End, Line: n, Outcome: audit.Cancelled})
}

func (t *trail) ended(n, status int, took time.Duration) {
	e := audit.Event{Kind: audit.End, Line: n, Outcome: audit.Ran, Status: audit.Int(status), Duration: took}
	e.Offset = t.offset()
	t.journal().AppendLazy(e)
}

// over is ended where the line's own status is not known.
func (t *trail) over(n int, took time.Duration) {
	t.journal().AppendLazy(audit.Event{Kind: audit.End, Line: n, Outcome: audit.Ran, Duration: took})
}

func (t *trail) degraded(why string) {
	t.journal().AppendLazy(audit.Event{Kind: audit.Degraded, Reason: why})
}

func (t *trail) breakGlass(a Allowance) {
	t.put(audit.Event{Kind: audit.BreakGlass, Rule: a.Rule, Reason: a.Reason, User: a.By, Until: &a.Until,
		Text: fmt.Sprintf("%s passes until %s: %s", a.Rule, a.Until.Format(time.RFC3339), a.Reason)})
}

func (t *trail) passed(n int, f rules.Finding, why string) {
	t.put(audit.Event{Kind: audit.BreakGlass, Line: n, Rule: f.Rule, Reason: why, Text: f.Summary})
}

// news is what has to be told about the trail, once for each trouble.
func (t *trail) news() string {
	<-t.opened
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trouble == nil || t.told {
		return ""
	}
	t.told = true
	return notice(fmt.Sprintf("%v; what happens is kept in memory until it can be", t.trouble))
}

func (t *trail) setRecorder(rec *cast.Recorder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rec = rec
}

func (t *trail) recorder() *cast.Recorder {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rec
}

// offset is where in the recording the session is now.
func (t *trail) offset() int64 {
	if rec := t.recorder(); rec != nil {
		return rec.Offset()
	}
	return 0
}

// recordingFailed notes once that the recording cannot be written.
func (t *trail) recordingFailed(err error) {
	t.mu.Lock()
	first := !t.recFail
	t.recFail = true
	t.mu.Unlock()
	if first {
		t.degraded(fmt.Sprintf("the recording: %v", err))
	}
}

func (t *trail) close(status int) {
	if rec := t.recorder(); rec != nil {
		if err := rec.Close(status); err != nil {
			t.recordingFailed(err)
		}
	}
	t.mu.Lock()
	told := t.told
	t.mu.Unlock()
	if err := t.journal().Close(status, ""); err != nil && !told {
		fmt.Fprintf(os.Stderr, "guardsh: the end of the session is not in the trail: %v\n", err)
	}
}
