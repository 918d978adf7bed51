package hypothetical

import (
	"sync"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

func init() { rules.Imagine = Try }

var knowledge = sync.OnceValue(effect.Builtin)

// Try understands a line in a situation.
func Try(line string, at Situation) (*command.Line, []effect.Effect, *rules.Facts) {
	w := New(at)
	l := command.Understand(line, command.Options{Shell: w, Files: w})
	eff := knowledge().Effects(l)
	return l, eff, w.Facts(l, eff)
}
