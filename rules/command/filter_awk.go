package command

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var awkPrint = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:/([A-Za-z0-9_ .^$-]*)/)?\s*\{\s*print(f?)\s*(.*?)\s*;?\s*\}\s*$`)
})

// awkText is awk that prints fields and texts, of all lines or of those with a
// pattern.
func awkText(args []string, text string) (string, bool) {
	sep := ""
	for len(args) > 1 {
		switch {
		case args[0] == "-F" && len(args) > 2:
			sep, args = args[1], args[2:]
		case strings.HasPrefix(args[0], "-F") && len(args[0]) > 2:
			sep, args = args[0][2:], args[1:]
		default:
			return "", false
		}
	}
	if len(args) != 1 || len(sep) > 1 || sep == "|" || sep == " " || sep == "t" {
		return "", false
	}
	m := awkPrint().FindStringSubmatch(args[0])
	if m == nil {
		return "", false
	}
	re, ok := expression(m[1], true, false)
	if !ok {
		return "", false
	}
	items, ok := awkItems(m[3])
	if !ok || m[2] != "" && len(items) == 0 {
		return "", false
	}
	var out strings.Builder
	for _, l := range linesOf(text) {
		if !re.MatchString(l) {
			continue
		}
		f := strings.Fields(l)
		if sep != "" {
			f = strings.Split(l, sep)
		}
		var words []string
		for _, item := range items {
			var b strings.Builder
			for _, p := range item {
				b.WriteString(p.on(l, f))
			}
			words = append(words, b.String())
		}
		switch {
		case len(items) == 0:
			out.WriteString(l + "\n")
		case m[2] == "":
			out.WriteString(strings.Join(words, " ") + "\n")
		default:
			s, ok := awkFormat(words)
			if !ok {
				return "", false
			}
			out.WriteString(s)
		}
	}
	return out.String(), true
}

// awkPart is a text, or a field of the line: 0 all of it, -1 the last.
type awkPart struct {
	text  string
	field int
}

const awkLiteral = -2

func (p awkPart) on(line string, fields []string) string {
	switch {
	case p.field == awkLiteral:
		return p.text
	case p.field == 0:
		return line
	case p.field < 0 && len(fields) > 0:
		return fields[len(fields)-1]
	case p.field > 0 && p.field <= len(fields):
		return fields[p.field-1]
	}
	return ""
}

// awkItems reads what stands behind print: texts and fields side by side, items
// with a comma between them. Anything else is not known.
func awkItems(s string) ([][]awkPart, bool) {
	var items [][]awkPart
	var cur []awkPart
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t") {
		switch {
		case s[0] == ',':
			if len(cur) == 0 {
				return nil, false
			}
			items, cur, s = append(items, cur), nil, s[1:]
		case s[0] == '"':
			n := 1
			for n < len(s) && s[n] != '"' {
				if s[n] == '\\' {
					n++
				}
				n++
			}
			if n >= len(s) {
				return nil, false
			}
			text, err := strconv.Unquote(s[:n+1])
			if err != nil {
				return nil, false
			}
			cur, s = append(cur, awkPart{text, awkLiteral}), s[n+1:]
		case strings.HasPrefix(s, "$NF"):
			cur, s = append(cur, awkPart{"", -1}), s[3:]
		case s[0] == '$' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
			n := 1
			for n < len(s) && s[n] >= '0' && s[n] <= '9' {
				n++
			}
			field, err := strconv.Atoi(s[1:n])
			if err != nil {
				return nil, false
			}
			cur, s = append(cur, awkPart{"", field}), s[n:]
		default:
			return nil, false
		}
		if s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || strings.IndexByte("([<>|+-*/%~!=", s[0]) >= 0) {
			return nil, false
		}
	}
	if len(cur) > 0 {
		items = append(items, cur)
	} else if len(items) > 0 {
		return nil, false
	}
	return items, true
}

// awkFormat is printf with %s alone.
func awkFormat(words []string) (string, bool) {
	parts := strings.Split(words[0], "%s")
	if len(parts) != len(words) || strings.Contains(strings.Join(parts, ""), "%") {
		return "", false
	}
	var b strings.Builder
	for i, p := range parts {
		b.WriteString(p)
		if i+1 < len(words) {
			b.WriteString(words[i+1])
		}
	}
	return b.String(), true
}
