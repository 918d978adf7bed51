package guard

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"guardsh/audit/snapshot"
	"guardsh/guard/host"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/hypothetical"
)

// Shell is what is asked about the shell that a line would run in.
type Shell = command.Shell

// Place is where guardsh finds and leaves things on a machine. Here is this
// one.
type Place struct {
	Config ConfigPaths
	State  string // allowances and the like: the user's own
	Trail  string // "" the configuration's, or the default
	Store  string // "" the configuration's, or the default
	Env    []string
	TTY    string // of this process; "" none
	Name   string // what bash is to be called; "" is bash
	// Interactive: a person types at prompts.
	Interactive bool
	// Front is where the wrapper answers that started this one as another
	// user; "" none.
	Front string
}

// Here is this machine for this process's user.
func Here() Place {
	return Place{
		Config: defaultConfigPaths(),
		State:  StateDir(),
		Env:    os.Environ(),
		TTY:    terminalOf(os.Stdin, os.Stderr, os.Stdout),
	}
}

// Configured is Here with the trail and the store where the configuration puts
// them: "" still is the default.
func Configured() Place {
	p := Here()
	cfg, _ := LoadConfig(p.Config) // what is broken is told by sessions and by config check
	p.fill(cfg)
	return p
}

// fill puts the trail and the store where the configuration says, and those of
// others than root where their state is.
func (p *Place) fill(cfg Config) {
	p.Trail = cmp.Or(p.Trail, cfg.Trail)
	p.Store = cmp.Or(p.Store, cfg.Snapshots.Store)
	if os.Geteuid() != 0 {
		p.Trail, p.Store = cmp.Or(p.Trail, p.State), cmp.Or(p.Store, p.State)
	}
}

// StateDir is where a user's own state is: /var/lib/guardsh for root.
func StateDir() string {
	if os.Getuid() == 0 {
		return "/var/lib/guardsh"
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "guardsh")
	}
	if home := ownHome(); home != "" {
		return filepath.Join(home, ".local/state/guardsh")
	}
	// No home is no reason not to work: the temporary directory is private
	// enough for a directory of mode 0700.
	return filepath.Join(os.TempDir(), "guardsh-"+strconv.Itoa(os.Getuid()))
}

// ownHome is this user's home directory: what HOME names, if that belongs to
// the user, else the one of the password file; "" where neither does. sudo and
// su may leave another's in HOME, which is not ours to write to or to read
// settings from.
func ownHome() string {
	if home := os.Getenv("HOME"); owns(home) {
		return home
	}
	if u, err := user.Current(); err == nil && owns(u.HomeDir) {
		return u.HomeDir
	}
	return ""
}

func owns(dir string) bool {
	if !filepath.IsAbs(dir) {
		return false
	}
	fi, err := os.Stat(dir)
	if err != nil || !fi.IsDir() {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}

// terminalOf is the name of the first of the files that is a terminal.
func terminalOf(files ...*os.File) string {
	for _, f := range files {
		if !isTerminal(f) {
			continue
		}
		if name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd()))); err == nil {
			return name
		}
	}
	return ""
}

// NewJudge makes what judges lines on this machine, by the configuration that
// is there. Problems are words for the user: what is broken is left out, and
// the built-in rules always hold.
func NewJudge(p Place) (*Judge, []string) {
	cfg, broken := LoadConfig(p.Config)
	j, problems := judgeBy(p, cfg)
	var words []string
	for _, b := range broken {
		words = append(words, b.String())
	}
	return j, append(words, problems...)
}

func judgeBy(p Place, cfg Config) (*Judge, []string) {
	var problems []string
	policy := cfg.policy(p)
	set := rules.Builtin()
	set.SetPolicy(policy)
	know := effect.Builtin()
	if len(cfg.Commands) > 0 {
		// Before the rules: their examples may be of the site's commands.
		problems = append(problems, addManifests(know, cfg.Commands)...)
		set.ImagineBy(hypothetical.Knowing(know))
	}
	if err := set.Add(sourceFS(cfg.Rules), rules.Administrator); err != nil {
		problems = append(problems, positions(err)...)
	}
	if err := set.Add(sourceFS(cfg.UserRules), rules.User); err != nil {
		problems = append(problems, positions(err)...)
	}
	notes := map[string]string{}
	for _, n := range cfg.Notes {
		if n.About == AboutService {
			notes[unitName(n.Name)] = n.Text
		}
	}
	w := host.New(host.Options{
		Protect: set.Protection(), Labels: cfg.Labels, Notes: notes,
		Env: p.Env, Interactive: p.Interactive, TTY: p.TTY,
		Known: func(name string) bool { return know.Knows(name) || command.Carries(name) },
	})
	return &Judge{Knowledge: know, Rules: set, World: w}, problems
}

// addManifests loads the site's manifests. They are taken together or, where
// that fails, each by itself: one that is broken costs the others nothing.
func addManifests(know *effect.Knowledge, files []SiteFile) []string {
	err := know.Add(sourceFS(files))
	if err == nil {
		return nil
	}
	var problems []string
	for _, f := range files {
		if err := know.Add(sourceFS([]SiteFile{f})); err != nil {
			problems = append(problems, positions(err)...)
		}
	}
	if problems == nil {
		return positions(err) // they only fail together: two describe one command
	}
	return problems
}

// positions are a loader's errors, a line each, with the full names of files.
func positions(err error) []string {
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		lines[i] = "/" + l
	}
	return lines
}

// Hypothetical judges as on an ordinary server, where everything that a line
// names exists: nothing of this machine and its configuration counts.
func Hypothetical(cwd, userName string) (*Judge, Shell) {
	w := hypothetical.New(hypothetical.Situation{Cwd: cwd, User: userName})
	return &Judge{Knowledge: effect.Builtin(), Rules: rules.Builtin(), World: w}, w
}

// StillShell answers for a shell that would be started now, here, with this
// process's environment, with HOME where that is given. An empty directory or
// user is the present one.
func StillShell(cwd, userName, home string) (Shell, error) {
	env := os.Environ()
	if home != "" {
		env = append(env, "HOME="+home)
	}
	if cwd == "" {
		wd, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("the working directory: %w (name one with --cwd)", err)
		}
		cwd = wd
	}
	if !filepath.IsAbs(cwd) {
		abs, err := filepath.Abs(cwd)
		if err != nil {
			return nil, err
		}
		cwd = abs
	}
	if userName == "" {
		userName = sessionUser()
	}
	return &command.StaticShell{Environ: env, Dir: cwd, Login: userName}, nil
}

// sessionUser is the name of the effective user; the number where no name is
// to be had.
func sessionUser() string {
	if os.Geteuid() == 0 {
		return "root"
	}
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// Open begins a session: configuration, rules, trail and store. What cannot be
// had is told in the session's Problem; an error means that nothing can be
// judged at all.
func Open(p Place) (*Session, error) {
	cfg, broken := LoadConfig(p.Config)
	p.fill(cfg)
	s := &Session{Config: cfg, place: p, trail: openTrail(p)}
	j, problems := judgeBy(p, cfg)
	s.Judge = j
	for _, b := range broken {
		s.Problem = append(s.Problem, b.String())
	}
	s.Problem = append(s.Problem, problems...)
	s.exposed = p.exposed()
	for _, w := range s.Problem {
		s.trail.degraded(w)
	}
	for _, e := range s.exposed {
		s.trail.degraded(e.says)
	}
	return s, nil
}

// snapshots opens the store when it is first needed: most lines keep nothing.
func (s *Session) snapshots() (*snapshot.Store, error) {
	s.storeMu.Lock()
	defer s.storeMu.Unlock()
	if s.store == nil {
		st, err := snapshot.Open(s.place.Store)
		if err != nil {
			return nil, err
		}
		s.store = st
	}
	return s.store, nil
}

// retain lets go of the snapshots that the configuration does not want to keep,
// in a session that made some.
func (s *Session) retain() {
	r := snapshot.Retention{Age: s.Config.Snapshots.MaxAge, Bytes: s.Config.Snapshots.MaxSize}
	s.storeMu.Lock()
	defer s.storeMu.Unlock()
	if s.store == nil || r == (snapshot.Retention{}) {
		return
	}
	if _, err := s.store.Prune(r); err != nil {
		s.trail.degraded(fmt.Sprintf("old snapshots: %v", err))
	}
}

// Close ends the session with the shell's status.
func (s *Session) Close(status int) {
	for _, sc := range s.scopes.all() {
		s.startsEnded(sc)
	}
	s.retain()
	s.endStarts()
	s.trail.close(status)
	if w, ok := s.Judge.World.(*host.World); ok {
		w.Close()
	}
	if p := s.starts.prepared.Swap(nil); p != nil {
		p.Forget()
	}
	if sup := s.starts.sup.Load(); sup != nil {
		sup.Gone()
	}
}
