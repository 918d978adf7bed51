package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/bash"
	"guardsh/rules/command"
)

// still is the shell that a line, a script or a standard input will run in.
func (s *Session) still(args []string) (Shell, string) {
	cwd, _ := os.Getwd() // "" is a working directory that is not known
	return &command.StaticShell{Environ: s.place.Env, Dir: cwd, Login: sessionUser(), Args: args}, cwd
}

// request is a request from a shell without prompts.
func (s *Session) request(src string, from Source, args []string) Request {
	sh, cwd := s.still(args)
	return Request{Src: src, Source: from, Shell: sh, Cwd: cwd, TTY: s.place.TTY, Open: openControlling}
}

// RunLine runs LINE as bash -c would, when it is judged so. args are $0 and
// the parameters behind it. Where a shell of the line takes its commands from
// the standard input (ssh HOST bash -s < x.sh), they are judged with it.
func (s *Session) RunLine(ctx context.Context, line string, args, options []string) (int, error) {
	s.prepareStarts()
	var params []string
	if len(args) > 0 {
		params = args[1:]
	}
	argv := append(append(append([]string{}, options...), "-c", line), args...)
	r := s.request(line, Command, params)
	if isTerminal(os.Stdin) || closed(os.Stdin) || isNull(os.Stdin) || !opensShell(r) {
		return s.Run(ctx, r, argv)
	}
	var done before
	return s.runRead(ctx, os.Stdin, argv, func(text []byte, given int) Request {
		part := r
		if len(text) > 0 {
			part.Src = withInput(line, string(text))
		}
		if given > 0 {
			part.Part = string(text[given:])
		}
		part.Before = &done
		return part
	})
}

// opensShell reports whether a line starts a shell that reads its commands
// from the line's own standard input.
func opensShell(r Request) bool {
	// The line is understood once more when it is judged: a few turns of its
	// loops say enough here, the last of which stands for all further ones.
	l := command.Understand(r.Src, command.Options{Shell: r.Shell, Limits: command.Limits{Unroll: 16}})
	return slices.ContainsFunc(l.Actions, func(a command.Action) bool { return a.Opens })
}

// withInput is a line together with what it reads, as one text in bash's own
// words: it is judged and recorded so, and judging the record again comes to
// the same.
func withInput(line, text string) string {
	end := "STANDARD-INPUT"
	for strings.Contains(text, end) {
		end += "-"
	}
	return "{ " + line + "\n} <<'" + end + "'\n" + strings.TrimSuffix(text, "\n") + "\n" + end + "\n"
}

// RunFile runs a script as bash FILE ARG… would.
func (s *Session) RunFile(ctx context.Context, file string, args, options []string) (int, error) {
	s.prepareStarts()
	argv := append(append(append([]string{}, options...), "--", file), args...)
	return s.Run(ctx, s.request(Quote(append([]string{"bash", "--", file}, args...)), Script, nil), argv)
}

// Argv judges a command that will be started as it stands, without a shell.
// why is said of a shell that it opens; nothing where that will be guarded.
// behind is asked whether another guardsh judges it once more, as root; found
// says that there was something to find about it.
func (s *Session) Argv(ctx context.Context, line string, why Unguarded, behind func(found bool) bool) Outcome {
	r := s.request(line, Sudo, nil)
	r.Unguarded, r.IsBehind, r.Alone = why, behind, true
	out := s.Line(ctx, r)
	s.tell(r, out)
	return out
}

// RunArgv runs a command as it stands, without a shell, when it is judged so.
// program is its file.
func (s *Session) RunArgv(ctx context.Context, program string, argv []string) (int, error) {
	r := s.request(Quote(argv), Exec, nil)
	r.Open, r.Alone = openAsForeground, true
	out := s.Line(ctx, r)
	s.tell(r, out)
	if !out.Release {
		return StatusRefused, nil
	}
	cfg := bash.Config{Bash: program, Name: argv[0], Env: s.place.Env, Last: true, Killed: &s.killed, Spawn: s.spawn}
	status, err := bash.Run(ctx, cfg, argv[1:])
	if errors.Is(err, unix.ENOEXEC) {
		// A script without a first line that says by what: execvp(3) takes sh.
		cfg.Bash, cfg.Name = "/bin/sh", "sh"
		status, err = bash.Run(ctx, cfg, append([]string{program}, argv[1:]...))
	}
	if err != nil {
		return bash.StatusFailed, err
	}
	s.tellEnd(r, out, status)
	return status, nil
}

// Hold keeps what a command changes that somebody else runs, during run. Whether
// it may run was asked there; here it is only refused where nothing could be
// kept of what needs it.
func (s *Session) Hold(ctx context.Context, argv []string, run func()) (status int) {
	r := s.request(Quote(argv), Sudo, nil)
	r.Open = nil
	out := Outcome{Number: s.nextLine()}
	j := s.understandAndJudge(r)
	s.trail.line(out.Number, r, j)
	ok := s.keep(ctx, r, j, &out)
	out.mustSay(s.trail.news())
	out.Release = ok
	s.tell(r, out)
	if !ok {
		return StatusRefused
	}
	out.checks, out.released = checksOf(j), time.Now()
	run()
	s.tellEnd(r, out, 0)
	return 0
}

// RunStdin runs a script that comes on standard input. Where it ends within a
// moment it is judged whole, before anything of it runs; a stream is judged
// command by command.
func (s *Session) RunStdin(ctx context.Context, in *os.File, args, options []string) (int, error) {
	argv := append(append(append([]string{}, options...), "-s", "--"), args...)
	var done before
	return s.runRead(ctx, in, argv, func(text []byte, given int) Request {
		r := s.request(string(text), Stdin, args)
		if given > 0 {
			r.Part = string(text[given:])
		}
		r.Before = &done
		return r
	})
}

// runRead runs bash with a standard input that holds commands. request is what
// has to be judged when text is known, of which the first given bytes were
// judged before.
func (s *Session) runRead(ctx context.Context, in *os.File, argv []string, request func(text []byte, given int) Request) (int, error) {
	bash.Begun() // what was read does not come again
	script, err := readScript(in)
	if errors.Is(err, fs.ErrClosed) || err != nil && in == os.Stdin && closed(in) {
		return bash.Run(ctx, bash.Config{Name: s.place.Name, Env: s.place.Env, Killed: &s.killed}, argv)
	}
	if err != nil {
		return bash.StatusFailed, err
	}
	if script.File {
		return s.Run(ctx, request(script.Text, 0), argv)
	}
	if !script.Whole && len(script.Text) <= scriptBound {
		return s.stream(ctx, in, script.Text, argv, request)
	}
	r := request(script.Text, 0)
	r.Alone = true
	out := s.Line(ctx, r)
	s.tell(r, out)
	if !out.Release {
		return StatusRefused, nil
	}
	status, err := s.fed(ctx, argv, func(w io.Writer) error {
		if _, err := w.Write(script.Text); err != nil || script.Whole {
			return err
		}
		_, err := io.Copy(w, in)
		return err
	})
	if err == nil {
		s.tellEnd(r, out, status)
	}
	return status, err
}

// fed runs bash with a pipe for its standard input, which feed writes. A bash
// that ends before it has read everything is nobody's error.
func (s *Session) fed(ctx context.Context, argv []string, feed func(io.Writer) error) (int, error) {
	pr, pw, err := os.Pipe()
	if err != nil {
		return bash.StatusFailed, fmt.Errorf("a pipe for the script: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = feed(pw)
		pw.Close()
	}()
	status, err := bash.Run(ctx, bash.Config{Name: s.place.Name, Env: s.place.Env, Stdin: pr, Killed: &s.killed, Spawn: s.spawn}, argv)
	pr.Close()
	return status, err
}

// isNull reports whether a file is /dev/null, in which no commands are.
func isNull(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}

// closed reports whether a standard file's descriptor was not open at all.
func closed(f *os.File) bool { return bash.Closed(int(f.Fd())) }
