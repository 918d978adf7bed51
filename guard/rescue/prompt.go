package rescue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
	"mvdan.cc/sh/v3/syntax"
)

// Prompts of the shell, and behind a line that is not complete.
const promptMore = "> "

// prompt says where a line will run.
func (s *Shell) prompt() string {
	sign := "$"
	if os.Geteuid() == 0 {
		sign = "#"
	}
	return "rescue:" + printable(s.runner.Dir) + sign + " "
}

// Interactive reads lines from the terminal, with editing, history and
// completion, until exit or the end of input, and returns the last status.
func (s *Shell) Interactive(ctx context.Context) int {
	// A terminal's hang-up ends the shell; what is meant for the line that
	// runs does not.
	quiet := make(chan os.Signal, 1)
	signal.Notify(quiet, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM)
	defer signal.Stop(quiet)

	s.history = openHistory(s.environ())
	// As in bash, where somebody types.
	if err := s.prepare(ctx, "shopt -s expand_aliases; alias ll='ls -l'"); err != nil {
		fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", inWords(err))
	}
	e := newEditor(s)
	status, warned := 0, false
	// stay says, once, what is lost with the shell.
	stay := func() bool {
		if warned || len(s.running()) == 0 {
			return false
		}
		warned = true
		fmt.Fprintln(s.cfg.Err, "guardsh: there are jobs in the background, which end with this shell (jobs lists them); leave once more to end them")
		return true
	}
	for {
		s.sayEnded()
		src, err := e.command()
		switch {
		case errors.Is(err, errInterrupted):
			status = 130
			_ = s.prepare(ctx, "(exit 130)")
			continue
		case errors.Is(err, errTooLong):
			fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", err)
			status = s.cfg.Status
			e.dropAhead()
			continue
		case errors.Is(err, io.EOF):
			if s.cfg.Stay != nil && !e.keys.gone {
				if words, stay := s.cfg.Stay(); stay {
					fmt.Fprint(s.cfg.Err, words)
					e.begin()
					continue
				}
			}
			if !e.keys.gone && stay() {
				e.begin()
				continue
			}
			fmt.Fprintln(s.cfg.Err, "exit")
			return status
		case err != nil:
			fmt.Fprintf(s.cfg.Err, "guardsh: the terminal: %s\n", inWords(err))
			return 1
		}
		var exited, refused bool
		status, exited, refused = s.line(ctx, src)
		if !exited && status != 0 {
			// $? of the next line, also of one that did not run.
			_ = s.prepare(ctx, fmt.Sprintf("(exit %d)", status))
		}
		if exited {
			if stay() {
				continue
			}
			return status
		}
		warned = false
		if refused && !s.cfg.KeepAhead {
			e.dropAhead()
		}
	}
}

// prepare runs lines of our own.
func (s *Shell) prepare(ctx context.Context, src string) error {
	file, err := parse(src, "")
	if err != nil {
		return err
	}
	for _, stmt := range file.Stmts {
		if err := s.runner.Run(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// line runs one line that was typed. It reports whether the shell ends, and
// whether the line or a command of it was refused.
func (s *Shell) line(ctx context.Context, src string) (status int, exited, refused bool) {
	file, err := parse(src, "")
	if err != nil {
		fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", err)
		return 2, false, false
	}
	if len(file.Stmts) == 0 {
		return 0, false, false
	}
	run, ended := s.judge(ctx, src)
	if !run {
		return s.cfg.Status, false, true
	}
	ctx, release := interrupts(ctx)
	defer release()
	for _, stmt := range file.Stmts {
		if stmt.Background {
			s.background(ctx, stmt)
			status = 0
			continue
		}
		err := s.runner.Run(ctx, stmt)
		status = s.status(err)
		refused = errors.Is(err, errRefused)
		if err != nil && !isExit(err) || ctx.Err() != nil {
			break // the rest of the line goes with it
		}
		if s.runner.Exited() {
			exited = true
			break
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintln(s.cfg.Err)
	}
	// A directory that this process stands in is one that cannot be
	// unmounted.
	if err := os.Chdir(s.runner.Dir); err != nil {
		_ = os.Chdir("/")
	}
	ended(status)
	return status, exited, refused
}

// interrupts makes ^C end a context.
func interrupts(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, unix.SIGINT)
	go func() {
		select {
		case <-sig:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(sig)
		cancel()
	}
}

var errInterrupted = errors.New("interrupted")

// editor reads lines from a terminal.
type editor struct {
	shell *Shell
	keys  *keys
	term  *term.Terminal
	asks  string // the prompt that stands
	line0 string // what stands behind it when the history is searched
}

func newEditor(s *Shell) *editor {
	e := &editor{shell: s, keys: &keys{in: s.cfg.In}}
	e.begin()
	return e
}

// begin makes the library's part new: it keeps the ^D that it has reported.
func (e *editor) begin() {
	s := e.shell
	e.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{e.keys, s.cfg.Out}, "")
	e.term.History = s.history
	e.term.AutoCompleteCallback = e.complete
}

// command reads lines until they make a whole command.
func (e *editor) command() (string, error) {
	src, ask := "", e.shell.prompt()
	for {
		line, err := e.line(ask)
		if err != nil {
			return "", err
		}
		src += line + "\n"
		if _, err := parse(src, ""); err == nil || !syntax.IsIncomplete(err) {
			return src, nil
		}
		ask = promptMore
	}
}

// line reads one line. The terminal takes single keys only as long.
func (e *editor) line(ask string) (string, error) {
	fd := int(e.shell.cfg.In.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, old) }()
	// Enter stays the end of a line: what is typed ahead is read by what the
	// line starts.
	if t, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
		t.Iflag |= unix.ICRNL
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	if w, h, err := term.GetSize(fd); err == nil && w > 0 {
		_ = e.term.SetSize(w, h)
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-resized:
				if w, h, err := term.GetSize(fd); err == nil && w > 0 {
					_ = e.term.SetSize(w, h)
				}
			case <-done:
				return
			}
		}
	})
	defer func() {
		signal.Stop(resized)
		close(done)
		watching.Wait()
	}()
	e.term.SetBracketedPasteMode(true)
	defer e.term.SetBracketedPasteMode(false)
	e.asks = ask
	e.term.SetPrompt(ask)
	e.keys.interrupted = false
	line, err := e.term.ReadLine()
	if e.keys.interrupted {
		return "", errInterrupted
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil // judged like any other
	}
	if utf8.RuneCountInString(line) >= longestLine {
		return "", errTooLong
	}
	return line, err
}

// longestLine is where the library begins to leave out what is typed: what is
// left of such a line may mean something else.
const longestLine = 4096

var errTooLong = errors.New("the line is too long and was not run: put it into a script")

// keys are the terminal's. ^C, which the library takes for the end of input,
// is made into keys that empty the line.
type keys struct {
	in          *os.File
	interrupted bool
	gone        bool          // there is no terminal any more
	look        func() []byte // set while the history is to be searched
	ready       []byte        // keys that a search has left
}

const ctrlC = 0x03

// Read takes one key at a time: what was typed behind a line is for what the
// line starts.
func (k *keys) Read(p []byte) (int, error) {
	if k.look != nil {
		look := k.look
		k.look = nil
		k.ready = look()
	}
	if len(k.ready) > 0 {
		n := copy(p, k.ready)
		k.ready = k.ready[n:]
		return n, nil
	}
	n, err := k.in.Read(p[:1])
	k.gone = k.gone || n == 0
	if n == 1 && p[0] == ctrlC {
		k.interrupted = true
		// To the end, ^C for the eye, and a line that nobody runs.
		n = copy(p, "\x05^C\r")
	}
	return n, err
}

// dropAhead throws away what was typed or pasted behind a line that was
// refused, and says how many lines that were: what follows a refused mount may
// be the copy into its directory.
func (e *editor) dropAhead() {
	fd := int(e.shell.cfg.In.Fd())
	buf := make([]byte, 4096)
	lines := 0
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 0); err != nil || n == 0 || fds[0].Revents&unix.POLLIN == 0 {
			break
		}
		n, err := unix.Read(fd, buf)
		if n <= 0 || err != nil {
			break
		}
		lines += bytes.Count(buf[:n], []byte{'\r'}) + bytes.Count(buf[:n], []byte{'\n'})
	}
	e.begin() // it may be in the middle of a paste
	if lines > 0 {
		fmt.Fprintf(e.shell.cfg.Err, "guardsh: lines typed or pasted behind it were not run: %d\n", lines)
	}
}
