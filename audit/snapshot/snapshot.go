// Package snapshot keeps what a line is about to change and brings it back.
//
// A snapshot is taken after the answer and before the line is released. It is
// PREPARED once its manifest and contents are on the disk, and DONE once
// Finish has recorded what the line left behind. A crash in between leaves a
// PREPARED snapshot, from which an undo can still be offered. A store is a
// directory of mode 0700:
//
//	snapshots/ID/manifest   JSON, a Snapshot
//	snapshots/ID/entries    one JSON Entry a line, parents before children
//	snapshots/ID/pack       the contents of small files, one after the other
//	snapshots/ID/blob/N     a larger file: a clone, a hard link or a copy
//	snapshots/ID/state/N    what a program said of a state that is no file, or
//	                        what was kept of a block device
//	snapshots/ID/after      the entries after the line
//	snapshots/ID/post       JSON, that and when "after" was written
//	snapshots/ID/undone     JSON, an Undone: it was restored, when and by what
//	snapshots/ID/pin        present: prune leaves it alone
//
// Clones and hard links need the filesystem of the file they keep, so root
// has one more directory, .guardsh/ID, at the root of a mount where that is
// not the store's own.
package snapshot

import (
	"fmt"
	"strings"
	"time"
)

// Class is what will be done to a path; it decides the cheapest faithful way
// to keep it.
type Class string

const (
	Delete   Class = "delete"   // the name goes, with all below it
	Replace  Class = "replace"  // another file takes the name (mv, install, rsync)
	InPlace  Class = "inplace"  // the file behind the name is written to (>, tee, cp, sed -i)
	Create   Class = "create"   // there is nothing yet, or what is there may be written to
	Metadata Class = "metadata" // mode, owner, times, xattrs and flags only; contents are not kept
	Crontab  Class = "crontab"  // a user's crontab, through crontab(1)
	Device   Class = "device"   // a block device's content, as Item.Write says
)

// Item is one thing that a line will change.
type Item struct {
	Class Class `json:"class"`
	// Path is absolute. Links before its last component are followed. One at
	// its end is kept as a link; if the line writes through it (InPlace,
	// Metadata, Create, or a trailing slash) what it points to is kept too.
	Path string `json:"path,omitempty"`
	User string `json:"user,omitempty"` // Crontab: whose; "" for the caller's
	Name string `json:"name,omitempty"` // the other states: of what
	// Device: how it is written to, by which command, or exactly where.
	Write  Write      `json:"write,omitempty"`
	Argv   []string   `json:"argv,omitempty"`
	Ranges [][2]int64 `json:"ranges,omitempty"`
}

// Plan is what to keep for one line.
type Plan struct {
	Session string   `json:"session"`
	Line    string   `json:"line"` // as typed, secrets redacted
	Items   []Item   `json:"items"`
	Beyond  []string `json:"beyond,omitempty"`  // what else the line does, that no item brings back
	Missing []string `json:"missing,omitempty"` // what items bring back only in part
	Options Options  `json:"-"`
}

// Options bounds the work of a Take; zero means no bound.
type Options struct {
	Files int           // entries looked at
	Bytes int64         // bytes copied; clones and hard links cost none
	Time  time.Duration // from the call on
}

// Reach is how far back a snapshot can go.
type Reach string

const (
	Full    Reach = "FULL"    // everything that the line changes
	Files   Reach = "FILES"   // the files, but the line does more than that
	Partial Reach = "PARTIAL" // some of it; Reasons names what is missing
	None    Reach = "NONE"    // nothing
)

// State is how far a snapshot's life has come.
type State string

const (
	Prepared State = "PREPARED" // kept; what the line did was not recorded (yet)
	Done     State = "DONE"     // the state after the line is recorded
	Undid    State = "UNDONE"   // it was restored
)

// Snapshot is a manifest's head.
type Snapshot struct {
	Version int       `json:"version"`
	ID      string    `json:"id"` // a ULID in lower case; any unique part of it names it too
	Session string    `json:"session,omitempty"`
	UID     int       `json:"uid"`
	Line    string    `json:"line"`
	Time    time.Time `json:"time"`
	Items   []Item    `json:"items"`
	Undoes  string    `json:"undoes,omitempty"` // it was taken before that snapshot was restored
	Reach   Reach     `json:"reach"`
	Reasons []string  `json:"reasons,omitempty"` // why Reach is not FULL, at most maxReasons
	Entries int       `json:"entries"`
	Bytes   int64     `json:"bytes"`            // apparent size of the files kept
	Stored  int64     `json:"stored"`           // bytes that were copied for it
	Took    Millis    `json:"took_ms"`          //
	Places  []string  `json:"places,omitempty"` // directories outside the store that hold its blobs
	States  []Dump    `json:"states,omitempty"` // what is no file
	Blocks  []Blocks  `json:"blocks,omitempty"` // of block devices

	State  State   `json:"-"`
	Pinned bool    `json:"-"`
	Undone *Undone `json:"-"`
	Short  string  `json:"-"` // enough of ID to be unique in this store

	dir string
}

// Millis is a duration in milliseconds, as JSON shows it.
type Millis float64

// Dump is a state that is no file, as a program told it.
type Dump struct {
	Item   int    `json:"item"`
	Exists bool   `json:"exists"` // false: there was none
	File   string `json:"file,omitempty"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Undone says when and by which snapshot (the undo of the undo) one was restored.
type Undone struct {
	Time time.Time `json:"time"`
	By   string    `json:"by,omitempty"`
}

// TooBig says that a Take went over its budget and kept nothing. The numbers
// are what was counted; More says that there is more than that.
type TooBig struct {
	Limit string // which bound: "files", "bytes" or "time"
	Files int
	Bytes int64 // to be copied
	More  bool
	ETA   time.Duration // a guess at the time that a Take without bounds needs
}

func (e *TooBig) Error() string {
	more := ""
	if e.More {
		more = "more than "
	}
	return fmt.Sprintf("too much to keep within the budget of %s: %s%d entries, %s to copy, about %s",
		e.Limit, more, e.Files, Size(e.Bytes), e.ETA.Round(100*time.Millisecond))
}

// NoSpace says that keeping would leave too little room on a filesystem.
type NoSpace struct {
	Dir        string
	Free, Need int64 // bytes; Need is what has to stay free
}

func (e *NoSpace) Error() string {
	return fmt.Sprintf("%s: %s free, and %s have to stay free: no snapshot (`guardsh snapshot prune` frees space)", e.Dir, Size(e.Free), Size(e.Need))
}

// Conflict says that things changed after the line, so that a restore would
// lose those changes.
type Conflict struct{ Changes []Change }

func (e *Conflict) Error() string {
	var names []string
	for _, c := range e.Changes {
		names = append(names, c.Path)
	}
	if len(names) > 3 {
		names = append(names[:3:3], "…")
	}
	return fmt.Sprintf("%d changed after the line: %s", len(e.Changes), strings.Join(names, ", "))
}

// NotFound says that no snapshot, or more than one, has such an id.
type NotFound struct {
	ID      string
	Matches []string
}

func (e *NotFound) Error() string {
	if len(e.Matches) > 0 {
		return fmt.Sprintf("snapshot %q is not unique: %s", e.ID, strings.Join(e.Matches, ", "))
	}
	return fmt.Sprintf("no snapshot %q", e.ID)
}

// Act is what a restore does to one thing.
type Act string

const (
	Recreate Act = "recreate" // it is gone
	Revert   Act = "revert"   // its content or kind is another
	Reset    Act = "reset"    // only its metadata differs
	Remove   Act = "remove"   // the line created it
	Reload   Act = "reload"   // a state that is no file differs
)

// Change is one difference between then and now.
type Change struct {
	Path     string   `json:"path"` // as it is; quote it before it meets a terminal
	Act      Act      `json:"act"`
	Type     string   `json:"type"` // file, dir, link, fifo, char, block, socket, crontab
	What     []string `json:"what,omitempty"`
	Conflict string   `json:"conflict,omitempty"` // why it is not the line's doing; "" none
	Size     int64    `json:"size,omitempty"`
}

// RestoreOptions says how to restore.
type RestoreOptions struct {
	Force  bool    // restore what changed after the line too
	DryRun bool    // only say what would be done
	NoKeep bool    // do not keep the present first: the undo cannot be undone
	Budget Options // of keeping the present
}

// Report is what a restore did, or with DryRun would do.
type Report struct {
	ID      string   `json:"id"`
	Undo    string   `json:"undo,omitempty"` // the snapshot of the present, taken first
	Changes []Change `json:"changes"`
	Notes   []string `json:"notes,omitempty"`  // what could not be checked, and the like
	Unseen  []string `json:"unseen,omitempty"` // states of which it cannot be told what they are now, and why
	Failed  []string `json:"failed,omitempty"` // what could not be restored, and why
}

// Size writes a number of bytes for people.
func Size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < 4 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}
