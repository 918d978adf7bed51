package guard

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"guardsh/audit"
	"guardsh/audit/snapshot"
)

// Setting is one value of the configuration that holds.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"` // file:line, or "default"
}

// Settings is the configuration that holds, a value each, with where it comes
// from: what the files at p say together, not what each says.
func Settings(p ConfigPaths) []Setting {
	c, _ := LoadConfig(p)
	s := settings{files: obeyed(p), user: p.User}
	s.list("protected", c.Protected)
	s.list("unprotected", c.Unprotected)
	s.list("scratch", c.Scratch)
	s.list("labels", c.Labels)
	for _, n := range c.Notes {
		s.add("notes", string(n.About)+" "+n.Name+": "+n.Text, s.noteFrom(n))
	}
	for _, env := range slices.Sorted(maps.Keys(c.Names)) {
		s.add("names", env+": "+strings.Join(c.Names[env], " "), s.where("names."+env, nil))
	}
	s.one("paste", string(c.Paste))
	s.one("supervise", string(c.Supervise))
	s.one("sudo", string(c.Sudo))
	s.one("notices", string(cmp.Or(c.Notices, NoticesTerminal)))
	s.one("trail", cmp.Or(c.Trail, audit.Root()))
	s.one("snapshots.store", cmp.Or(c.Snapshots.Store, standardStore()))
	s.one("snapshots.max_age", spanOf(c.Snapshots.MaxAge, "no limit"))
	s.one("snapshots.max_size", sizeOf(c.Snapshots.MaxSize))
	s.one("snapshots.budget", spanOf(cmp.Or(c.Snapshots.Budget, keepBudget.Time), ""))
	s.one("snapshots.keep_within", spanOf(cmp.Or(c.Snapshots.KeepWithin, keepWithin), ""))
	s.one("notify", cmp.Or(strings.Join(c.Notify, " "), "nothing is run"))
	s.one("webhook", webhookHost(c.Webhook))
	for i, a := range c.Automation {
		v := fmt.Sprintf("%s for %s: %s", a.Rule, a.User, a.Reason)
		if !a.Until.IsZero() {
			v += " (until " + a.Until.Format("2006-01-02 15:04") + ")"
		}
		s.add("automation", v, s.where(fmt.Sprintf("automation[%d]", i), nil))
	}
	for _, group := range []struct {
		key   string
		files []SiteFile
	}{{"rules", c.Rules}, {"rules", c.UserRules}, {"commands", c.Commands}} {
		for _, f := range group.files {
			s.add(group.key, filepath.Base(f.Name), f.Name)
		}
	}
	return s.out
}

// settings gathers values with what the files say.
type settings struct {
	files []*configFile // the administrator's, then the user's
	user  string        // the name of the user's
	out   []Setting
}

// obeyed are the files that are obeyed, as they are written.
func obeyed(p ConfigPaths) []*configFile {
	var files []*configFile
	root := strings.TrimRight(p.Root, "/")
	if p.Etc != "" {
		t := trust{root: root, owners: []int{p.Owner}, deny: 0o022, dirs: true}
		if f, bad := readConfigFile(t, filepath.Join(p.Etc, "config.yaml")); len(bad) == 0 && f != nil {
			files = append(files, f)
		}
	}
	if p.User != "" && (p.Hangs == nil || !p.Hangs(p.User)) {
		t := trust{root: root, owners: []int{p.UID, p.Owner}, deny: 0o002}
		if f, bad := readConfigFile(t, p.User); len(bad) == 0 && f != nil {
			files = append(files, f)
		}
	}
	return files
}

func (s *settings) add(key, value, from string) {
	s.out = append(s.out, Setting{key, value, from})
}

// list adds each element of a list, with the first file that holds it.
func (s *settings) list(key string, values []string) {
	for _, v := range values {
		from := "default"
		for _, f := range s.files {
			if i := slices.Index(f.listOf(key), v); i >= 0 {
				from = f.at(fmt.Sprintf("$.%s[%d]", key, i))
				break
			}
		}
		s.add(key, v, from)
	}
}

func (f *configFile) listOf(key string) []string {
	return map[string][]string{"protected": f.Protected, "unprotected": f.Unprotected, "scratch": f.Scratch, "labels": f.Labels}[key]
}

// one adds a single value. It comes from the last file that says it: a user's
// own file is not obeyed where it would loosen.
func (s *settings) one(key, value string) {
	s.add(key, value, s.where(key, func(f *configFile) bool {
		said := map[string]string{"paste": string(f.Paste), "supervise": string(f.Supervise)}[key]
		return said == "" || said == value
	}))
}

// where finds a key in the files: only the administrator's counts unless it is
// one that a user may set.
func (s *settings) where(key string, holds func(*configFile) bool) string {
	from := "default"
	for _, f := range s.files {
		top, _, _ := strings.Cut(key, ".")
		top, _, _ = strings.Cut(top, "[")
		if f.name == s.user && slices.Contains(administratorsOnly, top) {
			continue
		}
		if f.has(key) && (holds == nil || holds(f)) {
			from = f.at("$." + key)
		}
	}
	return from
}

func (s *settings) noteFrom(n Note) string {
	for _, f := range s.files {
		if i := slices.Index(f.notes, n); i >= 0 {
			return f.at(fmt.Sprintf("$.notes[%d]", i))
		}
	}
	return "default"
}

// at is file:line of what stands at a path of the file.
func (f *configFile) at(yamlPath string) string {
	p := f.problem(yamlPath, "")
	if p.Line == 0 {
		return f.name
	}
	return f.name + ":" + strconv.Itoa(p.Line)
}

// standardStore is where snapshots go unless it is said, in words where that is
// not known: what has no home directory has none.
func standardStore() string {
	at, err := snapshot.DefaultRoot()
	if err != nil {
		return err.Error()
	}
	return at
}

func spanOf(d time.Duration, none string) string {
	switch {
	case d == 0:
		return none
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

func sizeOf(n int64) string {
	if n == 0 {
		return "no limit"
	}
	for _, u := range []struct {
		name string
		size int64
	}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}} {
		if n%u.size == 0 {
			return fmt.Sprintf("%d%s", n/u.size, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}
