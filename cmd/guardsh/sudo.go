package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// sudo judges the command as root would run it and then runs the real sudo
// with the same arguments.
func sudo(args []string) int {
	real, err := realProgram("sudo", os.Getenv("PATH"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	run := func() int {
		status, err := bash.Run(context.Background(), bash.Config{Bash: real, Name: "sudo"}, args)
		if err != nil {
			fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		}
		return status
	}
	s, err := guard.Open(guard.Here())
	if err != nil {
		// Nobody may lose the way to root because a guard could not start.
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this command runs unguarded\n", err)
		return run()
	}
	s.Greet()
	line := guard.Quote(append([]string{"sudo"}, args...))
	out := s.Argv(context.Background(), line)
	if !out.Release {
		s.Close(guard.StatusRefused)
		return guard.StatusRefused
	}
	status := run()
	s.Ended(out, status)
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
