package guard

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadScript(t *testing.T) {
	name := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(name, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	s, err := readScript(f)
	if err != nil || string(s.Text) != "two\n" || !s.Whole || !s.File {
		t.Errorf("a file from its offset: %q %v %v %v", s.Text, s.Whole, s.File, err)
	}
	if at, _ := f.Seek(0, io.SeekCurrent); at != 4 {
		t.Errorf("the file's offset moved to %d", at)
	}

	for _, c := range []struct {
		name  string
		text  string
		close bool
		whole bool
		size  int
	}{
		{"a pipe to its end", "echo a\n", true, true, 7},
		{"a stream that stays open", "echo a\n", false, false, 7},
		{"more than the bound", strings.Repeat("x", scriptBound+10), true, false, scriptBound + 1},
		{"nothing", "", true, true, 0},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(w, c.text)
			if c.close {
				w.Close()
			}
		}()
		s, err := readScript(r)
		if err != nil || s.Whole != c.whole || len(s.Text) != c.size || s.File {
			t.Errorf("%s: %d bytes, whole %v, file %v, %v", c.name, len(s.Text), s.Whole, s.File, err)
		}
		r.Close()
		w.Close()
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"sudo", "rm", "-rf", "/srv/x"}, "sudo rm -rf /srv/x"},
		{[]string{"a b", "", "it's", "$x", "*", "~"}, `'a b' '' 'it'\''s' '$x' '*' '~'`},
		{[]string{"VAR=1", "a=b"}, "VAR=1 a=b"},
		{[]string{"new\nline"}, "'new\nline'"},
	} {
		if got := Quote(c.argv); got != c.want {
			t.Errorf("Quote(%q) = %s, want %s", c.argv, got, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 漢":       "plain é 漢",
		"\x1b[2Jgone":     `\x1b[2Jgone`,
		"a\nb\tc":         `a\nb\tc`,
		"bad \xff\xfe":    `bad \xff\xfe`,
		"right\u202eleft": `right\u202eleft`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %s, want %s", in, got, want)
		}
	}
}
