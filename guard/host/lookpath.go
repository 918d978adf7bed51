package host

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// LookPath finds the program that a name would start, along path (a list as in
// $PATH). A name with a slash is itself.
func (w *World) LookPath(name, path string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("look up %q: empty name", name)
	}
	deadline := time.Now().Add(Fair(lineDeadline))
	if strings.Contains(name, "/") {
		a := w.ask(request{Op: opProgram, Path: name}, deadline)
		if a.Err != "" {
			return "", a.error("look up", name)
		}
		return name, nil
	}
	var unknown error
	table := w.mountsNow()
	for dir := range strings.SplitSeq(path, ":") {
		if !filepath.IsAbs(dir) {
			// An empty or relative entry means the working directory of
			// that moment, which is not ours to know.
			if path != "" {
				unknown = fmt.Errorf("look up %q: the search path has a relative entry: %w", name, ErrUnknown)
			}
			continue
		}
		a, ok := w.programs.look(w, table, dir, name)
		if !ok {
			a = w.ask(request{Op: opProgram, Path: filepath.Join(dir, name)}, deadline)
		}
		switch {
		case a.Err == "":
			if unknown != nil {
				return "", unknown
			}
			return filepath.Join(dir, name), nil
		case a.Unknown:
			unknown = a.error("look up", name)
		}
	}
	if unknown != nil {
		return "", unknown
	}
	return "", fmt.Errorf("look up %q: not found", name)
}

// programs remembers what was found in the directories of search paths, since
// each command of each line is looked up and most are in the fourth of them.
// Whatever is remembered is compared with the disk before it is said again.
type programs struct {
	mu    sync.Mutex
	table *mountTable // what is mounted has not changed since
	dirs  map[string]*programDir
	names int
}

// maxPrograms bounds what is remembered; a session uses a few hundred.
const maxPrograms = 4096

// programDir is one directory of a search path.
type programDir struct {
	marks []mark
	gone  bool // there is none; the last mark is of the directory that lacks it
	names map[string][]mark
}

// mark is what shows that a path still leads to what it led to, and that no
// name came or went in it if it is a directory.
type mark struct {
	real     string
	dev, ino uint64
	changed  unix.Timespec
	modified unix.Timespec
}

// settled is how long ago something must have changed for a change after that
// to show: file systems count the time in steps of up to two seconds.
const settled = 3 * time.Second

// markOf takes the mark of a real path. It goes through no link, so that it
// touches no mount but those that the path was on when it was resolved.
func markOf(real string) (m mark, ok bool) {
	fd, err := unix.Openat2(unix.AT_FDCWD, real, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil { // on Linux before 5.6, too: nothing is remembered then
		return mark{}, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return mark{}, false
	}
	return mark{real, uint64(st.Dev), st.Ino, st.Ctim, st.Mtim}, true
}

// old reports whether every later change would show in the mark.
func (m *mark) old() bool {
	limit := time.Now().Add(-settled)
	return time.Unix(m.changed.Unix()).Before(limit) && time.Unix(m.modified.Unix()).Before(limit)
}

// hold reports whether everything is as it was.
func hold(marks []mark) bool {
	for i := range marks {
		if now, ok := markOf(marks[i].real); !ok || now != marks[i] {
			return false
		}
	}
	return true
}

// marksOf takes marks of real paths, if all can be trusted.
func marksOf(root string, reals []string) ([]mark, bool) {
	marks := make([]mark, 0, len(reals))
	for _, real := range reals {
		m, ok := markOf(root + real)
		if !ok || !m.old() {
			return nil, false
		}
		marks = append(marks, m)
	}
	return marks, true
}

// marksOn takes the marks of paths and of the links on them; nil where they
// cannot be trusted.
func (w *World) marksOn(table *mountTable, paths ...string) []mark {
	var reals []string
	wk := w.walker(table, "", true)
	wk.link = func(real string) { reals = append(reals, real) }
	for _, p := range paths {
		s, err := wk.find(p, true)
		if err != nil || !s.Exists {
			return nil
		}
		reals = append(reals, s.Real)
	}
	marks, ok := marksOf(w.root, reals)
	if !ok {
		return nil
	}
	return marks
}

var missing = answer{Err: unix.ENOENT.Error()}

// look says whether a program is in a directory. It is not ok where that must
// be asked with a deadline.
func (p *programs) look(w *World, table *mountTable, dir, name string) (answer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.table != table || p.names > maxPrograms {
		p.table, p.dirs, p.names = table, map[string]*programDir{}, 0
	}
	d := p.dirs[dir]
	if d != nil && d.gone {
		if hold(d.marks) {
			return missing, true
		}
		d = nil
	}
	if d != nil {
		switch file, known := d.names[name]; {
		case known && len(file) > 0 && hold(file):
			return answer{}, true
		case known && len(file) == 0 && hold(d.marks):
			return missing, true
		case known || !hold(d.marks):
			d = nil
		}
	}
	if d == nil {
		delete(p.dirs, dir)
		if d = w.programDir(table, dir); d == nil {
			return answer{}, false
		}
		p.dirs[dir] = d
		p.names++
		if d.gone {
			return missing, true
		}
	}
	wk := w.walker(table, "", true)
	var links []string
	wk.link = func(real string) { links = append(links, real) }
	a, err := serve(request{Op: opProgram, Path: filepath.Join(dir, name)}, wk)
	if err != nil {
		return answer{}, false // a mount that may hang
	}
	switch {
	case a.Err == "":
		if marks, ok := marksOf(w.root, append(links, a.Spot.Real)); ok && marks[len(marks)-1].ino == a.Spot.Ino {
			d.names[name] = marks
			p.names++
		}
	case !a.Unknown && !a.Spot.Exists && a.Spot.Real == path.Join(d.real(w.root), name):
		d.names[name] = nil
		p.names++
	}
	return a, true
}

// real is where the directory is.
func (d *programDir) real(root string) string {
	return "/" + strings.TrimPrefix(d.marks[len(d.marks)-1].real[len(root):], "/")
}

// programDir is a directory of a search path with its marks; nil where it
// cannot be remembered.
func (w *World) programDir(table *mountTable, dir string) *programDir {
	wk := w.walker(table, "", true)
	var reals []string
	wk.link = func(real string) { reals = append(reals, real) }
	s, err := wk.find(dir, true)
	if err != nil || s.Denied != "" {
		return nil
	}
	at := s.Real
	if !s.Exists {
		for at != "/" {
			at = path.Dir(at)
			if _, ok := markOf(w.root + at); ok {
				break
			}
		}
	}
	if m := table.of(w.root + at); m == nil || m.FSType == "proc" {
		return nil // what is there depends on who looks
	}
	marks, ok := marksOf(w.root, append(reals, at))
	if !ok {
		return nil
	}
	return &programDir{marks: marks, gone: !s.Exists, names: map[string][]mark{}}
}
