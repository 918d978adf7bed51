package rules

import (
	"maps"
	"path"
	"slices"
	"strings"

	"guardsh/rules/effect"
)

// environment is which of the site's environments this host belongs to: by its
// label, else by its name; "" none that is known.
func (j *judgement) environment() string {
	names := j.set.policy.Names
	for _, l := range j.labels() {
		if _, ok := names[l]; ok {
			return l
		}
	}
	if j.facts == nil || j.facts.Host.Name == "" {
		return ""
	}
	for _, env := range slices.Sorted(maps.Keys(names)) {
		if _, ok := called(names[env], j.facts.Host.Name); ok {
			return env
		}
	}
	return ""
}

// otherEnvironment speaks about an act upon what the site calls by the names of
// another environment than this host's.
func (j *judgement) otherEnvironment(e *effect.Effect, v *env, i int) {
	names := j.set.policy.Names
	if len(names) == 0 {
		return
	}
	own := j.environment()
	if own == "" {
		return
	}
	for _, env := range slices.Sorted(maps.Keys(names)) {
		if env == own {
			continue
		}
		for _, said := range j.acted(e, v) {
			word, ok := called(names[env], said)
			if _, also := called(names[own], word); !ok || also {
				continue
			}
			j.add(Finding{Rule: "site/other-environment", Verdict: Confirm, Effect: e.Kind, Object: named(v),
				Summary: word + " is of " + env + ", and this host is of " + own,
				Why:     "the right line on the wrong machine: the site's configuration says which names belong where",
				Hint:    "type it on a host of " + env + ", or correct the name", Action: e.Action, EffectAt: i})
			return
		}
	}
}

// acted is what an effect falls on, in words that a site may call it by. What
// is read for a copy is not among it. Where the object is no file all that the
// program was told counts: --context, -h.
func (j *judgement) acted(e *effect.Effect, v *env) []string {
	out := append([]string{v.Object}, v.Hosts...)
	for _, p := range v.Params {
		out = append(out, p...)
	}
	if v.Type == string(effect.Path) || v.Type == string(effect.Device) || e.Action < 0 || e.Action >= len(j.line.Actions) {
		return out
	}
	for _, w := range j.line.Actions[e.Action].Args() {
		out = append(out, w.Values...)
	}
	return out
}

// called finds the part of a word that one of the patterns is about: the word,
// or what stands between its slashes, colons and the like.
func called(patterns []string, word string) (string, bool) {
	parts := append([]string{word}, strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("/@:,= ", r) })...)
	for _, part := range parts {
		for _, p := range patterns {
			if ok, err := path.Match(p, part); ok && err == nil {
				return part, true
			}
		}
	}
	return "", false
}
