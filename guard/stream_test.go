package guard

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guardsh/audit"
)

// pieces gives its texts one by one.
type pieces []string

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; (*p)[0] == "" {
		*p = (*p)[1:]
	}
	return n, nil
}

// streamed is what a stream gives its shell, the texts of its lines in the trail,
// and whether it was refused.
func streamed(t *testing.T, in ...string) (given string, lines []string, refused bool) {
	t.Helper()
	place := Place{Trail: filepath.Join(t.TempDir(), "trail"), State: t.TempDir()}
	j, shell := Hypothetical("/root", "root")
	s := &Session{place: place, Judge: j, trail: openTrail(place)}
	p := pieces(slices.Clone(in))
	var done before
	st := &stream{s: s, in: &p, request: func(text []byte, given int) Request {
		r := Request{Src: string(text), Source: Stdin, Shell: shell, Before: &done, Say: func(string) {}}
		if given > 0 {
			r.Part = string(text[given:])
		}
		return r
	}}
	var out bytes.Buffer
	if err := st.feed(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	if err := s.trail.journal().Close(0, ""); err != nil {
		t.Fatal(err)
	}
	for _, e := range eventsIn(t, place.Trail) {
		if e.Kind == audit.LineRead {
			lines = append(lines, e.Text)
		}
	}
	return out.String(), lines, st.refused
}

func TestStream(t *testing.T) {
	for name, c := range map[string]struct {
		in    []string
		lines []string
		stops bool
	}{
		"one by one":      {in: []string{"a=1\n", "echo $a\n", "echo b"}, lines: []string{"a=1\n", "echo $a\n", "echo b"}},
		"pieces of lines": {in: []string{"ec", "ho a\nec", "ho b\n"}, lines: []string{"echo a\n", "echo b\n"}},
		"a here-document": {in: []string{"cat <<'E'\n", "rm -rf /usr\n", "\tE\n", "E\necho a\n"}, lines: []string{"cat <<'E'\nrm -rf /usr\n\tE\nE\necho a\n"}},
		"for a shell":     {in: []string{"echo a\n", "bash <<'E'\n", "echo b\n", "rm -rf /usr\n", "E\n"}, lines: []string{"echo a\n", "bash <<'E'\necho b\nrm -rf /usr\nE\n"}, stops: true},
		"a refusal":       {in: []string{"echo a\n", "rm -rf /usr\n", "echo b\n"}, lines: []string{"echo a\n", "rm -rf /usr\n"}, stops: true},
		"what came before": {in: []string{"d=/usr\n", "echo a\n", "rm -rf $d\n"},
			lines: []string{"d=/usr\n", "echo a\n", "rm -rf $d\n"}, stops: true},
		"the same once more": {in: []string{"rm -rf /tmp/x\n", "cd /usr\n", "rm -rf ./*\n"},
			lines: []string{"rm -rf /tmp/x\n", "cd /usr\n", "rm -rf ./*\n"}, stops: true},
	} {
		given, lines, refused := streamed(t, c.in...)
		want := strings.Join(c.in, "")
		if c.stops {
			want = strings.Join(c.lines[:len(c.lines)-1], "")
		}
		if given != want || refused != c.stops || strings.Join(lines, "|") != strings.Join(c.lines, "|") {
			t.Errorf("%s: the shell got %q, refused %v, lines %q", name, given, refused, lines)
		}
	}
}

// A here-document that is longer than what is read ahead goes through, is not
// kept whole, and what comes behind it is judged.
func TestStreamOfMuchData(t *testing.T) {
	in := []string{"cat <<'E'\n"}
	row := strings.Repeat("data ", 20) + "\n"
	for range 40 {
		in = append(in, strings.Repeat(row, commandBound/20/len(row))+"E")
	}
	in = append(in, "\nE", "\necho a\n", "rm -rf /usr\n")
	given, lines, refused := streamed(t, in...)
	if want := strings.TrimSuffix(strings.Join(in, ""), "rm -rf /usr\n"); given != want || !refused {
		t.Errorf("the shell got %d bytes of %d, refused %v", len(given), len(want), refused)
	}
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	if size > 2*commandBound || lines[len(lines)-1] != "rm -rf /usr\n" {
		t.Errorf("%d lines of %d bytes, the last %q", len(lines), size, lines[len(lines)-1])
	}
}
