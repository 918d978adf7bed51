package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// ends is one run of head or tail.
type ends struct {
	*call
	n             int64
	sign          byte // '-' or '+' before the number
	inBytes       bool
	follow        bool
	quiet, titled bool
	begun         bool // a title was shown
}

// readEnds reads the options and the files of head and tail.
func (c *call) readEnds() (e *ends, files []string, ok bool) {
	if len(c.args) > 0 && len(c.args[0]) > 1 && c.args[0][0] == '-' && strings.Trim(c.args[0][1:], "0123456789") == "" {
		c.args = append([]string{"-n", c.args[0][1:]}, c.args[1:]...) // the -5 of old
	}
	e = &ends{call: c}
	f := c.options()
	lines := f.StringP("lines", "n", "10", "so many lines; head -n -N: all but the last N; tail -n +N: from line N on")
	bytes := f.StringP("bytes", "c", "", "so many bytes, likewise")
	f.BoolVarP(&e.quiet, "quiet", "q", false, "without names of files")
	f.BoolVarP(&e.titled, "verbose", "v", false, "with names of files")
	if c.name == "tail" {
		f.BoolVarP(&e.follow, "follow", "f", false, "go on with what is written, until ^C")
		name := f.BoolP("retry", "F", false, "the same, also when the name is another file's later")
		defer func() { e.follow = e.follow || *name }()
	}
	files, ok = c.read(f, 0, -1)
	if !ok {
		return nil, nil, false
	}
	number := *lines
	if *bytes != "" {
		number, e.inBytes = *bytes, true
	}
	digits := number
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		e.sign, digits = digits[0], digits[1:]
	}
	var err error
	if e.n, err = size(digits); err != nil {
		what := map[bool]string{true: "bytes", false: "lines"}[e.inBytes]
		c.say("invalid number of %s: %s", what, shown(number))
		return nil, nil, false
	}
	e.titled = (e.titled || len(files) > 1) && !e.quiet
	return e, files, true
}

// title shows which file comes.
func (e *ends) title(name string) {
	if !e.titled {
		return
	}
	if e.begun {
		e.out.WriteString("\n")
	}
	if name == "-" {
		name = "standard input"
	}
	e.begun = true
	fmt.Fprintf(e.out, "==> %s <==\n", name)
}

func head(c *call) {
	e, files, ok := c.readEnds()
	if !ok {
		return
	}
	c.eachInput(files, func(name string, r io.Reader) error {
		e.title(name)
		switch {
		case e.sign == '-' && e.n > 0:
			return e.allBut(r)
		case e.n == 0 || e.sign == '-':
			if e.sign == '-' {
				_, err := io.Copy(c.out, r)
				return err
			}
			return nil
		case e.inBytes:
			_, err := io.CopyN(c.out, r, e.n)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		left := e.n
		err := eachRow(r, func(line []byte) error {
			c.out.Write(line)
			if left--; left == 0 {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
}

// allBut shows everything but the end.
func (e *ends) allBut(r io.Reader) error {
	if e.inBytes {
		all, err := io.ReadAll(r)
		e.out.Write(all[:max(0, int64(len(all))-e.n)])
		return err
	}
	var kept [][]byte
	return eachRow(r, func(line []byte) error {
		kept = append(kept, bytes.Clone(line))
		if int64(len(kept)) > e.n {
			e.out.Write(kept[0])
			kept = kept[1:]
		}
		return nil
	})
}

func tail(c *call) {
	e, files, ok := c.readEnds()
	if !ok {
		return
	}
	c.eachInput(files, func(name string, r io.Reader) error {
		e.title(name)
		if e.sign == '+' {
			return e.from(r)
		}
		return e.last(r)
	})
	if e.follow {
		e.goOn(files)
	}
}

// from shows everything from a place on.
func (e *ends) from(r io.Reader) error {
	skip := max(0, e.n-1)
	if e.inBytes {
		if _, err := io.CopyN(io.Discard, r, skip); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		_, err := io.Copy(e.out, r)
		return err
	}
	return eachRow(r, func(line []byte) error {
		if skip--; skip < 0 {
			e.out.Write(line)
		}
		return nil
	})
}

// last shows the end.
func (e *ends) last(r io.Reader) error {
	if s, ok := r.(stoppable); ok {
		if f, ok := s.r.(*os.File); ok {
			e.seekNear(f)
		}
	}
	if e.inBytes {
		all, err := io.ReadAll(r)
		e.out.Write(all[max(0, int64(len(all))-e.n):])
		return err
	}
	var kept [][]byte
	err := eachRow(r, func(line []byte) error {
		kept = append(kept, bytes.Clone(line))
		if int64(len(kept)) > e.n {
			kept = slices.Delete(kept, 0, 1)
		}
		return nil
	})
	for _, l := range kept {
		e.out.Write(l)
	}
	return err
}

// seekNear goes near the end of a file, so that a log that fills a disk need
// not be read as a whole: to where the end that is asked for cannot begin later.
func (e *ends) seekNear(f *os.File) {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return
	}
	const block = 64 << 10
	at, found := st.Size(), int64(0)
	buf := make([]byte, block)
	for at > 0 && found <= e.n {
		n := min(at, block)
		if _, err := f.ReadAt(buf[:n], at-n); err != nil {
			at = 0
			break
		}
		at -= n
		if e.inBytes {
			found += n
		} else {
			found += int64(bytes.Count(buf[:n], []byte("\n")))
		}
	}
	_, _ = f.Seek(at, io.SeekStart) // a file that cannot is read from its beginning
}

// followEvery is how often a file is looked at for what was added.
const followEvery = 500 * time.Millisecond

// goOn shows what is written to files, until ^C.
func (e *ends) goOn(names []string) {
	at := map[string]int64{}
	for _, n := range names {
		if st, err := os.Stat(e.path(n)); err == nil {
			at[n] = st.Size()
		}
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	last := ""
	if len(names) > 0 {
		last = names[len(names)-1]
	}
	for {
		if e.out.Flush() != nil {
			return // nobody reads it
		}
		select {
		case <-e.ctx.Done():
			return
		case <-tick.C:
		}
		for _, n := range names {
			f, err := os.Open(e.path(n))
			if err != nil {
				continue // it may come again
			}
			if st, err := f.Stat(); err == nil && st.Size() != at[n] {
				if st.Size() < at[n] {
					at[n] = 0 // it was emptied, or is another file now
				}
				if n != last {
					e.title(n)
				}
				last = n
				added, _ := io.Copy(e.out, io.NewSectionReader(f, at[n], st.Size()-at[n]))
				at[n] += added
			}
			f.Close()
		}
	}
}
