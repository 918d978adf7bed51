package rescue

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
)

// own marks a name that the interpreter takes for a builtin of its own but
// cannot run.
const own = "rescue:"

// rename leads the interpreter's names to what runs them here.
func rename(_ context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "logout":
		args = slices.Clone(args)
		args[0] = "exit"
	case "kill", "umask", "history", "help", "type", "jobs", "fg", "wait", "bg":
		args = slices.Clone(args)
		args[0] = own + args[0]
	}
	return args, nil
}

// start runs one command of a line: its words are final here, and are judged
// once more as they really are.
func (s *Shell) start(ctx context.Context, args []string) error {
	args = slices.Clone(args)
	args[0] = strings.TrimPrefix(args[0], own)
	if err := s.judgeStarted(ctx, quoteAll(args)); err != nil {
		return err
	}
	if c := s.find(args[0]); c != nil {
		return s.builtIn(ctx, c, args)
	}
	return s.program(ctx, args)
}

// builtIn runs a command of our own.
func (s *Shell) builtIn(ctx context.Context, cmd *command, args []string) (err error) {
	hc := interp.HandlerCtx(ctx)
	out := bufio.NewWriter(hc.Stdout)
	c := &call{
		ctx: ctx, name: args[0], args: args[1:], in: interruptible(ctx, stdinOf(hc)), out: out, raw: hc.Stdout, dir: hc.Dir,
		env: func(name string) string { return hc.Env.Get(name).String() }, shell: s, use: cmd.use,
	}
	c.err = func(text string) {
		out.Flush()
		io.WriteString(hc.Stderr, text)
	}
	// One command that fails must not end the only shell there is.
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(hc.Stderr, "%s: this is a bug of guardsh: %v\n", args[0], p)
			err = interp.ExitStatus(1)
		}
	}()
	cmd.run(c)
	if err := out.Flush(); err != nil && !errors.Is(err, syscall.EPIPE) {
		c.fail(err)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case c.halt != nil:
		return c.halt
	case c.status != 0:
		return interp.ExitStatus(c.status)
	}
	return nil
}

// program starts a program of the disk.
func (s *Shell) program(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	path, err := interp.LookPathDir(hc.Dir, hc.Env, args[0])
	if err != nil && slices.Contains(shells, args[0]) {
		return s.asShell(ctx, args)
	}
	if err != nil {
		fmt.Fprintf(hc.Stderr, "%s: command not found (help lists what is built in)\n", args[0])
		return interp.ExitStatus(127)
	}
	cmd := exec.Command(path)
	cmd.Args, cmd.Env, cmd.Dir = args, exported(hc), hc.Dir
	cmd.Stdout, cmd.Stderr = hc.Stdout, hc.Stderr
	cmd.Stdin = stdinOf(hc)
	return s.wait(ctx, cmd, func(err error) error {
		if shell, script := shellOf(path); shell {
			if script {
				args = append([]string{args[0], path}, args[1:]...)
			}
			return s.asShell(ctx, args)
		}
		return err
	})
}

// wait starts a program and waits for it. ^C comes to it from the terminal; it
// decides itself what that means. instead is asked what to do where it does
// not start.
func (s *Shell) wait(ctx context.Context, cmd *exec.Cmd, instead func(error) error) error {
	hc := interp.HandlerCtx(ctx)
	if inBackground(ctx) {
		// Not of the group that ^C at the prompt is for.
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Setpgid = true
	}
	err := cmd.Start()
	if err != nil {
		if err = instead(err); err == nil || isExit(err) || errors.Is(err, errRefused) || ctx.Err() != nil {
			return err
		}
		why := inWords(err)
		if s.cfg.Why != nil {
			why = s.cfg.Why(cmd.Path, err)
		}
		fmt.Fprintf(hc.Stderr, "%s: does not start: %s\n", cmd.Args[0], why)
		return interp.ExitStatus(126)
	}
	if inBackground(ctx) {
		stop := endWith(ctx, cmd.Process.Pid)
		defer stop()
	}
	err = cmd.Wait()
	var ee *exec.ExitError
	if !errors.As(err, &ee) {
		return err
	}
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return interp.ExitStatus(128 + ws.Signal())
	}
	return interp.ExitStatus(ee.ExitCode())
}

// isExit reports an error that is only a command's status.
func isExit(err error) bool {
	var es interp.ExitStatus
	return errors.As(err, &es)
}

// stdinOf is what a program reads. One in the background reads nothing, and not
// from /dev/null, which may not be there.
func stdinOf(hc interp.HandlerContext) io.Reader {
	if f, ok := hc.Stdin.(*os.File); hc.Stdin == nil || ok && f == nil {
		return strings.NewReader("")
	}
	return hc.Stdin
}

// exported is the environment that a program gets.
func exported(hc interp.HandlerContext) []string {
	var env []string
	for name, v := range hc.Env.Each {
		if v.Exported && v.IsSet() {
			env = append(env, name+"="+v.String())
		}
	}
	return env
}

// shells are the programs that this shell can stand in for.
var shells = []string{"sh", "bash", "dash", "rbash"}

// shellOf reports whether a program is a shell, or a script for one.
func shellOf(path string) (shell, script bool) {
	if slices.Contains(shells, filepath.Base(path)) {
		return true, false
	}
	f, err := os.Open(path)
	if err != nil {
		return false, false
	}
	defer f.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, false
	}
	first, _, _ := bytes.Cut(head[:n], []byte("\n"))
	line, ok := strings.CutPrefix(string(first), "#!")
	if !ok {
		return false, false
	}
	f2 := strings.Fields(line)
	if len(f2) > 1 && filepath.Base(f2[0]) == "env" {
		f2 = f2[1:]
	}
	return len(f2) > 0 && slices.Contains(shells, filepath.Base(f2[0])), true
}

// asShell is "sh -c LINE" and "sh FILE" where no sh starts.
func (s *Shell) asShell(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	fail := func(status interp.ExitStatus, format string, a ...any) error {
		fmt.Fprintf(hc.Stderr, args[0]+": "+format+"\n", a...)
		return status
	}
	var src string
	name, rest := args[0], args[1:]
	line := false
	var set []string
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") && len(rest[0]) > 1 {
		o := rest[0]
		rest = rest[1:]
		if o == "--" {
			break
		}
		for _, c := range o[1:] {
			switch c {
			case 'c':
				line = true
			case 'e', 'u', 'x', 'f':
				set = append(set, "-"+string(c))
			case 'l':
			default:
				return fail(2, "-%c is not known here", c)
			}
		}
	}
	switch {
	case line && len(rest) == 0:
		return fail(2, "-c needs an argument")
	case line:
		src, rest = rest[0], rest[1:]
		if len(rest) > 0 {
			name, rest = rest[0], rest[1:]
		}
	case len(rest) > 0:
		file := rest[0]
		if !filepath.IsAbs(file) {
			file = filepath.Join(hc.Dir, file)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			status := interp.ExitStatus(126)
			if errors.Is(err, fs.ErrNotExist) {
				status = 127
			}
			return fail(status, "%s", inWords(err))
		}
		src, name, rest = string(b), file, rest[1:]
	default:
		return fail(126, "does not start here; this shell is its stand-in")
	}
	parsed, err := parse(src, name)
	if err != nil {
		return fail(2, "%s", err)
	}
	r, err := s.newRunner(hc.Dir, exported(hc), rest, hc.Stdin, hc.Stdout, hc.Stderr)
	if err != nil {
		return fail(1, "%s", err)
	}
	if len(set) > 0 {
		if err := interp.Params(append(append(set, "--"), rest...)...)(r); err != nil {
			return fail(2, "%s", err)
		}
	}
	return r.Run(ctx, parsed)
}
