package command

import (
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/expand"
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
	var ps []piece
	for i, p := range x.Parts {
		l, ok := p.(*syntax.Lit)
		if !ok {
			ps = w.parts(st, ps, x.Parts[i:i+1], false)
			continue
		}
		for j, seg := range strings.Split(l.Value, ":") {
			if j > 0 {
				ps = append(ps, piece{text: ":"})
			}
			if strings.HasPrefix(seg, "~") && (j > 0 || i == 0) {
				ps, seg = w.tilde(st, ps, seg, false)
			}
			ps = literal(ps, seg)
		}
	}
	return w.one(ps, w.source(x))
}

// one joins pieces to one word.
func (w *walker) one(ps []piece, src string) word.Word {
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
	out, _, err := expand.Format(nil, strings.ReplaceAll(s, "%", "%%"), []string{})
	if err != nil {
		return s
	}
	if i := strings.IndexByte(out, 0); i >= 0 {
		out = out[:i]
	}
	return out
}

// patternOf is pieces as a pattern, with what is quoted behind backslashes.
func patternOf(ps []piece) string {
	var b strings.Builder
	for _, p := range ps {
		if !p.quoted {
			b.WriteString(p.text)
			continue
		}
		for i := 0; i < len(p.text); i++ {
			if strings.IndexByte(`*?[]\()|!+@`, p.text[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p.text[i])
		}
	}
	return b.String()
}

// glob matches a pattern against the file system.
func (w *walker) glob(st *state, out []word.Word, ps []piece, src string) []word.Word {
	pat := patternOf(ps)
	unknown := func() []word.Word {
		return append(out, word.Word{Src: src, Know: word.Unknown, Shape: shape(ps, true), Many: true, Origin: word.FromGlob})
	}
	cwd, known := st.cwd.Value()
	if strings.HasPrefix(pat, "/") {
		cwd = "/"
	} else if !known {
		return unknown()
	}
	if st.ctx.place.Kind == Remote || st.ctx.place.Kind == Container || st.ctx.place.Kind == Chroot {
		return unknown()
	}
	names, err := st.ctx.files.Glob(cwd, pat, GlobOptions{
		DotGlob: w.opt(st, "dotglob"), ExtGlob: w.opt(st, "extglob"),
		GlobStar: w.opt(st, "globstar"), NoCase: w.opt(st, "nocaseglob"),
	})
	if err != nil {
		return unknown()
	}
	if len(names) == 0 {
		switch {
		case w.opt(st, "failglob"):
			w.fatal = true
			return out
		case w.opt(st, "nullglob"):
			return out
		}
		return append(out, word.Word{Src: src, Know: word.Known, Values: []string{join(ps)}, Origin: word.FromGlob})
	}
	for _, n := range names {
		if len(out) > maxWords {
			return unknown()
		}
		out = append(out, word.Word{Src: src, Know: word.Known, Values: []string{n}, Origin: word.FromGlob})
	}
	return out
}

// nextMeta finds the next pattern in s: where it starts and how long it is.
func nextMeta(s string) (int, int) {
	for i := 0; i < len(s); i++ {
		if i+1 < len(s) && s[i+1] == '(' && strings.IndexByte("?*+@!", s[i]) >= 0 {
			depth := 0
			for j := i + 1; j < len(s); j++ {
				switch s[j] {
				case '(':
					depth++
				case ')':
					depth--
					if depth == 0 {
						return i, j + 1 - i
					}
				}
			}
			return i, len(s) - i
		}
		switch s[i] {
		case '*':
			n := 1
			for i+n < len(s) && s[i+n] == '*' {
				n++
			}
			return i, n
		case '?':
			return i, 1
		case '[':
			if n := bracket(s[i:]); n > 0 {
				return i, n
			}
		}
	}
	return 0, 0
}

// bracket is the length of the bracket expression that s begins with, or 0.
func bracket(s string) int {
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	for ; i < len(s); i++ {
		if s[i] == '[' && i+1 < len(s) && s[i+1] == ':' {
			if j := strings.Index(s[i+2:], ":]"); j >= 0 {
				i += j + 3
				continue
			}
		}
		if s[i] == ']' {
			return i + 1
		}
	}
	return 0
}

// shape says what is known of a word with holes.
func shape(ps []piece, meta bool) []word.Part {
	var out []word.Part
	lit := func(s string) {
		if s == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].Hole == word.NoHole {
			out[n-1].Lit += s
			return
		}
		out = append(out, word.Part{Lit: s})
	}
	for _, p := range ps {
		switch {
		case p.hole != word.NoHole:
			out = append(out, word.Part{Hole: p.hole, Src: p.src})
		case p.alts != nil:
			out = append(out, word.Part{Hole: word.Var, Src: p.src})
		case meta && !p.quoted && hasMeta(p.text):
			rest := p.text
			for rest != "" {
				i, n := nextMeta(rest)
				if n == 0 {
					lit(rest)
					break
				}
				lit(rest[:i])
				out = append(out, word.Part{Hole: word.Glob, Src: rest[i : i+n]})
				rest = rest[i+n:]
			}
		default:
			lit(p.text)
		}
	}
	return out
}
