package guard

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"guardsh/rules"
	"guardsh/rules/effect"
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
		if f.Verdict >= least {
			keys = append(keys, keyOf(j, f))
		}
	}
	return keys
}

func keyOf(j Judgement, f rules.Finding) string {
	if f.EffectAt < 0 || f.EffectAt >= len(j.Effects) || j.Effects[f.EffectAt].Object.Name != "" {
		return answerKey(f.Rule, f.Object)
	}
	if e := j.Effects[f.EffectAt]; e.Object.Type == effect.Crontab && (e.Action < 0 || j.Line.Actions[e.Action].User == "") {
		return answerKey(f.Rule, sessionUser()) // "" is the own one, which has another user's name in front of sudo
	}
	return answerKey(f.Rule, anyObject)
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

// all are all keys.
func (h *inherited) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.keys))
}

// clear drops all: they hold for one line.
func (h *inherited) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.keys)
}

func (h *inherited) has(j Judgement, f rules.Finding) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[keyOf(j, f)] || h.keys[answerKey(f.Rule, anyObject)]
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

// remaining is a judgement's decision, or part of it, without the findings that
// are inherited.
func (h *inherited) remaining(j Judgement, d rules.Decision) rules.Decision {
	out := rules.Decision{Verdict: rules.Allow, Unknowns: d.Unknowns}
	for _, f := range d.Findings {
		if h.has(j, f) {
			continue
		}
		out.Findings = append(out.Findings, f)
		out.Verdict = max(out.Verdict, f.Verdict)
	}
	return out
}

// inside drops what somebody was asked already of a start below another root
// directory: the line named its objects as they are there, and may have been
// judged by another rule. What nothing may do stays.
func (h *inherited) inside(d rules.Decision, named func(rules.Finding) string) rules.Decision {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := func(object string) bool {
		for k := range h.keys {
			if _, o, _ := strings.Cut(k, "\x00"); o == object {
				return true
			}
		}
		return false
	}
	d.Findings = slices.DeleteFunc(slices.Clone(d.Findings), func(f rules.Finding) bool {
		return f.Verdict < rules.Block && asked(named(f))
	})
	d.Verdict = strictest(d.Findings)
	return d
}
