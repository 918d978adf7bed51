package rules

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"guardsh/rules/effect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Rule is one file of a rule directory, as it is written.
type Rule struct {
	ID       string   `yaml:"id"`                 // family/verb-phrase; the first line
	On       []string `yaml:"on,flow"`            // effect kinds, or note:KIND; the second line
	When     string   `yaml:"when,omitempty"`     // condition; "" is always
	Unless   string   `yaml:"unless,omitempty"`   // exception
	Verdict  string   `yaml:"verdict"`            //
	Raise    []Raise  `yaml:"raise,omitempty"`    // other verdicts under further conditions; the strictest holds
	Summary  string   `yaml:"summary"`            // one line with {expr}
	Details  []Detail `yaml:"details,omitempty"`  // more lines
	Why      string   `yaml:"why"`                // the harm, the incident
	Instead  string   `yaml:"instead,omitempty"`  // what to type; judged, and must pass
	Hint     string   `yaml:"hint,omitempty"`     // what to do, where no line can say it
	Name     string   `yaml:"name,omitempty"`     // what a challenge wants typed
	Snapshot string   `yaml:"snapshot,omitempty"` // which provider keeps what would change
	Examples Examples `yaml:"examples"`           //
}

// Raise is another verdict under a further condition.
type Raise struct {
	When    string `yaml:"when"`
	Verdict string `yaml:"verdict"`
}

// Detail is a line that is said when its condition holds. It is written as the
// text alone, or as say and when.
type Detail struct {
	Say  string `yaml:"say"`
	When string `yaml:"when,omitempty"`
}

// UnmarshalYAML reads a text, or say and when.
func (d *Detail) UnmarshalYAML(unmarshal func(any) error) error {
	var s string
	if err := unmarshal(&s); err == nil {
		d.Say = s
		return nil
	}
	type plain Detail
	return unmarshal((*plain)(d))
}

// Examples are lines that the rule speaks about, and near misses of which it
// says nothing.
type Examples struct {
	Match  []Match  `yaml:"match"`
	Silent []Silent `yaml:"silent"`
}

// UnmarshalYAML reads a line, or line, at, verdict and says.
func (m *Match) UnmarshalYAML(unmarshal func(any) error) error {
	var line string
	if err := unmarshal(&line); err == nil {
		m.Line = line
		return nil
	}
	type plain Match
	return unmarshal((*plain)(m))
}

// Match is a line that the rule must find something in. It is written as the
// line alone, or with what else it says.
type Match struct {
	Line    string    `yaml:"line"`
	At      Situation `yaml:"at,omitempty"`
	Verdict string    `yaml:"verdict,omitempty"` // default: the rule's own
	Says    []string  `yaml:"says,omitempty"`    // words that the finding must hold
}

// Silent is a line that the rule must say nothing about. It is written as the
// line alone, or as line and at.
type Silent struct {
	Line string    `yaml:"line"`
	At   Situation `yaml:"at,omitempty"`
}

// UnmarshalYAML reads a line, or line and at.
func (s *Silent) UnmarshalYAML(unmarshal func(any) error) error {
	var line string
	if err := unmarshal(&line); err == nil {
		s.Line = line
		return nil
	}
	type plain Silent
	return unmarshal((*plain)(s))
}

// Situation is what differs from the ordinary server of --hypothetical.
type Situation struct {
	Cwd          string            `yaml:"cwd,omitempty"`
	User         string            `yaml:"user,omitempty"`
	Host         string            `yaml:"host,omitempty"`
	Links        map[string]string `yaml:"links,omitempty"`  // symbolic link → target
	Files        map[string]string `yaml:"files,omitempty"`  // regular file → content
	Tree         []string          `yaml:"tree,omitempty"`   // all names that exist, for patterns
	Absent       []string          `yaml:"absent,omitempty"` // do not exist
	Mounts       map[string]string `yaml:"mounts,omitempty"` // device → mount point
	FSTypes      map[string]string `yaml:"fstypes,omitempty"`
	Blank        []string          `yaml:"blank,omitempty"`   // devices that carry nothing
	Vars         map[string]string `yaml:"vars,omitempty"`    // set variables
	Unset        []string          `yaml:"unset,omitempty"`   // unset variables
	Crontab      []string          `yaml:"crontab,omitempty"` // jobs; default two
	NoJobs       bool              `yaml:"no_jobs,omitempty"`
	Held         map[string]string `yaml:"held,omitempty"`   // path → process that has it open
	Labels       []string          `yaml:"labels,omitempty"` // the site's, of this host
	Notes        map[string]string `yaml:"notes,omitempty"`  // service → the site's note
	Container    string            `yaml:"container,omitempty"`
	SharedNet    bool              `yaml:"shared_net,omitempty"`
	Local        bool              `yaml:"local,omitempty"`         // not over SSH
	Address      string            `yaml:"address,omitempty"`       // of this end of the session
	Interface    string            `yaml:"interface,omitempty"`     // that the session came through; default: whichever is named
	NoLoader     bool              `yaml:"no_loader,omitempty"`     // the dynamic loader is gone
	Serves       []string          `yaml:"serves,omitempty"`        // what the host serves
	Drivers      []string          `yaml:"drivers,omitempty"`       // kernel modules of the session's interface; default: a network driver that is named
	MemAvailable int64             `yaml:"mem_available,omitempty"` // bytes
	SwapUsed     int64             `yaml:"swap_used,omitempty"`     // bytes
	Kernel       string            `yaml:"kernel,omitempty"`        // the release that runs
	Admins       []string          `yaml:"admins,omitempty"`        // who may become root by sudo; default the session's user and another
	Guarded      []string          `yaml:"guarded,omitempty"`       // accounts whose login shell is guardsh
	Others       []string          `yaml:"others,omitempty"`        // processes that are whatever is killed
	LoggedIn     []string          `yaml:"logged_in,omitempty"`     // other users
	Guests       []string          `yaml:"guests,omitempty"`        // virtual machines in whatever is named
	Shared       bool              `yaml:"shared,omitempty"`        // the guests' disks lie on storage that other hosts reach
	Tells        []string          `yaml:"tells,omitempty"`         // of whatever is named
	Same         string            `yaml:"same,omitempty"`          // a command that runs elsewhere and does the same
	InUse        []string          `yaml:"in_use,omitempty"`        // what is mounted from whatever is named
	Transport    map[string]string `yaml:"transport,omitempty"`     // device → iscsi, fc, …
	Tables       map[string]string `yaml:"tables,omitempty"`        // device → dos, gpt
	Sizes        map[string]int64  `yaml:"sizes,omitempty"`         // device → bytes
	ReadOnly     []string          `yaml:"read_only,omitempty"`     // mount points that are read-only
	Overwrite    []string          `yaml:"overwrite,omitempty"`     // protected names that any source tree holds too
	Hung         []string          `yaml:"hung,omitempty"`          // mounts that do not answer
	Unseen       []string          `yaml:"unseen,omitempty"`        // objects of which the user may not see anything
	Funcs        map[string]string `yaml:"functions,omitempty"`     // shell functions
	Aliases      map[string]string `yaml:"aliases,omitempty"`       //
}

// String is what differs, on one line as an example has it; "" where nothing
// does.
func (s Situation) String() string {
	b, err := yaml.MarshalWithOptions(s, yaml.Flow(true))
	text := strings.TrimSpace(string(b))
	if err != nil || text == "{}" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
}

// parseRule reads a rule file. Errors stand as name:line:col: reason.
func parseRule(name string, text []byte) (*Rule, error) {
	var r Rule
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := dec.Decode(&r); err != nil {
		return nil, positioned(name, err)
	}
	id, on, err := header(name, text)
	if err != nil {
		return nil, err
	}
	if id != r.ID || strings.Join(on, ",") != strings.Join(r.On, ",") {
		return nil, fmt.Errorf("%s:1:1: the first line has to be id and the second on, a list in brackets", name)
	}
	switch {
	case r.Summary == "":
		return nil, fmt.Errorf("%s:1:1: rule %s has no summary", name, r.ID)
	case strings.Contains(strings.TrimSpace(r.Summary), "\n"):
		return nil, at(name, text, "$.summary", errors.New("a summary is one line"))
	case r.Why == "":
		return nil, fmt.Errorf("%s:1:1: rule %s does not say why", name, r.ID)
	case r.Instead == "" && r.Hint == "":
		return nil, fmt.Errorf("%s:1:1: rule %s says neither instead (a line to type) nor hint", name, r.ID)
	case len(r.Examples.Match) == 0 || len(r.Examples.Silent) == 0:
		return nil, fmt.Errorf("%s:1:1: rule %s needs at least one example that matches and one that is silent", name, r.ID)
	}
	return &r, nil
}

// header reads a rule's first two lines: its id and what it is about. Nothing
// else of a rule is read until an effect of one of its kinds is met.
func header(name string, text []byte) (id string, on []string, err error) {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	rawID, ok1 := strings.CutPrefix(string(first), "id: ")
	rawOn, ok2 := strings.CutPrefix(string(second), "on: [")
	rawOn, ok3 := strings.CutSuffix(strings.TrimSpace(rawOn), "]")
	id = strings.TrimSpace(rawID)
	if !ok1 || !validID(id) {
		return "", nil, fmt.Errorf("%s:1:1: the first line has to be \"id: family/verb-phrase\" in lower case", name)
	}
	if !ok2 || !ok3 {
		return "", nil, fmt.Errorf("%s:2:1: the second line has to be \"on: [effect, …]\"", name)
	}
	for _, k := range strings.Split(rawOn, ",") {
		k = strings.TrimSpace(k)
		if !validKind(k) {
			return "", nil, fmt.Errorf("%s:2:1: %q is not an effect or note:KIND", name, k)
		}
		on = append(on, k)
	}
	return id, on, nil
}

func validID(id string) bool {
	family, verb, ok := strings.Cut(id, "/")
	if !ok || family == "" || verb == "" || strings.Contains(verb, "/") {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-/") == ""
}

// validKind reports whether a rule may be about a kind.
func validKind(k string) bool {
	if effect.Kind(k).Known() {
		return true
	}
	switch k {
	case "note:not-understood", "note:too-large", "note:run-unknown", "note:fork-bomb", "note:defines-name":
		return true
	}
	return false
}

// positioned puts a YAML error's position in front.
func positioned(name string, err error) error {
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil && ye.GetToken().Position != nil {
		p := ye.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", name, p.Line, p.Column, ye.GetMessage())
	}
	return fmt.Errorf("%s:1:1: %w", name, err)
}

// at puts the position of a YAML path in front of an error.
func at(name string, text []byte, where string, err error) error {
	line, col := 1, 1
	if f, perr := parser.ParseBytes(text, 0); perr == nil {
		if p, perr := yaml.PathString(where); perr == nil {
			if n, perr := p.FilterFile(f); perr == nil && n.GetToken() != nil && n.GetToken().Position != nil {
				line, col = n.GetToken().Position.Line, n.GetToken().Position.Column
			}
		}
	}
	msg, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s:%d:%d: %s", name, line, col, msg)
}
