package command

import (
	"fmt"
	"slices"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// piece is a run of a word while it is expanded: known text, text that has one
// of several values, or a hole.
type piece struct {
	text    string
	alts    []string // possible values, when more than one; text is unused
	hole    word.Hole
	src     string
	quoted  bool // neither split nor a pattern
	split   bool // from an unquoted expansion: split by IFS
	many    bool // a hole that may become several words, or none
	sep     bool // a word ends here ("$@")
	printed bool // of what a substitution prints, if it prints anything
	from    word.Origin
	other   string // a hole's value where the line gives one: / of ${x:-/}
	all     bool   // see word.Part
}

// words expands the words of a command.
func (w *walker) words(st *state, ws []*syntax.Word) []word.Word {
	out := make([]word.Word, 0, len(ws))
	for _, x := range ws {
		n := len(out)
		if out = w.fields(st, out, x); len(out) == n && n > 0 {
			out[n-1].Gone = append(slices.Clip(out[n-1].Gone), w.source(x))
		}
		if len(out) == n+1 {
			out = append(out[:n], splitDefault(out[n])...)
		}
		if len(out) > maxWords {
			w.note(TooLarge, fmt.Sprintf("more than %d words", maxWords), nil)
			out = out[:maxWords]
			break
		}
	}
	if w.expanded += len(out); w.expanded > 2*maxExpanded {
		w.note(TooLarge, fmt.Sprintf("more than %d words in all", 2*maxExpanded), nil)
		w.steps = maxWalk // nothing more is walked
	}
	return out
}

// splitDefault is the words that an unquoted ${X:-a b} becomes where X is not
// set: each may be that, or anything.
func splitDefault(x word.Word) []word.Word {
	if !x.Many || len(x.Shape) == 0 {
		return []word.Word{x}
	}
	if len(x.Shape) > 1 {
		x.Shape = slices.Clone(x.Shape)
		for i := range x.Shape {
			if strings.ContainsAny(x.Shape[i].Else, " \t\n") {
				x.Shape[i].Else = "" // where it is split is not one word
			}
		}
		return []word.Word{x}
	}
	f := strings.Fields(x.Shape[0].Else)
	if len(f) < 2 {
		return []word.Word{x}
	}
	out := make([]word.Word, len(f))
	for i := range f {
		out[i] = x
		out[i].Shape = []word.Part{x.Shape[0]}
		out[i].Shape[0].Else = f[i]
	}
	return out
}

// plain reports whether literal text stands for itself.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\', '{', '*', '?', '[', '~', '$', holeOpen:
			return false
		}
	}
	return true
}

// fields appends what one word of the line becomes.
func (w *walker) fields(st *state, out []word.Word, x *syntax.Word) []word.Word {
	if len(x.Parts) == 1 {
		switch p := x.Parts[0].(type) {
		case *syntax.Lit:
			if plain(p.Value) {
				return append(out, word.Lit(p.Value))
			}
		case *syntax.SglQuoted:
			if !p.Dollar && w.holes == nil {
				lit := word.Lit(p.Value)
				lit.Src = w.source(x)
				return append(out, lit)
			}
		}
	}
	src := w.source(x)
	if hasBrace(x) && w.optDefault(st, "braceexpand") {
		cp := *x
		if syntax.SplitBraces(&cp) {
			// The product is counted before any of it is made.
			if braceWords(&cp, 0) > maxRange {
				cp = *w.shorten(&cp, 0)
			}
			if n := braceWords(&cp, 0); n > maxWords || n*len(src) > maxBraceBytes {
				w.note(TooLarge, fmt.Sprintf("brace expansion: more than %d words", maxWords), nil)
				h := word.Hidden(src, word.Subst)
				h.Many = true
				return append(out, h)
			}
			for b, err := range expand.BracesSeq(nil, &cp) {
				if err != nil || len(out) > maxWords {
					w.note(TooLarge, "brace expansion", nil)
					h := word.Hidden(src, word.Subst)
					h.Many = true
					return append(out, h)
				}
				if len(b.Parts) == 0 {
					continue // an empty element without quotes is no word
				}
				n := len(out)
				out = w.finishAll(st, out, w.argument(st, joinNames(b.Parts)), src)
				for i := n; i < len(out); i++ {
					if out[i].Origin == word.FromLiteral {
						out[i].Origin = word.FromBrace
					}
				}
			}
			return out
		}
	}
	return w.finishAll(st, out, w.argument(st, x.Parts), src)
}

func (w *walker) optDefault(st *state, name string) bool { return w.opt(st, name) }

// parts turns the parts of a word into pieces.
func (w *walker) parts(st *state, ps []piece, parts []syntax.WordPart, quoted bool) []piece {
	for i, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			if w.holes != nil && strings.IndexByte(p.Value, holeOpen) >= 0 {
				ps = w.unmark(ps, p.Value, quoted)
				continue
			}
			if quoted {
				ps = append(ps, piece{text: unquoteDouble(p.Value), quoted: true})
				continue
			}
			text := p.Value
			if i == 0 && strings.HasPrefix(text, "~") {
				ps, text = w.tilde(st, ps, text, len(parts) > 1)
			}
			ps = literal(ps, text)
		case *syntax.SglQuoted:
			text := p.Value
			if p.Dollar {
				text = ansiC(text)
			}
			if w.holes != nil && strings.IndexByte(text, holeOpen) >= 0 {
				ps = w.unmark(ps, text, true)
				continue
			}
			ps = append(ps, piece{text: text, quoted: true})
		case *syntax.DblQuoted:
			ps = w.doubleQuoted(st, ps, p.Parts)
		case *syntax.ParamExp:
			ps = w.param(st, ps, p, quoted)
		case *syntax.CmdSubst:
			ps = w.pieces(ps, w.subst(st, p.Stmts, w.source(p)), quoted, word.FromSubst)
		case *syntax.ArithmExp:
			n := w.arith(st, p.X)
			if n.undefined {
				w.fatal = drops
			}
			if n.known {
				ps = append(ps, piece{text: fmt.Sprint(n.n), quoted: quoted, split: !quoted, from: word.FromSubst})
			} else {
				ps = append(ps, piece{hole: word.Subst, src: w.source(p), quoted: true})
			}
		case *syntax.ProcSubst:
			w.process(st, p)
			ps = append(ps, piece{hole: word.Subst, src: w.source(p), quoted: true})
		case *syntax.ExtGlob:
			if !quoted && st.ctx.shell && !w.opt(st, "extglob") {
				st.certain = Possible // a syntax error, where the option is off as bash reads it
			}
			ps = append(ps, piece{text: p.Op.String() + p.Pattern.Value + ")", quoted: quoted})
		default:
			ps = append(ps, piece{hole: word.Subst, src: w.source(p), many: !quoted, quoted: quoted})
		}
	}
	return ps
}

// doubleQuoted adds what stands in double quotes: a word even where it is empty,
// unless "$@" is part of it and is no word at all.
func (w *walker) doubleQuoted(st *state, ps []piece, parts []syntax.WordPart) []piece {
	n, gone, empty := len(ps), false, true
	for i := range parts {
		m := len(ps)
		ps = w.parts(st, ps, parts[i:i+1], true)
		gone = gone || len(ps) == m && onlyList(parts[i:i+1])
		for _, p := range ps[m:] {
			empty = empty && p.text == "" && p.alts == nil && p.hole == word.NoHole && !p.sep
		}
	}
	switch {
	case empty && gone:
		return ps[:n]
	case gone:
		for i := n; i < len(ps); i++ {
			ps[i].many = ps[i].many || ps[i].hole != word.NoHole // no word, if that is empty
		}
	case len(ps) == n:
		return append(ps, piece{quoted: true})
	}
	return ps
}

// onlyList reports whether quotes hold nothing but "$@" or "${a[@]}", which
// may be no word at all.
func onlyList(parts []syntax.WordPart) bool {
	found := false
	for _, p := range parts {
		pe, ok := p.(*syntax.ParamExp)
		if !ok {
			return false
		}
		if pe.Param != nil && pe.Param.Value == "@" {
			found = true
		} else if x, ok := pe.Index.(*syntax.Word); ok && x.Lit() == "@" {
			found = true
		} else if pe.Names == syntax.NamesPrefixWords {
			found = true
		} else {
			return false
		}
	}
	return found
}

// literal adds unquoted text of the line, taking backslashes off.
func literal(ps []piece, s string) []piece {
	for s != "" {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			return append(ps, piece{text: s})
		}
		if i > 0 {
			ps = append(ps, piece{text: s[:i]})
		}
		s = s[i+1:]
		if s == "" {
			return append(ps, piece{text: "\\", quoted: true})
		}
		ps = append(ps, piece{text: s[:1], quoted: true})
		s = s[1:]
	}
	return ps
}

// unquoteDouble takes the backslashes off that mean something inside double
// quotes.
func unquoteDouble(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case '$', '`', '"', '\\':
				i++
			case '\n':
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unglued is pieces where nothing is said of what a substitution prints if more
// stands beside it: the whole may be what stands beside it alone.
func unglued(ps []piece) []piece {
	printed, beside := false, false
	for i := range ps {
		printed = printed || ps[i].printed
		beside = beside || !ps[i].printed && (ps[i].text != "" || ps[i].alts != nil || ps[i].hole != word.NoHole)
	}
	if !printed || !beside {
		return ps
	}
	var out []piece
	for _, p := range ps {
		switch {
		case !p.printed:
			out = append(out, p)
		case p.hole != word.NoHole:
			p.printed, p.src = false, "$(…)"
			out = append(out, p)
		}
	}
	return out
}

// pieces adds a value.
func (w *walker) pieces(ps []piece, v word.Word, quoted bool, from word.Origin) []piece {
	switch v.Know {
	case word.Known:
		return append(ps, piece{text: v.Values[0], quoted: quoted, split: !quoted, from: from})
	case word.OneOf:
		return append(ps, piece{alts: v.Values, src: v.Src, quoted: quoted, split: !quoted, from: from})
	}
	if len(v.Shape) == 0 {
		h := piece{hole: word.Var, src: v.Src, many: !quoted, quoted: quoted}
		if v.Origin == word.FromLarge {
			h.from = v.Origin
		}
		return append(ps, h)
	}
	n := len(ps)
	defer func() {
		// What a substitution prints is known by its beginning, if it prints.
		if last := v.Shape[len(v.Shape)-1]; v.Origin == word.FromSubst && strings.HasSuffix(last.Src, "…") {
			for i := n; i < len(ps); i++ {
				ps[i].printed = true
			}
		}
	}()
	for _, p := range v.Shape {
		if p.Hole == word.NoHole {
			ps = append(ps, piece{text: p.Lit, quoted: quoted, split: !quoted, from: from})
		} else {
			ps = append(ps, piece{hole: p.Hole, src: p.Src, many: !quoted, quoted: quoted, other: p.Else, all: p.All})
		}
	}
	return ps
}

// maxPieces is of how many parts a word is told; what comes behind is unknown.
const maxPieces = 256

// bounded is pieces of which there are not too many: a word of unknown parts
// may double at each turn of a loop.
func bounded(ps []piece) []piece {
	if len(ps) <= maxPieces {
		return ps
	}
	return append(slices.Clip(ps[:maxPieces]), piece{hole: word.Var, src: "…", many: ps[0].many, quoted: ps[0].quoted})
}

// finish makes one split word: it matches patterns and joins what is known.
func (w *walker) finish(st *state, out []word.Word, ps []piece, src string) []word.Word {
	ps = bounded(unglued(ps))
	holes, alts, meta, many := false, false, false, false
	from := word.FromLiteral
	size := 0
	for i := range ps {
		p := &ps[i]
		switch {
		case p.hole != word.NoHole:
			holes = true
			many = many || p.many
		case p.alts != nil:
			alts = true
		default:
			size += len(p.text)
			if !p.quoted && hasMeta(p.text) {
				meta = true
			}
		}
		if p.from != "" {
			from = p.from
		}
	}
	if size > maxValue {
		x := large(src)
		x.Many = !ps[0].quoted
		return append(out, x)
	}
	if meta && w.opt(st, "noglob") {
		meta = false
	}
	if meta && !bracketsClose(ps) {
		meta = false
	}
	switch {
	case !holes && !alts && !meta:
		return append(out, word.Word{Src: src, Know: word.Known, Values: []string{join(ps)}, Origin: from})
	case alts && !holes && !meta:
		if vs := w.product(ps); vs != nil {
			return append(out, word.Set(src, from, vs...))
		}
		return append(out, word.Word{Src: src, Know: word.Unknown, Shape: shape(ps, meta), Many: many, Origin: from})
	case alts:
		// One word for each value: each may come to nothing, so that
		// together they cover what the command can get.
		combos := w.combine(ps)
		if combos == nil {
			return append(out, word.Word{Src: src, Know: word.Unknown, Shape: shape(ps, meta), Many: many || meta, Origin: from})
		}
		for _, c := range combos {
			out = append(out, word.Word{Src: src, Know: word.Unknown, Shape: shape(c, meta), Many: true, Origin: from})
		}
		return out
	case meta && !holes:
		return w.glob(st, out, ps, src)
	}
	if from != word.FromLarge {
		from = word.FromVariable
	}
	return append(out, word.Word{Src: src, Know: word.Unknown, Shape: shape(ps, meta), Many: many || meta, Origin: from})
}

func join(ps []piece) string {
	if len(ps) == 1 {
		return ps[0].text
	}
	var b strings.Builder
	for i := range ps {
		b.WriteString(ps[i].text)
	}
	return b.String()
}

// product is every value that pieces with alternatives can have together; nil
// past the bound.
func (w *walker) product(ps []piece) []string {
	cs := w.combine(ps)
	if cs == nil {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for _, c := range cs {
		s := join(c)
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func (w *walker) combine(ps []piece) [][]piece {
	out := [][]piece{nil}
	for _, p := range ps {
		if p.alts == nil {
			for i := range out {
				out[i] = append(out[i], p)
			}
			continue
		}
		if len(out)*len(p.alts) > w.lim.Values {
			return nil
		}
		next := make([][]piece, 0, len(out)*len(p.alts))
		for _, o := range out {
			for _, a := range p.alts {
				q := p
				q.alts, q.text = nil, a
				next = append(next, append(append([]piece{}, o...), q))
			}
		}
		out = next
	}
	return out
}
