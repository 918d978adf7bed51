package host

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// maxOutput bounds what is read from a program that is asked for facts.
const maxOutput = 1 << 20

// programDirs are where programs may be that are asked something on guardsh's own
// account; never $PATH, which the session can change.
var programDirs = [...]string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/"}

// PlainEnv is the environment of such programs: the session's would change what
// they say and do.
func PlainEnv() []string { return []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"} }

// Program is where a program of the system's is; "" nowhere.
func Program(name string) string {
	for _, d := range programDirs {
		if fi, err := os.Stat(d + name); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return d + name
		}
	}
	return ""
}

// output asks a program, by its bare name and without a shell, and waits no
// longer than the deadline, nor for its children.
func output(deadline time.Time, name string, args ...string) ([]byte, error) {
	file := Program(name)
	if file == "" {
		return nil, fmt.Errorf("%s: not found: %w", name, os.ErrNotExist)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Cmd{
		Path: file, Args: append([]string{name}, args...), Dir: "/", Stdout: w,
		Env:         PlainEnv(),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	r.SetReadDeadline(deadline)
	var b bytes.Buffer
	buf := make([]byte, 16*1024)
	for b.Len() < maxOutput {
		n, err := r.Read(buf)
		b.Write(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			cmd.Process.Kill()
			return nil, fmt.Errorf("%s: no answer in time", name)
		}
		if err != nil {
			break
		}
	}
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case err := <-ended:
		return b.Bytes(), err
	case <-t.C:
	}
	select {
	case err := <-ended: // both were so when this was looked at
		return b.Bytes(), err
	default:
		cmd.Process.Kill()
		return nil, fmt.Errorf("%s: no answer in time", name)
	}
}
