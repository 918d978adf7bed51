package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What people ask for on an ordinary day and is asked about here stands with
// its reason: a line that is silent by now, or is refused where it was asked
// about, has to be looked at again.
func TestAskedOnAnOrdinaryDay(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "lines", "asked.txt"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := newChecker(true, "", "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, row := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if strings.HasPrefix(row, "#") {
			continue
		}
		f := strings.SplitN(row, " :: ", 3)
		if len(f) != 3 || f[1] == "" {
			t.Fatalf("%q is not verdict :: why :: line", row)
		}
		n++
		if r := k.check(f[2]); r.Verdict.String() != f[0] {
			t.Errorf("%s: %s, want %s: %+v", f[2], r.Verdict, f[0], r.Findings)
		}
	}
	if n < 20 {
		t.Fatalf("only %d rows", n)
	}
}
