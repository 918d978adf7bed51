package guard

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"guardsh/audit"
	"guardsh/guard/bash"
	"guardsh/guard/rescue"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// Rescued is a line of the built-in shell, for the day when bash cannot start.
const Rescued Source = "rescue"

// Rescue says what the built-in shell is to do: to run Line, File, or what
// comes on standard input; without any of them, and with a terminal, to show a
// prompt.
type Rescue struct {
	Line *string
	File string
	Name string   // $0
	Args []string // $1 …
	// Last is set where no shell waits behind this one: who leaves it leaves
	// the machine.
	Last bool
}

// RescueMain is the built-in shell that a person types into, when this process
// was started as one, and does not return then. main calls it early.
func RescueMain() { rescue.ProcessMain(bash.Why) }

// Rescue runs the built-in shell. A nil session, on the day when not even that
// can be had, judges nothing.
func (s *Session) Rescue(ctx context.Context, r Rescue) int {
	typed := r.Line == nil && r.File == "" && isTerminal(os.Stdin)
	last := r.Last && typed // a script that ends leaves nobody outside
	cfg := rescue.Config{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Env: os.Environ(), Name: r.Name, Args: r.Args,
		Why: bash.Why, Status: StatusRefused,
	}
	if s != nil {
		s.killed = 0 // what ended the bash that this shell stands for is not its end
		cfg.Env, cfg.KeepAhead = s.place.Env, s.Config.Paste == PasteContinue
		cfg.Stay = func() (string, bool) {
			if !last || !s.loaderGone() {
				return "", false
			}
			return "\nguardsh: programs can no longer start on this machine, and nobody will be able to log in again\nhint: repair it first; exit leaves all the same\n", true
		}
	}
	if typed {
		fmt.Fprintf(os.Stderr, "guardsh: this is guardsh's own shell: help lists what is built in\n")
	}
	if typed && s != nil {
		status, err := s.seated(ctx, cfg, last)
		if err == nil {
			return status
		}
		s.trail.degraded(fmt.Sprintf("the terminal is not recorded: %v", err))
	}
	if s != nil {
		asks := Request{Open: openHere, Say: func(words string) { os.Stderr.WriteString(words) }}
		cfg.Judge = func(ctx context.Context, l rescue.Line) (bool, func(int)) {
			out, ended := s.rescued(ctx, l, last, asks)
			return out.Release, ended
		}
	}
	sh, err := rescue.New(cfg)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: the rescue shell: %s\n", err)
		return bash.StatusFailed
	}
	switch {
	case r.Line != nil:
		return sh.Run(ctx, *r.Line, r.Name)
	case r.File != "":
		return sh.RunFile(ctx, r.File)
	case typed:
		return sh.Interactive(ctx)
	}
	return sh.RunStdin(ctx)
}

// seated runs the shell that a person types into on a terminal of its own, so
// that what it shows is recorded. An error says that it did not start.
func (s *Session) seated(ctx context.Context, cfg rescue.Config, last bool) (int, error) {
	rec := s.trail.record()
	seat := bash.Config{Output: rec.output, Resize: rec.resize, Killed: &s.killed}
	return bash.Seated(ctx, seat, func(at *bash.Seat, terminal *os.File) (int, error) {
		t := at.Terminal()
		asks := Request{Open: t.Open, Say: func(words string) { _ = t.Say(words) }}
		cfg.Judge = func(ctx context.Context, l rescue.Line) (bool, func(int)) {
			if !l.Started {
				at.Taken(strings.TrimSuffix(l.Src, "\n"))
			}
			out, ended := s.rescued(ctx, l, last, asks)
			if out.Release && !l.Started {
				rec.marker(out.Number, audit.Redact(l.Src))
			}
			at.Settled(out.Release, cfg.KeepAhead)
			return out.Release, func(status int) {
				ended(status)
				rec.sync()
			}
		}
		pid, serve, err := rescue.Start(cfg, terminal)
		if err == nil {
			go serve(ctx)
		}
		return pid, err
	})
}

// rescued judges a line of the built-in shell, and each of its commands once
// more as a start, when its words are final. asks says where its user is asked.
func (s *Session) rescued(ctx context.Context, l rescue.Line, last bool, asks Request) (Outcome, func(int)) {
	r := Request{
		Src: l.Src, Source: Rescued, Cwd: l.Dir, TTY: s.place.TTY, Open: asks.Open, Last: last, Say: asks.Say,
		Shell: &command.StaticShell{Environ: l.Vars, Dir: l.Dir, Login: sessionUser(), Args: l.Args, Funcs: l.Funcs},
	}
	if l.Started {
		j := s.Judge.Line(l.Src, r.Shell)
		j.Decision = s.scopes.own.judged.remaining(j, itself(j))
		return Outcome{Release: len(j.Decision.Findings) == 0 || s.mayStart(r, j, os.Getpid(), nil)}, func(int) {}
	}
	s.scopes.own.newLine(false)
	out := s.Line(ctx, r)
	s.tell(r, out)
	return out, func(status int) { s.tellEnd(r, out, status) }
}

// leaving fits what is found about leaving to the built-in shell: behind one
// that was opened by hand another shell waits, and in none of them is opening
// it the remedy.
func (j *Judgement) leaving(last bool) {
	var kept []rules.Finding
	for _, f := range j.Decision.Findings {
		if f.Effect == effect.SessionEnd && (f.EffectAt < 0 || leaves[j.Effects[f.EffectAt].Command]) {
			if !last {
				continue
			}
			f.Hint = "put back what is missing first; this shell goes on as long as nobody leaves it"
		}
		kept = append(kept, f)
	}
	j.Decision.Findings, j.Decision.Verdict = kept, strictest(kept)
}

// leaves are the words that leave a shell.
var leaves = map[string]bool{"exit": true, "logout": true}

// openHere takes the terminal that the built-in shell reads, which may be the
// only file there is: without /dev there is no other way to it.
func openHere() (in, out *os.File, restore func(), err error) {
	if !isTerminal(os.Stdin) || !isTerminal(os.Stderr) {
		return openControlling()
	}
	front, err := unix.IoctlGetInt(int(os.Stdin.Fd()), unix.TIOCGPGRP)
	if err == nil && front != unix.Getpgrp() {
		return nil, nil, nil, fmt.Errorf("the command runs in the background of its terminal")
	}
	return os.Stdin, os.Stderr, func() {}, nil
}
