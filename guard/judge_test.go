package guard

import (
	"slices"
	"testing"
)

// A refusal of a script, a function or one of many lines says which command
// it is about.
func TestFindingsSayWhere(t *testing.T) {
	j, sh := Hypothetical("/", "root")
	for line, want := range map[string]string{
		"rm -rf /usr":                        "",
		"echo a; rm -rf /usr":                "",
		"echo a\nrm -rf /usr\n":              "line 2: rm -rf /usr",
		"f() { rm -rf \"$1\"; }; f /usr":     "function f: rm -rf /usr",
		"set -e\n> /etc/passwd":              "line 2",
		"for d in /usr; do\nrm -rf $d\ndone": "line 2: rm -rf /usr",
	} {
		fs := j.Line(line, sh).Decision.Findings
		if len(fs) == 0 {
			t.Errorf("%q is not found", line)
			continue
		}
		switch d := fs[0].Details; {
		case want != "" && !slices.Contains(d, want):
			t.Errorf("%q: %q does not say %q", line, d, want)
		case want == "" && slices.ContainsFunc(d, func(s string) bool { return s == "line 1: rm -rf /usr" }):
			t.Errorf("%q: %q", line, d)
		}
	}
}
