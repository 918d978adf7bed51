package hypothetical

import (
	"os"
	"strings"
	"testing"

	"guardsh/rules"
)

// An act that is only data is no act: testdata/data.txt says how it is written.
func TestData(t *testing.T) {
	b, err := os.ReadFile("testdata/data.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := rules.Builtin()
	acts := plainActs(t)
	forms, lines := 0, 0
	for i, form := range strings.Split(string(b), "\n") {
		if form == "" || strings.HasPrefix(form, "# ") && !strings.Contains(form, "%") {
			continue
		}
		forms++
		spoke := 0
		for j, a := range acts {
			if (i+j)%every != 0 {
				continue
			}
			lines++
			line := carrier{text: form}.carry(a)
			if d := decide(s, line, a.at); d.Verdict != rules.Allow {
				if spoke++; spoke < 3 {
					t.Errorf("%q is %s", line, d)
				}
			}
		}
		if spoke > 2 {
			t.Errorf("%q speaks of %d acts", form, spoke)
		}
	}
	if forms < 200 {
		t.Errorf("only %d forms", forms)
	}
	t.Logf("%d forms, %d acts, %d lines", forms, len(acts), lines)
}
