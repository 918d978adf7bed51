package command

import (
	"slices"
	"strings"
	"testing"
)

// bash reads bytes: what is no UTF-8 neither hides a line nor changes a word.
func TestBytes(t *testing.T) {
	doc := strings.Repeat("\xe4\n", asideMin)
	for _, c := range []struct {
		line string
		argv []string // of the last action
	}{
		{"rm -r /lib/ # f\xfcr alle", []string{"rm", "-r", "/lib/"}},
		{"rm 'a\xff' \"b\xfe\"c\xfd \\\xfc", []string{"rm", "a\xff", "b\xfec\xfd", "\xfc"}},
		{"rm ü\xfc", []string{"rm", "ü\xfc"}},
		{"if true; then # \xe4\n rm b; fi", []string{"rm", "b"}},
		{"eval 'rm \xff'", []string{"rm", "\xff"}},
		{"f() { rm \"$1\"\xfe; }; f \xff", []string{"rm", "\xff\xfe"}},
		{"cat > /x <<E\n" + doc + "E\nrm \xff", []string{"rm", "\xff"}},
	} {
		l := Understand(c.line, Options{Limits: Limits{Bytes: asideMin}})
		for _, n := range l.Notes {
			t.Errorf("%.40q: %s: %s", c.line, n.Kind, n.Text)
		}
		var argv []string
		for _, a := range l.Actions {
			argv = argv[:0]
			for _, x := range a.Argv {
				v, _ := x.Value()
				argv = append(argv, v)
			}
		}
		if !slices.Equal(argv, c.argv) {
			t.Errorf("%.40q: %q, want %q", c.line, argv, c.argv)
		}
	}
	if got, _ := Complete("if true # \xff\nthen\n", false); got != 0 {
		t.Errorf("an unfinished text with such a byte is cut at %d", got)
	}
	if got, _ := Names("echo $X # \xff"); !slices.Contains(got, "X") {
		t.Errorf("names: %q", got)
	}
	if got := Outline("rm a\xff"); len(got) != 1 || !strings.HasSuffix(got[0], "rm a\xff") {
		t.Errorf("outline: %q", got)
	}
}
