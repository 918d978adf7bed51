// Package host answers for the machine that guardsh runs on: where a path
// really leads, what is there, who uses it, what carries this session. It
// implements rules.World.
//
// Everything has a deadline. Whatever lies on a file system that may stop
// answering is asked in a helper process that guardsh never waits for, since a
// thread that is stuck in the kernel cannot be ended. What cannot be had is
// said in the facts' Unknown; it is never an error and never silent.
package host

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/command"
)

// Deadlines of DESIGN section 11. They are variables, like those of single facts
// elsewhere, for tests that ask what a fact is, not when it comes.
var (
	pathDeadline = 50 * time.Millisecond  // one path, from the moment its helper is ready
	lineDeadline = 250 * time.Millisecond // all the facts of a line
	treeBudget   = 40 * time.Millisecond  // counting one tree
)

// silence is how long a mount that missed its deadline is left alone.
const silence = 10 * time.Second

// ErrUnknown is wrapped by every answer that could not be had; the message
// says which and why.
var ErrUnknown = errors.New("not known")

// Options are what a World cannot find out by itself.
type Options struct {
	// Protect says how much the system leans on a path; nil takes the
	// built-in set.
	Protect *rules.Protection
	// Labels are the site's labels of this host: production …
	Labels []string
	// Notes are the site's words about a service, by its name without
	// ".service".
	Notes map[string]string
	// Root is the directory that is taken for /; "" is the real one.
	Root string
	// Env is the session's environment, as os.Environ gives it; nil takes the
	// process's own.
	Env []string
	// Interactive is set when a person types.
	Interactive bool
	// Known says of a program's base name whether anything is known about it;
	// nil: of none.
	Known func(name string) bool
	// TTY is the terminal of the session, "/dev/pts/3"; "" when there is none.
	TTY string
}

// World is this machine. Its methods may be called from several goroutines.
type World struct {
	opts Options
	root string // without a trailing slash; "" for the real one
	env  map[string]string

	mu     sync.Mutex
	table  *mountTable
	mounts int // /proc/self/mountinfo, polled for changes; -1 not open
	homes  homeCache
	loader loaderFound

	helpers    helpers
	programs   programs
	identities identities
	cards      sessionCards
}

var _ rules.World = (*World)(nil)

// New makes a World. It looks at nothing until it is asked.
func New(o Options) *World {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Protect == nil {
		o.Protect = rules.NewProtection(nil, nil, nil)
	}
	w := &World{opts: o, root: strings.TrimRight(o.Root, "/"), mounts: -1, env: make(map[string]string, len(o.Env))}
	for _, kv := range o.Env {
		if k, v, ok := strings.Cut(kv, "="); ok {
			w.env[k] = v
		}
	}
	return w
}

// Close lets the helpers go. It never waits for them.
func (w *World) Close() {
	w.helpers.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mounts >= 0 {
		unix.Close(w.mounts)
		w.mounts = -1
	}
}

// ReadFile reads at most max bytes of a regular file.
func (w *World) ReadFile(path string, max int64) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("read %q: path is not absolute: %w", path, ErrUnknown)
	}
	a := w.ask(request{Op: opRead, Path: path, Max: max}, time.Now().Add(Fair(lineDeadline)))
	if a.Err != "" {
		return nil, a.error("read", path)
	}
	return a.Data, nil
}

// Real is where a path that exists really leads, with every link followed.
func (w *World) Real(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("resolve %q: path is not absolute: %w", path, ErrUnknown)
	}
	a := w.ask(request{Op: opPath, Path: path, Follow: true}, time.Now().Add(Fair(pathDeadline)))
	switch {
	case a.Err != "":
		return "", a.error("resolve", path)
	case a.Spot.Denied != "":
		return "", fmt.Errorf("resolve %q: %s: %w", path, a.Spot.Denied, ErrUnknown)
	case !a.Spot.Exists:
		return "", fmt.Errorf("resolve %q: %w", path, unix.ENOENT)
	}
	return a.Spot.Real, nil
}

// Glob matches a pattern below cwd as bash does, sorted by byte value. No
// match is an empty list.
func (w *World) Glob(cwd, pattern string, opts command.GlobOptions) ([]string, error) {
	if !filepath.IsAbs(pattern) && !filepath.IsAbs(cwd) {
		return nil, fmt.Errorf("glob %q: working directory is not known: %w", pattern, ErrUnknown)
	}
	a := w.ask(request{Op: opGlob, Path: pattern, Cwd: cwd, Glob: opts}, time.Now().Add(Fair(lineDeadline)))
	if a.Err != "" {
		return nil, a.error("glob", pattern)
	}
	return a.Names, nil
}

// Home is a user's home directory; "" asks for the session's own.
func (w *World) Home(name string) (string, error) {
	if name == "" {
		if h := w.env["HOME"]; h != "" {
			return h, nil
		}
		u, err := user.Current()
		if err != nil {
			return "", fmt.Errorf("home of the session: %w", err)
		}
		return u.HomeDir, nil
	}
	if h, ok := w.accounts()[name]; ok {
		return h, nil
	}
	if w.root != "" {
		return "", fmt.Errorf("home of %q: no such user", name)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", fmt.Errorf("home of %q: %w", name, err)
	}
	return u.HomeDir, nil
}
