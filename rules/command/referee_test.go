package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guardsh/rules/word"
)

// The referee: real bash runs each row of testdata/bash in a scratch root in
// which every program is a recorder, and what started is held against what was
// predicted. The root is a chroot without privileges, so that a row can touch
// nothing else.

// covers reports whether an action could be a start.
func covers(a *Action, s start) bool {
	return a.Cwd.Could(s.cwd) && wordsCover(a.Argv, s.argv)
}

// fit orders the actions that cover a start: one that no other start has taken,
// then one that is certain, then one that says more.
func fit(a *Action, used bool) int {
	n := 0
	if !used {
		n += 8
	}
	if a.Certain == Certain {
		n += 4
	}
	if allKnown(a) {
		n += 2
	}
	if _, ok := a.Name(); ok {
		n++
	}
	return n
}

func wordsCover(ws []word.Word, argv []string) bool {
	if len(ws) == 0 {
		return len(argv) == 0
	}
	if ws[0].Many {
		for n := 0; n <= len(argv); n++ {
			if wordsCover(ws[1:], argv[n:]) {
				return true
			}
		}
		return false
	}
	return len(argv) > 0 && ws[0].Could(argv[0]) && wordsCover(ws[1:], argv[1:])
}

type tally struct{ starts, missed, named, full, unknowable, wrong, certain, never int }

// compare returns what is wrong with a prediction.
func compareStarts(l *Line, starts []start, n *tally) []string {
	var wrong []string
	used := map[int]bool{}
	// A start that few actions cover chooses before one that many do.
	choice := map[string]int{}
	for _, s := range starts {
		k := s.key()
		if _, in := choice[k]; in {
			continue
		}
		choice[k] = 0
		for i := range l.Actions {
			if a := &l.Actions[i]; len(a.Argv) > 0 && !a.Builtin && covers(a, s) {
				choice[k]++
			}
		}
	}
	starts = slices.Clone(starts)
	slices.SortStableFunc(starts, func(a, b start) int { return choice[a.key()] - choice[b.key()] })
	for _, s := range starts {
		n.starts++
		best := -1
		for i := range l.Actions {
			a := &l.Actions[i]
			if len(a.Argv) == 0 || a.Builtin || !covers(a, s) {
				continue
			}
			if used[i] && a.Certain == Certain && allKnown(a) {
				continue
			}
			if best < 0 || fit(a, used[i]) > fit(&l.Actions[best], used[best]) {
				best = i
			}
		}
		if best < 0 {
			wrong = append(wrong, fmt.Sprintf("not predicted: %q in %s", s.argv, s.cwd))
			n.missed++
			// A certain action of the same name, all of it known, that says
			// something else: a word was taken for known and was not.
			for i := range l.Actions {
				a := &l.Actions[i]
				if !a.Builtin && !used[i] && a.Certain == Certain && allKnown(a) && len(a.Argv) > 0 && a.Argv[0].Is(s.argv[0]) && a.Cwd.Could(s.cwd) {
					n.wrong++
					break
				}
			}
			continue
		}
		used[best] = true
		if _, ok := l.Actions[best].Name(); ok {
			n.named++
		}
		switch {
		case allKnown(&l.Actions[best]):
			n.full++
		case unknowable(l, &l.Actions[best]):
			n.unknowable++
		case os.Getenv("GUARDSH_REFEREE_LINES") != "":
			fmt.Printf("knowable: %s\n\t%s\n", l.Src, compact(&Line{Actions: []Action{l.Actions[best]}})[0])
		}
	}
	for i := range l.Actions {
		a := &l.Actions[i]
		name, ok := a.Name()
		if !ok || a.Builtin || a.Certain != Certain || !slices.Contains(recorders, name) {
			continue
		}
		n.certain++
		if !used[i] {
			n.never++
			wrong = append(wrong, "certain, but never started: "+compact(&Line{Actions: []Action{*a}})[0])
		}
	}
	return wrong
}

func allKnown(a *Action) bool {
	for _, w := range a.Argv {
		if w.Know != word.Known {
			return false
		}
	}
	return true
}

// rows reads testdata/bash: a line a row, "¶" for a newline; "differs REASON ::"
// in front of a row whose difference is understood.
func rows(t *testing.T) (lines, reasons []string) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/bash/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no rows in testdata/bash", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(string(b), "\n") {
			if l == "" || strings.HasPrefix(l, "#") {
				continue
			}
			reason := ""
			if rest, ok := strings.CutPrefix(l, "differs "); ok {
				reason, l, _ = strings.Cut(rest, " :: ")
			}
			lines = append(lines, strings.ReplaceAll(l, "¶", "\n"))
			reasons = append(reasons, reason)
		}
	}
	return lines, reasons
}

// TestRefereeCorpus holds everyday lines against bash, with a stand-in for each
// program that they name: every tenth of the lines that the bounds were set
// for, or those of the file that GUARDSH_REFEREE_LINES names. A line that differs
// stands in everyday-differs, with its reason.
func TestRefereeCorpus(t *testing.T) {
	file := os.Getenv("GUARDSH_REFEREE_LINES")
	if file == "" {
		file = "../../testdata/bash/everyday"
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScratch(t)
	s.env = append(s.env, "SHELL=/bin/bash", "LOGNAME=ann", "TERM=dumb")
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, l := range lines {
		for _, a := range Understand(strings.ReplaceAll(l, "¶", "\n"), Options{Shell: &StaticShell{Dir: "/work", Environ: s.env}}).Actions {
			if len(a.Argv) == 0 {
				continue
			}
			name, ok := a.Argv[0].Value()
			if b, _ := builtinNamed(name); ok && b.run == nil {
				s.standIn(name)
			}
		}
	}
	reasons := map[string]string{}
	differs, err := os.ReadFile("../../testdata/bash/everyday-differs")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(strings.TrimSpace(string(differs)), "\n") {
		reason, line, _ := strings.Cut(l, " :: ")
		reasons[line] = reason
	}
	var n tally
	bad := 0
	for _, line := range lines {
		line = strings.ReplaceAll(line, "¶", "\n")
		if strings.Contains(line, "while :") || strings.Contains(line, "while true") || strings.Contains(line, "(( ; ; ))") || strings.Contains(line, ":(){") {
			continue
		}
		l := Understand(line, Options{Shell: &StaticShell{Dir: "/work", Environ: s.env, Login: "ann"}, Files: rootFiles{s.root}})
		if wrong := compareStarts(l, s.run(t, line), &n); len(wrong) > 0 {
			bad++
			if reason := reasons[line]; reason != "" {
				t.Logf("differs, for %s: %s", reason, line)
				continue
			}
			t.Errorf("%s\n\t%s\npredicted:\n\t%s", line, strings.Join(wrong, "\n\t"), strings.Join(compact(l), "\n\t"))
		}
	}
	t.Logf("%d lines, %d with differences: %s", len(lines), bad, n)
	n.hold(t)
}

// TestReferee holds every row against real bash.
func TestReferee(t *testing.T) {
	s := newScratch(t)
	lines, reasons := rows(t)
	if len(lines) < 600 {
		t.Errorf("only %d rows", len(lines))
	}
	var n, differs tally
	for i, line := range lines {
		l := Understand(line, Options{Shell: &StaticShell{Dir: "/work", Environ: s.env, Login: "ann"}, Files: rootFiles{s.root}})
		starts := s.run(t, line)
		if len(starts) == 0 && reasons[i] == "" && len(l.Actions) > 0 && !strings.Contains(line, "#quiet") {
			t.Errorf("%q: bash started nothing", line)
		}
		sum := &n
		if reasons[i] != "" {
			sum = &differs
		}
		wrong := compareStarts(l, starts, sum)
		switch {
		case len(wrong) > 0 && reasons[i] == "":
			t.Errorf("%s\n\t%s\npredicted:\n\t%s", line, strings.Join(wrong, "\n\t"), strings.Join(compact(l), "\n\t"))
		case len(wrong) == 0 && reasons[i] != "":
			t.Errorf("%q agrees with bash now; its reason can go: %s", line, reasons[i])
		}
		if err := os.RemoveAll(filepath.Join(s.root, "work/made")); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rows: %s", len(lines), n)
	t.Logf("rows that differ for a reason: %s", differs)
	n.hold(t)
}

// hold is what the guard is worth: the bounds of the issue it was built for.
func (n tally) hold(t *testing.T) {
	t.Helper()
	if n.missed*1000 > n.starts*5 {
		t.Errorf("%d of %d starts were not predicted, 0.5 %% may be", n.missed, n.starts)
	}
	if n.wrong > 0 {
		t.Errorf("%d words were taken for known and were not", n.wrong)
	}
	if n.named*100 < n.starts*97 {
		t.Errorf("the name of %d of %d starts is known, 97 %% must be", n.named, n.starts)
	}
	if knowable := n.starts - n.unknowable; n.full*100 < knowable*85 {
		t.Errorf("all words of %d of %d starts that can be known are, 85 %% must be", n.full, knowable)
	}
	if n.never*100 > n.certain {
		t.Errorf("%d of %d certain starts never happened, 1 %% may not", n.never, n.certain)
	}
}

func (n tally) String() string {
	pc := func(a, b int) string { return fmt.Sprintf("%d (%.2f %%)", a, 100*float64(a)/float64(max(b, 1))) }
	return fmt.Sprintf("%d starts, predicted %s, name known %s, all words known %s, %s of those that can be known before the run, wrongly known %d; certain %d, of them never %s",
		n.starts, pc(n.starts-n.missed, n.starts), pc(n.named, n.starts), pc(n.full, n.starts), pc(n.full, n.starts-n.unknowable), n.wrong, n.certain, pc(n.never, n.certain))
}
