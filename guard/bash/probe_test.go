package bash

import (
	"context"
	"testing"
)

func TestProbe(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := Probe(ctx); err != nil {
		t.Error(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := Probe(ended); err == nil {
		t.Error("a probe that had no time found that the gate works")
	}
}

func TestVersion(t *testing.T) {
	version, path, err := Version(t.Context())
	if err != nil || version == "" || path == "" {
		t.Errorf("%q %q %v", version, path, err)
	}
	for _, c := range []struct {
		version string
		want    bool
	}{{"5.2.15", true}, {"5.0.17", true}, {"4.4.23", false}, {"3.2.57", false}, {"10.0", true}, {"", false}, {"x", false}} {
		if got := atLeast(c.version, minVersion); got != c.want {
			t.Errorf("%q: %v", c.version, got)
		}
	}
}
