package bash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Interactive runs bash on a pseudo terminal until it ends and returns its
// exit status, 128+n when signal n killed it. When it returns, everything
// that bash wrote has been shown and the outer terminal is as it was.
func Interactive(ctx context.Context, cfg Config) (status int, err error) {
	path, err := cfg.fill()
	if err != nil {
		return StatusFailed, notFound()
	}
	dir, remove, err := runtimeDir(cfg.Dir, writeScripts)
	if err != nil {
		return StatusFailed, err
	}
	defer remove()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	scr, slave, done, err := openScreen(cfg)
	if err != nil {
		return StatusFailed, err
	}
	defer done()
	scr.holdsPaste = true
	g, err := openGate(ctx, cfg, dir, scr)
	if err != nil {
		return StatusFailed, err
	}
	defer g.close()
	env, err := wrapperPath(cfg, dir, gateEnv(cfg.Env, dir))
	if err != nil {
		return StatusFailed, err
	}
	argv := append([]string{cmp.Or(cfg.Name, "bash")}, cfg.Args...)
	if cfg.Terminals != nil {
		cfg.Terminals(g.terminalOf)
	}
	start := func() (pid int, err error) {
		var proc *os.Process
		err = cfg.spawn(func() (err error) {
			proc, err = os.StartProcess(path, argv, &os.ProcAttr{
				Env: env, Files: []*os.File{slave, slave, slave},
				Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true},
			})
			return err
		})
		slave.Close() // the last holder below has to be the last of all
		if err != nil {
			return 0, &CannotStart{Why: Why(path, err)}
		}
		return proc.Pid, nil
	}
	haveSessionThreads()
	return scr.run(ctx, start, g.watch, g.watchForks)
}

// run starts what the inner terminal is for and joins it to the outer one until
// it ends. beside run meanwhile.
func (s *screen) run(ctx context.Context, start func() (pid int, err error), beside ...func(context.Context)) (status int, err error) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGWINCH, unix.SIGHUP, unix.SIGTERM, unix.SIGCONT)
	InheritIgnored()
	for _, sig := range []os.Signal{unix.SIGTSTP, unix.SIGINT, unix.SIGQUIT, unix.SIGTTIN, unix.SIGTTOU} {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	defer signal.Stop(signals)
	if err := s.makeRaw(); err != nil {
		return StatusFailed, err
	}
	defer s.makeCooked()
	s.resize()
	pid, err := start()
	if err != nil {
		return StatusFailed, err
	}
	Begun()

	var pumps sync.WaitGroup
	pumps.Go(s.pumpKeys)
	go s.pumpOutput() // ends with the last holder of the terminal, which may outlive the shell
	ended := make(chan int, 1)
	go func() {
		ended <- waitFor(pid, func(syscall.Signal) { suspend(s, pid, unix.SIGTSTP) }, s.cfg.Killed)
	}()

	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	for _, watch := range beside {
		pumps.Go(func() { watch(watching) })
	}

	done := ctx.Done()
	var hung <-chan time.Time // ticks once the session is to end
	for {
		select {
		case <-hung:
			hangUpReader(s, pid)
		case status := <-ended:
			stopWatching()
			// What the shell and its children wrote is shown before the status is
			// reported; what is left below it may go on writing for ever.
			s.barrier(drainLimit)
			s.endKeys()
			pumps.Wait()
			return status, nil
		case sig := <-signals:
			handleSignal(s, pid, sig)
			if hung == nil && (sig == unix.SIGHUP || sig == unix.SIGTERM) {
				hung = time.Tick(hungLook)
			}
		case <-done:
			done = nil
			hangUp(s, pid)
			hung = time.Tick(hungLook)
		}
	}
}

// drainLimit bounds how long the last output may take to be shown, on a
// terminal that was stopped or lost.
const drainLimit = 2 * time.Second

// handleSignal does for one signal to guardsh what a terminal would do.
func handleSignal(scr *screen, pid int, sig os.Signal) {
	switch sig {
	case unix.SIGWINCH:
		scr.resize()
	case unix.SIGHUP, unix.SIGTERM:
		hangUp(scr, pid)
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		suspend(scr, 0, sig)
	}
	// INT and QUIT sent to us from elsewhere are not for the line that runs;
	// from the keyboard they come as keys.
}

// hangUp ends the inner session as a closed terminal does: the shell and what
// runs in the foreground are told, the shell first, as the kernel has it. One that
// was told only behind its foreground job would be at its prompt's commands by
// then, where bash does not pass it on to its jobs.
func hangUp(scr *screen, pid int) {
	pgrp, err := unix.IoctlGetInt(scr.master, unix.TIOCGPGRP)
	unix.Kill(pid, unix.SIGHUP)
	unix.Kill(pid, unix.SIGCONT)
	if err == nil && pgrp > 1 && pgrp != pid {
		unix.Kill(-pgrp, unix.SIGHUP)
		unix.Kill(-pgrp, unix.SIGCONT)
	}
}

// hungLook is how often a shell that was told to end is looked at.
const hungLook = 100 * time.Millisecond

// hangUpReader tells a shell once more that its terminal is gone while it reads
// keys all the same. A signal that reaches readline when it has shown the prompt
// and does not wait for keys yet is only noted; bash acts upon it with the next
// key, and on a terminal that is really gone that is the end of the file. A
// shell that has begun to end reads no keys and is left to its EXIT trap.
func hangUpReader(scr *screen, pid int) {
	if pgrp, reading := scr.reader(); reading && pgrp == pid {
		unix.Kill(pid, unix.SIGHUP)
	}
}

// suspend stops this process with the terminal as it was, until it is
// continued; pid, when not 0, is a shell that stopped itself and goes on then.
func suspend(scr *screen, pid int, sig os.Signal) {
	scr.stopMu.Lock()
	defer scr.stopMu.Unlock()
	if sig != unix.SIGTSTP && scr.inFront() {
		return // it has come to the front since
	}
	scr.makeCooked()
	// Another thread may take the stop, and this one would go on for a moment.
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	for {
		unix.Kill(os.Getpid(), unix.SIGSTOP)
		<-continued
		if scr.inFront() {
			break
		}
		// bg: a shell in the background stops again, and is a job for fg.
	}
	signal.Stop(continued)
	scr.makeRaw()
	scr.resize()
	if pid != 0 {
		unix.Kill(pid, unix.SIGCONT)
	}
}

// waitFor waits for a child and returns its status. stopped is called when it
// was stopped, as by suspend, with the signal that did.
func waitFor(pid int, stopped func(by syscall.Signal), killed *syscall.Signal) int {
	for {
		var ws unix.WaitStatus
		_, err := unix.Wait4(pid, &ws, unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return StatusFailed
		case ws.Stopped():
			stopped(ws.StopSignal())
		default:
			return statusOf(ws, killed)
		}
	}
}

// statusOf is the status of a child that has ended.
func statusOf(ws unix.WaitStatus, killed *syscall.Signal) int {
	if !ws.Signaled() {
		return ws.ExitStatus()
	}
	if killed != nil {
		*killed = ws.Signal()
	}
	return 128 + int(ws.Signal())
}

// spawn starts bash by start.
func (c *Config) spawn(start func() error) error {
	own := func() error {
		defer AsStarted()()
		return start()
	}
	if c.Spawn != nil {
		return c.Spawn(own)
	}
	return own()
}

// fill sets what was left out and finds bash.
func (c *Config) fill() (path string, err error) {
	if c.In == nil {
		c.In = os.Stdin
	}
	if c.Out == nil {
		c.Out = os.Stdout
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	if c.Bash == "" {
		return Find()
	}
	if path, err = exec.LookPath(c.Bash); err != nil {
		return "", fmt.Errorf("find bash: %w", err)
	}
	return path, nil
}

// Find finds bash where systems keep it: a login without PATH is no reason to
// have no shell, and one with something else by that name on its PATH would
// not have that for its shell without us either. PATH is the last resort.
func Find() (string, error) {
	for _, name := range append(Places, "bash") {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find bash: it is neither on PATH nor in %s", strings.Join(Places, ", "))
}

// Places are where systems keep bash: Debian and its relatives, those
// without a merged /usr, BSD-like prefixes, NixOS.
var Places = []string{"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/run/current-system/sw/bin/bash"}

// runtimeDir makes the session's directory and has it filled. A given one is made
// if it is not there, and stays.
func runtimeDir(dir string, fill func(dir string) error) (path string, remove func(), err error) {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // su may lead to a user whose shell has to reach its channel
	}
	if dir != "" {
		if err := os.MkdirAll(dir, mode); err != nil {
			return "", nil, fmt.Errorf("make the runtime directory: %w", err)
		}
		dir, err := os.MkdirTemp(dir, "gate.")
		if err != nil {
			return "", nil, fmt.Errorf("make the runtime directory: %w", err)
		}
		if err = os.Chmod(dir, mode); err == nil {
			err = fill(dir)
		}
		return dir, func() { os.RemoveAll(dir) }, err
	}
	var bases []string
	if os.Geteuid() == 0 {
		if os.MkdirAll("/run/guardsh", 0o711) == nil {
			bases = append(bases, "/run/guardsh")
		}
	} else if x := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(x) {
		bases = append(bases, x)
	}
	// In memory at the end: a root directory that was mounted read-only, with
	// nothing on /run yet, still has these.
	bases = append(bases, os.TempDir(), "/dev/shm", "/dev")
	var first error
	for _, base := range bases {
		path, err := os.MkdirTemp(base, "guardsh.")
		if err == nil {
			if err = os.Chmod(path, mode); err == nil {
				err = fill(path) // it may be full
			}
			if err != nil {
				os.RemoveAll(path)
			}
		}
		if err == nil {
			return path, func() { os.RemoveAll(path) }, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", nil, fmt.Errorf("make the runtime directory: %w", first)
}

// wrapperPath makes the directory of stand-in programs and puts it first on
// PATH.
func wrapperPath(cfg Config, dir string, env []string) ([]string, error) {
	if len(cfg.Wrappers) == 0 {
		return env, nil
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return nil, err
	}
	for name, target := range cfg.Wrappers {
		if err := os.Symlink(target, filepath.Join(bin, filepath.Base(name))); err != nil {
			return nil, err
		}
	}
	for i, kv := range env {
		if len(kv) >= 5 && kv[:5] == "PATH=" {
			env[i] = "PATH=" + bin + ":" + kv[5:]
			return env, nil
		}
	}
	return append(env, "PATH="+bin+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), nil
}
