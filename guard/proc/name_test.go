package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestRealName wants what filepath.EvalSymlinks says.
func TestRealName(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"a/b", "secret (deleted)"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "a", "again": "link/b", "loop": "loop", "dangling": "nowhere", "absolute": "/bin/sh"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a/b/file"), nil, 0o000); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "a", "a/b/file", "link/b/file", "again", "again/../b", "loop", "dangling", "missing", "absolute", "secret (deleted)", "a/b/file/x"} {
		path := dir + "/" + name
		got, err := RealName(path)
		want, werr := filepath.EvalSymlinks(path)
		if got != want || (err == nil) != (werr == nil) || errors.Is(err, fs.ErrNotExist) != errors.Is(werr, fs.ErrNotExist) {
			t.Errorf("%s: %q %v, want %q %v", path, got, err, want, werr)
		}
	}
}
