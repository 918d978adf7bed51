package guard

import (
	"sync"

	"guardsh/rules"
)

// inherited is what the line that runs was judged by already: what it starts
// is not judged by the same again. A finding about an object that was not
// known when the line was judged covers every object of its rule.
type inherited struct {
	mu   sync.Mutex
	keys map[string]bool
}

// anyObject stands in a key for an object that was not known.
const anyObject = "*"

func answerKey(rule, object string) string { return rule + "\x00" + object }

// keysOf are the keys of a judgement's findings of at least a verdict.
func keysOf(j Judgement, least rules.Verdict) []string {
	var keys []string
	for _, f := range j.Decision.Findings {
		if f.Verdict < least {
			continue
		}
		object := f.Object
		if f.EffectAt >= 0 && f.EffectAt < len(j.Effects) {
			if o := j.Effects[f.EffectAt].Object; o.Name == "" {
				object = anyObject
			}
		}
		keys = append(keys, answerKey(f.Rule, object))
	}
	return keys
}

func (h *inherited) add(keys []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keys == nil {
		h.keys = map[string]bool{}
	}
	for _, k := range keys {
		h.keys[k] = true
	}
}

// clear drops all: they hold for one line.
func (h *inherited) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.keys)
}

func (h *inherited) has(f rules.Finding) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[answerKey(f.Rule, f.Object)] || h.keys[answerKey(f.Rule, anyObject)]
}

func (h *inherited) hasKeys(keys []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range keys {
		if !h.keys[k] {
			return false
		}
	}
	return len(keys) > 0
}

// remaining is a decision without the findings that are inherited.
func (h *inherited) remaining(d rules.Decision) rules.Decision {
	out := rules.Decision{Verdict: rules.Allow, Unknowns: d.Unknowns}
	for _, f := range d.Findings {
		if h.has(f) {
			continue
		}
		out.Findings = append(out.Findings, f)
		out.Verdict = max(out.Verdict, f.Verdict)
	}
	return out
}
