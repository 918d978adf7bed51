package rescue

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

func cat(c *call) {
	f := c.options()
	number := f.BoolP("number", "n", false, "number the lines")
	show := f.BoolP("show-all", "A", false, "show what cannot be seen")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	n := 0
	c.eachInput(args, func(_ string, r io.Reader) error {
		if !*number && !*show {
			_, err := io.Copy(c.raw, r)
			return err
		}
		return eachLine(r, func(line []byte) error {
			n++
			if *number {
				fmt.Fprintf(c.out, "%6d\t", n)
			}
			if *show {
				q := strconv.QuoteToASCII(string(line))
				_, err := fmt.Fprintf(c.out, "%s$\n", q[1:len(q)-1])
				return err
			}
			c.out.Write(line)
			return c.out.WriteByte('\n')
		})
	})
}

// eachLine runs f over the lines of r, without their ends, however long.
func eachLine(r io.Reader, f func([]byte) error) error {
	br := bufio.NewReader(r)
	for {
		line, err := br.ReadBytes('\n')
		if len(line) > 0 {
			if err := f(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// oldNumber turns the -5 of head and tail into -n 5.
func (c *call) oldNumber() {
	if len(c.args) > 0 && len(c.args[0]) > 1 && c.args[0][0] == '-' && strings.Trim(c.args[0][1:], "0123456789") == "" {
		c.args = append([]string{"-n", c.args[0][1:]}, c.args[1:]...)
	}
}

// errEnough ends a walk over lines.
var errEnough = errors.New("enough")

func head(c *call) {
	c.oldNumber()
	f := c.options()
	lines := f.IntP("lines", "n", 10, "so many lines")
	count := f.Int64P("bytes", "c", -1, "so many bytes")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	c.eachInput(args, func(name string, r io.Reader) error {
		if len(args) > 1 {
			fmt.Fprintf(c.out, "==> %s <==\n", name)
		}
		if *count >= 0 {
			_, err := io.CopyN(c.out, r, *count)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if *lines <= 0 {
			return nil
		}
		left := *lines
		err := eachLine(r, func(line []byte) error {
			c.out.Write(line)
			if err := c.out.WriteByte('\n'); err != nil {
				return err
			}
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

func tail(c *call) {
	c.oldNumber()
	f := c.options()
	count := f.StringP("lines", "n", "10", "so many lines; +N: from line N on")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	n, err := strconv.Atoi(*count)
	if err != nil {
		c.misuse()
		return
	}
	from := strings.HasPrefix(*count, "+")
	n = max(n, -n)
	c.eachInput(args, func(name string, r io.Reader) error {
		if len(args) > 1 {
			fmt.Fprintf(c.out, "==> %s <==\n", name)
		}
		var last []string
		at := 0
		err := eachLine(r, func(line []byte) error {
			at++
			if from {
				if at >= n {
					fmt.Fprintf(c.out, "%s\n", line)
				}
				return nil
			}
			if last = append(last, string(line)); len(last) > n {
				last = last[1:]
			}
			return nil
		})
		for _, l := range last {
			fmt.Fprintln(c.out, l)
		}
		return err
	})
}

func wordCount(c *call) {
	f := c.options()
	lines := f.BoolP("lines", "l", false, "lines")
	words := f.BoolP("words", "w", false, "words")
	count := f.BoolP("bytes", "c", false, "bytes")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if !*lines && !*words && !*count {
		*lines, *words, *count = true, true, true
	}
	type row struct {
		counts []int
		name   string
	}
	var rows []row
	show := func(l, w, b int, name string) {
		r := row{name: name}
		for _, v := range []struct {
			on bool
			n  int
		}{{*lines, l}, {*words, w}, {*count, b}} {
			if v.on {
				r.counts = append(r.counts, v.n)
			}
		}
		rows = append(rows, r)
	}
	var tl, tw, tb int
	c.eachInput(args, func(name string, r io.Reader) error {
		var l, w, b int
		in := false
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Read(buf)
			b += n
			for _, ch := range buf[:n] {
				if ch == '\n' {
					l++
				}
				space := ch == ' ' || ch >= '\t' && ch <= '\r'
				if !space && !in {
					w++
				}
				in = !space
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		show(l, w, b, name)
		tl, tw, tb = tl+l, tw+w, tb+b
		return nil
	})
	if len(args) > 1 {
		show(tl, tw, tb, "total")
	}
	width := 1
	if len(rows) > 1 || len(rows) == 1 && len(rows[0].counts) > 1 {
		width = len(strconv.Itoa(max(tl, tw, tb)))
	}
	for _, r := range rows {
		for i, n := range r.counts {
			if i > 0 {
				c.out.WriteByte(' ')
			}
			fmt.Fprintf(c.out, "%*d", width, n)
		}
		if r.name != "-" || len(args) > 0 {
			c.out.WriteString(" " + r.name)
		}
		c.out.WriteByte('\n')
	}
}

func sortLines(c *call) {
	f := c.options()
	numeric := f.BoolP("numeric-sort", "n", false, "by the number that a line begins with")
	reverse := f.BoolP("reverse", "r", false, "the other way round")
	unique := f.BoolP("unique", "u", false, "each line once")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	var lines []string
	c.eachInput(args, func(_ string, r io.Reader) error {
		return eachLine(r, func(l []byte) error {
			lines = append(lines, string(l))
			return nil
		})
	})
	value := func(s string) float64 {
		s = strings.TrimLeft(s, " \t")
		end := 0
		for end < len(s) && strings.IndexByte("0123456789.-", s[end]) >= 0 {
			end++
		}
		v, err := strconv.ParseFloat(s[:end], 64)
		if err != nil {
			return 0
		}
		return v
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		n := 0
		if *numeric {
			switch x, y := value(a), value(b); {
			case x < y:
				n = -1
			case x > y:
				n = 1
			}
		}
		if n == 0 {
			n = strings.Compare(a, b)
		}
		if *reverse {
			n = -n
		}
		return n
	})
	if *unique {
		lines = slices.Compact(lines)
	}
	for _, l := range lines {
		fmt.Fprintln(c.out, l)
	}
}

func tee(c *call) {
	f := c.options()
	add := f.BoolP("append", "a", false, "write behind what is there")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	to := []io.Writer{c.raw}
	for _, a := range args {
		flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if *add {
			flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
		}
		file, err := os.OpenFile(c.path(a), flag, 0o666)
		if err != nil {
			c.fail(err)
			continue
		}
		defer file.Close()
		to = append(to, file)
	}
	_, err := c.copy(io.MultiWriter(to...), c.in)
	c.fail(err)
}

func compare(c *call) {
	f := c.options()
	silent := f.BoolP("silent", "s", false, "only the status")
	args, ok := c.read(f, 2, 2)
	if !ok {
		c.status = 2
		return
	}
	var r [2]*bufio.Reader
	for i, a := range args {
		file, err := os.Open(c.path(a))
		if err != nil {
			c.fail(err)
			c.status = 2
			return
		}
		defer file.Close()
		r[i] = bufio.NewReader(stoppable{c.ctx, file})
	}
	line := 1
	for at := 1; ; at++ {
		x, err1 := r[0].ReadByte()
		y, err2 := r[1].ReadByte()
		switch {
		case err1 == io.EOF && err2 == io.EOF:
			return
		case err1 == nil && err2 == nil && x == y:
			if x == '\n' {
				line++
			}
			continue
		case err1 != nil && err1 != io.EOF || err2 != nil && err2 != io.EOF:
			c.fail(errors.Join(err1, err2))
			c.status = 2
			return
		}
		c.status = 1
		if !*silent {
			fmt.Fprintf(c.out, "%s %s differ: byte %d, line %d\n", args[0], args[1], at, line)
		}
		return
	}
}

func checksum(c *call) {
	args, ok := c.read(c.options(), 0, -1)
	if !ok {
		return
	}
	c.eachInput(args, func(name string, r io.Reader) error {
		var h hash.Hash = sha256.New()
		if c.name == "md5sum" {
			h = md5.New()
		}
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%x  %s\n", h.Sum(nil), name)
		return nil
	})
}

func hexDump(c *call) {
	f := c.options()
	f.BoolP("canonical", "C", true, "bytes and letters, as always")
	limit := f.Int64P("length", "n", -1, "so many bytes")
	skip := f.Int64P("skip", "s", 0, "from this byte on")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	c.eachInput(args, func(_ string, r io.Reader) error {
		if _, err := io.CopyN(io.Discard, r, *skip); err != nil {
			return err
		}
		if *limit >= 0 {
			r = io.LimitReader(r, *limit)
		}
		d := hex.Dumper(c.out)
		defer d.Close()
		_, err := io.Copy(d, r)
		return err
	})
}
