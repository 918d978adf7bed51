package bash

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Statuses that this package itself returns; every other one is bash's own.
const (
	// StatusFailed is returned with an error when bash could not be started.
	StatusFailed = 252
)

// Config says how to run bash. The zero value runs the system's bash with this
// process's environment, files and directory, and judges nothing.
type Config struct {
	Bash string   // path of bash; "" finds it
	Name string   // its argv[0], which a login shell's "-" begins; "" is bash
	Args []string // further arguments of an interactive bash, such as --norc
	Env  []string // its environment; nil means this process's own

	// Dir is the runtime directory of the session. "" makes a private one
	// below $XDG_RUNTIME_DIR, /run/guardsh (root) or $TMPDIR, and removes it.
	// It is 0700, or 0711 for root, whose su may lead to another user.
	Dir string

	// Judge decides about one line. nil releases every line.
	Judge func(context.Context, Request) Answer
	// Fair is how long to wait on this machine as it is now for what takes so
	// long on an idle one; nil: as long.
	Fair func(time.Duration) time.Duration
	// Prompt is called before each prompt of each shell in the session, in
	// order for one shell. It must not block for long.
	Prompt func(Prompt)
	// Output is given each chunk that the outer terminal is shown, in order.
	// It must not block and must not keep the slice.
	Output func([]byte)
	// Resize is called with the outer terminal's size at the start and
	// whenever it changes.
	Resize func(cols, rows int)
	// Warn is told what the gate lost and found again (a start-up file that
	// overwrote PS0, a shell that could not be re-armed). The user is told by
	// this package.
	Warn func(Warning)
	// IgnoreEOF, when it answers true at a prompt, makes ^D not end the shell.
	IgnoreEOF func() bool

	In, Out *os.File // the outer terminal; nil means os.Stdin and os.Stdout

	Stdin *os.File // of Run; nil means os.Stdin
	// Further are descriptors 3 and on of what Run runs in bash's place.
	Further []*os.File

	// Killed is told which signal ended bash, where one did.
	Killed *syscall.Signal

	// Last says that this process ends with what Run runs: signals for that which
	// come too late do nothing, and the end can be written down.
	Last bool

	// Spawn is given the function that starts bash, and has to call it: on a
	// thread whose children are supervised, say. nil calls it as it is.
	Spawn func(start func() error) error
	// Terminals is given, once, what finds the terminal of a process below an
	// interactive bash.
	Terminals func(find func(pid int) *Terminal)

	// Wrappers maps names such as "sudo" to the program that stands in for
	// them: a private directory that is put first on PATH links to it.
	Wrappers map[string]string
}

// Origin says how a line came to run.
type Origin uint8

const (
	Typed Origin = iota + 1 // Enter was pressed on it
	Key                     // a key bound by bind -x runs it; each simple command comes by itself
)

// Request is one line that waits.
type Request struct {
	// Line is the whole command as bash parsed it: loops over several lines
	// and here-documents are whole. Where Seen is false it is the first
	// simple command if that is known, else "".
	Line string
	// Seen is false when the shell is about to run a line that the gate could
	// not see, since a history setting it may not change kept it away.
	Seen bool
	// Hidden says that the line stays out of the history as the user's own
	// settings want it (leading space, HISTCONTROL, HISTIGNORE, history off).
	Hidden bool
	Origin Origin
	// Own is true when the shell has the session's own terminal; questions
	// then appear on the outer one. False: a tmux window, screen, script.
	Own      bool
	ShellPID int
	Nonce    string // names this request in the session
	Cwd      string // $PWD of the shell; "" when it did not say
	TTY      string // the shell's terminal, such as /dev/pts/3
	UID      int    // the shell's effective user; -1 unknown
	Ahead    int    // lines typed or pasted behind this one that have not been read yet
	Live     *Live
	Terminal *Terminal
}

// Answer is what becomes of a line.
type Answer struct {
	Release bool
	// Say is printed on the line's terminal before the shell goes on. Lines
	// end in \n.
	Say string
	// KeepAhead lets lines that were typed or pasted behind a refused line
	// run all the same (paste: continue). It means nothing with Release.
	KeepAhead bool
}

// Prompt is a shell about to show its prompt.
type Prompt struct {
	ShellPID int
	First    bool          // the first prompt of that shell
	Nonce    string        // the last request of that shell since its last prompt; "" none
	Released bool          // that request was released and not withdrawn
	Status   int           // $? of what ran before
	Duration time.Duration // from the release of the last line to this prompt; 0 when none
	Cwd      string
	TTY      string
	Own      bool
	terminal *Terminal
}

// Say prints text, whose lines end in \n, on the prompt's terminal, above the
// prompt. Where that stands already, it is drawn again below the text on the
// session's own terminal; on another one the text waits for the next Enter.
func (p Prompt) Say(text string) {
	if p.terminal != nil && p.terminal.above != nil {
		_ = p.terminal.above(text) // a terminal that is gone shows nothing
	}
}

// Warning is something about the gate itself that the trail should hold.
type Warning struct {
	Kind     string // gate-lost, gate-restored, gate-unreachable
	Text     string
	ShellPID int
}

// Terminal is where the user of one shell can be told and asked.
type Terminal struct {
	say   func(string) error
	above func(string) error // for a shell that is about to show its prompt, or has
	open  func() (in, out *os.File, restore func(), err error)
}

// Say prints text, whose lines end in \n, on the terminal.
func (t *Terminal) Say(text string) error {
	if t == nil || t.say == nil {
		return os.ErrInvalid
	}
	return t.say(text)
}

// Open takes the terminal for a question. It is in cooked mode, and keys do
// not reach the shell until restore is called, which must be on every path.
// What was typed before Open cannot be read from in: it is kept, and goes on
// to the shell when the line is released or is dropped when it is refused.
// An error means that nobody can be asked here (no terminal, or the shell is
// in the background of it).
func (t *Terminal) Open() (in, out *os.File, restore func(), err error) {
	if t == nil || t.open == nil {
		return nil, nil, nil, os.ErrInvalid
	}
	return t.open()
}
