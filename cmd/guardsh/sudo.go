package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// sudo judges a command as root would run it and runs the real sudo. Where
// sudoers allows it, that runs guardsh as root in the command's place, which sees
// what only root sees (see execSelf); a shell that somebody will type into is
// guardsh itself. Else it is run with the same arguments.
func sudo(args []string) int {
	real, err := realProgram("sudo", os.Getenv("PATH"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	c := readSudo(args)
	return front("sudo", args, func(s *guard.Session) way {
		w := way{why: notOurs, run: func(_ string, killed *syscall.Signal) (int, error) {
			return bash.Run(context.Background(), bash.Config{Bash: real, Name: "sudo", Killed: killed}, args)
		}}
		self, err := os.Executable()
		if err != nil || s == nil {
			return w
		}
		if command, ok := c.held(self); ok && s.Config.Sudo != guard.SudoFront && c.runsGuard(s, real, self, command) {
			run := w.run
			w.behind = true
			w.run = func(socket string, killed *syscall.Signal) (int, error) {
				h, refused := c.hold(real, command)
				if refused {
					return guard.StatusRefused, nil
				}
				if h != nil {
					defer h.end()
				}
				return run(socket, killed)
			}
			return w
		}
		in, ok := c.guarded(self, shellOf)
		shell := ok && guard.IsTerminal(os.Stdin)
		if !shell {
			if in, ok = c.behind(self, shellOf); !ok || s.Config.Sudo == guard.SudoFront {
				return w
			}
		}
		switch {
		case !canStart(in.user, self):
			w.why = guard.Unguarded{Why: in.user + " cannot start " + self}
			return w
		case shell && !c.allowed(real, in.command), !shell && s.Config.Sudo != guard.SudoRewrite && !c.runsGuard(s, real, self, in.command):
			w.why = guard.Unguarded{Why: "sudoers does not allow guardsh there", Hint: "let sudoers allow " + self}
			return w
		}
		if shell {
			w.why = guard.Unguarded{}
		}
		w.behind = in.at > 0
		w.run = func(socket string, killed *syscall.Signal) (int, error) {
			with := slices.Clone(in.args)
			if in.at > 0 {
				with[in.at] = cmp.Or(socket, "-")
			}
			return bash.Run(context.Background(), bash.Config{Bash: real, Name: "sudo", Killed: killed}, with)
		}
		return w
	})
}

// way is how a command that changes the user is run.
type way struct {
	why    guard.Unguarded // why a shell that it opens will not be guarded
	behind bool            // guardsh is started as root, and judges again
	run    func(socket string, killed *syscall.Signal) (int, error)
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
			return front("su", args, func(*guard.Session) way {
				return way{why: why, run: func(_ string, killed *syscall.Signal) (int, error) {
					return bash.Run(context.Background(), bash.Config{Bash: real, Name: "su", Killed: killed}, args)
				}}
			})
		}
	}
	err = syscall.Exec(real, append([]string{"su"}, args...), os.Environ())
	fmt.Fprintf(os.Stderr, "guardsh: %s: %s\n", real, err)
	return bash.StatusFailed
}

// front judges a command line of a program that changes the user and runs it,
// the way that how finds.
func front(name string, args []string, how func(*guard.Session) way) int {
	var killed syscall.Signal
	defer func() { bash.DieOf(killed) }()
	start := func(w way, socket string) int {
		status, err := w.run(socket, &killed)
		if err != nil {
			fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		}
		return status
	}
	s, err := guard.Open(guard.Here())
	if err != nil {
		// Nobody may lose the way to root because a guard could not start.
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this command runs unguarded\n", err)
		return start(how(nil), "")
	}
	s.Greet()
	w := how(s)
	out := s.Argv(context.Background(), guard.Quote(append([]string{name}, args...)), w.why, w.behind)
	if !out.Release {
		s.Close(guard.StatusRefused)
		return guard.StatusRefused
	}
	socket := ""
	if w.behind {
		path, done := s.Answers()
		defer done()
		socket = path
	}
	status := start(w, socket)
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
