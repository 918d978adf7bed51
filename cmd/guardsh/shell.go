package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
	if inv.home {
		goHome()
	}
	if inv.shell != "" {
		os.Setenv("SHELL", inv.shell)
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
	p.Interactive, p.Front = interactive, inv.front
	p.Name = inv.bashName(argv[0])
	s, err := guard.Open(p)
	var gone *bash.CannotStart
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this shell is not guarded\n", err)
		if errors.As(<-ready, &gone) {
			return rescueInstead(ctx, nil, inv, gone)
		}
		return unguarded(ctx, inv, p.Name)
	}
	s.Greet()
	status, err := 0, <-ready
	switch {
	case err != nil:
	case inv.command != nil:
		status, err = s.RunLine(ctx, *inv.command, inv.args, inv.bashOptions())
	case inv.file != "":
		status, err = s.RunFile(ctx, inv.file, inv.args, inv.bashOptions())
	case interactive && guard.IsTerminal(os.Stdin):
		status, err = s.Interactive(ctx, append(inv.bashOptions(), inv.behind()...))
		if err != nil && !errors.As(err, &gone) {
			// No pseudo terminal, no place for the gate: whoever sits there
			// gets their bash all the same.
			fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this shell is not guarded\n", err)
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
