package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
)

// ErrNotWritten is returned by Append when the event is not on disk. It is
// kept in memory (as far as there is room) and written, behind a gap event,
// when the trail works again.
var ErrNotWritten = errors.New("the trail cannot be written")

const (
	// patience is how long Append, Open and Close wait for a disk: far above a
	// slow fsync, and short enough that nobody takes the shell for dead.
	patience = 2 * time.Second
	// impatience is how long they wait when the last wait was in vain: long
	// enough for a disk that answers again.
	impatience = 50 * time.Millisecond
	// tick is how often heads are signed, lazy events synced and a trail in
	// trouble tried again.
	tick = time.Second
	// queueLen is how many events may wait for a disk that does not answer.
	queueLen = 1024
	// spoolEvents and spoolBytes bound what is kept while the trail cannot be
	// written: some hours of typing, and never much of the session's memory.
	spoolEvents = 4096
	spoolBytes  = 4 << 20
)

// SessionInfo says whose session a journal is for.
type SessionInfo struct {
	ID      string // a ULID; "" makes one
	User    string
	UID     int
	TTY     string // "" where there is none
	Host    string
	Peer    string   // the address that the session came from
	Parent  string   // the session that this one started in
	Cwd     string   //
	Argv    []string // how guardsh was called
	Version string   // of guardsh
	// Shared is for sessions without a terminal: they write into one journal a
	// day and user, and have no recording.
	Shared bool
	// OnTrouble is told once when the trail cannot be written, and once with
	// nil when it works again. It may be nil. It runs on its own goroutine.
	OnTrouble func(error)
	// OnHead is given signed heads of the journal, a line each, to be kept where
	// a root of this machine cannot change them: one a minute at most, and the
	// last, but for a Shared session's. It may be nil, and is waited for.
	OnHead func(head string)
}

// Root is where this user's trail is: /var/log/guardsh for root, else guardsh
// below $XDG_STATE_HOME or ~/.local/state. No home directory is needed to
// start: without one it is below the directory for temporary files.
func Root() string {
	if os.Geteuid() == 0 {
		return "/var/log/guardsh"
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "guardsh")
	}
	if h, err := os.UserHomeDir(); err == nil && filepath.IsAbs(h) {
		return filepath.Join(h, ".local/state/guardsh")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("guardsh-%d", os.Geteuid()))
}

// Journal writes one session's events. Its methods may be called from any
// goroutine. None of them waits longer than two seconds, and only the first one
// does when the disk does not answer.
type Journal struct {
	dir     string
	session string
	info    SessionInfo
	lost    atomic.Int64 // events dropped since the last gap event
	stuck   atomic.Bool  // the writer did not answer in time, and has not since

	reqs   chan request
	done   chan struct{} // the writer is over
	notify chan error

	mu      sync.Mutex
	trouble error // what OnTrouble was told last
	closed  bool
}

type request struct {
	ev    *Event // nil: nothing to write
	sync  bool
	close bool
	sign  bool       // there is time for a head, and nothing to write
	done  chan error // buffered; nil when nobody waits
}

// Open starts a session's journal below the trail root dir ("" means Root()).
//
// The journal is always usable. An error says that the trail cannot be written
// now and events are kept in memory; OnTrouble is told the same.
func Open(dir string, info SessionInfo) (*Journal, error) {
	if dir == "" {
		dir = Root()
	}
	now := time.Now()
	if info.ID == "" {
		info.ID = ulid.MustNewDefault(now).String()
	}
	name := info.ID
	if info.Shared {
		name = dayName(now, info)
	}
	j := &Journal{
		dir:     filepath.Join(dir, name),
		session: info.ID,
		info:    info,
		reqs:    make(chan request, queueLen),
		done:    make(chan struct{}),
		notify:  make(chan error, 8),
	}
	go j.tell()
	w := &writer{j: j, root: dir, name: name}
	go w.run()
	start := &Event{
		Time: now, Kind: SessionStart,
		User: info.User, UID: Int(info.UID), TTY: info.TTY, Host: info.Host, Peer: info.Peer, Parent: info.Parent,
		Cwd: info.Cwd, Argv: redactArgv(info.Argv), Text: info.Version,
		PID: os.Getpid(), PIDStart: pidStart(os.Getpid()),
	}
	return j, j.send(start, false, false)
}

// dayLen is the length of a shared journal's date, with the hyphen behind it.
const dayLen = len("2006-01-02-")

// isDay reports whether a journal is shared: a session that runs past midnight
// goes on in the day it began.
func isDay(name string) bool {
	return len(name) > dayLen && name[4] == '-' && name[7] == '-' && name[10] == '-'
}

// dayName is the directory that a user's sessions without a terminal share.
func dayName(t time.Time, info SessionInfo) string {
	user := []byte(info.User)
	for i, c := range user {
		if c == '/' || c == '.' && i == 0 || c < ' ' || c >= 0x7f {
			user[i] = '_'
		}
	}
	if len(user) == 0 {
		user = fmt.Appendf(nil, "%d", info.UID)
	}
	return t.UTC().Format("2006-01-02") + "-" + string(user)
}

// CastPath is where the session's recording belongs; "" for a shared journal.
func (j *Journal) CastPath() string {
	if j.info.Shared {
		return ""
	}
	return filepath.Join(j.dir, CastName)
}

// Session is the session's id.
func (j *Journal) Session() string { return j.session }

// Append writes an event. When it returns nil the event is on disk: a line may
// be released. Else the error wraps ErrNotWritten and says why, and the policy
// decides about the line.
func (j *Journal) Append(e Event) error { return j.send(&e, true, false) }

// AppendLazy writes an event that nothing waits for (program starts, a line's
// end): it is handed to the kernel at once and synced within a second or with
// the next Append. A killed guardsh loses nothing, a power cut that second.
// It never waits for the disk.
func (j *Journal) AppendLazy(e Event) { j.post(&e) }

// SignAhead signs what is on the disk while nothing waits for the journal: a shared
// one has nothing more to sign then when its session ends.
func (j *Journal) SignAhead() {
	if !j.info.Shared {
		return // a long session signs each second
	}
	select {
	case j.reqs <- request{sign: true}:
	default:
	}
}

// Close writes the session's end and its final head. reason is "" or what
// ended it (a signal, a lost terminal).
func (j *Journal) Close(status int, reason string) error {
	j.mu.Lock()
	was := j.closed
	j.closed = true
	j.mu.Unlock()
	if was {
		return nil
	}
	end := &Event{Kind: SessionEnd, Status: Int(status), Reason: reason}
	return j.send(end, !j.info.Shared, true)
}

// Trouble is why the trail cannot be written now; nil when it can.
func (j *Journal) Trouble() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.trouble
}

// prepare fills what the journal knows and takes the secrets out.
func (j *Journal) prepare(e *Event) {
	e.V, e.Session = Version, j.session
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC().Round(time.Microsecond)
	redactEvent(e)
}

func (j *Journal) send(e *Event, sync, last bool) error {
	j.prepare(e)
	r := request{ev: e, sync: sync, close: last, done: make(chan error, 1)}
	wait := patience
	if j.stuck.Load() {
		wait = impatience
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case j.reqs <- r:
	case <-j.done:
		return fmt.Errorf("%w: the journal is closed", ErrNotWritten)
	case <-timer.C: // a thousand events are waiting
		j.stuck.Store(true)
		j.lost.Add(1)
		err := fmt.Errorf("%w: %s does not answer", ErrNotWritten, j.dir)
		j.setTrouble(err)
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-j.done:
		select {
		case err := <-r.done:
			return err
		default:
			return fmt.Errorf("%w: the journal is closed", ErrNotWritten)
		}
	case <-timer.C:
		select {
		case err := <-r.done: // it was this process that stood still: stopped, or without a processor
			return err
		default:
		}
		j.stuck.Store(true)
		err := fmt.Errorf("%w: %s does not answer", ErrNotWritten, j.dir)
		j.setTrouble(err)
		return err
	}
}

func (j *Journal) post(e *Event) {
	j.prepare(e)
	select {
	case j.reqs <- request{ev: e}:
	default:
		j.lost.Add(1)
	}
}

// setTrouble tells OnTrouble when the state changes.
func (j *Journal) setTrouble(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if (err == nil) == (j.trouble == nil) {
		return
	}
	j.trouble = err
	select {
	case j.notify <- err:
	default: // eight changes that nobody took: the last ones do not matter
	}
}

func (j *Journal) tell() {
	for {
		select {
		case err := <-j.notify:
			if j.info.OnTrouble != nil {
				j.info.OnTrouble(err)
			}
		case <-j.done:
			return
		}
	}
}
