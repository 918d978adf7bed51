package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// proofTime bounds one start of a shell. Start-up files of people may look for
// a network first; longer than this is a login that people take for broken.
const proofTime = 20 * time.Second

// proofStatus is what the shell is told to end with: no failure ends with it.
const proofStatus = 37

// proofLine is what it is told. The built-in shell, which guardsh opens where
// bash cannot start, proves nothing.
var proofLine = `[ -n "$BASH_VERSION" ] && exit ` + strconv.Itoa(proofStatus)

// unguarded is what guardsh says where bash alone is what it can start.
const unguarded = "this shell is not guarded"

// retype is how long the shell has to end before the line is typed again:
// start-up files may have thrown away what was typed while they ran.
const retype = 2 * time.Second

// proveLine starts a shell as an account, as a login without a terminal does,
// to run one line. shell "" takes the account's own.
func proveLine(user, shell string) error {
	cmd, err := suTo(user, shell, "-c", proofLine)
	if err != nil {
		return err
	}
	return runProof(user, "one line", cmd)
}

// proveForced has an account's own shell read what sshd will give it.
func proveForced(user, program string) error {
	cmd, err := suTo(user, "", "-c", forced(program))
	if err != nil {
		return err
	}
	// Without "-" su hands the variable on.
	cmd.Args = slices.DeleteFunc(cmd.Args, func(a string) bool { return a == "-" })
	cmd.Env = append(cmd.Env, "SSH_ORIGINAL_COMMAND="+proofLine)
	return runProof(user, "by its own shell, as sshd does", cmd)
}

// runProof runs a proof that needs no terminal.
func runProof(user, what string, cmd *exec.Cmd) error {
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	cmd.WaitDelay = time.Second
	return judgeProof(ctx, user, what, cmd.Wait(), &out)
}

// proveLogin starts a shell as an account at a terminal, as a login does, and
// ends it by its own prompt.
func proveLogin(user, shell string) error {
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	cmd, err := suTo(user, shell)
	if err != nil {
		return err
	}
	cmd.SysProcAttr = nil // pty.Start makes the terminal its own
	term, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		return err
	}
	defer term.Close()
	// Package pty leaves it to block, and a read that blocks keeps it open when
	// it is closed: nothing would hang up.
	if err := unix.SetNonblock(int(term.Fd()), true); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("pseudo terminal: %w", err)
	}
	var out tail
	go io.Copy(&out, term) // ends when the terminal is closed
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		// The line must not stand in the person's history.
		fmt.Fprintf(term, "unset HISTFILE; %s\r", proofLine)
		select {
		case err := <-ended:
			return judgeProof(ctx, user, "a login at a terminal", err, &out)
		case <-time.After(retype):
		case <-ctx.Done():
			term.Close() // hangs up, which ends what su has started, too
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			return judgeProof(ctx, user, "a login at a terminal", <-ended, &out)
		}
	}
}

// suTo is su to an account, with a shell of our choice, which su takes from
// root alone. It goes through the system's own PAM rules, as every login does.
func suTo(user, shell string, args ...string) (*exec.Cmd, error) {
	su, err := findTool("su")
	if err != nil {
		return nil, err
	}
	argv := []string{"-"}
	if shell != "" {
		argv = append(argv, "-s", shell)
	}
	argv = append(append(argv, user), args...)
	cmd := exec.Command(su, argv...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + systemPath, "TERM=dumb", "LANG=" + os.Getenv("LANG")}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	return cmd, nil
}

func judgeProof(ctx context.Context, user, what string, err error, out *tail) error {
	var ee *exec.ExitError
	proved := errors.As(err, &ee) && ee.ExitCode() == proofStatus
	said := out.lines()
	at := slices.IndexFunc(said, func(l string) bool { return strings.Contains(l, unguarded) })
	if proved && at < 0 {
		return nil
	}
	reason := "it ended with status 0"
	switch {
	case proved:
		return fmt.Errorf("the shell of %s starts without its guard (%s): %s", user, what, strings.Join(said[max(0, at-1):at+1], "; "))
	case ctx.Err() != nil:
		reason = fmt.Sprintf("it took longer than %d s", int(proofTime.Seconds()))
	case err != nil:
		reason = err.Error()
	}
	if last := said[len(said)-1]; last != "" {
		reason += " (" + last + ")"
	}
	return fmt.Errorf("the shell does not start for %s (%s): %s", user, what, reason)
}

// tail keeps the end of what a program printed.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// maxTail is plenty for one complaint.
const maxTail = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b.Len()+len(p) > maxTail {
		t.b.Reset()
	}
	t.b.Write(p[max(0, len(p)-maxTail):])
	return len(p), nil
}

// lines are what is there, up to the last line that says something.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(t.b.String()), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}
