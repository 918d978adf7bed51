package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"
)

func TestMain(m *testing.M) {
	HelperMain()
	unhurried()
	os.Exit(m.Run())
}

// unhurried gives each fact as long as a machine needs that is busy with other
// tests: what is tested is what comes then.
func unhurried() {
	for _, d := range []*time.Duration{
		&pathDeadline, &lineDeadline, &treeBudget, &probeDeadline, &heldBudget, &readyDeadline,
		&sameBudget, &crontabDeadline, &serviceDeadline, &kernelLogBudget, &globBudget,
	} {
		*d *= 20
	}
}

// tree makes files below a new directory: "dir/", "file", "link -> target".
func tree(t *testing.T, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range entries {
		make1(t, root, e)
	}
	return root
}

func make1(t testing.TB, root, e string) {
	t.Helper()
	var err error
	name, target, isLink := cutLink(e)
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	switch {
	case isLink:
		err = os.Symlink(target, p)
	case e[len(e)-1] == '/':
		err = os.MkdirAll(p, 0o755)
	default:
		err = os.WriteFile(p, []byte(e+"\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func cutLink(e string) (name, target string, ok bool) {
	for i := 0; i+4 <= len(e); i++ {
		if e[i:i+4] == " -> " {
			return e[:i], e[i+4:], true
		}
	}
	return e, "", false
}

// world is one whose / is root.
func world(t *testing.T, root string, env ...string) *World {
	t.Helper()
	if env == nil {
		env = []string{"HOME=/root", "PATH=/bin"}
	}
	w := New(Options{Root: root, Env: env})
	t.Cleanup(w.Close)
	return w
}

// on is one effect on a path.
func on(kind effect.Kind, name string, attrs ...string) effect.Effect {
	e := effect.Effect{Kind: kind, Object: effect.Object{Type: effect.Path, Name: name, Word: word.Lit(name)}, Certain: command.Certain}
	if len(attrs) > 0 {
		e.Attrs = map[string]bool{}
		for _, a := range attrs {
			e.Attrs[a] = true
		}
	}
	return e
}
