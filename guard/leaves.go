package guard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"

	"guardsh/audit"
	"guardsh/guard/host"
	"guardsh/rules/effect"
)

// What a line leaves behind in files that are only read at the next boot, the
// next sudo or the next login: the programs that check them are asked before
// and after, and what is new is said while the session that can mend it is
// still there.

// A checker is a program that says whether a file is right.
type checker struct {
	files []string // paths and patterns
	argv  []string
	root  bool // only root may read the files
}

var checkers = []checker{
	{files: []string{"/etc/fstab"}, argv: []string{"findmnt", "--verify"}},
	{files: []string{"/etc/sudoers", "/etc/sudoers.d/*"}, argv: []string{"visudo", "-c"}, root: true},
	{files: []string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf"}, argv: []string{"sshd", "-t"}, root: true},
	{files: []string{"/etc/nginx/*", "/etc/nginx/*/*"}, argv: []string{"nginx", "-t", "-q"}, root: true},
}

// checkTime bounds each of them.
const checkTime = time.Second

// maxComplaints is how many lines of a checker are said.
const maxComplaints = 6

// leftRule is the id under which the trail keeps it.
const leftRule = "fs/left-wrong"

// check is a checker that is asked again when the line is over.
type check struct {
	checker
	file   string
	before []string
}

// changesFile reports whether a file may be wrong after an effect.
func changesFile(k effect.Kind) bool {
	switch k {
	case effect.Create, effect.Overwrite, effect.Truncate, effect.Append, effect.Delete, effect.Move:
		return true
	}
	return false
}

// checksOf asks those whose files a line is about to change.
func checksOf(j Judgement) []check {
	var list []check
	for i := range j.Effects {
		e := &j.Effects[i]
		if !changesFile(e.Kind) || e.Object.Type != effect.Path || e.Object.Name == "" || e.Place.Kind != 0 {
			continue
		}
		file := path.Clean(e.Object.Name)
		if of := j.Facts.Of(e.Object); of.Path.Real != "" {
			file = of.Path.Real
		}
		for _, c := range checkers {
			if c.root && os.Geteuid() != 0 || !slices.ContainsFunc(c.files, func(p string) bool { ok, _ := path.Match(p, file); return ok }) ||
				slices.ContainsFunc(list, func(have check) bool { return have.argv[0] == c.argv[0] }) {
				continue
			}
			if before, ok := c.ask(); ok {
				list = append(list, check{checker: c, file: file, before: before})
			}
		}
	}
	return list
}

// ask gives what a checker complains about, none where all is right; ok is
// false where it could not be asked.
func (c checker) ask() (complaints []string, ok bool) {
	name := host.Program(c.argv[0])
	if name == "" {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, c.argv[1:]...)
	cmd.WaitDelay = checkTime
	cmd.Env = host.PlainEnv()
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil, true
	case ctx.Err() != nil || !errors.As(err, &exit) || exit.ExitCode() < 0:
		return nil, false
	}
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l != "" {
			complaints = append(complaints, l)
		}
	}
	return complaints, true
}

// left says what is wrong since the line ran.
func (s *Session) left(out Outcome) string {
	var say strings.Builder
	for _, c := range out.checks {
		after, ok := c.ask()
		if !ok {
			continue
		}
		fresh := slices.DeleteFunc(after, func(l string) bool { return slices.Contains(c.before, l) })
		if len(fresh) == 0 {
			continue
		}
		words := fmt.Sprintf("%s is not right any more, says %s", c.file, strings.Join(c.argv, " "))
		say.WriteString(notice(words))
		for _, l := range fresh[:min(len(fresh), maxComplaints)] {
			fmt.Fprintf(&say, "    %s\n", Printable(l))
		}
		if len(out.Kept) > 0 {
			say.WriteString("  hint: guardsh undo brings back what was there\n")
		}
		s.trail.journal().AppendLazy(audit.Event{Kind: audit.Machine, Rule: leftRule, Text: words + ": " + fresh[0]})
	}
	return say.String()
}
