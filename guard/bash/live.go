package bash

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// ErrUnknown says that the live shell could not or may not be asked.
var ErrUnknown = errors.New("the live shell does not know")

// liveBudget is what asking the shell may cost one line in all; what was not
// answered then is unknown. A round trip takes a fraction of a millisecond, but
// the fork has to wait for its turn, and variables that were unknown then decide
// between a question and a block, or whether the gate goes: it is what a person
// does not notice yet, and Config.Fair of that where others want a processor.
const liveBudget = 50 * time.Millisecond

// Live answers for the shell that waits, out of a fork of it. What was not
// answered within the budget of the line is unknown. It never makes bash
// evaluate anything that could run code. It is for one goroutine at a time.
type Live struct {
	ctx  context.Context
	s    *shell
	p    *pending
	cwd  string
	left time.Duration

	vars     map[string]command.Variable
	aliases  map[string]string
	funcs    map[string]string
	askedVar map[string]bool
	askedCmd map[string]bool // for alias and function
	options  map[string]bool // those that are on; nil: not known yet
	position []word.Word
	listed   bool            // aliases holds all there are
	defined  map[string]bool // the names of all functions; nil: not known
}

var _ command.Shell = (*Live)(nil)

func newLive(ctx context.Context, s *shell, p *pending, cwd string) *Live {
	return &Live{ctx: ctx, s: s, p: p, cwd: cwd, left: liveBudget,
		vars: map[string]command.Variable{}, aliases: map[string]string{},
		funcs: map[string]string{}, askedVar: map[string]bool{}, askedCmd: map[string]bool{}}
}

// tell takes over what a request brought along: the options as $- and as
// $SHELLOPTS:$BASHOPTS, all aliases, the names of all functions, the number of
// positional parameters and these. A request of a key's trap brings nothing,
// and the shell is asked when it comes to it.
func (l *Live) tell(fields []string) {
	if len(fields) < 5 {
		return
	}
	l.setOptions(fields[0], fields[1])
	l.aliases, l.listed = parseAliases(fields[2])
	l.defined = map[string]bool{}
	for line := range strings.Lines(fields[3]) { // declare -f NAME, or -fx and the like
		if f := strings.Fields(line); len(f) == 3 {
			l.defined[f[2]] = true
		}
	}
	if n, err := strconv.Atoi(fields[4]); err == nil && n > 0 {
		l.setPosition(fields[5:])
	}
}

// setOptions reads $- from before the gate, and $SHELLOPTS:$BASHOPTS.
func (l *Live) setOptions(flags, names string) {
	l.options = map[string]bool{}
	for name := range strings.SplitSeq(names, ":") {
		l.options[name] = true
	}
	// The gate puts these off for itself, and others on for the prompt.
	for flag, name := range map[string]string{"a": "allexport", "e": "errexit", "u": "nounset", "x": "xtrace"} {
		l.options[name] = strings.Contains(flags, flag)
	}
}

// madeByGate reports an option that is for the prompt what we need, not what the
// line would see.
func madeByGate(option string) bool {
	switch option {
	case "cmdhist", "lithist", "promptvars", "history":
		return true
	}
	return false
}

func (l *Live) setPosition(fields []string) {
	for _, f := range fields {
		if v, ok := strings.CutPrefix(f, "="); ok {
			l.position = append(l.position, word.Lit(v))
		}
	}
}

// ask has the gate's fork of the shell evaluate code of ours and returns the
// fields it printed, each ended by NUL.
func (l *Live) ask(code string) ([]string, error) {
	if l == nil || l.s == nil || l.left <= 0 || l.ctx.Err() != nil {
		return nil, ErrUnknown
	}
	patience := l.left
	if fair := l.s.g.cfg.Fair; fair != nil {
		patience = fair(patience)
	}
	start := time.Now()
	defer func() { l.left -= time.Duration(float64(l.left) * float64(time.Since(start)) / float64(patience)) }()
	l.s.mu.Lock()
	decided := l.p.decided
	if !decided {
		l.p.serial++
	}
	serial := strconv.Itoa(l.p.serial)
	l.s.mu.Unlock()
	if decided {
		return nil, ErrUnknown
	}
	if err := l.s.send(l.p.nonce + " e \\builtin printf " + serial + "'\\0';" + code); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknown, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case f := <-l.p.replies:
			// f: nonce, serial, fields. An answer that came too late for an
			// earlier question is passed over. The DEBUG trap has no fork that could
			// evaluate anything, and answers with its nonce alone.
			if len(f.fields) == 1 {
				l.left = 0
				return nil, ErrUnknown
			}
			if f.field(1) == serial {
				out := f.fields[2:]
				if n := len(out); n > 0 && out[n-1] == "" {
					out = out[:n-1] // the NUL that comes before the end
				}
				return out, nil
			}
		case <-timer.C:
			return nil, ErrUnknown
		case <-l.ctx.Done():
			return nil, ErrUnknown
		}
	}
}

// changing reports a variable whose value in the fork, or a moment later, is
// another one than the line would see: bash computes it, or the gate has taken
// it over.
func changing(name string) bool {
	switch name {
	case "RANDOM", "SRANDOM", "SECONDS", "EPOCHSECONDS", "EPOCHREALTIME", "BASHPID", "BASH_SUBSHELL", "BASH_COMMAND", "LINENO", "HISTCMD", "FUNCNAME", "BASH_SOURCE",
		"BASH_LINENO", "BASH_ARGV", "BASH_ARGC", "PIPESTATUS", "_", "SHELLOPTS", "BASHOPTS", "BASH_ARGV0", "HISTCONTROL", "HISTIGNORE", "HISTSIZE", "REPLY", "COPROC":
		return true
	}
	return false
}

// Prefetch asks for variables, and for what these commands are as aliases and
// functions, in one round trip; in none where all of it is known. Names that
// are not bash names are passed over.
func (l *Live) Prefetch(vars, commands []string) {
	var code strings.Builder
	asking := 0
	wanted := func(n string, asked map[string]bool) bool {
		if asked[n] || !nameable(n) || asking == prefetchLimit {
			return false
		}
		asked[n] = true
		return true
	}
	for _, n := range vars {
		if wanted(n, l.askedVar) && identifier(n) && !changing(n) && !strings.HasPrefix(n, "GUARDSH_") {
			fmt.Fprintf(&code, `\builtin printf 'v%%s\0' %s;\builtin declare -p %[1]s 2>/dev/null;\builtin printf '\0';`, quote(n))
			asking++
		}
	}
	for _, n := range commands {
		if !wanted(n, l.askedCmd) {
			continue
		}
		if !l.listed {
			fmt.Fprintf(&code, `\builtin printf 'a%%s\0' %s;\builtin alias %[1]s 2>/dev/null;\builtin printf '\0';`, quote(n))
			asking++
		}
		if l.defined == nil || l.defined[n] {
			fmt.Fprintf(&code, `\builtin printf 'f%%s\0' %s;\builtin declare -f %[1]s 2>/dev/null;\builtin printf '\0';`, quote(n))
			asking++
		}
	}
	if asking == 0 {
		return
	}
	fields, err := l.ask(code.String())
	if err != nil {
		return // what was not answered stays unknown
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "" {
			break
		}
		name, text := fields[i][1:], strings.TrimSuffix(fields[i+1], "\n")
		switch fields[i][0] {
		case 'v':
			l.vars[name] = parseDeclare(text)
		case 'a':
			if body, ok := parseAlias(name, text); ok {
				l.aliases[name] = body
			}
		case 'f':
			if text != "" {
				l.funcs[name] = text
			}
		}
	}
}

// prefetchLimit bounds one message; a line with more names is not understood
// to that depth.
const prefetchLimit = 200

// Cwd is the shell's working directory.
func (l *Live) Cwd() word.Word {
	if l == nil || !strings.HasPrefix(l.cwd, "/") {
		return word.Hidden("$PWD", word.Var)
	}
	return word.Lit(l.cwd)
}

// Var is a variable's state.
func (l *Live) Var(name string) command.Variable {
	if l == nil {
		return command.Variable{State: command.VarUnknown}
	}
	l.Prefetch([]string{name}, nil)
	if v, ok := l.vars[name]; ok {
		return v
	}
	return command.Variable{State: command.VarUnknown}
}

// Alias is an alias's text.
func (l *Live) Alias(name string) (string, bool) {
	if l == nil {
		return "", false
	}
	l.Prefetch(nil, []string{name})
	body, ok := l.aliases[name]
	return body, ok
}

// Function is a function's definition as `declare -f` prints it.
func (l *Live) Function(name string) (string, bool) {
	if l == nil {
		return "", false
	}
	l.Prefetch(nil, []string{name})
	body, ok := l.funcs[name]
	return body, ok
}

// base asks for options and positional parameters, once, where they did not
// come with the line.
func (l *Live) base() {
	if l.options != nil {
		return
	}
	l.options = map[string]bool{}
	fields, err := l.ask(`\builtin printf '%s\0' "$GUARDSH_F" "${SHELLOPTS-}:${BASHOPTS-}" "$#";\builtin printf '=%s\0' "$@"`)
	if err != nil || len(fields) < 3 {
		return
	}
	l.setOptions(fields[0], fields[1])
	if fields[2] != "0" { // printf without arguments prints its format once
		l.setPosition(fields[3:])
	}
}

// Option is a set -o or shopt option. Which there are differs between bash
// versions: one that this bash does not have is off.
func (l *Live) Option(name string) (on, known bool) {
	if l == nil || madeByGate(name) {
		return false, false
	}
	l.base()
	return l.options[name], len(l.options) > 0
}

// Positional is $1 and so on.
func (l *Live) Positional() []word.Word {
	if l == nil {
		return nil
	}
	l.base()
	return l.position
}

// User is the name of the shell's effective user, "?" when it is not known.
func (l *Live) User() string {
	switch {
	case l == nil || l.s == nil || l.s.uid < 0:
		return "?"
	case l.s.uid == 0:
		return "root"
	}
	u, err := user.LookupId(strconv.Itoa(l.s.uid))
	if err != nil {
		return strconv.Itoa(l.s.uid)
	}
	return u.Username
}
