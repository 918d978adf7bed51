package guard

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Config is what the site says about this machine. None of it is needed: the
// zero paths, or no file at all, give DefaultConfig.
//
// The administrator writes it in /etc/guardsh/config.yaml. A user's own
// ~/.config/guardsh/config.yaml may only tighten: more protected paths, labels
// and notes, paste: stop, and more supervision.
type Config struct {
	Protected   []string // paths that count as the site's system trees
	Unprotected []string // paths taken out of the protected set
	Scratch     []string // paths whose loss is nobody's: no question, no snapshot
	Labels      []string // production …
	Notes       []Note
	Names       map[string][]string // of each environment: the names that belong to it
	Paste       Paste
	Supervise   Supervise
	Sudo        SudoMode
	Trail       string // directory of the trail; "" the default
	Snapshots   SnapshotConfig
	Notices     Notices
	Notify      []string // argv of a command that is run for events; nil none
	Webhook     string   // address that is sent events as JSON; "" none
	Automation  []Automation

	Rules    []SiteFile // rules.d, by name
	Commands []SiteFile // commands.d, by name: the site's manifests

	UserRules []SiteFile // rules.d beside the user's own file: they can only add
}

// SiteFile is a file that was read for somebody else: a site's rule or manifest.
type SiteFile struct {
	Name string // its full path, for messages
	Data []byte
}

// Note is the site's word about one thing. It is shown with every finding
// about that thing and raises its verdict.
type Note struct {
	About NoteAbout
	Name  string // the service, absolute path, host or command
	Text  string
}

// NoteAbout is what a note is about. It has no useful zero.
type NoteAbout string

const (
	AboutService NoteAbout = "service"
	AboutPath    NoteAbout = "path"
	AboutHost    NoteAbout = "host"
	AboutCommand NoteAbout = "command"
)

// Paste says what becomes of the lines behind a refused one in a paste.
type Paste string

const (
	PasteStop     Paste = "stop"     // they do not run either, and their number is said
	PasteContinue Paste = "continue" // they are judged and run
)

// Supervise says whether program starts below a line are judged too.
type Supervise string

const (
	SuperviseAuto Supervise = "auto" // where the kernel lets us
	SuperviseOn   Supervise = "on"   // where it does not, the session says so at its start
	SuperviseOff  Supervise = "off"  // never: the line gate works alone
)

// SudoMode says how a sudo that is typed in a session reaches the guard.
type SudoMode string

const (
	SudoAuto    SudoMode = "auto"    // the better of the two on this machine
	SudoRewrite SudoMode = "rewrite" // the word is replaced in the line
	SudoFront   SudoMode = "front"   // a directory with our sudo comes first on PATH
)

// Notices says where words are said that refuse nothing: what a rule notes, what
// was kept, what the configuration has wrong. They are in the trail either way.
// "" is NoticesTerminal.
type Notices string

const (
	NoticesTerminal Notices = "terminal" // where a person sees them; else in the system log, so that no program reads them
	NoticesAlways   Notices = "always"   // on standard error, whatever that is
)

// SnapshotConfig says where snapshots go and how long they stay. A zero age or
// size is no limit; the other zero fields mean what Settings shows for them.
type SnapshotConfig struct {
	Store   string        // directory
	MaxAge  time.Duration //
	MaxSize int64         // bytes of all snapshots together
	Budget  time.Duration // how long a line may wait for its snapshot before it is asked about
	// KeepWithin is how long a change that may cut the session off waits to
	// be kept, before it is put back.
	KeepWithin time.Duration
}

// Automation lets one rule's questions pass where nobody can answer, for one
// user. It never passes a block.
type Automation struct {
	Rule   string
	User   string
	Reason string
	Until  time.Time // the first moment it no longer holds; zero: no end
}

// DefaultConfig is what holds without any file.
func DefaultConfig() Config {
	return Config{Paste: PasteStop, Supervise: SuperviseAuto, Sudo: SudoAuto}
}

// Automated finds what the site allowed one rule to do for a user at now.
func (c *Config) Automated(rule, user string, now time.Time) (Automation, bool) {
	for _, a := range c.Automation {
		if a.Rule == rule && a.User == user && (a.Until.IsZero() || now.Before(a.Until)) {
			return a, true
		}
	}
	return Automation{}, false
}

// automationWords are the lines for /etc/guardsh/config.yaml that allow a rule
// for a user, as a refusal without a terminal shows them.
func automationWords(rule, user string) []string {
	return []string{
		"automation:",
		"  - {rule: " + rule + ", user: " + yamlWord(user) + `, reason: "why it is right here"}`,
	}
}

// yamlWord quotes a user's name where YAML would read something else in it.
func yamlWord(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && r != '-' && r != '_' {
			return strconv.Quote(s)
		}
	}
	switch s {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "-", "_":
		return strconv.Quote(s)
	}
	return s
}

// unitName is a service's name without ".service".
func unitName(s string) string {
	const suffix = ".service"
	if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
		return s[:len(s)-len(suffix)]
	}
	return s
}

// ConfigPaths say where the configuration is and who is believed.
type ConfigPaths struct {
	Root  string // taken for /; "" is the real one
	Etc   string // the administrator's directory
	Owner int    // whom its files must belong to: 0
	User  string // the user's own file; "" none
	UID   int    // whom that file must belong to, if not to Owner
	// Hangs says that a path lies where looking at it may never end. Such a
	// file of the user's is not read. nil: nothing hangs.
	Hangs func(path string) bool
}

// defaultConfigPaths are the paths of this process's user.
func defaultConfigPaths() ConfigPaths {
	p := ConfigPaths{Etc: "/etc/guardsh", UID: os.Getuid()}
	if home := ownHome(); home != "" {
		p.User = filepath.Join(home, ".config/guardsh/config.yaml")
	}
	return p
}
