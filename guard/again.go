package guard

import (
	"fmt"
	"slices"
	"time"

	"guardsh/rules"
	"guardsh/rules/effect"
	"guardsh/rules/word"
)

// againSpan is how long a line that destroys is remembered: a key that was
// pressed twice, or the line that comes back with arrow up and Enter.
const againSpan = time.Minute

// ran is a line that ran in this session.
type ran struct {
	at  time.Time
	cwd string
}

// againRule is the id of the finding about a line that just ran.
const againRule = "session/same-line-again"

// tellAgain adds that a line which destroys ran a moment ago.
func (s *Session) tellAgain(r Request, j *Judgement) {
	if r.Source != Prompt || !j.destroys() {
		return
	}
	s.mu.Lock()
	before, ok := s.recent[r.Src]
	s.mu.Unlock()
	ago := time.Since(before.at)
	if !ok || ago > againSpan {
		return
	}
	f := rules.Finding{
		Rule: againRule, Verdict: rules.Notify, Effect: effect.Delete, Object: "the line",
		Summary: fmt.Sprintf("the same line ran %d seconds ago", int(ago.Seconds())),
		Why:     "a line that comes back by arrow up and Enter acts upon what is there now, not upon what was meant the first time",
		Hint:    "pwd; ls", Action: -1, EffectAt: -1,
	}
	if before.cwd != r.Cwd && before.cwd != "" {
		f.Summary += ", in " + before.cwd
	}
	j.Decision.Findings = append(slices.Clone(j.Decision.Findings), f)
	j.Decision.Verdict = max(j.Decision.Verdict, f.Verdict)
}

// ranNow remembers a released line that destroys.
func (s *Session) ranNow(r Request, j Judgement) {
	if r.Source != Prompt || !j.destroys() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for src, b := range s.recent {
		if time.Since(b.at) > againSpan {
			delete(s.recent, src)
		}
	}
	if s.recent == nil {
		s.recent = map[string]ran{}
	}
	s.recent[r.Src] = ran{time.Now(), r.Cwd}
}

// destroys reports a line about which something was said, or that deletes
// whatever its pattern finds: typed twice it finds something else.
func (j *Judgement) destroys() bool {
	for _, f := range j.Decision.Findings {
		if f.Verdict > rules.Allow && f.Rule != againRule {
			return true
		}
	}
	return slices.ContainsFunc(j.Effects, func(e effect.Effect) bool {
		return e.Kind == effect.Delete && e.Has("recursive") && (e.Object.Pattern != "" || e.Object.Word.Origin == word.FromGlob)
	})
}
