package host

import (
	"bytes"
	"debug/elf"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// identities tells what program of this machine a file is, whatever it is
// called: another link, another hard link, a copy.
type identities struct {
	mu    sync.Mutex
	made  time.Time
	dirs  []dirStamp
	files map[fileID][]string  // under which known names a file stands in programDirs
	sizes map[int64][]fileID   // such files, by what a copy has to have in common with them
	seen  map[fileStamp]fileID // files that were looked at: which of these each is; the zero is none
}

type fileID struct{ dev, ino uint64 }

type fileStamp struct {
	fileID
	size, mtime int64
}

type dirStamp struct {
	fileID
	modified unix.Timespec
}

const (
	// identityBytes are compared of files of the same size: a program's build id
	// is among them, and a script is hardly ever longer.
	identityBytes = 64 << 10
	// identityAge is from when on it is looked whether programs came or went.
	identityAge = time.Minute
	maxSeen     = 4096
)

// Program is under what names the system has the program that a file is, its
// own name first; nil where it is none that is known. It does not wait for a
// mount that does not answer, and finds nothing there.
func (w *World) Program(file string) []string {
	if w.opts.Known == nil {
		return nil
	}
	id, size, mtime, ok := w.regular(file)
	if !ok || w.isScript(file) {
		return nil // of a script others see what it does
	}
	k := &w.identities
	k.mu.Lock()
	defer k.mu.Unlock()
	k.renew(w.opts.Known)
	if names := k.files[id]; names != nil {
		return names
	}
	stamp := fileStamp{id, size, mtime}
	is, known := k.seen[stamp]
	if !known {
		var err error
		if is, err = k.copyOf(w, file, size); err != nil {
			return nil // the next time it may be known
		}
		if len(k.seen) >= maxSeen {
			clear(k.seen)
		}
		k.seen[stamp] = is
	}
	return k.files[is]
}

// regular is an executable file's identity, through every link.
func (w *World) regular(file string) (id fileID, size, mtime int64, ok bool) {
	if w.unnamed(file) {
		var st unix.Stat_t
		if unix.Stat(file, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			return id, 0, 0, false
		}
		return fileID{uint64(st.Dev), st.Ino}, st.Size, st.Mtim.Sec, true
	}
	if !path.IsAbs(file) {
		return id, 0, 0, false
	}
	a := w.ask(request{Op: opProgram, Path: file}, time.Now().Add(Fair(pathDeadline)))
	s := &a.Spot
	return fileID{s.Dev, s.Ino}, s.Size, s.Mtime, a.Err == "" && s.Exists
}

func (w *World) isScript(file string) bool {
	if w.unnamed(file) {
		return false
	}
	b, err := w.ReadFile(file, 2)
	return err == nil && string(b) == "#!"
}

// unnamed reports a link to a file of no directory, which a process holds open:
// one in memory, or one that was deleted. Only such are followed by the kernel's
// own link, where they lie on no mount that might hang.
func (w *World) unnamed(file string) bool {
	if !strings.HasPrefix(file, "/proc/") {
		return false
	}
	to, err := os.Readlink(file)
	if err != nil || strings.HasPrefix(to, "/memfd:") {
		return err == nil
	}
	at, deleted := strings.CutSuffix(to, " (deleted)")
	if !deleted {
		return false
	}
	m := w.mountsNow().of(at)
	return m != nil && !mayHang(m)
}

// renew makes the lists, at first and where a directory has changed since.
func (k *identities) renew(known func(string) bool) {
	if k.files != nil && time.Since(k.made) < identityAge {
		return
	}
	var dirs []dirStamp
	var names []string
	for _, d := range programDirs {
		var st unix.Stat_t
		if unix.Stat(d, &st) != nil {
			continue
		}
		stamp := dirStamp{fileID{uint64(st.Dev), st.Ino}, st.Mtim}
		if !slices.ContainsFunc(dirs, func(o dirStamp) bool { return o.fileID == stamp.fileID }) {
			dirs, names = append(dirs, stamp), append(names, d)
		}
	}
	k.made = time.Now()
	if k.files != nil && slices.Equal(dirs, k.dirs) {
		return
	}
	k.dirs = dirs
	k.files, k.sizes, k.seen = map[fileID][]string{}, map[int64][]fileID{}, map[fileStamp]fileID{}
	for _, d := range names {
		k.list(d, known)
	}
}

// list takes up the known programs of a directory.
func (k *identities) list(dir string, known func(string) bool) {
	entries, _ := os.ReadDir(dir) // what could be read is better than nothing
	for _, e := range entries {
		var st unix.Stat_t
		file := dir + e.Name()
		if !known(e.Name()) || unix.Stat(file, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Mode&0o111 == 0 {
			continue
		}
		id := fileID{uint64(st.Dev), st.Ino}
		if k.files[id] == nil {
			k.sizes[st.Size] = append(k.sizes[st.Size], id)
		}
		if e.Type().IsRegular() {
			k.files[id] = append([]string{file}, k.files[id]...) // its own name
		} else {
			k.files[id] = append(k.files[id], file)
		}
	}
}

// Unchanged is a file as it was when it was looked at.
type Unchanged struct {
	table *mountTable
	marks []mark
}

// Unchanged is what shows later that a file is still the same; nil where that
// could not be trusted.
func (w *World) Unchanged(file string) *Unchanged {
	if w.unnamed(file) {
		return nil
	}
	table := w.mountsNow()
	marks := w.marksOn(table, file)
	if marks == nil {
		return nil
	}
	return &Unchanged{table, marks}
}

// Still reports whether it is. It waits for no mount that may not answer.
func (w *World) Still(u *Unchanged) bool { return u.table == w.mountsNow() && hold(u.marks) }

// copyOf is the known program that has the same content.
func (k *identities) copyOf(w *World, file string, size int64) (fileID, error) {
	same := k.sizes[size]
	if len(same) == 0 || size == 0 {
		return fileID{}, nil
	}
	head, err := w.head(file)
	if err != nil {
		return fileID{}, err
	}
	for _, id := range same {
		if other, err := w.head(k.files[id][0]); err == nil && bytes.Equal(head, other) {
			return id, nil
		}
	}
	return fileID{}, nil
}

func (w *World) head(file string) ([]byte, error) {
	if !w.unnamed(file) {
		return w.ReadFile(file, identityBytes)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, identityBytes)
	n, err := f.ReadAt(b, 0)
	if n == 0 {
		return nil, err
	}
	return b[:n], nil
}

// terminalLibraries begin the names of the libraries that a program has which
// takes a person's keys by itself.
var terminalLibraries = []string{"libtinfo", "libncurses", "libcurses", "libreadline", "libedit", "libslang", "libnewt"}

// TakesKeys reports whether a program of the system is one at which somebody
// types: an editor, a pager, a prompt of its own.
func (w *World) TakesKeys(file string) bool {
	f, err := elf.Open(w.root + file)
	if err != nil {
		return false
	}
	defer f.Close()
	needed, _ := f.ImportedLibraries()
	return slices.ContainsFunc(needed, func(lib string) bool {
		return slices.ContainsFunc(terminalLibraries, func(l string) bool { return strings.HasPrefix(lib, l) })
	})
}
