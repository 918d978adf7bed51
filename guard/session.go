package guard

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"guardsh/audit"
	"guardsh/audit/snapshot"
	"guardsh/guard/ask"
	"guardsh/guard/bash"
	"guardsh/rules"
)

// Source says how a line came to the session, as the trail has it.
type Source string

const (
	Prompt  Source = "prompt" // typed
	Command Source = "-c"     //
	Script  Source = "script" // guardsh FILE
	Stdin   Source = "stdin"  // a script on standard input
	Sudo    Source = "sudo"   // the sudo wrapper
	Exec    Source = "exec"   // guardsh exec
	Started Source = "start"  // a program that something below a line starts
)

// Request is one line that wants to run.
type Request struct {
	Src       string // the bytes that will run
	Source    Source
	Shell     Shell
	Unguarded Unguarded // why nobody judges what is typed into a shell that the line opens
	Unseen    bool      // the shell runs a line that the gate could not see; Src is what is known of it
	Cwd       string
	TTY       string
	Before    *before // what earlier parts of the line's input do, which is over; nil: nothing is kept
	Part      string  // of Src: what is new of it, and is asked about and recorded; "" all
	Last      bool    // no shell waits behind the built-in one that the line would leave
	Behind    bool    // root's side judges it again, with what only root sees, and keeps what it changes
	scope     *scope  // of the shell whose line it is; nil: the session's own
	// IsBehind says whether that is so, when it is known whether anything was found
	// about the line; nil: Behind does.
	IsBehind func(found bool) bool
	// Alone says that nothing runs yet: a signal that ends this process ends the
	// question too, and is not for a child.
	Alone bool
	// Open takes the terminal of whoever typed the line, and gives it back by
	// restore. An error means that nobody can be asked.
	Open func() (in, out *os.File, restore func(), err error)
	// Say prints words there; each line ends in \n. nil is standard error.
	Say func(string)
}

// Outcome is what became of a request.
type Outcome struct {
	Release  bool
	Number   int // of the line in its session
	Kept     []string
	Say      string // what to tell the user before the shell goes on
	must     string // what of it is said of a released line even where nobody sits
	released time.Time
	checks   []check        // asked again when the line is over
	plan     *snapshot.Plan // what the question said can be brought back
	scope    *scope         // of the shell whose line it is; nil for a start below it
	start    bool           // it is a program's start below the line, whose refusal does not end the line
	broken   bool           // ^C was the answer
}

// mustSay adds words that nobody may do without.
func (o *Outcome) mustSay(words string) {
	o.Say += words
	o.must += words
}

// Session is one guarded shell: the machine, the rules, the trail, the store.
// Its methods may be called from several goroutines: shells within shells.
type Session struct {
	Judge   *Judge
	Config  Config
	Problem []string // what did not work at the start, in words for the user

	exposed []exposure
	ungated bool // nobody judges the lines of its shell
	place   Place
	trail   *trail
	store   *snapshot.Store
	storeMu sync.Mutex

	mu       sync.Mutex
	lines    int
	recent   map[string]ran // lines that destroy and ran within the last minute
	timers   []*deadman     // dead-man timers that were started
	prompted time.Time      // when the last prompt was shown
	scopes   scopes
	starts   starts
	killed   syscall.Signal // what ended bash; 0 where it ended by itself
	arrived  atomic.Bool    // what a wrapper in front had sudo start
	denied   atomic.Bool    // and that it found that sudoers denies the command
}

// Killed is the signal that ended the session's bash, 0 where none did.
func (s *Session) Killed() syscall.Signal { return s.killed }

// Line is the life of one line: it is understood and judged, asked about,
// what it would change is kept, all of it is recorded, and only then is it
// released. The bytes that were judged are the bytes that are recorded.
func (s *Session) Line(ctx context.Context, r Request) Outcome {
	sc := s.scopeOfRequest(r)
	out := Outcome{Number: s.nextLine(), scope: sc}
	j := s.understandAndJudge(r)
	s.trail.line(out.Number, r, j)
	s.passGranted(sc, &j, out.Number)
	if r.IsBehind != nil && j.Decision.Verdict < rules.Block {
		r.Behind = r.IsBehind(len(j.Decision.Findings) > 0)
	}
	goes := s.askAbout(ctx, r, j, &out) && (r.Behind || s.keep(ctx, r, j, &out))
	out.mustSay(s.trail.news())
	if !goes {
		return out
	}
	out.checks = checksOf(j)
	s.passOn(sc, j, out.Number)
	out.Release, out.released = true, time.Now()
	s.ranNow(r, j)
	return out
}

// understandAndJudge judges the request's bytes, and adds what the gate itself
// has to say of them.
func (s *Session) understandAndJudge(r Request) Judgement {
	j := s.Judge.Line(r.Src, r.Shell)
	if r.Before != nil {
		s.Judge.newIn(&j, r.Before)
	}
	if r.Unseen {
		j.Decision = rules.Unseen(j.Decision)
	}
	if r.Source == Rescued {
		j.leaving(r.Last)
	}
	s.tellAgain(r, &j)
	if r.Unguarded.Why != "" && isTerminal(os.Stdin) {
		j.tellOfShell(r.Unguarded)
	}
	return j
}

// Ended records that a released line is over, and gives the words to say about
// what it left behind.
func (s *Session) Ended(out Outcome, status int) (say string) {
	s.finish(out.Kept)
	if out.scope != nil {
		s.startsEnded(out.scope)
	}
	s.trail.ended(out.Number, status, time.Since(out.released))
	return s.left(out)
}

// over is Ended where the line's own status is not known.
func (s *Session) over(out Outcome) (say string) {
	s.finish(out.Kept)
	if out.scope != nil {
		s.startsEnded(out.scope)
	}
	s.trail.over(out.Number, time.Since(out.released))
	return s.left(out)
}

// finish records what a line left behind of what was kept for it.
func (s *Session) finish(kept []string) {
	if len(kept) == 0 {
		return
	}
	st, err := s.snapshots()
	for _, id := range kept {
		if err == nil {
			err = st.Finish(context.Background(), id)
		}
		if err != nil {
			s.trail.degraded(fmt.Sprintf("snapshot %s: the state after the line: %v", id, err))
		}
	}
}

// Cancelled records that a released or waiting line was taken back.
func (s *Session) Cancelled(out Outcome) { s.trail.cancelled(out.Number) }

func (s *Session) nextLine() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines++
	return s.lines
}

// askAbout says what has to be said and asks what has to be asked. It reports
// whether the line may run.
func (s *Session) askAbout(ctx context.Context, r Request, j Judgement, out *Outcome) bool {
	sc := s.scopeOfRequest(r)
	j = s.unanswered(sc, j)
	if j.Decision.Verdict >= rules.Confirm {
		bash.Begun()
	}
	switch j.Decision.Verdict {
	case rules.Allow:
		return true
	case rules.Notify:
		out.Say += s.words(j)
		sc.remember(j)
		return true
	case rules.Confirm, rules.Challenge:
		return s.question(ctx, r, j, out)
	case rules.Block:
		out.Say += s.words(j)
	default:
		out.Say += "guardsh: no verdict was reached, so the line does not run: this is a bug\n"
	}
	s.refused(*out)
	return false
}

// refused records that the line does not run.
func (s *Session) refused(out Outcome) {
	if !out.start {
		s.trail.refused(out.Number)
	}
}

// question asks on the terminal of whoever typed the line. Where there is
// none, it is a refusal that says how to approve the line.
func (s *Session) question(ctx context.Context, r Request, j Judgement, out *Outcome) bool {
	in, term, restore, err := r.open()
	if err != nil {
		if s.automated(j, out.Number) {
			s.scopeOfRequest(r).remember(j)
			return true
		}
		out.Say += s.words(j) + s.approval(j)
		s.refused(*out)
		return false
	}
	plan := s.foresee(ctx, j)
	out.plan = &plan
	q := ask.Question{
		Line:     r.part(),
		Started:  out.start,
		Decision: j.Decision,
		Undo:     s.undoWords(r, j, plan),
	}
	s.trail.question(out.Number, j)
	if r.Alone {
		var ended func() syscall.Signal
		ctx, ended = untilSignal(ctx)
		defer func() { s.killed = ended() }()
	}
	a, err := ask.Ask(ctx, ask.Terminal{In: in, Out: term}, q)
	restore()
	if err != nil {
		out.Say += fmt.Sprintf("guardsh: the question could not be asked (%v), so the line does not run\n", err)
	}
	s.trail.answer(out.Number, a)
	out.broken = a.How == ask.Interrupted
	if !a.Yes {
		return false
	}
	s.scopeOfRequest(r).remember(j)
	return true
}

// user is whose shell runs the line: below su it is another's than the session.
func (r Request) user() string {
	if r.Shell != nil {
		if u := r.Shell.User(); u != "" && u != "?" {
			return u
		}
	}
	return sessionUser()
}

// part is what is new of a line.
func (r Request) part() string { return cmp.Or(r.Part, r.Src) }

func (r Request) open() (in, out *os.File, restore func(), err error) {
	if r.Open == nil {
		return nil, nil, nil, os.ErrInvalid
	}
	return r.Open()
}

// keep takes the snapshot of what the line will change. It reports whether the
// line may run.
func (s *Session) keep(ctx context.Context, r Request, j Judgement, out *Outcome) bool {
	plan := snapshotPlan(j)
	if out.plan != nil {
		plan = *out.plan
	}
	if len(plan.Items) == 0 {
		return true
	}
	plan.Session, plan.Line, plan.Options = s.trail.id(), audit.Redact(r.part()), s.keepBudget()
	return s.takeSnapshot(ctx, r, j, plan, out)
}
