package install

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Wish is what an installation is asked for.
type Wish struct {
	Program   string   // the guardsh that runs now
	Logins    []string // accounts that get it as their login shell
	SudoGroup string   // the group that may run guardsh, and only that, by sudo
	SudoLink  bool     // sudo, wherever it is typed, goes through guardsh
	SSHGroup  string   // the group whose ssh sessions are guarded
	Record    string   // the record's path; "" is the usual one
}

// Place is where the program is put when it is somewhere that others can write.
const Place = "/usr/bin/guardsh"

// recordPath is where the record is kept.
const recordPath = "/var/lib/guardsh/install.json"

// linkPath comes before /usr/bin on every usual PATH.
const linkPath = "/usr/local/bin/sudo"

// Step is one thing that is done.
type Step struct {
	Says string // as a plan: "add /usr/bin/guardsh to /etc/shells"
	Note string // what else to know about it
	do   func(*Record) (undo func() error, err error)
}

// Plan is what an installation would do: the steps that are still to be done.
// An error names everything that stands against it; nothing was changed.
func Plan(w Wish) ([]Step, error) {
	rec, err := readRecord(cmp.Or(w.Record, recordPath))
	if err != nil {
		return nil, err
	}
	p := planner{Wish: w, rec: rec}
	p.program()
	for i, u := range w.Logins {
		if !slices.Contains(w.Logins[:i], u) {
			p.login(u)
		}
	}
	if len(p.logins) > 0 {
		p.shells()
		p.steps = append(p.steps, p.logins...)
	}
	if w.SudoGroup != "" {
		p.sudo()
	}
	if w.SudoLink {
		p.link()
	}
	if w.SSHGroup != "" {
		p.sshd()
	}
	if err := errors.Join(p.against...); err != nil {
		return nil, err
	}
	return p.steps, nil
}

// planner puts the steps together.
type planner struct {
	Wish
	rec     *Record
	at      string // where the program is, or will be
	steps   []Step
	logins  []Step // come behind the entry in /etc/shells
	proven  map[string]bool
	against []error
}

func (p *planner) step(s Step) { p.steps = append(p.steps, s) }

func (p *planner) no(format string, args ...any) {
	p.against = append(p.against, fmt.Errorf(format, args...))
}

// program uses guardsh where it is, or copies it to where only root can
// exchange it.
func (p *planner) program() {
	real, err := filepath.EvalSymlinks(p.Program)
	if err != nil {
		p.no("%w", err)
		return
	}
	why := Trusted(real)
	if why == nil {
		p.at = real
		return
	}
	p.at = Place
	switch _, err := os.Lstat(Place); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		p.no("%w", err)
		return
	case sameContent(real, Place) && Trusted(Place) == nil:
		return
	default:
		p.no("%w, and %s is there already and is another one\n  hint: run %s install, or move it away", why, Place, Place)
		return
	}
	p.step(Step{
		Says: fmt.Sprintf("copy %s to %s", real, Place), Note: why.Error(),
		do: func(r *Record) (func() error, error) {
			b, err := os.ReadFile(real)
			if err != nil {
				return nil, err
			}
			r.Program, r.SHA256 = Place, sum(b)
			undo := func() error { return removeIf(Place, r.SHA256) }
			if err := p.save(r); err != nil {
				return nil, err
			}
			if err := replaceFile(Place, b, 0o755); err != nil {
				return undo, err
			}
			return undo, Trusted(Place)
		},
	})
}

func (p *planner) save(r *Record) error { return r.write(cmp.Or(p.Record, recordPath)) }

// prove adds the proof that the shell starts for an account, once.
func (p *planner) prove(user string) {
	if p.proven[user] || p.at == "" {
		return
	}
	if p.proven == nil {
		p.proven = map[string]bool{}
	}
	p.proven[user] = true
	p.step(Step{
		Says: fmt.Sprintf("start it as %s: one line, and a login at a terminal", user),
		do: func(*Record) (func() error, error) {
			var few *TooFewAddresses
			if err := cmp.Or(Addresses(user), ServiceAddresses()); errors.As(err, &few) {
				return nil, fmt.Errorf("%w\n  hint: %s", few, few.Hint())
			} else if err != nil {
				return nil, err
			}
			if err := proveLine(user, p.at); err != nil {
				return nil, err
			}
			return nil, proveLogin(user, p.at)
		},
	})
}

func (p *planner) login(user string) {
	a, err := accountOf(user)
	switch {
	case err != nil:
		p.no("%w", err)
		return
	case a.shell == p.at:
		return // it has it already
	case !a.local:
		p.no("%s is no account of this machine, so that its shell is changed where it comes from\n  hint: --sshd GROUP guards its ssh sessions here", user)
		return
	case !canLogIn(a):
		p.no("%s cannot log in now (its shell is %q), and guardsh would change that", user, a.shell)
		return
	}
	p.prove(user)
	s := Step{
		Says: fmt.Sprintf("make it the login shell of %s (now %s)", user, cmp.Or(a.shell, "/bin/sh")),
		do: func(r *Record) (func() error, error) {
			was := a.shell
			if i := slices.IndexFunc(r.Logins, func(l Login) bool { return l.User == user }); i >= 0 {
				if r.Logins[i].After == was {
					was = r.Logins[i].Before // a guardsh elsewhere is not what it had before
				}
				r.Logins = slices.Delete(r.Logins, i, i+1)
			}
			r.Logins = append(r.Logins, Login{user, was, p.at})
			if err := p.save(r); err != nil {
				return nil, err
			}
			back := func() error { return setShell(user, a.shell) }
			if err := setShell(user, p.at); err != nil {
				return back, err
			}
			return back, proveLine(user, "")
		},
	}
	if a.uid == "0" {
		s.Note = "keep another root shell open until you have logged in once more"
	}
	p.logins = append(p.logins, s)
}

// shells puts the program on the list of login shells: without it sshd's PAM
// rules, chsh and ftp servers take an account for closed.
func (p *planner) shells() {
	if Listed(p.at) {
		return
	}
	p.step(Step{
		Says: fmt.Sprintf("add %s to %s", p.at, ShellsFile),
		do: func(r *Record) (func() error, error) {
			path, err := filepath.EvalSymlinks(ShellsFile)
			if errors.Is(err, fs.ErrNotExist) {
				path, err = ShellsFile, nil
			}
			if err != nil {
				return nil, err
			}
			b, err := os.ReadFile(path)
			existed := err == nil
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			text := string(b)
			if !existed {
				text = defaultShells
			}
			edit := Edit{Existed: existed, Before: string(b), After: withLine(text, p.at), Line: p.at}
			r.Shells = append(r.Shells, edit)
			if err := p.save(r); err != nil {
				return nil, err
			}
			return func() error { return takeBack(edit) }, replaceFile(path, []byte(edit.After), 0o644)
		},
	})
}

// link puts guardsh in front of sudo for everybody's PATH.
func (p *planner) link() {
	if to, err := os.Readlink(linkPath); err == nil && to == p.at {
		return
	}
	if _, err := os.Lstat(linkPath); err == nil {
		p.no("%s is there already, and is not guardsh\n  hint: move it away", linkPath)
		return
	}
	if _, err := findTool("sudo"); err != nil {
		p.no("%w: there is nothing to stand in front of", err)
		return
	}
	p.step(Step{
		Says: fmt.Sprintf("link %s to it, so that a typed sudo is judged", linkPath),
		do: func(r *Record) (func() error, error) {
			r.Link = &Link{linkPath, p.at}
			if err := p.save(r); err != nil {
				return nil, err
			}
			if err := os.MkdirAll(filepath.Dir(linkPath), 0o755); err != nil {
				return nil, err
			}
			if err := os.Symlink(p.at, linkPath); err != nil {
				return nil, err
			}
			undo := func() error { return os.Remove(linkPath) }
			return undo, proveLink()
		},
	})
}

// Carry does the steps of a plan. On the first that fails it takes back those
// before it, the latest first.
func Carry(w Wish, steps []Step, tell func(says string)) error {
	path := cmp.Or(w.Record, recordPath)
	rec, unlock, err := openRecord(path)
	if err != nil {
		return err
	}
	defer unlock()
	before := rec.copyOf()
	var undo []func() error
	for _, s := range steps {
		back, err := s.do(rec)
		if back != nil {
			undo = append(undo, back)
		}
		if err == nil {
			tell(s.Says)
			continue
		}
		var left []error
		for _, u := range slices.Backward(undo) {
			if uerr := u(); uerr != nil {
				left = append(left, uerr)
			}
		}
		if len(left) > 0 {
			// The record still knows what was there before.
			return fmt.Errorf("%w\nguardsh: taking it back: %w\n  hint: guardsh uninstall", err, errors.Join(left...))
		}
		return errors.Join(err, before.write(path))
	}
	return nil
}

// removeIf removes a file whose content is known; another one stays, and is an
// error. A file that is gone is none.
func removeIf(path, sha string) error {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case sum(b) != sha:
		return changed(path)
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// changed is the error that something is no longer as Install left it.
type changed string

func (c changed) Error() string { return string(c) + " was changed since" }

// takeBack undoes an edit: exactly if the file is as it was left, else only
// the line.
func takeBack(e Edit) error {
	path, err := filepath.EvalSymlinks(ShellsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(b)
	switch {
	case text == e.After && !e.Existed:
		return os.Remove(path)
	case text == e.After:
		return replaceFile(path, []byte(e.Before), 0o644)
	case !hasLine(text, e.Line):
		return nil
	}
	return replaceFile(path, []byte(withoutLine(text, e.Line)), 0o644)
}

// in is a list in words.
func in(names []string) string { return strings.Join(names, ", ") }
