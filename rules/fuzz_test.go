package rules

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// FuzzRule holds that no rule file does worse than to be refused, with its
// place, and that one which is taken can be judged by.
func FuzzRule(f *testing.F) {
	n := 0
	err := fs.WalkDir(packs, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if n++; n%8 == 0 {
			b, err := packs.ReadFile(p)
			if err != nil {
				return err
			}
			f.Add(b)
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("id: a/b\non: [delete]\n"))
	f.Add([]byte("id: a/b\non: [x]\n<<: *x\nwhen: ((((\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Builtin()
		err := s.Add(fstest.MapFS{"a/b.yaml": {Data: b}}, Administrator)
		if err != nil && !strings.Contains(err.Error(), "a/b.yaml") {
			t.Fatalf("an error without its file: %v", err)
		}
	})
}
