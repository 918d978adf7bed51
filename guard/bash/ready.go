package bash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"guardsh/guard/proc"
)

// CannotStart says that bash is not to be had on this machine, or what it needs
// to start is not.
type CannotStart struct{ Why string }

// Error says what is missing.
func (e *CannotStart) Error() string { return "bash cannot start: " + e.Why }

// startTime bounds how long a bash that is only to start may take.
const startTime = 5 * time.Second

func notFound() error {
	return &CannotStart{Why: "it is neither on PATH nor in " + strings.Join(Places, ", ")}
}

// Ready says why bash cannot start here: it, its loader or its libraries are
// missing. It looks and starts nothing, unless a library is not where
// libraries are; then the loader itself is asked.
func Ready(ctx context.Context) error {
	var cfg Config
	path, err := cfg.fill()
	if err != nil {
		return notFound()
	}
	loader, libs, err := needs(path)
	if err != nil {
		return nil // it may not be readable to us; that is no sign
	}
	if loader == "" {
		return nil
	}
	real, err := proc.RealName(loader)
	if errors.Is(err, fs.ErrNotExist) {
		return &CannotStart{Why: path + " needs " + loader + ", which is missing"}
	}
	// Libraries lie beside the loader, in one of these, or somewhere that only
	// the loader knows of.
	dirs := []string{filepath.Dir(real), "/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	for _, lib := range libs {
		if !anyHas(dirs, lib) {
			return Starts(ctx)
		}
	}
	return nil
}

func anyHas(dirs []string, name string) bool {
	for _, d := range dirs {
		if _, err := os.Stat(d + "/" + name); err == nil {
			return true
		}
	}
	return false
}

// Starts starts a bash that does nothing, and says why it does not start.
func Starts(ctx context.Context) error {
	var cfg Config
	path, err := cfg.fill()
	if err != nil {
		return notFound()
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--norc", "--noprofile", "-c", ":")
	cmd.Env = envWithout("BASH_ENV", "ENV")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	why := strings.TrimSpace(string(out))
	if why == "" {
		why = Why(path, err)
	}
	return &CannotStart{Why: why}
}

func envWithout(names ...string) (env []string) {
next:
	for _, kv := range os.Environ() {
		for _, n := range names {
			if strings.HasPrefix(kv, n+"=") {
				continue next
			}
		}
		env = append(env, kv)
	}
	return env
}

// Why says why a program did not start: the kernel's "no such file" is about
// its loader where the program itself is there.
func Why(path string, err error) string {
	loader, _, rerr := needs(path)
	if rerr == nil && loader != "" {
		if _, serr := os.Stat(loader); errors.Is(serr, fs.ErrNotExist) {
			return path + " needs " + loader + ", which is missing"
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Sprintf("%s: %v", path, err)
}
