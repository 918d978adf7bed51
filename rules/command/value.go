package command

import (
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// value expands a word where it is neither split nor matched: assignments,
// redirections' text, the subject of case.
func (w *walker) value(st *state, x *syntax.Word) word.Word {
	if x == nil {
		return word.Lit("")
	}
	if len(x.Parts) == 1 {
		if l, ok := x.Parts[0].(*syntax.Lit); ok && !strings.ContainsAny(l.Value, "\\~\x01") {
			return word.Lit(l.Value)
		}
	}
	return w.one(w.parts(st, nil, x.Parts, false), w.source(x))
}

// assigned expands the right side of an assignment: a tilde counts behind each
// colon too, as in PATH=~/a:~/b.
func (w *walker) assigned(st *state, x *syntax.Word) word.Word {
	colon := false
	if x != nil {
		for _, p := range x.Parts {
			if l, ok := p.(*syntax.Lit); ok && strings.Contains(l.Value, ":~") {
				colon = true
			}
		}
	}
	if !colon {
		return w.value(st, x)
	}
	return w.one(w.tildes(st, nil, x.Parts), w.source(x))
}

// one joins pieces to one word.
func (w *walker) one(ps []piece, src string) word.Word {
	ps = bounded(unglued(ps))
	holes, alts := false, false
	size := 0
	from := word.FromLiteral
	for i := range ps {
		if ps[i].sep {
			ps[i] = piece{text: " ", quoted: true}
		}
		holes = holes || ps[i].hole != word.NoHole
		alts = alts || ps[i].alts != nil
		size += len(ps[i].text)
		if ps[i].from != "" {
			from = ps[i].from
		}
	}
	if size > maxValue {
		return large(src)
	}
	if !holes && !alts {
		return word.Word{Src: src, Know: word.Known, Values: []string{join(ps)}, Origin: from}
	}
	if !holes {
		if vs := w.product(ps); vs != nil {
			return word.Set(src, from, vs...)
		}
	}
	if from == word.FromLarge {
		return large(src)
	}
	return word.Word{Src: src, Know: word.Unknown, Shape: shape(ps, false), Origin: from}
}

// large is a value that is too large to be kept. As data it is an unknown word
// like another; run as code it is a finding.
func large(src string) word.Word {
	return word.Word{Src: src, Know: word.Unknown, Origin: word.FromLarge}
}

// pattern expands a word as a pattern: quoted text stands for itself.
func (w *walker) pattern(st *state, x *syntax.Word) (string, bool) {
	if x == nil {
		return "", true
	}
	ps := w.parts(st, nil, x.Parts, false)
	for i := range ps {
		if ps[i].hole != word.NoHole || ps[i].alts != nil {
			return "", false
		}
		if ps[i].sep {
			ps[i] = piece{text: " ", quoted: true}
		}
	}
	return patternOf(ps), true
}

// document expands the body of a here-document.
func (w *walker) document(st *state, x *syntax.Word, quoted bool, src string) word.Word {
	if x == nil {
		return word.Lit("")
	}
	if quoted {
		var b strings.Builder
		for _, p := range x.Parts {
			if l, ok := p.(*syntax.Lit); ok {
				b.WriteString(l.Value)
			}
		}
		text := b.String()
		if i, ok := asideMark(text); ok && i < len(w.docs) {
			text = w.docs[i]
		}
		return word.Word{Src: src, Know: word.Known, Values: []string{text}, Origin: word.FromLiteral}
	}
	if text := documentText(x); text != "" && (w.holes == nil || strings.IndexByte(text, holeOpen) < 0) {
		// Nothing in it is expanded: however large, it is what it is.
		if i, ok := asideMark(text); ok && i < len(w.docs) {
			if text = w.docs[i]; strings.IndexByte(text, '$') >= 0 {
				return large(src)
			}
		}
		return word.Word{Src: src, Know: word.Known, Values: []string{unquoteDocument(text)}, Origin: word.FromLiteral}
	}
	var ps []piece
	for _, p := range x.Parts {
		if l, ok := p.(*syntax.Lit); ok {
			ps = append(ps, piece{text: unquoteDocument(l.Value), quoted: true})
			continue
		}
		ps = w.parts(st, ps, []syntax.WordPart{p}, true)
	}
	return w.one(ps, src)
}

// unquoteDocument takes backslashes off that mean something in a
// here-document: a double quote is not among them.
func unquoteDocument(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return unquoteDouble(strings.ReplaceAll(s, `\"`, `\\"`))
}

// ansiC reads $'…'.
func ansiC(s string) string {
	out, _, _ := unescapeText(s, ofQuotes)
	if i := strings.IndexByte(out, 0); i >= 0 {
		out = out[:i]
	}
	return out
}
