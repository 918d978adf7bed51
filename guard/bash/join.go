package bash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The gate needs a command as it was typed, so that lithist is on while a line
// is read. Without it bash's cmdhist puts the lines of one command together,
// by rules of its parser. A bash that parses the command, runs nothing of it and
// writes its history says how.

const (
	joinLimit    = 64 << 10               // a longer command stays as it was typed
	joinPatience = 250 * time.Millisecond // as long as a person does not mind
)

// join leaves in the shell's file j how a command stands in the history where
// the user has lithist off, if that is not how it was typed.
func (s *shell) join(ctx context.Context, line string, l *Live) {
	if !strings.Contains(line, "\n") || len(line) > joinLimit {
		return
	}
	if fair := s.g.cfg.Fair; fair != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, fair(joinPatience))
		defer cancel()
	}
	var options []string
	if on, known := l.Option("posix"); on && known {
		options = append(options, "--posix")
	}
	if on, known := l.Option("extglob"); on && known {
		options = append(options, "-O", "extglob")
	}
	text, err := together(ctx, fmt.Sprintf("/proc/%d/exe", s.pid), s.g.path(s.pid, "n"), line, options)
	if err != nil || text == line {
		return // it is in the history, as it was typed
	}
	_ = os.WriteFile(s.g.path(s.pid, "j"), []byte(text), 0o600)
}

// together is a command as the program bash records it; file is for its history.
func together(ctx context.Context, bash, file, line string, options []string) (string, error) {
	defer os.Remove(file)
	// From a file that it can seek in bash does not read byte by byte.
	fd, err := unix.MemfdCreate("line", unix.MFD_CLOEXEC)
	if err != nil {
		return "", err
	}
	in := os.NewFile(uintptr(fd), "line")
	defer in.Close()
	if _, err := in.WriteString(line + "\n"); err != nil {
		return "", err
	}
	if _, err := in.Seek(0, 0); err != nil {
		return "", err
	}
	args := append([]string{"--norc", "--noprofile"}, options...)
	cmd := exec.CommandContext(ctx, bash, append(args, "-n", "-o", "history")...)
	cmd.Args[0] = "bash"
	cmd.Stdin = in
	cmd.Env = []string{"HISTFILE=" + file}
	for _, name := range []string{"LANG", "LC_ALL", "LC_CTYPE"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	if err := cmd.Run(); err != nil {
		return "", err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(string(b), "\n")
	if between.Replace(text) != between.Replace(line) {
		return "", errors.New("bash read another command")
	}
	return text, nil
}

// between takes away what bash writes between the lines of one command.
var between = strings.NewReplacer("\n", "", " ", "", ";", "")
