package rescue

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
)

// errEnough ends a walk over lines.
var errEnough = errors.New("enough")

// eachRow runs f over the lines of r, with their ends, however long.
func eachRow(r io.Reader, f func([]byte) error) error {
	br := bufio.NewReader(r)
	for {
		row, err := br.ReadBytes('\n')
		if len(row) > 0 {
			if err := f(row); err != nil {
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

// eachLine runs f over the lines of r, without their ends, however long.
func eachLine(r io.Reader, f func([]byte) error) error {
	return eachRow(r, func(line []byte) error { return f(bytes.TrimSuffix(line, []byte("\n"))) })
}

// units are the letters behind a size.
var units = sync.OnceValue(func() map[string]int64 {
	return map[string]int64{
		"": 1, "c": 1, "w": 2, "b": 512, "kB": 1000, "K": 1 << 10, "k": 1 << 10, "KiB": 1 << 10, "MB": 1000 * 1000, "M": 1 << 20, "MiB": 1 << 20,
		"GB": 1000 * 1000 * 1000, "G": 1 << 30, "GiB": 1 << 30, "TB": 1000 * 1000 * 1000 * 1000, "T": 1 << 40, "TiB": 1 << 40,
	}
})

// size reads a size such as 512, 4K or 1M.
func size(s string) (int64, error) {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	unit, known := units()[s[end:]]
	if err != nil || !known || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("invalid number: %s", shown(s))
	}
	return n * unit, nil
}

func uniq(c *call) {
	f := c.options()
	count := f.BoolP("count", "c", false, "how many there were")
	twice := f.BoolP("repeated", "d", false, "only those that come again")
	once := f.BoolP("unique", "u", false, "only those that do not")
	fold := f.BoolP("ignore-case", "i", false, "A is a")
	args, ok := c.read(f, 0, 1)
	if !ok {
		return
	}
	n, last := 0, ""
	show := func() {
		switch {
		case n == 0 || *twice && n < 2 || *once && n > 1:
		case *count:
			c.tell("%7d %s", n, last)
		default:
			c.tell("%s", last)
		}
	}
	c.eachInput(args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line []byte) error {
			s := string(line)
			if n > 0 && (s == last || *fold && strings.EqualFold(s, last)) {
				n++
				return nil
			}
			show()
			n, last = 1, s
			return nil
		})
	})
	show()
}

// span is from the from-th to the to-th, both counted from 1.
type span struct{ from, to int }

// spans reads a list such as 1,3-5,7-.
func spans(s string) (list []span, err error) {
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, "-")
		p := span{1, math.MaxInt}
		if a != "" {
			p.from, err = strconv.Atoi(a)
		}
		if err == nil && !isRange {
			p.to = p.from
		}
		if err == nil && b != "" {
			p.to, err = strconv.Atoi(b)
		}
		if err != nil || p.from < 1 || p.to < p.from || part == "" || part == "-" {
			return nil, fmt.Errorf("invalid list %s: it is as 1,3-5,7-", shown(s))
		}
		list = append(list, p)
	}
	return list, nil
}

func cut(c *call) {
	f := c.options()
	chars := f.StringP("characters", "c", "", "these characters of each line")
	octets := f.StringP("bytes", "b", "", "these bytes")
	fields := f.StringP("fields", "f", "", "these fields")
	between := f.StringP("delimiter", "d", "\t", "what is between fields")
	only := f.BoolP("only-delimited", "s", false, "no lines without it")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	list, err := spans(*chars + *octets + *fields)
	if err != nil || utf8.RuneCountInString(*between) != 1 {
		c.say("one of -b, -c or -f with a list as 1,3-5, and one character for -d")
		c.misuse()
		return
	}
	in := func(i int) bool {
		return slices.ContainsFunc(list, func(p span) bool { return i >= p.from && i <= p.to })
	}
	c.eachInput(args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line []byte) error {
			var parts []string
			join := ""
			switch {
			case *fields != "" && !bytes.Contains(line, []byte(*between)):
				if !*only {
					c.tell("%s", line)
				}
				return nil
			case *fields != "":
				parts, join = strings.Split(string(line), *between), *between
			case *octets != "":
				for _, b := range line {
					parts = append(parts, string([]byte{b}))
				}
			default:
				parts = strings.Split(string(line), "")
			}
			var kept []string
			for i, p := range parts {
				if in(i + 1) {
					kept = append(kept, p)
				}
			}
			c.tell("%s", strings.Join(kept, join))
			return nil
		})
	})
}

// classOf is a set of characters that tr knows by name.
func classOf(name string) string {
	switch name {
	case "[:lower:]":
		return "abcdefghijklmnopqrstuvwxyz"
	case "[:upper:]":
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	case "[:digit:]":
		return "0123456789"
	case "[:space:]":
		return "\t\n\v\f\r "
	case "[:blank:]":
		return "\t "
	case "[:alpha:]":
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	case "[:alnum:]":
		return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	}
	return ""
}

// bytesOf writes out a set of tr: ranges, classes, backslashes.
func bytesOf(s string) []byte {
	var signs []byte
	var literal []bool // a backslash stood before it
	for len(s) > 0 {
		if name, _, ok := strings.Cut(s, ":]"); ok && classOf(name+":]") != "" {
			signs = append(signs, classOf(name+":]")...)
			literal = append(literal, slices.Repeat([]bool{true}, len(classOf(name+":]")))...)
			s = s[len(name)+2:]
			continue
		}
		b, n := s[0], 1
		if b == '\\' && len(s) > 1 {
			b, n = s[1], 2
			digits := s[1:min(4, len(s))]
			digits = digits[:len(digits)-len(strings.TrimLeft(digits, "01234567"))]
			if v, err := strconv.ParseUint(digits, 8, 8); err == nil {
				b, n = byte(v), 1+len(digits)
			} else if i := strings.IndexByte("abfnrtv", b); i >= 0 {
				b = "\a\b\f\n\r\t\v"[i]
			}
		}
		signs, literal, s = append(signs, b), append(literal, n > 1), s[n:]
	}
	var out []byte
	for i := 0; i < len(signs); i++ {
		if i+2 < len(signs) && signs[i+1] == '-' && !literal[i+1] && signs[i+2] >= signs[i] {
			for b := int(signs[i]); b <= int(signs[i+2]); b++ {
				out = append(out, byte(b))
			}
			i += 2
			continue
		}
		out = append(out, signs[i])
	}
	return out
}

func translate(c *call) {
	f := c.options()
	drop := f.BoolP("delete", "d", false, "leave these characters out")
	squeeze := f.BoolP("squeeze-repeats", "s", false, "one of several that are alike")
	others := f.BoolP("complement", "c", false, "all but these characters")
	args, ok := c.read(f, 1, 2)
	if !ok {
		return
	}
	if len(args) == 1 && !*drop && !*squeeze {
		c.say("missing operand after %s", shown(args[0]))
		c.misuse()
		return
	}
	var from [256]bool
	first := bytesOf(args[0])
	for _, b := range first {
		from[b] = true
	}
	if *others {
		first = nil
		for i := range from {
			if from[i] = !from[i]; from[i] {
				first = append(first, byte(i))
			}
		}
	}
	var to [256]byte
	for i := range to {
		to[i] = byte(i)
	}
	once := from
	if len(args) == 2 {
		second := bytesOf(args[1])
		if len(second) == 0 {
			c.say("when not truncating set1, string2 must be non-empty")
			return
		}
		if !*drop {
			for i, b := range first {
				to[b] = second[min(i, len(second)-1)]
			}
		}
		once = [256]bool{}
		for _, b := range second {
			once[b] = true
		}
	}
	in, last := bufio.NewReader(c.in), -1
	for {
		b, err := in.ReadByte()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.fail(err)
			}
			return
		}
		if *drop && from[b] {
			continue
		}
		b = to[b]
		if *squeeze && int(b) == last && once[b] {
			continue
		}
		last = int(b)
		if c.out.WriteByte(b) != nil {
			return
		}
	}
}

// backwards is tac.
func backwards(c *call) {
	args, ok := c.read(c.options(), 0, -1)
	if !ok {
		return
	}
	c.eachInput(args, func(_ string, r io.Reader) error {
		var lines [][]byte
		err := eachRow(r, func(line []byte) error { lines = append(lines, bytes.Clone(line)); return nil })
		for _, l := range slices.Backward(lines) {
			c.out.Write(l)
		}
		return err
	})
}

func sequence(c *call) {
	numbers := []int64{1, 1, 0} // first, step, last
	at := map[int][]int{1: {2}, 2: {0, 2}, 3: {0, 1, 2}}[len(c.args)]
	for i, to := range at {
		n, err := strconv.ParseInt(c.args[i], 10, 64)
		if err != nil {
			c.say("invalid argument: %s: whole numbers only", shown(c.args[i]))
			return
		}
		numbers[to] = n
	}
	first, step, last := numbers[0], numbers[1], numbers[2]
	if at == nil || step == 0 {
		c.misuse()
		return
	}
	for n := first; (step > 0 && n <= last || step < 0 && n >= last) && !c.stopped(); n += step {
		if _, err := fmt.Fprintln(c.out, n); err != nil {
			return
		}
	}
}

// compareLines is diff: always in the unified form.
func compareLines(c *call) {
	f := c.options()
	brief := f.BoolP("brief", "q", false, "only whether they differ")
	f.BoolP("unified", "u", true, "with three lines around each change, as always")
	recursive := f.BoolP("recursive", "r", false, "all below two directories")
	f.BoolP("new-file", "N", false, "a file that is not there is an empty one")
	args, ok := c.read(f, 2, 2)
	if !ok {
		c.status = 2
		return
	}
	d := differ{call: c, brief: *brief, recursive: *recursive, absent: f.Changed("new-file")}
	d.compare(args[0], args[1])
}

type differ struct {
	*call
	brief, recursive, absent bool
}

func (d *differ) compare(a, b string) {
	if d.stopped() {
		return
	}
	dirs := 0
	for i, name := range []string{a, b} {
		if st, err := os.Stat(d.path(name)); err == nil && st.IsDir() {
			dirs |= 1 << i
		}
	}
	switch dirs {
	case 1:
		a = below(a, lastPart(b))
	case 2:
		b = below(b, lastPart(a))
	case 3:
		d.directories(a, b)
		return
	}
	var text [2][]byte
	unread := false
	for i, name := range []string{a, b} {
		var err error
		if name == "-" {
			text[i], err = io.ReadAll(d.in)
		} else {
			text[i], err = os.ReadFile(d.path(name))
		}
		if err != nil && !(d.absent && errors.Is(err, os.ErrNotExist)) {
			d.failAt(name, err)
			d.status = 2
			unread = true
		}
	}
	if unread {
		return
	}
	if bytes.Equal(text[0], text[1]) {
		return
	}
	d.status = max(d.status, 1)
	switch {
	case d.brief:
		d.tell("Files %s and %s differ", a, b)
	case bytes.IndexByte(text[0], 0) >= 0 || bytes.IndexByte(text[1], 0) >= 0:
		d.tell("Binary files %s and %s differ", a, b)
	default:
		_, hunks, _ := bytes.Cut(diff.Diff(a, text[0], b, text[1]), []byte("\n")) // the first line is the command
		d.out.Write(hunks)
	}
}

func (d *differ) directories(a, b string) {
	names := map[string]int{}
	for i, dir := range []string{a, b} {
		entries, err := os.ReadDir(d.path(dir))
		if err != nil {
			d.failAt(dir, err)
			d.status = 2
			return
		}
		for _, e := range entries {
			names[e.Name()] |= 1 << i
		}
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		switch {
		case names[n] == 1 && !d.absent:
			d.tell("Only in %s: %s", strings.TrimSuffix(a, "/"), n)
			d.status = max(d.status, 1)
		case names[n] == 2 && !d.absent:
			d.tell("Only in %s: %s", strings.TrimSuffix(b, "/"), n)
			d.status = max(d.status, 1)
		default:
			st, err := os.Stat(d.path(below(a, n)))
			if err == nil && st.IsDir() && !d.recursive {
				d.tell("Common subdirectories: %s and %s", below(a, n), below(b, n))
				continue
			}
			d.compare(below(a, n), below(b, n))
		}
	}
}
