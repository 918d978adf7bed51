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
	what, text := rescue.Stdin, ""
	switch {
	case r.Line != nil:
		what, text = rescue.Script, *r.Line
	case r.File != "":
		what, text = rescue.File, r.File
	case typed:
		what = rescue.Typed
	}
	if s != nil && what != rescue.Typed && s.supervisesRescue() {
		status, err := s.apart(ctx, cfg, what, text)
		if err == nil {
			return status
		}
		s.trail.degraded(fmt.Sprintf("the rescue shell has no process of its own, and what its programs start is not judged: %v", err))
	}
	sh, err := rescue.New(cfg)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: the rescue shell: %s\n", err)
		return bash.StatusFailed
	}
	switch what {
	case rescue.Typed:
		return sh.Interactive(ctx)
	case rescue.Script:
		return sh.Run(ctx, text, r.Name)
	case rescue.File:
		return sh.RunFile(ctx, text)
	}
	return sh.RunStdin(ctx)
}

// supervisesRescue says whether what the programs of the built-in shell start can
// be judged. Without /proc nobody could tell who it is that starts one, and no
// keeper would keep such programs alive behind this one.
func (s *Session) supervisesRescue() bool {
	if s.Config.Supervise == SuperviseOff || os.Geteuid() != 0 {
		return false
	}
	_, err := os.Stat("/proc/self/exe")
	return err == nil
}

// apart runs the built-in shell in a process of its own, with this one's
// descriptors. An error says that it did not start.
func (s *Session) apart(ctx context.Context, cfg rescue.Config, what rescue.What, text string) (int, error) {
	a, err := rescue.NewApart(cfg, what, text)
	if err != nil {
		return 0, err
	}
	defer a.Close()
	return bash.Run(ctx, bash.Config{
		Bash: a.Program, Name: rescue.ProcessName, Env: cfg.Env, Further: []*os.File{a.Socket}, Killed: &s.killed,
		Spawn: func(start func() error) error {
			err := s.spawn(start)
			if err == nil {
				a.Socket.Close()
				go a.Serve(ctx)
			}
			return err
		},
	}, nil)
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
		a, err := rescue.NewApart(cfg, rescue.Typed, "")
		if err != nil {
			return 0, err
		}
		find := at.TerminalOf
		s.starts.terminal.Store(&find)
		spawn := func(start func() error) error { return start() }
		if s.supervisesRescue() {
			spawn = s.spawn
		}
		var pid int
		if err = spawn(func() (err error) {
			pid, err = a.OnTerminal(terminal)
			return err
		}); err != nil {
			a.Close()
			return 0, err
		}
		a.Socket.Close()
		go a.Serve(ctx)
		return pid, nil
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
		j.Decision = s.scopes.own.judged.remaining(j, itself(j, false))
		return Outcome{Release: len(j.Decision.Findings) == 0 || s.mayStart(r, j, os.Getpid(), nil)}, func(int) {}
	}
	s.scopes.own.newLine(nil)
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
		if f.Effect == effect.SessionEnd && (f.EffectAt < 0 || leavesShell(j.Effects[f.EffectAt].Command)) {
			if !last {
				continue
			}
			f.Hint = "put back what is missing first; this shell goes on as long as nobody leaves it"
		}
		kept = append(kept, f)
	}
	j.Decision.Findings, j.Decision.Verdict = kept, strictest(kept)
}

// leavesShell reports whether a word leaves a shell.
func leavesShell(word string) bool {
	switch word {
	case "exit", "logout":
		return true
	}
	return false
}

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
