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
		src            string
		vars, commands []string
	}{
		{"rm -rf $X/*; rm $X", []string{"X"}, []string{"rm"}},
		{`ll "${A:-$B}" && (( i + 1 ))`, []string{"A", "B", "i"}, []string{"ll"}},
		{"if", nil, nil},
	} {
		if vars, commands := Names(c.src); !slices.Equal(vars, c.vars) || !slices.Equal(commands, c.commands) {
			t.Errorf("Names(%q) = %q %q, want %q %q", c.src, vars, commands, c.vars, c.commands)
		}
	}
}
