package bash

import (
	"context"
	"errors"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// ErrUnknown says that the live shell could not or may not be asked.
var ErrUnknown = errors.New("the live shell does not know")

// Live answers for the shell that waits, out of a fork of it. What was not
// answered within the budget of the line is unknown. It never makes bash
// evaluate anything that could run code. It is for one goroutine at a time.
type Live struct {
	ctx context.Context
	s   *shell
	p   *pending
}

func newLive(ctx context.Context, s *shell, p *pending) *Live { return &Live{ctx: ctx, s: s, p: p} }

var _ command.Shell = (*Live)(nil)

// Prefetch asks for variables, aliases and functions of these names in one
// round trip. Names that are not bash names are passed over.
func (l *Live) Prefetch(names []string) {}

// Cwd is the shell's working directory.
func (l *Live) Cwd() word.Word { return word.Word{} }

// Var is a variable's state.
func (l *Live) Var(name string) command.Variable {
	return command.Variable{State: command.VarUnknown}
}

// Alias is an alias's text.
func (l *Live) Alias(name string) (string, bool) { return "", false }

// Function is a function's definition, body only, as bash prints it.
func (l *Live) Function(name string) (string, bool) { return "", false }

// Option is a set -o or shopt option.
func (l *Live) Option(name string) (on, known bool) { return false, false }

// User is the name of the shell's effective user.
func (l *Live) User() string { return "?" }

// Positional is $1 and so on.
func (l *Live) Positional() []word.Word { return nil }

// Expand has bash expand words as it would on a command line: each becomes
// the fields that it gives. Words that hold anything but literals, quotes,
// plain parameters, tildes and patterns make it fail with ErrUnknown.
func (l *Live) Expand(words []string) ([][]string, error) { return nil, ErrUnknown }

// Fc is the text of the history that `fc -s ARGS…` would run again.
func (l *Live) Fc(args []string) (string, error) { return "", ErrUnknown }
