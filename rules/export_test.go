package rules

import (
	"regexp/syntax"
	"slices"
)

// Shuffled is the same set with its rules in another order: the order must
// not matter.
func (s *Set) Shuffled(seed uint64) *Set {
	out := &Set{rules: &index{byKind: map[string][]*entry{}, byID: s.index().byID}, policy: s.policy, own: s.own, protection: s.protection}
	for k, es := range s.index().byKind {
		es = slices.Clone(es)
		for i := len(es) - 1; i > 0; i-- {
			seed = seed*6364136223846793005 + 1442695040888963407
			j := int(seed>>33) % (i + 1)
			es[i], es[j] = es[j], es[i]
		}
		out.rules.byKind[k] = es
	}
	return out
}

// Unscreened is the same set with each condition asked in full. screened is how
// many would not have to be, of all.
func (s *Set) Unscreened() (out *Set, screened, all int) {
	out = &Set{rules: &index{byKind: map[string][]*entry{}, byID: map[string]*entry{}}, policy: s.policy, own: s.own, protection: s.protection}
	for _, e := range s.index().byID {
		c := &entry{id: e.id, on: e.on, name: e.name, text: e.text, trust: e.trust}
		if g := out.gateOf(c); g != nil && g.text.When != "" {
			all++
			if g.screen != nil {
				screened++
			}
			g.screen = nil
		}
		out.rules.put(c)
	}
	return out, screened, all
}

// Literals are what has to be in whatever a pattern matches, one for each of its
// alternatives; ^ is before one that it begins with.
func Literals(pattern string) (out []string) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return []string{err.Error()}
	}
	for _, l := range literals(re) {
		if l.first {
			l.text = "^" + l.text
		}
		out = append(out, l.text)
	}
	return out
}
