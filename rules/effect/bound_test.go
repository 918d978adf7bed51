package effect

import (
	"strings"
	"testing"

	"guardsh/rules/command"
)

func TestEffectsPastTheBoundAreSaid(t *testing.T) {
	line := command.Understand(strings.Repeat(">x ", maxEffects+1)+"rm -rf /usr", command.Options{})
	k := Builtin()
	if n := len(k.Effects(line)); n < maxEffects {
		t.Fatalf("%d effects, want the bound", n)
	}
	for _, n := range line.Notes {
		if n.Kind == command.TooLarge {
			return
		}
	}
	t.Error("no note says that there is more")
}
