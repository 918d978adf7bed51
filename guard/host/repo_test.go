package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// A repository with a file that was changed, a branch that nothing else holds,
// one that is merged, and a stash.
func TestRepository(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	write("a", "one\n")
	write("b", "one\n")
	git("add", ".")
	git("commit", "-qm", "first")
	git("branch", "merged")
	git("checkout", "-qb", "alone")
	for _, text := range []string{"two\n", "three\n"} {
		write("a", text)
		git("commit", "-qam", "more")
	}
	git("checkout", "-q", "main")
	write("b", "aside\n")
	git("stash", "-q")
	write("a", "changed\n")
	write("new", "not tracked\n")

	w := New(Options{Env: []string{"HOME=/nonexistent", "PATH=/usr/bin:/bin"}})
	t.Cleanup(w.Close)
	know := effect.Builtin()
	for _, tc := range []struct {
		line string
		want rules.RepoFact
	}{
		{"git reset --hard", rules.RepoFact{Changed: 1, Files: []string{"a"}}},
		{"git checkout -- .", rules.RepoFact{Changed: 1, Files: []string{"a"}}},
		{"git checkout -- a", rules.RepoFact{Changed: 1, Files: []string{"a"}}},
		{"git checkout -- b", rules.RepoFact{}},
		{"cd / && git -C " + dir + " restore .", rules.RepoFact{Changed: 1, Files: []string{"a"}}},
		{"git branch -D alone", rules.RepoFact{Unmerged: 2}},
		{"git branch -D merged", rules.RepoFact{}},
		{"git stash drop", rules.RepoFact{Stashes: 1}},
		{"git push --force", rules.RepoFact{Branch: "main"}},
	} {
		l := command.Understand(tc.line, command.Options{Shell: &command.StaticShell{Dir: dir, Environ: []string{"HOME=/nonexistent"}}})
		eff := repoChanges(know.Effects(l))
		if len(eff) != 1 {
			t.Errorf("%q has %d effects", tc.line, len(eff))
			continue
		}
		of := w.Facts(l, eff).Of(eff[0].Object)
		if !reflect.DeepEqual(of.Repo, tc.want) || len(of.Unknown) > 0 {
			t.Errorf("%q: %+v, unknown %q, want %+v", tc.line, of.Repo, of.Unknown, tc.want)
		}
	}

	// Another repository is named, or none is there: nothing is claimed.
	for _, text := range []string{"GIT_DIR=/x git reset --hard", "git -C /nonexistent reset --hard", `cd "$(x)" && git reset --hard`} {
		l := command.Understand(text, command.Options{Shell: &command.StaticShell{Dir: dir, Environ: []string{"HOME=/nonexistent"}}})
		eff := repoChanges(know.Effects(l))
		if len(eff) != 1 {
			t.Errorf("%q has %d effects", text, len(eff))
			continue
		}
		of := w.Facts(l, eff).Of(eff[0].Object)
		if !reflect.DeepEqual(of.Repo, rules.RepoFact{}) || len(of.Unknown) == 0 {
			t.Errorf("%q: %+v, unknown %q", text, of.Repo, of.Unknown)
		}
	}
}

// repoChanges leaves out the files that a checkout writes over.
func repoChanges(all []effect.Effect) []effect.Effect {
	return slices.DeleteFunc(all, func(e effect.Effect) bool { return e.Kind != effect.RepoChange })
}
