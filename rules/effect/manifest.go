package effect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"guardsh/rules/option"

	"github.com/goccy/go-yaml"
)

// Manifest is what guardsh knows of a command, or of several that are alike.
type Manifest struct {
	Commands []string `yaml:"commands"` // base names
	Summary  string   `yaml:"summary"`
	Spec     `yaml:",inline"`
	Snapshot string    `yaml:"snapshot,omitempty"` // what keeps what it changes: files, crontab, metadata, table …
	DryRun   string    `yaml:"dry_run,omitempty"`  // the option of its native dry run
	Look     string    `yaml:"look,omitempty"`     // the line that shows what it has charge of; "{name}" is the command
	Examples []Example `yaml:"examples"`

	file string
	top  *node
}

// Spec is the grammar and the effects of a command or of one of its verbs.
type Spec struct {
	Style    string           `yaml:"style,omitempty"`
	Options  string           `yaml:"options,omitempty"`
	Operands string           `yaml:"operands,omitempty"`
	Remote   []string         `yaml:"remote,omitempty"` // roles that may be host:path
	Code     string           `yaml:"code,omitempty"`   // a function of this package
	Derive   []Derivation     `yaml:"derive,omitempty"`
	Effects  []Clause         `yaml:"effects,omitempty"`
	Verbs    map[string]*Spec `yaml:"verbs,omitempty"`
	Prefix   bool             `yaml:"prefix,omitempty"`  // verbs may be abbreviated to a prefix that only one has
	Own      bool             `yaml:"own,omitempty"`     // a verb: the options of the levels above do not hold here
	Default  string           `yaml:"default,omitempty"` // the verb when none is given
}

// Derivation sets attributes where a condition holds.
type Derivation struct {
	Attrs []string `yaml:"attrs"`
	When  string   `yaml:"when"`
}

// Clause is one effect of a command.
type Clause struct {
	Kind   Kind     `yaml:"kind"`
	Object string   `yaml:"object,omitempty"` // a role or an option's argument
	Name   *string  `yaml:"name,omitempty"`   // instead of object, or where it has no value
	Type   Type     `yaml:"type,omitempty"`   // default path
	Source string   `yaml:"source,omitempty"` // a role or an option's argument
	When   string   `yaml:"when,omitempty"`   // a condition; default always
	Attrs  []string `yaml:"attrs,omitempty"`  // besides those that options set
	Params []string `yaml:"params,omitempty"` // roles or arguments whose values are worth knowing
}

// Example is a line with the effects it has, each as "kind object", with
// attributes that must be there (or must not: "!force") behind a colon and a
// source behind "from".
type Example struct {
	Line    string   `yaml:"line"`
	Effects []string `yaml:"effects"`
}

// maxManifest bounds a manifest's size in bytes.
const maxManifest = 256 << 10

// parseManifest reads a manifest. Nothing of it is compiled yet. Errors name
// file, line and column.
func parseManifest(file string, b []byte) (*Manifest, error) {
	if len(b) > maxManifest {
		return nil, fmt.Errorf("%s:1:1: %d bytes, a manifest may have %d", file, len(b), maxManifest)
	}
	m := &Manifest{file: file}
	err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(m)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1:1: the manifest is empty", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%s", file, position(err))
	}
	m.top = &node{spec: &m.Spec, path: m.name()}
	return m, nil
}

func (m *Manifest) name() string {
	if len(m.Commands) == 0 {
		return "?"
	}
	return m.Commands[0]
}

// position turns a YAML error into "line:col: what", one line.
func position(err error) string {
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil {
		p := ye.GetToken().Position
		return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, ye.GetMessage())
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return "1:1: " + first
}

// parseStyle reads the names of the ways to read arguments. Several may be given.
func parseStyle(text string) (option.Style, error) {
	var s option.Style
	for _, f := range strings.Fields(text) {
		switch f {
		case "gnu":
		case "posix":
			s.Posix = true
		case "long-dash":
			s.LongDash = true
		case "key-value":
			s.KeyValue = true
		case "bundle":
			s.Bundle = true
		case "exact":
			s.Exact = true
		case "plus":
			s.Plus = true
		case "popt":
			s.Popt = true
		case "words":
			s.Words = true
		default:
			return s, fmt.Errorf("unknown style %q (gnu, posix, long-dash, key-value, bundle, exact, plus, popt or words)", f)
		}
	}
	return s, nil
}

// role is one operand of a usage line.
type role struct {
	name     string
	optional bool
	repeated bool
}

// parseRoles reads "source... dest", "[file...]", "name [value]".
func parseRoles(text string) ([]role, error) {
	var out []role
	repeated := false
	for _, f := range strings.Fields(text) {
		var r role
		if s, ok := strings.CutPrefix(f, "["); ok {
			if s, ok = strings.CutSuffix(s, "]"); !ok {
				return nil, fmt.Errorf("operand %q: no closing bracket", f)
			}
			r.optional, f = true, s
		}
		f, r.repeated = strings.CutSuffix(f, "...")
		if f == "" || strings.ContainsAny(f, "[].") {
			return nil, fmt.Errorf("operand %q: want name, name..., [name] or [name...]", f)
		}
		if r.repeated && repeated {
			return nil, fmt.Errorf("operand %q: only one operand may repeat", f)
		}
		repeated = repeated || r.repeated
		r.name = f
		out = append(out, r)
	}
	return out, nil
}
