package bash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// screen joins the outer terminal to the pseudo terminal that bash has.
type screen struct {
	cfg    Config
	in     *os.File
	out    *os.File
	master int    // descriptor of the inner terminal's master, not blocking
	tty    string // the slave's path; "" where it has none
	device uint64 // its number, which processes on it have

	outMu sync.Mutex // one writer to out at a time, Output in the same order

	stopMu sync.Mutex // one stop of this process at a time
	rawMu  sync.Mutex
	cooked *term.State // the outer terminal as it was; nil when it is no terminal
	raw    bool

	wakeIn  [2]int     // written to stop or pause the key pump
	turn    sync.Mutex // held by who has paused it
	pauseMu sync.Mutex
	paused  chan struct{} // closed when the pump has stopped for pause
	resume  chan struct{}
	pausing bool
	ending  bool

	keysMu  sync.Mutex
	holding bool   // keys stay with us until the line is settled
	held    []byte // keys read but kept from the shell
	ahead   int    // lines sent to bash that no request has taken yet
	blanks  int    // of ahead, those with nothing in them: no request comes for them
	filled  bool   // the line that is being sent has something in it
	before  bool   // filled, where a paste's bracket may have begun
	paste   bool   // inside a bracketed paste
	edge    []byte // the last keys, where a paste's bracket may be cut in two
	pasted  int    // of ahead, those that bash itself holds
	drop    int    // lines of a refused paste that bash holds and that must not run

	holdsPaste bool // the shell reads a bracketed paste as one line and holds the rest, as readline does

	barrierMu sync.Mutex // one mark on its way at a time

	marks  sync.Mutex
	mark   string
	marked chan struct{}
	tail   []byte // output that may be the beginning of a mark
	serial int
	gone   bool          // nothing has the inner terminal open any more
	line   []byte        // what stands in the terminal's last line; outMu guards it
	muted  bool          // what is shown stays in tail until rearmMark comes by
	heard  chan struct{} // closed when it has
}

// bufferSize is what one read of a pseudo terminal can give at most.
const bufferSize = 4096

// openScreen makes a pseudo terminal and joins it to the outer one. done closes
// both ends.
func openScreen(cfg Config) (s *screen, slave *os.File, done func(), err error) {
	master, slave, err := openPTY()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("pseudo terminal: %w", err)
	}
	done = func() { slave.Close(); master.Close() }
	if s, err = newScreen(cfg, master, slave); err != nil {
		done()
		return nil, nil, nil, err
	}
	return s, slave, done, nil
}

func newScreen(cfg Config, master, slave *os.File) (*screen, error) {
	s := &screen{cfg: cfg, in: cfg.In, out: cfg.Out, master: int(master.Fd()), tty: slave.Name()}
	var st unix.Stat_t
	if err := unix.Fstat(int(slave.Fd()), &st); err != nil {
		return nil, fmt.Errorf("pseudo terminal: %w", err)
	}
	s.device = uint64(st.Rdev)
	// Fd makes a file block again, so the number is taken once. A write to a
	// terminal whose reader is slow must not hold up a pause.
	if err := unix.SetNonblock(s.master, true); err != nil {
		return nil, fmt.Errorf("pseudo terminal: %w", err)
	}
	if err := unix.Pipe2(s.wakeIn[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	return s, nil
}

// makeRaw puts the outer terminal into raw mode; undo with makeCooked.
func (s *screen) makeRaw() error {
	s.rawMu.Lock()
	defer s.rawMu.Unlock()
	if s.raw || !term.IsTerminal(int(s.in.Fd())) {
		return nil
	}
	if s.cooked == nil {
		// The shell's terminal begins with the modes of the one that it
		// stands for: its keys, iutf8, flow control.
		if modes, err := unix.IoctlGetTermios(int(s.in.Fd()), unix.TCGETS); err == nil {
			unix.IoctlSetTermios(s.master, unix.TCSETS, modes)
			modesAtStart, modesOf = *modes, s.in.Fd()+1
		}
	}
	st, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return fmt.Errorf("terminal to raw mode: %w", err)
	}
	if s.cooked == nil {
		s.cooked = st
	}
	s.raw = true
	return nil
}

func (s *screen) makeCooked() {
	s.rawMu.Lock()
	defer s.rawMu.Unlock()
	if s.raw && s.cooked != nil {
		// In the background its modes are those of who is in front.
		if s.inFront() {
			term.Restore(int(s.in.Fd()), s.cooked)
		}
		s.raw = false
	}
}

// inFront says whether this process may change the outer terminal: it is in its
// foreground, or the terminal is not the one that its jobs have in common.
func (s *screen) inFront() bool {
	pgrp, err := unix.IoctlGetInt(int(s.in.Fd()), unix.TIOCGPGRP)
	return err != nil || pgrp == unix.Getpgrp()
}

// resize gives the inner terminal the outer one's size.
func (s *screen) resize() {
	ws, err := pty.GetsizeFull(s.out)
	if err != nil {
		if ws, err = pty.GetsizeFull(s.in); err != nil {
			return
		}
	}
	unix.IoctlSetWinsize(s.master, unix.TIOCSWINSZ, &unix.Winsize{Row: ws.Rows, Col: ws.Cols, Xpixel: ws.X, Ypixel: ws.Y})
	if s.cfg.Resize != nil {
		s.cfg.Resize(int(ws.Cols), int(ws.Rows))
	}
}

// pumpKeys carries keys from the outer terminal to bash until end.
func (s *screen) pumpKeys() {
	buf := make([]byte, bufferSize)
	fds := []unix.PollFd{{Fd: int32(s.wakeIn[0]), Events: unix.POLLIN}, {Fd: int32(s.in.Fd()), Events: unix.POLLIN}}
	watch := fds
	for {
		if _, err := unix.Poll(watch, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents != 0 && !(s.pausePoint() && s.sendHeld()) {
			return
		}
		if len(watch) < 2 || fds[1].Revents == 0 {
			continue
		}
		n, err := unix.Read(int(s.in.Fd()), buf)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil || n <= 0 {
			// No more keys: a pipe that ended means ^D, a lost terminal is
			// followed by SIGHUP.
			if n == 0 && !term.IsTerminal(int(s.in.Fd())) {
				s.sendKeys([]byte{4})
			}
			watch = fds[:1]
			continue
		}
		if !s.keys(buf[:n]) {
			return
		}
	}
}

// keys sends keys to bash or, from a question to its line's end, holds them;
// ^C always goes through: it withdraws the line.
func (s *screen) keys(b []byte) bool {
	s.keysMu.Lock()
	holding := s.holding
	if holding {
		if i := bytes.LastIndexByte(b, interrupt); i >= 0 {
			s.held = append(s.held[:0], b[i+1:]...)
			b = b[i : i+1]
		} else {
			s.held = append(s.held, b...)
			b = nil
		}
	}
	s.keysMu.Unlock()
	return s.sendKeys(b)
}

// interrupt is ^C.
const interrupt = 3

// sendHeld sends what was held, once nothing is to be held any more.
func (s *screen) sendHeld() bool {
	s.keysMu.Lock()
	var b []byte
	if !s.holding {
		b, s.held = s.held, nil
	}
	s.keysMu.Unlock()
	return s.sendKeys(b)
}

// settle ends the holding of keys that a question began: they go on to bash.
func (s *screen) settle() {
	s.keysMu.Lock()
	was := s.holding
	s.holding = false
	s.keysMu.Unlock()
	if was {
		unix.Write(s.wakeIn[1], []byte{0})
	}
}

// pausePoint stops the pump for as long as a question has the terminal; false
// ends it.
func (s *screen) pausePoint() bool {
	var b [16]byte
	unix.Read(s.wakeIn[0], b[:])
	s.pauseMu.Lock()
	ending, pausing, paused, resume := s.ending, s.pausing, s.paused, s.resume
	s.pauseMu.Unlock()
	if ending {
		return false
	}
	if !pausing {
		return true
	}
	select {
	case <-paused:
	default:
		close(paused)
	}
	<-resume
	return true
}

// sendKeys writes to bash, which may be slow to read. While it waits it can
// be paused; what was not sent yet is then held.
func (s *screen) sendKeys(b []byte) bool {
	for len(b) > 0 {
		fds := []unix.PollFd{{Fd: int32(s.wakeIn[0]), Events: unix.POLLIN}, {Fd: int32(s.master), Events: unix.POLLOUT}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
		if fds[0].Revents != 0 {
			s.hold(b)
			if !s.pausePoint() {
				return false
			}
			return s.sendHeld()
		}
		if fds[1].Revents&unix.POLLOUT == 0 {
			if fds[1].Revents != 0 {
				return false
			}
			continue
		}
		// Written and counted in one: bash may ask for the line before the
		// write returns.
		s.keysMu.Lock()
		n, err := unix.Write(s.master, b)
		if n > 0 {
			s.count(b[:n])
		}
		s.keysMu.Unlock()
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

func (s *screen) hold(b []byte) {
	s.keysMu.Lock()
	s.held = append(s.held, b...)
	s.keysMu.Unlock()
}

// pause stops the key pump; resume with the function that it returns. A second
// one waits for that.
func (s *screen) pause() (resume func()) {
	s.turn.Lock()
	s.pauseMu.Lock()
	s.pausing, s.paused, s.resume = true, make(chan struct{}), make(chan struct{})
	paused, ch := s.paused, s.resume
	s.pauseMu.Unlock()
	unix.Write(s.wakeIn[1], []byte{0})
	<-paused
	return func() {
		s.pauseMu.Lock()
		s.pausing = false
		s.pauseMu.Unlock()
		close(ch)
		s.turn.Unlock()
	}
}

// endKeys ends the key pump.
func (s *screen) endKeys() {
	s.pauseMu.Lock()
	s.ending = true
	s.pauseMu.Unlock()
	unix.Write(s.wakeIn[1], []byte{0})
}

// open takes the outer terminal for a question.
func (s *screen) open() (in, out *os.File, restore func(), err error) {
	if !term.IsTerminal(int(s.in.Fd())) {
		return nil, nil, nil, errors.New("no terminal to ask on")
	}
	s.barrier(time.Second)
	resume := s.pause()
	s.readAhead()
	s.keysMu.Lock()
	s.holding = true
	s.keysMu.Unlock()
	proxy, slave, err := openPTY()
	if err != nil {
		resume()
		return nil, nil, nil, fmt.Errorf("terminal for a question: %w", err)
	}
	if ws, err := pty.GetsizeFull(s.out); err == nil {
		pty.Setsize(proxy, ws)
	}
	// What the question writes goes through a terminal of its own, so that it
	// is recorded in its place, and with the line ends that a screen needs: a
	// player shows the recording on a raw terminal. The outer one, cooked
	// again, adds a return of its own, which moves nothing.
	s.makeCooked()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buf := make([]byte, bufferSize)
		for {
			n, err := proxy.Read(buf)
			if n > 0 {
				s.show(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	var once sync.Once
	return s.in, slave, func() {
		once.Do(func() {
			slave.Close()
			<-shown
			proxy.Close()
			s.makeRaw()
			resume()
		})
	}, nil
}

// rearmMark is printed by the shell when it has read what was typed into it.
const rearmMark = "\x1b]guardsh;rearm\a"

// typeIn types a command into the shell that reads the inner terminal, unseen.
// What the user had begun to type is taken off the line first.
func (s *screen) typeIn(command string) {
	resume := s.pause()
	defer resume()
	s.marks.Lock()
	s.muted, s.heard = true, make(chan struct{})
	s.marks.Unlock()
	unix.Write(s.master, []byte("\x05\x15"+command+"\r"))
}

// heardMark waits until typeIn's mark has come by. The shell prints it before
// its hello, but the two come by different ways.
func (s *screen) heardMark(limit time.Duration) {
	select {
	case <-s.heard:
	case <-time.After(limit): // its output goes elsewhere
	}
}

// press presses a key of ours in a shell that reads the inner terminal; false
// where it does not, or is in the middle of a paste.
func (s *screen) press(pid int, key string) bool {
	if pgrp, reading := s.reader(); !reading || pgrp != pid {
		return false
	}
	resume := s.pause()
	defer resume()
	s.keysMu.Lock()
	defer s.keysMu.Unlock()
	if s.paste {
		return false
	}
	n, err := unix.Write(s.master, []byte(key))
	return err == nil && n == len(key)
}

// unmute ends the silence of typeIn where its mark did not come.
func (s *screen) unmute() {
	s.marks.Lock()
	was := s.muted
	s.muted = false
	s.marks.Unlock()
	if was {
		s.flushTail()
	}
}

// reader is the process group that has the inner terminal, if it reads keys
// one by one, as readline does.
func (s *screen) reader() (pgrp int, ok bool) {
	pgrp, err := unix.IoctlGetInt(s.master, unix.TIOCGPGRP)
	if err != nil || pgrp <= 1 {
		return 0, false
	}
	tio, err := unix.IoctlGetTermios(s.master, unix.TCGETS)
	return pgrp, err == nil && tio.Lflag&(unix.ICANON|unix.ECHO) == 0
}
