package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// ptyDeadline is how long a step waits for what it expects. Nothing takes a
// tenth of it; it only bounds how long a failure takes.
const ptyDeadline = 20 * time.Second

// question is how a question's last row ends. It is not shown before an answer
// counts: guard/ask keeps it back until the keys have been quiet for a second.
// A window's status line may stand behind it.
var question = regexp.MustCompile(`N(?:, e explains)?\] `)

// cmdPty is "pty STEPS COMMAND ARGS": runs a command on a terminal and works
// through the file STEPS, a step a line:
//
//	prompt [N]     waits for the next prompt, with the last status N if given
//	expect REGEXP  waits until the output shows it, and looks on behind it
//	never REGEXP   it was not shown between the two last things waited for
//	type TEXT      types the text and Enter
//	keys "TEXT"    types the text, quoted as in Go: "\x03" is ^C
//	answer TEXT    types the text and Enter once a question waits for it
//	enter REGEXP   presses Enter until the output shows it; see enterAfter
//	size ROWS COLS makes the window another size
//	end N          waits for the command to end with exit status N
//
// All output without escape sequences is the command's stdout for the script.
func cmdPty(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: pty steps command args...")
	}
	steps := strings.Split(ts.ReadFile(args[0]), "\n")
	cmd := exec.Command(args[1], args[2:]...)
	if name, err := lookPath(args[1], ts.Getenv("PATH")); err == nil {
		cmd.Path, cmd.Err = name, nil
	}
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "WORK", "DST"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	p, err := sitAt(cmd, 200)
	ts.Check(err)
	defer p.stop()
	for i, line := range steps {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.step(line); err != nil {
			ts.Fatalf("%s:%d: %s: %v\nthe terminal showed:\n%s", args[0], i+1, line, err, p.all())
		}
	}
	_, err = io.WriteString(ts.Stdout(), p.all())
	ts.Check(err)
}

// lookPath finds a program along another PATH than our own.
func lookPath(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for dir := range strings.SplitSeq(path, ":") {
		full := dir + "/" + name
		if st, err := os.Stat(full); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return full, nil
		}
	}
	return "", exec.ErrNotFound
}

// typist types at a terminal and reads what it shows.
type typist struct {
	f   *os.File
	cmd *exec.Cmd

	mu    sync.Mutex
	grew  *sync.Cond
	raw   []byte // as it came
	eof   bool
	from  int // in the plain text: what was waited for ends here
	prior int // and what was waited for before that ended here

	ended  chan struct{}
	status error
}

// sitAt starts a command on a terminal of so many columns, reads that, and waits
// for the command. Package pty leaves a terminal blocking, and then a reader in a
// blocked Read would keep it open behind Close.
func sitAt(cmd *exec.Cmd, columns uint16) (*typist, error) {
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: columns})
	if err != nil {
		return nil, err
	}
	p := &typist{f: f, cmd: cmd, ended: make(chan struct{})}
	p.grew = sync.NewCond(&p.mu)
	_ = unix.SetNonblock(int(f.Fd()), true)
	go p.read()
	go func() { p.status = cmd.Wait(); close(p.ended) }()
	return p, nil
}

// stop closes the terminal and ends the command, if that has not ended.
func (p *typist) stop() {
	p.f.Close()
	_ = p.cmd.Process.Kill()
	select {
	case <-p.ended:
	case <-time.After(ptyDeadline):
		// The goroutines that a test's time-out shows would not say why.
		panic(fmt.Sprintf("%q was killed %s ago and has not ended:\n%s\nthe terminal showed:\n%s",
			p.cmd.Args, ptyDeadline, kernelSays(p.cmd.Process.Pid), p.all()))
	}
}

// kernelSays is where the threads of a process are.
func kernelSays(pid int) string {
	var out strings.Builder
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, task := range tasks {
		for _, name := range []string{"stat", "wchan", "syscall", "stack"} {
			b, _ := os.ReadFile(task + "/" + name)
			fmt.Fprintf(&out, "%s/%s: %s\n", task, name, bytes.TrimSpace(b))
		}
	}
	return out.String()
}

func (p *typist) read() {
	buf := make([]byte, 32<<10)
	for {
		n, err := p.f.Read(buf)
		p.mu.Lock()
		p.raw = append(p.raw, buf[:n]...)
		p.eof = err != nil
		p.grew.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// escapes are terminal control sequences: CSI, OSC, single ones, and the
// carriage returns of a terminal's line ends.
var escapes = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[()][0-9A-Z]|\x1b[=>78cDEHM]|\r|\x07")

func (p *typist) plain() string { return escapes.ReplaceAllString(string(p.raw), "") }

func (p *typist) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plain()
}

func (p *typist) step(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "prompt":
		if rest == "" {
			rest = "[0-9]+"
		}
		return p.expect(`\[` + rest + `\] ready> `)
	case "expect":
		return p.expect(rest)
	case "never":
		re, err := regexp.Compile("(?m)" + rest)
		if err != nil {
			return err
		}
		if m := re.FindString(p.all()[p.prior:p.from]); m != "" {
			return fmt.Errorf("it showed %q", m)
		}
		return nil
	case "type":
		return p.send(rest + "\r")
	case "answer":
		if err := p.wait(func() bool { return question.MatchString(p.plain()[p.prior:]) }); err != nil {
			return err
		}
		return p.send(rest + "\r")
	case "enter":
		return p.enter(rest)
	case "keys":
		s, err := strconv.Unquote(rest)
		if err != nil {
			return err
		}
		return p.send(s)
	case "size":
		var ws unix.Winsize
		if _, err := fmt.Sscan(rest, &ws.Row, &ws.Col); err != nil {
			return err
		}
		return setSize(p.f, &ws)
	case "end":
		return p.end(rest)
	}
	return errors.New("unknown step")
}

// setSize is pty.Setsize, but it leaves the file as it is: not blocking.
func setSize(f *os.File, ws *unix.Winsize) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, ws) })
	return cmp.Or(err, failed)
}

// send types. A terminal whose keys nobody reads takes some thousand of them.
func (p *typist) send(s string) error {
	if err := p.f.SetWriteDeadline(time.Now().Add(ptyDeadline)); err != nil {
		return err
	}
	if _, err := p.f.WriteString(s); err != nil {
		return fmt.Errorf("type %q: %w", s, err)
	}
	return nil
}

// expect waits for the output to show something behind what was waited for
// before.
func (p *typist) expect(text string) error {
	shown, err := p.shows(text)
	if err != nil {
		return err
	}
	return p.wait(shown)
}

// shows says whether the output shows something, and then looks on behind it.
func (p *typist) shows(text string) (func() bool, error) {
	re, err := regexp.Compile("(?m)" + text)
	return func() bool {
		s := p.plain()
		at := re.FindStringIndex(s[min(p.from, len(s)):])
		if at == nil {
			return false
		}
		p.prior, p.from = p.from, p.from+at[1]
		return true
	}, err
}

// enterAfter is longer than an Enter at a prompt is taken for one that was typed
// before it could be seen. Nothing is shown when that time is over, and where
// the product came to it late, the Enter after the next does.
const enterAfter = 1300 * time.Millisecond

// enter presses Enter until the output shows something.
func (p *typist) enter(text string) error {
	shown, err := p.shows(text)
	if err != nil {
		return err
	}
	for end := time.Now().Add(ptyDeadline); !p.await(enterAfter, shown); {
		if p.closed() || time.Now().After(end) {
			return p.wait(shown)
		}
		if err := p.send("\r"); err != nil {
			return err
		}
	}
	return nil
}

// await waits until something is so, and says whether it came to be.
func (p *typist) await(patience time.Duration, so func() bool) bool {
	// What wakes says that the time is over: a look at the clock could still find
	// some left, and nobody would wake again.
	late := false
	timer := time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		late = true
		p.grew.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !so() {
		if p.eof || late {
			return false
		}
		p.grew.Wait()
	}
	return true
}

// wait is await for what a step waits for.
func (p *typist) wait(so func() bool) error {
	switch {
	case p.await(ptyDeadline, so):
		return nil
	case p.closed():
		return errors.New("the terminal was closed")
	}
	return fmt.Errorf("not within %s", ptyDeadline)
}

func (p *typist) closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.eof
}

func (p *typist) end(rest string) error {
	want, err := strconv.Atoi(rest)
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(ptyDeadline):
		return fmt.Errorf("still running after %s", ptyDeadline)
	}
	got := 0
	var ee *exec.ExitError
	if errors.As(p.status, &ee) {
		got = statusOf(ee)
	} else if p.status != nil {
		return p.status
	}
	if got != want {
		return fmt.Errorf("exit status %d, want %d", got, want)
	}
	// What it said last is still in the terminal: read it to the end.
	timer := time.AfterFunc(ptyDeadline, func() { p.f.Close() })
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.eof {
		p.grew.Wait()
	}
	p.prior, p.from = p.from, len(p.plain())
	return nil
}
