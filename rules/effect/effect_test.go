package effect

import (
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"guardsh/rules/command"
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

func understand(src string) *command.Line {
	sh := &command.StaticShell{Environ: []string{"HOME=/home/ann"}, Dir: ExampleDir, Login: "ann"}
	return command.Understand(src, command.Options{Shell: sh})
}

// TestLines holds what no manifest's example says: redirections, what wrappers
// start, words that are not known.
func TestLines(t *testing.T) {
	k := Builtin()
	for _, c := range []struct {
		line string
		want []string
	}{
		{"> /etc/passwd", []string{"truncate /etc/passwd : empty redirect"}},
		{"{ date; } > /etc/x", []string{"truncate /etc/x : redirect !empty"}},
		{"echo x >> /etc/fstab", []string{"append /etc/fstab : redirect"}},
		{"ls > /dev/null 2>&1", nil},
		{"echo x > /dev/tcp/h/1; echo x > /dev/tty1; echo x > /dev/shm/a", []string{"truncate /dev/shm/a"}},
		{"cat image > /dev/sdb", []string{"raw-write /dev/sdb : redirect"}},
		{"cat image > /dev/../dev/sdb", []string{"raw-write /dev/../dev/sdb"}},
		{"echo b > /proc/sysrq-trigger", []string{"power  : reboot no-sync"}},
		{"echo o | sudo tee /proc/sysrq-trigger", []string{"power  : poweroff no-sync"}},
		{"tee /proc/sysrq-trigger <<< b", []string{"power  : reboot"}},
		{"echo s > /proc/sysrq-trigger", nil},
		{"echo 1 > /sys/block/sdx/device/delete", []string{"kernel-change /sys/block/sdx/device/delete"}},
		{"sudo echo x > /etc/passwd", []string{"truncate /etc/passwd"}},
		{"cd / && rsync -aP rootfs/ .", []string{"write-tree /. from /rootfs/ : contents"}},
		{"rsync -aP rootfs/ \"\"", []string{"write-tree /w/ : contents"}},
		{"mkfs.ext4 \"\"", nil},
		{"rm -rf $(cat list)", []string{"delete $(cat list) : recursive"}},
		{"cp -a rootfs/. $(cat where)", []string{"write-tree $(cat where) : contents"}},
		{"for i in a b; do rm -rf /srv/$i; done", []string{"delete /srv/a", "delete /srv/b"}},
		{"ssh web1 'rm -rf /srv/x'", []string{"delete web1:/srv/x : recursive"}},
		{"/etc/init.d/network restart", []string{"restart network"}},
		{"find / -name x -exec rm -rf {} +", []string{"delete {} : recursive"}},
		{"grep -r 'rm -rf /' . | sort | head", nil},
		{"echo 'crontab -r'", nil},
	} {
		if err := k.try(Example{Line: c.line, Effects: c.want}); err != nil {
			t.Error(err)
		}
	}
}

// TestLazy holds that only the manifests of commands that are named are read.
func TestLazy(t *testing.T) {
	k := Builtin()
	k.Effects(understand("ls -l; rm -rf x"))
	read := map[*entry]bool{}
	for _, e := range k.index {
		if e.m != nil {
			read[e] = true
		}
	}
	if len(read) != 1 {
		t.Errorf("%d manifests were read for one command that has one", len(read))
	}
}

func TestConcurrent(t *testing.T) {
	k := Builtin()
	line := understand("systemctl restart a; kubectl delete ns x; cp -a a/. /; ip l s eth0 down; git push -f; unzip x")
	want := len(k.Effects(line))
	var wg sync.WaitGroup
	fresh := Builtin()
	for range 8 {
		wg.Go(func() {
			if got := len(fresh.Effects(line)); got != want {
				t.Errorf("%d effects, want %d", got, want)
			}
		})
	}
	wg.Wait()
}

// TestDocumentation loads the example of the package documentation.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	in := false
	for _, l := range strings.Split(string(b), "\n") {
		in = in || l == "//\tcommands: [mirror]"
		code, ok := strings.CutPrefix(l, "//\t")
		if in && !ok {
			break
		}
		if in {
			text.WriteString(code + "\n")
		}
	}
	k := Builtin()
	if err := k.Add(fstest.MapFS{"mirror.yaml": {Data: []byte(text.String())}}); err != nil {
		t.Fatal(err)
	}
	if got := len(k.Effects(understand("mirror everything /srv"))); got != 1 {
		t.Errorf("%d effects of the documentation's example, want 1", got)
	}
}

// TestAdd holds that what is wrong in a site's manifest is said with its
// position.
func TestAdd(t *testing.T) {
	good := "commands: [x]\nsummary: s\noperands: file...\neffects:\n  - {kind: delete, object: file}\nexamples:\n  - {line: x a, effects: [delete /w/a]}\n  - {line: x --help, effects: []}\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"unknown field", "summary: s", "sumary: s", "x.yaml:2:1:"},
		{"unknown kind", "kind: delete", "kind: remove", `5:12: x: effect 1: unknown kind "remove"`},
		{"unknown role", "object: file", "object: files", `effect 1: "files" is neither`},
		{"misspelt condition", "object: file}", "object: file, when: forse}", "unknown name forse"},
		{"lying example", "[delete /w/a]", "[delete /w/b]", `no effect "delete /w/b"`},
		{"unexpected effect", "[delete /w/a]", "[]", "unexpected effect"},
		{"no silent example", "  - {line: x --help, effects: []}\n", "", "needs an example"},
		{"unknown code", "operands:", "code: nothing\noperands:", `unknown code "nothing"`},
		{"bad operands", "file...", "'[file'", "no closing bracket"},
		{"bad style", "operands:", "style: dos\noperands:", `unknown style "dos"`},
	} {
		k := Builtin()
		err := k.Add(fstest.MapFS{"x.yaml": {Data: []byte(strings.Replace(good, c.old, c.new, 1))}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if _, known := k.Lookup("x"); known != (c.want == "") {
			t.Errorf("%s: known is %v", c.name, known)
		}
	}
}

// FuzzEffects holds that no line makes the effects panic or grow without end.
func FuzzEffects(f *testing.F) {
	for _, s := range []string{
		"cp -t", "tar xf", "dd of=", "find -exec", "kill -", "ip link set", "nft ';'", "mysql -e \"'\"", "sed -i", "chmod -- -x",
		"parted x mklabel", "unzip -d", "7z x -o", "kubectl delete", "mount -o", "rsync a: b:", "cp {a,b}{c,d} *", "crontab - <<< x", "apt install -",
	} {
		f.Add(s)
	}
	k := Builtin()
	f.Fuzz(func(t *testing.T, src string) {
		line := understand(src)
		for _, e := range k.Effects(line) {
			if !kinds[e.Kind] || !types[e.Object.Type] || e.Certain == 0 {
				t.Errorf("%q: %+v", src, e)
			}
			if e.Action < 0 || e.Action >= len(line.Actions) {
				t.Errorf("%q: action %d of %d", src, e.Action, len(line.Actions))
			}
		}
	})
}

func BenchmarkEffects(b *testing.B) {
	k := Builtin()
	for _, src := range []string{"ls -l /srv", "rm -rf ./build", "rsync -aP --delete src/ web1:/srv/dst/", "systemctl restart nginx", "iptables -A INPUT -p tcp --dport 22 -j DROP"} {
		line := understand(src)
		b.Run(strings.Fields(src)[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Effects(line)
			}
		})
	}
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		Builtin()
	}
}
