package command

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxMends bounds the places that are mended in one text, maxMend the text in
// bytes: it is parsed again for each.
const (
	maxMends = 8
	maxMend  = 32 << 10
)

// mend puts something that the parser knows in the place of what it does not
// and bash does: an expansion or a test of which nothing is known before it
// runs. It returns the text as it was parsed in the end; nil where it was not.
func mend(text string, pe syntax.ParseError) (string, *syntax.File) {
	if len(text) > maxMend {
		return "", nil
	}
	for range maxMends {
		best, at, left := "", pe, len(text)-int(pe.Pos.Offset())
		for _, try := range mends(text, pe) {
			f, err := parseText(try)
			if err == nil {
				return try, f
			}
			// The one that gets furthest is mended on.
			if next := pe; errors.As(err, &next) && len(try)-int(next.Pos.Offset()) < left {
				best, at, left = try, next, len(try)-int(next.Pos.Offset())
			}
		}
		if best == "" {
			return "", nil
		}
		text, pe = best, at
	}
	return "", nil
}

// mends are the texts that a text may have meant where the parser stopped.
func mends(text string, pe syntax.ParseError) []string {
	at := int(pe.Pos.Offset())
	if at > len(text) {
		return nil
	}
	var out []string
	with := func(from, to int, s string) {
		if was := text[from:to]; !strings.Contains(was, "$(") && !strings.Contains(was, "`") && !strings.Contains(was, "<(") {
			out = append(out, text[:from]+s+text[to:])
		}
	}
	// "((" that is no arithmetic is two subshells, as bash finds out later
	// than the parser does.
	if i := strings.LastIndex(text[:at], "(("); i >= 0 {
		out = append(out, text[:i+1]+" "+text[i+1:])
	}
	if i := strings.LastIndex(text[:min(at+1, len(text))], "${"); i >= 0 {
		if n := closing(text[i+1:], '{', '}'); text[i+n] == '}' {
			with(i, i+1+n, "${RANDOM}")
		}
	}
	if n := strings.IndexAny(text[at:]+" ", " \t\n;|&)"); pe.Text == "invalid var name" && n > 0 {
		with(at, at+n, `"$RANDOM"`) // export 1x=y is an error of its own
	}
	if i := strings.LastIndex(text[:at], "[["); i >= 0 {
		if n := strings.Index(text[i:], "]]"); n > 0 && !strings.Contains(text[i:i+n], "\n") {
			with(i, i+n, "[[ $RANDOM -gt 9 ")
		}
	}
	if i := strings.LastIndexByte(text[:at], '['); i >= 0 {
		if n := closing(text[i:], '[', ']'); text[i+n-1] == ']' {
			with(i, i+n, "[$RANDOM]")
		}
	}
	if i := strings.LastIndex(text[:min(at+1, len(text))], "time "); i >= 0 && strings.HasPrefix(text[i:], "time ! ") {
		out = append(out, text[:i]+"! time "+text[i+7:])
	}
	if i := strings.LastIndex(text[:min(at+4, len(text))], "! ! "); i >= 0 {
		out = append(out, text[:i]+text[i+4:])
	}
	return out
}
