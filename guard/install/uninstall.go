package install

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Removal is what an uninstallation is asked for.
type Removal struct {
	Logins   []string // only these accounts; nil: everything
	Accounts []string // programs whose accounts all get another shell, recorded or not: they are about to go
	Program  string   // this one: what leads to it is named where the record does not know it
	Record   string   // the record's path; "" is the usual one
}

// Back is one thing that is put back, or, where Left says why, is not.
type Back struct {
	Says string
	Left string
	do   func(*Record) error
}

// PlanRemoval is what Uninstall would do, the last of an installation first.
func PlanRemoval(r Removal) ([]Back, error) {
	rec, err := readRecord(cmp.Or(r.Record, recordPath))
	if err != nil {
		return nil, err
	}
	var all []Back
	if r.Logins == nil {
		for _, door := range []string{"sshd", "sudo"} {
			for _, d := range rec.Written {
				if d.Door == door {
					all = append(all, d.back()...)
				}
			}
		}
		if rec.Link != nil {
			all = append(all, rec.Link.back())
		}
		all = append(all, rec.found(r.Program)...)
	}
	for _, l := range rec.Logins {
		if r.Logins == nil || slices.Contains(r.Logins, l.User) {
			all = append(all, l.back())
		}
	}
	for _, u := range r.Logins {
		if !slices.ContainsFunc(rec.Logins, func(l Login) bool { return l.User == u }) {
			all = append(all, Back{Says: "the shell of " + u, Left: "guardsh install did not change it"})
		}
	}
	for _, program := range r.Accounts {
		for _, u := range LoginsWith(program) {
			if !slices.ContainsFunc(rec.Logins, func(l Login) bool { return l.User == u && l.After == program }) {
				all = append(all, Back{
					Says: fmt.Sprintf("make %s the login shell of %s, since %s goes", fallbackShell(), u, program),
					do:   func(*Record) error { return setShell(u, fallbackShell()) },
				})
			}
		}
	}
	if r.Logins == nil {
		all = append(all, rec.foundLogins(r.Program, r.Accounts)...)
		all = append(all, rec.backShells()...)
		all = append(all, rec.backProgram()...)
	}
	return all, nil
}

func (d Dropin) back() []Back {
	forget := func(r *Record) {
		r.Written = slices.DeleteFunc(r.Written, func(x Dropin) bool { return x.Path == d.Path })
	}
	b, err := os.ReadFile(d.Path)
	if err == nil && sum(b) != d.SHA256 {
		return []Back{{Says: d.Path, Left: "it was changed since, and stays; look at it and remove it yourself"}}
	}
	back := []Back{{Says: "remove " + d.Path, do: func(r *Record) error {
		if err := removeIf(d.Path, d.SHA256); err != nil {
			return err
		}
		forget(r)
		return nil
	}}}
	if d.Door == "sshd" {
		back = append(back, Back{Says: "let sshd read its configuration again", do: func(*Record) error { return reloadSSHD() }})
	}
	return back
}

func (l *Link) back() Back {
	to, err := os.Readlink(l.Path)
	if _, lerr := os.Lstat(l.Path); lerr == nil && (err != nil || to != l.Target) {
		return Back{Says: l.Path, Left: "it was changed since, and stays"}
	}
	return Back{Says: "remove the link " + l.Path, do: func(r *Record) error {
		if err := os.Remove(l.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		r.Link = nil
		return nil
	}}
}

func (l Login) back() Back {
	forget := func(r *Record) {
		r.Logins = slices.DeleteFunc(r.Logins, func(x Login) bool { return x.User == l.User })
	}
	a, err := accountOf(l.User)
	if err == nil && a.shell == l.Before {
		return Back{Says: fmt.Sprintf("forget the shell of %s: it is %s already", l.User, cmp.Or(a.shell, "/bin/sh")), do: func(r *Record) error { forget(r); return nil }}
	}
	if err != nil || a.shell != l.After {
		why := "its shell is " + cmp.Or(a.shell, "/bin/sh") + " now, not guardsh's: it stays"
		if err != nil {
			why = err.Error()
		}
		// There is nothing left of it to put back.
		return Back{Says: "the shell of " + l.User, Left: why, do: func(r *Record) error { forget(r); return nil }}
	}
	shell := l.Before
	says := fmt.Sprintf("make %s the login shell of %s again", cmp.Or(shell, "/bin/sh"), l.User)
	if shell != "" && !isShell(shell) {
		shell = fallbackShell()
		says = fmt.Sprintf("make %s the login shell of %s: %s is no longer there", shell, l.User, l.Before)
	}
	return Back{Says: says, do: func(r *Record) error {
		if err := setShell(l.User, shell); err != nil {
			return err
		}
		forget(r)
		return nil
	}}
}

// backShells takes the program off the list of shells when nobody has it any
// more: an account whose shell is not listed counts as closed.
func (rec *Record) backShells() []Back {
	var all []Back
	for _, e := range slices.Backward(rec.Shells) {
		all = append(all, Back{Says: fmt.Sprintf("remove %s from %s", e.Line, ShellsFile), do: func(r *Record) error {
			if users := LoginsWith(e.Line); len(users) > 0 {
				return fmt.Errorf("%s stays in %s: it is the shell of %s", e.Line, ShellsFile, in(users))
			}
			if err := takeBack(e); err != nil {
				return err
			}
			r.Shells = slices.DeleteFunc(r.Shells, func(x Edit) bool { return x == e })
			return nil
		}})
	}
	return all
}

func (rec *Record) backProgram() []Back {
	if rec.Program == "" {
		return nil
	}
	path, sha := rec.Program, rec.SHA256
	return []Back{{Says: "remove " + path, do: func(r *Record) error {
		if users := LoginsWith(path); len(users) > 0 {
			return fmt.Errorf("%s stays: it is the shell of %s", path, in(users))
		}
		err := removeIf(path, sha)
		var c changed
		if errors.As(err, &c) {
			err = fmt.Errorf("%w, and stays", err)
		}
		if err == nil {
			r.Program, r.SHA256 = "", ""
		}
		return err
	}}}
}

// Uninstall does what PlanRemoval gave. One that fails does not keep the
// others from being done; the errors name what is left.
func Uninstall(r Removal, all []Back, tell func(says string)) error {
	path := cmp.Or(r.Record, recordPath)
	rec, unlock, err := openRecord(path)
	if err != nil {
		return err
	}
	defer unlock()
	var left []error
	for _, b := range all {
		if b.do == nil {
			continue
		}
		if err := b.do(rec); err != nil {
			left = append(left, err)
			continue
		}
		if err := rec.write(path); err != nil {
			left = append(left, err)
		}
		if b.Left == "" {
			tell(b.Says)
		}
	}
	return errors.Join(left...)
}
