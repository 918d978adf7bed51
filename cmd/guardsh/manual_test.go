package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// The manual names no verb and no option that does not exist.
func TestManualIsTrue(t *testing.T) {
	root := rootCommand()
	seen := 0
	// In quotes, or as an example: elsewhere any word may follow the name.
	for _, m := range regexp.MustCompile(`(?:"|\n\n    )guardsh ([a-z]+)( [a-z]+)?((?: --[a-z-]+)*)`).FindAllStringSubmatch(manualText, -1) {
		seen++
		c, _, err := root.Find(append([]string{m[1]}, strings.Fields(m[2])...))
		if err != nil || c == root || c.HasSubCommands() && m[2] != "" {
			t.Errorf("%q: there is no such verb", m[0])
			continue
		}
		for _, f := range strings.Fields(m[3]) {
			if c.Flags().Lookup(strings.TrimPrefix(f, "--")) == nil {
				t.Errorf("%q: %s has no %s", m[0], c.CommandPath(), f)
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d verbs were found in the manual", seen)
	}
	for _, status := range []int{guard.StatusRefused, bash.StatusFailed} {
		if !strings.Contains(manualText, "\n  "+strconv.Itoa(status)+"\n") {
			t.Errorf("the manual does not tell of the status %d", status)
		}
	}
}

// Every verb has a page, and man can set each.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	root := rootCommand()
	if err := writeManPages(dir, root); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range verbs() {
		if !slices.Contains(pages, filepath.Join(dir, "guardsh-"+c.Name()+".1")) {
			t.Errorf("%s has no page", c.Name())
		}
	}
	for _, p := range pages {
		out, err := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z", p).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(p), err, out)
		}
	}
	text, err := exec.Command("groff", "-man", "-Tascii", "-P-cbou", filepath.Join(dir, "guardsh.1")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nNAME\n", "\nVERBS\n", "guardsh undo [ID]", "\nWHAT IT DOES NOT DO\n", "\nFILES\n", "\nEXIT STATUS\n", "~/.config/guardsh/config.yaml", "^C"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("guardsh.1 does not show %q", want)
		}
	}
}

// The manual fits a terminal, and every word of it is there.
func TestManualIsSet(t *testing.T) {
	for _, width := range []int{40, pageWidth} {
		text := setText(manualText, width)
		if got, want := strings.Fields(text), strings.Fields(manualText); !slices.Equal(got, want) {
			t.Errorf("%d columns: %d words of %d", width, len(got), len(want))
		}
		if !strings.Contains(text, "\n    guardsh allow fs/write-into-root --for 10m --reason \"restoring the root\"\n") {
			t.Errorf("%d columns: the example was broken", width)
		}
		for row := range strings.Lines(text) {
			if len(row) > width+1 && !strings.HasPrefix(row, "    guardsh") && len(strings.Fields(row)) > 1 {
				t.Errorf("%d columns: %s", width, row)
			}
		}
	}
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{
		".x\n'y":     "\\&.x\n\\(aqy",
		`a\b -n`:     `a\eb \-n`,
		"~/.x ^C `a": "\\(ti/.x \\(haC \\(gaa",
	} {
		if got := roff(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
