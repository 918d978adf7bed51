// Package bash runs the user's real bash and holds each line between Enter and
// execution until it is judged.
//
// Interactive runs it on a pseudo terminal of its own. bash (5.0 or later)
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
// How a line is held: PS0 forks a subshell, which sends the line over a FIFO of
// that shell's own and waits for the answer that carries its nonce (sh/gate.sh).
// It then sends the live shell a real-time signal, which bash takes before it
// does anything of the line. Its trap puts back what the gate had taken over
// for the prompt (sh/go.sh: history settings, DEBUG and other traps, options),
// and, for a refusal, lifts a trapped INT and sends INT to itself (sh/no.sh,
// sh/again.sh). The prompt hook takes it all over again (sh/prompt.sh,
// sh/last.sh). A DEBUG trap that stands only at the prompt judges what did not
// come through PS0: keys bound by bind -x, and lines when the fork failed
// (sh/debug.sh). A shell that reads keys and never said hello lost the gate to
// its start-up files: rearm.go types it in.
//
// While a line runs PROMPT_COMMAND is ours, so that the shells below inherit it.
// Before a prompt it is the user's own again while theirs is run, each with the $?
// and $_ and the DEBUG trap that it has in plain bash (sh/theirs.sh, sh/run.sh,
// sh/wrap.sh): frameworks look for themselves there. What theirs left there is
// kept for the next prompt (sh/mine.sh).
//
// What is known to differ from plain bash: its terminal is one of its own, so that
// what was typed before it read keys is echoed twice; where the program was linked
// without the entry of entry_*.s, ignored signals but HUP and INT, and closed
// descriptors, are not passed on, and where a limit keeps Go's runtime from
// starting nothing takes its place; while the user has the history off, set -o
// shows it as on; a multi-line command is one entry of the history, as it was
// typed, where it is long or the user has cmdhist off (join.go); C-x C-e and vi's v
// bring the text back to the line instead of running it; where a history variable
// is readonly, a line that it hides arrives with Seen false; before bash 5.1, where
// a start-up file overwrites PROMPT_COMMAND, that is so until the gate was put back
// (rearm.go); bash 4.4 may end with a refused line; a DEBUG trap of the user's sees
// commands of ours where their PROMPT_COMMAND or the trap is new, and what it is
// called for first at each prompt; a key bound by bind -x is not judged at a prompt
// where hooks of the user's came behind ours for the first time; where no process
// can be forked, a refused compound command has opened its own redirections
// already.
//
// Nothing but PS0, PROMPT_COMMAND and names that begin with GUARDSH_ is put
// into the environment of the programs that are run.
package bash
