package rules

import "testing"

// Every built-in rule has a header that is found, parses and compiles.
func TestBuiltinLoads(t *testing.T) {
	entries, err := scan(packs, Administrator)
	if err != nil {
		t.Error(err)
	}
	s := Builtin()
	for _, e := range entries {
		if _, err := s.load(s.index().byID[e.id]); err != nil {
			t.Error(err)
		}
		if want := "packs/" + e.id + ".yaml"; e.name != want {
			t.Errorf("%s holds rule %s; it belongs into %s", e.name, e.id, want)
		}
	}
	if len(entries) < 20 {
		t.Errorf("%d built-in rules", len(entries))
	}
}
