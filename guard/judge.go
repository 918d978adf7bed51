// Package guard stands between Enter and execution: it understands a line,
// judges it, asks, keeps what would change, records, and only then releases
// it. It is the only room that knows both the rules and the audit trail.
package guard

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"guardsh/audit"
	"guardsh/guard/host"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"
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
	}, nil)
}

// Start judges a program's start below a line, as Line does, but for what it
// starts in turn: that comes by itself, unless it is whole: it does in itself
// what another would start. src says what argv is.
func (j *Judge) Start(src string, argv []string, whole bool, sh command.Shell) (out Judgement) {
	return j.start(src, argv, whole, sh, j.World, nil)
}

// startIn judges the start of a program that sees this machine from another root
// directory or mount namespace: by what its paths are here.
func (j *Judge) startIn(v *host.View, src string, argv []string, whole bool, sh command.Shell) (out Judgement) {
	return j.start(src, argv, whole, sh, v, v.Effects)
}

func (j *Judge) start(src string, argv []string, whole bool, sh command.Shell, files command.Files, here func([]effect.Effect) []effect.Effect) Judgement {
	return j.judge(src, func() *command.Line {
		return command.Understand(src, command.Options{Shell: sh, Files: files, Limits: j.Limits, Below: !whole, Argv: argv})
	}, here)
}

// judge judges what understand finds. here, where it is not nil, says what of
// its effects falls on this machine, and where.
func (j *Judge) judge(src string, understand func() *command.Line, here func([]effect.Effect) []effect.Effect) (out Judgement) {
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
	if here != nil {
		out.Effects = here(out.Effects)
	}
	out.Facts = j.World.Facts(out.Line, out.Effects)
	out.Decision = rules.Judge(j.Rules, out.Line, out.Effects, out.Facts)
	out.place()
	return out
}

// place says of each finding which command it is about, where the line alone
// does not show it: in a script, a function, one of many lines.
func (j *Judgement) place() {
	many := strings.Contains(strings.TrimSpace(j.Line.Src), "\n")
	for i := range j.Decision.Findings {
		f := &j.Decision.Findings[i]
		if f.Action < 0 {
			continue
		}
		a := &j.Line.Actions[f.Action]
		var where []string
		for _, v := range a.Via {
			if strings.HasPrefix(v, "script ") || strings.HasPrefix(v, "function ") {
				where = append(where, v)
			}
		}
		if len(where) == 0 {
			if !many {
				continue
			}
			where = []string{fmt.Sprintf("line %d", a.Line)}
		}
		text := strings.Join(where, ", ")
		if len(a.Argv) > 0 {
			text += ": " + audit.Redact(argvText(a.Argv))
		}
		f.Details = append([]string{text}, f.Details...)
	}
}

// maxArgvText is enough to find a command by.
const maxArgvText = 100

// argvText is a command as it will be started, what is not known of it as it
// is written.
func argvText(argv []word.Word) string {
	var b strings.Builder
	for i, w := range argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		if b.Len() > maxArgvText {
			b.WriteString("…")
			break
		}
		if v, ok := w.Value(); ok {
			b.WriteString(Quote([]string{v}))
		} else {
			b.WriteString(w.Src)
		}
	}
	return b.String()
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
