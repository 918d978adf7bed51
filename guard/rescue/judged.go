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

// The shell that a person types into runs in a process of its own, on a
// terminal that the process which judges it looks after and records. Both are
// this program. They speak over a socket: the shell asks, one question after
// the other, and waits for each answer.

// processName is what the shell's process is called. Only argv[0] says so:
// nothing in an environment can.
const processName = "guardsh: rescue"

// socket is the shell's descriptor of the socket.
const socket = 3

// opening is what the shell is told first.
type opening struct {
	Name      string
	Args      []string
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

// Start starts the shell that cfg describes on a terminal. serve has to run
// from then on: it answers the shell by cfg's functions until it ends.
func Start(cfg Config, terminal *os.File) (pid int, serve func(context.Context), err error) {
	self, err := ownProgram()
	if err != nil {
		return 0, nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, &os.SyscallError{Syscall: "socketpair", Err: err}
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "shell"), os.NewFile(uintptr(pair[1]), "judge")
	defer theirs.Close()
	p, err := os.StartProcess(self, []string{processName}, &os.ProcAttr{
		Env: cfg.Env, Files: []*os.File{terminal, terminal, terminal, theirs},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true},
	})
	if err == nil {
		o := opening{Name: cfg.Name, Args: cfg.Args, Status: cfg.Status, KeepAhead: cfg.KeepAhead, Stay: cfg.Stay != nil}
		err = json.NewEncoder(ours).Encode(o)
	}
	if err != nil {
		ours.Close()
		return 0, nil, err
	}
	return p.Pid, func(ctx context.Context) {
		defer ours.Close()
		stop := context.AfterFunc(ctx, func() { ours.Close() })
		defer stop()
		cfg.serve(ctx, ours)
	}, nil
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
	if len(os.Args) != 1 || os.Args[0] != processName {
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
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Environ(), Name: o.Name, Args: o.Args,
		Judge: j.judge, Why: why, Status: o.Status, KeepAhead: o.KeepAhead,
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
	os.Exit(s.Interactive(context.Background()))
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
