package command

import (
	"strings"
	"testing"
)

func TestOutline(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"ls -l", "command  ls -l"},
		{"a && b | c > f", "both, the second if the first works (&&)\n  command  a\n  pipe (|)\n    command  b\n    command  c\n      redirection  > f"},
		{"if x; then y; else z; fi", "if\n    command  x\n  then\n    command  y\n  then\n    command  z"},
		{"for i in 1 2; do rm $(ls); done &", "for in the background  i in 1 2\n  command  rm $(ls)\n    substitution\n      command  ls"},
		{"! (cd /; f)", "subshell not\n  command  cd /\n  command  f"},
		{"f() { x; }", "function f\n  group\n    command  x"},
		{"A=1", "assignment  A=1"},
		{"ls 'x", "not understood: 1:4: reached EOF without closing quote `'`"},
	} {
		if got := strings.Join(Outline(c.src), "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.src, got, c.want)
		}
	}
}
