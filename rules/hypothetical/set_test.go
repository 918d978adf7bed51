package hypothetical

import (
	"strings"
	"testing"
	"testing/fstest"

	"guardsh/rules"
)

const siteRule = `id: site/keep-out
on: [delete]
when: path.real startsWith "/opt/db"
verdict: confirm
summary: deletes {path.real}
why: it is the database
instead: ls {quote(object)}
examples:
  match: [rm -rf /opt/db]
  silent: [rm -rf /opt/other]
`

func TestAdd(t *testing.T) {
	edit := func(old, new string) string { return strings.Replace(siteRule, old, new, 1) }
	for _, c := range []struct {
		name, text, want string
		trust            rules.Trust
	}{
		{"good", siteRule, "", rules.User},
		{"a name that does not exist", edit("path.real starts", "path.rael starts"), "x.yaml:3:7: type rules.PathFact has no field rael", rules.User},
		{"a key that does not exist", edit("why:", "wy:"), "x.yaml:6:1:", rules.User},
		{"not yaml", edit("[rm -rf /opt/other]", "[rm"), "x.yaml:", rules.User},
		{"no header", "on: [delete]\n", "x.yaml:1:1:", rules.User},
		{"an effect that does not exist", edit("[delete]", "[delte]"), `x.yaml:2:1: "delte" is not an effect`, rules.User},
		{"a verdict that does not exist", edit("confirm", "deny"), "x.yaml:4:10:", rules.User},
		{"does not match", edit("/opt/db\"", "/opt/dc\""), "does not match", rules.User},
		{"is not silent", edit("/opt/other", "/opt/db2"), "has to be silent", rules.User},
		{"an instead that is stopped", edit("ls {quote", "rm -rf {quote"), "instead that does not pass", rules.User},
		{"no silent example", edit("  silent: [rm -rf /opt/other]\n", ""), "needs at least one example", rules.User},
		{"a user replaces", edit("site/keep-out", "fs/delete-home"), "only the administrator", rules.User},
		{"the administrator replaces", edit("site/keep-out", "fs/delete-home"), "", rules.Administrator},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := rules.Builtin()
			err := s.Add(fstest.MapFS{"x.yaml": {Data: []byte(c.text)}}, c.trust)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if d := decide(s, "rm -rf /opt/db", Situation{}); d.Verdict != rules.Confirm {
					t.Errorf("after Add the line is %s", d)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if d := decide(s, "rm -rf /opt/db", Situation{}); d.Verdict != rules.Allow {
				t.Errorf("a refused rule speaks: %s", d)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	s := rules.Builtin()
	s.SetPolicy(rules.Policy{
		Protected: []string{"/data"}, Unprotected: []string{"/var/lib/scratch"}, Labels: []string{"production"},
		Notes: []rules.Note{{Object: "service:nova-*", Text: "a node that reports down is evacuated by the watcher"}},
	})
	for _, c := range []struct {
		line, says string
		want       rules.Verdict
	}{
		{"rm -rf /data", "/data", rules.Block},
		{"rm -rf /var/lib/scratch", "", rules.Allow},
		{"crontab -r", "production", rules.Challenge},
		{"systemctl restart nova-compute", "a node that reports down is evacuated by the watcher", rules.Challenge},
		{"systemctl status nova-compute", "", rules.Allow},
		{"rm -rf /lib", "", rules.Block},
	} {
		l, eff, facts := Try(c.line, Situation{})
		// The imagined world knows the built-in table alone.
		for k, of := range facts.Objects {
			if strings.HasPrefix(k, "path:") {
				of.Path = rules.PathFact{Real: of.Path.Real, Exists: true, Type: of.Path.Type}
				s.Protection().Fill(&of.Path)
			}
		}
		d := rules.Judge(s, l, eff, facts)
		if d.Verdict != c.want {
			t.Errorf("%q is %s, want %s", c.line, d, c.want)
		}
		if c.says != "" && !strings.Contains(d.Findings[0].Words(), c.says) {
			t.Errorf("%q does not say %q: %s", c.line, c.says, d.Findings[0].Words())
		}
	}
}

func TestUnseen(t *testing.T) {
	if d := rules.Unseen(rules.Decision{Verdict: rules.Allow}); d.Verdict != rules.Confirm || d.Findings[0].Rule != "shell/unseen-line" {
		t.Errorf("an unseen line is %s", d)
	}
	if d := rules.Unseen(decide(rules.Builtin(), "rm -rf /lib", Situation{})); d.Verdict != rules.Block || len(d.Findings) != 2 {
		t.Errorf("an unseen line that is blocked is %s", d)
	}
}

// A name of another environment than this host's is asked about, where the
// site says the names.
func TestOtherEnvironment(t *testing.T) {
	names := map[string][]string{"production": {"prod-*", "*.prod.example.org", "db1"}, "staging": {"stg-*", "staging", "both"}, "shared": {"both"}}
	for _, c := range []struct {
		host, line string
		labels     []string
		asks       bool
	}{
		{"stg-web1", "ssh prod-web1 reboot", nil, true},
		{"stg-web1", "rsync -a site/ prod-web1:/srv/site/", nil, true},
		{"stg-web1", "rsync -a site/ root@web1.prod.example.org:/srv/site/", nil, true},
		{"stg-web1", "kubectl --context prod-eu delete pod web-1", nil, true},
		{"stg-web1", "mysql -h db1 -e 'drop table users'", nil, true},
		{"stg-web1", "for h in prod-1 prod-2; do ssh $h systemctl stop app; done", nil, true},
		{"stg-web1", "rm -rf /mnt/prod-data/x", nil, true},
		{"x", "ssh stg-web1 reboot", []string{"production"}, true},
		{"prod-web1", "rm -rf /srv/staging", nil, true},
		{"stg-web1", "ssh stg-web2 reboot", nil, false},
		{"stg-web1", "ssh prod-web1 uptime", nil, false},
		{"stg-web1", "rsync -a prod-web1:/srv/site/ site/", nil, false},
		{"stg-web1", "ping prod-web1", nil, false},
		{"stg-web1", "grep prod-web1 /etc/hosts", nil, false},
		{"stg-web1", "kubectl --context prod-eu get pods", nil, false},
		{"web1", "ssh prod-web1 reboot", nil, false},
		{"stg-web1", "echo prod-web1 >> notes.txt", nil, false},
		{"prod-web1", "ssh both reboot", nil, true},
		{"stg-web1", "ssh both reboot", nil, false},
		{"stg-web1", "rm -rf production.txt", nil, false},
	} {
		s := rules.Builtin()
		s.SetPolicy(rules.Policy{Names: names, Labels: c.labels})
		asks := false
		for _, f := range decide(s, c.line, Situation{Host: c.host, Labels: c.labels}).Findings {
			asks = asks || f.Rule == "site/other-environment"
		}
		if asks != c.asks {
			t.Errorf("%s: %q: asked %v, want %v", c.host, c.line, asks, c.asks)
		}
	}
}
