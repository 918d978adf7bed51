package hypothetical

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"guardsh/rules"
)

// The order of effects and rules never matters, and neither does judging from
// several goroutines at once.
func TestJudgeIsPure(t *testing.T) {
	s := rules.Builtin()
	r := rand.New(rand.NewPCG(1, 2))
	var wg sync.WaitGroup
	for _, row := range rows(t) {
		l, eff, facts := Try(row.line, row.at)
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
				t.Fatalf("%q: another order gives\n%+v\nnot\n%+v", row.line, got, want)
			}
		}
		wg.Go(func() {
			if got := rules.Judge(s, l, eff, facts); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: judged again it is %s", row.line, got)
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
	for _, row := range rows(t) {
		l, eff, facts := Try(row.line, row.at)
		all := rules.Judge(s, l, eff, facts).Verdict
		for i := range eff {
			if one := rules.Judge(s, l, eff[i:i+1], facts).Verdict; one > all {
				t.Errorf("%q: effect %d alone is %s, the line %s", row.line, i, one, all)
			}
		}
	}
}
