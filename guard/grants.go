package guard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"guardsh/rules"
)

// passGranted lowers the findings that the user broke the glass for. They are
// still said, and the trail holds each.
func (s *Session) passGranted(sc *scope, j *Judgement, number int) {
	err := j.LetPass(s.place.State, func(f rules.Finding, reason string) {
		s.trail.passed(number, f, reason)
		sc.answered.add([]string{answeredKey(*j, f, f.Verdict)})
	})
	if err != nil {
		s.trail.degraded(fmt.Sprintf("allowances: %v", err))
	}
}

// LetPass lowers the findings for which the user whose state directory it is
// broke the glass, and reports each as it was.
func (j *Judgement) LetPass(state string, passed func(f rules.Finding, reason string)) error {
	if j.Decision.Verdict < rules.Confirm {
		return nil
	}
	all, err := allowances(state, time.Now())
	if err != nil {
		return err
	}
	for i := range j.Decision.Findings {
		f := &j.Decision.Findings[i]
		a, ok := allowed(*f, all)
		if !ok || f.Verdict < rules.Confirm {
			continue
		}
		passed(*f, a.Reason)
		f.Verdict = rules.Notify
		f.Details = append(f.Details, fmt.Sprintf("let pass until %s: %s", a.Until.Format("15:04"), a.Reason))
	}
	j.Decision.Verdict = strictest(j.Decision.Findings)
	return nil
}

func strictest(fs []rules.Finding) rules.Verdict {
	v := rules.Allow
	for _, f := range fs {
		v = max(v, f.Verdict)
	}
	return v
}

// automated reports whether the site lets every question about a line pass for
// this user where nobody can answer. It never passes a block.
func (s *Session) automated(j Judgement, number int) bool {
	user, now := sessionUser(), time.Now()
	for _, f := range j.Decision.Findings {
		if f.Verdict < rules.Confirm {
			continue
		}
		if _, ok := s.Config.Automated(f.Rule, user, now); !ok || f.Verdict == rules.Block {
			return false
		}
	}
	for _, f := range j.Decision.Findings {
		if f.Verdict >= rules.Confirm {
			a, _ := s.Config.Automated(f.Rule, user, now)
			s.trail.passed(number, f, a.Reason)
		}
	}
	return true
}

// approval says how the questions about a line can be approved where nobody is
// there to answer.
func (s *Session) approval(j Judgement) string {
	ids := asked(j)
	var b strings.Builder
	b.WriteString("guardsh: nobody can be asked here, so the line does not run\n")
	b.WriteString("  hint: for once\n")
	for _, r := range ids {
		b.WriteString("    guardsh allow " + r + ` --for 10m --reason "…"` + "\n")
	}
	b.WriteString("  hint: for automation, in /etc/guardsh/config.yaml\n")
	for i, r := range ids {
		words := automationWords(r, sessionUser())
		if i > 0 {
			words = words[1:] // the key stands there already
		}
		for _, w := range words {
			b.WriteString("    " + w + "\n")
		}
	}
	return b.String()
}

// asked lists the rules that ask about a line, each once.
func asked(j Judgement) []string {
	var ids []string
	for _, f := range j.Decision.Findings {
		if f.Verdict >= rules.Confirm && !slices.Contains(ids, f.Rule) {
			ids = append(ids, f.Rule)
		}
	}
	return ids
}

// BreakGlass lets a rule pass for this user for a while, and writes it down.
func (s *Session) BreakGlass(rule, reason string, span time.Duration) (until time.Time, err error) {
	if _, err := s.Judge.Rules.Rule(rule); err != nil {
		return until, fmt.Errorf("no rule %q: its id stands in the refusal, in brackets", rule)
	}
	now := time.Now()
	a := Allowance{Rule: rule, Reason: reason, By: sessionUser(), From: now, Until: now.Add(span)}
	if err := grant(s.place.State, a); err != nil {
		return until, err
	}
	s.trail.breakGlass(a)
	s.notify(fmt.Sprintf("%s lets %s pass until %s: %s", a.By, a.Rule, a.Until.Format(time.RFC3339), a.Reason))
	return a.Until, nil
}
