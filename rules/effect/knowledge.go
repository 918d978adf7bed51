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

// Knowledge is what is known of commands. It is safe for concurrent use; a
// manifest is read when a line first names one of its commands.
type Knowledge struct {
	mu    sync.RWMutex
	index map[string]*entry // by command
}

// entry is a manifest that may not have been read yet.
type entry struct {
	fsys fs.FS
	file string
	once sync.Once
	m    *Manifest
	err  error
}

// Builtin is the knowledge that guardsh brings along. Only the first line of
// each manifest is looked at.
func Builtin() *Knowledge {
	k := &Knowledge{index: make(map[string]*entry, 512)}
	for e, commands := range builtinIndex() {
		for _, c := range commands {
			k.index[c] = &entry{fsys: builtin, file: e}
		}
	}
	// One manifest is read once, whichever of its commands is named.
	byFile := map[string]*entry{}
	for c, e := range k.index {
		if first := byFile[e.file]; first != nil {
			k.index[c] = first
		} else {
			byFile[e.file] = e
		}
	}
	return k
}

// builtinIndex is the commands of each built-in manifest.
var builtinIndex = sync.OnceValue(func() map[string][]string {
	index := map[string][]string{}
	entries, err := builtin.ReadDir("manifests")
	if err != nil {
		return index
	}
	for _, e := range entries {
		file := "manifests/" + e.Name()
		if b, err := headOf(file); err == nil {
			commands, _ := firstLine(b)
			index[file] = commands
		}
	}
	return index
})

// headOf is the beginning of a built-in manifest: reading all of each would
// cost every start a copy of everything that is known.
func headOf(file string) ([]byte, error) {
	f, err := builtin.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 1024)
	n, err := f.Read(b)
	return b[:n], err
}

// firstLine reads "commands: [a, b]".
func firstLine(b []byte) ([]string, bool) {
	line, _, _ := strings.Cut(string(b[:min(len(b), 4096)]), "\n")
	line, ok := strings.CutPrefix(strings.TrimSpace(line), "commands: [")
	if !ok {
		return nil, false
	}
	line, ok = strings.CutSuffix(line, "]")
	if !ok {
		return nil, false
	}
	var out []string
	for _, f := range strings.Split(line, ",") {
		if f = strings.Trim(strings.TrimSpace(f), `"'`); f != "" {
			out = append(out, f)
		}
	}
	return out, len(out) > 0
}

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
		k.index[c] = e
	}
	return nil
}

// locate finds what an error quotes in a file's text, so that the error can
// say where.
func locate(b []byte, msg string) (line, col int) {
	text := string(b)
	rest := msg
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
// cannot be read is not there; Problem says why.
func (k *Knowledge) Lookup(name string) (*Manifest, bool) {
	m, err := k.find(name)
	return m, m != nil && err == nil
}

// Problem is why the manifest of a command cannot be used, or nil.
func (k *Knowledge) Problem(name string) error {
	_, err := k.find(name)
	return err
}

func (k *Knowledge) find(name string) (*Manifest, error) {
	k.mu.RLock()
	e := k.index[name]
	if e == nil {
		// mkfs.ext4, fsck.xfs: one manifest for the family.
		if head, _, ok := strings.Cut(name, "."); ok {
			e = k.index[head+".*"]
		}
	}
	k.mu.RUnlock()
	if e == nil {
		return nil, nil
	}
	return e.manifest()
}

// Commands lists every command that is known, sorted.
func (k *Knowledge) Commands() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := make([]string, 0, len(k.index))
	for c := range k.index {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// Knows reports whether a program of that base name may have effects of its
// own. It reads nothing: supervision asks it for each program start.
func (k *Knowledge) Knows(name string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.index[name] != nil {
		return true
	}
	head, _, ok := strings.Cut(path.Base(name), ".")
	return ok && k.index[head+".*"] != nil
}
