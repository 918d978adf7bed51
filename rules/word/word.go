// Package word holds what is known of one shell word before the line runs.
//
// A word is known (its exact value), one of several possible values, or
// unknown. Unknown is a value like the others, never an error and never "":
// the rules decide what it means.
package word

import "strings"

// Knowledge says how much of a word's value is known. It has no useful zero.
type Knowledge uint8

const (
	Known   Knowledge = iota + 1 // exactly one value
	OneOf                        // one of several values, all of them listed
	Unknown                      // not known before running; Shape tells what is
)

func (k Knowledge) String() string {
	switch k {
	case Known:
		return "known"
	case OneOf:
		return "one of"
	case Unknown:
		return "unknown"
	}
	return "unset"
}

// Hole says what stands in an unknown word where text is not known.
type Hole uint8

const (
	NoHole Hole = iota // literal text
	Var                // a parameter whose value is not known
	Subst              // a command, process or arithmetic substitution
	Glob               // a pattern that was not matched against the file system
)

// Part is a run of an unknown word: literal text, or a hole and its source.
type Part struct {
	Lit  string // the text, when Hole is NoHole
	Hole Hole
	Src  string // the hole as written: "$X", "$(date)", "*"
	All  bool   // names found below a directory: every one, none is left out
	Else string // the text that stands there instead where the line says so: / of ${X:-/}
}

// Found is the source of the hole that stands for names found below a
// directory, as find gives them.
const Found = "/…"

// Origin says where a word's value came from, for explain.
type Origin string

const (
	FromLiteral  Origin = "literal"
	FromVariable Origin = "variable"
	FromEnv      Origin = "environment"
	FromShell    Origin = "live shell"
	FromGlob     Origin = "file names"
	FromBrace    Origin = "brace expansion"
	FromSubst    Origin = "substitution"
	FromInput    Origin = "input" // xargs, find, read
	FromAlias    Origin = "alias"
	FromLarge    Origin = "a value too large to keep" // Unknown only for its size
)

// Word is one argument, redirection target, host name … as far as it is known.
type Word struct {
	Src    string // as written in the line
	Know   Knowledge
	Values []string // Known: one; OneOf: all that are possible; Unknown: nil
	Shape  []Part   // Unknown: what is known of it, in order; may be nil
	Many   bool     // Unknown: may become any number of words, none included
	Origin Origin
	Gone   []string // words right behind it, as written, that became none: $X where X is empty
}

// Lit is a word whose value is written out.
func Lit(s string) Word {
	return Word{Src: s, Know: Known, Values: []string{s}, Origin: FromLiteral}
}

// Lits is Lit for each of ss.
func Lits(ss ...string) []Word {
	ws := make([]Word, len(ss))
	for i, s := range ss {
		ws[i] = Lit(s)
	}
	return ws
}

// Set is a word with one of the values; with one value it is known, with none
// unknown.
func Set(src string, from Origin, values ...string) Word {
	switch len(values) {
	case 0:
		return Hidden(src, Subst)
	case 1:
		return Word{Src: src, Know: Known, Values: values, Origin: from}
	}
	return Word{Src: src, Know: OneOf, Values: values, Origin: from}
}

// Hidden is a word of which nothing but its source is known.
func Hidden(src string, why Hole) Word {
	return Word{Src: src, Know: Unknown, Shape: []Part{{Hole: why, Src: src}}, Origin: FromSubst}
}

// Value is the exact value, if it is known.
func (w Word) Value() (string, bool) {
	if w.Know == Known {
		return w.Values[0], true
	}
	return "", false
}

// Is reports whether the word is known to be s.
func (w Word) Is(s string) bool {
	return w.Know == Known && w.Values[0] == s
}

// Could reports whether s is one of the word's possible values; an unknown
// word could be s if its shape allows it.
func (w Word) Could(s string) bool {
	if w.Know != Unknown {
		for _, v := range w.Values {
			if v == s {
				return true
			}
		}
		return false
	}
	if w.Many && s == "" {
		return true
	}
	return shapeAllows(w.Shape, s)
}

func shapeAllows(shape []Part, s string) bool {
	if len(shape) == 0 {
		return true
	}
	first, last := shape[0], shape[len(shape)-1]
	if first.Hole == NoHole && !strings.HasPrefix(s, first.Lit) {
		return false
	}
	if last.Hole == NoHole && !strings.HasSuffix(s, last.Lit) {
		return false
	}
	for _, p := range shape {
		if p.Hole != NoHole {
			continue
		}
		i := strings.Index(s, p.Lit)
		if i < 0 {
			return false
		}
		s = s[i+len(p.Lit):]
	}
	return true
}

// Otherwise is the value that the line itself gives an unknown word, by
// defaults such as ${X:-/}. The word may have others.
func (w Word) Otherwise() (string, bool) {
	if w.Know != Unknown {
		return "", false
	}
	var b strings.Builder
	given := false
	for _, p := range w.Shape {
		switch {
		case p.Hole == NoHole:
			b.WriteString(p.Lit)
		case p.Else != "":
			b.WriteString(p.Else)
			given = true
		default:
			return "", false
		}
	}
	return b.String(), given
}

// Defaulted is the word with the texts in it that the line gives by defaults.
func (w Word) Defaulted() Word {
	shape := w.Shape
	w.Shape = make([]Part, len(shape))
	for i, p := range shape {
		if p.Else != "" {
			p = Part{Lit: p.Else}
		}
		w.Shape[i] = p
	}
	return w
}

// Prefix is the text that every value of the word begins with.
func (w Word) Prefix() string {
	switch w.Know {
	case Known:
		return w.Values[0]
	case OneOf:
		p := w.Values[0]
		for _, v := range w.Values[1:] {
			for !strings.HasPrefix(v, p) {
				p = p[:len(p)-1]
			}
		}
		return p
	}
	if len(w.Shape) > 0 && w.Shape[0].Hole == NoHole {
		return w.Shape[0].Lit
	}
	return ""
}

// Pattern is the word as a file name pattern, when it is one that was not
// matched: only literal text and globs. Literal text is backslash-quoted where
// it would read as a pattern.
func (w Word) Pattern() (string, bool) {
	if w.Know != Unknown || len(w.Shape) == 0 {
		return "", false
	}
	var b strings.Builder
	globs := false
	for _, p := range w.Shape {
		switch p.Hole {
		case NoHole:
			for i := 0; i < len(p.Lit); i++ {
				if strings.IndexByte(`*?[\`, p.Lit[i]) >= 0 {
					b.WriteByte('\\')
				}
				b.WriteByte(p.Lit[i])
			}
		case Glob:
			globs = true
			b.WriteString(p.Src)
		case Var, Subst:
			return "", false
		}
	}
	return b.String(), globs
}

// String is the word for people: its value, its values, or its source.
func (w Word) String() string {
	switch w.Know {
	case Known:
		return w.Values[0]
	case OneOf:
		return "{" + strings.Join(w.Values, ",") + "}"
	}
	return w.Src
}
