// Package bash runs the user's real bash and holds each line between Enter and
// execution until it is judged.
//
// Interactive runs it on a pseudo terminal of its own. bash (4.4 or later)
// expands PS0 after it has parsed a whole command and before it does anything
// of it; what this package puts there hands the line over and waits. Run
// starts bash without a terminal: a script, -c, a pipe.
//
// What a caller needs:
//
//	status, err := bash.Interactive(ctx, bash.Config{
//		Judge:  func(ctx context.Context, r bash.Request) bash.Answer { … },
//		Prompt: func(p bash.Prompt) { … },
//		Output: func(b []byte) { … },
//	})
//	status, err := bash.Run(ctx, bash.Config{}, []string{"-c", line})
//
// Judge is called once for each line, in a goroutine of that shell's own; its
// context ends when the user withdraws the line by ^C or the shell dies. It
// may say something with r.Terminal.Say, ask on the files that
// r.Terminal.Open returns, and ask the live shell by r.Live, which is a
// command.Shell and is valid until Judge returns. Answer.Release false makes
// bash discard the whole line with status 130; Answer.Say is printed before
// the shell goes on, either way.
//
// Nothing but PS0, PROMPT_COMMAND and names that begin with GUARDSH_ is put
// into the environment of the programs that are run.
package bash
