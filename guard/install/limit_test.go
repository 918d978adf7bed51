package install

import (
	"math"
	"strings"
	"testing"
)

func TestLimit(t *testing.T) {
	for out, want := range map[string]uint64{
		"\nunlimited\n": math.MaxUint64, "": math.MaxUint64, "\n1048576\n": 1 << 30, "hello\n\n2097152\n": 2 << 30,
		"99999999999999999999\n": math.MaxUint64, "18446744073709551615\n": math.MaxUint64,
	} {
		if got := lastLimit(out); got != want {
			t.Errorf("%q: %d, want %d", out, got, want)
		}
	}
	if err := enough("a login of ann", 2<<30); err != nil {
		t.Error(err)
	}
	if err := enough("a login of ann", 1<<30); err == nil || !strings.Contains(err.Error(), "a login of ann is limited to 1024 MiB, and guardsh starts with 2048") {
		t.Error(err)
	}
}
