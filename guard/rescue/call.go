package rescue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// tell says what was done.
func (c *call) tell(format string, a ...any) { fmt.Fprintf(c.out, format+"\n", a...) }

// saying is an error in the words of the real tool.
type saying string

func (s saying) Error() string { return string(s) }

// trouble is the status of what a command could not do, where it is not 1.
func trouble(command string) int {
	switch command {
	case "ls", "grep", "egrep", "fgrep", "cmp", "sort", "tar", "dpkg-deb", "blkid":
		return 2
	}
	return 0
}

// failed notes that something could not be done.
func (c *call) failed() { c.status = max(c.status, 1, trouble(c.name)) }

// say is an error in words; the command goes on.
func (c *call) say(format string, a ...any) {
	c.err(c.name + ": " + fmt.Sprintf(format, a...) + "\n")
	c.failed()
}

// silent are errors that need no words: ^C, and a pipe that nobody reads.
func silent(err error) bool {
	return err == nil || errors.Is(err, context.Canceled) || errors.Is(err, unix.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// fail is an error; the command goes on.
func (c *call) fail(err error) {
	if !silent(err) {
		c.say("%s", inWords(err))
	}
}

// failAt is an error about a file; the command goes on.
func (c *call) failAt(name string, err error) {
	if !silent(err) {
		c.say("%s: %s", name, reason(err))
	}
}

// cannot is an error about what was to be done with a file, as "remove" or
// "stat", in GNU's words; the command goes on.
func (c *call) cannot(what, name string, err error) {
	if !silent(err) {
		c.say("cannot %s %s: %s", what, shown(name), reason(err))
	}
}

// shown is a file's name in a message.
func shown(name string) string {
	if printable(name) != name || strings.Contains(name, "'") {
		return quote(name)
	}
	return "'" + name + "'"
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
	err := fs.Parse(unabbreviated(fs, c.args))
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprintf(c.out, "usage: %s %s\n%s", c.name, c.use, fs.FlagUsages())
		return nil, false
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		c.say("invalid option -- '%s'", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		c.say("unrecognized option '--%s'", unknown.GetSpecifiedName())
	case errors.As(err, &bare) && bare.GetSpecifiedShortnames() != "":
		c.say("option requires an argument -- '%s'", bare.GetSpecifiedName())
	case err != nil:
		c.say("%s", err)
	case fs.NArg() == 0 && atLeast > 0:
		what := "operand"
		if slices.Contains([]string{"cp", "mv", "ln", "touch"}, c.name) {
			what = "file operand"
		}
		c.say("missing %s", what)
	case fs.NArg() < atLeast:
		c.say("missing operand after %s", shown(fs.Arg(fs.NArg()-1)))
	case atMost >= 0 && fs.NArg() > atMost:
		c.say("extra operand %s", shown(fs.Arg(atMost)))
	default:
		return fs.Args(), true
	}
	c.misuse()
	return nil, false
}

// unabbreviated writes out long options of which only the beginning is given,
// where there is but one that begins so.
func unabbreviated(fs *pflag.FlagSet, args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		name, isLong := strings.CutPrefix(a, "--")
		if a == "--" {
			break
		}
		name, value, hasValue := strings.Cut(name, "=")
		if !isLong || name == "" || fs.Lookup(name) != nil {
			continue
		}
		var full []string
		fs.VisitAll(func(f *pflag.Flag) {
			if strings.HasPrefix(f.Name, name) {
				full = append(full, f.Name)
			}
		})
		if len(full) == 1 {
			out[i] = "--" + full[0]
			if hasValue {
				out[i] += "=" + value
			}
		}
	}
	return out
}

// oneOf adds an option that, like others, sets the same choice: the last one
// given counts.
func oneOf(fs *pflag.FlagSet, choice *string, long, short, is, about string) {
	fs.VarPF(chosenBy{choice, is}, long, short, about).NoOptDefVal = "true"
}

type chosenBy struct {
	choice *string
	is     string
}

func (c chosenBy) String() string   { return "" }
func (c chosenBy) Type() string     { return "bool" }
func (c chosenBy) Set(string) error { *c.choice = c.is; return nil }

// misuse says how a command is called.
func (c *call) misuse() {
	c.err("usage: " + c.name + " " + c.use + "\n")
	c.failed()
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
			c.failAt(n, f(n, c.in))
			continue
		}
		file, err := os.Open(c.path(n))
		if err != nil {
			c.unread(openWords, n, err)
			continue
		}
		c.unread(readWords, n, f(n, stoppable{c.ctx, file}))
		file.Close()
	}
}

// openWords is what a command says of a file that it cannot open, where it is not
// just its name and the reason.
func openWords(command string) string {
	switch command {
	case "head", "tail":
		return "cannot open '%s' for reading: %s"
	case "sort":
		return "cannot read: %s: %s"
	case "sed":
		return "can't read %s: %s"
	}
	return ""
}

// readWords is what it says of one that it cannot read on.
func readWords(command string) string {
	switch command {
	case "head", "tail":
		return "error reading '%s': %s"
	case "sort":
		return "read failed: %s: %s"
	case "sed":
		return "couldn't edit %s: %s"
	}
	return ""
}

func (c *call) unread(words func(command string) string, name string, err error) {
	switch w := words(c.name); {
	case silent(err):
	case w != "":
		c.say(w, name, reason(err))
	default:
		c.failAt(name, err)
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
	c.out.WriteString(helpEnd)
}

const helpEnd = `
help COMMAND shows its arguments, COMMAND --help its options, help | less a page
after the other. Keys: tab completes, ^R searches the history, ^C ends a line.
exit leaves.

To bring a library back: find what is missing by starting a program, which says
it; then take it from where it still is, a medium for one.
  mount /dev/sdb1 /mnt; dpkg-deb -x /mnt/libc6_*.deb /root/new
  cp -a /root/new/usr/lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/
What has only been moved is moved back: mv /lib.bak /lib. A link that has to be
another one at once: ln -sfn usr/lib /lib.
To start a program of another system's, with that system's libraries:
  chroot /mnt bash
  /mnt/lib64/ld-linux-x86-64.so.2 --library-path /mnt/lib/x86_64-linux-gnu /mnt/bin/ls
`
