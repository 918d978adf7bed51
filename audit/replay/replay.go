// Package replay plays a recorded session, and writes it in other formats.
package replay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"guardsh/audit/cast"
)

// Mark is a line of the session: a place to jump to.
type Mark struct {
	Line    int
	Text    string
	Offset  int64 // where in the recording its output starts
	At      time.Duration
	Refused bool
}

// Recording is a recording's file with its marks in order.
type Recording struct {
	Header cast.Header
	Marks  []Mark
	Length time.Duration
	Cut    bool // it ends within an event: the session was killed
	path   string
}

// Load reads a recording once, for its length and its marks. lines are what
// the journal says about the session's lines; a line that only the recording
// knows is added from its marker.
func Load(path string, lines []Mark) (*Recording, error) {
	r := &Recording{path: path}
	f, c, err := r.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r.Header = c.Header()
	known := map[int]bool{}
	for _, m := range lines {
		if m.Offset > 0 {
			m.At = -1
			known[m.Line] = true
			r.Marks = append(r.Marks, m)
		}
	}
	slices.SortStableFunc(r.Marks, func(a, b Mark) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	var own []Mark
	next := 0
	for {
		e, err := c.Next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, cast.ErrCut) {
			r.Cut = true
			break
		}
		if err != nil {
			return nil, err
		}
		// A mark's moment is that of the last event before it: the wait for
		// the next one belongs to the line.
		for ; next < len(r.Marks) && r.Marks[next].Offset <= e.Offset; next++ {
			r.Marks[next].At = r.Length
		}
		r.Length = e.At
		if e.Code == cast.Marker {
			num, text, _ := strings.Cut(string(e.Data), " ")
			if n, err := strconv.Atoi(num); err == nil && !known[n] {
				own = append(own, Mark{Line: n, Text: text, Offset: e.Offset, At: e.At})
			}
		}
	}
	for ; next < len(r.Marks); next++ {
		r.Marks[next].At = r.Length
	}
	r.Marks = append(r.Marks, own...)
	slices.SortStableFunc(r.Marks, func(a, b Mark) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	return r, nil
}

func (r *Recording) open() (*os.File, *cast.Reader, error) {
	f, err := os.OpenFile(r.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, nil, fmt.Errorf("open %s: not a regular file", r.path)
	}
	c, err := cast.NewReader(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", r.path, err)
	}
	return f, c, nil
}

// mark finds a line's mark.
func (r *Recording) mark(line int) (Mark, error) {
	for _, m := range r.Marks {
		if m.Line == line {
			return m, nil
		}
	}
	return Mark{}, fmt.Errorf("the recording has no line %d (it has %d lines)", line, len(r.Marks))
}

// each calls do with the events from a line on (0: all) up to the next line's
// mark when only is set.
func (r *Recording) each(line int, do func(cast.Event) error) error {
	var from int64
	if line > 0 {
		m, err := r.mark(line)
		if err != nil {
			return err
		}
		from = m.Offset
	}
	f, c, err := r.open()
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		e, err := c.Next()
		if err == io.EOF || errors.Is(err, cast.ErrCut) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Offset < from {
			continue
		}
		if err := do(e); err != nil {
			return err
		}
	}
}

// Formats that Write knows.
var Formats = []string{"text", "raw", "asciicast-v2", "asciicast-v3"}

// Write writes the recording in another format, from a line on (0: all of it):
// text as a person would have read it, raw as the terminal got it, or
// asciicast.
func (r *Recording) Write(out io.Writer, format string, line int) error {
	w := bufio.NewWriterSize(out, 64<<10)
	var err error
	switch format {
	case "text":
		t := newText(w)
		err = r.each(line, func(e cast.Event) error {
			if e.Code == cast.Output {
				t.Write(e.Data)
			}
			return t.err
		})
		t.Close()
	case "raw":
		err = r.each(line, func(e cast.Event) error {
			if e.Code != cast.Output {
				return nil
			}
			_, err := w.Write(e.Data)
			return err
		})
	case "asciicast-v2", "asciicast-v3":
		err = r.convert(w, format == "asciicast-v2", line)
	default:
		return fmt.Errorf("unknown format %q (%s)", format, strings.Join(Formats, ", "))
	}
	if e := w.Flush(); err == nil {
		err = e
	}
	return err
}

func (r *Recording) convert(w *bufio.Writer, v2 bool, line int) error {
	var head any = r.Header
	if v2 {
		head = struct {
			Version   int               `json:"version"`
			Width     int               `json:"width"`
			Height    int               `json:"height"`
			Timestamp int64             `json:"timestamp,omitempty"`
			Title     string            `json:"title,omitempty"`
			Env       map[string]string `json:"env,omitempty"`
		}{2, r.Header.Term.Cols, r.Header.Term.Rows, r.Header.Timestamp, r.Header.Title, r.Header.Env}
	} else {
		h := r.Header
		h.Version = 3
		head = h
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(head); err != nil {
		return err
	}
	start, last := time.Duration(-1), time.Duration(0)
	return r.each(line, func(e cast.Event) error {
		if start < 0 {
			start = e.At
			if line == 0 {
				start = 0
			}
		}
		if v2 && e.Code == cast.Exit { // v2 has none
			return nil
		}
		at := e.At - start
		t := at
		if !v2 {
			t = at - last
		}
		last = at
		if _, err := fmt.Fprintf(w, "[%d.%06d, %q, ", t/time.Second, t%time.Second/time.Microsecond, string(e.Code)); err != nil {
			return err
		}
		data, err := json.Marshal(valid(e.Data))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s]\n", data)
		return err
	})
}

func valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
