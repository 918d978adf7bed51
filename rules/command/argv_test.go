package command

import (
	"fmt"
	"slices"
	"testing"
)

// What starts as it stands is what it is, however long and whatever its words
// look like; no builtin or keyword of a shell is in the way.
func TestArgv(t *testing.T) {
	many := []string{"/bin/rm", "-rf"}
	for i := range 60_000 {
		many = append(many, fmt.Sprintf("/tmp/--=[%d", i))
	}
	for _, argv := range [][]string{
		append(many, "/usr"),
		{"kill", "-9", "$X", "*", "a b", "", "'", "\n", "\xff"},
		{"if", "true"},
		{"A=b", "c"},
	} {
		l := Understand("said", Options{Below: true, Argv: argv, Shell: &StaticShell{Dir: "/"}})
		if len(l.Actions) != 1 || len(l.Notes) != 0 || l.Actions[0].Builtin || l.Src != "said" {
			t.Errorf("%.40q: %d actions, notes %v", argv, len(l.Actions), l.Notes)
			continue
		}
		var got []string
		for _, w := range l.Actions[0].Argv {
			v, _ := w.Value()
			got = append(got, v)
		}
		if !slices.Equal(got, argv) {
			t.Errorf("%.40q: %.40q", argv, got)
		}
	}
	// A shell reads its code as ever.
	l := Understand("", Options{Below: true, Argv: []string{"sh", "-c", "rm -rf $A", "sh"}, Shell: &StaticShell{Dir: "/", Environ: []string{"A=/usr"}}})
	if n := len(l.Actions); n != 2 || !l.Actions[n-1].Argv[2].Is("/usr") {
		t.Errorf("%v", l.Actions)
	}
}
