package rules

import (
	"os/exec"
	"strings"
	"testing"
	"unicode"
)

// TestQuote: what a hint names can be typed as it is shown: bash reads the name
// back, and nothing of it moves the terminal.
func TestQuote(t *testing.T) {
	for _, name := range []string{
		"/srv/data", "two words", "it's", "a\nb", "\x1b[2Jd", "tab\there", "\xff\xfe", "back\\slash\n'", "", "$HOME", "grün 漢字", "del\x7f\u202e", "-rf", "a\n1",
	} {
		word := quote(name)
		if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: %q does not print", name, word)
		}
		out, err := exec.Command("bash", "-c", "printf %s "+word).Output()
		if err != nil || string(out) != name {
			t.Errorf("%q: bash reads %s as %q (%v)", name, word, out, err)
		}
	}
}
