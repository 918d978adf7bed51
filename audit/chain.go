package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// The files of a journal's directory.
const (
	EventsName = "events.jsonl"
	HeadsName  = "heads"
	CastName   = "terminal.cast"
)

// hashTail is the length of `,"hash":"` + 64 hex digits + `"}`: the part of a
// line that its own hash does not cover.
const hashTail = 9 + 64 + 2

// maxEvent bounds one line of a journal. A reader gives up beyond it.
const maxEvent = 32 << 20

// maxText is what is kept of a line's text and facts: more than any line that
// the guard itself still understands (1 MiB), escaped.
const maxText = 2 << 20

// zeroHash is the prev of a journal's first event.
const zeroHash = "0000000000000000000000000000000000000000000000000000000000000000"

// encode makes the line of an event whose Seq and Prev are set: canonical
// bytes with the newline behind them. It sets e.Hash.
func encode(e *Event) ([]byte, error) {
	fit(e)
	e.Hash = zeroHash
	line, ok := plain(e)
	if !ok {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			// Facts are the only part that can fail: they come ready-made.
			e.Unknowns = append(e.Unknowns, "facts: "+err.Error())
			e.Facts = nil
			buf.Reset()
			if err := enc.Encode(e); err != nil {
				return nil, fmt.Errorf("encode %s event: %w", e.Kind, err)
			}
		}
		line = buf.Bytes()
	}
	body := len(line) - 1 - hashTail
	e.Hash = lineHash(line[:len(line)-1])
	copy(line[body+9:], e.Hash)
	return line, nil
}

// fit makes an event's strings UTF-8 and bounds its size.
func fit(e *Event) {
	if len(e.Text) > maxText {
		e.TextCut += int64(len(e.Text) - maxText)
		e.Text = e.Text[:maxText]
	}
	if len(e.Facts) > maxText {
		e.Unknowns = append(e.Unknowns, fmt.Sprintf("facts: %d bytes are too many to keep", len(e.Facts)))
		e.Facts = nil
	}
	if !utf8.ValidString(e.Text) {
		e.TextRaw = []byte(e.Text)
		e.Text = strings.ToValidUTF8(e.Text, "\uFFFD")
	}
	if !utf8.ValidString(e.Cwd) {
		e.CwdRaw = []byte(e.Cwd)
		e.Cwd = strings.ToValidUTF8(e.Cwd, "\uFFFD")
	}
}

// lineHash is the hash that a line (without its newline) ought to carry:
// SHA-256 over the line with its hash field taken out.
func lineHash(line []byte) string {
	h := sha256.New()
	h.Write(line[:len(line)-hashTail])
	h.Write([]byte{'}'})
	return hex.EncodeToString(h.Sum(nil))
}

// intact reads the number and the hash of a line that is just as encode made
// it, by its hash: that spares a session's start to decode what others wrote.
func intact(line []byte) (seq int64, hash string, ok bool) {
	rest, ok := bytes.CutPrefix(line, fmt.Appendf(nil, `{"v":%d,"seq":`, Version))
	if !ok || len(rest) < hashTail {
		return 0, "", false
	}
	hash = string(line[len(line)-hashTail+9 : len(line)-2])
	if lineHash(line) != hash {
		return 0, "", false
	}
	digits, _, _ := bytes.Cut(rest, []byte(","))
	seq, err := strconv.ParseInt(string(digits), 10, 64)
	return seq, hash, err == nil && seq > 0
}

// decode reads a line (without its newline). It does not check the hash.
func decode(line []byte) (*Event, error) {
	if len(line) < hashTail+2 || string(line[len(line)-hashTail:len(line)-hashTail+9]) != `,"hash":"` {
		return nil, errors.New("not an event: it does not end in its hash")
	}
	var e Event
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return nil, fmt.Errorf("not an event: %w", err)
	}
	if dec.InputOffset() != int64(len(line)) {
		return nil, errors.New("not an event: more behind it on the line")
	}
	if e.V != Version {
		return nil, fmt.Errorf("format version %d, but only %d is known here", e.V, Version)
	}
	return &e, nil
}

var errRemoved = errors.New("its file was removed")

// chain is an append-only file of events that several processes may write.
type chain struct {
	f     *os.File
	size  int64 // bytes, at our last look
	seq   int64
	prev  string
	fresh bool // this process created the file
	// synced is how much of the file is known to be on the disk.
	synced int64
}

// openChain opens a chain's file, made if it is not there.
func openChain(path string) (*chain, error) {
	const plainly = os.O_RDWR | os.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK
	f, err := os.OpenFile(path, plainly, 0)
	fresh := false
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
		fresh = err == nil
	}
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(path, plainly|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("open %s: not a regular file", path)
	}
	return &chain{f: f, size: -1, prev: zeroHash, fresh: fresh}, nil
}

// empty reports that nothing was ever written to the file.
func (c *chain) empty() bool {
	st, err := c.f.Stat()
	return err == nil && st.Size() == 0
}

// lock takes the file for this process alone and catches up with what others
// wrote. It returns the unlock.
func (c *chain) lock() (func(), error) {
	for {
		err := unix.Flock(int(c.f.Fd()), unix.LOCK_EX)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return nil, fmt.Errorf("lock %s: %w", c.f.Name(), err)
		}
	}
	return func() { unix.Flock(int(c.f.Fd()), unix.LOCK_UN) }, nil
}

// catchUp reads the last event when the file is not as we left it. torn is
// how many bytes of an unfinished event it cut off.
func (c *chain) catchUp() (torn int64, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(c.f.Fd()), &st); err != nil {
		return 0, err
	}
	if st.Nlink == 0 {
		return 0, errRemoved
	}
	if st.Size == c.size {
		return 0, nil
	}
	end, last, err := lastLine(c.f, st.Size)
	if err != nil {
		return 0, err
	}
	if torn = st.Size - end; torn > 0 {
		if err := c.f.Truncate(end); err != nil {
			return 0, err
		}
	}
	c.size, c.seq, c.prev = end, 0, zeroHash
	if end > 0 {
		if seq, hash, ok := intact(last); ok {
			c.seq, c.prev = seq, hash
			return torn, nil
		}
		e, err := decode(last)
		if err != nil { // damaged: go on behind it, verify names it
			c.prev = fmt.Sprintf("%x", sha256.Sum256(last))
			c.seq = countLines(c.f, end)
			return torn, nil
		}
		c.seq, c.prev = e.Seq, e.Hash
	}
	return torn, nil
}

// write appends events under the lock, as one write, and to the tree where that
// is up to date. On failure the file is as before.
func (c *chain) write(events []*Event, t *tree) error {
	torn, err := c.catchUp()
	if err != nil {
		return err
	}
	if torn > 0 {
		first := events[0]
		gap := &Event{V: Version, Time: first.Time, Session: first.Session, Kind: Gap,
			Reason: fmt.Sprintf("%d bytes of an unfinished event were cut off", torn)}
		events = append([]*Event{gap}, events...)
	}
	var all []byte
	lines := make([][]byte, 0, len(events))
	seq, prev := c.seq, c.prev
	for _, e := range events {
		seq++
		e.Seq, e.Prev = seq, prev
		line, err := encode(e)
		if err != nil {
			return err
		}
		prev = e.Hash
		lines = append(lines, line)
		all = append(all, line...)
	}
	n, err := c.f.Write(all)
	if err != nil {
		if n > 0 {
			c.f.Truncate(c.size) // best effort: catchUp cuts off what is left
		}
		c.size = -1
		return err
	}
	if t != nil && t.bytes == c.size {
		t.add(lines, c.size+int64(n))
	}
	c.size += int64(n)
	c.seq, c.prev = seq, prev
	return nil
}

// sync makes all that is known to stand in the file durable, others' events too.
func (c *chain) sync() error {
	upTo := c.size
	err := unix.Fdatasync(int(c.f.Fd()))
	if err == nil {
		c.synced = max(c.synced, upTo)
	}
	return err
}

func (c *chain) close() error { return c.f.Close() }

// lastLine finds the last whole line of the first size bytes. end is the
// offset behind its newline.
func lastLine(f io.ReaderAt, size int64) (end int64, line []byte, err error) {
	for n := int64(4 << 10); ; n *= 4 {
		from := max(0, size-n)
		buf := make([]byte, size-from)
		if _, err := f.ReadAt(buf, from); err != nil && err != io.EOF {
			return 0, nil, err
		}
		nl := bytes.LastIndexByte(buf, '\n')
		if nl >= 0 {
			start := bytes.LastIndexByte(buf[:nl], '\n')
			if start >= 0 || from == 0 {
				return from + int64(nl) + 1, buf[start+1 : nl], nil
			}
		} else if from == 0 {
			return 0, nil, nil
		}
		if n > 4*maxEvent {
			return 0, nil, fmt.Errorf("no whole event in the last %d bytes", n)
		}
	}
}

func countLines(f io.ReaderAt, size int64) int64 {
	buf := make([]byte, 64<<10)
	var n int64
	for off := int64(0); off < size; {
		k, err := f.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		n += int64(bytes.Count(buf[:k], []byte{'\n'}))
		off += int64(k)
		if err != nil || k == 0 {
			break
		}
	}
	return n
}
