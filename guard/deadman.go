package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/audit"
	"guardsh/audit/snapshot"
	"guardsh/guard/bash"
	"guardsh/rules"
)

// A change that may cut this session off runs under a dead-man timer: a
// process of its own, which outlives the session, puts the state back unless
// somebody shows in time that they can still reach the machine, by Enter at
// the next prompt or by guardsh keep.
//
// The timer's file is in the store's keep directory, and its name says how far
// it has come: whoever renames ID.waiting first has decided.
const (
	deadmanWaiting   = ".waiting"
	deadmanRestoring = ".restoring"
	deadmanRestored  = ".restored"
)

const (
	// keepWithin is how long a person has: an ssh that hangs is noticed, and
	// another login tried, within a minute.
	keepWithin = time.Minute
	// typedAhead is how long after a prompt an Enter may still have been
	// typed before it: as for a question.
	typedAhead = time.Second
	// putBackTime bounds the putting back.
	putBackTime = time.Minute
)

// timerVerb is how guardsh is called for the timer's process.
var timerVerb = []string{"keep", "--timer"}

// deadman is one timer, as its file holds it.
type deadman struct {
	Store    string    `json:"store"`
	Snapshot string    `json:"snapshot"`
	Line     string    `json:"line"`
	Until    time.Time `json:"until"`
	TTY      string    `json:"tty,omitempty"`
	Failed   []string  `json:"failed,omitempty"` // what could not be put back
	Told     bool      `json:"told,omitempty"`   // the session's terminal showed it

	file string // without its suffix
}

// deadmanStates are what a timer puts back: what carries a session.
var deadmanStates = []snapshot.Class{snapshot.Network, snapshot.IPTables, snapshot.IP6Tables, snapshot.NFTables, snapshot.Unit}

// deadmanItems are what the timer of a line has to put back; none where the
// line does not reach this session.
func deadmanItems(j Judgement, plan snapshot.Plan) []snapshot.Item {
	if !slices.ContainsFunc(j.Decision.Findings, func(f rules.Finding) bool { return f.Snapshot == "network" && f.Verdict >= rules.Notify }) {
		return nil
	}
	var items []snapshot.Item
	for _, it := range plan.Items {
		if slices.Contains(deadmanStates, it.Class) {
			items = append(items, it)
		}
	}
	return items
}

// arm starts the timer for a line whose snapshot was taken.
func (s *Session) arm(ctx context.Context, r Request, j Judgement, plan snapshot.Plan, snap *snapshot.Snapshot, out *Outcome) {
	items := deadmanItems(j, plan)
	if len(items) == 0 || snap.Reach == snapshot.None {
		return
	}
	d, err := s.startTimer(ctx, r, plan, snap, items, out)
	if err != nil {
		s.trail.degraded("no dead-man timer: " + err.Error())
		out.mustSay(notice(fmt.Sprintf("nothing puts this back by itself: %v", err)))
		return
	}
	how := "guardsh keep runs"
	if r.Source == Prompt {
		how = "you press Enter at the next prompt, or " + how
	}
	out.mustSay(notice(fmt.Sprintf("it is put back in %s unless %s", time.Until(d.Until).Round(time.Second), how)))
	s.mu.Lock()
	s.timers = append(s.timers, d)
	s.mu.Unlock()
}

func (s *Session) startTimer(ctx context.Context, r Request, plan snapshot.Plan, snap *snapshot.Snapshot, items []snapshot.Item, out *Outcome) (*deadman, error) {
	id := snap.ID
	if len(items) < len(plan.Items) {
		// What else the line does is not the timer's to take back.
		own, err := s.store.Take(ctx, snapshot.Plan{Session: plan.Session, Line: plan.Line, Items: items})
		if err != nil {
			return nil, err
		}
		id = own.ID
		out.Kept = append(out.Kept, id)
	}
	within := s.Config.Snapshots.KeepWithin
	if within == 0 {
		within = keepWithin
	}
	dir := filepath.Join(s.store.Root(), "keep")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &deadman{Store: s.store.Root(), Snapshot: id, Line: plan.Line, Until: time.Now().Add(within), TTY: r.TTY, file: filepath.Join(dir, id)}
	if err := d.write(deadmanWaiting); err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe", append(slices.Clone(timerVerb), d.file)...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal that goes takes it along
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.Remove(d.file+deadmanWaiting))
	}
	go func() { _ = cmd.Wait() }() // only so that it is no zombie
	return d, nil
}

func (d *deadman) write(suffix string) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(d.file+suffix, b, 0o600)
}

// RunTimer is the timer's process: it waits, and puts back what nobody kept.
func RunTimer(file string) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE)
	d, err := readDeadman(file, deadmanWaiting)
	if err != nil {
		return err
	}
	time.Sleep(time.Until(d.Until)) // for whoever keeps it, until then
	if err := os.Rename(file+deadmanWaiting, file+deadmanRestoring); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was kept
		}
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), putBackTime)
	defer cancel()
	st, err := snapshot.Open(d.Store)
	if err == nil {
		var rep snapshot.Report
		// By force: what came after the line came while nobody could say
		// that it was right.
		rep, err = st.Restore(ctx, d.Snapshot, snapshot.RestoreOptions{Force: true})
		d.Failed = rep.Failed
	}
	if err != nil {
		d.Failed = append(d.Failed, err.Error())
	}
	d.Until = time.Now()
	d.Told = d.tell() == nil
	return errors.Join(d.write(deadmanRestored), os.Remove(file+deadmanRestoring))
}

// tell says on the session's terminal, if that still is one, what was done.
func (d *deadman) tell() error {
	t, err := os.OpenFile(d.TTY, os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if !isTerminal(t) { // its number may be another thing's by now
		return errors.Join(os.ErrInvalid, t.Close())
	}
	_, err = t.WriteString("\r\n" + strings.ReplaceAll(d.words(), "\n", "\r\n"))
	return errors.Join(err, t.Close())
}

func readDeadman(file, suffix string) (*deadman, error) {
	b, err := os.ReadFile(file + suffix)
	if err != nil {
		return nil, err
	}
	d := &deadman{file: file}
	return d, json.Unmarshal(b, d)
}

// words say that a timer ran out.
func (d *deadman) words() string {
	say := fmt.Sprintf("guardsh: put back at %s, since nobody kept it: %s\n", d.Until.Format("15:04:05"), Printable(d.Line))
	for _, f := range d.Failed {
		say += fmt.Sprintf("guardsh: not put back: %s\n", Printable(f))
	}
	return say
}

// keep decides that a change stays. It reports whether there was still time.
func (d *deadman) keep() bool { return os.Remove(d.file+deadmanWaiting) == nil }

// Keep keeps every change that a timer of this store would put back, and gives
// back their lines. root "" is the store of this machine's configuration.
func Keep(root string) ([]string, error) {
	st, err := snapshot.Open(root)
	if err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(st.Root(), "keep", "*"+deadmanWaiting))
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, n := range names {
		d, err := readDeadman(strings.TrimSuffix(n, deadmanWaiting), deadmanWaiting)
		if err != nil || !d.keep() {
			continue // decided meanwhile
		}
		lines = append(lines, d.Line)
	}
	return lines, nil
}

// tendTimers looks after the session's timers at a prompt: an Enter alone, a
// while after the last prompt, comes from somebody who can see it.
func (s *Session) tendTimers(p bash.Prompt) {
	s.mu.Lock()
	timers, last := slices.Clone(s.timers), s.prompted
	s.prompted = time.Now()
	s.mu.Unlock()
	if len(timers) == 0 {
		return
	}
	enter := p.Nonce == "" && !p.First && !last.IsZero() && time.Since(last) >= typedAhead
	var left []*deadman
	say := ""
	for _, d := range timers {
		if done, err := readDeadman(d.file, deadmanRestored); err == nil {
			_ = os.Remove(d.file + deadmanRestored)
			if !done.Told {
				say += done.words()
			}
			s.trail.journal().AppendLazy(audit.Event{Kind: audit.Machine, Rule: "net/put-back", Text: strings.TrimSpace(done.words())})
			continue
		}
		if enter && d.keep() {
			say += notice("kept: " + d.Line)
			s.trail.journal().AppendLazy(audit.Event{Kind: audit.Machine, Rule: "net/kept", Text: "kept: " + d.Line})
			continue
		}
		_, waits := os.Stat(d.file + deadmanWaiting)
		_, restores := os.Stat(d.file + deadmanRestoring)
		if waits == nil || restores == nil {
			left = append(left, d)
		}
	}
	s.mu.Lock()
	// One that was started meanwhile, for a line of another shell, stays.
	s.timers = slices.DeleteFunc(s.timers, func(d *deadman) bool {
		return slices.Contains(timers, d) && !slices.Contains(left, d)
	})
	s.mu.Unlock()
	if say != "" {
		p.Say(say)
	}
}
