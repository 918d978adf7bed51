package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"guardsh/guard"
	"guardsh/guard/bash"
	"guardsh/guard/supervise"
)

// runShell is guardsh as a shell. Whatever of the guard cannot start, a shell
// does: nobody is locked out of their machine.
func runShell(argv []string) int {
	supervise.Spare()
	inv, err := readInvocation(argv)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\nhint: guardsh --help\n", err)
		return checkUsage
	}
	if inv.command != nil {
		if args, ok := callsFront(*inv.command); ok {
			argv, inv = args, invocation{}
			if inv, err = readInvocation(argv); err != nil {
				fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
				return checkUsage
			}
		}
	}
	if inv.bySudo() {
		return 1
	}
	if inv.home {
		goHome()
	}
	if inv.list != "" {
		listOptions(append(inv.bashOptions(), inv.list))
	}
	if inv.command != nil {
		if args, ok := callsRescue(*inv.command); ok {
			return rescue(args)
		}
	}
	ctx := context.Background()
	ready := make(chan error, 1) // whether bash can start is looked up while the guard is made ready
	go func() { ready <- bash.Ready(ctx) }()
	p := guard.Here()
	interactive := inv.interactive || inv.command == nil && inv.file == "" && guard.IsTerminal(os.Stdin) && guard.IsTerminal(os.Stderr)
	p.Interactive = interactive
	if !interactive { // who types is asked as in any session
		p.Front = inv.front
	}
	p.Name = inv.bashName(argv[0])
	s, err := guard.Open(p)
	var gone *bash.CannotStart
	if err != nil {
		sayNotGuarded(err)
		if errors.As(<-ready, &gone) {
			return rescueInstead(ctx, nil, inv, gone)
		}
		return unguarded(ctx, inv, p.Name)
	}
	s.Greet()
	status, err := 0, <-ready
	bash.HaveThreads()
	switch {
	case err != nil:
	case inv.command != nil:
		status, err = s.RunLine(ctx, *inv.command, inv.args, inv.bashOptions())
	case inv.file != "":
		status, err = s.RunFile(ctx, inv.file, inv.args, inv.bashOptions())
	case interactive && inv.restricted:
		status, err = s.Restricted(ctx, append(inv.bashOptions(), inv.behind()...))
	case interactive && guard.IsTerminal(os.Stdin):
		status, err = s.Interactive(ctx, append(inv.bashOptions(), inv.behind()...))
		if err != nil && !errors.As(err, &gone) {
			// No pseudo terminal, no place for the gate: whoever sits there
			// gets their bash all the same.
			sayNotGuarded(err)
			status, err = unguarded(ctx, inv, p.Name), nil
		}
	default:
		status, err = s.RunStdin(ctx, os.Stdin, inv.args, inv.bashOptions())
	}
	if errors.As(err, &gone) {
		status, err = rescueInstead(ctx, s, inv, gone), nil
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		status = bash.StatusFailed
	}
	s.Close(status)
	bash.DieOf(s.Killed())
	return status
}

// bySudo makes what sudo has started in the place of a shell the same as that
// shell. denied says that there is to be none.
func (inv invocation) bySudo() (denied bool) {
	if inv.shell != "" {
		os.Setenv("SHELL", inv.shell)
	}
	if os.Getenv("POSIXLY_CORRECT") == loginMark {
		// What the bash that sudo -i started has added.
		for _, name := range []string{"POSIXLY_CORRECT", "OLDPWD", "_"} {
			os.Unsetenv(name)
		}
		if n, err := strconv.Atoi(os.Getenv("SHLVL")); err == nil && n > 1 {
			os.Setenv("SHLVL", strconv.Itoa(n-1))
		} else {
			os.Unsetenv("SHLVL")
		}
	}
	var place []string // the command in whose place this is
	if inv.home || inv.name != "" || inv.shell != "" {
		place = []string{os.Getenv("SHELL")}
		if inv.command != nil {
			place = append(place, "-c", asSudoTells(*inv.command))
		}
		if _, ok := os.LookupEnv("SUDO_COMMAND"); ok {
			os.Setenv("SUDO_COMMAND", strings.Join(place, " "))
		}
	}
	return inv.front != "" && arrive(inv.front, place)
}

// asSudoTells is a line of asSudoQuotes as sudo logs it: of what it quoted only
// the white space stays so.
func asSudoTells(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' && i+1 < len(line) && strings.IndexByte(" \t\n\v\f\r", line[i+1]) < 0 {
			i++
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

// callsFront recognises the line by which sudo -i has a login shell that is
// guardsh itself start it once more, for the wrapper in front; args are as on
// its command line.
func callsFront(line string) (args []string, ok bool) {
	if !strings.Contains(line, "--front ") {
		return nil, false
	}
	self, err := os.Executable()
	if err != nil || !strings.HasPrefix(line, asSudoQuotes([]string{self, "--front"})+" ") {
		return nil, false
	}
	word, quoted := "", false
	for _, c := range []byte(line) {
		switch {
		case quoted || c != '\\' && c != ' ':
			word, quoted = word+string([]byte{c}), false
		case c == '\\':
			quoted = true
		default:
			args, word = append(args, word), ""
		}
	}
	return append(args, word), true
}

// goHome begins in the home directory; a shell elsewhere is better than none.
func goHome() {
	home := os.Getenv("HOME")
	err := os.Chdir(home)
	if err == nil {
		err = os.Setenv("PWD", home)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: the home directory: %s\n", err)
	}
}

// bashName is what the bash below is called. sudo -i calls it a login shell.
func (inv invocation) bashName(argv0 string) string {
	if inv.home {
		return "-bash"
	}
	if inv.name != "" {
		return inv.name
	}
	own := "guardsh"
	if exe, err := os.Executable(); err == nil {
		own = filepath.Base(exe)
	}
	path, err := bash.Find()
	if err != nil {
		path = "bash" // whoever starts it says what is missing
	}
	return bashName(argv0, own, path)
}

// listOptions has bash list its options, as it does before it reads commands.
func listOptions(argv []string) {
	none, err := os.Open(os.DevNull)
	if err != nil {
		return
	}
	defer none.Close()
	_, _ = bash.Run(context.Background(), bash.Config{Stdin: none}, argv)
}

// behind are the words behind the options of a shell that reads its commands.
func (inv invocation) behind() []string {
	if !inv.stdin {
		return inv.args
	}
	return append([]string{"-s", "--"}, inv.args...)
}

// bashOptions are the options that the bash below needs to be what was asked
// for. bash wants its long ones first.
func (inv invocation) bashOptions() []string {
	o := inv.bash
	if inv.login {
		o = append(o, "-l")
	}
	if inv.interactive {
		o = append(o, "-i")
	}
	return o
}

// sayNotGuarded says why a shell that follows has no guard.
func sayNotGuarded(why error) {
	fmt.Fprintf(os.Stderr, "guardsh: %s\n%s", why, bash.NotGuarded)
}

// unguarded is plain bash, for the day when nothing else works.
func unguarded(ctx context.Context, inv invocation, name string) int {
	argv := inv.bashOptions()
	switch {
	case inv.command != nil:
		argv = append(append(argv, "-c", *inv.command), inv.args...)
	case inv.file != "":
		argv = append(append(argv, "--", inv.file), inv.args...)
	default:
		argv = append(argv, inv.behind()...)
	}
	status, err := bash.Run(ctx, bash.Config{Name: name}, argv)
	var gone *bash.CannotStart
	if errors.As(err, &gone) {
		return rescueInstead(ctx, nil, inv, gone)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	return status
}
