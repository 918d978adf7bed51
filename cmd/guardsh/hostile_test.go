package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"guardsh/rules"
)

// hostileTime is how much of a processor's time a line may take before it counts
// as one that never ends. It is no measure of speed: the race detector stretches
// what takes half a second otherwise.
const hostileTime = time.Minute

// processorTime is what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loud is a beginning that must never be silent.
const loud = "rm -rf /usr; "

// hostileLines are those of testdata/hostile, and larger ones.
func hostileLines(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "hostile", "lines.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, row := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		line, err := strconv.Unquote(row)
		if err != nil {
			t.Fatalf("lines.txt:%d: %v", i+1, err)
		}
		lines = append(lines, line)
	}
	if len(lines) < 50 {
		t.Fatalf("only %d lines", len(lines))
	}
	for _, n := range []int{100, 10_000, 200_000} {
		for _, part := range [][2]string{
			{"(", ")"}, {"{ ", ";}"}, {"$(", ")"}, {"`", "`"}, {"$((", "))"}, {"${a:-", "}"}, {`"$(`, `)"`}, {"if ", ""}, {"! ", ""}, {"[[ ( ", " ) ]]"},
			{"a=(", ")"}, {"bash -c ", ""}, {"sudo ", ""}, {"eval ", ""}, {"case x in x) ", ";; esac"}, {"<(", ")"}, {"while ", ""}, {"f() { ", "; }"},
		} {
			lines = append(lines, strings.Repeat(part[0], n)+"rm -rf /usr"+strings.Repeat(part[1], n))
		}
		for _, part := range []string{"true;", "true|", "true&&", "x ", "a=1 ", ">x ", "<<<x ", "\\\n", "{a,b}", "*", "?", "[", "$x", "'a'", "\n", "#\n", "\x00", "\xff", "cd x;"} {
			lines = append(lines, strings.Repeat(part, n)+"rm -rf /usr", loud+strings.Repeat(part, n))
		}
	}
	return lines
}

// TestHostileLines gives the guard what was made to hurt it.
func TestHostileLines(t *testing.T) {
	k, err := newChecker(true, "/home/ann", "root")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range hostileLines(t) {
		name := short(line)
		start := processorTime(t)
		r := k.check(line)
		if took := processorTime(t) - start; took > hostileTime {
			t.Errorf("%s: took %s", name, took)
		}
		if r.Verdict < rules.Allow || r.Verdict > rules.Block {
			t.Errorf("%s: no verdict", name)
		}
		// Whatever stands behind it, what removes the system is seen, or it
		// is said that the line was not understood.
		if strings.HasPrefix(line, loud) && r.Verdict == rules.Allow {
			t.Errorf("%s: passed in silence", name)
		}
		for _, f := range r.Findings {
			if strings.Contains(f.Summary, "guardsh failed while it judged") || strings.Contains(f.Summary, "internal error") {
				t.Errorf("%s: %s", name, f.Summary)
			}
		}
		var out bytes.Buffer
		if err := showChecked(&out, r, true); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if at := strings.IndexFunc(out.String(), disturbs); at >= 0 {
			t.Errorf("%s: a terminal would be given %q", name, out.String()[at:min(at+20, out.Len())])
		}
	}
}

// disturbs says whether a terminal or its reader would take a character for
// something else than text.
func disturbs(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar)
}

func short(line string) string {
	if len(line) <= 60 {
		return fmt.Sprintf("%q", line)
	}
	return fmt.Sprintf("%q… (%d bytes)", line[:60], len(line))
}
