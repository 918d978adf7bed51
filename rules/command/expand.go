package command

import (
	"fmt"
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// piece is a run of a word while it is expanded: known text, text that has one
// of several values, or a hole.
type piece struct {
	text   string
	alts   []string // possible values, when more than one; text is unused
	hole   word.Hole
	src    string
	quoted bool // neither split nor a pattern
	split  bool // from an unquoted expansion: split by IFS
	many   bool // a hole that may become several words, or none
	sep    bool // a word ends here ("$@")
	from   word.Origin
}

// words expands the words of a command.
func (w *walker) words(st *state, ws []*syntax.Word) []word.Word {
	out := make([]word.Word, 0, len(ws))
	for _, x := range ws {
		out = w.fields(st, out, x)
		if len(out) > maxWords {
			w.note(TooLarge, fmt.Sprintf("more than %d words", maxWords), nil)
			out = out[:maxWords]
			break
		}
	}
	if w.expanded += len(out); w.expanded > maxExpanded {
		w.note(TooLarge, fmt.Sprintf("more than %d words in all", maxExpanded), nil)
		w.steps = maxSteps // nothing more is walked
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
				out = w.finishAll(st, out, w.parts(st, nil, b.Parts, false), src)
				for i := n; i < len(out); i++ {
					if out[i].Origin == word.FromLiteral {
						out[i].Origin = word.FromBrace
					}
				}
			}
			return out
		}
	}
	return w.finishAll(st, out, w.parts(st, nil, x.Parts, false), src)
}

// braceWords is how many words a brace expansion becomes; past maxWords it
// stops counting.
func braceWords(x *syntax.Word, depth int) int {
	if depth > maxNest {
		return maxWords + 1
	}
	n := 1
	for _, p := range x.Parts {
		b, ok := p.(*syntax.BraceExp)
		if !ok {
			continue
		}
		one := 0
		switch {
		case b.Sequence:
			one = sequenceWords(b)
		default:
			for _, e := range b.Elems {
				if one += braceWords(e, depth+1); one > maxWords {
					return one
				}
			}
		}
		if one > maxWords {
			return one
		}
		if n *= max(one, 1); n > maxWords {
			return n
		}
	}
	return n
}

// sequenceWords is how many words {from..to..step} becomes.
func sequenceWords(b *syntax.BraceExp) int {
	if len(b.Elems) < 2 {
		return 1
	}
	from, err1 := strconv.ParseInt(b.Elems[0].Lit(), 10, 64)
	to, err2 := strconv.ParseInt(b.Elems[1].Lit(), 10, 64)
	if err1 != nil || err2 != nil {
		return 128 // from letter to letter
	}
	step := int64(1)
	if len(b.Elems) > 2 {
		if n, err := strconv.ParseInt(b.Elems[2].Lit(), 10, 64); err == nil && n != 0 && n > -1<<62 {
			step = max(n, -n)
		}
	}
	if from > 1<<40 || from < -1<<40 || to > 1<<40 || to < -1<<40 {
		return maxWords + 1
	}
	return int(min(max(to-from, from-to)/step+1, maxWords+1))
}

func hasBrace(x *syntax.Word) bool {
	for _, p := range x.Parts {
		if l, ok := p.(*syntax.Lit); ok && strings.IndexByte(l.Value, '{') >= 0 {
			return true
		}
	}
	return false
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
			n := len(ps)
			ps = w.parts(st, ps, p.Parts, true)
			if len(ps) == n && !onlyList(p.Parts) {
				ps = append(ps, piece{quoted: true})
			}
		case *syntax.ParamExp:
			ps = w.param(st, ps, p, quoted)
		case *syntax.CmdSubst:
			ps = w.pieces(ps, w.subst(st, p.Stmts, w.source(p)), quoted, word.FromSubst)
		case *syntax.ArithmExp:
			n := w.arith(st, p.X)
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

// tilde expands ~ and ~user at the beginning of a word.
func (w *walker) tilde(st *state, ps []piece, text string, more bool) ([]piece, string) {
	end := strings.IndexByte(text, '/')
	if end < 0 {
		if more {
			return ps, text // ~"x" and ~$x are not expanded
		}
		end = len(text)
	}
	name, rest := text[1:end], text[end:]
	if strings.ContainsAny(name, "\\*?[{") {
		return ps, text
	}
	switch name {
	case "":
		return w.pieces(ps, w.home(st), true, word.FromVariable), rest
	case "+":
		return w.pieces(ps, st.cwd, true, word.FromVariable), rest
	case "-":
		return w.pieces(ps, w.oldpwd(st), true, word.FromVariable), rest
	}
	dir, err := st.ctx.files.Home(name)
	if err != nil || dir == "" {
		if name == "root" && st.ctx.place.Kind == Here {
			dir = "/root"
		} else {
			return append(ps, piece{hole: word.Var, src: "~" + name, quoted: true}), rest
		}
	}
	return append(ps, piece{text: dir, quoted: true, from: word.FromVariable}), rest
}

// home is what ~ and cd without an argument mean.
func (w *walker) home(st *state) word.Word {
	v := w.lookup(st, "HOME")
	if v.state == VarSet {
		return v.val
	}
	user := st.ctx.user
	if user != "?" && st.ctx.place.Kind != Remote && st.ctx.place.Kind != Container {
		if dir, err := st.ctx.files.Home(user); err == nil && dir != "" {
			return word.Word{Src: "~", Know: word.Known, Values: []string{dir}, Origin: word.FromVariable}
		}
	}
	return word.Hidden("~", word.Var)
}

func (w *walker) oldpwd(st *state) word.Word {
	if st.oldpwd.Know != 0 {
		return st.oldpwd
	}
	if v := w.lookup(st, "OLDPWD"); v.state == VarSet {
		return v.val
	}
	return word.Hidden("$OLDPWD", word.Var)
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
	for _, p := range v.Shape {
		if p.Hole == word.NoHole {
			ps = append(ps, piece{text: p.Lit, quoted: quoted, split: !quoted, from: from})
		} else {
			ps = append(ps, piece{hole: p.Hole, src: p.Src, many: !quoted, quoted: quoted})
		}
	}
	return ps
}

// ifs is the characters that split unquoted expansions.
func (w *walker) ifs(st *state) (string, bool) {
	v, ok := st.vars["IFS"]
	if !ok {
		if !st.ctx.shell {
			return " \t\n", true
		}
		// IFS is never imported from the environment; only a live shell may
		// have another.
		if v = w.lookup(st, "IFS"); v.exported {
			return " \t\n", true
		}
	}
	switch v.state {
	case VarSet:
		return v.val.Value()
	case VarUnset, VarUnknown:
		if v.state == VarUnknown && ok {
			return "", false
		}
	}
	return " \t\n", true
}

// finishAll splits pieces into words and matches patterns.
func (w *walker) finishAll(st *state, out []word.Word, ps []piece, src string) []word.Word {
	needSplit := false
	for i := range ps {
		if ps[i].split || ps[i].sep {
			needSplit = true
			break
		}
	}
	if !needSplit {
		if len(ps) == 0 {
			return out
		}
		return w.finish(st, out, ps, src)
	}
	ifs, known := w.ifs(st)
	var cur []piece
	has := false
	flush := func() {
		if has {
			out = w.finish(st, out, cur, src)
		}
		cur, has = nil, false
	}
	for _, p := range ps {
		switch {
		case p.sep:
			flush()
		case p.hole != word.NoHole:
			cur, has = append(cur, p), true
		case p.alts != nil:
			if p.split && (!known || splits(p.alts, ifs)) {
				p = piece{hole: word.Var, src: p.src, many: true}
			}
			cur, has = append(cur, p), true
		case !p.split || p.quoted:
			cur = append(cur, p)
			has = has || p.quoted || p.text != ""
		case !known:
			cur, has = append(cur, piece{hole: word.Var, src: src, many: true}), true
		default:
			fs, lead, trail := splitIFS(p.text, ifs)
			if lead && len(cur) > 0 {
				flush()
			}
			for i, f := range fs {
				if i > 0 {
					flush()
				}
				// A field may be empty where IFS holds other than blanks.
				cur, has = append(cur, piece{text: f, from: p.from}), true
			}
			if trail && len(fs) > 0 {
				flush()
			}
		}
	}
	flush()
	return out
}

func splits(alts []string, ifs string) bool {
	for _, a := range alts {
		if a == "" || ifs != "" && strings.ContainsAny(a, ifs) {
			return true
		}
	}
	return false
}

// splitIFS splits as bash splits unquoted expansions. lead and trail say
// whether the text begins or ends with a separator.
func splitIFS(s, ifs string) (fs []string, lead, trail bool) {
	if s == "" {
		return nil, false, false
	}
	if ifs == "" {
		return []string{s}, false, false
	}
	blank := func(c byte) bool {
		return (c == ' ' || c == '\t' || c == '\n') && strings.IndexByte(ifs, c) >= 0
	}
	i := 0
	for i < len(s) && blank(s[i]) {
		i++
	}
	lead = i > 0
	for i < len(s) {
		j := i
		for j < len(s) && strings.IndexByte(ifs, s[j]) < 0 {
			j++
		}
		fs = append(fs, s[i:j])
		trail = j < len(s)
		// One separator: blanks, at most one other character, blanks.
		for j < len(s) && blank(s[j]) {
			j++
		}
		if j < len(s) && strings.IndexByte(ifs, s[j]) >= 0 {
			j++
			for j < len(s) && blank(s[j]) {
				j++
			}
		}
		i = j
	}
	return fs, lead, trail
}

// finish makes one split word: it matches patterns and joins what is known.
func (w *walker) finish(st *state, out []word.Word, ps []piece, src string) []word.Word {
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

func hasMeta(s string) bool { return strings.ContainsAny(s, "*?[") || extended(s) }

// extended reports whether text holds an extended pattern such as +(a|b).
func extended(s string) bool {
	i := strings.IndexByte(s, '(')
	return i > 0 && strings.IndexByte("?*+@!", s[i-1]) >= 0
}

// bracketsClose reports whether the unquoted text is a pattern: a "[" alone,
// as in the command [, is none.
func bracketsClose(ps []piece) bool {
	open := false
	for i := range ps {
		p := &ps[i]
		if p.quoted || p.hole != word.NoHole || p.alts != nil {
			continue
		}
		if strings.ContainsAny(p.text, "*?") || extended(p.text) {
			return true
		}
		for j := 0; j < len(p.text); j++ {
			switch p.text[j] {
			case '[':
				open = true
			case ']':
				if open {
					return true
				}
			}
		}
	}
	return false
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
