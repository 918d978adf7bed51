package effect

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed manifests/*.yaml
var builtin embed.FS

//go:generate go test -run ^TestCommands$ -update .

// Knowledge is what is known of commands. It is safe for concurrent use; a
// manifest is read when a line first names one of its commands.
type Knowledge struct {
	mu    sync.RWMutex
	site  map[string]*entry // by command; goes before what is built in
	files map[string]*entry // what is built in and was named, by file; nil: nothing is
}

// entry is a manifest that may not have been read yet.
type entry struct {
	fsys fs.FS
	file string
	once sync.Once
	m    *Manifest
	err  error
}

// Builtin is the knowledge that guardsh brings along.
func Builtin() *Knowledge {
	return &Knowledge{site: map[string]*entry{}, files: map[string]*entry{}}
}

// only is the knowledge of one manifest.
func only(m *Manifest) *Knowledge {
	k := &Knowledge{site: map[string]*entry{}}
	for _, c := range m.Commands {
		k.site[c] = &entry{m: m}
	}
	return k
}

// entry is what is known of a command's name; nil nothing.
func (k *Knowledge) entry(name string) *entry {
	k.mu.RLock()
	e, more := k.site[name], k.files != nil
	k.mu.RUnlock()
	if e != nil || !more {
		return e
	}
	i, found := slices.BinarySearchFunc(commands[:], name, func(c describedIn, name string) int { return strings.Compare(c.command, name) })
	if !found {
		return nil
	}
	file := commands[i].file
	k.mu.RLock()
	e = k.files[file]
	k.mu.RUnlock()
	if e != nil {
		return e
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e = k.files[file]; e == nil {
		e = &entry{fsys: builtin, file: "manifests/" + file}
		k.files[file] = e
	}
	return e
}

// describedIn is the file of the built-in manifests that describes a command.
type describedIn struct{ command, file string }

func (e *entry) manifest() (*Manifest, error) {
	e.once.Do(func() {
		if e.m != nil || e.err != nil {
			return
		}
		b, err := fs.ReadFile(e.fsys, e.file)
		if err != nil {
			e.err = err
			return
		}
		e.m, e.err = parseManifest(e.file, b)
		e.fsys = nil
	})
	return e.m, e.err
}

// Add reads a site's manifests: every *.yaml below fsys, checked in full, with
// their examples. A command that is known already is replaced. On an error
// ("file:line:col: what") nothing of fsys is added.
func (k *Knowledge) Add(fsys fs.FS) error {
	var files []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if ext := path.Ext(p); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	added := map[string]*entry{}
	for _, file := range files {
		b, err := fs.ReadFile(fsys, file)
		if err != nil {
			return fmt.Errorf("%s:1:1: %w", file, err)
		}
		m, err := parseManifest(file, b)
		if err != nil {
			return err
		}
		if err := m.Check(); err != nil {
			line, col := locate(b, err.Error())
			return fmt.Errorf("%s:%d:%d: %w", file, line, col, err)
		}
		e := &entry{file: file, m: m}
		for _, c := range m.Commands {
			if other := added[c]; other != nil {
				return fmt.Errorf("%s:1:1: command %q is already described in %s", file, c, other.file)
			}
			added[c] = e
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for c, e := range added {
		k.site[c] = e
	}
	return nil
}

// locate finds what an error quotes in a file's text, so that the error can
// say where.
func locate(b []byte, msg string) (line, col int) {
	text := string(b)
	rest := msg
	if _, cond, ok := strings.Cut(msg, "condition \""); ok {
		// What it says may stand elsewhere, too.
		cond, _, _ = strings.Cut(cond, "\"")
		for l := range strings.Lines(text) {
			line++
			if i := strings.Index(l, "when:"); i >= 0 && strings.Contains(l[i:], cond) {
				return line, i + strings.Index(l[i:], cond) + 1
			}
		}
	}
	for {
		i := strings.IndexByte(rest, '"')
		if i < 0 {
			return 1, 1
		}
		rest = rest[i+1:]
		j := strings.IndexByte(rest, '"')
		if j < 0 {
			return 1, 1
		}
		quoted := rest[:j]
		rest = rest[j+1:]
		if quoted == "" {
			continue
		}
		if at := strings.Index(text, quoted); at >= 0 {
			before := text[:at]
			return strings.Count(before, "\n") + 1, at - strings.LastIndexByte(before, '\n')
		}
	}
}

// Lookup is the manifest of a command, by its base name. A manifest that
// cannot be read is not there.
func (k *Knowledge) Lookup(name string) (*Manifest, bool) {
	m, err := k.find(name)
	return m, m != nil && err == nil
}

func (k *Knowledge) find(name string) (*Manifest, error) {
	e := k.entry(name)
	if e == nil {
		// mkfs.ext4, fsck.xfs: one manifest for the family.
		if head, _, ok := strings.Cut(name, "."); ok {
			e = k.entry(head + ".*")
		}
	}
	if e == nil {
		return nil, nil
	}
	return e.manifest()
}

// Knows reports whether a program of that base name may have effects of its
// own. It reads nothing: supervision asks it for each program start.
func (k *Knowledge) Knows(name string) bool {
	if k.entry(name) != nil {
		return true
	}
	head, _, ok := strings.Cut(path.Base(name), ".")
	return ok && k.entry(head+".*") != nil
}
