package bash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// The tests drive a program on a pseudo terminal, as a person would: they
// type, and wait for what appears. The program is this test binary under the
// name guardsh-test: a session with a judge that refuses lines with RISKY in
// them, asks about those with ASK, and notes everything in a log.

const (
	driverName = "guardsh-test"
	ps1        = "PROMPT> "
	patience   = 20 * time.Second // for one thing to appear, on a loaded machine
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == driverName {
		os.Exit(driverMain())
	}
	os.Exit(m.Run())
}

// entry is one line of the driver's log.
type entry struct {
	Kind     string // line, prompt, warning, withdrawn, note
	Line     string
	Seen     bool
	Hidden   bool
	Own      bool
	Origin   Origin
	Status   int
	Released bool
	Ahead    int
	Text     string
	TTY      string
	PID      int
}

// driverMain is guardsh-test LOG plain|live ARG….
func driverMain() int {
	log, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return StatusFailed
	}
	var mu sync.Mutex
	note := func(e entry) {
		b, _ := json.Marshal(e)
		mu.Lock()
		defer mu.Unlock()
		log.Write(append(b, '\n'))
	}
	eof := false
	cfg := Config{
		Dir: filepath.Join(filepath.Dir(os.Args[1]), "run"),
		Prompt: func(p Prompt) {
			note(entry{Kind: "prompt", Status: p.Status, Released: p.Released, Own: p.Own, PID: p.ShellPID})
			switch {
			case !p.Released: // an empty line leaves the status
			case p.Status == statusSlow:
				// Where the shell does not wait for us, its prompt comes first.
				await(200*time.Millisecond, func() bool { return readsKeys(p.TTY) })
				p.Say("guardsh: words\n")
			case p.Status == statusLate:
				go func() {
					await(patience, func() bool { return readsKeys(p.TTY) })
					p.Say("guardsh: words\n")
					note(entry{Kind: "note", Text: "said"})
				}()
			}
		},
		Warn:      func(w Warning) { note(entry{Kind: "warning", Line: w.Kind, Text: w.Text, PID: w.ShellPID}) },
		IgnoreEOF: func() bool { return eof },
		Judge: func(ctx context.Context, r Request) Answer {
			note(entry{Kind: "line", Line: r.Line, Seen: r.Seen, Hidden: r.Hidden, Own: r.Own, Origin: r.Origin,
				Ahead: r.Ahead, TTY: r.TTY, PID: r.ShellPID})
			switch {
			case !r.Seen:
				return Answer{Say: "guardsh: unseen line\n"}
			case strings.Contains(r.Line, "RISKY"):
				return Answer{Say: "guardsh: refused\n"}
			case strings.Contains(r.Line, "KEEPEOF"):
				eof = true
			case strings.Contains(r.Line, "SLOW"):
				<-ctx.Done()
				note(entry{Kind: "withdrawn", Line: r.Line})
				return Answer{Release: true}
			case strings.Contains(r.Line, "STUCK"):
				<-make(chan struct{}) // as on a file that never answers
			case strings.Contains(r.Line, "ASK"):
				return Answer{Release: driverAsk(r, note)}
			case strings.HasPrefix(r.Line, ": ORACLE "):
				driverOracle(r, note)
			}
			return Answer{Release: true}
		},
	}
	args := os.Args[3:]
	var status int
	if os.Args[2] == "plain" {
		status, err = Run(context.Background(), cfg, args)
	} else {
		if len(args) > 0 && args[0] == "-l" {
			cfg.Name, args = "-bash", args[1:]
		}
		cfg.Args = args
		status, err = Interactive(context.Background(), cfg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guardsh-test:", err)
	}
	return status
}

// driverAsk takes y alone as yes.
func driverAsk(r Request, note func(entry)) bool {
	in, out, restore, err := r.Terminal.Open()
	if err != nil {
		note(entry{Kind: "note", Text: "cannot ask: " + err.Error()})
		return false
	}
	defer restore()
	fmt.Fprint(out, "QUESTION? ")
	var b [64]byte
	n, err := in.Read(b[:])
	note(entry{Kind: "note", Text: fmt.Sprintf("answer %q %v", b[:n], err)})
	return err == nil && strings.TrimSpace(string(b[:n])) == "y"
}

// typing is a person at a terminal.
type typing struct {
	t   *testing.T
	tty *os.File
	cmd *exec.Cmd
	log string
	dir string

	mu   sync.Mutex
	cond *sync.Cond
	out  bytes.Buffer
	from int // what was looked at already
	eof  bool
}

// session starts a guarded bash with an rc file and waits for its prompt.
func session(t *testing.T, rc string, args ...string) *typing {
	t.Helper()
	s := start(t, rc, args...)
	s.expect(ps1)
	return s
}

// start is session without the waiting.
func start(t *testing.T, rc string, args ...string) *typing {
	t.Helper()
	dir := scratch(t)
	if len(args) == 0 {
		args = []string{"--rcfile", filepath.Join(dir, "rc"), "-i"}
	}
	(&typing{t: t, dir: dir}).writeRC(rc)
	return startIn(t, dir, append([]string{"live"}, args...))
}

// writeRC writes the start-up file of a session.
func (s *typing) writeRC(rc string) {
	s.t.Helper()
	write(s.t, filepath.Join(s.dir, "rc"), "PS1='"+ps1+"'\nbind 'set enable-bracketed-paste off'\nHISTFILE="+s.dir+"/hist\n"+rc+"\n")
}

// scratch is a directory that other users can reach. A shell that was hung up
// may still write its history there when the test is over.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "guardsh-test.")
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o711)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func startIn(t *testing.T, dir string, args []string) *typing {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, driverName)
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	s := &typing{t: t, dir: dir, log: filepath.Join(dir, "log")}
	cmd := exec.Command(bin, append([]string{s.log}, args...)...)
	s.open(cmd, []string{"PATH=" + testPath(), "HOME=" + dir, "TERM=xterm", "LANG=C.UTF-8", "TMPDIR=" + dir, "EDITOR=" + dir + "/editor"})
	return s
}

// testPath is PATH in the tests. GUARDSH_TEST_BASH names a directory with
// another bash than the system's, of an older version say.
func testPath() string {
	path := "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
	if dir := os.Getenv("GUARDSH_TEST_BASH"); dir != "" {
		path = dir + ":" + path
	}
	return path
}

// open starts cmd on a terminal of its own.
func (s *typing) open(cmd *exec.Cmd, env []string) {
	t := s.t
	t.Helper()
	var err error
	s.cond = sync.NewCond(&s.mu)
	s.cmd, cmd.Dir, cmd.Env = cmd, s.dir, env
	s.tty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	// Package pty leaves it blocking: nothing that reads or types would end.
	if err := unix.SetNonblock(int(s.tty.Fd()), true); err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := s.tty.Read(buf)
			s.mu.Lock()
			s.out.Write(buf[:n])
			s.eof = err != nil
			s.cond.Broadcast()
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.tty.Close()
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// control calls f with the terminal's descriptor and leaves it not blocking,
// which Fd would not.
func (s *typing) control(f func(fd int)) {
	s.t.Helper()
	conn, err := s.tty.SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) { f(int(fd)) })
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// modes are the terminal's.
func (s *typing) modes() (modes *unix.Termios, err error) {
	s.t.Helper()
	s.control(func(fd int) { modes, err = unix.IoctlGetTermios(fd, unix.TCGETS) })
	return modes, err
}

func (s *typing) send(keys string) {
	s.t.Helper()
	// A terminal whose keys nobody reads takes some thousand of them.
	if err := s.tty.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatalf("type %q: %v\nscreen: %q", keys, err, s.all())
	}
}

// expect waits for text behind what was looked at before, and returns what
// came before it.
func (s *typing) expect(text string) string {
	s.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.cond.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b := s.out.Bytes()[s.from:]
		if i := bytes.Index(b, []byte(text)); i >= 0 {
			s.from += i + len(text)
			return string(b[:i])
		}
		if s.eof || late {
			s.t.Fatalf("no %q in %q\nlog: %v", text, b, s.entries())
		}
		s.cond.Wait()
	}
}

// run types a line and returns what appears up to the next prompt, without
// the echo of the line.
func (s *typing) run(line string) string {
	s.t.Helper()
	s.send(line + "\r")
	out := s.expect(ps1)
	if _, rest, ok := strings.Cut(out, "\n"); ok {
		out = rest
	}
	return strings.ReplaceAll(out, "\r\n", "\n")
}

// want runs a line and compares.
func (s *typing) want(line, out string) {
	s.t.Helper()
	if got := s.run(line); got != out {
		s.t.Errorf("%s: %q, want %q", line, got, out)
	}
}

// refused runs a line that must be refused.
func (s *typing) refused(line string) {
	s.t.Helper()
	if got := s.run(line); !strings.Contains(got, "guardsh: refused\n\n") || strings.Contains(got, "unguarded") {
		s.t.Errorf("%s: %q, want a refusal", line, got)
	}
}

// exit ends the session and returns its status.
func (s *typing) exit(line string) int {
	s.t.Helper()
	s.send(line + "\r")
	return s.wait()
}

func (s *typing) wait() int {
	s.t.Helper()
	done := make(chan struct{})
	go func() { s.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		s.t.Fatalf("the session did not end: %q", s.all())
	}
	return s.cmd.ProcessState.ExitCode()
}

func (s *typing) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// unread is what appeared since the last look.
func (s *typing) unread() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.out.Bytes()[s.from:])
}

func (s *typing) entries() []entry {
	b, _ := os.ReadFile(s.log)
	var out []entry
	for line := range bytes.Lines(b) {
		var e entry
		if json.Unmarshal(line, &e) == nil {
			out = append(out, e)
		}
	}
	return out
}

// lines are the lines that the judge was asked about.
func (s *typing) lines() []string {
	var out []string
	for _, e := range s.entries() {
		if e.Kind == "line" {
			out = append(out, e.Line)
		}
	}
	return out
}

// logged waits for a log entry.
func (s *typing) logged(what string, ok func(entry) bool) entry {
	s.t.Helper()
	at := -1
	if !await(patience, func() bool { at = slices.IndexFunc(s.entries(), ok); return at >= 0 }) {
		s.t.Fatalf("no %s in the log: %+v\nscreen: %q", what, s.entries(), s.all())
	}
	return s.entries()[at]
}

// await waits for what the kernel or another process does without telling: a
// terminal's modes, a log, who is in front. It reports whether it came to be.
func await(limit time.Duration, ok func() bool) bool {
	const look = 2 * time.Millisecond
	for end := time.Now().Add(limit); !ok(); time.Sleep(look) { // for ok, which nobody tells of
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func (s *typing) missing(path string) {
	s.t.Helper()
	if _, err := os.Lstat(filepath.Join(s.dir, path)); err == nil {
		s.t.Errorf("%s exists: a refused line ran", path)
	}
}

var escape = regexp.MustCompile("\x1b\\[[?0-9;]*[a-zA-Z]")

func (s *typing) fileHolds(path, text string) bool {
	b, _ := os.ReadFile(filepath.Join(s.dir, path))
	return bytes.Contains(b, []byte(text))
}

func (s *typing) missingText(path, text string) {
	s.t.Helper()
	if s.fileHolds(path, text) {
		s.t.Errorf("%s holds %q", path, text)
	}
}
