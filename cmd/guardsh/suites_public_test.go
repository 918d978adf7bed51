package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestShellCases runs the cases of mvdan/sh's interpreter, which the module
// brings along: each by one of its ways, in turn, and the ones that have a row
// by all of them. "go run ./cmd/dev suites" runs each by all.
func TestShellCases(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "mvdan.cc/sh/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tableSuite(filepath.Join(strings.TrimSpace(string(dir)), "interp", "interp_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cases) < 1000 {
		t.Fatalf("%d cases: the table is not read as it is written", len(s.Cases))
	}
	rows, err := readSuiteRows(suiteRows)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		if !slices.ContainsFunc(rows, func(r suiteRow) bool { return r.Suite == s.Name && r.Case == c.Name }) {
			c.Ways = c.Ways[i%len(c.Ways):][:1]
		}
	}
	s.run(t)
}

// TestCompletions types what stands in testdata/suites/completions and two
// tabs, with bash-completion.
func TestCompletions(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "suites", "completions"))
	if err != nil {
		t.Fatal(err)
	}
	s := suite{Name: "completions"}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			s.Cases = append(s.Cases, suiteCase{Name: line, Text: line, Ways: []string{"completed"}})
		}
	}
	s.run(t)
}
