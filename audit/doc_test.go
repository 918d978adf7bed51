package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The specification's example is a journal that verifies, and the encoder
// writes exactly its bytes.
func TestDocExample(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var events, heads, key string
	for _, line := range strings.Split(string(b), "\n") {
		line, ok := strings.CutPrefix(line, "//\t")
		switch {
		case !ok:
		case strings.HasPrefix(line, `{"v":1,"seq":`):
			events += line + "\n"
		case strings.HasPrefix(line, `{"v":1,"note":`):
			heads += line + "\n"
		case strings.HasPrefix(line, "guardsh-"):
			key = line
		}
	}
	dir := filepath.Join(t.TempDir(), "01JD9ZK3W8Q2V5B7N4M6C1X0RT")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{EventsName: events, HeadsName: heads} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	problems, sum, err := Verify(dir, key)
	if err != nil || len(problems) > 0 || sum.Events != 4 || sum.Heads != 1 {
		t.Fatalf("%v, %+v, %v", problems, sum, err)
	}
	list, err := ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	var again string
	for i := range list {
		line, err := encode(&list[i])
		if err != nil {
			t.Fatal(err)
		}
		again += string(line)
	}
	if again != events {
		t.Errorf("written again:\n%s\nwant\n%s", again, events)
	}
	if err := os.WriteFile(filepath.Join(dir, EventsName), []byte(strings.Replace(events, "rm -r lib/", "rm -r lib", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	problems, _, err = Verify(dir, key)
	want := `01JD9ZK3W8Q2V5B7N4M6C1X0RT: event 2 (line "rm -r lib"): edited: it does not match its own hash`
	if err != nil || len(problems) == 0 || problems[0].String() != want {
		t.Errorf("changed: %v, %v", problems, err)
	}
}

// A trail that an earlier guardsh wrote stays readable and good.
func TestOldTrail(t *testing.T) {
	const root = "../testdata/trail"
	sum := good(t, root)
	if sum.Journals != 3 || sum.Events != 20 {
		t.Errorf("summary = %+v", sum)
	}
	all, err := Sessions(root)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	s := all[1]
	if s.User != "ann" || len(s.Lines) != 4 || s.Refusals() != 1 || s.Lines[3].Snapshots[0] != "01JDEXAMPLE" || s.Lines[3].Outcome() != Ran {
		t.Errorf("session = %+v", s)
	}
	for _, c := range []struct {
		text string
		want int
	}{{"RSYNC", 1}, {"block", 1}, {"refused", 1}, {"fs/", 1}, {"yes", 1}, {"ran", 4}, {"3 jobs", 1}, {"nowhere", 0}} {
		hits, err := Search(root, c.text)
		if err != nil || len(hits) != c.want {
			t.Errorf("search %q: %d hits, %v, want %d", c.text, len(hits), err, c.want)
		}
	}
	for _, c := range []struct{ id, want string }{
		{"last", all[0].ID}, {"", all[0].ID}, {strings.ToLower(s.ID[:12]), s.ID}, {s.ID, s.ID}, {"01", ""}, {"zz", ""},
	} {
		got, err := Find(root, c.id)
		if (err != nil) != (c.want == "") || err == nil && got.ID != c.want {
			t.Errorf("Find(%q) = %v, %v", c.id, got, err)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 漢 🙂":            "plain ü 漢 🙂",
		"\x1b]0;x\x07\r\n\t\x00": `\e]0;x\x07\x0d\n\t\x00`,
		"\xff\u009b\u202e":       `\xff\u009b\u202e`,
		"a\u200bb":               `a\u200bb`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
