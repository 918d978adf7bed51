package command

import "testing"

// An environment that takes an effort to read is read only for a line that a
// variable matters to.
func TestLater(t *testing.T) {
	for _, tt := range []struct {
		line  string
		reads bool
		argv  string // the last word of the command
	}{
		{"rm -f a.o", false, "a.o"},
		{"sh -c 'gcc -c a.c; rm -f a.d'", false, "a.d"},
		{`rm -rf "$QX"/x`, true, "/srv/x"},
		{`sh -c 'rm -rf "$QX"/x'`, true, "/srv/x"},
		{`echo ${!QX*}`, true, "QX"},
	} {
		asked := false
		l := Understand(tt.line, Options{Below: true, Shell: &StaticShell{Dir: "/", Later: func() []string {
			asked = true
			return []string{"QX=/srv"}
		}}})
		argv := l.Actions[len(l.Actions)-1].Argv
		if got := argv[len(argv)-1]; asked != tt.reads || !got.Is(tt.argv) {
			t.Errorf("%s: read=%v, %q; want %v, %q", tt.line, asked, got, tt.reads, tt.argv)
		}
	}
}
