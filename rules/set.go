package rules

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/command"
	"guardsh/rules/effect"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/goccy/go-yaml"
)

//go:embed packs
var packs embed.FS

// Trust is who wrote a rule or a policy. It has no useful zero.
type Trust uint8

const (
	Administrator Trust = iota + 1 // may loosen: replace rules, unprotect paths
	User                           // may only tighten
)

// Set is rules with the policy that they are judged by. Rules are known by
// their first two lines; the rest is read when an effect of their kind is met.
// Judging is safe for concurrent use; Add and SetPolicy are not, and belong to
// the start.
type Set struct {
	once       sync.Once
	rules      *index
	policy     Policy
	protection *Protection
	own        []Own // the policy's, each by the path that it is matched by
	imagine    Trial // nil: Imagine
}

// index is the rules of a set, by what they are asked about and by id.
type index struct {
	byKind map[string][]*entry
	byID   map[string]*entry
}

// index reads the built-in rules' headers when they are first needed: a line
// without effects, which most are, needs none.
func (s *Set) index() *index {
	s.once.Do(func() {
		if s.rules != nil {
			return
		}
		s.rules = &index{byKind: map[string][]*entry{}, byID: map[string]*entry{}}
		// A broken built-in header cannot get past the tests; were it to, the
		// other rules still hold.
		entries, _ := scan(packs, Administrator)
		for _, e := range entries {
			s.rules.put(e)
		}
	})
	return s.rules
}

// entry is a rule file, read as far as it was needed.
type entry struct {
	id    string
	on    []string
	name  string // of the file, for errors
	text  []byte
	trust Trust

	gateOnce sync.Once
	gate     *gate // nil: it has none

	once     sync.Once
	compiled *compiled
	err      error
}

// gate is a rule's condition and exception alone: most rules of a kind say no,
// and the rest of them need not be read then, nor these be compiled where what
// the condition needs is not so.
type gate struct {
	screen   screen
	text     condition
	once     sync.Once
	compiled *opened // nil: it does not compile
}

// condition is as it stands in a rule's file.
type condition struct {
	When   string `yaml:"when"`
	Unless string `yaml:"unless"`
}

// opened is a gate that was compiled.
type opened struct{ when, unless *vm.Program }

// Builtin is the rules that guardsh brings.
func Builtin() *Set { return &Set{protection: builtin} }

// ImagineBy sets how examples are tried: with the site's own commands known.
func (s *Set) ImagineBy(t Trial) { s.imagine = t }

// Imagined understands a line in a situation, as the examples of the set's
// rules are.
func (s *Set) Imagined(line string, at Situation) (*command.Line, []effect.Effect, *Facts) {
	if s.imagine != nil {
		return s.imagine(line, at)
	}
	return Imagine(line, at)
}

// scan indexes all rule files of a file system, by their first two lines.
func scan(fsys fs.FS, trust Trust) ([]*entry, error) {
	var out []*entry
	var bad []error
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || !strings.HasSuffix(p, ".yaml") && !strings.HasSuffix(p, ".yml") {
			return nil
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			bad = append(bad, err)
			return nil
		}
		id, on, err := header(p, text)
		if err != nil {
			bad = append(bad, err)
			return nil
		}
		out = append(out, &entry{id: id, on: on, name: p, text: text, trust: trust})
		return nil
	})
	return out, errors.Join(append(bad, err)...)
}

func (s *index) put(e *entry) {
	if old := s.byID[e.id]; old != nil {
		for _, k := range old.on {
			s.byKind[k] = slices.DeleteFunc(s.byKind[k], func(x *entry) bool { return x == old })
		}
	}
	s.byID[e.id] = e
	for _, k := range e.on {
		s.byKind[k] = append(s.byKind[k], e)
	}
}

// Add reads rule files (*.yaml) and runs every example of theirs. A file that
// is broken, or a rule that lies, is left out and stands in the error as
// name:line:col: reason; the others hold. Only the administrator may replace a
// rule that is there.
func (s *Set) Add(fsys fs.FS, trust Trust) error {
	entries, err := scan(fsys, trust)
	bad := []error{err}
	for _, e := range entries {
		if old := s.index().byID[e.id]; old != nil && trust != Administrator {
			bad = append(bad, fmt.Errorf("%s:1:1: rule %s is there already, and only the administrator may replace it", e.name, e.id))
			continue
		}
		if c, err := s.load(e); err != nil {
			bad = append(bad, err)
			continue
		} else if err := s.try(e, c); err != nil {
			bad = append(bad, err)
			continue
		}
		s.index().put(e)
	}
	return errors.Join(bad...)
}

// load parses and compiles a rule, once.
func (s *Set) load(e *entry) (*compiled, error) {
	e.once.Do(func() {
		var r *Rule
		if r, e.err = parseRule(e.name, e.text); e.err == nil {
			e.compiled, e.err = s.compile(e.name, e.text, r)
		}
	})
	return e.compiled, e.err
}

// gateOf reads what stands between a rule's second line and its verdict. A
// rule that is written otherwise, or that is broken, has no gate: it is loaded
// in full, and says what is wrong.
func (s *Set) gateOf(e *entry) *gate {
	e.gateOnce.Do(func() {
		_, rest, _ := bytes.Cut(e.text, []byte("\n"))
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
		head, _, ok := bytes.Cut(rest, []byte("verdict:"))
		if !ok || len(head) > 0 && head[len(head)-1] != '\n' {
			return
		}
		var g gate
		if len(head) > 0 && yaml.UnmarshalWithOptions(head, &g.text, yaml.Strict()) != nil {
			return
		}
		g.screen = screenOf(g.text.When)
		e.gate = &g
	})
	return e.gate
}

// open compiles a gate, once.
func (s *Set) open(g *gate) *opened {
	g.once.Do(func() {
		opts := append(s.options(), expr.AsBool())
		var o opened
		var err error
		if g.text.When != "" {
			if o.when, err = expr.Compile(g.text.When, opts...); err != nil {
				return
			}
		}
		if g.text.Unless != "" {
			if o.unless, err = expr.Compile(g.text.Unless, opts...); err != nil {
				return
			}
		}
		g.compiled = &o
	})
	return g.compiled
}

// IDs is all rule ids, sorted.
func (s *Set) IDs() []string {
	ids := make([]string, 0, len(s.index().byID))
	for id := range s.index().byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Rule is a rule as it is written.
func (s *Set) Rule(id string) (*Rule, error) {
	e := s.index().byID[id]
	if e == nil {
		return nil, fmt.Errorf("no rule %q (guardsh rules list)", id)
	}
	c, err := s.load(e)
	if err != nil {
		return nil, err
	}
	return c.rule, nil
}

// Text is a rule's file.
func (s *Set) Text(id string) ([]byte, bool) {
	e := s.index().byID[id]
	if e == nil {
		return nil, false
	}
	return e.text, true
}

// File is the name of a rule's file as its loader was given it; builtin says
// that guardsh brings the rule. "" is no such rule.
func (s *Set) File(id string) (name string, builtin bool) {
	e := s.index().byID[id]
	if e == nil {
		return "", false
	}
	_, err := fs.Stat(packs, e.name)
	return e.name, err == nil
}

// Policy is what a site says: what is protected, what is not, and its notes.
type Policy struct {
	Protected   []string // paths or patterns (path.Match) that are as much as a system tree
	Unprotected []string // paths of the built-in table that this site does not need protected
	Scratch     []string // paths whose loss never matters
	Labels      []string // of this host: production … Any label raises confirm to challenge
	Notes       []Note
	Own         []Own               // where guardsh's own files are here, besides the usual places
	Names       map[string][]string // of each environment: how its hosts, clusters, databases … are called (path.Match)
}

// Note is words that the site attaches to an object, with the verdict that an
// act upon it has at least.
type Note struct {
	Object  string  // TYPE:NAME, the name a pattern (path.Match): "service:nova-*", "path:/srv/db", "command:heketi-cli"
	Text    string  // said word for word
	Verdict Verdict // default Confirm
}

// SetPolicy sets what the site says. Rules are compiled again.
func (s *Set) SetPolicy(p Policy) {
	s.policy, s.own = p, ownMerged(p.Own)
	s.protection = NewProtection(p.Protected, p.Unprotected, p.Scratch)
	if s.rules == nil {
		return // not read yet
	}
	for id, e := range s.rules.byID {
		fresh := &entry{id: e.id, on: e.on, name: e.name, text: e.text, trust: e.trust}
		s.rules.byID[id] = fresh
		for _, k := range e.on {
			for i, x := range s.rules.byKind[k] {
				if x == e {
					s.rules.byKind[k][i] = fresh
				}
			}
		}
	}
}

// Protection is what the built-in table and the policy say about paths.
func (s *Set) Protection() *Protection { return s.protection }

// Mark sets Account, Kernel, Loader and Config of a path.
func (t *Protection) Mark(real string, f *PathFact) {
	f.Account, f.Kernel, f.Loader, f.Config = t.Account(real), t.Kernel(real), t.Loader(real), t.Config(real)
}

// matches reports whether a site note is about an object.
func (n Note) matches(typ, name, command string) bool {
	t, pat, ok := strings.Cut(n.Object, ":")
	if !ok {
		t, pat = "", n.Object
	}
	if t == "command" {
		ok, err := path.Match(pat, command)
		return ok && err == nil
	}
	if t == "service" && typ == "container" {
		// A service that runs in a container is called after it, as
		// nova_compute for nova-compute.
		typ, pat, name = t, strings.ReplaceAll(pat, "_", "-"), strings.ReplaceAll(name, "_", "-")
	}
	if t != "" && t != typ {
		return false
	}
	match := func(s string) bool { ok, err := path.Match(pat, s); return ok && err == nil || pat == s }
	if match(name) || match(strings.TrimSuffix(name, ".service")) {
		return true
	}
	return typ == "path" && covered([]string{pat}, path.Clean(name))
}

// strictest orders findings: the strictest first, then by rule, object and
// words, so that the order never depends on who was asked first.
func strictest(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Verdict, a.Verdict), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Object, b.Object),
		cmp.Compare(a.Effect, b.Effect), cmp.Compare(a.Summary, b.Summary), slices.Compare(a.Details, b.Details),
		cmp.Compare(a.Hint, b.Hint), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Action, b.Action), cmp.Compare(a.EffectAt, b.EffectAt),
	)
}
