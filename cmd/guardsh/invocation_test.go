package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestInvocation(t *testing.T) {
	line := func(s string) *string { return &s }
	for _, c := range []struct {
		argv string
		want invocation
	}{
		{"guardsh", invocation{}},
		{"-guardsh", invocation{}},
		{"guardsh -l", invocation{login: true}},
		{"guardsh --login -i", invocation{login: true, interactive: true}},
		{"guardsh -c true", invocation{command: line("true")}},
		{"guardsh -lc true zero one", invocation{login: true, command: line("true"), args: []string{"zero", "one"}}},
		{"guardsh -c -e true", invocation{command: line("true"), bash: []string{"-e"}}},
		{"guardsh -ec true", invocation{command: line("true"), bash: []string{"-e"}}},
		{"guardsh -o pipefail -c x", invocation{command: line("x"), bash: []string{"-o", "pipefail"}}},
		{"guardsh -euo pipefail x.sh a -b", invocation{file: "x.sh", args: []string{"a", "-b"}, bash: []string{"-euo", "pipefail"}}},
		{"guardsh +x -O extglob x.sh", invocation{file: "x.sh", bash: []string{"+x", "-O", "extglob"}}},
		{"guardsh -- -x.sh", invocation{file: "-x.sh"}},
		{"guardsh -s a b", invocation{stdin: true, args: []string{"a", "b"}}},
		{"guardsh --norc --rcfile f", invocation{bash: []string{"--norc", "--rcfile", "f"}}},
		{"guardsh --pretty-print f", invocation{file: "f", bash: []string{"--pretty-print"}}},
		{"guardsh -ri", invocation{interactive: true, restricted: true, bash: []string{"-r"}}},
		{"guardsh --restricted", invocation{restricted: true, bash: []string{"--restricted"}}},
		{"-rbash +r", invocation{restricted: true, bash: []string{"+r"}}},
		{"guardsh +r", invocation{bash: []string{"+r"}}},
		// With nothing behind them bash lists what there is.
		{"guardsh -o", invocation{list: "-o"}},
		{"guardsh -x +O", invocation{list: "+O", bash: []string{"-x"}}},
		{"guardsh -oO pipefail", invocation{list: "-O", bash: []string{"-o", "pipefail"}}},
	} {
		got, err := readInvocation(strings.Fields(c.argv))
		if err != nil {
			t.Errorf("%s: %v", c.argv, err)
			continue
		}
		if len(got.args) == 0 {
			got.args = nil
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.argv, got, c.want)
		}
	}
	for _, argv := range []string{"guardsh -c", "guardsh --nonsense", "guardsh -Z", "guardsh --rcfile"} {
		if got, err := readInvocation(strings.Fields(argv)); err == nil {
			t.Errorf("%s: read as %+v, want an error", argv, got)
		}
	}
}

func TestBashName(t *testing.T) {
	for _, c := range []struct{ argv0, want string }{
		{"guardsh", "bash"},
		{"-guardsh", "-bash"},
		{"/usr/local/bin/guardsh", "/bin/bash"},
		{"./guardsh", "/bin/bash"},
		{"-/usr/local/bin/guardsh", "-/bin/bash"},
		{"-su", "-su"},
		{"rbash", "rbash"},
	} {
		if got := bashName(c.argv0, "guardsh", "/bin/bash"); got != c.want {
			t.Errorf("%s: bash is called %s, want %s", c.argv0, got, c.want)
		}
	}
	// A guardsh that is a file of that name is called what makes bash keep to
	// POSIX all the same.
	if got := bashName("/tmp/sh", "sh", "/bin/bash"); got != "/tmp/sh" {
		t.Errorf("sh: bash is called %s", got)
	}
}
