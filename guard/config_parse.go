package guard

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/google/shlex"
)

// configFile is config.yaml as it is written.
type configFile struct {
	Protected   []string   `yaml:"protected"`
	Unprotected []string   `yaml:"unprotected"`
	Scratch     []string   `yaml:"scratch"`
	Labels      []string   `yaml:"labels"`
	Notes       []noteFile `yaml:"notes"`

	Names map[string][]string `yaml:"names"`

	Paste      Paste            `yaml:"paste"`
	Supervise  Supervise        `yaml:"supervise"`
	Sudo       SudoMode         `yaml:"sudo"`
	Trail      string           `yaml:"trail"`
	Snapshots  snapshotsFile    `yaml:"snapshots"`
	Notices    Notices          `yaml:"notices"`
	Notify     string           `yaml:"notify"`
	Webhook    string           `yaml:"webhook"`
	Automation []automationFile `yaml:"automation"`

	name string
	doc  ast.Node // for positions; nil for an empty file

	notes      []Note
	snapshots  SnapshotConfig
	notify     []string
	automation []Automation
}

type noteFile struct {
	Service string `yaml:"service"`
	Path    string `yaml:"path"`
	Host    string `yaml:"host"`
	Command string `yaml:"command"`
	Note    string `yaml:"note"`
}

type snapshotsFile struct {
	Store   string `yaml:"store"`
	MaxAge  string `yaml:"max_age"`
	MaxSize string `yaml:"max_size"`
	Budget  string `yaml:"budget"`
	Keep    string `yaml:"keep_within"`
}

type automationFile struct {
	Rule   string `yaml:"rule"`
	User   string `yaml:"user"`
	Reason string `yaml:"reason"`
	Until  string `yaml:"until"`
}

// parseConfig reads one file strictly: an unknown key, a wrong type or a
// value that means nothing makes it broken.
func parseConfig(name string, b []byte) (f *configFile, problems []Problem) {
	defer func() {
		// The reader of the format is not ours; what it cannot take must
		// not take the shell away.
		if p := recover(); p != nil {
			f, problems = nil, []Problem{{File: name, Reason: fmt.Sprintf("cannot be read as YAML: %v", p)}}
		}
	}()
	if p, deep := tooDeep(b); deep {
		p.File = name
		return nil, []Problem{p}
	}
	f = &configFile{name: name}
	tree, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, []Problem{yamlProblem(name, err)}
	}
	var docs []ast.Node
	for _, d := range tree.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType && d.Body.Type() != ast.NullType {
			docs = append(docs, d.Body)
		}
	}
	switch len(docs) {
	case 0:
		return f, nil
	case 1:
	default:
		p := Problem{File: name, Reason: "a second document; the file holds one"}
		return nil, []Problem{p.at(docs[1])}
	}
	f.doc = docs[0]
	var aliases aliasFinder
	ast.Walk(&aliases, f.doc)
	if aliases.found != nil {
		p := Problem{File: name, Reason: "aliases and merge keys are not read here; write the value out"}
		return nil, []Problem{p.at(aliases.found)}
	}
	if err := yaml.NodeToValue(f.doc, f, yaml.Strict()); err != nil {
		return nil, []Problem{yamlProblem(name, err)}
	}
	if problems := f.check(); len(problems) > 0 {
		return nil, problems
	}
	return f, nil
}

// maxNesting is far above what the file's keys need.
const maxNesting = 32

// tooDeep finds nesting that the reader should not be given: it calls itself
// for each level. Brackets are counted wherever they stand, indentation as
// one level each column; in quoted text a few more are allowed than anybody
// writes.
func tooDeep(b []byte) (Problem, bool) {
	depth, line, col, indent, start := 0, 1, 0, 0, true
	for _, c := range b {
		col++
		switch c {
		case '\n':
			line, col, indent, start = line+1, 0, 0, true
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if start && (c == ' ' || c == '-' || c == '?' || c == '\t') {
			indent++
		} else {
			start = false
		}
		if depth > maxNesting || indent > 8*maxNesting {
			return Problem{Line: line, Col: col, Reason: "nested too deeply"}, true
		}
	}
	return Problem{}, false
}

type aliasFinder struct{ found ast.Node }

func (a *aliasFinder) Visit(n ast.Node) ast.Visitor {
	if a.found != nil {
		return nil
	}
	if t := n.Type(); t == ast.AliasType || t == ast.MergeKeyType {
		a.found = n
		return nil
	}
	return a
}

// yamlProblem takes position and message out of the reader's error.
func yamlProblem(name string, err error) Problem {
	p := Problem{File: name, Reason: err.Error()}
	var ye yaml.Error
	if errors.As(err, &ye) {
		p.Reason = ye.GetMessage()
		if tk := ye.GetToken(); tk != nil && tk.Position != nil {
			p.Line, p.Col = tk.Position.Line, tk.Position.Column
		}
	}
	p.Reason = strings.ReplaceAll(strings.TrimSpace(p.Reason), "guard.", "")
	return p
}

// at gives the problem a node's position.
func (p Problem) at(n ast.Node) Problem {
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		pos := n.GetToken().Position
		p.Line, p.Col = pos.Line, pos.Column
	}
	return p
}

// node finds what stands at a path such as $.notes[2].
func (f *configFile) node(yamlPath string) ast.Node {
	yp, err := yaml.PathString(yamlPath)
	if err != nil || f.doc == nil {
		return nil
	}
	n, err := yp.FilterNode(f.doc)
	if err != nil {
		return nil
	}
	return n
}

func (f *configFile) has(key string) bool { return f.node("$."+key) != nil }

// problem is about what stands at a path of the file.
func (f *configFile) problem(yamlPath, reason string) Problem {
	return Problem{File: f.name, Reason: reason}.at(f.node(yamlPath))
}

// check reads the values that have a meaning of their own.
func (f *configFile) check() []Problem {
	var problems []Problem
	bad := func(yamlPath, format string, args ...any) {
		problems = append(problems, f.problem(yamlPath, fmt.Sprintf(format, args...)))
	}
	for _, l := range []struct {
		key   string
		paths []string
		loose bool // the list takes protection away
	}{{"protected", f.Protected, false}, {"unprotected", f.Unprotected, true}, {"scratch", f.Scratch, true}} {
		for i, p := range l.paths {
			if err := checkPath(p); err != nil {
				bad(fmt.Sprintf("$.%s[%d]", l.key, i), "%s: %v", l.key, err)
			} else if l.loose && path.Clean(p) == "/" {
				bad(fmt.Sprintf("$.%s[%d]", l.key, i), "%s: / is the whole machine", l.key)
			} else {
				l.paths[i] = path.Clean(p)
			}
		}
	}
	for i, s := range f.Labels {
		if strings.TrimSpace(s) == "" {
			bad(fmt.Sprintf("$.labels[%d]", i), "labels: an empty label")
		}
	}
	for env, names := range f.Names {
		if len(names) == 0 {
			bad("$.names."+env, "names: no name is given for %s", env)
		}
		for i, n := range names {
			if _, err := path.Match(n, "x"); err != nil || strings.Trim(n, "*? ") == "" {
				bad(fmt.Sprintf("$.names.%s[%d]", env, i), "names: %q is not a name, or stands for all of them", n)
			}
		}
	}
	if !oneOf(f.Paste, PasteStop, PasteContinue) {
		bad("$.paste", "paste: %q is not one of stop, continue", string(f.Paste))
	}
	if !oneOf(f.Supervise, SuperviseAuto, SuperviseOn, SuperviseOff) {
		bad("$.supervise", "supervise: %q is not one of auto, on, off", string(f.Supervise))
	}
	if !oneOf(f.Sudo, SudoAuto, SudoRewrite, SudoFront) {
		bad("$.sudo", "sudo: %q is not one of auto, rewrite, front", string(f.Sudo))
	}
	if !oneOf(f.Notices, NoticesTerminal, NoticesAlways) {
		bad("$.notices", "notices: %q is not one of terminal, always", string(f.Notices))
	}
	if err := checkPath(f.Trail); f.Trail != "" && err != nil {
		bad("$.trail", "trail: %v", err)
	}
	f.checkNotes(bad)
	f.checkSnapshots(bad)
	f.checkAutomation(bad)
	if f.has("notify") {
		argv, err := shlex.Split(f.Notify)
		switch {
		case err != nil:
			bad("$.notify", "notify: %v", err)
		case len(argv) == 0 || !path.IsAbs(argv[0]):
			bad("$.notify", "notify: the command has to be an absolute path")
		}
		f.notify = argv
	}
	if f.has("webhook") {
		if u, err := url.Parse(f.Webhook); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			// The address may hold a secret: it is not repeated.
			bad("$.webhook", "webhook: not an address that begins with https:// or http://")
		}
	}
	return problems
}

func (f *configFile) checkNotes(bad func(string, string, ...any)) {
	for i, n := range f.Notes {
		at := fmt.Sprintf("$.notes[%d]", i)
		var note Note
		count := 0
		for _, o := range []struct {
			about NoteAbout
			name  string
		}{{AboutService, n.Service}, {AboutPath, n.Path}, {AboutHost, n.Host}, {AboutCommand, n.Command}} {
			if o.name != "" {
				count++
				note = Note{About: o.about, Name: o.name, Text: strings.TrimSpace(n.Note)}
			}
		}
		switch {
		case count != 1:
			bad(at, "notes: one of service, path, host or command has to be named, and only one")
			continue
		case note.Text == "":
			bad(at, "notes: the note about %s %s has no text", note.About, note.Name)
			continue
		}
		switch note.About {
		case AboutPath:
			if err := checkPath(note.Name); err != nil {
				bad(at+".path", "notes: %v", err)
				continue
			}
			note.Name = path.Clean(note.Name)
		case AboutService:
			note.Name = unitName(note.Name)
		}
		f.notes = append(f.notes, note)
	}
}

func (f *configFile) checkSnapshots(bad func(string, string, ...any)) {
	var err error
	s := f.Snapshots
	if s.Store != "" {
		if err = checkPath(s.Store); err != nil {
			bad("$.snapshots.store", "store: %v", err)
		}
		f.snapshots.Store = s.Store
	}
	if s.MaxAge != "" {
		if f.snapshots.MaxAge, err = parseSpan(s.MaxAge); err != nil {
			bad("$.snapshots.max_age", "max_age: %v", err)
		}
	}
	if s.Keep != "" {
		if f.snapshots.KeepWithin, err = parseSpan(s.Keep); err != nil {
			bad("$.snapshots.keep_within", "keep_within: %v", err)
		}
	}
	if s.Budget != "" {
		if f.snapshots.Budget, err = parseSpan(s.Budget); err != nil {
			bad("$.snapshots.budget", "budget: %v", err)
		}
	}
	if s.MaxSize != "" {
		if f.snapshots.MaxSize, err = parseSize(s.MaxSize); err != nil {
			bad("$.snapshots.max_size", "max_size: %v", err)
		}
	}
}

func (f *configFile) checkAutomation(bad func(string, string, ...any)) {
	for i, a := range f.Automation {
		at := fmt.Sprintf("$.automation[%d]", i)
		switch {
		case !strings.Contains(a.Rule, "/"):
			bad(at, "automation: rule %q is not a rule's id, such as cron/remove-jobs", a.Rule)
			continue
		case a.User == "":
			bad(at, "automation: no user is named for %s", a.Rule)
			continue
		case strings.TrimSpace(a.Reason) == "":
			bad(at, "automation: a reason is needed for %s: it stands in the trail", a.Rule)
			continue
		}
		out := Automation{Rule: a.Rule, User: a.User, Reason: strings.TrimSpace(a.Reason)}
		if a.Until != "" {
			var err error
			if out.Until, err = parseUntil(a.Until); err != nil {
				bad(at+".until", "automation: %v", err)
				continue
			}
		}
		f.automation = append(f.automation, out)
	}
}

func oneOf[T ~string](v T, all ...T) bool {
	if v == "" {
		return true // not set
	}
	for _, a := range all {
		if v == a {
			return true
		}
	}
	return false
}

// checkPath takes absolute paths; "*", "?" and "[…]" stand for what they do in
// a file name pattern.
func checkPath(p string) error {
	if !path.IsAbs(p) {
		return fmt.Errorf("%q is not an absolute path", p)
	}
	if strings.ContainsRune(p, 0) {
		return fmt.Errorf("%q has a zero byte", p)
	}
	if _, err := path.Match(p, "/"); err != nil {
		return fmt.Errorf("%q is not a file name pattern", p)
	}
	return nil
}

// parseSpan reads a time span: Go's own, and days and weeks ("30d", "2w").
func parseSpan(s string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if digits, ok := strings.CutSuffix(s, suffix); ok {
			n, err := strconv.ParseUint(digits, 10, 16)
			if err != nil || n == 0 {
				return 0, fmt.Errorf("%q is not a time span such as 30d, 12h or 500ms", s)
			}
			return time.Duration(n) * unit, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a time span such as 30d, 12h or 500ms", s)
	}
	return d, nil
}

// sizeUnit is a power of 1024, as df -h writes it.
func sizeUnit(name string) (int64, bool) {
	switch name {
	case "", "B":
		return 1, true
	case "K":
		return 1 << 10, true
	case "M":
		return 1 << 20, true
	case "G":
		return 1 << 30, true
	case "T":
		return 1 << 40, true
	}
	return 0, false
}

// parseSize reads a number of bytes: "500M", "20 GiB", "1T".
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGTi ")
	unit := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(s[len(digits):]), "B"), "i")
	n, err := strconv.ParseInt(digits, 10, 64)
	k, ok := sizeUnit(unit)
	if err != nil || !ok || n <= 0 || n > (1<<62)/k {
		return 0, fmt.Errorf("%q is not a size such as 500M or 20G", s)
	}
	return n * k, nil
}

// parseUntil reads a day, which counts in full, or a moment.
func parseUntil(s string) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("until %q is neither a day such as 2027-01-31 nor a moment such as 2027-01-31T18:00:00Z", s)
	}
	return t, nil
}
