package guard

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guardsh/rules"
	"guardsh/rules/command"
)

// guardsh knows its own files where the site has them, also by another name.
func TestOwnFiles(t *testing.T) {
	p := place(t)
	base := filepath.Dir(p.Trail)
	t.Setenv("TMPDIR", filepath.Join(base, "tmp"))
	for _, dir := range []string{p.Trail, p.Store, p.State, filepath.Join(base, "tmp/guardsh.12"), filepath.Join(base, "me")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(p.Trail, link); err != nil {
		t.Fatal(err)
	}
	p.Trail = link
	p.Config.User = filepath.Join(base, "me/config.yaml")
	j, problems := judgeBy(p, DefaultConfig())
	if problems != nil {
		t.Fatal(problems)
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]rules.Verdict{
		"rm -rf " + link + "/":                     rules.Confirm,
		"truncate -s 0 " + base + "/trail/x":       rules.Confirm,
		"rm -rf store":                             rules.Confirm,
		"mv state other":                           rules.Confirm,
		"rm -rf tmp/guardsh.12":                    rules.Confirm,
		"echo x > me/config.yaml":                  rules.Notify, // it is not there yet
		"cp /bin/bash " + self:                     rules.Confirm,
		"rm -rf " + base:                           rules.Confirm, // all of it lies below
		"ls trail; cat me/config.yaml; touch here": rules.Allow,
	} {
		got := rules.Allow
		for _, f := range j.Line(line, &command.StaticShell{Dir: base, Login: "root"}).Decision.Findings {
			if f.Rule == "guard/change-own-files" {
				got = max(got, f.Verdict)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if own := (&Config{Trail: "/srv/trail"}).own(Place{}); !slices.Contains(own, rules.Own{Path: "/srv/trail", What: rules.OwnTrail}) {
		t.Errorf("the configured trail is not among %v", own)
	}
}
