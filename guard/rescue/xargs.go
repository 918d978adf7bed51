package rescue

import (
	"errors"
	"io"
	"strings"
)

func xargs(c *call) {
	f := c.options()
	f.SetInterspersed(false)
	zero := f.BoolP("null", "0", false, "names end with a zero byte")
	most := f.IntP("max-args", "n", maxWords, "so many at once")
	replace := f.StringP("replace", "I", "", "a command for each, with this replaced by it")
	f.BoolP("no-run-if-empty", "r", true, "nothing runs for nothing, as always here")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if len(args) == 0 {
		args = []string{"echo"}
	}
	all, err := io.ReadAll(c.in)
	if err != nil {
		c.fail(err)
		return
	}
	var names []string
	switch {
	case *zero:
		names = strings.Split(strings.TrimSuffix(string(all), "\x00"), "\x00")
	case *replace != "":
		names = strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
	default:
		if names, err = fields(string(all)); err != nil {
			c.say("%s", err)
			return
		}
	}
	if len(names) == 1 && names[0] == "" {
		return
	}
	if *replace != "" {
		for _, n := range names {
			argv := make([]string, len(args))
			for i, a := range args {
				argv[i] = strings.ReplaceAll(a, *replace, n)
			}
			if !c.run(argv) {
				c.status = 123
			}
		}
		return
	}
	for len(names) > 0 {
		n := min(max(*most, 1), len(names))
		if !c.run(append(append([]string{}, args...), names[:n]...)) {
			c.status = 123
		}
		names = names[n:]
	}
}

// fields splits as xargs does: at blanks, with quotes and backslashes.
func fields(s string) (words []string, err error) {
	var b strings.Builder
	in, quoted := false, rune(0)
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case quoted != 0:
			if r == quoted {
				quoted = 0
			} else {
				b.WriteRune(r)
			}
		case r == '\\':
			escaped, in = true, true
		case r == '"' || r == '\'':
			quoted, in = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, b.String())
				b.Reset()
			}
			in = false
		default:
			b.WriteRune(r)
			in = true
		}
	}
	if quoted != 0 {
		return nil, errors.New("a quote is not closed (-0 with find -print0 takes names as they are)")
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}
