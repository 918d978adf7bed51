package audit

import "strings"

// Hit is a line that a search found.
type Hit struct {
	Session *Session
	Line    *Line
	Where   string // what matched: line, verdict, rule, outcome, program, finding, answer
}

// Search finds the lines of a trail, newest session first, whose text, verdict,
// outcome, rules, findings, or programs hold text. Case does not matter; a
// verdict and an outcome match as a whole word only.
func Search(root, text string) ([]Hit, error) {
	all, err := Sessions(root)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for i := range all {
		s := &all[i]
		for n := range s.Lines {
			if where := s.Lines[n].match(strings.ToLower(text)); where != "" {
				hits = append(hits, Hit{Session: s, Line: &s.Lines[n], Where: where})
			}
		}
	}
	return hits, nil
}

func (l *Line) match(text string) string {
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	if in(l.Event.Text) || l.Event.TextRaw != nil && in(string(l.Event.TextRaw)) {
		return "line"
	}
	if text == l.Event.Verdict {
		return "verdict"
	}
	if text != "" && text == string(l.Outcome()) {
		return "outcome"
	}
	for _, f := range l.Event.Findings {
		if in(f.Rule) {
			return "rule"
		}
		if in(f.Summary) || in(f.Object) {
			return "finding"
		}
	}
	for _, p := range l.Programs {
		if in(p.Text) || in(strings.Join(p.Argv, " ")) {
			return "program"
		}
		for _, f := range p.Findings {
			if in(f.Rule) {
				return "rule"
			}
			if in(f.Summary) || in(f.Object) {
				return "finding"
			}
		}
	}
	for _, a := range l.Answers {
		if text == a.Answer {
			return "answer"
		}
	}
	return ""
}
