package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"guardsh/rules/word"
)

// long are commands that take the walk far out: by their number, by functions
// that call each other, by actions, by depth.
var long = map[string]string{
	"statements": strings.Repeat("x=1\n", maxSteps),
	"actions":    strings.Repeat("date\n", defaultActions),
	"functions":  "a() { b;b;b;b;b;b;b;b; }; b() { c;c;c;c;c;c;c;c; }; c() { d;d;d;d;d;d;d;d; }; d() { e;e;e;e;e;e;e;e; }; e() { i;i;i;i;i;i;i;i; }; i() { x=1;x=2;x=3; }; a\n",
	"loops":      "for i in {1..1000}; do date; date; date; date; date; done\n",
	"depth":      depth(40) + "f0\n",
	"words":      "for i in {1..1000}; do true {1..1000}; done\n",
}

// depth is functions that each call the next.
func depth(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d() { f%d; }\n", i, i+1)
	}
	fmt.Fprintf(&b, "f%d() { :; }\n", n)
	return b.String()
}

// TestFarOut holds that nothing is left out of a long line, nor refused for its
// length: what stands behind is found, with the values that it may have.
func TestFarOut(t *testing.T) {
	for how, text := range long {
		for i, tt := range []struct {
			name, before, after string
			want                string // an operand of an rm, or "?" for one that is not known
		}{
			{"plain", "", "rm -rf /usr", "/usr"},
			{"by a variable", "", "d=/usr\nrm -rf $d", "/usr"},
			{"in a function", "f() { rm -rf /usr; }", "f", "/usr"},
			{"in a function with arguments", "f() { rm -rf $1; }\nf /tmp/x", "f /usr", "?"},
			{"in a function that reads a variable", "f() { rm -rf $d; }\nd=/tmp/x\nf", "f\nd=/usr\nf", "?"},
			{"in a function of a function", "", "f() { g() { rm -rf /usr; }; }\nif true; then f; fi\ng", "/usr"},
			{"defined again", "f() { :; }", "f\nf() { rm -rf /usr; }\nf", "/usr"},
			{"defined by a call that is not walked again", "f() { :; }", "f\nh() { f() { rm -rf /usr; }; }\nk() { h; }\nk\nunset -f f\nk\nf", "/usr"},
			{"defined again by a call that is not walked again", "f() { :; }", "h() { f() { rm -rf /usr; }; }\nk() { h; }\nk\nf() { date; }\nk\nf", "/usr"},
			{"in eval", "", "eval 'rm -rf /usr'", "/usr"},
			{"in eval, as it was before", "eval 'rm -rf $d'", "d=/usr\neval 'rm -rf $d'", "?"},
			{"in a shell as another user", "", "sh -c 'rm -rf /usr'; sudo sh -c 'rm -rf /usr'", "/usr"},
			{"in a loop", "", "for d in /opt /usr; do rm -rf $d; done", "/usr"},
			{"in a long loop", "", "for d in " + strings.Repeat("/tmp/x ", 3000) + "/usr; do rm -rf $d; done", "/usr"},
			{"in a loop without end", "", "while read x; do rm -rf /usr; done", "/usr"},
			{"in a loop that counts", "", "for ((i = 0; i < 9; i++)); do rm -rf $d; d=/usr; done", "?"},
			{"in a subshell", "", "(cd /; rm -rf usr)", "usr"},
			{"in a substitution", "", "x=$(rm -rf /usr)", "/usr"},
			{"in a trap", "", "trap 'rm -rf /usr' EXIT", "/usr"},
			{"in a case", "", "case $x in a) ;; *) rm -rf /usr ;; esac", "/usr"},
			{"by a local variable", "f() { local d=/tmp/x; far; rm -rf $d; }\nfar() { :; }", "far() { d=/usr; }\nf", "/usr"},
		} {
			if i > 2 && how != "functions" {
				continue // how it came there is the same from here on
			}
			t.Run(how+"/"+tt.name, func(t *testing.T) {
				src := tt.before + "\n" + text + tt.after + "\n"
				l := Understand(src, Options{Shell: &StaticShell{Dir: "/work"}})
				for _, n := range l.Notes {
					if n.Kind == TooLarge {
						t.Errorf("%s", n.Text)
					}
				}
				found := slices.ContainsFunc(l.Actions, func(a Action) bool {
					name, _ := a.Name()
					return name == "rm" && slices.ContainsFunc(a.Args(), func(x word.Word) bool {
						return slices.Contains(x.Values, tt.want) || tt.want == "?" && x.Know == word.Unknown
					})
				})
				if !found {
					t.Errorf("no rm of %s is found", tt.want)
				}
			})
		}
	}
}

// TestLongLoops holds that loops over many words are walked to their end.
func TestLongLoops(t *testing.T) {
	for _, tt := range []struct {
		src  string
		want string
	}{
		{"for i in {1..100000}; do [ $i = 5000 ] && rm -rf /usr; done", "/usr"},
		{"for i in {1..100000}; do rm x$i; done; rm -rf /usr", "/usr"},
		{"for d in " + strings.Repeat("/tmp/x ", 3000) + "/usr; do rm -rf $d; done", "/usr"},
		{"for i in {1..500} {a,b}{1..9000}; do date; done; rm -rf /usr", "/usr"},
		{"rm -rf /srv/{a,b}{1..100000}", "/srv/b100000"},
		{"rm -rf {3..100000..7}", "3"},
		{"rm -rf {100000..1}", "99999"},
		{"rm -rf {001..100000}", "001"},
	} {
		l := Understand(tt.src, Options{Shell: &StaticShell{Dir: "/work"}})
		for _, n := range l.Notes {
			t.Errorf("%.60s: %s", tt.src, n.Text)
		}
		if !slices.ContainsFunc(l.Actions, func(a Action) bool {
			name, _ := a.Name()
			return name == "rm" && slices.ContainsFunc(a.Args(), func(x word.Word) bool { return slices.Contains(x.Values, tt.want) })
		}) {
			t.Errorf("%.60s: no rm of %s is found", tt.src, tt.want)
		}
	}
}
