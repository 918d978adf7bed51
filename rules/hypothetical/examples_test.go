package hypothetical

import (
	"strings"
	"testing"

	"guardsh/rules"
)

// Every built-in rule tells the truth about itself: its examples match and are
// silent as they say, and what it tells people to type passes.
func TestBuiltinExamples(t *testing.T) {
	s := rules.Builtin()
	for _, id := range s.IDs() {
		t.Run(strings.ReplaceAll(id, "/", "_"), func(t *testing.T) {
			t.Parallel()
			if err := s.Try(id); err != nil {
				t.Error(err)
			}
		})
	}
}
