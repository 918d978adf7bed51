package ask

import (
	"strings"
	"testing"

	"guardsh/rules"
)

func TestFindingsOfOneRuleAreOneThingToRead(t *testing.T) {
	d := rules.Decision{Verdict: rules.Block}
	add := func(rule string, v rules.Verdict, objects ...string) {
		for _, o := range objects {
			d.Findings = append(d.Findings, rules.Finding{Rule: rule, Verdict: v, Object: o, Summary: "deletes " + o, Hint: "look first"})
		}
	}
	add("fs/delete-home", rules.Block, "/home")
	add("fs/delete-protected", rules.Block, "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr")
	add("fs/keep", rules.Allow, "/x")
	add("fs/delete-below", rules.Confirm, "/opt/x")
	got := Refusal(&d, false, 80)
	want := `guardsh: deletes /bin [fs/delete-protected]
    the same for /boot /dev /etc /lib /proc /run and 2 more
  hint: look first
guardsh: deletes /home [fs/delete-home]
  hint: look first
guardsh: deletes /opt/x [fs/delete-below]
  hint: look first
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, id := range []string{"a/b", "c/d", "e/f"} {
		add(id, rules.Confirm, "/y")
	}
	if got := Refusal(&d, false, 80); !strings.HasSuffix(got, "… and c/d, e/f\n") {
		t.Errorf("what is not shown is not named:\n%s", got)
	}
}
