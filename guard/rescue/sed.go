package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// sedStep is one command of a sed script.
type sedStep struct {
	from, to *sedAddress
	not      bool
	open     bool // between from and to
	end      int  // the line that closes it, where that is known
	verb     byte
	re       *regexp.Regexp
	with     string // what s puts there; the text of a, i and c
	nth      int    // s: from this match on
	all      bool
	print    bool
}

// sedAddress is a line's number, the last line, or what matches.
type sedAddress struct {
	line int
	last bool
	re   *regexp.Regexp
}

func (a *sedAddress) matches(n int, last bool, text []byte) bool {
	switch {
	case a.re != nil:
		return a.re.Match(text)
	case a.last:
		return last
	}
	return a.line == n
}

// applies says whether a step is for a line.
func (s *sedStep) applies(n int, last bool, text []byte) bool {
	hit := s.from == nil
	switch {
	case hit:
	case s.to == nil:
		hit = s.from.matches(n, last, text)
	case s.open:
		hit = true
		s.open = !(s.end > 0 && n >= s.end || s.end == 0 && s.to.matches(n, last, text))
		if s.end > 0 && n > s.end { // it ended before it began
			hit = false
		}
	case s.from.matches(n, last, text):
		hit, s.end = true, s.to.line
		s.open = s.end == 0 || s.end > n
	}
	return hit != s.not
}

// sedScript reads a script. What is not known here is an error: half of a
// script must not run.
type sedScript struct {
	src      string
	extended bool
}

func (p *sedScript) skip(set string) { p.src = strings.TrimLeft(p.src, set) }

// until takes what stands before an unescaped delimiter.
func (p *sedScript) until(delim byte) (string, error) {
	var b strings.Builder
	bracket := false
	for i := 0; i < len(p.src); i++ {
		c := p.src[i]
		switch {
		case c == '\\' && i+1 < len(p.src):
			i++
			if p.src[i] != delim {
				b.WriteByte('\\')
			}
			b.WriteByte(p.src[i])
			continue
		case c == '[':
			bracket = true
		case c == ']':
			bracket = false
		case c == delim && !bracket:
			p.src = p.src[i+1:]
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("a %c is missing", delim)
}

func (p *sedScript) regexp(s string, fold bool) (*regexp.Regexp, error) {
	if s == "" {
		return nil, errors.New("an empty pattern is not known here")
	}
	return pattern([]string{strings.ReplaceAll(s, `\n`, "\n")}, false, p.extended, fold, false)
}

func (p *sedScript) address() (*sedAddress, error) {
	switch {
	case p.src == "":
	case p.src[0] == '$':
		p.src = p.src[1:]
		return &sedAddress{last: true}, nil
	case p.src[0] >= '0' && p.src[0] <= '9':
		digits := p.src[:len(p.src)-len(strings.TrimLeft(p.src, "0123456789"))]
		p.src = p.src[len(digits):]
		n, err := strconv.Atoi(digits)
		return &sedAddress{line: n}, err
	case p.src[0] == '/':
		p.src = p.src[1:]
		s, err := p.until('/')
		if err != nil {
			return nil, err
		}
		re, err := p.regexp(s, false)
		return &sedAddress{re: re}, err
	}
	return nil, nil
}

func (p *sedScript) steps() (steps []*sedStep, err error) {
	for p.skip(" \t\n;"); p.src != ""; p.skip(" \t\n;") {
		s := &sedStep{nth: 1}
		if s.from, err = p.address(); err != nil {
			return nil, err
		}
		if s.from != nil && strings.HasPrefix(p.src, ",") {
			p.src = p.src[1:]
			if s.to, err = p.address(); err != nil {
				return nil, err
			}
			if s.to == nil {
				return nil, errors.New("an address is missing behind the comma")
			}
		}
		p.skip(" \t")
		if strings.HasPrefix(p.src, "!") {
			s.not, p.src = true, p.src[1:]
		}
		p.skip(" \t")
		if p.src == "" {
			return nil, errors.New("a command is missing")
		}
		s.verb, p.src = p.src[0], p.src[1:]
		switch s.verb {
		case 'd', 'p', 'q', '=':
		case 's':
			err = p.substitute(s)
		case 'a', 'i', 'c':
			p.skip(" \t")
			p.src = strings.TrimPrefix(strings.TrimPrefix(p.src, "\\"), "\n")
			s.with, p.src, _ = strings.Cut(p.src, "\n")
		default:
			err = fmt.Errorf("the command %c is not known here", s.verb)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		p.skip(" \t")
		if p.src != "" && p.src[0] != ';' && p.src[0] != '\n' && strings.IndexByte("aic", s.verb) < 0 {
			return nil, fmt.Errorf("%q is not expected behind the command %c", p.src, s.verb)
		}
	}
	return steps, nil
}

func (p *sedScript) substitute(s *sedStep) error {
	if p.src == "" || p.src[0] == '\n' || p.src[0] == '\\' {
		return errors.New("s needs a pattern")
	}
	delim := p.src[0]
	p.src = p.src[1:]
	from, err := p.until(delim)
	if err != nil {
		return err
	}
	if s.with, err = p.until(delim); err != nil {
		return err
	}
	fold := false
	for p.src != "" && strings.IndexByte(";\n \t}", p.src[0]) < 0 {
		switch c := p.src[0]; {
		case c == 'g':
			s.all = true
		case c == 'p':
			s.print = true
		case c == 'i' || c == 'I':
			fold = true
		case c >= '1' && c <= '9':
			s.nth = int(c - '0')
		default:
			return fmt.Errorf("the flag %c of s is not known here", c)
		}
		p.src = p.src[1:]
	}
	s.re, err = p.regexp(from, fold)
	return err
}

// replace puts what stands in a step in the place of its matches.
func (s *sedStep) replace(text []byte) ([]byte, bool) {
	var out []byte
	at, done := 0, false
	for i, m := range s.re.FindAllSubmatchIndex(text, -1) {
		if i+1 < s.nth || done && !s.all {
			continue
		}
		done = true
		out = append(out, text[at:m[0]]...)
		for k := 0; k < len(s.with); k++ {
			switch c := s.with[k]; {
			case c == '&':
				out = append(out, text[m[0]:m[1]]...)
			case c == '\\' && k+1 < len(s.with):
				k++
				switch d := s.with[k]; {
				case d >= '0' && d <= '9':
					if g := 2 * int(d-'0'); g+1 < len(m) && m[g] >= 0 {
						out = append(out, text[m[g]:m[g+1]]...)
					}
				case d == 'n':
					out = append(out, '\n')
				case d == 't':
					out = append(out, '\t')
				default:
					out = append(out, d)
				}
			default:
				out = append(out, c)
			}
		}
		at = m[1]
	}
	return append(out, text[at:]...), done
}

func sed(c *call) {
	for i, a := range c.args { // -i.bak: the suffix is a part of the option
		if suffix, ok := strings.CutPrefix(a, "-i"); ok && suffix != "" {
			c.args[i] = "--in-place=" + suffix
		}
		if a == "--" {
			break
		}
	}
	f := c.options()
	quiet := f.BoolP("quiet", "n", false, "print only what p prints")
	scripts := f.StringArrayP("expression", "e", nil, "commands: s/A/B/gpi d p q = a i c, with lines, $, /patterns/ and ranges")
	extended := f.BoolP("regexp-extended", "E", false, "patterns are extended ones")
	r := f.BoolP("r", "r", false, "the same")
	inPlace := f.StringP("in-place", "i", "", "change the files; with a suffix the old ones stay under it")
	f.Lookup("in-place").NoOptDefVal = "\x00"
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if len(*scripts) == 0 {
		if len(args) == 0 {
			c.misuse()
			return
		}
		*scripts, args = args[:1], args[1:]
	}
	p := sedScript{src: strings.Join(*scripts, "\n"), extended: *extended || *r}
	steps, err := p.steps()
	if err != nil {
		c.say("%s", err)
		return
	}
	defer func() {
		if c.status == 1 { // a file that could not be read or changed
			c.status = 2
		}
	}()
	if !f.Changed("in-place") {
		var parts []io.Reader
		c.eachInput(args, func(_ string, r io.Reader) error {
			b, err := io.ReadAll(r)
			parts = append(parts, bytes.NewReader(b))
			return err
		})
		c.fail(edit(c.out, io.MultiReader(parts...), steps, *quiet))
		return
	}
	for _, a := range args {
		for _, s := range steps {
			s.open = false
		}
		c.edited(a, c.editFile(c.path(a), strings.Trim(*inPlace, "\x00"), func(w io.Writer, r io.Reader) error { return edit(w, r, steps, *quiet) }))
	}
}

// edited says why a file could not be changed.
func (c *call) edited(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		c.unread(openWords, name, err)
		return
	}
	c.unread(readWords, name, err)
}

// openRegular opens a file that is to be replaced; another one is called what
// the tool calls it.
func openRegular(name, otherwise string) (*os.File, fs.FileInfo, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	st, err := in.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New(otherwise)
	}
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, st, nil
}

// editFile puts a changed copy in a file's place in one step.
func (c *call) editFile(name, suffix string, change func(io.Writer, io.Reader) error) error {
	in, st, err := openRegular(name, "not a regular file")
	if err != nil {
		return err
	}
	defer in.Close()
	beside := besideName(name)
	out, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = change(out, stoppable{c.ctx, in})
	if err == nil {
		_, err = copyXattrs(name, beside)
	}
	err = succeed(out, st, err)
	if err == nil && suffix != "" {
		err = makeLink(name, name+suffix, false, true)
	}
	if err == nil {
		err = os.Rename(beside, name)
	}
	if err != nil {
		_ = os.Remove(beside)
	}
	return err
}

// edit runs a script over lines.
func edit(w io.Writer, r io.Reader, steps []*sedStep, quiet bool) error {
	all, err := io.ReadAll(r)
	if err != nil || len(all) == 0 {
		return err
	}
	ended := bytes.HasSuffix(all, []byte("\n"))
	lines := bytes.Split(bytes.TrimSuffix(all, []byte("\n")), []byte("\n"))
	var out bytes.Buffer
lines:
	for i, text := range lines {
		last := i == len(lines)-1
		show := func(b []byte) {
			out.Write(b)
			if !last || ended {
				out.WriteByte('\n')
			}
		}
		var after []string
		gone, quit := false, false
		for _, s := range steps {
			if !s.applies(i+1, last, text) {
				continue
			}
			switch s.verb {
			case 's':
				var hit bool
				if text, hit = s.replace(text); hit && s.print {
					show(text)
				}
			case 'p':
				show(text)
			case '=':
				fmt.Fprintln(&out, i+1)
			case 'i':
				fmt.Fprintln(&out, s.with)
			case 'a':
				after = append(after, s.with)
			case 'c':
				if s.to == nil || s.not || !s.open || last {
					fmt.Fprintln(&out, s.with)
				}
				gone = true
			case 'd':
				gone = true
			case 'q':
				quit = true
			}
			if gone || quit {
				break
			}
		}
		if !gone && !quiet {
			show(text)
		}
		for _, a := range after {
			if last && !ended && !gone {
				out.WriteByte('\n')
			}
			fmt.Fprintln(&out, a)
		}
		if quit {
			break lines
		}
	}
	_, err = w.Write(out.Bytes())
	return err
}
