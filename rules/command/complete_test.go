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
		{"cat <<'E'\nbody\n", false, 0},
		{"cat <<'E'\nbody\nE\n", false, 17},
		{"echo a\ncat <<-\\E\nbody\n", false, 7},
		{"echo a\necho b\nif true\nthen", false, 14},
		{"echo a\ncat <<E\nbody\nE\necho b\nf() {\necho c\n", false, 29},
		{"echo a; if true\nthen\n", false, 0},
		{"echo a\necho b; if true\nthen\n", false, 7},
		{"echo a\necho b", false, 7},
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
		if got, _ := Complete(c.text, c.end); got != c.want {
			t.Errorf("Complete(%q, %v) = %d, want %d", c.text, c.end, got, c.want)
		}
	}
}

func TestCompleteUntil(t *testing.T) {
	for text, want := range map[string]string{
		"cat <<'E F'\nbody\n": "E F", "cat <<-E\n\tbody\n": "E", "cat <<A <<B\nA\n": "B", "if true\n": "", "cat <<`\n": "",
	} {
		if n, until := Complete(text, false); n != 0 && want != "" || until != want {
			t.Errorf("Complete(%q) = %d, until %q, want %q", text, n, until, want)
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
