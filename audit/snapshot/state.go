package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// dumpTime bounds each program that is asked for a state.
	dumpTime = 2 * time.Second
	// outputTime bounds the wait for what a program that has ended said: a child
	// of it may hold the pipe. Who reads the pipe on a busy machine waits for a
	// processor first.
	outputTime = 2 * time.Second
)

// provider keeps a state that is not a file, through the program that owns it.
type provider struct {
	// name is what the state is called in words: "crontab of www".
	name func(Item) string
	// dump is the state as bytes; exists is false where there is none.
	dump func(context.Context, Item) (b []byte, exists bool, err error)
	// restore makes the state what dump said; nil where nothing can.
	restore func(context.Context, Item, []byte, bool) error
	// loose: what was given back is never told the same again.
	loose bool
}

// providers are the classes that are no files. A further kind of state is a
// further row.
var providers = sync.OnceValue(func() map[Class]provider {
	all := toldByPrograms()
	all[Crontab] = provider{name: crontabName, dump: crontabDump, restore: crontabRestore}
	return all
})

// noFile reports a class whose items the walk has nothing to do with.
func (c Class) noFile() bool {
	_, ok := providers()[c]
	return ok || c == Device
}

// CanRestore reports whether an undo puts such a state back. What it cannot is
// kept to look at.
func (c Class) CanRestore() bool {
	p, ok := providers()[c]
	return !ok || p.restore != nil
}

func crontabName(it Item) string {
	if it.User == "" {
		return "crontab"
	}
	return "crontab of " + it.User
}

// programDirs is where programs are looked for.
var programDirs = []string{"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"}

// program finds a system program without the user's PATH, in which something
// else may be called like it.
func program(name string) (string, error) {
	for _, d := range programDirs {
		p := filepath.Join(d, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: not on this system", name)
}

// ask runs a program in the C locale and gives back what it says.
func ask(ctx context.Context, stdin []byte, name string, args ...string) (out, errs []byte, err error) {
	path, err := program(name)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dumpTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = outputTime
	// Debian's crontab adds a header when it installs and hides it when it
	// lists, unless the environment says N.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "CRONTAB_NOHEADER=Y")
	cmd.Stdin = bytes.NewReader(stdin)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%s: no answer within %s", name, dumpTime)
	} else if err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, firstLine(e.Bytes()))
	}
	return o.Bytes(), e.Bytes(), err
}

func firstLine(b []byte) string {
	l, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return l
}

func userArgs(it Item, args ...string) []string {
	if it.User == "" {
		return args
	}
	return append([]string{"-u", it.User}, args...)
}

func crontabDump(ctx context.Context, it Item) ([]byte, bool, error) {
	out, errs, err := ask(ctx, nil, "crontab", userArgs(it, "-l")...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && bytes.Contains(errs, []byte("no crontab for")) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return out, true, nil
}

func crontabRestore(ctx context.Context, it Item, b []byte, exists bool) error {
	args := userArgs(it, "-")
	if !exists {
		args = userArgs(it, "-r")
	}
	if _, _, err := ask(ctx, b, "crontab", args...); err != nil {
		return err
	}
	now, ok, err := crontabDump(ctx, it)
	if err != nil {
		return err
	}
	if ok != exists || !bytes.Equal(now, b) {
		return fmt.Errorf("%s: what it holds now is not what was given to it", crontabName(it))
	}
	return nil
}

// dumpError says that a state could not be had.
type dumpError struct {
	item int
	name string
	err  error
}

func (e *dumpError) Error() string { return e.name + ": " + e.err.Error() }
func (e *dumpError) Unwrap() error { return e.err }

// dumps asks for the state of every item that is no file, all at once.
func dumps(ctx context.Context, items []Item) (contents [][]byte, ds []Dump, errs []*dumpError) {
	contents = make([][]byte, len(items))
	all := make([]*Dump, len(items))
	failed := make([]*dumpError, len(items))
	var wg sync.WaitGroup
	for i, it := range items {
		p, ok := providers()[it.Class]
		if !ok {
			continue
		}
		wg.Go(func() {
			b, exists, err := p.dump(ctx, it)
			if err != nil {
				failed[i] = &dumpError{i, p.name(it), err}
				return
			}
			sum := sha256.Sum256(b)
			contents[i] = b
			all[i] = &Dump{Item: i, Exists: exists, File: strconv.Itoa(i), Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
		})
	}
	wg.Wait()
	for i, d := range all {
		if d != nil {
			ds = append(ds, *d)
		}
		if failed[i] != nil {
			errs = append(errs, failed[i])
		}
	}
	return contents, ds, errs
}
