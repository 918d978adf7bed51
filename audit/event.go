package audit

import (
	"encoding/json"
	"time"
)

// Version is the format's version: the v of every event. A reader refuses a
// version that it does not know.
const Version = 1

// Kind says what an event tells of.
type Kind string

const (
	SessionStart  Kind = "session-start"  // who, where, from which host
	SessionEnd    Kind = "session-end"    // how it ended
	LineRead      Kind = "line"           // a line, judged; written before it is released
	Question      Kind = "question"       // what was asked
	Answer        Kind = "answer"         // what was answered, and how long it took
	SnapshotTaken Kind = "snapshot"       // what was kept before the line ran
	Program       Kind = "program"        // a program start that supervision saw
	End           Kind = "end"            // the line is over: status and duration
	Gap           Kind = "gap"            // the trail could not be written, or events were lost
	Degraded      Kind = "degraded"       // a part of the guard does not work
	Machine       Kind = "machine"        // what happened to the machine beside the lines: a file system turned read-only
	BreakGlass    Kind = "break-glass"    // a rule was lifted, by whom and why
	Policy        Kind = "policy"         // configuration or rules changed
	Undo          Kind = "undo"           // a snapshot was restored
	FinalHead     Kind = "final-head"     // host log only: what a session's trail was when it ended
	SessionPruned Kind = "session-pruned" // host log only: the session was removed by retention
)

// Outcome says what became of a line.
type Outcome string

const (
	Ran       Outcome = "ran"       // it was released and is over
	Refused   Outcome = "refused"   // by a rule or by the answer
	Cancelled Outcome = "cancelled" // taken back, by ^C or with the terminal
)

// Finding is what one rule said about a line. It is audit's own: a trail must
// stay readable when the rules' types change.
type Finding struct {
	Rule     string   `json:"rule"`
	Verdict  string   `json:"verdict"`
	Effect   string   `json:"effect"`
	Object   string   `json:"object"`
	Summary  string   `json:"summary"`
	Details  []string `json:"details,omitempty"`
	Hint     string   `json:"hint,omitempty"`
	Snapshot string   `json:"snapshot,omitempty"`
}

// Event is one line of a journal. Only the fields that its kind needs are set.
// V, Seq, Session, Prev and Hash are filled by the journal, Time too when it
// is zero; TextRaw and CwdRaw where Text or Cwd is not UTF-8.
type Event struct {
	V       int       `json:"v"`
	Seq     int64     `json:"seq"`
	Time    time.Time `json:"time"`
	Session string    `json:"session"`
	Kind    Kind      `json:"kind"`

	// Line is the line's number in its session, from 1. Question, answer,
	// snapshot, program and end carry the number of the line they belong to.
	Line int `json:"line,omitempty"`

	Text     string          `json:"text,omitempty"`     // the line; the question; else what people read
	TextRaw  []byte          `json:"text_raw,omitempty"` // its exact bytes (base64), where they are not UTF-8
	TextCut  int64           `json:"text_cut,omitempty"` // bytes left out behind Text, which was too large
	Source   string          `json:"source,omitempty"`   // where the line came from: prompt, -c, script, stdin, sudo
	Cwd      string          `json:"cwd,omitempty"`
	CwdRaw   []byte          `json:"cwd_raw,omitempty"`
	User     string          `json:"user,omitempty"`
	UID      *int            `json:"uid,omitempty"`
	TTY      string          `json:"tty,omitempty"`
	Host     string          `json:"host,omitempty"`
	Peer     string          `json:"peer,omitempty"`   // the address that the session came from
	Parent   string          `json:"parent,omitempty"` // the session that this one started in
	Verdict  string          `json:"verdict,omitempty"`
	Outcome  Outcome         `json:"outcome,omitempty"` // of end; of a line that is refused without a question
	Findings []Finding       `json:"findings,omitempty"`
	Facts    json.RawMessage `json:"facts,omitempty"`
	Unknowns []string        `json:"unknowns,omitempty"`

	Answer string        `json:"answer,omitempty"` // yes, no, timeout, cancelled, edit, dry-run
	Took   time.Duration `json:"took_ns,omitempty"`

	Status   *int          `json:"status,omitempty"` // 0 to 255 as $? has it, 128+n for a signal
	Duration time.Duration `json:"duration_ns,omitempty"`
	Offset   int64         `json:"cast_offset,omitempty"` // bytes, where in terminal.cast its output starts (line) or ends (end)

	Snapshots []string   `json:"snapshots,omitempty"`
	Argv      []string   `json:"argv,omitempty"`
	PID       int        `json:"pid,omitempty"`
	PIDStart  int64      `json:"pid_start,omitempty"` // clock ticks after boot, so that a reused pid is not taken for it
	Count     int        `json:"count,omitempty"`     // program: so often was argv's program started below the line; 0 once, as Text says
	Rule      string     `json:"rule,omitempty"`      // break-glass: the rule that is lifted
	Until     *time.Time `json:"until,omitempty"`     // break-glass: how long
	Reason    string     `json:"reason,omitempty"`    // gap, degraded, break-glass, policy: why
	Lost      int        `json:"lost,omitempty"`      // gap: events that could not be kept

	Journal string `json:"journal,omitempty"` // host log: the directory
	Size    int64  `json:"size,omitempty"`    // final-head: number of events
	Tree    string `json:"tree,omitempty"`    // final-head: root hash of the tree (base64)

	Prev string `json:"prev"`
	Hash string `json:"hash"`
}

// Int is for Event's UID and Status, where zero means something.
func Int(n int) *int { return &n }
