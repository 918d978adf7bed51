package guard

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"guardsh/guard/ask"
	"guardsh/rules"
)

// The README's configuration names every key and parses; its rules exist.
func TestReadmeIsTrue(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```yaml\n")
	sample, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("no configuration in the README")
	}
	f, problems := parseConfig("README.md", []byte(sample))
	if len(problems) > 0 {
		t.Fatalf("the configuration in the README is broken: %v", problems)
	}
	if len(f.automation) != 1 || len(f.notes) != 4 || len(f.notify) == 0 {
		t.Errorf("read as %+v", f)
	}
	for _, key := range regexp.MustCompile("yaml:\"([a-z_]+)\"").FindAllStringSubmatch(source(t, "config_parse.go"), -1) {
		if !strings.Contains(sample, key[1]+":") {
			t.Errorf("the README does not show the key %s", key[1])
		}
	}
	ids := regexp.MustCompile(`(?:rule: |\[)([a-z]+/[a-z-]+)[\],]`).FindAllStringSubmatch(string(b), -1)
	if len(ids) < 2 {
		t.Errorf("only %d rule ids found", len(ids))
	}
	for _, id := range ids {
		if _, err := os.Stat(filepath.Join("..", "rules", "packs", id[1]+".yaml")); err != nil {
			t.Errorf("the README names the rule %s: %v", id[1], err)
		}
	}
}

// The configuration that packages bring shows every key. As it is it says
// nothing, and without its comment signs it is obeyed.
func TestPackagedConfiguration(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "cmd", "dev", "packaging", "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if f, problems := parseConfig("config.yaml", b); len(problems) > 0 || len(f.notes) > 0 || len(f.automation) > 0 {
		t.Errorf("as it is: %+v, %v", f, problems)
	}
	text := regexp.MustCompile(`(?m)^#( *[^ ].*)$`).ReplaceAllStringFunc(string(b), func(l string) string {
		if strings.HasPrefix(l, "# ") && !strings.HasPrefix(l, "#  -") {
			return l
		}
		return l[1:]
	})
	f, problems := parseConfig("config.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatalf("without its comment signs it is broken: %v\n%s", problems, text)
	}
	if len(f.automation) != 1 || len(f.notes) != 4 || len(f.notify) == 0 {
		t.Errorf("read as %+v", f)
	}
	for _, key := range regexp.MustCompile("yaml:\"([a-z_]+)\"").FindAllStringSubmatch(source(t, "config_parse.go"), -1) {
		if !strings.Contains(text, key[1]+":") {
			t.Errorf("it does not show the key %s", key[1])
		}
	}
}

// What the README shows of a refusal is what is said.
func TestReadmeRecording(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := rules.Situation{Cwd: "/", Overwrite: []string{"/etc", "/etc/passwd", "/lib", "/bin", "/home"}}
	l, effects, facts := rules.Imagine("rsync -aP /srv/lxc/lab/rootfs/ .", at)
	j, problems := judgeBy(Place{}, DefaultConfig())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d := rules.Judge(j.Rules, l, effects, facts)
	said := strings.TrimSuffix(ask.Refusal(&d, false, 80), "\n")
	if d.Verdict != rules.Block || !strings.Contains(said, "hint: ") {
		t.Fatalf("%s\n%s", d, said)
	}
	for row := range strings.Lines(said) {
		if row = "    " + strings.TrimRight(row, "\n"); !strings.Contains(string(b), row+"\n") {
			t.Errorf("the README does not show\n%s", row)
		}
	}
}

func source(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
