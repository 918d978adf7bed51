package main

import (
	"context"
	"fmt"
	"os"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// runShell is guardsh as a shell. Whatever of the guard cannot start, a shell
// does: nobody is locked out of their machine.
func runShell(argv []string) int {
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
	ctx := context.Background()
	p := guard.Here()
	interactive := inv.interactive || inv.command == nil && inv.file == "" && guard.IsTerminal(os.Stdin) && guard.IsTerminal(os.Stderr)
	p.Interactive = interactive
	s, err := guard.Open(p)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this shell is not guarded\n", err)
		return unguarded(ctx, inv)
	}
	s.Greet()
	status, err := 0, error(nil)
	switch {
	case inv.command != nil:
		status, err = s.RunLine(ctx, *inv.command, inv.args, inv.bashOptions())
	case inv.file != "":
		status, err = s.RunFile(ctx, inv.file, inv.args, inv.bashOptions())
	case interactive && p.TTY != "" && guard.IsTerminal(os.Stdin):
		status, err = s.Interactive(ctx, inv.login, append(inv.bash, inv.args...))
	default:
		status, err = s.RunStdin(ctx, os.Stdin, inv.args, inv.bashOptions())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		status = bash.StatusFailed
	}
	s.Close(status)
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

// bashOptions are the options that the bash below needs to be what was asked
// for.
func (inv invocation) bashOptions() []string {
	o := inv.bash
	if inv.login {
		o = append([]string{"-l"}, o...)
	}
	if inv.interactive {
		o = append(o, "-i")
	}
	return o
}

// unguarded is plain bash, for the day when nothing else works.
func unguarded(ctx context.Context, inv invocation) int {
	argv := inv.bash
	if inv.interactive {
		argv = append(argv, "-i")
	}
	switch {
	case inv.command != nil:
		argv = append(argv, "-c", *inv.command)
	case inv.file != "":
		argv = append(argv, "--", inv.file)
	case inv.stdin:
		argv = append(argv, "-s", "--")
	}
	status, err := bash.Run(ctx, bash.Config{Login: inv.login}, append(argv, inv.args...))
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	return status
}
