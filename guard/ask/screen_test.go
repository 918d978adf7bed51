package ask

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"guardsh/rules"
)

var update = flag.Bool("update", false, "write the screens that are shown now")

func mirror() rules.Decision {
	return rules.Decision{
		Verdict: rules.Block,
		Findings: []rules.Finding{{
			Rule: "fs/write-into-root", Verdict: rules.Block, Effect: "write-tree", Object: "/",
			Summary: "rsync would write 34,812 entries into / (. is /)",
			Details: []string{"overwrites /etc/passwd /etc/shadow /lib /lib64 /bin /sbin /usr /home"},
			Why:     "A whole system copied over a running one leaves programs and libraries that do not fit each other. It happened.",
			Hint:    "name the directory it should go to: rsync -aP /srv/lxc/lab/rootfs/ /srv/lxc/new/",
		}, {
			Rule: "fs/unsure", Verdict: rules.Notify, Effect: "overwrite", Object: "/x", Summary: "second",
		}},
		Unknowns: []string{"real path: no answer within 50 ms (/mnt/nfs)"},
	}
}

func hostile() Question {
	return Question{
		Line: "rm -rf '\x1b[2J\x1b[1;1Hnothing to see' $'\xff' \u202egnp.exe\t界世\rls\nsecond line",
		Decision: rules.Decision{Verdict: rules.Confirm, Findings: []rules.Finding{{
			Rule: "fs/delete", Verdict: rules.Confirm, Summary: "deletes \x1b]0;owned\x07 and /srv/a\nguardsh: run it? y", Hint: "look at it with ls -lb",
		}}},
	}
}

func TestScreens(t *testing.T) {
	d := mirror()
	q, h := crontabQuestion(), hostile()
	long := crontabQuestion()
	long.Line = strings.Repeat("x", 900) + strings.Repeat("\necho 1", 40)
	for name, show := range map[string]func(color bool, width int) string{
		"refusal":  func(c bool, w int) string { return Refusal(&d, c, w) },
		"findings": func(c bool, w int) string { return Findings(&d, c, w) },
		"question": func(c bool, w int) string { return Screen(&q, c, w) },
		"explain":  func(c bool, w int) string { return explanation(&q.Decision, c, w) },
		"hostile":  func(c bool, w int) string { return Screen(&h, c, w) },
		"long":     func(c bool, w int) string { return Screen(&long, c, w) },
	} {
		for _, width := range []int{80, 40} {
			got := show(false, width)
			file := filepath.Join("testdata", name+map[int]string{80: "-80", 40: "-40"}[width]+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s:\n got\n%s\nwant\n%s", file, got, want)
			}
			for i, row := range strings.Split(got, "\n") {
				if n := ansi.StringWidth(row); n >= width {
					t.Errorf("%s:%d: %d columns of %d", file, i+1, n, width)
				}
			}
			if strings.ContainsAny(got, "\x1b\x07\r\t\x7f") || strings.Contains(got, "\xff") || strings.Contains(got, "\u202e") {
				t.Errorf("%s: a terminal would act on %q", file, got)
			}
			if ansi.Strip(show(true, width)) != got {
				t.Errorf("%s: with colours the words are others", file)
			}
		}
	}
}

// A name may be as long as a line; what is said of it is not.
func TestNoTextIsEndless(t *testing.T) {
	name := strings.Repeat("ä", 5000)
	d := rules.Decision{Verdict: rules.Block, Unknowns: []string{name}, Findings: []rules.Finding{{
		Rule: "fs/delete", Verdict: rules.Block, Summary: "deletes " + name, Details: []string{name}, Hint: "ls -ld " + name,
	}}}
	got := Refusal(&d, false, 80)
	if n := strings.Count(got, "\n"); n > 20 || !strings.Contains(got, "[fs/delete]") || !strings.Contains(got, "more bytes") || strings.Contains(got, `\x`) {
		t.Errorf("%d rows:\n%s", n, got)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[2Jb\xff\u200b\u202e\u0085\x9b")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range visible(s) {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\ufeff' {
				t.Errorf("%q shows %q", s, r)
			}
		}
		d := rules.Decision{Verdict: rules.Block, Findings: []rules.Finding{{Rule: "x/y", Verdict: rules.Block, Summary: s, Hint: s}}}
		Refusal(&d, true, len(s)%100)
	})
}

// What one act falls on is named once; what several acts of a sort fall on is
// named as such.
func TestGrouped(t *testing.T) {
	finding := func(summary, object string) rules.Finding {
		return rules.Finding{Rule: "fs/x", Verdict: rules.Confirm, Summary: summary, Object: object}
	}
	for want, d := range map[string]rules.Decision{
		"    /srv/a /srv/b\n":         {Findings: []rules.Finding{finding("deletes everything in /srv", "/srv/a"), finding("deletes everything in /srv", "/srv/b")}},
		"    the same for /srv/b\n":   {Findings: []rules.Finding{finding("deletes /srv/a", "/srv/a"), finding("deletes /srv/b", "/srv/b")}},
		"guardsh: one alone [fs/x]\n": {Findings: []rules.Finding{finding("one alone", "/srv/a")}},
	} {
		if got := Refusal(&d, false, 80); !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
