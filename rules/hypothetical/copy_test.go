package hypothetical

import (
	"testing"

	"guardsh/rules"
)

// "cp x dest" may mean dest/x. Where dest is there and is a file it does not,
// and nothing is said about a name below it.
func TestCopyOntoFile(t *testing.T) {
	s := rules.Builtin()
	for _, line := range []string{"cp x /etc/passwd", "mv x /etc/shadow", "install -m 644 x /etc/group"} {
		d := decide(s, line, Situation{User: "root"})
		if d.Verdict != rules.Confirm {
			t.Errorf("%q is %s", line, d)
		}
		for _, f := range d.Findings {
			if f.Object != "/etc/passwd" && f.Object != "/etc/shadow" && f.Object != "/etc/group" && f.Verdict > rules.Allow {
				t.Errorf("%q speaks of %s", line, f.Object)
			}
		}
	}
	// Into a directory the name below it is what counts.
	if d := decide(s, "cp x /etc/pam.d/", Situation{User: "root"}); d.Verdict == rules.Allow && len(d.Findings) == 0 {
		t.Errorf("a file into /etc/pam.d: %s", d)
	}
}
