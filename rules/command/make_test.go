package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMake holds what recipes start against what make itself says that it would
// run: each row is a makefile, in which every program is called one, two … and
// its arguments are known.
func TestMake(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.c": "", "b.c": "", "sub/c.c": "", "inc.mk": "INC = in cluded\n", "list": "x y\n"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile("testdata/make")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(b)), "\n\n")
	if len(rows) < 20 {
		t.Errorf("only %d rows", len(rows))
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=/root", "SET=from env", "LC_ALL=C"}
	for _, row := range rows {
		if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte(row+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("make", "-n")
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s\n%v", row, err)
			continue
		}
		var want, got []string
		for _, l := range strings.Split(string(out), "\n") {
			for _, a := range Understand(l, Options{Shell: &StaticShell{Dir: dir, Environ: env}}).Actions {
				want = append(want, strings.Join(printable(a), " "))
			}
		}
		l := Understand("make", Options{Shell: &StaticShell{Dir: dir, Environ: env}, Files: rootFiles{"/"}})
		for _, a := range l.Actions[1:] {
			if !slices.Contains(a.Via, "$(shell)") {
				got = append(got, strings.Join(printable(a), " "))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot:\n\t%s\nwant:\n\t%s", row, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

func printable(a Action) []string {
	var out []string
	for _, x := range a.Argv {
		if x.Know == 0 || len(x.Values) != 1 {
			out = append(out, "<"+x.Src+">")
			continue
		}
		out = append(out, x.Values[0])
	}
	return out
}
