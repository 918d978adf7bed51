package guard

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"guardsh/audit"
	"guardsh/guard/bash"
	"guardsh/guard/host"
	"guardsh/rules/command"
)

// StatusRefused is the status of a line that was refused where there is no
// prompt to go back to. 252 is guardsh's own failure (bash.StatusFailed); both
// lie beside the shell's 126 and 127, out of the way of 128+n.
const StatusRefused = 253

// Interactive is a guarded bash on a terminal, until it ends.
func (s *Session) Interactive(ctx context.Context, args []string) (int, error) {
	var mu sync.Mutex
	running := map[string]shellLine{} // by the gate's nonce
	var prompted atomic.Bool
	rec := s.trail.record()
	answers := s.serveAnswers()
	defer answers.close()
	watch, unwatch := s.startWatch()
	defer unwatch()

	env := append(os.Environ(), answers.env()...)
	cfg := bash.Config{
		Name: s.place.Name,
		Args: args,
		Env:  env,
		Fair: host.Fair,
		Judge: func(ctx context.Context, r bash.Request) bash.Answer {
			s.prefetch(r)
			sc := s.scopeOf(r.ShellPID)
			sc.newLine(jobsOf(r.ShellPID))
			out := s.Line(ctx, Request{
				Src:    r.Line,
				Source: Prompt,
				scope:  sc,
				Shell:  r.Live,
				Unseen: !r.Seen,
				Cwd:    r.Cwd,
				TTY:    r.TTY,
				Open:   r.Terminal.Open,
			})
			mu.Lock()
			running[r.Nonce] = shellLine{out, r.ShellPID}
			mu.Unlock()
			if out.Release {
				rec.marker(out.Number, audit.Redact(r.Line))
			}
			return bash.Answer{Release: out.Release, Say: out.Say, KeepAhead: s.Config.Paste == PasteContinue}
		},
		Prompt: func(p bash.Prompt) {
			prompted.Store(true)
			mu.Lock()
			l, ok := running[p.Nonce]
			out := l.Outcome
			delete(running, p.Nonce)
			var ended []shellLine // with shells below this one: exit, su -c
			for nonce, l := range running {
				if l.shell != p.ShellPID && unix.Kill(l.shell, 0) == unix.ESRCH {
					ended = append(ended, l)
					delete(running, nonce)
				}
			}
			mu.Unlock()
			for _, l := range ended {
				if !l.Release {
					continue
				}
				if say := s.over(l.Outcome); say != "" {
					p.Say(say)
				}
			}
			switch {
			case !ok:
			case p.Released:
				if say := s.Ended(out, p.Status); say != "" {
					p.Say(say)
				}
			case out.Release:
				s.Cancelled(out)
			}
			rec.sync()
			s.tendTimers(p)
			watch(p)
		},
		Output: rec.output,
		Resize: rec.resize,
		Warn: func(w bash.Warning) {
			s.trail.degraded(w.Kind + ": " + w.Text)
		},
		IgnoreEOF: func() bool { return s.loaderGone() },
		Wrappers:  wrappers(),
		Killed:    &s.killed,
		Spawn:     s.spawn,
		Terminals: func(find func(pid int) *bash.Terminal) { s.starts.terminal.Store(&find) },
	}
	status, err := bash.Interactive(ctx, cfg)
	mu.Lock()
	defer mu.Unlock()
	s.endWithShells(slices.Collect(maps.Values(running)), status)
	if err == nil && status >= 126 && !prompted.Load() {
		// It ended before it asked for anything. Where no bash starts, the
		// user gets another shell.
		err = bash.Starts(ctx)
	}
	return status, err
}

// Restricted is a restricted bash that reads lines, until it ends. The gate is made
// of what such a shell may not do, redirections above all, so that nobody judges
// its lines; what they start is judged where program starts are.
func (s *Session) Restricted(ctx context.Context, args []string) (int, error) {
	s.ungated = true
	says := "a restricted bash cannot be guarded line by line: "
	if s.supervises() {
		says += "only the programs that its lines start are judged"
	} else {
		says += "what is typed here is not judged"
	}
	s.trail.degraded(says)
	os.Stderr.WriteString(notice(says))
	env := s.place.Env
	if os.Getenv("GUARDSH_DIR") != "" { // else they are the user's own
		env = bash.WithoutGate(env)
	}
	return bash.Run(ctx, bash.Config{Name: s.place.Name, Env: env, Killed: &s.killed, Spawn: s.spawn}, args)
}

// shellLine is a line of a shell that it has not come back from.
type shellLine struct {
	Outcome
	shell int
}

// endWithShells ends the lines that ended their shells: exit, exec, a hang-up.
// A shell that outlives the session, in tmux, goes on with its line.
func (s *Session) endWithShells(lines []shellLine, status int) {
	slices.SortFunc(lines, func(a, b shellLine) int { return a.Number - b.Number })
	for _, l := range lines {
		if l.Release && unix.Kill(l.shell, 0) == unix.ESRCH {
			os.Stderr.WriteString(s.Ended(l.Outcome, status))
		}
	}
}

// prefetch asks the live shell for all the names that a line mentions in one
// go: a question for each would not fit the time that a line has.
func (s *Session) prefetch(r bash.Request) {
	if r.Live != nil {
		r.Live.Prefetch(command.Names(r.Line))
	}
}

// Run judges a line, a script file or a whole script on standard input, and
// runs it in a bash of its own without a terminal of ours. argv is what bash
// is started with.
func (s *Session) Run(ctx context.Context, r Request, argv []string) (int, error) {
	r.Alone = true
	out := s.Line(ctx, r)
	s.tell(r, out)
	if !out.Release {
		return StatusRefused, nil
	}
	status, err := bash.Run(ctx, bash.Config{Name: s.place.Name, Env: s.place.Env, Last: true, Killed: &s.killed, Spawn: s.spawn}, argv)
	if err != nil {
		return bash.StatusFailed, err
	}
	s.tellEnd(r, out, status)
	return status, nil
}
