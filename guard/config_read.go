package guard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Problem is something in the configuration that is not obeyed. It is said to
// the user when a session starts, and stands in the trail.
type Problem struct {
	File   string
	Line   int // 1-based; 0 the file as a whole
	Col    int // 1-based, in characters; 0 not known
	Reason string
}

// String is "file:line:col: reason".
func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.File + ": " + p.Reason
	case p.Col == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Reason)
}

func (p Problem) Error() string { return p.String() }

// LoadConfig reads the configuration. It always gives one that works: a file
// that is broken or that others could have written is left out as a whole and
// is among the problems.
func LoadConfig(p ConfigPaths) (Config, []Problem) {
	c := DefaultConfig()
	var problems []Problem
	if p.Etc != "" && !missing(p.Root, p.Etc) {
		t := trust{root: strings.TrimRight(p.Root, "/"), owners: []int{p.Owner}, deny: 0o022, dirs: true}
		name := filepath.Join(p.Etc, "config.yaml")
		if f, bad := readConfigFile(t, name); len(bad) > 0 {
			problems = append(problems, bad...)
		} else if f != nil {
			f.apply(&c)
		}
		var bad []Problem
		c.Rules, bad = readSiteFiles(t, filepath.Join(p.Etc, "rules.d"))
		problems = append(problems, bad...)
		c.Commands, bad = readSiteFiles(t, filepath.Join(p.Etc, "commands.d"))
		problems = append(problems, bad...)
	}
	if p.User == "" {
		return c, problems
	}
	if p.Hangs != nil && p.Hangs(p.User) {
		return c, append(problems, Problem{File: p.User, Reason: "lies on a file system that may not answer, so it is not read"})
	}
	if missing(p.Root, filepath.Dir(p.User)) {
		return c, problems
	}
	// A private group of the user's own is common, so its write bit is not
	// held against the file; it can only tighten.
	t := trust{root: strings.TrimRight(p.Root, "/"), owners: []int{p.UID, p.Owner}, deny: 0o002}
	var bad []Problem
	c.UserRules, bad = readSiteFiles(t, filepath.Join(filepath.Dir(p.User), "rules.d"))
	problems = append(problems, bad...)
	f, bad := readConfigFile(t, p.User)
	if len(bad) > 0 {
		return c, append(problems, bad...)
	}
	if f != nil {
		problems = append(problems, f.tighten(&c)...)
	}
	return c, problems
}

// missing says that a directory is not there, nor anything in it: each login
// would look for all of that, and at all directories above.
func missing(root, dir string) bool {
	_, err := os.Lstat(strings.TrimRight(root, "/") + dir)
	return absent(err)
}

// readConfigFile reads and checks one file; nil without problems if there is none.
func readConfigFile(t trust, name string) (*configFile, []Problem) {
	b, err := t.read(name)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, []Problem{{File: name, Reason: reason(name, err)}}
	}
	return parseConfig(name, b)
}

// reason is why a file is not read; its name stands before it anyway.
func reason(name string, err error) string {
	return strings.TrimPrefix(err.Error(), name+" ")
}

// absent says that there is no such file, which is no problem.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist)
}

// readSiteFiles reads the files of a directory for the loader of rules or
// manifests.
func readSiteFiles(t trust, dir string) ([]SiteFile, []Problem) {
	names, err := t.list(dir)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, []Problem{{File: dir, Reason: reason(dir, err)}}
	}
	var list []SiteFile
	var problems []Problem
	for _, n := range names {
		name := filepath.Join(dir, n)
		b, err := t.read(name)
		if err != nil {
			problems = append(problems, Problem{File: name, Reason: reason(name, err)})
			continue
		}
		list = append(list, SiteFile{Name: name, Data: b})
	}
	return list, problems
}

// apply takes over what the administrator's file says.
func (f *configFile) apply(c *Config) {
	c.Protected, c.Unprotected, c.Scratch = f.Protected, f.Unprotected, f.Scratch
	c.Labels, c.Notes, c.Names = f.Labels, f.notes, f.Names
	if f.Paste != "" {
		c.Paste = f.Paste
	}
	if f.Supervise != "" {
		c.Supervise = f.Supervise
	}
	if f.Sudo != "" {
		c.Sudo = f.Sudo
	}
	if f.Notices != "" {
		c.Notices = f.Notices
	}
	c.Trail, c.Snapshots, c.Automation = f.Trail, f.snapshots, f.automation
	c.Notify, c.Webhook = f.notify, f.Webhook
}

// superviseOrder is from the loosest to the tightest.
var superviseOrder = []Supervise{SuperviseOff, SuperviseAuto, SuperviseOn}

// administratorsOnly are the keys that a user's own file must not have: each
// of them can make the guard see, keep or ask less.
var administratorsOnly = []string{"unprotected", "scratch", "sudo", "trail", "snapshots", "notices", "notify", "webhook", "automation"}

// tighten takes over what a user's own file may say; the rest is a problem
// and changes nothing.
func (f *configFile) tighten(c *Config) []Problem {
	var problems []Problem
	for _, key := range administratorsOnly {
		if f.has(key) {
			problems = append(problems, f.problem("$."+key, key+" is the administrator's to set; a user's own file can only tighten, so it is ignored"))
		}
	}
	c.Protected = union(c.Protected, f.Protected)
	c.Labels = union(c.Labels, f.Labels)
	c.Notes = append(slices.Clip(c.Notes), f.notes...)
	names := map[string][]string{}
	for _, from := range []map[string][]string{c.Names, f.Names} {
		for env, list := range from {
			names[env] = union(names[env], list)
		}
	}
	c.Names = names
	// What the user protects is protected, whatever the administrator took out.
	c.Unprotected = slices.DeleteFunc(slices.Clone(c.Unprotected), func(s string) bool { return slices.Contains(f.Protected, s) })
	c.Scratch = slices.DeleteFunc(slices.Clone(c.Scratch), func(s string) bool { return slices.Contains(f.Protected, s) })
	switch {
	case f.Paste == PasteStop:
		c.Paste = PasteStop
	case f.Paste == PasteContinue && c.Paste == PasteStop:
		problems = append(problems, f.problem("$.paste", "paste: continue is looser than the machine's setting, so it is ignored"))
	}
	if f.Supervise != "" {
		if slices.Index(superviseOrder, f.Supervise) >= slices.Index(superviseOrder, c.Supervise) {
			c.Supervise = f.Supervise
		} else {
			problems = append(problems, f.problem("$.supervise", fmt.Sprintf("supervise: %s is looser than the machine's setting, so it is ignored", f.Supervise)))
		}
	}
	return problems
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
