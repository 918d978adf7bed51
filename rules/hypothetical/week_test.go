package hypothetical

import (
	"os"
	"strings"
	"testing"

	"guardsh/rules"
)

// maxSaid bounds the lines of a working week about which anything is said.
// Each has been read: a pod or job that is deleted, a log that is emptied, a
// host that gets another name, packages whose configuration goes.
const maxSaid = 14

// A working week of an operator passes without a question, as root and as
// somebody else.
func TestWorkingWeek(t *testing.T) {
	b, err := os.ReadFile("../../testdata/lines/week.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) < 1500 {
		t.Fatalf("%d lines", len(lines))
	}
	s := rules.Builtin()
	for _, user := range []string{"root", "ann"} {
		said := 0
		for _, l := range lines {
			d := decide(s, l, Situation{User: user})
			switch {
			case d.Verdict > rules.Notify:
				t.Errorf("%s: %q is %s", user, l, d)
			case d.Verdict == rules.Notify:
				said++
			}
		}
		if said > maxSaid {
			t.Errorf("%s: %d lines have something said, at most %d should", user, said, maxSaid)
		}
	}
}
