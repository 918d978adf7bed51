// Package command turns the bytes of a line into the actions that bash would
// cause: the programs it would start, with their arguments, redirections,
// working directory, user and host, each as far as it is known before running.
//
// It is the only room that imports the syntax tree. It asks the world only
// through Shell and Files.
package command

import "guardsh/rules/word"

// Certainty says whether an action happens when the line runs. It has no
// useful zero.
type Certainty uint8

const (
	Certain  Certainty = iota + 1 // it happens unless something before it fails fatally
	Possible                      // behind &&, ||, a branch, a loop that may not run
)

func (c Certainty) String() string {
	switch c {
	case Certain:
		return "certain"
	case Possible:
		return "possible"
	}
	return "unset"
}

// Redirect is what a redirection does to its target.
type Redirect uint8

const (
	In        Redirect = iota + 1 // <
	Out                           // >, &>, >& FILE
	Append                        // >>, &>>
	Clobber                       // >|
	ReadWrite                     // <>
	Text                          // << and <<<: Target is the text itself
	Duplicate                     // >&N, <&N, N>&-
)

// Redir is one redirection.
type Redir struct {
	FD     int // the descriptor; -1 where the shell picks it ({var}>file)
	Kind   Redirect
	Target word.Word
}

// Assign is a variable assignment in front of a command.
type Assign struct {
	Name  string
	Value word.Word
}

// Input says what an action reads on its standard input.
type Input struct {
	Kind InputKind
	Word word.Word // InputFile: the file; InputText: the text
	From []int     // InputPipe: the actions that write into the pipe
}

// InputKind has a useful zero: the input of the shell itself.
type InputKind uint8

const (
	InputShell InputKind = iota // the terminal, or whatever the shell has
	InputFile
	InputText
	InputPipe
	InputClosed
)

// Place is where an action runs, when that is not simply this machine.
type Place struct {
	Kind  PlaceKind
	Names []word.Word // the hosts, the container, the directory that is the root
	Fresh bool        // a container that is made for this one command and given nothing of this machine
}

// PlaceKind has a useful zero: this machine, this root.
type PlaceKind uint8

const (
	Here      PlaceKind = iota
	Remote              // another host: same effects, no local facts
	Container           // docker exec, lxc-attach, kubectl exec
	Chroot              // another root directory of this machine
	Namespace           // ip netns exec, nsenter, unshare: this machine's files, other views
)

// Action is one program start, builtin call or redirection that a line would
// cause, or what it leaves of the shell's gate. Wrappers are taken off: for "sudo -u www rm x" there is an action for
// sudo itself (Wrapper set) and one for rm with User "www" and Via [sudo].
type Action struct {
	Argv    []word.Word // empty for a redirection alone
	Redirs  []Redir
	Assigns []Assign
	Stdin   Input
	PipeTo  []int     // the actions that read this one's output
	Cwd     word.Word // absolute when known
	User    string    // "" the session's own; "?" another, not known which
	Place   Place
	Via     []string // what started it, outermost first: sudo, xargs, "function f", "script x.sh"
	Builtin bool     // bash runs it itself
	// Compound: Argv is empty because the redirections are those of a group, a
	// loop or a function, whose own actions follow.
	Compound bool
	Wrapper  bool      // the action's own work is to start another, which is listed too
	Env      []Assign  // what its environment holds of the variables that say which cluster, host or inventory it means, or what is loaded into it
	Given    word.Word // the text that it was given in a file or by a pipe, where that is known and counts
	Opens    bool      // a shell that takes its lines from the terminal: they are not part of this one
	Ungated  bool      // it starts without a variable of the gate, which the line takes out of its environment
	Left     []Left    // Argv is empty: the line as a whole leaves this behind in the shell that read it
	Certain  Certainty
	Async    bool // started with &
	Line     int  // 1-based line in Src
	Col      int  // 1-based column, in bytes
}

// Name is the program's base name, when it is known.
func (a *Action) Name() (string, bool) {
	if len(a.Argv) == 0 {
		return "", false
	}
	v, ok := a.Argv[0].Value()
	if !ok {
		return "", false
	}
	for i := len(v) - 1; i >= 0; i-- {
		if v[i] == '/' {
			return v[i+1:], true
		}
	}
	return v, true
}

// Args is the words behind the program's name.
func (a *Action) Args() []word.Word {
	if len(a.Argv) == 0 {
		return nil
	}
	return a.Argv[1:]
}

// NoteKind says what could not be understood.
type NoteKind string

const (
	NotUnderstood NoteKind = "not-understood" // bash may parse it, the tree cannot
	TooLarge      NoteKind = "too-large"      // a bound was reached: time, depth, size, unrolling
	RunUnknown    NoteKind = "run-unknown"    // code that cannot be seen is run: curl | sh, eval "$x"
	ForkBomb      NoteKind = "fork-bomb"      // a function that starts itself without end
	DefinesName   NoteKind = "defines-name"   // an alias or function shadows a program
)

// Note is something about the line that no action says.
type Note struct {
	Kind NoteKind
	Text string // which bound, which word
	From []int  // RunUnknown: the actions that write the code, as far as the line has them
	Line int
	Col  int
}

// Line is a line as it was understood.
type Line struct {
	Src     string
	Actions []Action
	Notes   []Note
	Ends    bool // the shell itself would end: exit, logout, exec
}

// Variable is a shell variable's state. Unset and empty are known states.
type Variable struct {
	State    VarState
	Value    string            // scalar, or element 0
	List     []string          // indexed array
	Keys     map[string]string // associative array
	Exported bool
	Integer  bool
	NameRef  bool
	Readonly bool
}

// VarState has no useful zero.
type VarState uint8

const (
	VarSet VarState = iota + 1
	VarUnset
	VarUnknown
)

// Shell answers for the shell that will run the line. Each answer may be
// unknown. A live shell answers by the oracle, -c and scripts by the
// environment.
type Shell interface {
	Cwd() word.Word
	Var(name string) Variable
	Alias(name string) (body string, ok bool)
	Function(name string) (body string, ok bool)
	Option(name string) (on, known bool) // set -o and shopt names
	User() string                        // the login name, "root" for uid 0
	Positional() []word.Word             // $1 …; nil when there are none
}

// Files answers for the file system. Every method returns an error where it
// cannot know (ErrUnknown, a deadline): then the word or script is unknown.
type Files interface {
	// ReadFile reads at most max bytes of a regular file.
	ReadFile(path string, max int64) ([]byte, error)
	// Glob matches a pattern below cwd as bash does (sorted; dotglob,
	// nullglob, extglob and globstar by opts). No match is an empty list.
	Glob(cwd, pattern string, opts GlobOptions) ([]string, error)
	// Home is a user's home directory; "" asks for the session's own.
	Home(user string) (string, error)
	// Real is where an absolute path leads, with every link followed; an
	// error where nothing is there.
	Real(path string) (string, error)
	// LookPath finds the program that a name would start.
	LookPath(name, path string) (string, error)
	// Program is under what names the system has the program that a file is,
	// whatever the file is called; nil where nothing is known about it.
	Program(path string) []string
}

// GlobOptions are the shopt settings that change what a pattern matches.
type GlobOptions struct {
	DotGlob, ExtGlob, GlobStar, NoCase bool
}

// Options says how to read a line.
type Options struct {
	Shell  Shell
	Files  Files
	Limits Limits
	// Below says that each program that the line starts is judged when it does:
	// none is looked for along PATH, and no script is read. A path is still
	// asked what it is: the loader, say, starts one that nobody sees.
	Below bool
	// Argv, where there is one, is what starts, as it stands: no shell reads the
	// line, which only says it. It may be as long as the kernel allows.
	Argv []string
}

// Limits bound the work of understanding one line. Zero fields take the
// default.
type Limits struct {
	Bytes   int // of a line or one script; default 1 MiB
	Depth   int // scripts, functions, eval, -c within each other; default 16
	Actions int // default 4096
	Unroll  int // iterations of loops in all; default 1024
	Values  int // possible values of one word; default 64
}
