package guard

import (
	"fmt"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// before is what the earlier parts of an input do. Each part is judged together
// with them, since it may need what they set; only what it adds counts then. The
// same act once more is one more act.
type before struct {
	effects map[string]int
	notes   map[string]bool // what was found about no effect, by rule and object
}

// newIn leaves in a judgement what its line adds to what was there before, and
// takes that in.
func (j *Judge) newIn(out *Judgement, b *before) {
	if out.Failed != nil {
		return
	}
	count := map[string]int{}
	fresh := make([]bool, len(out.Effects))
	for i := range out.Effects {
		key := effectKey(&out.Effects[i])
		count[key]++
		fresh[i] = count[key] > b.effects[key]
	}
	b.effects = count
	out.Decision = rules.JudgeSome(j.Rules, out.Line, out.Effects, out.Facts, func(i int) bool { return fresh[i] })
	if b.notes == nil {
		b.notes = map[string]bool{}
	}
	var kept []rules.Finding
	for _, f := range out.Decision.Findings {
		if f.EffectAt < 0 {
			key := answerKey(f.Rule, f.Object)
			if b.notes[key] {
				continue
			}
			b.notes[key] = true
		}
		kept = append(kept, f)
	}
	out.Decision.Findings, out.Decision.Verdict = kept, strictest(kept)
	out.place()
}

// effectKey is the same for acts that are the same.
func effectKey(e *effect.Effect) string {
	from := ""
	if e.Source != nil {
		from = e.Source.Key()
	}
	return fmt.Sprint(e.Kind, "\x00", e.Object.Key(), "\x00", from, "\x00", e.Attrs, e.Params, "\x00", e.Command, "\x00", e.User, "\x00", e.Place)
}
