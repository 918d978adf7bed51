package command

import (
	"slices"
	"testing"
)

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		text string
		end  bool
		want int
	}{
		{"", false, 0},
		{"echo a", false, 0},
		{"echo a", true, 6},
		{"echo a\n", false, 7},
		{"echo a\nif true\n", false, 7},
		{"if true\nthen\n", false, 0},
		{"if true\nthen x; fi\n", false, 19},
		{"cat <<E\nbody\n", false, 0},
		{"cat <<E\nbody\nE\n", false, 15},
		{"echo \\\n", false, 0},
		{"echo )\n", false, 7},
		{"a |\n", false, 0},
		{"echo 'x\n", false, 0},
	} {
		if got := Complete(c.text, c.end); got != c.want {
			t.Errorf("Complete(%q, %v) = %d, want %d", c.text, c.end, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string
	}{
		{"rm -rf $X/*", []string{"rm", "X"}},
		{`ll "${A:-$B}" && (( i + 1 ))`, []string{"ll", "A", "B", "i"}},
		{"if", nil},
	} {
		if got := Names(c.src); !slices.Equal(got, c.want) {
			t.Errorf("Names(%q) = %q, want %q", c.src, got, c.want)
		}
	}
}
