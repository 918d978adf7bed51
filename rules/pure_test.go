package rules_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"guardsh/rules"
	"guardsh/rules/hypothetical"
)

// matches are the lines that the rules of a set have to find something in.
func matches(t *testing.T, s *rules.Set) (out []rules.Match) {
	t.Helper()
	for _, id := range s.IDs() {
		r, err := s.Rule(id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Examples.Match...)
	}
	if len(out) < 500 {
		t.Fatalf("only %d examples", len(out))
	}
	return out
}

// The order of effects and rules never matters, and neither does judging from
// several goroutines at once.
func TestJudgeIsPure(t *testing.T) {
	s := rules.Builtin()
	r := rand.New(rand.NewPCG(1, 2))
	var wg sync.WaitGroup
	for _, m := range matches(t, s) {
		l, eff, facts := hypothetical.Try(m.Line, m.At)
		want := rules.Judge(s, l, eff, facts)
		for range 3 {
			order := r.Perm(len(eff))
			mixed := slices.Clone(eff)
			for i, j := range order {
				mixed[i] = eff[j]
			}
			got := rules.Judge(s.Shuffled(r.Uint64()), l, mixed, facts)
			for i := range got.Findings {
				// The index is into the effects that were given.
				if at := got.Findings[i].EffectAt; at >= 0 {
					got.Findings[i].EffectAt = order[at]
				}
			}
			if !same(want, got) {
				t.Fatalf("%q: another order gives\n%+v\nnot\n%+v", m.Line, got, want)
			}
		}
		wg.Go(func() {
			if got := rules.Judge(s, l, eff, facts); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: judged again it is %s", m.Line, got)
			}
		})
	}
	wg.Wait()
}

// same compares decisions; which of two equal effects a finding points at is
// free.
func same(a, b rules.Decision) bool {
	strip := func(d rules.Decision) rules.Decision {
		d.Findings = slices.Clone(d.Findings)
		for i := range d.Findings {
			d.Findings[i].EffectAt = 0
		}
		return d
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

// An act more never makes a line milder.
func TestMoreIsNeverMilder(t *testing.T) {
	s := rules.Builtin()
	for _, m := range matches(t, s) {
		l, eff, facts := hypothetical.Try(m.Line, m.At)
		all := rules.Judge(s, l, eff, facts).Verdict
		for i := range eff {
			if one := rules.Judge(s, l, eff[i:i+1], facts).Verdict; one > all {
				t.Errorf("%q: effect %d alone is %s, the line %s", m.Line, i, one, all)
			}
		}
	}
}
