package bash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

// gate serves the shells of one session: it makes each its channels, reads
// their requests and answers them.
type gate struct {
	cfg    Config
	dir    string
	ctx    context.Context
	hello  *os.File
	screen *screen // nil without a terminal of our own
	ownTTY uint64  // device number of the session's own terminal

	mu     sync.Mutex
	hellos atomic.Int64 // how many prompts were announced
	typed  atomic.Int64 // the shell that is about to read rearming; 0 none
	first  sync.Mutex   // held while a shell's first prompt is served
	shells map[int]*shell
	closed bool
	done   sync.WaitGroup
}

// shell is one interactive bash. Its fields belong to the goroutine that
// reads its frames, but for those under mu.
type shell struct {
	g       *gate
	pid     int
	uid     int
	tty     string
	own     bool
	toGuard *os.File // its frames
	toShell *os.File // our answers
	start   int64    // when its process was started

	greeted bool

	mu         sync.Mutex
	cur        *pending
	kept       string // words for its terminal that wait until no prompt stands there
	limits     limits
	bounded    bool // limits holds them
	forkless   bool // a mark tells it that no process can be forked
	knowsAlone bool // and it has been told since, or looks at the mark before its next line
}

// pending is the line that a shell waits with, or that it runs.
type pending struct {
	nonce    string
	gatePID  int
	cancel   context.CancelFunc
	replies  chan frame // answers to the oracle
	serial   int        // of the last question to the oracle
	decided  bool       // the answer went out
	released bool
	risky    bool      // the line may take the gate away
	at       time.Time // when it was released
}

// channels are a shell's files in the runtime directory: h, e and j hold a line
// for a moment, t carries a builtin's output back to the shell itself, q goes
// to us and a comes from us. That one is last: the shell waits for it.
var channels = []string{"h", "e", "j", "t", "q", "a"}

// openGate makes the channels in the runtime directory and starts to listen.
func openGate(ctx context.Context, cfg Config, dir string, scr *screen) (*gate, error) {
	// Other users' shells (su) write to q; nobody needs to read it but us. Nothing
	// is ever written to z and y, by which shells wait for a moment: whoever could
	// write there would end the waiting of others, so that theirs have their own.
	for name, mode := range map[string]uint32{"q": 0o622, "z": 0o600, "y": 0o666} {
		p := filepath.Join(dir, name)
		if err := unix.Mkfifo(p, mode); err != nil {
			return nil, fmt.Errorf("make %s: %w", p, err)
		}
		if err := os.Chmod(p, fs.FileMode(mode)); err != nil {
			return nil, err
		}
	}
	hello, err := openFIFO(filepath.Join(dir, "q"))
	if err != nil {
		return nil, err
	}
	g := &gate{cfg: cfg, dir: dir, ctx: ctx, hello: hello, screen: scr, shells: map[int]*shell{}}
	if scr != nil {
		g.ownTTY = scr.device
	}
	g.done.Go(g.listen)
	return g, nil
}

// openFIFO opens for both directions: that never blocks, and the reader sees
// no end of file between two shells.
func openFIFO(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
}

// closeLimit bounds how long the session's end waits for what was asked last:
// its line is withdrawn, but a look at something that does not answer is not.
const closeLimit = 5 * time.Second

// close ends every shell's goroutine.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.hello.Close()
	for _, s := range g.shells {
		s.close()
	}
	g.mu.Unlock()
	done := make(chan struct{})
	go func() { g.done.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(closeLimit):
	}
}

// listen reads the first words of shells that have no channels yet.
func (g *gate) listen() {
	r := bufio.NewReader(g.hello)
	for {
		f, err := readFrame(r)
		if errors.Is(err, errFrame) {
			continue
		}
		if err != nil {
			return
		}
		pid, err := strconv.Atoi(f.field(0))
		if err != nil || pid <= 1 {
			continue
		}
		g.greet(pid, f)
	}
}

// greet serves a shell's first words. The channels that it makes may be used
// before the prompt is dealt with: what has to come behind that takes first.
func (g *gate) greet(pid int, f frame) {
	g.first.Lock()
	defer g.first.Unlock()
	s, err := g.shell(pid)
	if err != nil {
		g.warn("gate-lost", pid, fmt.Sprintf("no channel for shell %d: %v", pid, err))
		return
	}
	if f.kind == 'H' {
		s.prompt(f)
	}
}

// shell finds or makes the shell of a process.
func (g *gate) shell(pid int) (*shell, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, os.ErrClosed
	}
	if s := g.shells[pid]; s != nil {
		if !s.replaced() {
			return s, nil
		}
		s.close()
		delete(g.shells, pid)
	}
	g.reap()
	s := &shell{g: g, pid: pid}
	s.uid, s.start = identity(pid)
	var dev uint64
	s.tty, dev = ttyOf(pid)
	s.own = g.ownTTY != 0 && dev == g.ownTTY
	if !s.own {
		// Its hook waits for us before each prompt, see sh/limit.sh.
		if err := os.WriteFile(g.path(pid, "o"), nil, 0o644); err != nil {
			return nil, err
		}
	}
	for _, suffix := range channels {
		p := g.path(pid, suffix)
		os.Remove(p)
		var err error
		if strings.Contains("hej", suffix) {
			err = os.WriteFile(p, nil, 0o600)
		} else {
			tmp := p + "~"
			if err = unix.Mkfifo(tmp, 0o600); err == nil {
				if s.uid >= 0 && s.uid != os.Geteuid() {
					err = os.Chown(tmp, s.uid, -1)
				}
				switch suffix {
				case "q":
					s.toGuard, err = openFIFO(tmp)
				case "a":
					s.toShell, err = openFIFO(tmp)
				}
				if err == nil {
					err = os.Rename(tmp, p)
				}
			}
		}
		if err == nil && strings.Contains("hej", suffix) && s.uid >= 0 && s.uid != os.Geteuid() {
			err = os.Chown(p, s.uid, -1)
		}
		if err != nil {
			s.close()
			return nil, err
		}
	}
	g.shells[pid] = s
	g.done.Go(s.serve)
	return s, nil
}

// identity is whose a process is, -1 unknown, and when it was started.
func identity(pid int) (uid int, start int64) {
	uid = -1
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d", pid), &st); err == nil {
		uid = int(st.Uid)
	}
	p, _ := proc.Of(pid) // 0 is as good as any where it cannot be known
	return uid, p.Start
}

// replaced says that the number of the shell's process is another one's by now:
// exec made it another user's, who cannot use the channels, or it was given anew.
func (s *shell) replaced() bool {
	uid, start := identity(s.pid)
	return uid >= 0 && (uid != s.uid || start != s.start)
}

// reap forgets the shells that have ended, called when a new one comes.
func (g *gate) reap() {
	for pid, s := range g.shells {
		if unix.Kill(pid, 0) == unix.ESRCH {
			s.close()
			delete(g.shells, pid)
		}
	}
}

// markEOF tells the shells whether ^D may end them.
func (g *gate) markEOF() {
	if g.cfg.IgnoreEOF == nil {
		return
	}
	p := filepath.Join(g.dir, "eof")
	if g.cfg.IgnoreEOF() {
		os.WriteFile(p, nil, 0o644)
	} else {
		os.Remove(p)
	}
}

func (g *gate) path(pid int, suffix string) string {
	return filepath.Join(g.dir, strconv.Itoa(pid)+"."+suffix)
}

func (g *gate) warn(kind string, pid int, text string) {
	if g.cfg.Warn != nil {
		g.cfg.Warn(Warning{Kind: kind, ShellPID: pid, Text: text})
	}
}

func (s *shell) close() {
	for _, f := range []*os.File{s.toGuard, s.toShell} {
		if f != nil {
			f.Close()
		}
	}
	for _, suffix := range append([]string{"f", "o"}, channels...) {
		os.Remove(s.g.path(s.pid, suffix))
	}
	s.withdraw("")
}

// serve reads one shell's frames until its channel is closed.
func (s *shell) serve() {
	r := bufio.NewReaderSize(s.toGuard, 16<<10)
	for {
		f, err := readFrame(r)
		if errors.Is(err, errFrame) {
			continue
		}
		if err != nil {
			return
		}
		switch f.kind {
		case 'H':
			if f.field(2) != "" && s.greeted && s.replaced() {
				s.g.greet(s.pid, f)
				return
			}
			s.prompt(f)
		case 'U':
			s.askedFork(f)
		case 'L':
			s.line(f)
		case 'W':
			s.withdraw(f.field(0))
		case 'E':
			s.mu.Lock()
			if p := s.cur; p != nil && p.nonce == f.field(0) {
				select {
				case p.replies <- f:
				default: // nobody waits for it any more
				}
			}
			s.mu.Unlock()
		}
	}
}

// withdraw ends the judging of a line, of any line where nonce is "".
func (s *shell) withdraw(nonce string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.cur; p != nil && (nonce == "" || p.nonce == nonce) {
		p.cancel()
		if nonce != "" {
			p.decided, p.released = true, false
		}
	}
}

// prompt is the hello that each shell says before it shows a prompt:
// pid, status, first, cwd.
func (s *shell) prompt(f frame) {
	s.g.hellos.Add(1)
	s.mu.Lock()
	p := s.cur
	s.cur = nil
	s.knowsAlone = s.forkless // the hook looks at the mark after this hello
	s.mu.Unlock()
	out := Prompt{ShellPID: s.pid, First: f.field(2) != "" || !s.greeted,
		Cwd: strings.TrimPrefix(f.field(3), "="), TTY: s.tty, Own: s.own, terminal: s.terminal()}
	s.greeted = true
	out.Status, _ = strconv.Atoi(f.field(1))
	if p != nil {
		p.cancel()
		out.Nonce, out.Released = p.nonce, p.released
		if p.released {
			out.Duration = time.Since(p.at)
		}
	}
	if s.own && s.g.screen != nil {
		s.g.screen.atPrompt()
	}
	s.sayKept(false) // behind an Enter that was no line
	s.g.markEOF()
	if s.g.cfg.Prompt != nil {
		s.g.cfg.Prompt(out)
	}
	s.tell(s.checkFork(false))
}

// line is a request: nonce, pid of the gate, HISTCMD now, HISTCMD at the
// prompt, cwd, the user's history settings, HISTIGNORE, line, where it comes
// from; from PS0 also what Live.tell reads.
func (s *shell) line(f frame) {
	ctx, cancel := context.WithCancel(s.g.ctx)
	p := &pending{nonce: f.field(0), cancel: cancel, replies: make(chan frame, 1)}
	p.gatePID, _ = strconv.Atoi(f.field(1))
	h := history{settings: f.field(5), ignore: strings.TrimPrefix(f.field(6), "=")}
	r := Request{
		Line: historyLine(f.field(7)), Origin: Typed, Own: s.own, ShellPID: s.pid, UID: s.uid,
		Nonce: p.nonce, Cwd: strings.TrimSuffix(strings.TrimPrefix(f.field(4), "="), "\n"), TTY: s.tty,
	}
	switch f.field(8) {
	case "K": // the DEBUG trap: a key's command
		r.Origin, r.Seen = Key, true
	case "D": // the DEBUG trap: a line that PS0 did not get
		r.Seen = true
	default:
		r.Seen = seen(f.field(2), f.field(3))
	}
	r.Hidden = h.hides(r.Line)
	if !r.Seen {
		r.Line = ""
	}
	p.risky = canDisarm(r.Line)
	s.sayKept(r.Origin != Key)
	s.mu.Lock()
	if s.cur != nil {
		s.cur.cancel()
	}
	s.cur = p
	s.mu.Unlock()
	live := newLive(ctx, s, p, r.Cwd)
	if len(f.fields) > 9 {
		live.tell(f.fields[9:])
	}
	r.Live = live
	s.g.done.Go(func() { s.judge(ctx, p, r) })
}

// watchAfter is when a line that is not decided yet begins to be watched for
// the death of the shell that waits with it.
const watchAfter = 20 * time.Millisecond

// judge has one line decided and sends the answer.
func (s *shell) judge(ctx context.Context, p *pending, r Request) {
	// Most lines are decided before it is worth watching who waits for them.
	var mu sync.Mutex
	stop := func() {}
	timer := time.AfterFunc(watchAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			stop = CancelWithProcess(p.gatePID, p.cancel)
		}
	})
	defer func() {
		timer.Stop()
		p.cancel()
		mu.Lock()
		defer mu.Unlock()
		stop()
	}()
	r.Terminal = s.terminal()
	dropped := false
	if s.own && s.g.screen != nil && r.Origin == Typed {
		r.Ahead, dropped = s.g.screen.lineTaken(r.Line)
	}
	a := Answer{Release: true}
	switch {
	case dropped:
		a = Answer{KeepAhead: true} // it was counted and said with the refusal
	case r.Own && r.Origin == Typed && (r.Line == s.g.rearming() || !r.Seen && s.g.typed.CompareAndSwap(int64(s.pid), 0)):
		// Nobody's act but ours. A shell that lost only PROMPT_COMMAND may keep a
		// line with a space in front out of its history, which is where it is seen.
	case s.g.cfg.Judge != nil:
		a = s.g.cfg.Judge(ctx, r)
	}
	if a.Say != "" {
		r.Terminal.Say(a.Say)
	}
	if !a.Release && !a.KeepAhead {
		if n := s.dropAhead(); n > 0 {
			r.Terminal.Say(aheadText(n))
		}
	}
	if s.own && s.g.screen != nil {
		s.g.screen.settle()
	}
	if r.Seen && r.Origin == Typed {
		s.join(ctx, r.Line, r.Live)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		a.Release = false // withdrawn: whoever still listens must not run it
	}
	if !p.decided {
		p.decided, p.released, p.at = true, a.Release, time.Now()
	}
	word := "no"
	if a.Release {
		word = "ok"
	}
	s.send(p.nonce + " " + word)
}

// send writes one message, whole: it is far below PIPE_BUF, or for one
// reader.
func (s *shell) send(m string) error {
	s.toShell.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := s.toShell.WriteString(m + "\x00")
	return err
}

func aheadText(n int) string {
	if n == 1 {
		return "guardsh: 1 line typed or pasted behind it was not run\n"
	}
	return fmt.Sprintf("guardsh: %d lines typed or pasted behind it were not run\n", n)
}

// CancelWithProcess calls cancel when the process has ended. stop gives up.
func CancelWithProcess(pid int, cancel func()) (stop func()) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		if errors.Is(err, unix.ESRCH) {
			cancel()
		}
		return func() {}
	}
	r, w, err := os.Pipe()
	if err != nil {
		unix.Close(fd)
		return func() {}
	}
	go func() {
		defer unix.Close(fd)
		defer r.Close()
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(r.Fd()), Events: unix.POLLIN}}
		for {
			_, err := unix.Poll(fds, -1)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err == nil && fds[1].Revents == 0 {
				cancel()
			}
			return
		}
	}()
	return func() { w.Close() }
}
