package main

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestStepsListWhatFailed(t *testing.T) {
	ran := ""
	good := step{"good", func(*dev) error { ran += "g"; return nil }}
	bad := step{"bad", func(*dev) error { ran += "b"; return errors.New("it broke") }}
	stop := step{"stop", func(*dev) error { ran += "s"; return fmt.Errorf("no tool; %w", errStop) }}
	for _, c := range []struct {
		name   string
		steps  []step
		status int
		ran    string
		last   string
	}{
		{"all hold", []step{good, good}, 0, "gg", "== all 2 held, 0s\n"},
		{"one fails, the others still run", []step{bad, good}, 1, "bg", "== 1 did not hold, 0s:\n   bad: it broke\n"},
		{"a stop ends it", []step{stop, good}, 1, "s", "== 1 did not hold, 0s:\n   stop: no tool; the other steps were not run\n"},
	} {
		ran = ""
		var out bytes.Buffer
		d := &dev{out: &out}
		if got := d.steps(c.steps); got != c.status {
			t.Errorf("%s: status %d, want %d", c.name, got, c.status)
		}
		if ran != c.ran || !strings.HasSuffix(out.String(), c.last) {
			t.Errorf("%s: ran %q, want %q, and said\n%s", c.name, ran, c.ran, out.String())
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"nothing"}, {"test", "x"}, {"bench", "--strict"}, {"bench", "x", "y"}, {"fuzz", "-1"}, {"package"}, {"package", "--arch"}, {"suites"}, {"suites", "x", "--only"}, {"test", "--only", "x"},
		{"package", "x", "--arch", "mips"}, {"package", "x", "y"}, {"test", "--version", "1"}} {
		var out, errs bytes.Buffer
		if got := run(args, &out, &errs); got != 2 || out.Len() > 0 || !strings.Contains(errs.String(), "usage:") {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, got, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	if got := run([]string{"help"}, &out, &errs); got != 0 || out.String() != usage || errs.Len() > 0 {
		t.Errorf("help: status %d, stdout %q, stderr %q", got, out.String(), errs.String())
	}
}

func TestMetrics(t *testing.T) {
	got := metrics([]byte(`goos: linux
BenchmarkX-2   	     100	  11 ns/op	  1.25 ratio	 40.5 p99-ms
BenchmarkX/big-2   10	  90 ns/op	  1.5 ratio
Benchmark says something
PASS
`))
	want := map[string]float64{"ns/op": 90, "ratio": 1.5, "p99-ms": 40.5}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestListed(t *testing.T) {
	got := listed([]byte("FuzzA\nFuzzB\nok  \tguardsh/rules/command\t0.01s\nok  \tguardsh/rules\t0.01s\n?   \tguardsh/x\t[no test files]\nFuzzC\nok  \tguardsh/audit\t0.1s\n"))
	want := []fuzzTarget{{"guardsh/rules/command", "FuzzA"}, {"guardsh/rules/command", "FuzzB"}, {"guardsh/audit", "FuzzC"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNeeds(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range needs {
		if n.program == "" || n.pkg == "" || n.why == "" || seen[n.program] {
			t.Errorf("%+v: empty or twice", n)
		}
		seen[n.program] = true
	}
	for name := range alsoProvides {
		if !seen[name] {
			t.Errorf("%s has other names but is not needed", name)
		}
	}
	got := packages([]need{{"b", "two", ""}, {"a", "one", ""}, {"c", "two", ""}})
	if want := []string{"one", "two"}; !reflect.DeepEqual(got, want) {
		t.Errorf("packages %q, want %q", got, want)
	}
	if have("guardsh-no-such-program") || !have("sh") {
		t.Error("have is wrong about sh or about what does not exist")
	}
}

func TestStaticTellsTheDifference(t *testing.T) {
	if err := isStatic("/bin/bash"); err == nil || !strings.Contains(err.Error(), "dynamic loader") {
		t.Errorf("bash passed for static: %v", err)
	}
}
