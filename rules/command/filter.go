package command

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Filtered is what a filter makes of a text that it reads, where that is known:
// sed, awk, grep and the like.
func Filtered(name string, args []string, text string) (string, bool) {
	f := filterOf(name)
	if f == nil {
		return "", false
	}
	return f(args, text)
}

// filterOf is what a program makes of its words and the text that it reads, if
// its output follows from them. Each is known for its plain uses; any other use
// of it has an output that is not known.
func filterOf(name string) func(args []string, text string) (string, bool) {
	switch name {
	case "grep", "egrep", "fgrep":
		return grepText
	case "head":
		return headText
	case "tail":
		return tailText
	case "sort":
		return sortText
	case "uniq":
		return uniqText
	case "tac":
		return tacText
	case "cut":
		return cutText
	case "tr":
		return trText
	case "sed":
		return sedText
	case "awk", "gawk", "mawk":
		return awkText
	case "wc":
		return wcText
	case "rev":
		return revText
	case "xxd":
		return xxdText
	case "openssl":
		return opensslText
	case "gunzip", "zcat":
		return gunzipText
	case "gzip":
		return gzipText
	case "pv":
		return sameText
	case "dos2unix":
		return unixText
	}
	return nil
}

// operandOf reports whether a filter takes its text from a file that the last
// word names, and the number of words before it that are no file.
func operandOf(name string) (before int, takes bool) {
	switch name {
	case "grep", "egrep", "fgrep", "sed", "awk", "gawk", "mawk":
		return 1, true
	case "head", "tail", "sort", "uniq", "tac", "cut":
		return 0, true
	}
	return 0, false
}

// filtered is the output of a filter.
func filtered(w *walker, i int) (string, bool) {
	a := &w.line.Actions[i]
	name, _ := a.Name()
	args, ok := known(a.Args())
	if !ok {
		return "", false
	}
	if name == "fgrep" {
		args = append([]string{"-F"}, args...)
	}
	if name == "egrep" {
		args = append([]string{"-E"}, args...)
	}
	text, ok := "", false
	if before, takes := operandOf(name); takes && len(args) > 0 {
		operands := 0
		for n, x := range args {
			if n > 0 && slices.Contains([]string{"-n", "-d", "-f", "-c", "-F", "-e", "-k", "-t"}, args[n-1]) && name != "grep" && name != "egrep" && name != "fgrep" {
				continue
			}
			if !strings.HasPrefix(x, "-") {
				operands++
			}
		}
		if operands > before+1 {
			return "", false
		}
		if operands == before+1 {
			if text, ok = w.contents(i, args[len(args)-1]); !ok {
				return "", false
			}
			args = args[:len(args)-1]
		}
	}
	if !ok {
		if text, ok = w.read0(i); !ok {
			return "", false
		}
	}
	return filterOf(name)(args, text)
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func textOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// expression is a regular expression of grep and sed as Go reads it, where both
// read it the same way.
func expression(s string, extended, fold bool) (*regexp.Regexp, bool) {
	if strings.ContainsAny(s, `\`) || strings.Contains(s, "[[") || strings.Contains(s, "(?") {
		return nil, false
	}
	if !extended {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if strings.IndexByte("+?|(){}", s[i]) >= 0 {
				b.WriteByte('\\')
			}
			if s[i] == '*' && (i == 0 || s[i-1] == '^') {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	if fold {
		s = "(?i)" + s
	}
	re, err := regexp.Compile(s)
	return re, err == nil
}

func grepText(args []string, text string) (string, bool) {
	var not, fold, extended, fixed, whole bool
	pattern, has := "", false
	for len(args) > 0 {
		x := args[0]
		args = args[1:]
		switch {
		case !has && len(x) > 1 && x[0] == '-' && x[1] != '-':
			for j, c := range x[1:] {
				switch c {
				case 'v':
					not = true
				case 'i':
					fold = true
				case 'E':
					extended = true
				case 'F':
					fixed = true
				case 'x':
					whole = true
				case 'h', 'a':
				case 'e':
					if j+2 != len(x) || len(args) == 0 {
						return "", false
					}
					pattern, has, args = args[0], true, args[1:]
				default:
					return "", false
				}
			}
		case !has && !strings.HasPrefix(x, "--"):
			pattern, has = x, true
		default:
			return "", false
		}
	}
	if !has {
		return "", false
	}
	if fixed {
		pattern, extended = regexp.QuoteMeta(pattern), true
		if strings.Contains(pattern, `\`) {
			// expression takes no backslash: it is the C library's there.
			re, err := regexp.Compile(pattern)
			if err != nil || fold || whole {
				return "", false
			}
			return keep(text, func(l string) bool { return re.MatchString(l) != not }), true
		}
	}
	if whole {
		pattern, extended = "^("+pattern+")$", extended || !strings.ContainsAny(pattern, "+?|(){}")
		if !extended {
			return "", false
		}
	}
	re, ok := expression(pattern, extended, fold)
	if !ok {
		return "", false
	}
	return keep(text, func(l string) bool { return re.MatchString(l) != not }), true
}

func keep(text string, f func(string) bool) string {
	var out []string
	for _, l := range linesOf(text) {
		if f(l) {
			out = append(out, l)
		}
	}
	return textOf(out)
}

// headText is head, and tail over the lines in reverse.
func headText(args []string, text string) (string, bool) {
	n := 10
	switch {
	case len(args) == 0:
	case len(args) == 2 && args[0] == "-n":
		v, err := strconv.Atoi(args[1])
		if err != nil || v < 0 || strings.HasPrefix(args[1], "+") {
			return "", false
		}
		n = v
	case len(args) == 1 && strings.HasPrefix(args[0], "-"):
		v, err := strconv.Atoi(strings.TrimPrefix(args[0][1:], "n"))
		if err != nil || v < 0 || strings.Contains(args[0], "+") {
			return "", false
		}
		n = v
	default:
		return "", false
	}
	lines := linesOf(text)
	return textOf(lines[:min(n, len(lines))]), true
}

func tailText(args []string, text string) (string, bool) {
	lines := linesOf(text)
	slices.Reverse(lines)
	out, ok := headText(args, textOf(lines))
	lines = linesOf(out)
	slices.Reverse(lines)
	return textOf(lines), ok
}

func sortText(args []string, text string) (string, bool) {
	lines := linesOf(text)
	if len(args) > 1 || len(args) == 1 && args[0] != "-u" {
		return "", false
	}
	for _, l := range lines {
		// What is not a small letter or a digit is sorted as the locale says.
		if strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return "", false
		}
	}
	slices.Sort(lines)
	if len(args) == 1 {
		lines = slices.Compact(lines)
	}
	return textOf(lines), true
}

func uniqText(args []string, text string) (string, bool) {
	return textOf(slices.Compact(linesOf(text))), len(args) == 0
}

func tacText(args []string, text string) (string, bool) {
	lines := linesOf(text)
	slices.Reverse(lines)
	return textOf(lines), len(args) == 0
}

func wcText(args []string, text string) (string, bool) {
	return strconv.Itoa(strings.Count(text, "\n")) + "\n", len(args) == 1 && args[0] == "-l"
}

func cutText(args []string, text string) (string, bool) {
	sep, field := "\t", ""
	for i := 0; i < len(args); i++ {
		x := args[i]
		switch {
		case (x == "-d" || x == "-f") && i+1 < len(args):
			i++
			if x == "-d" {
				sep = args[i]
			} else {
				field = args[i]
			}
		case strings.HasPrefix(x, "-d"):
			sep = x[2:]
		case strings.HasPrefix(x, "-f"):
			field = x[2:]
		default:
			return "", false
		}
	}
	from, to, open := strings.Cut(field, "-")
	a, err := strconv.Atoi(from)
	b := a
	if open {
		b = 1 << 20
		if to != "" {
			var err2 error
			if b, err2 = strconv.Atoi(to); err2 != nil {
				return "", false
			}
		}
	}
	if err != nil || a < 1 || b < a || len(sep) != 1 {
		return "", false
	}
	var out []string
	for _, l := range linesOf(text) {
		if f := strings.Split(l, sep); len(f) > 1 {
			l = strings.Join(f[min(a-1, len(f)):min(b, len(f))], sep)
		}
		out = append(out, l)
	}
	return textOf(out), true
}

// trSet is a set of tr: characters, ranges of them and the escapes for blanks.
func trSet(s string) ([]byte, bool) {
	s = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\0`, "\x00", `\\`, `\`).Replace(s)
	if strings.Contains(s, "[") || strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 }) >= 0 {
		return nil, false
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i+1] == '-' {
			if s[i] > s[i+2] {
				return nil, false
			}
			for c := int(s[i]); c <= int(s[i+2]); c++ {
				out = append(out, byte(c))
			}
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return out, len(out) > 0
}

func trText(args []string, text string) (string, bool) {
	if len(args) != 2 || strings.HasPrefix(args[0], "-") && args[0] != "-d" {
		return "", false
	}
	if args[0] == "-d" {
		set, ok := trSet(args[1])
		return strings.Map(func(c rune) rune {
			if c < 0x80 && slices.Contains(set, byte(c)) {
				return -1
			}
			return c
		}, text), ok
	}
	from, ok1 := trSet(args[0])
	to, ok2 := trSet(args[1])
	if !ok1 || !ok2 {
		return "", false
	}
	for len(to) < len(from) {
		to = append(to, to[len(to)-1])
	}
	return strings.Map(func(c rune) rune {
		if c < 0x80 {
			if i := slices.Index(from, byte(c)); i >= 0 {
				return rune(to[i])
			}
		}
		return c
	}, text), true
}

// sedText is sed with one plain command: s, or d for the lines of a pattern.
func sedText(args []string, text string) (string, bool) {
	extended := false
	for len(args) > 0 && (args[0] == "-E" || args[0] == "-r" || args[0] == "-e") {
		extended = extended || args[0] != "-e"
		args = args[1:]
	}
	if len(args) != 1 || len(args[0]) < 3 {
		return "", false
	}
	s := args[0]
	if s[0] == '/' && strings.HasSuffix(s, "/d") {
		re, ok := expression(s[1:len(s)-2], extended, false)
		if !ok || strings.Contains(s[1:len(s)-2], "/") {
			return "", false
		}
		return keep(text, func(l string) bool { return !re.MatchString(l) }), true
	}
	if s[0] != 's' || strings.ContainsAny(s, "\n\\") || strings.IndexByte("|/,:#@!", s[1]) < 0 {
		return "", false
	}
	f := strings.Split(s[2:], s[1:2])
	if len(f) != 3 || f[2] != "" && f[2] != "g" {
		return "", false
	}
	re, ok := expression(f[0], extended, false)
	if !ok || f[0] == "" {
		return "", false
	}
	with := strings.ReplaceAll(strings.ReplaceAll(f[1], "$", "$$"), "&", "${0}")
	var out []string
	for _, l := range linesOf(text) {
		switch {
		case f[2] == "g":
			l = re.ReplaceAllString(l, with)
		default:
			if m := re.FindStringSubmatchIndex(l); m != nil {
				l = l[:m[0]] + string(re.ExpandString(nil, with, l, m)) + l[m[1]:]
			}
		}
		out = append(out, l)
	}
	return textOf(out), true
}
