package hypothetical

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guardsh/rules"

	"github.com/goccy/go-yaml"
)

// row is one line of an incident, in its situation.
type row struct {
	id, line string
	at       Situation
	says     []string
	want     rules.Verdict
	spelled  bool // it is another spelling of a row
}

// rows reads testdata/incidents: paragraphs of at, says, and verdict with line.
func rows(t *testing.T) []row {
	t.Helper()
	files, err := filepath.Glob("../../testdata/incidents/*.txt")
	if err != nil || len(files) < 4 {
		t.Fatalf("incident files: %v, %v", files, err)
	}
	var out []row
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var r row
		for n, l := range strings.Split(string(b), "\n") {
			key, rest, _ := strings.Cut(l, " ")
			v, verr := rules.ParseVerdict(key)
			switch {
			case l == "":
				r = row{}
			case key == "#":
			case key == "at":
				if err := yaml.UnmarshalWithOptions([]byte(rest), &r.at, yaml.Strict()); err != nil {
					t.Fatalf("%s:%d: %v", f, n+1, err)
				}
			case key == "says":
				r.says = append(r.says, rest)
			case verr == nil:
				one := r
				one.line, one.want, one.spelled = rest, v, strings.HasSuffix(f, "spellings.txt")
				out = append(out, one)
			default:
				r.id = l
			}
		}
	}
	return out
}

// decide judges a line in a situation by the built-in rules.
func decide(s *rules.Set, line string, at Situation) rules.Decision {
	l, eff, facts := Try(line, at)
	return rules.Judge(s, l, eff, facts)
}

func TestIncidents(t *testing.T) {
	s := rules.Builtin()
	all := rows(t)
	if len(all) < 200 {
		t.Fatalf("%d rows", len(all))
	}
	for _, r := range all {
		d := decide(s, r.line, r.at)
		if d.Verdict != r.want {
			t.Errorf("%s: %q is %s, want %s", r.id, r.line, d, r.want)
			continue
		}
		var words strings.Builder
		for i := range d.Findings {
			words.WriteString(d.Findings[i].Words() + "\n")
		}
		for _, w := range r.says {
			if !strings.Contains(words.String(), w) {
				t.Errorf("%s: %q does not say %q:\n%s", r.id, r.line, w, words.String())
			}
		}
	}
}

// A working day passes without a question.
func TestWorkingDay(t *testing.T) {
	b, err := os.ReadFile("../../testdata/lines/day.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := rules.Builtin()
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) < 50 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if d := decide(s, l, Situation{}); d.Verdict > rules.Notify {
			t.Errorf("%q is %s", l, d)
		}
	}
}
