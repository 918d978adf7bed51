package host

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"
)

// aRoot is a small system to look at, taken for / by the world of a test.
func aRoot(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range []string{
		"usr/lib/x86_64-linux-gnu/libc.so.6", "usr/bin/bash", "usr/bin/ls", "lib -> usr/lib", "bin -> usr/bin", "etc/passwd", "etc/shadow", "etc/hosts",
		"home/ann/notes", "home/ann/lib -> /lib", "home/ann/data -> /srv/data", "home/ann/app/build/a/b", "home/ann/app/Makefile", "home/ann/app/target/x", "home/ann/build/a/b", "srv/data/1", "srv/data/2/3", "root/.profile",
		"srv/lxc/lab/rootfs/etc/passwd", "srv/lxc/lab/rootfs/lib/libc", "srv/lxc/lab/rootfs/home/x", "srv/lxc/lab/rootfs/opt/", "tmp/x",
	} {
		make1(t, root, e)
	}
	const passwd = "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nann:x:1000:1000::/home/ann:/bin/bash\n"
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(passwd), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestPathFacts(t *testing.T) {
	w := world(t, aRoot(t))
	tests := []struct {
		name string
		e    effect.Effect
		want rules.PathFact
	}{
		{"root by dots", on(effect.Delete, "/srv/../", "recursive"), rules.PathFact{Real: "/", Exists: true, Type: "dir", Class: rules.Root}},
		{"link", on(effect.Delete, "/home/ann/lib"), rules.PathFact{Real: "/home/ann/lib", Exists: true, Type: "link", Link: "/usr/lib"}},
		{"through the slash", on(effect.Delete, "/home/ann/lib/", "recursive"),
			rules.PathFact{Real: "/usr/lib", Exists: true, Type: "dir", Link: "/usr/lib", Follows: true, Class: rules.System}},
		{"harmless link", on(effect.Delete, "/home/ann/data/", "recursive"),
			rules.PathFact{Real: "/srv/data", Exists: true, Type: "dir", Link: "/srv/data", Follows: true, Entries: 4}},
		{"write through a link", on(effect.Overwrite, "/home/ann/data/../../etc/passwd"),
			rules.PathFact{Real: "/etc/passwd", Exists: true, Type: "file", Class: rules.System, Account: true, Config: true}},
		{"moved over", on(effect.Overwrite, "/home/ann/lib", "replace"), rules.PathFact{Real: "/home/ann/lib", Exists: true, Type: "link", Link: "/usr/lib"}},
		{"loader", on(effect.Delete, "/lib/x86_64-linux-gnu/libc.so.6"),
			rules.PathFact{Real: "/usr/lib/x86_64-linux-gnu/libc.so.6", Exists: true, Type: "file", Class: rules.System, Loader: true}},
		{"home", on(effect.Delete, "/home/ann", "recursive"), rules.PathFact{Real: "/home/ann", Exists: true, Type: "dir", Class: rules.HomeRoot, Entries: 14}},
		{"not there", on(effect.Create, "/home/ann/new/x"), rules.PathFact{Real: "/home/ann/new/x"}},
		{"build output", on(effect.Delete, "/home/ann/app/build", "recursive"), rules.PathFact{Real: "/home/ann/app/build", Exists: true, Type: "dir", Class: rules.Scratch, Entries: 3}},
		{"called like it", on(effect.Delete, "/home/ann/build", "recursive"), rules.PathFact{Real: "/home/ann/build", Exists: true, Type: "dir", Entries: 3}},
		{"another tool's", on(effect.Delete, "/home/ann/app/target", "recursive"), rules.PathFact{Real: "/home/ann/app/target", Exists: true, Type: "dir", Entries: 2}},
	}
	for _, tt := range tests {
		f := w.Facts(&command.Line{}, []effect.Effect{tt.e})
		got := f.Of(tt.e.Object).Path
		if got.Real != tt.want.Real || got.Exists != tt.want.Exists || got.Type != tt.want.Type || got.Link != tt.want.Link || got.Follows != tt.want.Follows ||
			got.Class != tt.want.Class || got.Account != tt.want.Account || got.Loader != tt.want.Loader || got.Config != tt.want.Config ||
			tt.want.Entries != 0 && got.Entries != tt.want.Entries {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
		if u := f.Of(tt.e.Object).Unknown; len(u) > 0 {
			t.Errorf("%s: unknown %q", tt.name, u)
		}
	}
}

func TestMirrorIncident(t *testing.T) {
	w := world(t, aRoot(t))
	e := on(effect.WriteTree, "/.", "contents", "recursive")
	e.Source = &effect.Object{Type: effect.Path, Name: "/srv/lxc/lab/rootfs/"}
	e.Command = "rsync"
	line := &command.Line{Actions: []command.Action{{Cwd: word.Lit("/")}}}
	f := w.Facts(line, []effect.Effect{e})
	p := f.Of(e.Object).Path
	if p.Real != "/" || p.Class != rules.Root || !p.Cwd {
		t.Errorf("destination: %+v", p)
	}
	if p.Writes != 8 {
		t.Errorf("writes %d entries, want 8", p.Writes)
	}
	for _, q := range []string{"/etc/passwd", "/lib", "/home", "/etc"} {
		if !slices.Contains(p.Overwrite, q) {
			t.Errorf("%s is not among what would be overwritten: %q", q, p.Overwrite)
		}
	}
	if slices.Contains(p.Overwrite, "/usr") || slices.Contains(p.Overwrite, "/etc/shadow") {
		t.Errorf("what the source does not hold is said to be overwritten: %q", p.Overwrite)
	}
	// Under its own name it overwrites nothing.
	e.Attrs, e.Source.Name, e.Command = nil, "/srv/lxc/lab/rootfs", "cp"
	if p := w.Facts(line, []effect.Effect{e}).Of(e.Object).Path; len(p.Overwrite) != 0 {
		t.Errorf("cp -a rootfs / overwrites %q", p.Overwrite)
	}
}

func TestPatternFacts(t *testing.T) {
	w := world(t, aRoot(t))
	for pattern, want := range map[string]rules.Class{
		"/*": rules.System, "/l*": rules.System, "/home/ann/*": rules.Ordinary, "/home/*": rules.HomeRoot, "/tmp/*": rules.Scratch,
		"/home/ann/lib/*": rules.System, "/srv/data/*": rules.Ordinary, "/e?c": rules.System, "/etc/*.conf": rules.System,
	} {
		e := effect.Effect{Kind: effect.Delete, Object: effect.Object{Type: effect.Path, Pattern: pattern}}
		p := w.Facts(nil, []effect.Effect{e}).Of(e.Object).Path
		if p.Class != want && !(want == rules.System && p.Class == rules.Inside) {
			t.Errorf("%s: class %q (%s, %q), want %q", pattern, p.Class, p.Real, p.Protected, want)
		}
	}
}

func TestRemoteIsNotLookedUp(t *testing.T) {
	w := world(t, aRoot(t))
	e := on(effect.Delete, "/etc", "recursive")
	e.Place.Kind = command.Remote
	if p := w.Facts(nil, []effect.Effect{e}).Of(e.Object).Path; p.Real != "" {
		t.Errorf("another host's path was looked up here: %+v", p)
	}
}

func TestFactsWithoutEffects(t *testing.T) {
	w := New(Options{})
	defer w.Close()
	line := &command.Line{}
	if f := w.Facts(line, nil); f.Host.Name != "" || f.Objects != nil || f.Session.User == "" {
		t.Errorf("%+v", f)
	}
}

// BenchmarkFactsWithoutEffects is what most lines ask: it looks at nothing.
func BenchmarkFactsWithoutEffects(b *testing.B) {
	w := New(Options{})
	defer w.Close()
	line := &command.Line{}
	for b.Loop() {
		w.Facts(line, nil)
	}
}

func BenchmarkFactsPlainRm(b *testing.B) {
	w := New(Options{})
	defer w.Close()
	e := []effect.Effect{on(effect.Delete, "/usr/share/doc/x")}
	line := &command.Line{Actions: []command.Action{{Cwd: word.Lit("/tmp")}}}
	for b.Loop() {
		w.Facts(line, e)
	}
}

func BenchmarkFactsEtc(b *testing.B) {
	w := New(Options{})
	defer w.Close()
	e := []effect.Effect{on(effect.Metadata, "/etc", "recursive")}
	for b.Loop() {
		w.Facts(nil, e)
	}
}

func BenchmarkFactsOverwrite(b *testing.B) {
	w := New(Options{})
	defer w.Close()
	e := []effect.Effect{on(effect.Overwrite, "/etc/passwd")}
	for b.Loop() {
		w.Facts(nil, e)
	}
}
