package command

import (
	"os"
	"strings"
	"testing"
)

// TestTable holds testdata/table: "$ line" and behind it, indented, what the
// line would start. GUARDSH_UPDATE=1 writes what is understood now.
func TestTable(t *testing.T) {
	b, err := os.ReadFile("testdata/table")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	rows := 0
	for _, row := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n$ ") {
		line, _, _ := strings.Cut(strings.TrimPrefix(row, "$ "), "\n")
		l := Understand(strings.ReplaceAll(line, "¶", "\n"), Options{Shell: tableShell})
		lines := compact(l)
		if l.Ends {
			lines = append(lines, "ends")
		}
		got := line + "\n    " + strings.Join(lines, "\n    ") + "\n"
		if want := strings.TrimPrefix(row, "$ ") + "\n"; got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		out.WriteString("$ " + got)
		rows++
	}
	if rows < 80 {
		t.Errorf("only %d rows", rows)
	}
	if os.Getenv("GUARDSH_UPDATE") != "" {
		if err := os.WriteFile("testdata/table", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tableShell knows HOME, A and that U is unset; every other variable is
// unknown to it.
var tableShell = &StaticShell{Dir: "/srv", Login: "root", Unset: []string{"U", "CDPATH"}, Aliases: map[string]string{"ll": "ls -l ", "rmf": "rm -rf", "both": "one; two"},
	Funcs: map[string]string{"wipe": "wipe () { rm -rf \"$1\"/*; }", "HOME": ""}, Options: map[string]bool{"expand_aliases": true}}
