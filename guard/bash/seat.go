package bash

import (
	"context"
	"os"
)

// Seat is a shell of guardsh's own in the place of bash, on a pseudo terminal
// whose output is shown and recorded.
type Seat struct{ screen *screen }

// Seated runs what start starts on a pseudo terminal until it ends, as
// Interactive runs bash: it returns its status, when all that it wrote has been
// shown and the outer terminal is as it was. An error says that it was not
// started. Of cfg, In, Out, Output, Resize and Killed are used.
func Seated(ctx context.Context, cfg Config, start func(s *Seat, terminal *os.File) (pid int, err error)) (status int, err error) {
	if cfg.In == nil {
		cfg.In = os.Stdin
	}
	if cfg.Out == nil {
		cfg.Out = os.Stdout
	}
	scr, slave, done, err := openScreen(cfg)
	if err != nil {
		return StatusFailed, err
	}
	defer done()
	return scr.run(ctx, func() (int, error) {
		defer slave.Close()
		return start(&Seat{scr}, slave)
	})
}

// Terminal is where the shell's user is told and asked.
func (s *Seat) Terminal() *Terminal {
	return &Terminal{say: s.screen.say, above: s.screen.sayAbove, open: s.screen.open}
}

// TerminalOf is where the user of a process below the shell can be told and asked.
func (s *Seat) TerminalOf(pid int) *Terminal {
	return (&gate{screen: s.screen, ownTTY: s.screen.device}).terminalOf(pid)
}

// Taken is told which line the shell has read, before it is judged.
func (s *Seat) Taken(line string) { s.screen.lineTaken(line) }

// Settled is told what became of a line, or of a command of it: what was typed
// during its question goes on to the shell. Where it was refused, what was typed
// or pasted behind it is dropped, which is said, unless keepAhead.
func (s *Seat) Settled(run, keepAhead bool) {
	if !run && !keepAhead {
		if n := s.screen.dropAhead(); n > 0 {
			_ = s.screen.say(aheadText(n))
		}
	}
	s.screen.settle()
}
