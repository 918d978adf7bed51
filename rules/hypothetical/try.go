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
	return Knowing(knowledge())(line, at)
}

// Knowing is Try with other commands known.
func Knowing(k *effect.Knowledge) rules.Trial {
	return func(line string, at Situation) (*command.Line, []effect.Effect, *rules.Facts) {
		w := New(at)
		l := command.Understand(line, command.Options{Shell: w, Files: w})
		eff := k.Effects(l)
		return l, eff, w.Facts(l, eff)
	}
}
