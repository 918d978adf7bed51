package rescue

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

// write takes the lines that are typed, up to a lone point.
func (e *ed) write(name byte, from, to int) error {
	at := to
	switch name {
	case 'i':
		at = max(0, to-1)
	case 'c':
		e.lines = slices.Delete(e.lines, from-1, to)
		e.at, e.changed = min(from, len(e.lines)), true
		at = from - 1
	}
	var typed []string
	for {
		l, err := e.line()
		if err != nil || l == "." {
			break
		}
		typed = append(typed, l)
	}
	if len(typed) > 0 {
		e.insert(at, typed)
	} else if name != 'c' {
		e.at = to
	}
	return nil
}

func (e *ed) substitute(s string, from, to int) error {
	if s == "" || s[0] == ' ' {
		return saying("Invalid command: it is s/old/new/")
	}
	mark := s[0]

	what := upTo(&s, mark)
	s = string(mark) + s
	with := upTo(&s, mark)
	if what != "" {
		re, err := pattern([]string{what}, false, false, false, false)
		if err != nil {
			return saying("Invalid regular expression")
		}
		e.last = re
	}
	if e.last == nil {
		return saying("No previous pattern")
	}

	all, show, which := false, byte(0), 0
	for _, f := range []byte(s) {
		switch {
		case f == 'g':
			all = true
		case f == 'p' || f == 'n' || f == 'l':
			show = f
		case f >= '0' && f <= '9':
			which = which*10 + int(f-'0')
		default:
			return saying("Invalid command suffix")
		}
	}
	step := sedStep{re: e.last, with: with, nth: max(which, 1), all: all}
	hit := 0
	for n := from; n <= to; n++ {
		line, ok := step.replace([]byte(*e.lines[n-1]))
		if !ok {
			continue
		}
		parts := each(strings.Split(string(line), "\n"))
		e.lines = slices.Replace(e.lines, n-1, n, parts...)
		n, to = n+len(parts)-1, to+len(parts)-1
		hit, e.at, e.changed = hit+1, n, true
	}
	if hit == 0 {
		return saying("No match")
	}
	if show != 0 {
		e.show(e.at, e.at, show == 'n')
	}
	return nil
}

// carry moves or copies lines behind another one.
func (e *ed) carry(name byte, rest string, from, to int) error {
	dest, ok, err := e.address(&rest)
	if err != nil {
		return err
	}
	if !ok || dest < 0 || dest > len(e.lines) || name == 'm' && dest >= from && dest < to {
		return saying("Invalid destination")
	}
	lines := slices.Clone(e.lines[from-1 : to])
	if name == 't' {
		for i, l := range lines {
			copied := *l
			lines[i] = &copied
		}
	}
	if name == 'm' {
		e.lines = slices.Delete(e.lines, from-1, to)
		if dest >= to {
			dest -= len(lines)
		}
	}
	e.lines = slices.Insert(e.lines, dest, lines...)
	e.at, e.changed = dest+len(lines), true
	return nil
}

// global does a command for every line that has a pattern, or has not.
func (e *ed) global(has bool, s string, from, to int) error {
	if s == "" {
		return saying("No pattern")
	}
	mark := s[0]
	re, err := pattern([]string{upTo(&s, mark)}, false, false, false, false)
	if err != nil {
		return saying("Invalid regular expression")
	}
	e.last = re
	if s == "" {
		s = "p"
	}
	if strings.IndexByte("gvaicreEwqQuf", s[0]) >= 0 {
		return saying("only p n d s m t j go with g here")
	}
	before := e.before
	var hits []*string
	for _, l := range e.lines[max(from, 1)-1 : to] {
		if re.MatchString(*l) == has {
			hits = append(hits, l)
		}
	}
	for _, l := range hits {
		n := slices.Index(e.lines, l)
		if n < 0 || e.stopped() {
			continue // an earlier command took it away
		}
		e.at = n + 1
		if err := e.command(s); err != nil && !errors.Is(err, saying("No match")) {
			return err
		}
	}
	e.before = before
	return nil
}

// file reads, writes, or leaves.
func (e *ed) file(name byte, rest string, from, to, given int) error {
	leave := false
	if name == 'w' {
		rest, leave = strings.CutPrefix(rest, "q")
	}
	file := strings.TrimSpace(rest)
	switch {
	case rest != "" && rest[0] != ' ' && rest[0] != '\t':
		return saying("Unexpected command suffix")
	case strings.HasPrefix(file, "!"):
		return saying("commands are not run from here")
	case name == 'q' || name == 'e':
		if e.changed && !e.warned && !e.silent {
			e.warned = true
			return saying("Warning: buffer modified (q once more leaves, w writes)")
		}
	}
	switch name {
	case 'q', 'Q':
		e.quit = true
		return nil
	case 'f':
		if file != "" {
			e.name = file
		}
		e.tell("%s", e.name)
		return nil
	}
	target := file
	if target == "" {
		target = e.name
	}
	if target == "" {
		return saying("No current filename")
	}
	if e.name == "" && name != 'r' {
		e.name = target
	}
	var n int
	var err error
	switch name {
	case 'r':
		if given == 0 {
			to = len(e.lines)
		}
		n, err = e.readIn(target, to)
	case 'e', 'E':
		e.lines, e.at, e.name = nil, 0, target
		n, err = e.readIn(target, 0)
		e.changed, e.before = false, nil
	default:
		lines := e.lines
		if given > 0 {
			if from < 1 {
				return saying("Invalid address")
			}
			lines = e.lines[from-1 : to]
		}
		all := text(lines, "\n")
		if len(lines) > 0 {
			all += "\n"
		}
		n = len(all)
		if err = e.save(target, all); err == nil && (given == 0 || len(lines) == len(e.lines)) {
			e.changed = false
		}
	}
	if err != nil {
		e.err(target + ": " + reason(err) + "\n")
		return saying("Cannot open or write the file")
	}
	e.count(n)
	e.quit = e.quit || leave
	return nil
}

// save writes a file whole, or leaves it as it is.
func (c *call) save(name, text string) error {
	path := realOf(c.path(name))
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return os.WriteFile(path, []byte(text), 0o666)
	}
	return c.editFile(path, "", func(w io.Writer, _ io.Reader) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
