package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// found are the ways to guardsh that the record does not know: it was lost, or
// somebody else made them. Only a drop-in that is word for word as Install writes
// them is known to be its own; the rest is named, with what removes it.
func (rec *Record) found(program string) []Back {
	var all []Back
	for _, d := range []struct {
		door, path string
		own        func(text string) bool
	}{{"sshd", sshdPath, ownSSHD}, {"sudo", SudoersPath, ownSudoers}} {
		if slices.ContainsFunc(rec.Written, func(w Dropin) bool { return w.Path == d.path }) {
			continue
		}
		b, err := os.ReadFile(d.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			all = append(all, Back{Says: d.path, Left: err.Error()})
		case d.own(string(b)):
			all = append(all, Dropin{d.door, d.path, sum(b)}.back()...)
		default:
			all = append(all, Back{Says: d.path, Left: "it is not as guardsh install writes it, and no record says that it is guardsh's; look at it, then: rm " + d.path})
		}
	}
	if to, err := os.Readlink(linkPath); rec.Link == nil && err == nil && isGuardsh(to, program) {
		all = append(all, Back{Says: linkPath + ", a link to " + to, Left: "no record says that guardsh install made it; to remove it: rm " + linkPath})
	}
	return all
}

// foundLogins are the accounts whose shell is guardsh without a word in the
// record: what their shell was before is not known. Those of others are about to
// get another one.
func (rec *Record) foundLogins(program string, others []string) []Back {
	var all []Back
	for _, a := range localAccounts() {
		if !isGuardsh(a.shell, program) || slices.Contains(others, a.shell) ||
			slices.ContainsFunc(rec.Logins, func(l Login) bool { return l.User == a.name }) {
			continue
		}
		all = append(all, Back{
			Says: fmt.Sprintf("the shell of %s, %s", a.name, a.shell),
			Left: fmt.Sprintf("no record says what it was before; to give it another one: chsh -s %s %s", fallbackShell(), a.name),
		})
	}
	return all
}

// isGuardsh says whether a path leads to this program, or to one of its name.
func isGuardsh(path, program string) bool {
	return path != "" && (path == program || filepath.Base(path) == filepath.Base(Place))
}

// ownSudoers says whether sudoersText wrote a text.
func ownSudoers(text string) bool {
	rule, ok := strings.CutPrefix(text, head+"%")
	group, program, cut := strings.Cut(rule, " ALL=(ALL:ALL) ")
	program, ended := strings.CutSuffix(program, "\n")
	return ok && cut && ended && filepath.IsAbs(program) && !strings.ContainsAny(program, " ,\n") && !strings.Contains(group, "\n")
}

// ownSSHD says whether sshdText wrote a text.
func ownSSHD(text string) bool {
	_, rest, ok := strings.Cut(text, "\n\tForceCommand exec /bin/sh -c 'if test -x ")
	program, _, cut := strings.Cut(rest, "; then ")
	group, named := strings.CutPrefix(text, head+"Match Group \"")
	group, _, closed := strings.Cut(group, "\"\n")
	return ok && cut && named && closed && text == sshdText(group, program)
}
