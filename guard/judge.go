// Package guard stands between Enter and execution: it understands a line,
// judges it, asks, keeps what would change, records, and only then releases
// it. It is the only room that knows both the rules and the audit trail.
package guard

import (
	"fmt"
	"runtime/debug"
	"time"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// Judge is what it takes to judge a line: knowledge, rules, and the machine
// that the line would run on. It is safe for concurrent use.
type Judge struct {
	Knowledge *effect.Knowledge
	Rules     *rules.Set
	World     rules.World
	Limits    command.Limits
}

// Judgement is a line with all that was found out about it.
type Judgement struct {
	Line     *command.Line
	Effects  []effect.Effect
	Facts    *rules.Facts
	Decision rules.Decision
	Took     time.Duration
	// Failed says that guardsh itself failed while it judged; the decision
	// is then a finding about that.
	Failed error
}

// failedRule is the id of the finding that stands for a failure of guardsh.
const failedRule = "shell/guard-failed"

// Line judges a line. It never panics: a failure of guardsh itself becomes a
// finding that is said and recorded, since nobody may be locked out by it.
func (j *Judge) Line(src string, sh command.Shell) (out Judgement) {
	return j.judge(src, func() *command.Line {
		return command.Understand(src, command.Options{Shell: sh, Files: j.World, Limits: j.Limits})
	})
}

func (j *Judge) judge(src string, understand func() *command.Line) (out Judgement) {
	start := time.Now()
	defer func() {
		out.Took = time.Since(start)
		if p := recover(); p != nil {
			out.Failed = fmt.Errorf("%v\n%s", p, debug.Stack())
			out.Line = &command.Line{Src: src}
			out.Effects, out.Facts = nil, nil
			out.Decision = failure(fmt.Sprint(p))
		}
	}()
	out.Line = understand()
	out.Effects = j.Knowledge.Effects(out.Line)
	out.Facts = j.World.Facts(out.Line, out.Effects)
	out.Decision = rules.Judge(j.Rules, out.Line, out.Effects, out.Facts)
	return out
}

func failure(reason string) rules.Decision {
	return rules.Decision{Verdict: rules.Notify, Findings: []rules.Finding{{
		Rule:     failedRule,
		Verdict:  rules.Notify,
		Effect:   effect.RunUnknown,
		Summary:  "guardsh failed while it judged this line, which runs unjudged: " + reason,
		Hint:     "report this with the line; it stands in the trail",
		Action:   -1,
		EffectAt: -1,
	}}}
}
