package rescue

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// The shell runs in a process of its own where it can: what a person types into
// is on a terminal that the process which judges it looks after and records, and
// what starts below can be judged (guard/supervise), whose filter a process
// cannot put on all of itself. Both are this program. They speak over a socket:
// the shell asks, one question after the other, and waits for each answer.

// ProcessName is what the shell's process is called. Only argv[0] says so:
// nothing in an environment can.
const ProcessName = "guardsh: rescue"

// socket is the shell's descriptor of the socket.
const socket = 3

// What is what the shell is to run.
type What uint8

const (
	Typed  What = iota + 1 // what a person types
	Script                 // one text
	File                   // a file
	Stdin                  // what comes on standard input
)

// opening is what the shell is told first. JSON keeps bytes as they are, which
// may be no UTF-8.
type opening struct {
	Name      []byte
	Args      [][]byte
	What      What
	Text      []byte // the script, or the file's name
	Status    int
	KeepAhead bool
	Stay      bool // end of input is to be asked about
}

// question is one that the shell asks; one of its fields is set.
type question struct {
	Line  *Line
	Ended *int // the status of the line that ran
	Stay  bool
}

type answer struct {
	Run   bool
	Words string
	Stay  bool
}

// packed is a line with strings that JSON carries as they are: what is typed
// may be no UTF-8.
func (l Line) packed() Line {
	return l.mapped(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })
}

func (l Line) unpacked() (Line, error) {
	var errs error
	out := l.mapped(func(s string) string {
		b, err := base64.StdEncoding.DecodeString(s)
		errs = errors.Join(errs, err)
		return string(b)
	})
	return out, errs
}

func (l Line) mapped(f func(string) string) Line {
	all := func(in []string) []string {
		out := make([]string, len(in))
		for i, s := range in {
			out[i] = f(s)
		}
		return out
	}
	out := Line{Src: f(l.Src), Dir: f(l.Dir), Vars: all(l.Vars), Args: all(l.Args), Started: l.Started, Funcs: map[string]string{}}
	for name, body := range l.Funcs {
		out.Funcs[f(name)] = f(body)
	}
	return out
}

// Apart is a shell that is to run in a process of its own.
type Apart struct {
	Program string   // the program that it is, to be started by the name ProcessName
	Socket  *os.File // its descriptor 3; to be closed here once it was started
	ours    *os.File
	open    opening
	cfg     Config
}

// NewApart makes ready what cfg describes. text is the script, or the file's name.
func NewApart(cfg Config, what What, text string) (*Apart, error) {
	self, err := ownProgram()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, &os.SyscallError{Syscall: "socketpair", Err: err}
	}
	a := &Apart{Program: self, ours: os.NewFile(uintptr(pair[0]), "shell"), Socket: os.NewFile(uintptr(pair[1]), "judge"), cfg: cfg}
	a.open = opening{Name: []byte(cfg.Name), What: what, Text: []byte(text), Status: cfg.Status, KeepAhead: cfg.KeepAhead, Stay: cfg.Stay != nil}
	for _, arg := range cfg.Args {
		a.open.Args = append(a.open.Args, []byte(arg))
	}
	return a, nil
}

// OnTerminal starts it as the leader of a terminal's session.
func (a *Apart) OnTerminal(terminal *os.File) (pid int, err error) {
	p, err := os.StartProcess(a.Program, []string{ProcessName}, &os.ProcAttr{
		Env: a.cfg.Env, Files: []*os.File{terminal, terminal, terminal, a.Socket},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true},
	})
	if err != nil {
		return 0, err
	}
	return p.Pid, nil
}

// Serve answers the shell by the functions of its Config until it ends.
func (a *Apart) Serve(ctx context.Context) {
	defer a.ours.Close()
	stop := context.AfterFunc(ctx, func() { a.ours.Close() })
	defer stop()
	if json.NewEncoder(a.ours).Encode(a.open) == nil {
		a.cfg.serve(ctx, a.ours)
	}
}

// Close lets go what is held here of one that did not start.
func (a *Apart) Close() {
	a.Socket.Close()
	a.ours.Close()
}

// serve answers the shell at the other end until it is gone.
func (cfg Config) serve(ctx context.Context, shell io.ReadWriter) {
	var ended func(int)
	in, out := json.NewDecoder(shell), json.NewEncoder(shell)
	for {
		var q question
		if in.Decode(&q) != nil {
			return
		}
		var a answer
		switch {
		case q.Line != nil:
			l, err := q.Line.unpacked()
			if err != nil {
				return // only this program speaks here
			}
			var e func(int)
			if a.Run, e = cfg.Judge(ctx, l); !l.Started {
				ended = e
			}
		case q.Ended != nil && ended != nil:
			ended(*q.Ended)
		case q.Stay && cfg.Stay != nil:
			a.Words, a.Stay = cfg.Stay()
		}
		if out.Encode(a) != nil {
			return
		}
	}
}

// ProcessMain is the shell, when this process was started as one, and does not
// return then; else it returns at once. why says why a program does not start.
func ProcessMain(why func(program string, err error) string) {
	if len(os.Args) != 1 || os.Args[0] != ProcessName {
		return
	}
	_ = os.WriteFile("/proc/self/comm", []byte("guardsh rescue"), 0) // "exe" says nothing to who asks what holds a file
	unix.CloseOnExec(socket)
	judge := os.NewFile(socket, "judge")
	j := &judging{in: json.NewDecoder(judge), out: json.NewEncoder(judge)}
	var o opening
	if err := j.in.Decode(&o); err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: the rescue shell was told nothing: %s\n", err)
		os.Exit(1)
	}
	cfg := Config{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Environ(), Name: string(o.Name),
		Judge: j.judge, Why: why, Status: o.Status, KeepAhead: o.KeepAhead,
	}
	for _, arg := range o.Args {
		cfg.Args = append(cfg.Args, string(arg))
	}
	if o.Stay {
		cfg.Stay = func() (string, bool) {
			a, err := j.ask(question{Stay: true})
			return a.Words, err == nil && a.Stay
		}
	}
	s, err := New(cfg)
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: the rescue shell: %s\n", err)
		os.Exit(1)
	}
	ctx := context.Background()
	switch o.What {
	case Typed:
		os.Exit(s.Interactive(ctx))
	case Script:
		os.Exit(s.Run(ctx, string(o.Text), string(o.Name)))
	case File:
		os.Exit(s.RunFile(ctx, string(o.Text)))
	case Stdin:
		os.Exit(s.RunStdin(ctx))
	}
	os.Exit(1)
}

// judging asks the process that judges. A shell whose judge is gone runs
// nothing: its terminal is gone too.
type judging struct {
	mu  sync.Mutex // a job in the background asks, too
	in  *json.Decoder
	out *json.Encoder
}

func (j *judging) ask(q question) (a answer, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err = j.out.Encode(q); err == nil {
		err = j.in.Decode(&a)
	}
	return a, err
}

func (j *judging) judge(_ context.Context, l Line) (run bool, ended func(int)) {
	l = l.packed()
	a, err := j.ask(question{Line: &l})
	if err != nil {
		fmt.Fprintf(os.Stderr, "guardsh: nobody judges any more: %s\n", err)
	}
	return err == nil && a.Run, func(status int) {
		_, _ = j.ask(question{Ended: &status}) // its words are shown by then
	}
}

// ownProgram is the path of this program, also where there is no /proc.
func ownProgram() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	fsfd, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer unix.Close(fsfd)
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return "", err
	}
	mount, err := unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return "", err
	}
	defer unix.Close(mount)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(mount, "self/exe", buf)
	if err != nil {
		return "", err
	}
	path := string(buf[:n])
	if !filepath.IsAbs(path) {
		return "", &fs.PathError{Op: "find", Path: path, Err: exec.ErrNotFound}
	}
	return path, nil
}
