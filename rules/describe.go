package rules

import (
	"fmt"
	"strings"
)

// Lines tells an object's facts to a person, a fact a line.
func (of *ObjectFact) Lines() []string {
	var out []string
	say := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	p := of.Path
	say(p.Real != "", "real path %s", p.Real)
	say(p.Link != "", "a link to %s", p.Link)
	say(p.Follows, "the act goes through the link")
	say(p.Class != Ordinary, "class %s", p.Class)
	say(p.Real != "" && !p.Exists, "does not exist")
	more := ""
	if p.More {
		more = " or more"
	}
	say(p.Entries > 0, "%d entries%s, %d bytes%s", p.Entries, more, p.Bytes, more)
	say(p.Mount != "", "on %s (%s)", p.Mount, p.FSType)
	say(p.ReadOnly, "read-only")
	say(len(p.Protected) > 0, "would reach %s", strings.Join(p.Protected, " "))
	say(len(p.Overwrite) > 0, "would overwrite %s", strings.Join(p.Overwrite, " "))
	for _, h := range p.HeldBy {
		say(true, "held by %s (pid %d)", h.Name, h.PID)
	}
	d := of.Device
	for _, u := range d.Users {
		say(true, "in use: %s", u)
	}
	for _, c := range d.Carries {
		say(true, "carries %s", c)
	}
	say(len(of.Crontab.Jobs) > 0, "%d jobs in the crontab of %s", len(of.Crontab.Jobs), of.Crontab.User)
	for _, u := range of.Unknown {
		say(true, "not known: %s", u)
	}
	return out
}
