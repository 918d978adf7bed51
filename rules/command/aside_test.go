package command

import (
	"strings"
	"testing"
)

// TestLargeData holds that data is not code, however much of it there is, and
// that code which was not read is said to be so.
func TestLargeData(t *testing.T) {
	data := strings.Repeat(`{"k": [(-1, "?")], '=' : "!x"}`+"\n", 35000) // 1 MB, and all that a parser dislikes
	plain := strings.Repeat("line of text\n", 20000)
	code := strings.Repeat("true\n", 300000)
	for _, tt := range []struct {
		name, src string
		large     bool
	}{
		{"document to a program", "cat <<'E' | md5sum\n" + data + "E\n", false},
		{"document that is expanded", "cat <<E | md5sum\n" + data + "E\n", false},
		{"document with a variable", "cat <<E | md5sum\n$x" + data + "E\n", false},
		{"two documents and code behind", "cat <<A - <<'B' >x\n" + data + "A\n" + data + "B\nls", false},
		{"document with tabs", "cat <<-E | md5sum\n\t" + data + "\tE\n", false},
		{"document in a loop", "while :; do md5sum <<E\n$x" + plain + "E\ndone", false},
		{"string", "md5sum <<< '" + plain + "'", false},
		{"string with a variable", `md5sum <<< "$x` + plain + `"`, false},
		{"variable", "x='" + plain + "'; echo \"$x\" | md5sum", false},
		{"argument", "printf %s '" + plain + "'", false},
		{"shell that reads small code with a large document", "bash -s <<'E'\ncat > /tmp/x <<'F'\n" + plain + "F\nE\n", false},
		{"document to a shell", "bash <<'E'\n" + code + "E\n", true},
		{"document through cat to a shell", "cat <<'E' | bash\n" + code + "E\n", true},
		{"eval", "x='" + plain + "'; eval \"$x$x\"", true},
		{"the line", code, true},
	} {
		l := Understand(tt.src, Options{Shell: &StaticShell{Dir: "/"}})
		large := false
		for _, n := range l.Notes {
			if n.Kind == TooLarge {
				large = true
			} else {
				t.Errorf("%s: note %s: %s", tt.name, n.Kind, n.Text)
			}
		}
		if large != tt.large {
			t.Errorf("%s: too large is %t: %v", tt.name, large, l.Notes)
		}
		if !tt.large && len(l.Actions) == 0 {
			t.Errorf("%s: nothing is started", tt.name)
		}
	}
	// What stands behind a document is still code.
	l := Understand("cat <<'E' >x\n"+data+"E\nrm -rf /usr", Options{Shell: &StaticShell{Dir: "/"}})
	if n := len(l.Actions); n == 0 || !l.Actions[n-1].Argv[0].Is("rm") {
		t.Errorf("rm behind a large document is not seen: %v", compact(l)[1:])
	}
	// A document that only seems to be one is no hiding place.
	l = Understand("# <<E\n"+strings.Repeat("(", 200000)+"\nE\nrm", Options{Shell: &StaticShell{Dir: "/"}})
	if len(l.Notes) == 0 || l.Notes[0].Kind != TooLarge {
		t.Errorf("a comment hides what is too deep: %v", l.Notes)
	}
}
