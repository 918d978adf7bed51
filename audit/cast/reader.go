package cast

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine bounds one line of a recording that is read: far above the chunks
// that a recorder writes.
const maxLine = 16 << 20

// maxInterval bounds the time between two events (seconds): ten years.
const maxInterval = 10 * 365 * 86400

// Event is one event as it is read.
type Event struct {
	At     time.Duration // since the start
	Code   byte
	Data   []byte // output: the exact bytes
	Offset int64  // where in the file it stands
}

// Reader reads a recording: asciicast v3, and v2 as other tools write it.
type Reader struct {
	r      *bufio.Reader
	header Header
	at     time.Duration
	offset int64
	line   int
	skip   bool // the next output stands for raw bytes that were returned
}

// ErrCut says that the recording ends within an event: the recorder was
// killed. All before it is good.
var ErrCut = errors.New("the recording ends within an event")

// NewReader reads a recording's header.
func NewReader(r io.Reader) (*Reader, error) {
	c := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	line, _, err := c.next()
	if err != nil {
		if err == io.EOF {
			return nil, errors.New("the recording is empty")
		}
		return nil, fmt.Errorf("recording's header: %w", err)
	}
	var h struct {
		Header
		Width  int `json:"width"` // v2
		Height int `json:"height"`
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return nil, fmt.Errorf("recording's header: not asciicast: %w", err)
	}
	if h.Version == 2 {
		h.Term.Cols, h.Term.Rows = h.Width, h.Height
	}
	if h.Version != 3 && h.Version != 2 {
		return nil, fmt.Errorf("recording's header: asciicast version %d (2 and 3 are known)", h.Version)
	}
	c.header = h.Header
	return c, nil
}

// Header is the recording's header.
func (c *Reader) Header() Header { return c.header }

// Next returns the next event: io.EOF at the end, ErrCut when the end is
// missing. Any other error names the line.
func (c *Reader) Next() (Event, error) {
	for {
		line, offset, err := c.next()
		if err != nil {
			return Event{}, err
		}
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		e, err := c.parse(line)
		if err != nil {
			return Event{}, fmt.Errorf("recording, line %d: %w", c.line, err)
		}
		e.Offset = offset
		if c.skip && e.Code == Output {
			c.skip = false
			continue
		}
		c.skip = false
		if e.Code == Raw {
			raw, err := base64.StdEncoding.AppendDecode(nil, e.Data)
			if err != nil {
				return Event{}, fmt.Errorf("recording, line %d: raw bytes: %w", c.line, err)
			}
			e.Code, e.Data = Output, raw
			c.skip = true
		}
		return e, nil
	}
}

func (c *Reader) parse(line []byte) (Event, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil {
		return Event{}, fmt.Errorf("not an event: %w", err)
	}
	if len(parts) != 3 {
		return Event{}, fmt.Errorf("an event has 3 parts, this one %d", len(parts))
	}
	var secs float64
	var code, data string
	if err := json.Unmarshal(parts[0], &secs); err != nil || !(secs >= 0 && secs <= maxInterval) {
		return Event{}, fmt.Errorf("not a time: %.40s", parts[0])
	}
	if err := json.Unmarshal(parts[1], &code); err != nil || len(code) != 1 {
		return Event{}, fmt.Errorf("not an event code: %.40q", parts[1])
	}
	if err := json.Unmarshal(parts[2], &data); err != nil {
		return Event{}, fmt.Errorf("data is not a string: %w", err)
	}
	d := time.Duration(secs * float64(time.Second)).Round(time.Microsecond)
	if c.header.Version == 2 {
		c.at = max(c.at, d)
	} else if c.at += d; c.at < 0 {
		return Event{}, errors.New("the recording's time overflows")
	}
	return Event{At: c.at, Code: code[0], Data: []byte(data)}, nil
}

// next reads a line, without its newline, and where it starts.
func (c *Reader) next() ([]byte, int64, error) {
	var line []byte
	start := c.offset
	for {
		part, err := c.r.ReadSlice('\n')
		line = append(line, part...)
		c.offset += int64(len(part))
		switch {
		case err == nil:
			c.line++
			return bytes.TrimSuffix(line, []byte("\n")), start, nil
		case err == bufio.ErrBufferFull:
			if len(line) > maxLine {
				return nil, start, fmt.Errorf("recording, line %d: more than %d bytes", c.line+1, maxLine)
			}
		case err == io.EOF && len(line) > 0:
			return nil, start, ErrCut
		default:
			return nil, start, err
		}
	}
}
