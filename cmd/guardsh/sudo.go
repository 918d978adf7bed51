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
// guardsh itself. Else it is run with the same arguments. name is sudo or
// sudoedit.
func sudo(name string, args []string) int {
	real, err := realProgram(name, os.Getenv("PATH"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
		return bash.StatusFailed
	}
	c := readSudo(args)
	if name == "sudoedit" {
		c = readSudo(append([]string{"-e"}, args...))
	}
	return front(name, args, func(s *guard.Session) way {
		run := func(args []string, killed *syscall.Signal) (int, error) {
			return bash.Run(context.Background(), bash.Config{Bash: real, Name: name, Killed: killed}, args)
		}
		w := way{why: notOurs, plain: func(killed *syscall.Signal) (int, error) { return run(args, killed) }}
		self, err := os.Executable()
		asks, serr := realProgram("sudo", os.Getenv("PATH"))
		if err != nil || serr != nil || s == nil {
			return w
		}
		told := openSudoers(asks, self)
		if command, ok := c.held(self); ok {
			if s.Config.Sudo != guard.SudoFront {
				c.keepFiles(&w, told, command)
			}
			return w
		}
		ways, shell := c.instead(self, shellOf, guard.IsTerminal(os.Stdin))
		switch {
		case len(ways) == 0 || s.Config.Sudo == guard.SudoFront && !shell:
			return w
		case !canStart(ways[0].user, self):
			w.why = guard.Unguarded{Why: ways[0].user + " cannot start " + self}
			return w
		}
		in, l := told.allows(c, ways)
		if s.Config.Sudo == guard.SudoRewrite {
			l = max(l, likely)
		}
		switch {
		case l <= failed && c.opensGuardsh(shellOf):
			w.why = guard.Unguarded{}
			return w
		case l == failed:
			w.why = guard.Unguarded{Why: "sudo did not start guardsh there a moment ago", Hint: "sudo -v   # and then this once more"}
			return w
		case l == refused:
			w.why = guard.Unguarded{Why: "sudoers does not allow guardsh there", Hint: "let sudoers allow " + self}
			return w
		case shell:
			w.why = guard.Unguarded{}
		}
		// What sudo does not tell is only tried where it is worth a refusal.
		w.takes = func(found bool) bool { return shell || l > unknown || found }
		w.behind = in.at > 0
		w.guarded = func(socket string, killed *syscall.Signal) (int, error) {
			with := slices.Clone(in.args)
			if in.at > 0 {
				with[in.at] = cmp.Or(socket, "-")
			}
			return run(with, killed)
		}
		w.over = func(taken, arrived bool, status int) {
			switch {
			case l == allowed && (arrived || status != 1):
			case taken && in.at == 0:
			case taken && arrived, !taken && told.quietly(in.probe...):
				told.learn(in, allowed)
			case taken && status == 1:
				told.learn(in, refused)
				if l == unknown {
					fmt.Fprintf(os.Stderr, "hint: where sudoers allows this but not %s, type it again: sudo then runs it as it stands\n", self)
				}
			}
		}
		return w
	})
}

// way is how a command that changes the user is run.
type way struct {
	why     guard.Unguarded                                          // why a shell that it opens will not be guarded
	plain   func(killed *syscall.Signal) (int, error)                // runs it as it was typed
	guarded func(socket string, killed *syscall.Signal) (int, error) // runs it with guardsh in its place or beside it; nil: there is no such way
	takes   func(found bool) bool                                    // whether that way is taken; found: see Request.IsBehind
	behind  bool                                                     // guardsh judges again there, and keeps
	over    func(taken, arrived bool, status int)                    // told whether it was taken, whether guardsh was there, and how it ended; may be nil
}

// notOurs is said of a shell that is no bash, or that is opened in a way that
// guardsh does not know.
var notOurs = guard.Unguarded{Why: "guardsh cannot stand in for it"}

// su is sudo's part for su and runuser, which need nobody's leave to start
// guardsh.
func su(name string, args []string) int {
	real, err := realProgram(name, os.Getenv("PATH"))
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
			return front(name, args, func(*guard.Session) way {
				return way{why: why, plain: func(killed *syscall.Signal) (int, error) {
					return bash.Run(context.Background(), bash.Config{Bash: real, Name: name, Killed: killed}, args)
				}}
			})
		}
	}
	bash.AsStarted()
	err = syscall.Exec(real, append([]string{name}, args...), os.Environ())
	fmt.Fprintf(os.Stderr, "guardsh: %s: %s\n", real, err)
	return bash.StatusFailed
}

// front judges a command line of a program that changes the user and runs it,
// the way that how finds.
func front(name string, args []string, how func(*guard.Session) way) int {
	var killed syscall.Signal
	defer func() { bash.DieOf(killed) }()
	plain := func(w way) int { return ended(w.plain(&killed)) }
	s, err := guard.Open(guard.Here())
	if err != nil {
		// Nobody may lose the way to root because a guard could not start.
		fmt.Fprintf(os.Stderr, "guardsh: %s\nguardsh: this command runs unguarded\n", err)
		return plain(how(nil))
	}
	s.Greet()
	w := how(s)
	bash.HaveThreads()
	taken := false
	out := s.Argv(context.Background(), guard.Quote(append([]string{name}, args...)), w.why, func(found bool) bool {
		taken = w.guarded != nil && w.takes(found)
		return taken && w.behind
	})
	if !out.Release {
		s.Close(guard.StatusRefused)
		return guard.StatusRefused
	}
	status, arrived := 0, false
	if taken {
		f := s.Front()
		status = ended(w.guarded(f.Path, &killed))
		if f.Denied() {
			status = plain(w) // for sudo to say so
		}
		arrived = f.Arrived()
		f.Close()
	} else {
		status = plain(w)
	}
	if w.over != nil {
		w.over(taken, arrived, status)
	}
	os.Stderr.WriteString(s.Ended(out, status))
	s.Close(status)
	return status
}

// ended says what kept a program from running, and passes its status on.
func ended(status int, err error) int {
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
	}
	return status
}

// systemPath is where sudo and su are whatever PATH says.
const systemPath = "/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin:/run/wrappers/bin"

// realProgram finds name on PATH, or else where systems keep it, past every link
// to guardsh itself, so that guardsh under the name sudo never calls itself.
func realProgram(name, path string) (string, error) {
	self, err := os.Stat("/proc/self/exe")
	for _, dir := range append(filepath.SplitList(path), filepath.SplitList(systemPath)...) {
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
	return "", fmt.Errorf("%s: %w (looked along PATH and in %s, past guardsh itself)", name, exec.ErrNotFound, systemPath)
}
