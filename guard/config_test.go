package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// site is a root directory with a configuration in it.
type site struct {
	t    *testing.T
	root string
}

func newSite(t *testing.T) site {
	t.Helper()
	s := site{t, t.TempDir()}
	s.mkdir("/etc/guardsh/rules.d", "/etc/guardsh/commands.d", "/home/ann/.config/guardsh")
	return s
}

func (s site) mkdir(dirs ...string) {
	s.t.Helper()
	for _, d := range dirs {
		if err := os.MkdirAll(s.root+d, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.root+name, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// load reads it as if whoever runs the test were the administrator.
func (s site) load() (Config, []string) {
	c, problems := LoadConfig(ConfigPaths{
		Root: s.root, Etc: "/etc/guardsh", Owner: os.Getuid(),
		User: "/home/ann/.config/guardsh/config.yaml", UID: os.Getuid(),
	})
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return c, texts
}

const (
	adminFile = "/etc/guardsh/config.yaml"
	userFile  = "/home/ann/.config/guardsh/config.yaml"
)

func TestNoConfigIsNeeded(t *testing.T) {
	want := DefaultConfig()
	for name, p := range map[string]ConfigPaths{
		"no paths": {},
		"no files": {Root: t.TempDir(), Etc: "/etc/guardsh", Owner: os.Getuid(), User: userFile, UID: os.Getuid()},
	} {
		c, problems := LoadConfig(p)
		if !reflect.DeepEqual(c, want) || len(problems) > 0 {
			t.Errorf("%s: got %+v and %v", name, c, problems)
		}
	}
	s := newSite(t)
	s.write(adminFile, "# nothing but words\n")
	s.write(userFile, "")
	if c, problems := s.load(); c.Paste != PasteStop || len(problems) > 0 {
		t.Errorf("empty files: got %+v and %v", c, problems)
	}
}

func TestConfigEveryKey(t *testing.T) {
	s := newSite(t)
	s.write(adminFile, `
protected: [/srv/lxc/, "/srv/*/rootfs"]
unprotected: [/opt]
scratch: [/srv/build]
labels: [production]
notes:
  - {service: nova-compute.service, note: a node that reports down is evacuated by the watcher}
  - {path: /srv/array/, note: one controller only}
  - {host: db1, note: the only copy}
  - {command: heketi-cli, note: call Jo first}
paste: continue
supervise: "off"
sudo: front
notices: always
trail: /var/log/audit/guardsh
snapshots: {store: /srv/keep, max_age: 30d, max_size: 20G, budget: 500ms, keep_within: 90s}
notify: /usr/local/bin/tell --subject "guardsh says"
automation:
  - {rule: cron/remove-jobs, user: deploy, reason: the nightly reset, until: 2027-01-31}
  - {rule: fs/delete-tree, user: deploy, reason: as above}
`)
	s.write("/etc/guardsh/rules.d/b.yaml", "id: b\n")
	s.write("/etc/guardsh/rules.d/a.yml", "id: a\n")
	s.write("/etc/guardsh/rules.d/.a.yml.swp", "")
	s.write("/etc/guardsh/rules.d/.hidden.yaml", "")
	s.write("/etc/guardsh/rules.d/README", "")
	s.write("/etc/guardsh/commands.d/heketi.yaml", "command: heketi-cli\n")
	c, problems := s.load()
	if len(problems) > 0 {
		t.Fatalf("problems: %q", problems)
	}
	want := Config{
		Protected:   []string{"/srv/lxc", "/srv/*/rootfs"},
		Unprotected: []string{"/opt"},
		Scratch:     []string{"/srv/build"},
		Labels:      []string{"production"},
		Notes: []Note{
			{AboutService, "nova-compute", "a node that reports down is evacuated by the watcher"},
			{AboutPath, "/srv/array", "one controller only"},
			{AboutHost, "db1", "the only copy"},
			{AboutCommand, "heketi-cli", "call Jo first"},
		},
		Paste: PasteContinue, Supervise: SuperviseOff, Sudo: SudoFront, Notices: NoticesAlways,
		Trail:     "/var/log/audit/guardsh",
		Snapshots: SnapshotConfig{Store: "/srv/keep", MaxAge: 30 * 24 * time.Hour, MaxSize: 20 << 30, Budget: 500 * time.Millisecond, KeepWithin: 90 * time.Second},
		Notify:    []string{"/usr/local/bin/tell", "--subject", "guardsh says"},
		Automation: []Automation{
			{"cron/remove-jobs", "deploy", "the nightly reset", time.Date(2027, 2, 1, 0, 0, 0, 0, time.Local)},
			{"fs/delete-tree", "deploy", "as above", time.Time{}},
		},
		Rules: []SiteFile{
			{"/etc/guardsh/rules.d/a.yml", []byte("id: a\n")},
			{"/etc/guardsh/rules.d/b.yaml", []byte("id: b\n")},
		},
		Commands: []SiteFile{{"/etc/guardsh/commands.d/heketi.yaml", []byte("command: heketi-cli\n")}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c, want)
	}
}

// A broken file is left out as a whole: half of what somebody meant is worse
// than the built-in rules, which are said to hold.
func TestConfigBroken(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"labels: [a\n", ":1:9: "},
		{"labels: [a]\nlabel: b\n", `:2:1: unknown field "label"`},
		{"labels: [a]\nlabels: [b]\n", ":2:1: "},
		{"labels: {a: b}\n", ":1:"},
		{"- a\n", ":1:"},
		{"labels: [a]\n---\nlabels: [b]\n", ":3:"},
		{"labels: &x [a]\nprotected: *x\n", ":2:12: aliases and merge keys"},
		{"protected: [/srv, srv]\n", `:1:19: protected: "srv" is not an absolute path`},
		{"protected: ['/srv/[']\n", `:1:13: protected: "/srv/[" is not a file name pattern`},
		{"scratch: [/tmp/x, /]\n", ":1:19: scratch: / is the whole machine"},
		{"unprotected:\n  - //\n", ":2:5: unprotected: / is the whole machine"},
		{"labels: ['']\n", ":1:10: labels: an empty label"},
		{"paste: maybe\n", `:1:8: paste: "maybe" is not one of stop, continue`},
		{"supervise: yes\n", `:1:12: supervise: "yes" is not one of auto, on, off`},
		{"sudo: never\n", ":1:7: sudo:"},
		{"trail: log\n", `:1:8: trail: "log" is not an absolute path`},
		{"snapshots: {max_age: 30}\n", `max_age: "30" is not a time span`},
		{"snapshots: {max_age: 0d}\n", "max_age:"},
		{"snapshots:\n  max_size: lots\n", `:2:13: max_size: "lots" is not a size`},
		{"snapshots: {max_size: 99999999999T}\n", "max_size:"},
		{"notify: tell me\n", ":1:9: notify: the command has to be an absolute path"},
		{"notify: ''\n", "notify:"},
		{"notify: /bin/x 'a\n", "notify:"},
		{"webhook: ftp://x/SECRET\n", ":1:10: webhook: not an address"},
		{"webhook: /x\n", "webhook:"},
		{"notes: [{service: a, host: b, note: c}]\n", "notes: one of service, path, host or command"},
		{"notes: [{note: c}]\n", "notes: one of"},
		{"notes: [{service: a}]\n", "has no text"},
		{"automation: [{user: a, reason: b}]\n", "is not a rule's id"},
		{"automation: [{rule: a/b, reason: b}]\n", "no user is named"},
		{"automation: [{rule: a/b, user: c}]\n", "a reason is needed"},
		{"automation: [{rule: a/b, user: c, reason: d, until: soon}]\n", `until "soon" is neither`},
		{strings.Repeat("[", 100), ":1:33: nested too deeply"},
		{strings.Repeat("- ", 200), "nested too deeply"},
		{"\x00\xff", ":"},
	} {
		s := newSite(t)
		s.write(adminFile, c.text)
		s.write("/etc/guardsh/rules.d/a.yaml", "id: a\n")
		got, problems := s.load()
		if len(problems) != 1 || !strings.HasPrefix(problems[0], adminFile+":") || !strings.Contains(problems[0], c.want) || strings.Contains(problems[0], "\n") {
			t.Errorf("%q: problems %q, want one with %q", c.text, problems, c.want)
		}
		want := DefaultConfig()
		want.Rules = []SiteFile{{"/etc/guardsh/rules.d/a.yaml", []byte("id: a\n")}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v", c.text, got)
		}
	}
}

func TestConfigSaysAllProblemsOfValues(t *testing.T) {
	s := newSite(t)
	s.write(adminFile, "protected: [a, b]\npaste: x\n")
	_, problems := s.load()
	if len(problems) != 3 {
		t.Errorf("got %q, want three", problems)
	}
}

func TestUserOnlyTightens(t *testing.T) {
	for _, c := range []struct {
		name, admin, user string
		want              Config
		problems          []string
	}{
		{"adds", "protected: [/srv]\nlabels: [a]\nnotes: [{host: h, note: x}]\npaste: continue\nsupervise: auto\n",
			"protected: [/srv, /data]\nlabels: [b]\nnotes: [{host: h, note: y}]\npaste: stop\nsupervise: on\n",
			Config{Protected: []string{"/srv", "/data"}, Labels: []string{"a", "b"}, Paste: PasteStop, Supervise: SuperviseOn, Sudo: SudoAuto,
				Notes: []Note{{AboutHost, "h", "x"}, {AboutHost, "h", "y"}}}, nil},
		{"protects what was taken out", "unprotected: [/opt, /srv]\nscratch: [/scratch]\n", "protected: [/opt, /scratch]\n",
			Config{Protected: []string{"/opt", "/scratch"}, Unprotected: []string{"/srv"}, Scratch: []string{}, Paste: PasteStop, Supervise: SuperviseAuto, Sudo: SudoAuto}, nil},
		{"may say what holds anyway", "paste: continue\nsupervise: off\n", "paste: continue\nsupervise: off\n",
			Config{Paste: PasteContinue, Supervise: SuperviseOff, Sudo: SudoAuto}, nil},
		{"loosens nothing", "", `unprotected: [/etc]
scratch: [/home]
sudo: front
notices: always
trail: /tmp/t
snapshots: {budget: 1ms}
notify: /bin/true
automation: [{rule: a/b, user: ann, reason: I like it}]
paste: continue
supervise: off
labels: [kept]
`,
			Config{Labels: []string{"kept"}, Paste: PasteStop, Supervise: SuperviseAuto, Sudo: SudoAuto},
			[]string{":1:14: unprotected is", ":2:10: scratch is", ":3:7: sudo is", ":5:8: trail is", ":6:", ":4:10: notices is", ":7:9: notify is", ":8:13: automation is", ":9:8: paste: continue is looser", ":10:12: supervise: off is looser"}},
		{"breaks only itself", "labels: [a]\n", "labels: [\n", Config{Labels: []string{"a"}, Paste: PasteStop, Supervise: SuperviseAuto, Sudo: SudoAuto}, []string{":1:"}},
	} {
		s := newSite(t)
		s.write(adminFile, c.admin)
		s.write(userFile, c.user)
		got, problems := s.load()
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", c.name, got, c.want)
		}
		if len(problems) != len(c.problems) {
			t.Errorf("%s: problems %q, want %q", c.name, problems, c.problems)
			continue
		}
		for i, p := range problems {
			if !strings.HasPrefix(p, userFile+":") || !strings.Contains(p, c.problems[i]) {
				t.Errorf("%s: problem %q, want %q", c.name, p, c.problems[i])
			}
		}
	}
}

// Only what nobody else could have written is obeyed; the rest is named.
func TestConfigTrust(t *testing.T) {
	const ignored = "so it is ignored"
	text := "labels: [seen]\n"
	for _, c := range []struct {
		name    string
		arrange func(s site)
		seen    bool
		want    string // in the one problem; "" none
	}{
		{"plain", func(s site) {}, true, ""},
		{"group may write the file", func(s site) { chmod(t, s.root+adminFile, 0o664) }, false, "can be written by others (mode 0664)"},
		{"the world may write the file", func(s site) { chmod(t, s.root+adminFile, 0o646) }, false, "can be written by others"},
		{"the world may write a directory above", func(s site) { chmod(t, s.root+"/etc", 0o757) }, false, "/etc can be written by others"},
		{"a link within trusted directories", func(s site) {
			s.mkdir("/etc/site")
			rename(t, s.root+adminFile, s.root+"/etc/site/c.yaml")
			symlink(t, "../site/c.yaml", s.root+adminFile)
		}, true, ""},
		{"an absolute link within trusted directories", func(s site) {
			s.mkdir("/store")
			rename(t, s.root+adminFile, s.root+"/store/c.yaml")
			symlink(t, "/store/c.yaml", s.root+adminFile)
		}, true, ""},
		{"a link by way of a directory of everybody's", func(s site) {
			s.mkdir("/tmp", "/store")
			rename(t, s.root+adminFile, s.root+"/store/c.yaml")
			symlink(t, "/store/c.yaml", s.root+"/tmp/l")
			symlink(t, "/tmp/l", s.root+adminFile)
			chmod(t, s.root+"/tmp", 0o777|os.ModeSticky)
		}, false, "/tmp can be written by others"},
		{"links in a circle", func(s site) {
			remove(t, s.root+adminFile)
			symlink(t, "config.yaml", s.root+adminFile)
		}, false, "too many symbolic links"},
		{"a link to nothing", func(s site) {
			remove(t, s.root+adminFile)
			symlink(t, "gone", s.root+adminFile)
		}, false, ""},
		{"a FIFO", func(s site) {
			remove(t, s.root+adminFile)
			if err := syscall.Mkfifo(s.root+adminFile, 0o644); err != nil {
				t.Fatal(err)
			}
		}, false, "not a regular file"},
		{"a directory", func(s site) {
			remove(t, s.root+adminFile)
			s.mkdir(adminFile)
		}, false, "not a regular file"},
		{"huge", func(s site) { s.write(adminFile, text+strings.Repeat("#", maxConfigFile)) }, false, "larger than 256 KiB"},
	} {
		s := newSite(t)
		s.write(adminFile, text)
		c.arrange(s)
		got, problems := s.load()
		if seen := len(got.Labels) == 1; seen != c.seen {
			t.Errorf("%s: obeyed %v, want %v", c.name, seen, c.seen)
		}
		switch {
		case c.want == "" && len(problems) > 0:
			t.Errorf("%s: problems %q", c.name, problems)
		case c.want != "" && (len(problems) == 0 || !strings.Contains(problems[0], c.want)):
			t.Errorf("%s: problems %q, want %q", c.name, problems, c.want)
		}
	}

	t.Run("another owner", func(t *testing.T) {
		s := newSite(t)
		s.write(adminFile, text)
		s.write("/etc/guardsh/rules.d/a.yaml", "")
		got, problems := LoadConfig(ConfigPaths{Root: s.root, Etc: "/etc/guardsh", Owner: os.Getuid() + 1})
		if len(got.Labels)+len(got.Rules) > 0 || len(problems) != 3 {
			t.Fatalf("got %+v and %v", got, problems)
		}
		for _, p := range problems {
			if !strings.Contains(p.Reason, "belongs to uid") || !strings.Contains(p.Reason, ignored) {
				t.Errorf("problem %q", p)
			}
		}
	})
	t.Run("the user's own", func(t *testing.T) {
		s := newSite(t)
		s.write(userFile, text)
		chmod(t, s.root+userFile, 0o664)
		chmod(t, s.root+"/home/ann", 0o775)
		if got, problems := s.load(); len(got.Labels) != 1 || len(problems) > 0 {
			t.Errorf("a private group's write bit: got %+v and %q", got.Labels, problems)
		}
		chmod(t, s.root+userFile, 0o666)
		if got, problems := s.load(); len(got.Labels) != 0 || len(problems) != 1 {
			t.Errorf("everybody's write bit: got %+v and %q", got.Labels, problems)
		}
		chmod(t, s.root+userFile, 0o644)
		got, problems := LoadConfig(ConfigPaths{Root: s.root, Owner: os.Getuid() + 1, User: userFile, UID: os.Getuid() + 2})
		if len(got.Labels) != 0 || len(problems) != 1 {
			t.Errorf("a stranger's file: got %+v and %v", got.Labels, problems)
		}
	})
	t.Run("a rule that others can write", func(t *testing.T) {
		s := newSite(t)
		s.write("/etc/guardsh/rules.d/a.yaml", "id: a\n")
		s.write("/etc/guardsh/rules.d/b.yaml", "id: b\n")
		chmod(t, s.root+"/etc/guardsh/rules.d/a.yaml", 0o666)
		got, problems := s.load()
		if len(got.Rules) != 1 || got.Rules[0].Name != "/etc/guardsh/rules.d/b.yaml" || len(problems) != 1 {
			t.Errorf("got %+v and %q", got.Rules, problems)
		}
	})
}

// A home directory that may never answer must not keep anybody out.
func TestConfigDoesNotTouchWhatHangs(t *testing.T) {
	s := newSite(t)
	s.write(userFile, "labels: [seen]\n")
	got, problems := LoadConfig(ConfigPaths{Root: s.root, User: userFile, UID: os.Getuid(), Hangs: func(p string) bool { return p == userFile }})
	if len(got.Labels) > 0 || len(problems) != 1 || !strings.Contains(problems[0].String(), "may not answer") {
		t.Errorf("got %+v and %v", got.Labels, problems)
	}
}

func TestAutomated(t *testing.T) {
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	c := Config{Automation: []Automation{{"a/b", "deploy", "r", now.Add(time.Hour)}, {"c/d", "deploy", "r", time.Time{}}}}
	for _, k := range []struct {
		rule, user string
		at         time.Time
		want       bool
	}{
		{"a/b", "deploy", now, true}, {"a/b", "deploy", now.Add(time.Hour), false}, {"a/b", "root", now, false},
		{"a/c", "deploy", now, false}, {"c/d", "deploy", now.AddDate(9, 0, 0), true},
	} {
		if _, got := c.Automated(k.rule, k.user, k.at); got != k.want {
			t.Errorf("%+v: got %v", k, got)
		}
	}
}

// What a refusal tells people to write is what the loader reads.
func TestAutomationWordsAreRead(t *testing.T) {
	for _, user := range []string{"root", "deploy", "no", "12", "www-data", `a"b`, "x: y"} {
		s := newSite(t)
		s.write(adminFile, strings.Join(automationWords("cron/remove-jobs", user), "\n")+"\n")
		c, problems := s.load()
		if len(problems) > 0 || len(c.Automation) != 1 || c.Automation[0].User != user || c.Automation[0].Rule != "cron/remove-jobs" {
			t.Errorf("%q: got %+v and %q", user, c.Automation, problems)
		}
	}
}

func TestSizesAndSpans(t *testing.T) {
	for s, want := range map[string]int64{"1": 1, "512B": 512, "2K": 2048, "500M": 500 << 20, "20GiB": 20 << 30, "20 GB": 20 << 30, "1T": 1 << 40,
		"": -1, "G": -1, "1.5G": -1, "-1": -1, "0": -1, "1X": -1, "1GG": -1, "1 G i": -1} {
		got, err := parseSize(s)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("size %q: %d, %v", s, got, err)
		}
	}
	for s, want := range map[string]time.Duration{"30d": 720 * time.Hour, "2w": 336 * time.Hour, "90m": 90 * time.Minute,
		"": -1, "d": -1, "-1d": -1, "1.5d": -1, "99999999d": -1, "-5s": -1} {
		got, err := parseSpan(s)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("span %q: %s, %v", s, got, err)
		}
	}
}

// No file takes the shell away: whatever it holds, a configuration or a
// problem with a reason comes back.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("labels: [a]\nnotes: [{host: b, note: c}]\n"))
	f.Add([]byte("snapshots: {max_age: 30d, max_size: 20G}\nnotify: /bin/x 'y z'\n"))
	f.Add([]byte("notify: /bin/x 'y\nsupervise: off\n"))
	f.Add([]byte("a: &x [*x]\n<<: *x\n"))
	f.Add([]byte("? - ? - {[\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, problems := parseConfig("f", b)
		if (c == nil) != (len(problems) > 0) {
			t.Fatalf("file %v, problems %v", c, problems)
		}
		for _, p := range problems {
			if p.File != "f" || p.Reason == "" {
				t.Fatalf("problem %+v", p)
			}
		}
	})
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Clean(name)); err != nil {
		t.Fatal(err)
	}
}
