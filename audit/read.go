package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ReadJournal reads the events of one journal's directory. What can be read is
// returned even with an error, which names each line that cannot.
func ReadJournal(dir string) ([]Event, error) {
	f, err := openRegular(filepath.Join(dir, EventsName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readEvents(f)
}

func readEvents(f io.Reader) ([]Event, error) {
	var events []Event
	var errs []error
	r := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(r)
		if err == io.EOF {
			return events, errors.Join(errs...)
		}
		if err == io.ErrUnexpectedEOF { // a write that was not finished: not an event yet
			return events, errors.Join(errs...)
		}
		if err != nil {
			return events, errors.Join(append(errs, fmt.Errorf("%s:%d: %w", EventsName, n, err))...)
		}
		e, err := decode(line)
		if err != nil {
			if len(errs) < 100 {
				errs = append(errs, fmt.Errorf("%s:%d: %w", EventsName, n, err))
			}
			continue
		}
		events = append(events, *e)
	}
}

// openRegular opens a file for reading, and only a file: a FIFO that someone
// put there must not hang the reader.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("open %s: not a regular file", path)
	}
	return f, nil
}

// State says whether a session is over.
type State string

const (
	Running State = "open"   // its process lives
	Ended   State = "ended"  // it wrote its end
	Killed  State = "killed" // its process is gone and wrote no end
)

// Session is one session as the trail tells it.
type Session struct {
	ID      string
	Dir     string // of its journal
	Shared  bool   // the journal holds other sessions too
	Start   time.Time
	End     time.Time // of the last event
	User    string
	TTY     string
	Host    string
	Peer    string
	State   State
	Status  *int
	Lines   []Line
	Others  []Event // what belongs to no line: gap, degraded, break-glass, policy …
	Damaged error   // lines of the journal that could not be read
}

// Refusals is how many of the session's lines did not run.
func (s *Session) Refusals() int {
	n := 0
	for i := range s.Lines {
		if s.Lines[i].Outcome() == Refused {
			n++
		}
	}
	return n
}

// Line is a line with all that belongs to it.
type Line struct {
	Event     Event
	Questions []Event
	Answers   []Event
	Programs  []Event
	Snapshots []string
	End       *Event
}

// Outcome is what became of the line; "" while that is open.
func (l *Line) Outcome() Outcome {
	if l.End != nil && l.End.Outcome != "" {
		return l.End.Outcome
	}
	if l.Event.Outcome != "" {
		return l.Event.Outcome
	}
	if n := len(l.Answers); n > 0 {
		if o := l.Answers[n-1].Outcome; o != "" {
			return o
		}
		switch l.Answers[n-1].Answer {
		case "yes":
		case "cancelled":
			return Cancelled
		default:
			return Refused
		}
	}
	if l.End != nil {
		return Ran
	}
	if l.Event.Verdict == "block" {
		return Refused
	}
	return ""
}

// ErrNoTrail says that there is no trail to read.
var ErrNoTrail = errors.New("no session is recorded yet")

// Sessions reads all sessions below a trail root, newest first.
func Sessions(root string) ([]Session, error) {
	names, err := journals(root)
	if err != nil {
		return nil, err
	}
	var all []Session
	for _, name := range names {
		if name == HostLog {
			continue
		}
		all = append(all, readSessions(filepath.Join(root, name))...)
	}
	slices.SortStableFunc(all, func(a, b Session) int {
		if c := b.Start.Compare(a.Start); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return all, nil
}

// Find is the session that id names: a prefix that no other session has, or
// "last" or "" for the newest.
func Find(root, id string) (*Session, error) {
	all, err := Sessions(root)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoTrail, root)
	}
	if id == "" || id == "last" {
		return &all[0], nil
	}
	var found *Session
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
		if strings.HasPrefix(strings.ToUpper(all[i].ID), strings.ToUpper(id)) {
			if found != nil {
				return nil, fmt.Errorf("session %q is not unique: %s and %s", id, found.ID, all[i].ID)
			}
			found = &all[i]
		}
	}
	if found == nil {
		return nil, fmt.Errorf("no session %q in %s", id, root)
	}
	return found, nil
}

// journals names the directories below root that hold a journal.
func journals(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%w in %s", ErrNoTrail, root)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, e.Name(), EventsName)); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func readSessions(dir string) []Session {
	events, err := ReadJournal(dir)
	var order []*Session
	byID := map[string]*Session{}
	for i := range events {
		e := &events[i]
		s := byID[e.Session]
		if s == nil {
			s = &Session{ID: e.Session, Dir: dir, Shared: e.Session != filepath.Base(dir), Start: e.Time, State: Killed, Damaged: err}
			byID[e.Session] = s
			order = append(order, s)
		}
		s.add(e)
	}
	out := make([]Session, len(order))
	for i, s := range order {
		out[i] = *s
	}
	return out
}

func (s *Session) add(e *Event) {
	s.End = e.Time
	switch e.Kind {
	case SessionStart:
		s.User, s.TTY, s.Host, s.Peer, s.Start = e.User, e.TTY, e.Host, e.Peer, e.Time
		if e.PID > 0 && e.PIDStart > 0 && pidStart(e.PID) == e.PIDStart {
			s.State = Running
		}
		return
	case SessionEnd:
		s.State, s.Status = Ended, e.Status
		return
	case LineRead:
		s.Lines = append(s.Lines, Line{Event: *e})
		return
	}
	l := s.line(e.Line)
	if l == nil {
		s.Others = append(s.Others, *e)
		return
	}
	switch e.Kind {
	case Question:
		l.Questions = append(l.Questions, *e)
	case Answer:
		l.Answers = append(l.Answers, *e)
	case Program:
		l.Programs = append(l.Programs, *e)
	case SnapshotTaken:
		l.Snapshots = append(l.Snapshots, e.Snapshots...)
	case End:
		l.End = e
		l.Snapshots = append(l.Snapshots, e.Snapshots...)
	default:
		s.Others = append(s.Others, *e)
	}
}

// line is the line with a number; nil for none. It is nearly always the last.
func (s *Session) line(n int) *Line {
	for i := len(s.Lines) - 1; n > 0 && i >= 0; i-- {
		if s.Lines[i].Event.Line == n {
			return &s.Lines[i]
		}
	}
	return nil
}
