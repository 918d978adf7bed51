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

	"golang.org/x/sys/unix"
)

// blocks is one run of dd.
type blocks struct {
	*call
	from, to                       string
	in, out, both                  int64 // sizes of what is read and written at once
	count, skip, seek              int64
	countBytes, skipBytes          bool
	seekBytes, whole               bool
	notrunc, noerror, pad, excl    bool
	nocreat, fsync, append, sparse bool
	direct, directIn               bool
	status                         string

	full, part, fullOut, partOut, written int64
}

func copyBlocks(c *call) {
	d := blocks{call: c, in: 512, out: 512, count: -1}
	for _, a := range c.args {
		if err := d.operand(a); err != nil {
			c.say("%s", err)
			c.misuse()
			return
		}
	}
	if d.both > 0 {
		d.in, d.out = d.both, d.both
	}
	begun := time.Now()
	err := d.run()
	var unopened openError
	if errors.As(err, &unopened) {
		c.say("%s", err)
		return
	}
	if d.status != "none" {
		c.err(fmt.Sprintf("%d+%d records in\n%d+%d records out\n", d.full, d.part, d.fullOut, d.partOut))
	}
	if d.status != "none" && d.status != "noxfer" {
		d.progress(begun, "\n")
	}
	if !silent(err) {
		c.say("%s", err)
	}
}

// openError says that nothing was begun.
type openError struct {
	name string
	error
}

func (e openError) Error() string {
	return fmt.Sprintf("failed to open %s: %s", shown(e.name), reason(e.error))
}

func (d *blocks) operand(a string) error {
	key, value, ok := strings.Cut(a, "=")
	if !ok {
		return fmt.Errorf("unrecognized operand %s", shown(a))
	}
	var err error
	number := func() (n int64) {
		n = 1
		for part := range strings.SplitSeq(value, "x") {
			var f int64
			if f, err = size(part); err != nil {
				return 0
			}
			n *= f
		}
		return n
	}
	flags := func(known map[string]*bool) {
		for f := range strings.SplitSeq(value, ",") {
			if known[f] == nil {
				err = fmt.Errorf("invalid %s flag: %s", key, shown(f))
				return
			}
			*known[f] = true
		}
	}
	ignored := new(bool)
	switch key {
	case "if":
		d.from = value
	case "of":
		d.to = value
	case "bs":
		d.both = number()
	case "ibs":
		d.in = number()
	case "obs":
		d.out = number()
	case "count":
		value, d.countBytes = strings.CutSuffix(value, "B")
		d.count = number()
	case "skip", "iseek":
		value, d.skipBytes = strings.CutSuffix(value, "B")
		d.skip = number()
	case "seek", "oseek":
		value, d.seekBytes = strings.CutSuffix(value, "B")
		d.seek = number()
	case "status":
		d.status = value
		if !slices.Contains([]string{"none", "noxfer", "progress"}, value) {
			err = fmt.Errorf("invalid status level: %s", shown(value))
		}
	case "conv":
		flags(map[string]*bool{
			"notrunc": &d.notrunc, "noerror": &d.noerror, "sync": &d.pad, "fsync": &d.fsync, "fdatasync": &d.fsync,
			"excl": &d.excl, "nocreat": &d.nocreat, "sparse": &d.sparse,
		})
	case "iflag":
		flags(map[string]*bool{
			"fullblock": &d.whole, "count_bytes": &d.countBytes, "skip_bytes": &d.skipBytes, "direct": &d.directIn,
			"sync": ignored, "nocache": ignored, "noatime": ignored, "nonblock": ignored,
		})
	case "oflag":
		flags(map[string]*bool{
			"append": &d.append, "seek_bytes": &d.seekBytes, "direct": &d.direct, "sync": &d.fsync, "dsync": &d.fsync,
			"nocache": ignored, "nonblock": ignored,
		})
	default:
		err = fmt.Errorf("unrecognized operand %s", shown(a))
	}
	if err == nil && (d.in < 1 || d.out < 1 || key == "bs" && d.both < 1) {
		err = fmt.Errorf("invalid number: %s", shown(value))
	}
	return err
}

func (d *blocks) run() error {
	in, out := d.call.in, d.raw
	if d.from != "" {
		flags := os.O_RDONLY
		if d.directIn {
			flags |= unix.O_DIRECT
		}
		f, err := os.OpenFile(d.path(d.from), flags, 0)
		if err != nil {
			return openError{d.from, err}
		}
		defer f.Close()
		in = f
	}
	skip, seek := d.skip, d.seek
	if !d.skipBytes {
		skip *= d.in
	}
	if !d.seekBytes {
		seek *= d.out
	}
	if d.to != "" {
		f, err := d.open(seek)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	} else if err := d.call.out.Flush(); err != nil {
		return err
	}
	if err := skipOver(in, skip); err != nil {
		return fmt.Errorf("%s: cannot skip to specified offset", shown(d.from))
	}
	err := d.copy(in, out)
	if f, ok := out.(*os.File); ok && d.to != "" {
		if d.sparse && err == nil { // a hole at the end is the file's too
			if at, serr := f.Seek(0, io.SeekCurrent); serr == nil {
				if st, serr := f.Stat(); serr == nil && st.Mode().IsRegular() && st.Size() < at {
					err = f.Truncate(at)
				}
			}
		}
		if d.fsync {
			err = errors.Join(err, f.Sync())
		}
		err = errors.Join(err, f.Close())
	}
	return err
}

// open opens what is written to, at its place.
func (d *blocks) open(seek int64) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE
	if d.nocreat {
		flags &^= os.O_CREATE
	}
	if d.excl {
		flags |= os.O_EXCL
	}
	if d.append {
		flags |= os.O_APPEND
	}
	if d.direct {
		flags |= unix.O_DIRECT
	}
	if !d.notrunc && !d.append && seek == 0 {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(d.path(d.to), flags, 0o666)
	if err != nil {
		return nil, openError{d.to, err}
	}
	if seek == 0 {
		return f, nil
	}
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && !d.notrunc {
		if err := f.Truncate(seek); err != nil {
			f.Close()
			return nil, fmt.Errorf("failed to truncate to %d bytes in output file %s: %s", seek, shown(d.to), reason(err))
		}
	}
	if _, err := f.Seek(seek, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: cannot seek: %s", shown(d.to), reason(err))
	}
	return f, nil
}

// skipOver passes over the beginning of what is read.
func skipOver(in io.Reader, n int64) error {
	if s, ok := in.(io.Seeker); ok && n > 0 {
		if _, err := s.Seek(n, io.SeekCurrent); err == nil {
			return nil
		}
	}
	_, err := io.CopyN(io.Discard, in, n)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// largestBlock is what one may take in memory at most.
const largestBlock = 1 << 30

func (d *blocks) copy(in io.Reader, out io.Writer) error {
	if d.in > largestBlock || d.out > largestBlock {
		return fmt.Errorf("memory exhausted by a block of %d bytes", max(d.in, d.out))
	}
	begun, said := time.Now(), time.Now()
	buf := aligned(d.in)
	var gathered []byte // for blocks that are written in another size
	left := d.count
	for left != 0 {
		if d.stopped() {
			return d.ctx.Err()
		}
		n, err := d.block(in, buf, left)
		if err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("error reading %s: %s", shown(d.from), reason(err))
			if !d.noerror {
				return errors.Join(d.write(out, gathered), err)
			}
			d.say("%s", err)
			if s, ok := in.(io.Seeker); ok {
				if _, serr := s.Seek(d.in-int64(n), io.SeekCurrent); serr != nil {
					return serr
				}
			}
			if !d.pad && n == 0 {
				continue
			}
		} else if n == 0 {
			break
		}
		switch {
		case int64(n) == d.in:
			d.full++
		default:
			d.part++
			if d.pad {
				clear(buf[n:])
				n = len(buf)
			}
		}
		switch {
		case left > 0 && d.countBytes:
			left = max(0, left-int64(n))
		case left > 0:
			left--
		}
		if d.in == d.out {
			err = d.write(out, buf[:n])
		} else {
			gathered = append(gathered, buf[:n]...)
			for int64(len(gathered)) >= d.out && err == nil {
				err = d.write(out, gathered[:d.out])
				gathered = gathered[d.out:]
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if d.status == "progress" && time.Since(said) > time.Second {
			said = time.Now()
			d.progress(begun, "\r")
		}
	}
	return d.write(out, gathered)
}

// aligned is memory that O_DIRECT can read into.
func aligned(n int64) []byte {
	page := int64(os.Getpagesize())
	if n%page != 0 {
		return make([]byte, n)
	}
	b, err := unix.Mmap(-1, 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return make([]byte, n)
	}
	return b
}

// block reads one block: what one read gives, or all of it.
func (d *blocks) block(in io.Reader, buf []byte, left int64) (int, error) {
	if d.countBytes && left > 0 {
		buf = buf[:min(int64(len(buf)), left)]
	}
	if !d.whole {
		return in.Read(buf)
	}
	n, err := io.ReadFull(in, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

func (d *blocks) write(out io.Writer, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if f, ok := out.(*os.File); ok && d.sparse && len(bytes.TrimLeft(b, "\x00")) == 0 {
		if _, err := f.Seek(int64(len(b)), io.SeekCurrent); err == nil {
			d.wrote(len(b))
			return nil
		}
	}
	n, err := out.Write(b)
	if n == len(b) {
		d.wrote(n)
	} else if n > 0 {
		d.partOut++
		d.written += int64(n)
	}
	if err != nil {
		name := d.to
		if name == "" {
			name = "standard output"
		}
		return fmt.Errorf("error writing %s: %w", shown(name), errors.New(reason(err)))
	}
	return nil
}

func (d *blocks) wrote(n int) {
	d.written += int64(n)
	if int64(n) == d.out {
		d.fullOut++
	} else {
		d.partOut++
	}
}

func (d *blocks) progress(begun time.Time, end string) {
	took := time.Since(begun).Seconds()
	line := fmt.Sprintf("%d bytes", d.written)
	if d.written == 1 {
		line = "1 byte"
	}
	switch {
	case d.written >= 1024:
		line += fmt.Sprintf(" (%s, %siB)", decimal(float64(d.written)), spaced(human(uint64(d.written))))
	case d.written >= 1000:
		line += fmt.Sprintf(" (%s)", decimal(float64(d.written)))
	}
	d.err(fmt.Sprintf("%s copied, %.6g s, %s/s%s", line, took, decimal(float64(d.written)/max(took, 1e-9)), end))
}

// decimal is a size in units of a thousand, as dd says it.
func decimal(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for n >= 999.5 && i < len(units)-1 {
		n /= 1000
		i++
	}
	if n < 9.95 && i > 0 {
		return fmt.Sprintf("%.1f %s", n, units[i])
	}
	return fmt.Sprintf("%.0f %s", n, units[i])
}

// spaced is a size with its unit apart, 1.0K as "1.0 K".
func spaced(s string) string { return s[:len(s)-1] + " " + s[len(s)-1:] }
