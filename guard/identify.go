package guard

import (
	"errors"
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/guard/host"
	"guardsh/guard/supervise"
	"guardsh/rules/command"

	"golang.org/x/sys/unix"
)

// strangers remembers programs about which nothing is known under any name, by
// their path: they start again and again.
type strangers struct {
	mu    sync.Mutex
	paths map[string]*host.Unchanged // nil: where only a package changes it
}

// maxStrangers bounds what is remembered.
const maxStrangers = 4096

func (t *strangers) add(file string, u *host.Unchanged) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paths == nil || len(t.paths) >= maxStrangers {
		t.paths = map[string]*host.Unchanged{}
	}
	t.paths[file] = u
}

func (t *strangers) get(file string) (u *host.Unchanged, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok = t.paths[file]
	return u, ok
}

// mustLookAt says of a program whether its start has to be judged. Under a name
// about which nothing is known it may still be another one, by a link or as a
// copy: that is looked at once.
func (s *Session) mustLookAt(st *supervise.Start) bool {
	if st.File != "" {
		return true
	}
	if st.Elsewhere() {
		return true
	}
	file := st.Absolute()
	w, ok := s.Judge.World.(*host.World)
	if u, known := s.starts.strangers.get(file); known { // first: most starts are of these
		return u != nil && !(ok && w.Still(u))
	}
	if ok && w.Gone(file) {
		return false // execvp tries each directory of PATH; the kernel says that nothing is there
	}
	if s.knows(st.Name()) {
		return true
	}
	return !inSystem(file) || !s.ordinary(file)
}

// ordinary says of a program where the system keeps its own that it is what its
// name says: no link, no second name, no name that another was made from (dpkg
// diverts rm to rm.distrib). What is not there is nothing at all.
func (s *Session) ordinary(file string) bool {
	if head, _, ok := strings.Cut(path.Base(file), "."); ok && s.knows(head) {
		return false
	}
	var st unix.Stat_t
	if err := unix.Lstat(file, &st); err != nil {
		return errors.Is(err, unix.ENOENT)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 {
		return false
	}
	s.starts.strangers.add(file, nil)
	return true
}

// knows says whether anything is known about a program by its name.
func (s *Session) knows(name string) bool {
	return s.Judge.Knowledge.Knows(name) || command.Carries(name)
}

// identity is what a start is, as the system has it: what its file is counts,
// not what it is called.
type identity struct {
	program string
	script  []string // that the kernel gives it, with what stands there for it before
}

// identify is what starts; ok is false for what nothing is known about.
// view is that of a process in another root directory.
func (s *Session) identify(st *supervise.Start, view *host.View) (is identity, ok bool) {
	file := st.File
	if file == "" {
		file = st.Absolute()
	}
	if s.knows(st.Name()) {
		// Where the system keeps its programs the name tells. Elsewhere a copy of
		// one may have the name of another: bb is Babashka and anybody's busybox.
		if view == nil && !inSystem(file) {
			if p := s.programAs(file, st.Name()); p != "" && path.Base(p) != st.Name() {
				return identity{program: p}, true
			}
		}
		return identity{program: st.Path}, true
	}
	here := func(name string) string { return name }
	if view != nil {
		here = func(name string) string {
			name, _ = view.Here(name, true)
			return name
		}
		if st.File == "" && path.IsAbs(st.Path) { // else it is by the directory, which is named as here
			file = here(file)
		}
	}
	if p := s.programAs(file, ""); p != "" {
		return identity{program: p}, true
	}
	if is = s.interpreter(st.Path, file, here); is.program != "" {
		return is, true
	}
	if w, ok := s.Judge.World.(*host.World); ok && st.File == "" && view == nil {
		if u := w.Unchanged(file); u != nil {
			s.starts.strangers.add(file, u)
		}
	}
	return is, false
}

// interpreter is what a script's first line has the kernel start, where that is
// no program which reads the script as code: what is in its place is a command
// of its own (#!/bin/rm -rf), and no other start tells of it. called is the
// script as it was asked for, file where it is. here is where the process's
// paths are on this machine.
func (s *Session) interpreter(called, file string, here func(string) string) identity {
	const most, levels = 256, 5 // the kernel's
	is := identity{script: []string{called}}
	for range levels {
		b, err := s.Judge.World.ReadFile(file, most)
		line, ok := strings.CutPrefix(string(b), "#!")
		if err != nil || !ok {
			break
		}
		line, _, _ = strings.Cut(line, "\n")
		line = strings.Trim(line, " \t")
		program, option := line, ""
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			program, option = line[:i], strings.Trim(line[i:], " \t")
		}
		if !path.IsAbs(program) {
			break
		}
		if option != "" {
			is.script = append([]string{option}, is.script...)
		}
		file = here(program)
		if s.knows(path.Base(program)) {
			is.program = program
		} else {
			is.program = s.programAs(file, "")
		}
		if name := path.Base(is.program); is.program != "" {
			if command.Interprets(name) || !manyInOne(name) && !s.Judge.Knowledge.Knows(name) {
				break // env, too: what it starts comes by itself
			}
			return is
		}
		is.script = append([]string{program}, is.script...)
	}
	return identity{}
}

// programAs is what the system calls the program that a file is: name, where
// that is one of its names, else its own; "" where nothing is known about it.
func (s *Session) programAs(file, name string) string {
	w, ok := s.Judge.World.(*host.World)
	if !ok {
		return ""
	}
	names := w.Program(file)
	for _, n := range names {
		if path.Base(n) == name {
			return n
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// commandOf is a start as a command. Its program is the file that the kernel
// was asked for, not what argv[0] says, but for one file that is several
// programs by that name.
func (s *Session) commandOf(st *supervise.Start, is identity, rest supervise.Rest) []string {
	program := is.program
	if is.script != nil {
		return append(append([]string{program}, is.script...), rest.Argv[min(1, len(rest.Argv)):]...)
	}
	if len(rest.Argv) == 0 {
		return []string{program}
	}
	argv := slices.Clone(rest.Argv)
	called := strings.TrimPrefix(path.Base(argv[0]), "-") // a login shell
	argv[0] = program
	switch name := path.Base(program); {
	case called == name || called == st.Name() && !manyInOne(name):
	case manyInOne(name):
		argv = append([]string{program}, argv...)
		argv[1] = called
	case s.knows(called):
		if is := s.programAs(program, called); path.Base(is) == called {
			argv[0] = is // systemctl by the name of reboot
		}
	}
	if name := path.Base(argv[0]); slices.Contains(stoodInFor, name) {
		argv[0] = name // by its path it would be one that guardsh does not stand in for
	}
	return argv
}

// manyInOne reports whether a program is several, by the name that it is called,
// and has no file for each.
func manyInOne(name string) bool {
	switch name {
	case "busybox", "toybox", "coreutils":
		return true
	}
	return false
}

// as tells, behind a command, under which name its program was started, where
// that says nothing.
func as(line, program string, st *supervise.Start) string {
	if program == st.Path {
		return line
	}
	return line + " # started as " + Printable(st.Path)
}

// viewOf is how a process sees this machine that has another root directory or
// mount namespace; nil for one that sees it as this one does.
func (s *Session) viewOf(st *supervise.Start) *host.View {
	w, ok := s.Judge.World.(*host.World)
	if !ok || !st.Elsewhere() && !st.OtherMounts() {
		return nil
	}
	v, err := w.Seen(st.PID)
	if err != nil {
		return nil // it is gone
	}
	return v
}
