package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		row, want string
		width     int
	}{
		{"short", "short", 10},
		{"one two three four", "one two\n  three\n  four", 8},
		{"  id    deletes the whole of it, and what is below", "  id    deletes the whole of it,\n        and what is below", 34},
		{"  a column of its own  and words", "  a column of its own\n    and words", 24},
		{"a column that is wide  and words behind it", "a column that is wide\n  and words behind it", 22},
		{"/a/name/without/end/that/does/not/fit and more", "/a/name/without/end/that/does/not/fit\n  and more", 20},
		{"über straße äöü", "über straße\n  äöü", 12},
		{"", "", 10},
	} {
		if got := fold(c.row, c.width); got != c.want {
			t.Errorf("fold(%q, %d)\n%s\nwant\n%s", c.row, c.width, got, c.want)
		}
	}
}

// A table comes in pieces of rows; no byte is lost or moved to another row.
func TestFolderTakesPieces(t *testing.T) {
	text := strings.Repeat("some words  and others behind them\n\n", 20)
	var out bytes.Buffer
	f := &folder{to: &out, width: 20}
	for r := strings.NewReader(text); ; {
		b := make([]byte, 7)
		n, err := io.ReadFull(r, b)
		if _, werr := f.Write(b[:n]); werr != nil {
			t.Fatal(werr)
		}
		if err != nil {
			break
		}
	}
	if got := strings.Join(strings.Fields(out.String()), " "); got != strings.Join(strings.Fields(text), " ") {
		t.Errorf("the words are others: %q", got)
	}
	for row := range strings.Lines(out.String()) {
		if len(row) > 21 {
			t.Errorf("%q is too wide", row)
		}
	}
}
