package rescue

import (
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

func grep(c *call) {
	f := c.options()
	extended := f.BoolP("extended-regexp", "E", c.name == "egrep", "the pattern is an extended one")
	fixed := f.BoolP("fixed-strings", "F", c.name == "fgrep", "the pattern is a plain string")
	fold := f.BoolP("ignore-case", "i", false, "A is a")
	invert := f.BoolP("invert-match", "v", false, "lines that do not match")
	count := f.BoolP("count", "c", false, "only how many")
	list := f.BoolP("files-with-matches", "l", false, "only the names of files")
	number := f.BoolP("line-number", "n", false, "the number of the line")
	quiet := f.BoolP("quiet", "q", false, "only the status")
	silent := f.BoolP("no-messages", "s", false, "no words about files that cannot be read")
	only := f.BoolP("only-matching", "o", false, "only what matches")
	word := f.BoolP("word-regexp", "w", false, "whole words")
	noName := f.BoolP("no-filename", "h", false, "without names of files")
	withName := f.BoolP("with-filename", "H", false, "with names of files")
	recursive := f.BoolP("recursive", "r", false, "all below")
	line := f.BoolP("line-regexp", "x", false, "whole lines")
	without := f.BoolP("files-without-match", "L", false, "only the names of files without a match")
	most := f.IntP("max-count", "m", -1, "so many lines of each file")
	after := f.IntP("after-context", "A", 0, "so many lines behind each")
	before := f.IntP("before-context", "B", 0, "so many lines before each")
	around := f.IntP("context", "C", 0, "so many lines around each")
	f.BoolP("text", "a", true, "whatever is in a file, as always")
	f.BoolP("dereference-recursive", "R", false, "all below")
	include := f.StringArray("include", nil, "below directories, only files with such names")
	exclude := f.StringArray("exclude", nil, "no files with such names")
	excludeDir := f.StringArray("exclude-dir", nil, "nothing below directories with such names")
	f.String("color", "", "nothing is coloured here")
	f.Lookup("color").NoOptDefVal = "auto"
	patterns := f.StringArrayP("regexp", "e", nil, "a pattern")
	args, ok := c.read(f, 0, -1)
	if !ok {
		c.status = max(c.status, 2)
		return
	}
	if len(*patterns) == 0 {
		if len(args) == 0 {
			c.misuse()
			return
		}
		*patterns, args = args[:1], args[1:]
	}
	if *line {
		*word = false
	}
	re, err := pattern(*patterns, *fixed, *extended, *fold, *word)
	if err == nil && *line {
		re, err = regexp.Compile("^(?:" + re.String() + ")$")
	}
	if err != nil {
		c.say("%s", err)
		c.status = 2
		return
	}
	*recursive = *recursive || f.Changed("dereference-recursive")
	if *recursive {
		args = slices.DeleteFunc(c.below(args), func(name string) bool {
			return len(*include) > 0 && !anyMatch(*include, path.Base(name)) || anyMatch(*exclude, path.Base(name)) ||
				slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(dir string) bool { return anyMatch(*excludeDir, dir) })
		})
	}
	*after, *before = max(*after, *around), max(*before, *around)
	named := (len(args) > 1 || *recursive || *withName) && !*noName
	found := false
	scan := func(name string, r io.Reader) error {
		hits, at := 0, 0
		shownTo := 0      // the last line that was shown
		var kept []string // lines before, which may be shown with one to come
		follow := 0       // lines that are still to be shown
		showLine := func(n int, sign byte, text []byte) {
			if named {
				fmt.Fprintf(c.out, "%s%c", name, sign)
			}
			if *number {
				fmt.Fprintf(c.out, "%d%c", n, sign)
			}
			c.out.Write(text)
			c.out.WriteByte('\n')
			shownTo = n
		}
		err := eachLine(r, func(line []byte) error {
			at++
			if re.Match(line) == *invert || *most >= 0 && hits >= *most {
				if follow > 0 {
					follow--
					showLine(at, '-', line)
				} else if *most >= 0 && hits >= *most {
					return errEnough
				}
				if kept = append(kept, string(line)); len(kept) > *before {
					kept = kept[1:]
				}
				return nil
			}
			hits++
			if *quiet || *list || *without {
				return errEnough
			}
			if *count {
				return nil
			}
			if *after+*before > 0 {
				from := max(at-len(kept), shownTo+1)
				if shownTo > 0 && from > shownTo+1 {
					c.out.WriteString("--\n")
				}
				for n := from; n < at; n++ {
					showLine(n, '-', []byte(kept[len(kept)-(at-n)]))
				}
				kept, follow = nil, *after
			}
			show := [][]byte{line}
			if *only && !*invert {
				show = re.FindAll(line, -1)
			}
			for _, s := range show {
				showLine(at, ':', s)
			}
			return nil
		})
		found = found || hits > 0
		switch {
		case *quiet:
		case *without && hits == 0, *list && hits > 0:
			fmt.Fprintln(c.out, name)
		case *list || *without:
		case *count:
			if named {
				fmt.Fprintf(c.out, "%s:", name)
			}
			fmt.Fprintln(c.out, hits)
		}
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
	say := c.err
	if *silent {
		c.err = func(string) {}
	}
	c.eachInput(args, scan)
	c.err = say
	switch {
	case c.status != 0 && !(*quiet && found):
		c.status = 2
	case found:
		c.status = 0
	default:
		c.status = 1
	}
}

// anyMatch says whether a name is like one of some patterns of the shell.
func anyMatch(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return err == nil && ok
	})
}

// pattern makes one regular expression of several.
func pattern(patterns []string, fixed, extended, fold, word bool) (*regexp.Regexp, error) {
	var all []string
	for _, p := range patterns {
		for part := range strings.SplitSeq(p, "\n") {
			switch {
			case fixed:
				part = regexp.QuoteMeta(part)
			case !extended:
				part = basic(part)
			}
			part = strings.NewReplacer(`\\`, `\\`, `\<`, `\b`, `\>`, `\b`).Replace(part)
			all = append(all, "(?:"+part+")")
		}
	}
	s := strings.Join(all, "|")
	if word {
		s = `\b(?:` + s + `)\b`
	}
	if fold {
		s = "(?i:" + s + ")"
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("the pattern: %w", err)
	}
	re.Longest() // as POSIX wants it
	return re, nil
}

// basic turns a basic regular expression into an extended one: there the
// backslash gives ( ) { } | + ? their meaning, here it takes it away.
func basic(p string) string {
	var b strings.Builder
	bracket := -1 // where a bracket expression began
	for i := 0; i < len(p); i++ {
		ch := p[i]
		switch {
		case bracket >= 0:
			// A ] that comes first stands for itself.
			if ch == ']' && i > bracket+1 && !(i == bracket+2 && p[bracket+1] == '^') {
				bracket = -1
			}
			b.WriteByte(ch)
		case ch == '[':
			bracket = i
			b.WriteByte(ch)
		case ch == '\\' && i+1 < len(p):
			i++
			if strings.IndexByte("(){}|+?", p[i]) < 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p[i])
		case strings.IndexByte("(){}|+?", ch) >= 0, ch == '*' && b.Len() == 0:
			b.WriteByte('\\')
			b.WriteByte(ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}
