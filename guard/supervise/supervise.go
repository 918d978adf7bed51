package supervise

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

// Config says what becomes of program starts.
type Config struct {
	// Known says by a program's name and path whether its start has to be
	// looked at; all others go on at once. It must be quick, and wait for
	// nothing: all other starts wait for it.
	Known func(s *Start) bool
	// Judge decides about one that has to be; it may take as long as a question
	// takes, while other starts are judged beside it.
	Judge func(*Start) Decision
	// Seen is told of each start by its name, for the trail. It must be quick.
	Seen func(s *Start)
	// Lost is told when the listener fails: nothing is supervised any more.
	Lost func(error)
}

// Decision is what becomes of a start. There is no useful zero.
type Decision uint8

const (
	Go     Decision = iota + 1 // it goes on
	Refuse                     // execve fails with EPERM
)

// ErrNested means that the shell is supervised already, by the session that
// this one runs in.
var ErrNested = errors.New("the session above supervises this one too")

// listening is a listener with the starts that wait.
type listening struct {
	fd  int
	cfg Config
	mem int // the shared memory's file
	*shared
	free  chan int   // slots that are free
	aside *aside     // holds it too
	rank  precedence // of the thread that receives

	rooted atomic.Bool // a process may have another root directory than this one

	turn    chan struct{} // to a receiver that waits for its turn
	alone   atomic.Bool   // the receiver judges, and nobody receives
	long    alarm         // it does for long
	watched sync.Once     // somebody waits for that

	judging sync.Mutex // held for the fields below
	judged  int        // starts that are being judged
	calm    sync.Cond  // there are none
	over    bool       // none is any more
}

// Supervision is what supervises one shell.
type Supervision struct {
	l      *listening
	wanted func()     // a keeper is needed now
	kept   chan error // whether there is one
}

// patience is how long a shell may live before the process aside becomes the
// keeper, which is a program more to start: most lines are over before.
const patience = 25 * time.Millisecond

// Prepared is all that a shell is to be supervised by, but the shell.
type Prepared struct {
	l     *listening // nil where there can be none
	why   error
	start chan func() error // nil: there is no shell
	err   chan error        // of that
}

// Prepare makes everything ready beside whatever else comes before a shell.
func Prepare(cfg Config) *Prepared {
	p := &Prepared{start: make(chan func() error), err: make(chan error, 1)}
	onThread(func() {
		var filtered bool
		p.l, filtered, p.why = listen(cfg)
		start := <-p.start
		if start == nil {
			close(p.err)
			return
		}
		if p.l == nil && !filtered {
			p.err <- start()
			return
		}
		if p.l != nil && !p.l.aside.ended() {
			err := start()
			if err == nil {
				go p.l.receiver() // the first start is over, which the process aside has let go
			}
			if !scarce(err) {
				p.err <- err
				return
			}
			p.why = fmt.Errorf("there is no room for it beside the shell: %w", err)
		} else if p.l != nil {
			p.why = errors.New("the keeper was ended before there was a shell")
		}
		onThread(func() { // nobody would answer here
			if p.l != nil {
				p.l.close()
				p.l = nil
			}
			p.err <- start()
		})
	})
	return p
}

// scarce says that something has failed for lack of what supervision takes too:
// descriptors, processes, memory.
func scarce(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOMEM)
}

// close gives everything back where nothing was started, once the thread that
// has the filter has ended.
func (l *listening) close() {
	l.aside.reap()
	for _, fd := range []int{l.fd, l.mem, l.long.fd, l.aside.life, l.aside.ready} {
		unix.Close(fd)
	}
}

// Forget is called where there is no shell after all.
func (p *Prepared) Forget() {
	close(p.start)
	<-p.err
	if p.l != nil {
		p.l.gone()
	}
}

// Start starts a shell: start, which has to start the process itself, is
// called on a thread whose children are supervised. Where that is not
// possible it is called all the same, there is no Supervision, and why says
// why. err is start's own.
func (p *Prepared) Start(start func() error) (s *Supervision, why, err error) {
	p.start <- start
	err = <-p.err
	if p.l == nil {
		return nil, p.why, err
	}
	s = &Supervision{l: p.l, kept: make(chan error, 1)}
	if err != nil {
		return s, nil, err
	}
	wanted := make(chan struct{})
	s.wanted = sync.OnceFunc(func() { close(wanted) })
	go func() {
		select {
		case <-wanted:
		case <-time.After(patience):
		}
		if s.l.idle() {
			s.kept <- nil // there is nothing to be kept
			return
		}
		s.kept <- s.l.keep()
	}()
	return s, nil, nil
}

// onThread calls f on a thread of its own, which ends when f does; the runtime
// makes no other thread from it. It is never the process's first, which would
// stay until the end, and with it what it was put under. Nothing waits for it.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		other := make(chan struct{})
		onThread(func() { close(other); f() }) // while this one is held, it is another
		<-other
		runtime.UnlockOSThread()
	}()
}

// keeper waits until what is supervised may outlive this process, and says why
// if it may not.
func (s *Supervision) keeper() error {
	s.wanted()
	err := <-s.kept
	s.kept <- err
	return err
}

// End is called before this process ends. Where something that is supervised
// is left, it waits for the keeper, and for what is being judged: the keeper
// refuses that. What comes later the keeper lets go.
func (s *Supervision) End() error {
	if s.l.idle() {
		return nil
	}
	err := s.keeper()
	s.l.stopJudging()
	return err
}

// endPatience is how long a start may still be judged: a question that nobody
// answers is no reason not to end.
const endPatience = 2 * time.Second

// Gone is called last of all. Where nothing is supervised any more the process
// aside ends. It is waited for, which on a busy machine takes as long as a short
// line does, only where nobody else would take note of its end.
func (s *Supervision) Gone() {
	if s.l.idle() {
		s.l.gone()
	}
}

// gone is Gone where nothing is supervised.
func (l *listening) gone() {
	if !l.aside.ended() && !firstWaits() {
		l.aside.reap()
	}
}

// firstWaits says whether the first process, whose child is whoever's parent has
// ended, is told of the end of its children, as every init is and the program
// that is the first of many a container is not: it catches that signal, has it
// blocked to ask for it, or ignores it, which does for the kernel.
func firstWaits() bool {
	b, err := proc.ReadFile("/proc/1/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "SigBlk", "SigIgn", "SigCgt":
			if set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64); err == nil && set&(1<<(unix.SIGCHLD-1)) != 0 {
				return true
			}
		}
	}
	return false
}

// idle says that nothing is supervised any more.
func (l *listening) idle() bool {
	fds := []unix.PollFd{{Fd: int32(l.fd)}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&unix.POLLHUP != 0
}

// listen puts the filter on this thread. Where there is a filter and an error,
// nothing can be started here any more.
func listen(cfg Config) (l *listening, filtered bool, err error) {
	if len(here()) == 0 {
		return nil, false, fmt.Errorf("program starts are not known on %s", runtime.GOARCH)
	}
	mem, common, err := newShared()
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			unix.Close(mem)
		}
	}()
	long, err := newAlarm()
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			unix.Close(long.fd)
		}
	}()
	holder, err := newAside(mem, common)
	if err != nil {
		return nil, false, err
	}
	fd, err := install(filter(here()))
	if err != nil {
		holder.forget()
		switch {
		case errors.Is(err, unix.EBUSY):
			return nil, false, ErrNested
		case errors.Is(err, unix.EACCES):
			return nil, false, errors.New("it takes CAP_SYS_ADMIN")
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
			return nil, false, fmt.Errorf("this kernel cannot (%w): Linux 5.5 or later is needed", err)
		}
		return nil, false, fmt.Errorf("seccomp: %w", err)
	}
	wakeInStep(fd)
	if err = holder.hold(fd); err != nil {
		unix.Close(fd)
		return nil, true, err
	}
	l = &listening{fd: fd, cfg: cfg, mem: mem, aside: holder, rank: newPrecedence(), shared: common, free: make(chan int, slots), turn: make(chan struct{}), long: long}
	for i := range slots {
		l.free <- i
	}
	l.calm.L = &l.judging
	return l, true, nil
}

// receiver takes one start after the other, decides about it and answers: to
// hand a start on to another thread costs more than most are judged in. What is
// handed on is to receive, where another start waits or one takes long. Never
// do two wait for starts: the kernel wakes both for each.
func (l *listening) receiver() {
	l.rank.take()
	defer l.rank.giveBack()
	for {
		i := <-l.free
		s := &l.slots[i]
		atomic.StoreUint32(&s.state, slotTaken)
		err := receive(l.fd, s)
		switch {
		case err == nil:
			st := l.slow(s)
			if st == nil {
				l.done(i, 0)
			} else {
				l.rank.giveBack()
				mine := l.receivesOn(i, st)
				l.rank.take()
				if !mine {
					return
				}
			}
		case errors.Is(err, unix.EINTR):
			l.release(i)
		case errors.Is(err, unix.ENOENT):
			l.release(i)
			if l.idle() {
				return // the kernel would say so without end
			}
		default:
			l.release(i)
			if l.cfg.Lost != nil {
				l.cfg.Lost(os.NewSyscallError("seccomp receive", err))
			}
			return
		}
	}
}

// receivesOn judges a start, and says whether it is still this goroutine that
// receives: at once, or when its turn comes again.
func (l *listening) receivesOn(i int, st *Start) bool {
	if l.another() {
		l.handOn()
		l.judge(i, st)
		return l.turnComes()
	}
	l.alone.Store(true)
	l.watched.Do(func() { go l.watch() })
	l.long.set(longJudgement)
	l.judge(i, st)
	l.long.set(0)
	return l.alone.CompareAndSwap(true, false) || l.turnComes()
}

// longJudgement is how long the starts behind one may have to wait for it.
const longJudgement = 3 * time.Millisecond

// watch hands on for a receiver that judges for long.
func (l *listening) watch() {
	for l.long.wait() {
		if l.alone.CompareAndSwap(true, false) {
			l.handOn()
		}
	}
}

// another says whether one more start waits.
func (l *listening) another() bool {
	fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&unix.POLLIN != 0
}

// handOn lets another goroutine receive.
func (l *listening) handOn() {
	select {
	case l.turn <- struct{}{}:
	default:
		go l.receiver()
	}
}

// turnComes waits until this goroutine is to receive again; false: it is not
// needed. One that has judged has the stack that it takes.
func (l *listening) turnComes() bool {
	idle := time.NewTimer(idleReceiver)
	defer idle.Stop()
	select {
	case <-l.turn:
		return true
	case <-idle.C:
		return false
	}
}

// idleReceiver is how long one that is not needed waits: a build starts programs
// all the time.
const idleReceiver = time.Second

// slow is a start that has to be looked at; nil for one that may go on.
func (l *listening) slow(s *slot) *Start {
	if changesRoot(s.n.arch, s.n.nr) {
		l.rooted.Store(true)
		return nil
	}
	st, err := newStart(l, &s.n)
	if err != nil {
		// A process that cannot be read has ended, or asks for a program at an
		// address that is none: the kernel will tell it.
		return nil
	}
	if l.cfg.Seen != nil {
		l.cfg.Seen(st)
	}
	if !l.cfg.Known(st) {
		return nil
	}
	return st
}

// judge answers one start.
func (l *listening) judge(i int, st *Start) {
	if !l.mayJudge(1) {
		return // this process ends, and the keeper lets it go
	}
	defer l.mayJudge(-1)
	atomic.StoreUint32(&l.slots[i].state, slotJudged)
	var errno unix.Errno
	switch l.cfg.Judge(st) {
	case Go:
	default:
		errno = unix.EPERM
	}
	l.done(i, errno)
}

// mayJudge counts a judgement that begins, or ends.
func (l *listening) mayJudge(n int) bool {
	l.judging.Lock()
	defer l.judging.Unlock()
	if n > 0 && l.over {
		return false
	}
	if l.judged += n; l.judged == 0 {
		l.calm.Broadcast()
	}
	return true
}

// stopJudging lets no further judgement begin, once none is under way.
func (l *listening) stopJudging() {
	l.judging.Lock()
	defer l.judging.Unlock()
	patient := true
	t := time.AfterFunc(endPatience, func() {
		l.judging.Lock()
		defer l.judging.Unlock()
		patient = false
		l.calm.Broadcast()
	})
	defer t.Stop()
	for l.judged > 0 && patient {
		l.calm.Wait()
	}
	l.over = l.judged == 0
}

// done answers and frees the slot.
func (l *listening) done(i int, errno unix.Errno) {
	s := &l.slots[i]
	if errno != 0 {
		l.refuse(s.n.pid)
	}
	if err := answer(l.fd, s.n.id, errno); err != nil && l.cfg.Lost != nil {
		l.cfg.Lost(err)
	}
	l.release(i)
}

func (l *listening) release(i int) {
	s := &l.slots[i]
	s.n.id = 0
	atomic.StoreUint32(&s.state, slotFree)
	l.free <- i
}
