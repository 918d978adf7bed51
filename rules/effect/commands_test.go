package effect

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the list of commands as the manifests have it")

// TestCommands holds that the list of commands is that of the manifests.
func TestCommands(t *testing.T) {
	files, err := fs.Glob(builtin, "manifests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d manifests: %v", len(files), err)
	}
	described := map[string]string{}
	for _, file := range files {
		b, err := fs.ReadFile(builtin, file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseManifest(file, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range m.Commands {
			if other := described[c]; other != "" {
				t.Errorf("%s is described in %s and in %s", c, other, file)
			}
			described[c] = path.Base(file)
		}
	}
	names := make([]string, 0, len(described))
	for c := range described {
		names = append(names, c)
	}
	slices.Sort(names)
	var text bytes.Buffer
	text.WriteString("// Code generated from the manifests by go generate. DO NOT EDIT.\n\npackage effect\n\n" +
		"// commands are those of the built-in manifests, in order: to look into each would\n" +
		"// cost every start more than most lines take to be judged.\n" +
		"var commands = [...]describedIn{\n")
	width := 0
	for _, c := range names {
		entry := fmt.Sprintf("{%q, %q}, ", c, described[c])
		if width += len(entry); width > 120 {
			text.WriteByte('\n')
			width = len(entry)
		}
		text.WriteString(entry)
	}
	text.WriteString("\n}\n")
	want, err := format.Source(text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("commands.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile("commands.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		for _, c := range names {
			if !bytes.Contains(have, fmt.Appendf(nil, "{%q, %q}", c, described[c])) {
				t.Errorf("commands.go lacks %s, which is in %s", c, described[c])
			}
		}
		t.Error("commands.go is not what the manifests have: run go generate ./rules/effect")
	}
}
