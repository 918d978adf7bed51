package rescue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// command is one that is built in.
type command struct {
	name, use, about string
	run              func(*call)
}

// find is the command of a name, nil where none is built in.
func (s *Shell) find(name string) *command {
	for i := range s.commands {
		if s.commands[i].name == name {
			return &s.commands[i]
		}
	}
	return nil
}

// call is one start of a command.
type call struct {
	ctx   context.Context
	name  string
	args  []string
	use   string
	in    io.Reader
	out   *bufio.Writer
	raw   io.Writer // what out writes to
	err   func(string)
	dir   string
	env   func(string) string
	shell *Shell

	status int
	halt   error // of a command that this one started and that ends the line
}

// path is where a name leads: the process itself may stand elsewhere.
func (c *call) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	if name == "." {
		return c.dir
	}
	// Not by filepath.Join, which would take the slash off "link/".
	return strings.TrimSuffix(c.dir, "/") + "/" + name
}

// say is an error in words; the command goes on.
func (c *call) say(format string, a ...any) {
	c.err(c.name + ": " + fmt.Sprintf(format, a...) + "\n")
	c.status = max(c.status, 1)
}

// fail is an error; the command goes on.
func (c *call) fail(err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, unix.EPIPE) {
		return
	}
	c.say("%s", inWords(err))
}

// stopped says that ^C was pressed.
func (c *call) stopped() bool { return c.ctx.Err() != nil }

// options is an empty set of options.
func (c *call) options() *pflag.FlagSet {
	fs := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.SortFlags = false
	return fs
}

// read reads the command's options and wants so many operands, max < 0 for
// any number.
func (c *call) read(fs *pflag.FlagSet, atLeast, atMost int) ([]string, bool) {
	err := fs.Parse(c.args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprintf(c.out, "usage: %s %s\n%s", c.name, c.use, fs.FlagUsages())
		return nil, false
	case err != nil:
		c.say("%s", err)
	case fs.NArg() < atLeast || atMost >= 0 && fs.NArg() > atMost:
	default:
		return fs.Args(), true
	}
	c.misuse()
	return nil, false
}

// misuse says how a command is called.
func (c *call) misuse() {
	c.err("usage: " + c.name + " " + c.use + "\n")
	c.status = 2
}

// copy copies until the end or ^C.
func (c *call) copy(w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(w, stoppable{c.ctx, r})
}

// stoppable ends with a context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// eachInput runs f over the files that are named, "-" or none for standard
// input.
func (c *call) eachInput(names []string, f func(name string, r io.Reader) error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, n := range names {
		if c.stopped() {
			return
		}
		if n == "-" {
			c.fail(f(n, c.in))
			continue
		}
		file, err := os.Open(c.path(n))
		if err != nil {
			c.fail(err)
			continue
		}
		c.fail(f(n, stoppable{c.ctx, file}))
		file.Close()
	}
}

// interruptible lets ^C end a read from a terminal, which would otherwise
// wait for the next key.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	f, ok := r.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return stoppable{ctx, r}
	}
	return &terminalReader{ctx, f}
}

type terminalReader struct {
	ctx context.Context
	f   *os.File
}

func (t *terminalReader) Read(p []byte) (int, error) {
	var wake [2]int
	if err := unix.Pipe2(wake[:], unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	done := make(chan struct{})
	stop := context.AfterFunc(t.ctx, func() {
		unix.Write(wake[1], []byte{0})
		close(done)
	})
	defer func() {
		if !stop() {
			<-done // it writes to a descriptor that is about to be closed
		}
		unix.Close(wake[0])
		unix.Close(wake[1])
	}()
	fds := []unix.PollFd{{Fd: int32(t.f.Fd()), Events: unix.POLLIN}, {Fd: int32(wake[0]), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case fds[1].Revents != 0:
			return 0, t.ctx.Err()
		}
		return t.f.Read(p)
	}
}

// ask puts a plain question; anything but a y is no.
func (c *call) ask(format string, a ...any) bool {
	c.err(c.name + ": " + fmt.Sprintf(format, a...) + "? ")
	var b [1]byte
	answer := byte(0)
	for {
		n, err := c.in.Read(b[:])
		if n == 0 || err != nil || b[0] == '\n' {
			return answer == 'y' || answer == 'Y'
		}
		if answer == 0 {
			answer = b[0]
		}
	}
}

// help lists what is built in.
func help(c *call) {
	if len(c.args) > 0 {
		for _, n := range c.args {
			cmd := c.shell.find(n)
			if cmd == nil {
				c.say("%s is not built in", n)
				continue
			}
			fmt.Fprintf(c.out, "%s %s\n  %s\n", n, cmd.use, cmd.about)
		}
		return
	}
	c.out.WriteString("This is guardsh's own shell. It needs nothing else on the disk. It reads lines as\nbash does; programs of the disk are started where they can start. Built in:\n\n")
	for _, cmd := range c.shell.commands {
		fmt.Fprintf(c.out, "  %-10s %s\n", cmd.name, cmd.about)
	}
	c.out.WriteString("\nhelp COMMAND shows its arguments. exit leaves.\n")
}
