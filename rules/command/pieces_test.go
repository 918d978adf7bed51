package command

import (
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// A text that is parsed in pieces comes to the same tree, at the same places.
func TestParsePieces(t *testing.T) {
	text := strings.Repeat("x=1; y=(a b)\nif true; then echo \"${x:-$(date)}\"; fi\ncat <<E; ls\nin $x\nE\nf() {\n\tcase $x in a) ;; esac\n}\n# if (((\n", 3000)
	if !deep(text) {
		t.Fatal("the text opens too little")
	}
	whole, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseText(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Stmts) != len(whole.Stmts) {
		t.Fatalf("%d commands, parsed whole there are %d", len(f.Stmts), len(whole.Stmts))
	}
	for i, s := range f.Stmts {
		if s.Pos() != whole.Stmts[i].Pos() || s.End() != whole.Stmts[i].End() {
			t.Fatalf("command %d is at %v to %v, parsed whole at %v to %v", i, s.Pos(), s.End(), whole.Stmts[i].Pos(), whole.Stmts[i].End())
		}
	}
}

// An error in a text that is parsed in pieces is where it is, and what stands
// before it is kept; a command that opens too much is not parsed at all.
func TestPiecesEnd(t *testing.T) {
	flat := strings.Repeat("x=1\n", maxOpen+1)
	for _, tt := range []struct {
		text, notes string
	}{
		{flat + "rm -rf /usr\n", ""},
		{flat + "rm -rf /usr\nif then\n", "not-understood"},
		{flat + "rm -rf /usr\n" + strings.Repeat("{ ", maxOpen+1) + "\n", "too-large"},
		{flat + "rm -rf /usr\n" + strings.Repeat("{\n", maxOpen+1) + "\n", "too-large"},
	} {
		l := Understand(tt.text, Options{Shell: &StaticShell{Dir: "/"}})
		var notes []string
		for _, n := range l.Notes {
			notes = append(notes, string(n.Kind))
		}
		if strings.Join(notes, " ") != tt.notes {
			t.Errorf("%.20q: notes %v, want %s", tt.text[len(flat):], l.Notes, tt.notes)
		}
		if len(l.Actions) != 1 || !l.Actions[0].Argv[0].Is("rm") {
			t.Errorf("%.20q: %d actions, want rm", tt.text[len(flat):], len(l.Actions))
		}
	}
}
