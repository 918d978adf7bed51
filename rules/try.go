package rules

import (
	"errors"
	"fmt"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// Trial understands a line in a situation. Package rules/hypothetical sets it
// when it is linked in: rules cannot import what imagines its facts.
type Trial func(line string, at Situation) (*command.Line, []effect.Effect, *Facts)

// Imagine is how examples are tried; nil where nothing can imagine a world.
var Imagine Trial

// Try runs every example of a rule that is in the set.
func (s *Set) Try(id string) error {
	e := s.index().byID[id]
	if e == nil {
		return fmt.Errorf("no rule %q", id)
	}
	c, err := s.load(e)
	if err != nil {
		return err
	}
	return s.try(e, c)
}

// try runs a rule's examples and reports where it lies.
func (s *Set) try(e *entry, c *compiled) error {
	if Imagine == nil && s.imagine == nil {
		return fmt.Errorf("%s:1:1: examples cannot be tried: no imagined world is linked in", e.name)
	}
	// The rule is asked together with the others, since its instead must
	// pass all of them.
	with := &Set{rules: &index{byKind: map[string][]*entry{}, byID: map[string]*entry{}}, protection: builtin, imagine: s.imagine}
	for _, x := range s.index().byID {
		with.rules.put(x)
	}
	with.rules.put(e)
	var bad []error
	for i, m := range c.rule.Examples.Match {
		bad = append(bad, with.match(e, c, m, fmt.Sprintf("$.examples.match[%d]", i)))
	}
	for i, m := range c.rule.Examples.Silent {
		l, eff, facts := s.Imagined(m.Line, m.At)
		for _, f := range Judge(with, l, eff, facts).Findings {
			if f.Rule == e.id {
				bad = append(bad, at(e.name, e.text, fmt.Sprintf("$.examples.silent[%d]", i),
					fmt.Errorf("%s: %q has to be silent, but it says: %s", e.id, m.Line, f.Summary)))
			}
		}
	}
	return errors.Join(bad...)
}

func (s *Set) match(e *entry, c *compiled, m Match, where string) error {
	lies := func(format string, args ...any) error {
		return at(e.name, e.text, where, fmt.Errorf("%s: %q "+format, append([]any{e.id, m.Line}, args...)...))
	}
	want := c.verdict
	if m.Verdict != "" {
		v, err := ParseVerdict(m.Verdict)
		if err != nil {
			return lies("%v", err)
		}
		want = v
	}
	l, eff, facts := s.Imagined(m.Line, m.At)
	d := Judge(s, l, eff, facts)
	var found *Finding
	for i := range d.Findings {
		if f := &d.Findings[i]; f.Rule == e.id && (found == nil || f.Verdict == want && found.Verdict != want) {
			found = f
		}
	}
	if found == nil {
		return lies("does not match (%s); effects: %s", d, briefly(eff))
	}
	if found.Verdict != want {
		return lies("is %s, not %s", found.Verdict, want)
	}
	all := found.Words()
	for _, w := range m.Says {
		if !strings.Contains(all, w) {
			return lies("does not say %q: %s", w, all)
		}
	}
	if strings.Contains(all, "?") && strings.Contains(found.Summary, "?") && !strings.Contains(m.Line, "?") {
		return lies("has words that cannot be made: %s", found.Summary)
	}
	if found.Hint == "" {
		return lies("has no hint")
	}
	if len(c.instead) == 0 {
		return nil
	}
	instead, _, _ := strings.Cut(found.Hint, "   # ")
	l, eff, facts = s.Imagined(instead, m.At)
	if d := Judge(s, l, eff, facts); d.Verdict > Notify {
		return at(e.name, e.text, "$.instead", fmt.Errorf("%s: %q has an instead that does not pass: %q is %s", e.id, m.Line, instead, d))
	}
	return nil
}

// Words is all that a finding says, a line each.
func (f *Finding) Words() string {
	return strings.Join(append([]string{f.Summary, strings.Join(f.Details, "\n"), f.Why, f.Hint}, f.Name), "\n")
}

// briefly is effects in a line, for errors.
func briefly(effects []effect.Effect) string {
	var out []string
	for _, e := range effects {
		out = append(out, fmt.Sprintf("%s %s", e.Kind, e.Object.Display()))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, "; ")
}
