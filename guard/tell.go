package guard

import (
	"context"
	"os"
	"strings"
	"time"

	"guardsh/audit"
)

// tell says what there is to say of a line where it came from. What is only
// noted of a line that runs is not put between the bytes of a program: where
// standard error is no terminal, what reads it is scp, cron, git or a pipeline.
func (s *Session) tell(r Request, out Outcome) {
	if !out.Release || s.heard(r) {
		r.say(out.Say)
		return
	}
	r.say(out.must)
	if out.Say != out.must {
		s.log(r, out.Say)
	}
}

// tellEnd records that a released line is over, and says what it left behind.
func (s *Session) tellEnd(r Request, out Outcome, status int) {
	s.tellLeft(r, s.Ended(out, status))
}

// tellLeft says what a line left behind.
func (s *Session) tellLeft(r Request, words string) {
	switch {
	case s.heard(r):
		r.say(words)
	case words != "":
		s.log(r, words)
	}
}

func (r Request) say(words string) {
	switch {
	case words == "":
	case r.Say != nil:
		r.Say(words)
	default:
		os.Stderr.WriteString(words)
	}
}

// heard says whether notices about a request are said aloud.
func (s *Session) heard(r Request) bool { return r.Say != nil || s.noticesHere() }

// noticesHere says whether they are on this process's standard error.
func (s *Session) noticesHere() bool {
	return s.Config.Notices == NoticesAlways || isTerminal(os.Stderr)
}

// logTime bounds the wait for a system log that does not read.
const logTime = 100 * time.Millisecond

// log puts words that nobody sees into the system log. They are in the trail.
func (s *Session) log(r Request, words string) {
	line := sessionUser() + ":"
	if r.Src != "" {
		line += " " + firstOf(audit.Redact(r.part())) + ":"
	}
	for w := range strings.Lines(words) {
		line += " " + strings.TrimPrefix(strings.TrimSpace(w), "guardsh: ")
	}
	done := make(chan error, 1)
	go func() { done <- tellLog(context.Background(), Printable(line)) }()
	select {
	case err := <-done:
		if err != nil {
			s.trail.degraded("system log: " + Printable(err.Error()))
		}
	case <-time.After(logTime):
		s.trail.degraded("system log: it does not answer")
	}
}

// firstOf is the first line of a text, cut to what a log line can hold.
func firstOf(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	if len(first) > maxArgvText {
		first, rest = strings.ToValidUTF8(first[:maxArgvText], ""), "…"
	}
	if rest != "" {
		first += " …"
	}
	return first
}

// Greet says what does not work at the start of a session; nothing on a normal
// day.
func (s *Session) Greet() {
	var words strings.Builder
	for _, p := range s.Problem {
		words.WriteString(notice(p))
	}
	if len(s.Problem) > 0 {
		words.WriteString(notice("the built-in rules hold"))
	}
	for _, e := range s.exposed {
		words.WriteString(notice(e.says) + "  hint: as root: " + Printable(e.remedy) + "\n")
	}
	switch {
	case words.Len() == 0:
	case s.noticesHere():
		os.Stderr.WriteString(words.String())
	default:
		s.log(Request{}, words.String())
	}
	if s.place.Interactive { // else the first line says it: nothing is to wait for the trail before
		os.Stderr.WriteString(s.trail.news())
	}
}
