package audit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writer is the one goroutine that touches the disk, so that a dead disk
// holds up nothing else.
type writer struct {
	j     *Journal
	root  string
	name  string
	chain *chain // nil while it cannot be opened
	tree  *tree
	told  bool // the host log knows of the journal

	spool      []*Event // not written yet, oldest first
	spoolBytes int
	since      time.Time // when the trail's trouble began
	why        error
	dirty      bool      // written, not synced
	unsigned   bool      // written, no head yet
	signed     int64     // bytes that were on the disk when the last head was signed
	sent       time.Time // a head left the machine
	headless   bool      // the last head could not be written, and the trail says so
}

func (w *writer) run() {
	defer close(w.j.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case r := <-w.j.reqs:
			if r.sign {
				_ = w.signSynced() // what fails is tried again at the end
			} else if w.handle(r) {
				return
			}
		case <-ticker.C:
			w.tend()
		}
	}
}

// handle writes a request and all that wait behind it: one write, one sync.
func (w *writer) handle(first request) (last bool) {
	batch := []request{first}
	for more := !first.close; more && len(batch) < queueLen; {
		select {
		case r := <-w.j.reqs:
			batch = append(batch, r)
			more = !r.close
		default:
			more = false
		}
	}
	sync := false
	for _, r := range batch {
		if r.sign {
			continue // there is no time for it after all
		}
		if !w.roomFor(r.ev) {
			_ = w.flush(false) // what it says, the next one says again
		}
		w.keep(r.ev)
		sync = sync || r.sync
		last = last || r.close
	}
	// A shared session's start goes out with its first line: one write.
	if first.ev.Kind == SessionStart && w.j.info.Shared && len(batch) == 1 {
		err := w.open()
		if err != nil {
			w.failed(err)
		}
		w.answer(batch, err)
		return false
	}
	err := w.flush(sync)
	if last && err == nil {
		err = w.finish()
	}
	w.answer(batch, err)
	if last && w.chain != nil {
		w.chain.close()
	}
	return last
}

func (w *writer) answer(batch []request, err error) {
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotWritten, err)
	}
	for _, r := range batch {
		if r.done != nil {
			r.done <- err
		}
	}
}

// keep puts an event into the spool, as long as there is room.
func (w *writer) keep(e *Event) {
	if !w.roomFor(e) {
		w.j.lost.Add(1)
		return
	}
	w.spool = append(w.spool, e)
	w.spoolBytes += spoolSize(e)
}

func (w *writer) roomFor(e *Event) bool {
	return len(w.spool) < spoolEvents && (w.spoolBytes+spoolSize(e) <= spoolBytes || len(w.spool) == 0)
}

func spoolSize(e *Event) int { return len(e.Text) + len(e.Facts) + 256 }

// flush writes the spool.
func (w *writer) flush(sync bool) error {
	if err := w.open(); err != nil {
		return w.failed(err)
	}
	if len(w.spool) > 0 || w.why != nil || w.j.lost.Load() > 0 {
		if err := w.writeSpool(); err != nil {
			return w.failed(err)
		}
	}
	if sync && w.dirty {
		if err := w.chain.sync(); err != nil {
			return w.failed(fmt.Errorf("sync %s: %w", w.chain.f.Name(), err))
		}
		w.dirty = false
	}
	w.why = nil
	w.j.stuck.Store(false)
	w.j.setTrouble(nil)
	return nil
}

func (w *writer) writeSpool() error {
	unlock, err := w.chain.lock()
	if err != nil {
		return err
	}
	defer unlock()
	events := w.spool
	lost := int(w.j.lost.Load())
	if w.why != nil || lost > 0 {
		reason := "events came faster than they could be written"
		if w.why != nil {
			reason = fmt.Sprintf("not written for %s: %v", time.Since(w.since).Round(time.Millisecond), w.why)
		}
		gap := &Event{V: Version, Time: time.Now().UTC().Round(time.Microsecond), Session: w.j.session, Kind: Gap, Reason: reason, Lost: lost}
		events = append([]*Event{gap}, events...)
	}
	if err := w.chain.write(events, w.tree); err != nil {
		return err
	}
	w.j.lost.Add(int64(-lost))
	w.spool, w.spoolBytes = w.spool[:0:0], 0
	w.dirty, w.unsigned = true, true
	return nil
}

// failed notes that the trail cannot be written.
func (w *writer) failed(err error) error {
	if w.why == nil {
		w.since = time.Now()
	}
	w.why = err
	if err == errRemoved && w.chain != nil {
		w.chain.close()
		w.chain, w.tree, w.signed = nil, nil, 0
		err = fmt.Errorf("%s: %w", filepath.Join(w.j.dir, EventsName), err)
		w.why = err
	}
	w.j.setTrouble(fmt.Errorf("%w: %w", ErrNotWritten, err))
	return err
}

// tend does what is due each second.
func (w *writer) tend() {
	if w.why != nil || w.j.lost.Load() > 0 || w.j.Trouble() != nil {
		if w.flush(true) != nil {
			return
		}
	}
	if w.dirty {
		if err := w.flush(true); err != nil {
			return
		}
	}
	if w.unsigned && w.chain != nil {
		if err := w.sign(); err == errRemoved {
			w.failed(err)
		} else if err != nil && !w.headless {
			// The events themselves are written: this is no gap.
			w.headless = true
			e := &Event{Kind: Degraded, Reason: fmt.Sprintf("the trail cannot be signed: %v", err)}
			w.j.prepare(e)
			w.keep(e)
			_ = w.flush(true)
		} else if err == nil {
			w.headless = false
		}
	}
}

// open makes the directories and the file, and tells the host log.
func (w *writer) open() error {
	if w.chain != nil && w.told {
		return nil
	}
	if w.chain != nil {
		return w.tellHost()
	}
	if err := makeRoot(w.root); err != nil {
		return err
	}
	if err := os.Mkdir(w.j.dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	c, err := openChain(filepath.Join(w.j.dir, EventsName))
	if err != nil {
		return err
	}
	w.chain = c
	if !w.j.info.Shared {
		w.tree = &tree{}
	}
	// Nothing is written before the host log knows: who made an empty one may
	// have died before it told that.
	w.told = w.told || !c.fresh && !c.empty()
	if w.told {
		return nil
	}
	go func() { // the names are durable soon after; the events' own sync never waits for it
		syncDir(w.j.dir)
		syncDir(w.root)
	}()
	return w.tellHost()
}

// makeRoot makes the trail root. It is its owner's alone.
func makeRoot(root string) error {
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	st, err := os.Stat(root)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return fmt.Errorf("trail root %s is not a directory", root)
	}
	// In the directory for temporary files anybody may have made it before.
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && os.Geteuid() != 0 && int(sys.Uid) != os.Geteuid() {
		return fmt.Errorf("trail root %s belongs to user %d: not used", root, sys.Uid)
	}
	return nil
}

// pidStart is when a process started, in clock ticks after boot; 0 when that
// cannot be known. Each session begins with it: it takes no more calls than to
// open, read and close the file.
func pidStart(pid int) int64 {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	var buf [1024]byte // more than the fields up to that one
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return 0
	}
	b := buf[:n]
	// The name (field 2) may hold anything, parentheses too.
	i := bytes.LastIndexByte(b, ')')
	f := bytes.Fields(b[i+1:])
	if i < 0 || len(f) < 20 {
		return 0
	}
	start, _ := strconv.ParseInt(string(f[19]), 10, 64)
	return start
}

// syncDir makes a new name durable.
func syncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		unix.Fsync(int(f.Fd()))
		f.Close()
	}
}
