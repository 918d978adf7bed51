package host

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guardsh/rules/command"
)

// globTree holds names that patterns stumble over.
func globTree(t testing.TB) string {
	dir := t.TempDir()
	for _, f := range []string{
		"a", "b", "ab", "abc", "A", "B1", "a.c", "a.go", "b.go", ".hid", ".x.go", "-r", "a b", "a*b", "[x]", "x]", `back\slash`, "é", "d/a",
		"d/b.go", "d/.h", "d/e/f", "d/e/g.go", "dd/z", ".dot/in", "new\nline", "q?", "(p)", "+(y)", "!z", "d/e/h/i/j.go", "aaa", "aaaa", "foo.bar.go",
	} {
		p := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for n, to := range map[string]string{"ld": "d", "lf": "a", "broken": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// bashGlob is what bash makes of a pattern.
func bashGlob(t testing.TB, dir, pattern string, o command.GlobOptions) []string {
	t.Helper()
	script := "shopt -s nullglob\n"
	for _, s := range []struct {
		on   bool
		name string
	}{{o.DotGlob, "dotglob"}, {o.ExtGlob, "extglob"}, {o.GlobStar, "globstar"}, {o.NoCase, "nocaseglob"}} {
		if s.on {
			script += "shopt -s " + s.name + "\n"
		}
	}
	script += `IFS=; set -- $P; for f; do printf '%s\0' "$f"; done`
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"LC_ALL=C.UTF-8", "P=" + pattern, "PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bash on %q: %v", pattern, err)
	}
	var names []string
	for n := range bytes.SplitSeq(out, []byte{0}) {
		if len(n) > 0 {
			names = append(names, string(n))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var globPatterns = []string{
	"*", "?", "??", "a*", "*.go", "*/", "*/*", "d/*", "./*", ".*", ".*/", "*/.*", "[ab]", "[!ab]", "[^ab]", "[a-c]*", "[[:upper:]]*", "[]x]*", `a\*b`, `\[x\]`,
	"[x]", "**", "**/*.go", "d/**", "**/", "d/**/*.go", "**/e/**", "@(a|b)", "!(a*)", "+(a)", "*(a)b*", "?(a)b", "@(a|b).go", "!(*.go)", ".!(x*)", "@(.h|a)*",
	"a?b", "*é*", "?", "*]", `*\\*`, "ld/*", "lf/*", "broken", "bro*", "*/e/../a", "d//*", "*//a", ".dot/*", "[a", "[a-", "d/[ae]", "[[:digit:]]", "B[[:digit:]]",
	"[[.a.]]", "*(a|b|c)", "+(a|b)c", "!(d|dd)/", "*.!(go)", "foo*.go", "new*", "q\\?", "../*/a", "nomatch*", "*/nomatch*", "\\(p\\)", "+\\(y)", "\\!z", "d/*/", "*/*/*",
}

func TestGlobAsBash(t *testing.T) {
	dir := globTree(t)
	w := New(Options{})
	defer w.Close()
	for bits := range 16 {
		o := command.GlobOptions{DotGlob: bits&1 != 0, ExtGlob: bits&2 != 0, GlobStar: bits&4 != 0, NoCase: bits&8 != 0}
		for _, p := range globPatterns {
			if !special(p, o.ExtGlob) {
				continue // bash does not take it for a pattern
			}
			want := bashGlob(t, dir, p, o)
			got, err := w.Glob(dir, p, o)
			if err != nil {
				t.Errorf("%q %+v: %v", p, o, err)
				continue
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q %+v:\n got %q\nbash %q", p, o, got, want)
			}
		}
	}
}

func TestGlobBounds(t *testing.T) {
	w := New(Options{})
	defer w.Close()
	if _, err := w.Glob("relative", "*", command.GlobOptions{}); err == nil {
		t.Error("a glob without a known working directory is answered")
	}
	m := matcher{opts: command.GlobOptions{ExtGlob: true}}
	// Takes for ever without a bound.
	m.match("*(*(*(a)b)c)d", strings.Repeat("abc", 60))
}

func FuzzMatch(f *testing.F) {
	for _, p := range globPatterns {
		f.Add(p, "abc")
	}
	f.Fuzz(func(t *testing.T, p, name string) {
		m := matcher{opts: command.GlobOptions{ExtGlob: true, DotGlob: true}}
		m.match(p, name)
		special(p, true)
		unquote(p)
	})
}
