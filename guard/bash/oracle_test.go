package bash

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"guardsh/rules/command"
)

// driverOracle notes what the live shell says of the names in the line.
func driverOracle(r Request, note func(entry)) {
	r.Live.left = 5 * time.Second // this is about what is said, on a loaded machine
	for _, w := range strings.Fields(strings.TrimPrefix(r.Line, ": ORACLE ")) {
		kind, name, _ := strings.Cut(w, ":")
		var v any
		switch kind {
		case "var":
			x := r.Live.Var(name)
			v = fmt.Sprintf("%d %q %q %q x=%v i=%v n=%v r=%v", x.State, x.Value, x.List, x.Keys, x.Exported, x.Integer, x.NameRef, x.Readonly)
		case "alias":
			b, ok := r.Live.Alias(name)
			v = fmt.Sprintf("%q %v", b, ok)
		case "func":
			b, ok := r.Live.Function(name)
			v = fmt.Sprintf("%q %v", b, ok)
		case "option":
			on, known := r.Live.Option(name)
			v = fmt.Sprintf("%v %v", on, known)
		case "pos":
			v = fmt.Sprint(r.Live.Positional())
		case "cwd":
			v = r.Live.Cwd()
		case "user":
			v = r.Live.User()
		}
		note(entry{Kind: "note", Line: w, Text: fmt.Sprint(v)})
	}
}

func TestOracle(t *testing.T) {
	s := session(t, `
V='a b"c$d'; X= ; export E=1; readonly R=r; declare -i I=5; declare -a A=(one 'two words' $'nl\nx'); declare -A M=([k]=v ['a b']='c]d')
declare -n REF=V; declare -n EVIL='A[$(touch pwned1)]'; declare -i ARITH=0; unset U; declare DECL
alias ll='ls -l "x"'; f() { echo "body"; }; shopt -s nullglob; set -o noclobber`)
	s.run("set -- p1 'p 2'")
	words := []struct{ ask, want string }{
		{"var:V", `1 "a b\"c$d" [] map[] x=false i=false n=false r=false`},
		{"var:X", `1 "" [] map[] x=false i=false n=false r=false`},
		{"var:E", `1 "1" [] map[] x=true i=false n=false r=false`},
		{"var:R", `1 "r" [] map[] x=false i=false n=false r=true`},
		{"var:I", `1 "5" [] map[] x=false i=true n=false r=false`},
		{"var:A", `1 "one" ["one" "two words" "nl\nx"] map[] x=false i=false n=false r=false`},
		{"var:M", `1 "" [] map["a b":"c]d" "k":"v"] x=false i=false n=false r=false`},
		{"var:U", `2 "" [] map[] x=false i=false n=false r=false`},
		{"var:DECL", `2 "" [] map[] x=false i=false n=false r=false`},
		{"var:RANDOM", `3 "" [] map[] x=false i=false n=false r=false`},
		{"var:EVIL", `1 "A[$(touch pwned1)]" [] map[] x=false i=false n=true r=false`},
		{"var:REF", `1 "V" [] map[] x=false i=false n=true r=false`},
		{"alias:ll", `"ls -l \"x\"" true`},
		{"alias:nope", `"" false`},
		{"func:f", `"f () \n{ \n    echo \"body\"\n}" true`},
		{"option:nullglob", "true true"},
		{"option:noclobber", "true true"},
		{"option:errexit", "false true"},
		{"option:globstar", "false true"},
		{"option:promptvars", "false false"},
		{"pos:", "[p1 p 2]"},
		{"cwd:", s.dir},
		{"user:", "root"},
	}
	// As a quoted here-document, so that bash does nothing with them itself.
	s.send(": ORACLE <<'X'\r")
	s.expect("> ")
	for _, w := range words {
		s.send(w.ask + "\r")
	}
	s.run("X")
	got := map[string]string{}
	for _, e := range s.entries() {
		if e.Kind == "note" {
			got[e.Line] = e.Text
		}
	}
	for _, w := range words {
		if got[w.ask] != w.want {
			t.Errorf("%s: %s, want %s", w.ask, got[w.ask], w.want)
		}
	}
	s.missing("pwned1")
	s.want("echo still here", "still here\n")
}

// A key bound by bind -x has no fork to ask, and does not wait for one.
func TestOracleOfKey(t *testing.T) {
	s := session(t, `bind -x '"\C-t": : ORACLE var:HOME var:PATH'`)
	s.send("\x14")
	before := time.Now()
	s.logged("what the key's command is", func(e entry) bool { return e.Line == "var:PATH" })
	if took := time.Since(before); took > 4*time.Second { // driverOracle has five to give
		t.Errorf("it took %s", took)
	}
}

func TestParseAliases(t *testing.T) {
	for _, tc := range []struct {
		text string
		want map[string]string
		ok   bool
	}{
		{"", map[string]string{}, true},
		{"alias ll='ls -l'\nalias -- -x='y'\nalias e=''\n", map[string]string{"ll": "ls -l", "-x": "y", "e": ""}, true},
		{"alias two='a\nalias b='\\''c'\\'''\nalias z='q'\n", map[string]string{"two": "a\nalias b='c'", "z": "q"}, true},
		{"alias a='b", nil, false},
		{"alias a='b'", nil, false},
		{"bash: alias: gone\n", nil, false},
	} {
		got, ok := parseAliases(tc.text)
		if ok != tc.ok || ok && !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q: %q %v, want %q %v", tc.text, got, ok, tc.want, tc.ok)
		}
	}
}

func FuzzParseDeclare(f *testing.F) {
	for _, s := range []string{`declare -- a="b"`, `declare -A m=([k]="v" ["a b"]="c" )`, `declare -ax a=([0]="x" [1]=$'\n')`, "declare -", "", `declare -- a="`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v := parseDeclare(s); v.State < command.VarSet || v.State > command.VarUnknown {
			t.Errorf("%q: state %d", s, v.State)
		}
		parseAlias("x", s)
		parseAliases(s)
	})
}
