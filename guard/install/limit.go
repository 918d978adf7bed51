package install

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// leastAddresses is the address space, in bytes, that a login needs for
// guardsh to start in it. Go's runtime reserves more than a gigabyte for its
// tables before the program begins; no flag and no variable makes that less, and
// below a gigabyte and a half it sometimes gets it and sometimes does not.
const leastAddresses = 2 << 30

// TooFewAddresses is the error that a login may not reserve what guardsh needs.
type TooFewAddresses struct {
	Of    string // whose login, or which service's
	Limit uint64 // in bytes
}

func (e *TooFewAddresses) Error() string {
	return fmt.Sprintf("the address space of %s is limited to %d MiB, and guardsh starts with %d at least", e.Of, e.Limit>>20, leastAddresses>>20)
}

// Hint says where such a limit is set.
func (e *TooFewAddresses) Hint() string {
	return "take the limit (as in /etc/security/limits.conf and limits.d, LimitAS of a unit, ulimit -v of a profile) away"
}

// Addresses tells whether a login of an account can start guardsh: by a login
// through the system's own PAM rules with another shell.
func Addresses(user string) error {
	cmd, err := suTo(user, "/bin/sh", "-c", "echo; ulimit -v")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.SysProcAttr.Setsid = true
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	if cmd.Wait() != nil {
		return nil // whether a login works is not asked here
	}
	return enough("a login of "+user, lastLimit(out.String()))
}

// OwnAddresses tells whether this process could start guardsh.
func OwnAddresses() error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &lim); err != nil {
		return nil
	}
	return enough("this session", lim.Cur)
}

// ServiceAddresses tells whether the services that people log in through may
// start guardsh, where systemd runs them.
func ServiceAddresses() error {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return nil
	}
	for _, unit := range []string{"ssh.service", "sshd.service", "getty@.service", "cron.service", "crond.service"} {
		out, err := tool("systemctl", "show", "--value", "-p", "LimitASSoft", unit)
		if err != nil {
			return nil // it is not asked through this
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(out), 10, 64); err == nil {
			if err := enough(unit, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func enough(whose string, limit uint64) error {
	if limit < leastAddresses {
		return &TooFewAddresses{whose, limit}
	}
	return nil
}

// lastLimit is what ulimit -v has said last, in bytes: a profile may print
// before it. What is no number bounds nothing.
func lastLimit(out string) uint64 {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	kib, err := strconv.ParseUint(strings.TrimSpace(lines[len(lines)-1]), 10, 64)
	if err != nil || kib > math.MaxUint64>>10 {
		return math.MaxUint64
	}
	return kib << 10
}
