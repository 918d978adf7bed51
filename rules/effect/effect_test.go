package effect

import (
	"io/fs"
	"testing"
)

// TestManifests compiles every built-in manifest and runs its examples.
func TestManifests(t *testing.T) {
	files, err := fs.Glob(builtin, "manifests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	seen := map[string]string{}
	known := map[string]bool{}
	for _, a := range Vocabulary {
		known[a.Name] = true
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			b, err := builtin.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, ok := firstLine(b)
			if !ok {
				t.Fatalf("line 1 must be \"commands: [a, b]\"")
			}
			m, err := parseManifest(file, b)
			if err != nil {
				t.Fatal(err)
			}
			if len(first) != len(m.Commands) {
				t.Fatalf("line 1 names %q, the manifest %q", first, m.Commands)
			}
			for _, c := range first {
				if other := seen[c]; other != "" {
					t.Errorf("%s is described in %s, too", c, other)
				}
				seen[c] = file
			}
			if err := m.Check(); err != nil {
				line, col := locate(b, err.Error())
				t.Fatalf("%d:%d: %v", line, col, err)
			}
			for _, a := range m.attributes() {
				if !known[a] && a[0] != '_' {
					t.Errorf("attribute %q is not in the vocabulary", a)
				}
			}
		})
	}
}

// attributes is every attribute that a manifest may put on an effect.
func (m *Manifest) attributes() []string {
	var out []string
	var walk func(n *node)
	seen := map[*node]bool{}
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for a := range n.attrs {
			out = append(out, a)
		}
		for _, c := range n.spec.Effects {
			out = append(out, c.Attrs...)
		}
		for _, v := range n.verbs {
			walk(v)
		}
	}
	walk(m.top)
	return out
}
