package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules/command"
)

// op is what a request asks for.
type op uint8

const (
	opPath      op = iota + 1 // where a path leads and what is there
	opTree                    // and how much lies below it
	opRead                    // the content of a regular file
	opGlob                    // the names that match a pattern
	opProgram                 // is it a program that can be started
	opClaimed                 // does the kernel use the block device
	opStrangers               // what is below a directory and not below another
	opSuper                   // the super block of an ext file system on it
)

// request is one question about the file system. It is answered in this
// process where nothing can hang, and in a helper where something may.
type request struct {
	Op     op
	Path   string
	Cwd    string
	Other  string // opStrangers: the directory that is compared with
	Follow bool   // opPath, opTree: go through a link in the last component
	Max    int64  // opRead: bytes
	Glob   command.GlobOptions
	Has    []string      // opTree: names below it to look for
	Budget time.Duration // opTree: for counting
	Root   string
}

// answer is what came of a request.
type answer struct {
	Spot    spot
	Entries int
	Bytes   int64
	More    bool
	Top     int      // opStrangers: of those, right in the directory
	Own     int      // opStrangers: all that is right in the directory
	Has     []string // of request.Has, those that exist
	Data    []byte
	Names   []string
	Err     string
	Unknown bool // Err means that it could not be had, not that it is not so
}

// error is Err for a caller of World.
func (a answer) error(what, object string) error {
	switch {
	case a.Unknown && a.Err == unix.EACCES.Error():
		return fmt.Errorf("%s %q: %w: %w", what, object, unix.EACCES, ErrUnknown)
	case a.Unknown:
		return fmt.Errorf("%s %q: %s: %w", what, object, a.Err, ErrUnknown)
	}
	return fmt.Errorf("%s %q: %s", what, object, a.Err)
}

func (a *answer) fail(err error) {
	a.Err = reason(err)
	a.Unknown = !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR)
}

// noTimeLeft is why something was not asked for.
const noTimeLeft = "no time left for it"

// certain is how many requests are served whatever the clock says, where
// nothing can hang: they take less than a millisecond together, and where the
// deadline was over before they were, this process had no processor. A deadline
// is for a line that names thousands of paths.
const certain = 64

// ask answers one request by its deadline.
func (w *World) ask(r request, deadline time.Time) answer {
	return w.askAll([]request{r}, deadline)[0]
}

// askAll answers requests in their order. What may hang goes to helpers, one
// a mount, all at the same time.
func (w *World) askAll(rs []request, deadline time.Time) []answer {
	answers := make([]answer, len(rs))
	table := w.mountsNow()
	far := map[string][]int{} // by mount: the requests that would touch it
	for i := range rs {
		rs[i].Root = w.root
		if i >= certain && time.Now().After(deadline) {
			answers[i] = answer{Err: noTimeLeft, Unknown: true}
			continue
		}
		a, err := serve(rs[i], w.walker(table, rs[i].Cwd, true))
		var h hangs
		if errors.As(err, &h) {
			far[h.Mount] = append(far[h.Mount], i)
			continue
		}
		answers[i] = a
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for mount, which := range far {
		wg.Add(1)
		go func() {
			defer wg.Done()
			part := make([]request, len(which))
			for j, i := range which {
				part[j] = rs[i]
			}
			got := w.helpers.ask(mount, part, deadline)
			mu.Lock()
			defer mu.Unlock()
			for j, i := range which {
				answers[i] = got[j]
			}
		}()
	}
	wg.Wait()
	return answers
}

// walker is one for this world; careful ones stop before a mount that may
// hang.
func (w *World) walker(table *mountTable, cwd string, careful bool) *walker {
	wk := &walker{root: w.root, cwd: cwd}
	wk.proc = func(real string) bool {
		m := table.of(w.root + real)
		return m != nil && m.FSType == "proc"
	}
	if careful {
		wk.stop = func(real string) error {
			if len(w.root)+len(real) > table.longest {
				return nil
			}
			m := table.at[w.root+real]
			if m != nil && w.root+real != "/" && mayHang(m) {
				return hangs{m.Mountpoint}
			}
			return nil
		}
	}
	return wk
}

// The helper process. Its name is what main sees as os.Args[0].
const helperName = "guardsh: facts"

// HelperMain answers requests when this process was started as a helper, and
// does not return then; else it returns at once. main calls it first of all,
// before flags are read; so does a test's TestMain.
func HelperMain() {
	if len(os.Args) != 1 || os.Args[0] != helperName {
		return
	}
	if send(os.Stdout, &answer{}) != nil { // ready
		os.Exit(0)
	}
	w := &World{mounts: -1}
	for {
		var r request
		if err := receive(os.Stdin, &r); err != nil {
			os.Exit(0)
		}
		w.root = r.Root
		a, err := serve(r, w.walker(w.mountsNow(), r.Cwd, false))
		if err != nil {
			a.fail(err)
		}
		if send(os.Stdout, &a) != nil {
			os.Exit(0)
		}
	}
}

// helpers starts helper processes, keeps an idle one, and remembers the mounts
// that did not answer.
type helpers struct {
	mu     sync.Mutex
	idle   []*helper
	silent map[string]time.Time // until when a mount is left alone
	closed bool
}

// Bounds of the helpers: how many wait for the next line, and how many there
// are in all, since each may be stuck for ever.
const (
	maxIdle    = 2
	maxRunning = 64
)

// running counts this process's helpers until they are gone.
var running atomic.Int32

// readyDeadline is for the helper's own start, which is no fault of a mount.
var readyDeadline = 150 * time.Millisecond

type helper struct {
	in, out *os.File
	process *os.Process
}

// ask has one helper answer requests about one mount, each within its
// deadline. The mount is left alone for a while after it missed one.
func (h *helpers) ask(mount string, rs []request, deadline time.Time) []answer {
	answers := make([]answer, len(rs))
	silent := func(from int, words string) []answer {
		for i := from; i < len(rs); i++ {
			answers[i] = answer{Err: words, Unknown: true}
		}
		return answers
	}
	each := Fair(pathDeadline)
	missed := fmt.Sprintf("no answer within %d ms (%s)", each.Milliseconds(), mount)
	h.mu.Lock()
	until, bad := h.silent[mount]
	h.mu.Unlock()
	if bad && time.Now().Before(until) {
		return silent(0, missed)
	}
	p, err := h.get(deadline)
	if err != nil {
		return silent(0, "helper did not start: "+err.Error())
	}
	for i, r := range rs {
		now := time.Now()
		d := now.Add(each)
		if r.Budget > 0 {
			d = d.Add(r.Budget)
		}
		if d.After(deadline) {
			d = deadline
		}
		if !d.After(now) {
			h.put(p)
			return silent(i, noTimeLeft)
		}
		p.out.SetReadDeadline(d)
		p.in.SetWriteDeadline(d)
		err := send(p.in, &r)
		if err == nil {
			err = receive(p.out, &answers[i])
		}
		if err != nil {
			p.abandon()
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return silent(i, "helper ended early ("+mount+")")
			}
			h.mu.Lock()
			if h.silent == nil {
				h.silent = map[string]time.Time{}
			}
			h.silent[mount] = time.Now().Add(silence)
			h.mu.Unlock()
			return silent(i, missed)
		}
	}
	h.put(p)
	return answers
}

func (h *helpers) get(deadline time.Time) (*helper, error) {
	h.mu.Lock()
	if n := len(h.idle); n > 0 {
		p := h.idle[n-1]
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		return p, nil
	}
	h.mu.Unlock()
	return startHelper(deadline)
}

func (h *helpers) put(p *helper) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.idle) >= maxIdle {
		p.leave()
		return
	}
	h.idle = append(h.idle, p)
}

func (h *helpers) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, p := range h.idle {
		p.leave()
	}
	h.idle = nil
}

func startHelper(deadline time.Time) (*helper, error) {
	if running.Load() >= maxRunning {
		return nil, fmt.Errorf("%d are stuck already", maxRunning)
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return nil, err
	}
	cmd := exec.Cmd{
		Path: "/proc/self/exe",
		Args: []string{helperName},
		Dir:  "/", // not the working directory, which may be what hangs
		Env:  []string{"GOMAXPROCS=1"},
		// Files, not pipes of os/exec: nothing may wait for them.
		Stdin:       inR,
		Stdout:      outW,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	inR.Close()
	outW.Close()
	if err != nil {
		inW.Close()
		outR.Close()
		return nil, err
	}
	running.Add(1)
	go func() { // takes the zombie; nobody waits for this goroutine
		_ = cmd.Wait()
		running.Add(-1)
	}()
	p := &helper{in: inW, out: outR, process: cmd.Process}
	patience := Fair(readyDeadline)
	ready := time.Now().Add(patience)
	if ready.After(deadline) {
		ready = deadline
	}
	outR.SetReadDeadline(ready)
	var a answer
	if err := receive(p.out, &a); err != nil {
		p.abandon()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("not ready within %d ms", patience.Milliseconds())
		}
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it ended at once")
		}
		return nil, err
	}
	return p, nil
}

// leave ends a helper that has nothing to do: its input ends.
func (p *helper) leave() {
	p.in.Close()
	p.out.Close()
}

// abandon gives up a helper that is stuck. It dies when the kernel lets it go.
func (p *helper) abandon() {
	p.leave()
	p.process.Kill()
}
