package bash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// minVersion is the oldest bash whose gate is promised (doc.go).
var minVersion = [2]int{5, 0}

// Version is the version of the bash that a session would start, such as
// "5.2.15", and its path. An error says that there is none or that it is older
// than the gate needs.
func Version(ctx context.Context) (version, path string, err error) {
	var cfg Config
	if path, err = cfg.fill(); err != nil {
		return "", "", err
	}
	cmd := exec.CommandContext(ctx, path, "--norc", "--noprofile", "-c", `printf '%s' "$BASH_VERSION"`)
	cmd.Env = []string{"PATH=/usr/bin:/bin"} // no BASH_ENV
	out, err := cmd.Output()
	if err != nil {
		return "", path, fmt.Errorf("%s does not start: %w", path, err)
	}
	version, _, _ = strings.Cut(string(out), "(")
	if !atLeast(version, minVersion) {
		return version, path, fmt.Errorf("%s is %s, the gate needs %d.%d", path, version, minVersion[0], minVersion[1])
	}
	return version, path, nil
}

func atLeast(version string, least [2]int) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, aerr := strconv.Atoi(major)
	b, berr := strconv.Atoi(minor)
	return aerr == nil && berr == nil && (a > least[0] || a == least[0] && b >= least[1])
}

// The lines of a probe: the first is refused, the second released. Each would
// end the shell with a status of its own.
const (
	probeRefused  = 8
	probeReleased = 9
)

// Probe holds two lines of a bash on a terminal of its own, refuses the one
// and releases the other. nil says that the gate works on this machine; the
// context bounds the wait.
func Probe(ctx context.Context) error {
	master, slave, err := openPTY()
	if err != nil {
		return fmt.Errorf("pseudo terminal: %w", err)
	}
	defer slave.Close()
	defer master.Close()
	// Package pty leaves it to block, and a read that blocks keeps it open when
	// it is closed.
	if err := unix.SetNonblock(int(master.Fd()), true); err != nil {
		return fmt.Errorf("pseudo terminal: %w", err)
	}
	go io.Copy(io.Discard, master) // ends when master is closed
	home, err := os.MkdirTemp("", "guardsh-probe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)

	var held, refused atomic.Bool
	status, err := Interactive(ctx, Config{
		Args: []string{"--norc", "--noprofile", "-i"},
		Env:  []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "HISTFILE=" + filepath.Join(home, "history"), "HOME=" + home},
		In:   slave, Out: slave,
		Judge: func(_ context.Context, r Request) Answer {
			held.Store(held.Load() || r.Line == "exit "+strconv.Itoa(probeRefused))
			return Answer{Release: r.Line == "exit "+strconv.Itoa(probeReleased)}
		},
		Prompt: func(p Prompt) {
			line := probeReleased
			switch {
			case p.First:
				line = probeRefused
			case p.Released:
				return
			default:
				refused.Store(true)
			}
			fmt.Fprintf(master, "exit %d\r", line)
		},
	})
	switch {
	case err != nil:
		return err
	case status == probeReleased && refused.Load():
		return nil
	case status == probeRefused:
		return errors.New("a line that was refused ran")
	case ctx.Err() != nil && !held.Load():
		return errors.New("no line reached the gate in time")
	case ctx.Err() != nil:
		return errors.New("the gate did not let go of a line in time")
	}
	return fmt.Errorf("the shell ended with status %d", status)
}
