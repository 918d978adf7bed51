package rules

import (
	"strings"
	"testing"
)

func TestOwn(t *testing.T) {
	s := Builtin()
	s.SetPolicy(Policy{Own: []Own{{"/srv/audit/trail", OwnTrail}, {"/opt/g/guardsh", OwnProgram}, {"/srv/keep", OwnSnapshots}, {"/srv/keep/trail", OwnTrail}}})
	for p, want := range map[string]string{
		"/usr/bin/guardsh": OwnProgram, "/bin/guardsh": OwnProgram, "/usr/bin/guardsh2": "", "/usr/bin": "", "/": "", "x": "", "": "",
		"/etc/guardsh": OwnConfiguration, "/etc/guardsh/": OwnConfiguration, "/etc/guardsh/rules.d/a.yaml": OwnConfiguration, "/etc/guardsh.d/x": "",
		"/home/ann/.config/guardsh/config.yaml": OwnConfiguration, "/home/ann/.config/x": "", "/home/ann/src/guardsh": "",
		"/var/log/guardsh/x/events.jsonl": OwnTrail, "/var/log": "", "/var/lib/guardsh": OwnSnapshots,
		"/home/ann/.local/state/guardsh/x": OwnState,
		"/run/guardsh/guardsh.1/12.a":      OwnRuntime, "/var/run/guardsh": OwnRuntime, "/run/user/1000/guardsh.123": OwnRuntime, "/tmp/guardsh.12/q": OwnRuntime, "/tmp/guardsh.deb": "",
		"/data/.guardsh": OwnSnapshots, "/data/.guardsh/x": OwnSnapshots, "/.guardsh": OwnSnapshots, "/data/.guardshx": "",
		"/srv/audit/trail/x": OwnTrail, "/srv/audit": "", "/opt/g/guardsh": OwnProgram, "/srv/keep/x": OwnSnapshots, "/srv/keep/trail/x": OwnTrail,
	} {
		if got := s.ownAt(p); got != want {
			t.Errorf("%s is %q, want %q", p, got, want)
		}
	}
	for p, want := range map[string]string{
		"/srv": "trail snapshots", "/srv/keep": "trail", "/srv/keep/": "trail", "/srv/aud": "", "/var/log": "trail", "/opt": "program", "/home/ann": "", "x": "",
		"/": "program configuration doors trail snapshots runtime",
	} {
		if got := strings.Join(s.ownBelow(p), " "); got != want {
			t.Errorf("below %s lies %q, want %q", p, got, want)
		}
	}
}
