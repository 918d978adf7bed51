package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guardsh/guard"
)

// site writes configuration files, and gives their paths.
func site(t *testing.T, files map[string]string) guard.ConfigPaths {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return guard.ConfigPaths{Root: root, Etc: "/etc/guardsh", User: "/home/ann/.config/guardsh/config.yaml", Owner: os.Getuid(), UID: os.Getuid()}
}

func TestConfigCheck(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
		good  bool
	}{
		{"none", nil, []string{"/etc/guardsh/config.yaml is not there", "good"}, true},
		{"good", map[string]string{"/etc/guardsh/config.yaml": "labels: [production]\n"}, []string{"/etc/guardsh/config.yaml is there", "good"}, true},
		{"unknown key", map[string]string{"/etc/guardsh/config.yaml": "labels: [a]\nlabel: b\n"}, []string{"/etc/guardsh/config.yaml:2:1: "}, false},
		{"a user loosens", map[string]string{"/home/ann/.config/guardsh/config.yaml": "labels: [a]\nscratch: [/etc]\n"},
			[]string{"/home/ann/.config/guardsh/config.yaml:2:", "only tighten"}, false},
		{"a rule lies", map[string]string{"/etc/guardsh/rules.d/x.yaml": strings.Replace(goodRule, "[systemctl restart heketi]", "[ls]", 1)},
			[]string{"/etc/guardsh/rules.d/x.yaml:9:"}, false},
		{"a user's rule takes another's place", map[string]string{"/home/ann/.config/guardsh/rules.d/x.yaml": strings.Replace(goodRule, "site/restart-heketi", "fs/delete-home", 1)},
			[]string{"/home/ann/.config/guardsh/rules.d/x.yaml:1:1: rule fs/delete-home is there already"}, false},
		{"a user's rule adds", map[string]string{"/home/ann/.config/guardsh/rules.d/x.yaml": goodRule}, []string{"good"}, true},
		{"a manifest is broken", map[string]string{"/etc/guardsh/commands.d/x.yaml": "nothing: 1\n"}, []string{"/etc/guardsh/commands.d/x.yaml:"}, false},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := checkConfig(&out, guard.Place{Config: site(t, tt.files)})
		if (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, w := range tt.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: %q is not in\n%s", tt.name, w, out.String())
			}
		}
	}
}

func TestConfigShow(t *testing.T) {
	p := site(t, map[string]string{
		"/etc/guardsh/config.yaml": "labels: [production]\nnotes:\n  - {service: heketi, note: ask storage}\nsnapshots:\n  max_age: 30d\n" +
			"notify: /usr/bin/logger -t 'a b'\n",
		"/home/ann/.config/guardsh/config.yaml": "labels: [mine]\nsupervise: on\nnotify: /bin/true\npaste: continue\n",
	})
	var out bytes.Buffer
	if err := showConfig(&out, guard.Settings(p)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for l := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(l), " "))
	}
	const etc, own = "/etc/guardsh/config.yaml", "/home/ann/.config/guardsh/config.yaml"
	for _, w := range []string{
		"labels production " + etc + ":1", "labels mine " + own + ":1", "notes service heketi: ask storage " + etc + ":3",
		"supervise on " + own + ":2", "paste stop default", "snapshots.max_age 30d " + etc + ":5", "notify /usr/bin/logger -t a b " + etc + ":6",
		"sudo auto default",
	} {
		found := false
		for _, g := range got {
			found = found || g == w
		}
		if !found {
			t.Errorf("no row %q in\n%s", w, out.String())
		}
	}
}
