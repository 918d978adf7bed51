package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// sudo judges the command as root would run it and then runs the real sudo
// with the same arguments, but for a shell that somebody will type into: there
// guardsh itself takes the shell's place.
func sudo(args []string) int {
	real, err := realProgram("sudo", os.Getenv("PATH"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	var in instead
	why := notOurs
	if self, err := os.Executable(); err == nil && guard.IsTerminal(os.Stdin) {
		c := readSudo(args)
		var ok bool
		if in, ok = c.guarded(self, shellOf); ok {
			switch {
			case !canStart(in.user, self):
				why = guard.Unguarded{Why: in.user + " cannot start " + self}
			case !c.allowed(real, in.command):
				why = guard.Unguarded{Why: "sudoers does not allow guardsh there", Hint: "let sudoers allow " + self}
			default:
				why = guard.Unguarded{}
			}
		}
	}
	return front("sudo", args, why, func() (int, error) {
		cfg := bash.Config{Bash: real, Name: "sudo"}
		if why != (guard.Unguarded{}) {
			return bash.Run(context.Background(), cfg, args)
		}
		return bash.Run(context.Background(), cfg, in.args)
	})
}

// notOurs is said of a shell that is no bash, or that is opened in a way that
// guardsh does not know.
var notOurs = guard.Unguarded{Why: "guardsh cannot stand in for it"}

// su is sudo's part for su, which needs nobody's leave to start guardsh.
func su(args []string) int {
	real, err := realProgram("su", os.Getenv("PATH"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	if guard.IsTerminal(os.Stdin) {
		why := notOurs
		if self, err := os.Executable(); err == nil {
			if with, user, ok := guardedSu(args, self, shellOf); ok {
				if canStart(user, self) {
					args, why = with, guard.Unguarded{}
				} else {
					why.Why = user + " cannot start " + self
				}
			}
		}
		if why != (guard.Unguarded{}) {
			return front("su", args, why, func() (int, error) {
				return bash.Run(context.Background(), bash.Config{Bash: real, Name: "su"}, args)
			})
		}
	}
	err = syscall.Exec(real, append([]string{"su"}, args...), os.Environ())
	fmt.Fprintf(os.Stderr, "guardsh: %s: %s\n", real, err)
	return bash.StatusFailed
}

// front judges a command line of a program that changes the user and runs it.
// why says that a shell that it opens will not be guarded.
func front(name string, args []string, why guard.Unguarded, run func() (int, error)) int {
	start := func() int {
		status, err := run()
		if err != nil {
			fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		}
		return status
	}
	s, err := guard.Open(guard.Here())
	if err != nil {
		// Nobody may lose the way to root because a guard could not start.
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this command runs unguarded\n", err)
		return start()
	}
	s.Greet()
	out := s.Argv(context.Background(), guard.Quote(append([]string{name}, args...)), why)
	if !out.Release {
		s.Close(guard.StatusRefused)
		return guard.StatusRefused
	}
	status := start()
	os.Stderr.WriteString(s.Ended(out, status))
	s.Close(status)
	return status
}

// realProgram finds name on PATH, past every link to guardsh itself, so that
// guardsh under the name sudo never calls itself.
func realProgram(name, path string) (string, error) {
	self, err := os.Stat("/proc/self/exe")
	for _, dir := range filepath.SplitList(path) {
		p := filepath.Join(dir, name)
		fi, serr := os.Stat(p)
		if serr != nil || fi.IsDir() || fi.Mode()&0o111 == 0 {
			continue
		}
		if err == nil && os.SameFile(self, fi) || guard.IsWrapper(p) {
			continue
		}
		return p, nil
	}
	return "", fmt.Errorf("%s: %w (looked along PATH, past guardsh itself)", name, exec.ErrNotFound)
}
