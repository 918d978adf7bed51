// Package rescue is the shell for the day when bash cannot start: the loader
// or its libraries are gone, and of the whole disk only guardsh still runs. It
// reads lines as bash does (mvdan.cc/sh) and has the commands that it takes to
// repair a machine built in, under the options that GNU's have, so that the
// rules judge here what they judge everywhere. An option that is not known
// here is refused, never passed over.
//
// Nothing else has to be there: no other file, no /etc/passwd, no /proc, no
// /dev beyond the terminal.
package rescue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Line is what is about to run, and the state of the shell that it would run
// in.
type Line struct {
	Src   string
	Dir   string
	Vars  []string // name=value of all variables
	Args  []string // $1 …
	Funcs map[string]string
	// Started says that Src is one command of a line that runs, in the words
	// that it really has, quoted.
	Started bool
}

// Config says what the shell has to work with.
type Config struct {
	In, Out, Err *os.File
	Env          []string
	Name         string   // $0
	Args         []string // $1 …
	// Judge decides whether a line may run, and is told its status by ended;
	// nil lets everything run.
	Judge func(context.Context, Line) (run bool, ended func(status int))
	// Stay, when it answers true, makes the end of input not end the shell;
	// what it says is printed.
	Stay func() (words string, stay bool)
	// Why says why a program that is there does not start.
	Why    func(program string, err error) string
	Status int // of a line that was refused
	// KeepAhead lets lines run that were typed or pasted behind one that was
	// refused.
	KeepAhead bool
}

// Shell is one rescue shell. It is not safe for concurrent use.
type Shell struct {
	cfg      Config
	runner   *interp.Runner
	commands []command
	history  *history
	asking   sync.Mutex // the commands of a pipeline start together
	jobsMu   sync.Mutex
	jobs     []*job
}

// errRefused ends a line of which one command was refused.
var errRefused = errors.New("refused")

// defaultPath is where programs are on a machine that still has some.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// New makes a shell that begins in this process's working directory, or in /
// where that is gone or has no name that leads there.
func New(cfg Config) (*Shell, error) {
	if cfg.Name == "" {
		cfg.Name = "rescue"
	}
	s := &Shell{cfg: cfg, commands: builtIns(), history: &history{}}
	dir, err := os.Getwd()
	if err == nil {
		_, err = os.Stat(dir) // a directory above may be closed to this user
	}
	if err != nil {
		dir = "/"
		if err := os.Chdir(dir); err != nil {
			return nil, err
		}
	}
	s.runner, err = s.newRunner(dir, s.environ(), cfg.Args, cfg.In, cfg.Out, cfg.Err)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// environ is the environment with a search path: a login may come without.
func (s *Shell) environ() []string {
	env := slices.Clone(s.cfg.Env)
	if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") }) {
		env = append(env, "PATH="+defaultPath)
	}
	return env
}

func (s *Shell) newRunner(dir string, env, args []string, in io.Reader, out, errOut io.Writer) (*interp.Runner, error) {
	return interp.New(
		interp.Env(expand.ListEnviron(env...)), interp.Dir(dir), interp.Params(append([]string{"--"}, args...)...),
		interp.StdIO(in, out, errOut),
		interp.CallHandler(rename), interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.start }),
		interp.OpenHandler(s.open),
	)
}

// parse reads a whole script or line.
func parse(src, name string) (*syntax.File, error) {
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(src), name)
}

// Run runs a whole script: LINE of -c, a file, or what came on standard input.
func (s *Shell) Run(ctx context.Context, src, name string) int {
	file, err := parse(src, name)
	if err != nil {
		fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", err)
		return 2
	}
	ctx, release := interrupts(ctx)
	defer release()
	run, ended := s.judge(ctx, src)
	if !run {
		return s.cfg.Status
	}
	status := s.status(s.runner.Run(ctx, file))
	ended(status)
	return status
}

// RunFile runs a script file.
func (s *Shell) RunFile(ctx context.Context, name string) int {
	b, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", inWords(err))
		if errors.Is(err, fs.ErrNotExist) {
			return 127
		}
		return 126
	}
	return s.Run(ctx, string(b), name)
}

// RunStdin runs the script that comes on standard input.
func (s *Shell) RunStdin(ctx context.Context) int {
	b, err := io.ReadAll(s.cfg.In)
	if err != nil {
		fmt.Fprintf(s.cfg.Err, "guardsh: the script on standard input: %s\n", inWords(err))
		return 126
	}
	return s.Run(ctx, string(b), s.cfg.Name)
}

// judge asks about a whole line.
func (s *Shell) judge(ctx context.Context, src string) (run bool, ended func(int)) {
	r := s.runner
	if s.cfg.Judge == nil {
		return true, func(int) {}
	}
	l := Line{Src: src, Dir: r.Dir, Args: r.Params, Funcs: map[string]string{}}
	if l.Dir == "" {
		l.Dir, _ = os.Getwd() // New made sure that there is one
	}
	env := map[string]string{}
	for _, kv := range s.environ() {
		if k, v, ok := strings.Cut(kv, "="); ok {
			env[k] = v
		}
	}
	for k, v := range r.Vars {
		if v.IsSet() {
			env[k] = v.String()
		} else {
			delete(env, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		l.Vars = append(l.Vars, k+"="+env[k])
	}
	for name, body := range r.Funcs {
		var b strings.Builder
		if syntax.NewPrinter().Print(&b, body) == nil {
			l.Funcs[name] = b.String()
		}
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	return s.cfg.Judge(ctx, l)
}

// judgeStarted asks about one command of a line that runs.
func (s *Shell) judgeStarted(ctx context.Context, src string) error {
	if s.cfg.Judge == nil {
		return nil
	}
	hc := interp.HandlerCtx(ctx)
	l := Line{Src: src, Dir: hc.Dir, Started: true}
	for name, v := range hc.Env.Each {
		if v.IsSet() {
			l.Vars = append(l.Vars, name+"="+v.String())
		}
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	if run, _ := s.cfg.Judge(ctx, l); !run {
		return errRefused
	}
	return nil
}

// status is the exit status that a run ended with; what the interpreter itself
// could not do is said.
func (s *Shell) status(err error) int {
	var es interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &es):
		return int(es)
	case errors.Is(err, errRefused):
		return s.cfg.Status
	case errors.Is(err, context.Canceled):
		return 130
	}
	fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", inWords(err))
	return 1
}

// open opens what a redirection names. One that writes is judged by the name
// that it really has: the line may not have shown it.
func (s *Shell) open(ctx context.Context, path string, flag int, perm os.FileMode) (io.ReadWriteCloser, error) {
	hc := interp.HandlerCtx(ctx)
	named := path
	if !filepath.IsAbs(path) {
		path = filepath.Join(hc.Dir, path)
	}
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 && path != os.DevNull {
		op := "> "
		if flag&os.O_TRUNC == 0 {
			op = ">> "
		}
		if err := s.judgeStarted(ctx, ": "+op+quote(path)); err != nil {
			return nil, err
		}
	}
	if path == os.DevNull && flag&os.O_CREATE != 0 {
		// Without /dev a file of that name would grow in its place.
		if _, err := os.Stat(path); err != nil {
			return discard{}, nil
		}
	}
	f, err := os.OpenFile(path, flag, perm)
	if err != nil {
		// The interpreter goes on behind an error of this kind, and says it.
		return nil, &fs.PathError{Op: s.cfg.Name + ":", Path: named, Err: errors.New(reason(err))}
	}
	return f, nil
}

// discard is /dev/null where there is none.
type discard struct{}

func (discard) Read([]byte) (int, error)    { return 0, io.EOF }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// inWords is an error without the system call's name.
func inWords(err error) string {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Path + ": " + reason(err)
	case errors.As(err, &le):
		return le.Old + " to " + le.New + ": " + reason(err)
	}
	return reason(err)
}

// reason is an error without the system call's and the file's name. What the
// kernel says begins as the C library has it.
func reason(err error) string {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// quote makes a word of a shell out of any string.
func quote(word string) string {
	q, err := syntax.Quote(word, syntax.LangBash)
	if err != nil { // a NUL, which no argument can have
		return "''"
	}
	return q
}

func quoteAll(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = quote(w)
	}
	return strings.Join(q, " ")
}
