package command

import (
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// bash reads bytes, the parser only UTF-8: a comment or a file name in another
// encoding must not hide the line it stands in. So bytes that are no UTF-8 are
// parsed as runes of a private plane, and are bytes again in the tree.

// standInBase and the byte make the rune that stands for it: the last of
// Unicode, which is nobody's text.
const standInBase = 0x10ff00

// standInLead begins the UTF-8 form of every such rune.
const standInLead = "\xf4\x8f"

// onlyRunes puts a rune in the place of each byte that is no UTF-8.
func onlyRunes(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 {
			b.WriteRune(standInBase + rune(text[0]))
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// asBytes takes the runes away again.
func asBytes(text string) string {
	if !strings.Contains(text, standInLead) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if c := r - standInBase; utf8.RuneSelf <= c && c <= 0xff {
			b.WriteByte(byte(c))
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// parseText parses what onlyRunes made; the values in the tree are the bytes.
func parseText(text string) (*syntax.File, error) {
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	var f *syntax.File
	var err error
	if deep(text) {
		f, err = parsePieces(p, text)
	} else {
		f, err = p.Parse(strings.NewReader(text), "")
	}
	if f != nil && strings.Contains(text, standInLead) {
		restore(f)
	}
	return f, err
}

// restore makes the values in a tree bytes again.
func restore(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Lit:
			n.Value = asBytes(n.Value)
		case *syntax.SglQuoted:
			n.Value = asBytes(n.Value)
		}
		return true
	})
}
