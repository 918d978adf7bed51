// Package cast writes and reads terminal recordings: asciicast v3, one JSON
// array a line, [interval, code, data].
//
// Strings of asciicast are UTF-8. A chunk that is not is written twice, in one
// write: first an event of guardsh's own, code "b", with the exact bytes in
// base64, then the standard "o" event with U+FFFD in place of what is not
// UTF-8, zero seconds later. Other players skip the first and show the second;
// this package's reader returns the first and skips the second. A character
// that the terminal's chunks cut in two is put together again and is not a
// case of it.
//
// A marker ("m") stands where a line was released: its label is the line's
// number, a space and the line. A comment ("# gap …") says what could not be
// recorded.
package cast

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Codes of events.
const (
	Output = 'o'
	Input  = 'i'
	Resize = 'r'
	Marker = 'm'
	Exit   = 'x'
	Raw    = 'b' // guardsh's own: base64 of the bytes that the next output stands for
)

// Term is the terminal that was recorded.
type Term struct {
	Cols int    `json:"cols"`
	Rows int    `json:"rows"`
	Type string `json:"type,omitempty"`
}

// Header is a recording's first line.
type Header struct {
	Version       int               `json:"version"`
	Term          Term              `json:"term"`
	Timestamp     int64             `json:"timestamp,omitempty"` // Unix seconds
	IdleTimeLimit float64           `json:"idle_time_limit,omitempty"`
	Command       string            `json:"command,omitempty"`
	Title         string            `json:"title,omitempty"`
	Env           map[string]string `json:"env,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
}

// syncEvery is how much of a recording a power cut may cost.
const syncEvery = time.Second

// Recorder writes one recording. Its methods may be called from any goroutine.
// After an error it goes on: what could not be written is a gap in the
// recording, never the end of the session.
type Recorder struct {
	mu      sync.Mutex
	path    string
	header  Header // with the terminal's size as it is now
	f       *os.File
	buf     []byte
	carry   []byte // the first bytes of a character whose rest has not come
	start   time.Time
	last    int64 // microseconds since start of the last event written
	offset  int64
	lost    int64 // bytes of output that could not be recorded
	dirty   bool
	err     error
	synced  error         // the last sync's, of keepSynced
	removed bool          // the file was, and nobody has been told yet
	due     chan struct{} // wakes keepSynced
	stop    chan struct{}
	closed  bool

	syncing sync.Mutex // held while the file is synced or closed
	ended   bool       // it is closed
}

// Create starts a recording at path, which must not exist. Version and, when
// it is zero, Timestamp are filled in.
func Create(path string, h Header) (*Recorder, error) {
	start := time.Now()
	h.Version = 3
	if h.Timestamp == 0 {
		h.Timestamp = start.Unix()
	}
	if h.Term.Cols <= 0 || h.Term.Rows <= 0 {
		h.Term.Cols, h.Term.Rows = 80, 24
	}
	f, n, err := begin(path, h, "")
	if err != nil {
		return nil, err
	}
	r := &Recorder{path: path, header: h, f: f, start: start, offset: n, dirty: true, due: make(chan struct{}, 1), stop: make(chan struct{})}
	go r.keepSynced()
	return r, nil
}

// begin makes the file of a recording, with its header and a comment, and says
// how long it is.
func begin(path string, h Header, comment string) (*os.File, int64, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return nil, 0, fmt.Errorf("recording's header: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	b = append(b, '\n')
	b = append(b, comment...)
	if _, err := f.Write(b); err != nil {
		f.Close()
		os.Remove(path)
		return nil, 0, err
	}
	return f, int64(len(b)), nil
}

// ErrRemoved says that a recording's file was removed while it was written.
var ErrRemoved = errors.New("its file was removed")

// lookAfter begins the recording anew where its file was removed, and says why
// that cannot be done.
func (r *Recorder) lookAfter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var st unix.Stat_t
	if r.closed || unix.Fstat(int(r.f.Fd()), &st) != nil || st.Nlink > 0 {
		return nil
	}
	r.header.Timestamp = time.Now().Unix()
	f, n, err := begin(r.path, r.header, "# gap: what was recorded before was removed\n")
	if err != nil {
		return fmt.Errorf("%w, and none can be made: %w", ErrRemoved, err)
	}
	r.syncing.Lock()
	defer r.syncing.Unlock()
	r.f.Close()
	r.f, r.offset, r.dirty, r.lost = f, n, true, 0
	r.last = time.Since(r.start).Microseconds() // what is in the header's timestamp
	r.removed = true
	return nil
}

// Write records a chunk of output as one event and one write.
func (r *Recorder) Write(chunk []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(chunk) == 0 {
		return 0, nil
	}
	data := chunk
	if len(r.carry) > 0 {
		r.carry = append(r.carry, chunk...)
		data = r.carry
	}
	whole := len(data) - partial(data)
	if whole == 0 {
		r.carry = append(r.carry[:0], data...)
		return len(chunk), nil
	}
	r.buf = r.appendOutput(r.buffer(), data[:whole])
	err := r.put(int64(whole))
	r.carry = append(r.carry[:0], data[whole:]...)
	if err != nil {
		return 0, err
	}
	return len(chunk), nil
}

// Resize records a new window size.
func (r *Recorder) Resize(cols, rows int) error {
	r.mu.Lock()
	r.header.Term.Cols, r.header.Term.Rows = cols, rows
	r.mu.Unlock()
	return r.event(Resize, strconv.Itoa(cols)+"x"+strconv.Itoa(rows))
}

// Line records the marker of a line that is released, and has what was
// recorded so far synced. It does not wait for that: the line does.
func (r *Recorder) Line(number int, text string) error {
	err := r.event(Marker, strconv.Itoa(number)+" "+text)
	return cmp.Or(err, r.SyncSoon())
}

// SyncSoon has what was recorded made durable while the caller goes on. It
// returns why the last event could not be recorded, what became of the sync
// before, or once ErrRemoved where the recording was begun anew.
func (r *Recorder) SyncSoon() error {
	select {
	case r.due <- struct{}{}:
	default: // it is due already
	}
	return r.trouble()
}

// trouble is why the last event could not be recorded, what became of the last
// sync, or once that the recording was begun anew.
func (r *Recorder) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := cmp.Or(r.err, r.synced)
	if err == nil && r.removed {
		r.removed, err = false, ErrRemoved
	}
	return err
}

// Offset is where in the file the next event will stand, in bytes.
func (r *Recorder) Offset() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.carry) > 0 {
		r.flushCarry()
	}
	return r.offset
}

// Sync makes what was recorded durable. It also returns why the last event
// could not be recorded.
func (r *Recorder) Sync() error {
	r.mu.Lock()
	was, err := r.dirty && !r.closed, r.err
	r.dirty = false
	r.mu.Unlock()
	if !was || err != nil {
		return err
	}
	// Not under mu: output goes on meanwhile. Only the end waits.
	r.syncing.Lock()
	defer r.syncing.Unlock()
	if r.ended {
		return nil
	}
	return unix.Fdatasync(int(r.f.Fd()))
}

// Close records the exit status and ends the recording.
func (r *Recorder) Close(status int) error {
	gone := cmp.Or(r.lookAfter(), r.trouble())
	err := r.event(Exit, strconv.Itoa(status))
	if e := r.Sync(); err == nil {
		err = e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	close(r.stop)
	r.syncing.Lock()
	defer r.syncing.Unlock()
	r.ended = true
	if e := r.f.Close(); err == nil {
		err = e
	}
	if errors.Is(gone, ErrRemoved) {
		err = cmp.Or(err, gone)
	}
	return err
}

func (r *Recorder) keepSynced() {
	t := time.NewTicker(syncEvery)
	defer t.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-t.C:
		case <-r.due:
		}
		err := cmp.Or(r.lookAfter(), r.Sync())
		r.mu.Lock()
		r.synced = err
		r.mu.Unlock()
	}
}

func (r *Recorder) event(code byte, data string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.carry) > 0 {
		r.flushCarry()
	}
	b := r.buffer()
	b = r.appendHead(b, code)
	b = appendString(b, []byte(data))
	r.buf = append(b, ']', '\n')
	return r.put(0)
}

// flushCarry writes the start of a character whose rest did not come.
func (r *Recorder) flushCarry() {
	n := len(r.carry)
	r.buf = r.appendOutput(r.buffer(), r.carry)
	r.carry = r.carry[:0]
	r.put(int64(n)) // the error is in r.err
}

// buffer is that of the next write, with the gap before it, if any.
func (r *Recorder) buffer() []byte {
	b := r.buf[:0]
	if r.lost > 0 {
		b = append(b, "# gap: "...)
		b = strconv.AppendInt(b, r.lost, 10)
		b = append(b, " bytes of output were not recorded\n"...)
	}
	return b
}

// put writes the buffer. output is how many bytes of output it stands for.
func (r *Recorder) put(output int64) error {
	if r.closed {
		return os.ErrClosed
	}
	n, err := r.f.Write(r.buf)
	if err != nil {
		if n > 0 {
			r.f.Truncate(r.offset) // best effort: a reader skips half a line at the end only
		}
		r.lost += output
		r.err = err
		return err
	}
	r.offset += int64(n)
	r.lost, r.err, r.dirty = 0, nil, true
	return nil
}

func (r *Recorder) appendHead(b []byte, code byte) []byte {
	// Intervals are whole microseconds of one clock, so that they add up.
	now := max(time.Since(r.start).Microseconds(), r.last)
	us := now - r.last
	r.last = now
	b = append(b, '[')
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	frac := us % 1e6
	for d := int64(1e5); d > 0; d /= 10 {
		b = append(b, byte('0'+frac/d%10))
	}
	return append(b, ',', ' ', '"', code, '"', ',', ' ')
}

func (r *Recorder) appendOutput(b, data []byte) []byte {
	if !utf8.Valid(data) {
		b = r.appendHead(b, Raw)
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, data)
		b = append(b, "\"]\n[0.000000, \"o\", "...)
	} else {
		b = r.appendHead(b, Output)
	}
	b = appendString(b, data)
	return append(b, ']', '\n')
}

// partial is how many bytes at the end of data are the start of a character.
func partial(data []byte) int {
	for n := 1; n <= utf8.UTFMax-1 && n <= len(data); n++ {
		c := data[len(data)-n]
		if c < utf8.RuneSelf {
			return 0
		}
		if utf8.RuneStart(c) {
			if utf8.FullRune(data[len(data)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

const hex = "0123456789abcdef"

// appendString appends data as a JSON string; what is not UTF-8 becomes
// U+FFFD.
func appendString(b, data []byte) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(data); {
		c := data[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if _, n := utf8.DecodeRune(data[i:]); n > 1 {
				i += n
				continue
			}
			b = append(b, data[from:i]...)
			b = append(b, "\uFFFD"...)
			i++
			from = i
			continue
		}
		b = append(b, data[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	b = append(b, data[from:]...)
	return append(b, '"')
}
