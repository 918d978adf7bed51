package guard

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"sync"

	"guardsh/rules/command"
)

// commandBound is how much of one command of a stream is waited for before it is
// judged as it is.
const commandBound = 1 << 20

// stream is a script that comes on standard input piece by piece. Its commands
// are judged as they come, each with all that came before it, so that variables
// and directories are known, but only what is new counts. The first one that is
// refused ends the script.
type stream struct {
	s       *Session
	in      io.Reader
	request func(text []byte, given int) Request
	text    []byte // what was read
	given   int    // of it, what was judged and given to the shell
	end     bool   // there is no more

	mu      sync.Mutex // what is read may still be waiting for a line when the shell has ended
	parts   []Outcome
	refused bool
}

// stream runs a script of which text has come so far.
func (s *Session) stream(ctx context.Context, in *os.File, text []byte, argv []string, request func([]byte, int) Request) (int, error) {
	s.trail.degraded("a script comes on standard input as a stream: its commands are judged one by one")
	st := &stream{s: s, in: in, request: request, text: text}
	r := request(nil, 0)
	// The line that reads all this begins before it has read any.
	if r.Src != "" && !st.run(ctx, r) {
		return StatusRefused, nil
	}
	status, err := s.fed(ctx, argv, func(w io.Writer) error { return st.feed(ctx, w) })
	st.mu.Lock()
	defer st.mu.Unlock()
	if err == nil {
		s.endParts(r, st.parts, status)
	}
	if st.refused {
		return StatusRefused, err
	}
	return status, err
}

// run has one part judged, and says whether it may run.
func (st *stream) run(ctx context.Context, part Request) bool {
	out := st.s.Line(ctx, part)
	st.s.tell(part, out)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.parts = append(st.parts, out); !out.Release {
		st.refused = true
	}
	return out.Release
}

// feed gives the shell what may run.
func (st *stream) feed(ctx context.Context, w io.Writer) error {
	for {
		rest := st.text[st.given:]
		n, until := command.Complete(string(rest), st.end)
		large := n == 0 && len(rest) >= commandBound
		if large {
			n = len(rest)
		}
		if n > 0 {
			if !st.run(ctx, st.request(st.text[:st.given+n], st.given)) {
				return nil
			}
			if _, err := w.Write(rest[:n]); err != nil {
				return err
			}
			st.given += n
		}
		switch {
		case large && until == "":
			st.s.trail.degraded("a command on standard input is too long: what follows it is not judged")
			_, err := io.Copy(w, st.in)
			return err
		case large:
			if err := st.pass(w, until); err != nil {
				return err
			}
		case n > 0:
		case st.end:
			return nil
		default:
			st.read(until)
		}
	}
}

// read takes in more, up to what may end the command that is begun: to look at
// a long one again for each piece that comes would take for ever.
func (st *stream) read(until string) {
	buf := make([]byte, 64<<10)
	for from := len(st.text); !st.end; {
		n, err := st.in.Read(buf)
		st.text = append(st.text, buf[:n]...)
		st.end = err != nil
		at := bytes.LastIndexByte(st.text[:from], '\n') + 1
		if len(st.text)-st.given >= commandBound || until == "" && bytes.IndexByte(st.text[from:], '\n') >= 0 ||
			until != "" && endOf(st.text[at:], until, true) >= 0 {
			return
		}
		from = len(st.text)
	}
}

// pass gives the shell the rest of a here-document, whose command was judged by
// what had come of it. Only that is kept of it for what follows.
func (st *stream) pass(w io.Writer, until string) error {
	tabs := bytes.Contains(st.text, []byte("<<-"))
	line := bytes.LastIndexByte(st.text, '\n') + 1
	open := bytes.Clone(st.text[line:]) // the beginning of a line, which the shell has
	st.text = append(append(st.text[:line], until...), '\n')
	st.given = len(st.text)
	buf := make([]byte, 64<<10)
	for !st.end {
		n, err := st.in.Read(buf)
		st.end = err != nil
		had := len(open)
		open = append(open, buf[:n]...)
		at := endOf(open, until, tabs)
		if at >= 0 {
			_, err = w.Write(open[had:at])
			st.text = append(st.text, open[at:]...)
			return err
		}
		if _, err := w.Write(open[had:]); err != nil {
			return err
		}
		open = append(open[:0], open[bytes.LastIndexByte(open, '\n')+1:]...)
	}
	return nil
}

// endOf is where the line ends that ends a here-document; -1 where it has not
// come. Tabs before it may count for nothing.
func endOf(text []byte, until string, tabs bool) int {
	at := 0
	for line := range bytes.Lines(text) {
		at += len(line)
		word, ended := bytes.CutSuffix(line, []byte("\n"))
		if tabs {
			word = bytes.TrimLeft(word, "\t")
		}
		if ended && string(word) == until {
			return at
		}
	}
	return -1
}

// endParts ends the commands of a stream, when the shell that ran them has
// ended: its status is the last one's.
func (s *Session) endParts(r Request, parts []Outcome, status int) {
	parts = slices.DeleteFunc(parts, func(out Outcome) bool { return !out.Release })
	for i, out := range parts {
		if i == len(parts)-1 {
			s.tellEnd(r, out, status)
			continue
		}
		s.tellLeft(r, s.over(out))
	}
}
