package rules

import "slices"

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
