package audit

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Fault is the sort of a problem.
type Fault string

const (
	Edited    Fault = "edited"
	Dropped   Fault = "dropped"
	Inserted  Fault = "inserted"
	Reordered Fault = "reordered"
	Damaged   Fault = "damaged"         // not an event any more
	CutTail   Fault = "cut tail"        // the end of a journal is gone
	Missing   Fault = "missing session" // the host log knows it, its journal is gone
	Unlisted  Fault = "unlisted"        // the host log does not know it
	Rewritten Fault = "rewritten"       // whole in itself, but not what was signed
	BadHead   Fault = "bad head"        // a head that is damaged, unsigned or signed by another key
	NoHead    Fault = "no signed head"  // its tail may have been cut
)

// Problem is one thing that is wrong with a trail.
type Problem struct {
	Journal string `json:"journal"`
	Fault   Fault  `json:"fault"`
	Seq     int64  `json:"seq,omitempty"`  // of the event; 0 where it is about none
	To      int64  `json:"to,omitempty"`   // the last of several
	Kind    Kind   `json:"kind,omitempty"` // where the event is still there
	Text    string `json:"text,omitempty"`
	Detail  string `json:"detail"`
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(Printable(p.Journal))
	b.WriteString(": ")
	switch {
	case p.To > p.Seq:
		fmt.Fprintf(&b, "events %d to %d", p.Seq, p.To)
	case p.Seq > 0:
		fmt.Fprintf(&b, "event %d", p.Seq)
	}
	if p.Kind != "" {
		b.WriteString(" (" + Printable(string(p.Kind)))
		if p.Text != "" {
			fmt.Fprintf(&b, " %q", short(Printable(p.Text), 60))
		}
		b.WriteString(")")
	}
	if p.Seq > 0 {
		b.WriteString(": ")
	}
	b.WriteString(string(p.Fault))
	if p.Detail != "" {
		b.WriteString(": " + Printable(p.Detail))
	}
	return b.String()
}

// Summary is what was looked at.
type Summary struct {
	Journals int      `json:"journals"`
	Events   int      `json:"events"`
	Heads    int      `json:"heads"`
	Key      string   `json:"key,omitempty"`   // the verifier key that the heads were checked with
	Notes    []string `json:"notes,omitempty"` // what is worth knowing and not wrong: sessions that were killed
}

// Verify checks a trail root, or one journal's directory. key is the verifier
// key that the heads have to be signed with; without one the trail root's own
// key.pub is taken, which proves only that whoever wrote the heads had the key
// that lies beside them.
//
// The error says that the trail could not be looked at, not that it is bad.
func Verify(dir string, key ...string) ([]Problem, Summary, error) {
	v := verification{root: dir, journals: map[string]*verified{}}
	single := false
	if _, err := os.Lstat(filepath.Join(dir, EventsName)); err == nil {
		v.root, single = filepath.Dir(filepath.Clean(dir)), true
	}
	var names []string
	if single {
		names = []string{filepath.Base(filepath.Clean(dir))}
	} else {
		var err error
		if names, err = journals(dir); err != nil {
			return nil, v.sum, err
		}
		if len(names) == 0 {
			return nil, v.sum, fmt.Errorf("%w in %s", ErrNoTrail, dir)
		}
	}
	if err := v.loadKey(key); err != nil {
		return nil, v.sum, err
	}
	// The host log first, for the same reason that heads come before events.
	slices.SortStableFunc(names, func(a, b string) int { return boolInt(a != HostLog) - boolInt(b != HostLog) })
	for _, name := range names {
		if err := v.journal(name); err != nil {
			return v.problems, v.sum, err
		}
	}
	if !single {
		v.host(names)
	}
	slices.SortStableFunc(v.problems, func(a, b Problem) int { return strings.Compare(a.Journal, b.Journal) })
	return v.problems, v.sum, nil
}

type verification struct {
	root     string
	keys     note.Verifiers
	journals map[string]*verified
	problems []Problem
	sum      Summary
}

// verified is what one journal turned out to be.
type verified struct {
	lines []lineInfo
	roots map[int64]tlog.Hash // at the sizes that heads name
	heads int
	torn  int  // bytes of an unfinished event
	bad   bool // a problem was found in it
}

type lineInfo struct {
	e    *Event // nil: not an event
	own  string // the hash that it ought to carry
	why  error
	leaf tlog.Hash
	end  int64 // offset behind it in the file
}

func (v *verification) problem(name string, p Problem, l *lineInfo) {
	p.Journal = name
	if l != nil && l.e != nil {
		p.Kind, p.Text = l.e.Kind, short(l.e.Text, 200)
	}
	if j := v.journals[name]; j != nil {
		j.bad = true
	}
	v.problems = append(v.problems, p)
}

func (v *verification) loadKey(keys []string) error {
	if len(keys) == 0 {
		b, err := os.ReadFile(filepath.Join(v.root, keyPubName))
		if err != nil {
			v.keys = note.VerifierList()
			return nil // heads then are unverified, which is a problem of its own
		}
		keys = strings.Fields(string(b))
	}
	var list []note.Verifier
	for _, k := range keys {
		verifier, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return fmt.Errorf("verifier key %q: %w", short(Printable(k), 60), err)
		}
		list = append(list, verifier)
	}
	v.keys = note.VerifierList(list...)
	v.sum.Key = strings.Join(keys, " ")
	return nil
}

// journal checks one journal by itself: its chain and its heads.
func (v *verification) journal(name string) error {
	dir := filepath.Join(v.root, name)
	// The heads are read before the events: a session may be writing both.
	list, problems, err := v.readHeads(name, filepath.Join(dir, HeadsName))
	if err != nil {
		return err
	}
	f, err := openRegular(filepath.Join(dir, EventsName))
	if err != nil {
		return err
	}
	defer f.Close()
	j := &verified{roots: map[int64]tlog.Hash{}}
	v.journals[name] = j
	v.sum.Journals++
	size := int64(0)
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(r)
		if err == io.EOF {
			break
		}
		if err == io.ErrUnexpectedEOF {
			j.torn = len(line)
			break
		}
		if err != nil {
			v.problem(name, Problem{Fault: Damaged, Seq: int64(len(j.lines) + 1), Detail: err.Error()}, nil)
			break
		}
		size += int64(len(line)) + 1
		l := lineInfo{leaf: tlog.RecordHash(line), end: size}
		if l.e, l.why = decode(line); l.why == nil {
			l.own = lineHash(line)
		}
		j.lines = append(j.lines, l)
	}
	v.sum.Events += len(j.lines)
	v.chain(name, j)
	if j.torn > 0 {
		v.sum.Notes = append(v.sum.Notes, fmt.Sprintf("%s: the last event is unfinished (%d bytes): it was being written when the machine or the session died", name, j.torn))
	}
	v.heads(name, j, list, problems)
	return nil
}

// chain walks the events in the order of the file and names what does not fit.
func (v *verification) chain(name string, j *verified) {
	later := map[int64]int{} // how many lines with this number are still to come
	for i := range j.lines {
		if l := &j.lines[i]; l.why == nil && l.own == l.e.Hash {
			later[l.e.Seq]++
		}
	}
	want := int64(1)
	prev := []string{zeroHash} // what the next event may name; nil: anything
	late := map[int64]bool{}   // named as out of order already
	for i := range j.lines {
		l := &j.lines[i]
		if l.why != nil {
			v.problem(name, Problem{Fault: Damaged, Seq: want, Detail: fmt.Sprintf("line %d of the file: %v", i+1, l.why)}, nil)
			want, prev = want+1, nil
			continue
		}
		e := l.e
		follows := prev == nil || slices.Contains(prev, e.Prev)
		if l.own != e.Hash {
			if !follows && e.Seq > want {
				v.gap(name, want, e.Seq-1, later, late)
				want = e.Seq
			}
			v.problem(name, Problem{Fault: Edited, Seq: want, Detail: "it does not match its own hash"}, l)
			want, prev = want+1, []string{e.Hash, l.own}
			continue
		}
		later[e.Seq]--
		switch {
		case e.Seq == want && follows:
			want, prev = want+1, []string{e.Hash}
		case e.Seq == want:
			if i+1 < len(j.lines) && j.lines[i+1].e != nil && slices.Contains(prev, j.lines[i+1].e.Prev) && j.lines[i+1].e.Seq == want {
				v.problem(name, Problem{Fault: Inserted, Seq: e.Seq, Detail: "no other event was written behind it"}, l)
				continue
			}
			before := &j.lines[max(i-1, 0)]
			v.problem(name, Problem{Fault: Edited, Seq: want - 1, Detail: fmt.Sprintf("event %d was written behind another one (its hash was made anew)", want)}, before)
			want, prev = want+1, []string{e.Hash}
		case e.Seq > want:
			v.gap(name, want, e.Seq-1, later, late)
			want, prev = e.Seq+1, []string{e.Hash}
		case late[e.Seq]:
			delete(late, e.Seq) // its place was named
			prev = append(prev, e.Hash)
		default:
			v.problem(name, Problem{Fault: Inserted, Seq: e.Seq, Detail: "there are two events of this number"}, l)
			prev = append(prev, e.Hash)
		}
	}
}

// gap names the events from..to, which are not where they were written.
func (v *verification) gap(name string, from, to int64, later map[int64]int, late map[int64]bool) {
	start := from
	flush := func(end int64) {
		if start <= end {
			v.problem(name, Problem{Fault: Dropped, Seq: start, To: end, Detail: "gone from the middle of the journal"}, nil)
		}
	}
	// A forged number must not make this loop long: beyond the lines that are
	// there, everything is dropped.
	for n := from; n <= to && n-from <= int64(len(v.journals[name].lines)); n++ {
		if later[n] > 0 {
			flush(n - 1)
			start = n + 1
			late[n] = true
			l := v.journals[name].find(n)
			v.problem(name, Problem{Fault: Reordered, Seq: n, Detail: "it stands behind events that were written after it"}, l)
		}
	}
	flush(to)
}

func (j *verified) find(seq int64) *lineInfo {
	for i := range j.lines {
		if j.lines[i].e != nil && j.lines[i].e.Seq == seq {
			return &j.lines[i]
		}
	}
	return nil
}

// last is the number of the journal's last event.
func (j *verified) last() int64 {
	if n := len(j.lines); n > 0 {
		if e := j.lines[n-1].e; e != nil && j.lines[n-1].own == e.Hash {
			return max(e.Seq, 0)
		}
	}
	return int64(len(j.lines))
}

// host compares the host log with the journals that are there.
func (v *verification) host(names []string) {
	host := v.journals[HostLog]
	if host == nil && v.sum.Events == 0 {
		return // the first session is just beginning
	}
	if host == nil {
		v.problem(HostLog, Problem{Fault: Missing, Detail: "the host log is gone: it cannot be said whether sessions are missing"}, nil)
		return
	}
	known := map[string]*lineInfo{}
	pruned := map[string]bool{}
	for i := range host.lines {
		l := &host.lines[i]
		if l.e == nil {
			continue
		}
		switch l.e.Kind {
		case SessionStart:
			known[l.e.Journal] = l
		case SessionPruned:
			pruned[l.e.Journal] = true
		case FinalHead:
			v.final(l.e)
		}
	}
	for _, name := range slices.Sorted(mapsKeys(known)) {
		if v.journals[name] == nil && !pruned[name] {
			if _, err := os.Lstat(filepath.Join(v.root, name, EventsName)); err == nil {
				continue // it began after we looked
			}
			e := known[name].e
			v.problem(name, Problem{Fault: Missing, Detail: fmt.Sprintf("started %s by %s; its journal is gone", e.Time.Format(time.RFC3339), e.User)}, nil)
		}
	}
	for _, name := range names {
		if name != HostLog && known[name] == nil && len(v.journals[name].lines) > 0 {
			v.problem(name, Problem{Fault: Unlisted, Detail: "the host log does not know this journal: it was put here, or the host log was cut"}, nil)
		}
	}
}

// final compares a journal with the final head that the host log holds.
func (v *verification) final(e *Event) {
	j := v.journals[e.Journal]
	if j == nil {
		return // named as missing
	}
	switch n := j.last(); {
	case e.Size > n:
		for _, p := range v.problems {
			if p.Journal == e.Journal && p.Fault == CutTail {
				return
			}
		}
		v.cut(e.Journal, j, e.Size, "the host log's final head")
	case j.heads == 0:
		v.problem(e.Journal, Problem{Fault: NoHead, Detail: "its heads are gone; the host log says there were some"}, nil)
	case j.bad:
	case j.roots[e.Size].String() != e.Tree:
		v.problem(e.Journal, Problem{Fault: Rewritten, Seq: 1, To: e.Size, Detail: "it is not the journal that the host log's final head names"}, nil)
	case e.Size < n && !isDay(e.Journal):
		v.problem(e.Journal, Problem{Fault: Inserted, Seq: e.Size + 1, To: n, Detail: "written behind the session's final head"}, nil)
	}
}
