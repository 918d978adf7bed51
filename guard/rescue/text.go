package rescue

import (
	"bufio"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
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
	odd := false
	for _, a := range args {
		st, err := os.Stat(c.path(a))
		odd = odd || err == nil && !st.Mode().IsRegular()
	}
	c.eachInput(args, func(name string, r io.Reader) error {
		var l, w, b int
		in := false
		defer func() { // also of what can be opened, and not read
			show(l, w, b, name)
			tl, tw, tb = tl+l, tw+w, tb+b
		}()
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
		return nil
	})
	if len(args) > 1 {
		show(tl, tw, tb, "total")
	}
	width := 1
	if odd {
		width = 7 // as where a size is not known
	}
	if !odd && len(rows) > 1 || !odd && len(rows) == 1 && len(rows[0].counts) > 1 {
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
			c.failAt(a, err)
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
		return
	}
	var r [2]*bufio.Reader
	for i, a := range args {
		if a == "-" {
			r[i] = bufio.NewReader(c.in)
			continue
		}
		file, err := os.Open(c.path(a))
		if err != nil {
			c.failAt(a, err)
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

// sumOf is how a command adds a file up.
func sumOf(command string) func() hash.Hash {
	switch command {
	case "md5sum":
		return md5.New
	case "sha1sum":
		return sha1.New
	case "sha256sum":
		return sha256.New
	case "sha512sum":
		return sha512.New
	}
	return nil
}

func checksum(c *call) {
	f := c.options()
	check := f.BoolP("check", "c", false, "read sums from FILE and check them")
	quiet := f.Bool("quiet", false, "with -c: say only what is wrong")
	f.BoolP("binary", "b", true, "as always")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	sum := func(r io.Reader) (string, error) {
		h := sumOf(c.name)()
		_, err := io.Copy(h, r)
		return hex.EncodeToString(h.Sum(nil)), err
	}
	if !*check {
		c.eachInput(args, func(name string, r io.Reader) error {
			text, err := sum(r)
			if err == nil {
				c.tell("%s  %s", text, name)
			}
			return err
		})
		return
	}
	wrong, unread := 0, 0
	c.eachInput(args, func(_ string, list io.Reader) error {
		return eachLine(list, func(line []byte) error {
			want, name, ok := strings.Cut(string(line), " ")
			if !ok || name == "" {
				return nil
			}
			name = name[1:] // a space, or a star
			file, err := os.Open(c.path(name))
			if err != nil {
				unread++
				c.failAt(name, err)
				c.tell("%s: FAILED open or read", name)
				return nil
			}
			defer file.Close()
			got, err := sum(stoppable{c.ctx, file})
			switch {
			case err != nil:
				unread++
				c.failAt(name, err)
			case !strings.EqualFold(got, want):
				wrong++
				c.tell("%s: FAILED", name)
			case !*quiet:
				c.tell("%s: OK", name)
			}
			return c.ctx.Err()
		})
	})
	for _, v := range []struct {
		n              int
		verb, one, all string
	}{{unread, "could not be read", "listed file", "listed files"}, {wrong, "did NOT match", "computed checksum", "computed checksums"}} {
		noun := v.all
		if v.n == 1 {
			noun = v.one
		}
		if v.n > 0 {
			c.say("WARNING: %d %s %s", v.n, noun, v.verb)
		}
	}
}

// shorten is truncate.
func shorten(c *call) {
	f := c.options()
	to := f.StringP("size", "s", "", "the new size; +N longer, -N shorter by so much")
	noCreate := f.BoolP("no-create", "c", false, "make no file")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	text := *to
	sign := byte(0)
	if text != "" && (text[0] == '+' || text[0] == '-') {
		sign, text = text[0], text[1:]
	}
	n, err := size(text)
	if err != nil {
		c.say("Invalid number: %s", shown(*to))
		return
	}
	for _, a := range args {
		flags := os.O_WRONLY | os.O_CREATE
		if *noCreate {
			flags = os.O_WRONLY
		}
		file, err := os.OpenFile(c.path(a), flags, 0o666)
		if err != nil {
			if !*noCreate || !errors.Is(err, os.ErrNotExist) {
				c.say("cannot open %s for writing: %s", shown(a), reason(err))
			}
			continue
		}
		length := n
		if st, err := file.Stat(); err == nil && sign != 0 {
			length = map[byte]int64{'+': st.Size() + n, '-': max(0, st.Size()-n)}[sign]
		}
		if err := errors.Join(file.Truncate(length), file.Close()); err != nil {
			c.say("failed to truncate %s at %d bytes: %s", shown(a), length, reason(err))
		}
	}
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
