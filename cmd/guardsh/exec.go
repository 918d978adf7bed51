package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"guardsh/guard"
	"guardsh/guard/bash"
)

const aboutExec = `Judge one command as the user that it runs as, and run it without a shell:

  guardsh exec [--] COMMAND [ARG...]

It asks on the terminal, keeps what the command changes, and judges the programs
that start below it. Let sudoers allow guardsh, and sudo is run so.`

// execSelf judges one command as this user and runs it: what stands behind
// "exec" on the command line. With --front SOCKET it is root's side of the sudo
// wrapper, which answers there ("-": it does not).
func execSelf(args []string) int {
	front, bySudo := "", false
	if len(args) > 1 && args[0] == "--front" {
		front, bySudo = args[1], true
		args = args[2:]
	}
	if len(args) == 1 && args[0] == "--try" {
		return tryExec()
	}
	if len(args) > 2 && args[0] == "--hold" && args[1] == "--" {
		return holdFor(args[2:])
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	} else if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		fmt.Fprintf(os.Stderr, "guardsh: exec has no option %s\nhint: guardsh exec -- COMMAND\n", args[0])
		return checkUsage
	}
	if len(args) == 0 {
		fmt.Fprintf(os.Stderr, "guardsh: no command\nhint: guardsh exec -- COMMAND\n")
		return checkUsage
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		// As who calls it would have said it and ended.
		if bySudo {
			arrive(front, nil)
			fmt.Fprintf(os.Stderr, "sudo: %s: command not found\n", args[0])
			return 1
		}
		fmt.Fprintf(os.Stderr, "guardsh: %s: command not found\n", args[0])
		return 127
	}
	if bySudo {
		if arrive(front, args) {
			return 1
		}
		os.Setenv("SUDO_COMMAND", strings.Join(append([]string{program}, args[1:]...), " "))
	}
	if isBash(args[0]) && readsLines(args[1:]) && (bySudo || guard.IsTerminal(os.Stdin)) {
		// A shell that reads what somebody types is one of ours.
		return runShell(slices.Concat(args[:1], []string{"--front", cmp.Or(front, "-")}, args[1:]))
	}
	if self, err := os.Executable(); err == nil && guard.IsTerminal(os.Stdin) && filepath.Base(args[0]) == "su" {
		if with, user, ok := guardedSu(args[1:], self, shellOf); ok && canStart(user, self) {
			args = append([]string{args[0]}, with...)
		}
	}
	p := guard.Here()
	if front != "-" {
		p.Front = front
	}
	ctx := context.Background()
	s, err := guard.Open(p)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this command runs unguarded\n", err)
		status, err := bash.Run(ctx, bash.Config{Bash: program, Name: args[0]}, args[1:])
		if err != nil {
			fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		}
		return status
	}
	s.Greet()
	status, err := s.RunArgv(ctx, program, args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
	}
	s.Close(status)
	bash.DieOf(s.Killed())
	return status
}

// tryExec says by its status whether guardsh can run here and start a program,
// which sudoers may keep it from (NOEXEC).
func tryExec() int {
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, []string{"guardsh", "--version"}, os.Environ())
	}
	fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
	return 1
}
