package command

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// asideMin is the size from which a here-document is worth setting aside.
const asideMin = 4 << 10

// asideByte stands around the number of a here-document that was set aside.
const asideByte = '\x03'

// setAside takes the large here-documents out of a text and leaves a mark for
// each: they are data, and need neither be parsed nor count as code. Documents
// that would run something when they are expanded stay. It reads lines, not
// the grammar, so its result is only good if each mark is found in a
// here-document of the tree again.
func setAside(text string, from int) (string, []string) {
	var out strings.Builder
	var docs []string
	for rest := text; rest != ""; {
		line, more, _ := strings.Cut(rest, "\n")
		out.WriteString(line)
		if len(rest) > len(line) {
			out.WriteByte('\n')
		}
		rest = more
		for _, d := range delimiters(line) {
			end, next := documentEnd(rest, d)
			if end < 0 {
				break
			}
			body := rest[:end]
			if len(body) < asideMin || !d.quoted && (strings.Contains(body, "$(") || strings.ContainsAny(body, "`")) {
				out.WriteString(rest[:next])
			} else {
				if d.tabs {
					body = strings.TrimLeft(strings.ReplaceAll(body, "\n\t", "\n"), "\t")
				}
				out.WriteByte(asideByte)
				out.WriteString(strconv.Itoa(from + len(docs)))
				out.WriteByte(asideByte)
				out.WriteByte('\n')
				out.WriteString(rest[end:next])
				docs = append(docs, body)
			}
			rest = rest[next:]
		}
	}
	return out.String(), docs
}

type delimiter struct {
	word         string
	tabs, quoted bool
}

// delimiters lists the here-documents that a line seems to begin.
func delimiters(line string) []delimiter {
	var out []delimiter
	for {
		i := strings.Index(line, "<<")
		if i < 0 {
			return out
		}
		line = line[i+2:]
		if strings.HasPrefix(line, "<") {
			line = line[1:]
			continue
		}
		var d delimiter
		line, d.tabs = strings.CutPrefix(line, "-")
		line = strings.TrimLeft(line, " \t")
		n := strings.IndexAny(line, " \t;|&<>()")
		if n < 0 {
			n = len(line)
		}
		d.word = strings.Map(func(r rune) rune {
			if strings.ContainsRune("'\"\\", r) {
				d.quoted = true
				return -1
			}
			return r
		}, line[:n])
		line = line[n:]
		if d.word != "" {
			out = append(out, d)
		}
	}
}

// documentEnd is where a document's delimiter stands, and where what follows
// begins.
func documentEnd(text string, d delimiter) (end, next int) {
	for at := 0; at < len(text); {
		line, _, found := strings.Cut(text[at:], "\n")
		to := at + len(line)
		if found {
			to++
		}
		if d.tabs {
			line = strings.TrimLeft(line, "\t")
		}
		if line == d.word {
			return at, to
		}
		at = to
	}
	return -1, 0
}

// asideMark is the number in a mark that stands for a document. The tree keeps
// the tabs before the end of a <<- document.
func asideMark(s string) (int, bool) {
	if len(s) < 3 || s[0] != asideByte {
		return 0, false
	}
	j := strings.IndexByte(s[1:], asideByte)
	if j < 0 || strings.TrimRight(s[j+2:], "\t") != "\n" {
		return 0, false
	}
	n, err := strconv.Atoi(s[1 : j+1])
	return n, err == nil && n >= 0
}

// documents counts the marks from number n on that stand where a here-document
// does.
func documents(f *syntax.File, n int) int {
	found := 0
	syntax.Walk(f, func(x syntax.Node) bool {
		r, ok := x.(*syntax.Redirect)
		if ok && r.Hdoc != nil {
			if i, ok := asideMark(documentText(r.Hdoc)); ok && i >= n {
				found++
			}
		}
		return true
	})
	return found
}

// documentText is the text of a here-document in which nothing is expanded.
func documentText(x *syntax.Word) string {
	if len(x.Parts) == 1 {
		if l, ok := x.Parts[0].(*syntax.Lit); ok {
			return l.Value
		}
	}
	var b strings.Builder
	for _, p := range x.Parts {
		l, ok := p.(*syntax.Lit)
		if !ok {
			return ""
		}
		b.WriteString(l.Value)
	}
	return b.String()
}
