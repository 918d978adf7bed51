package command

import (
	"strings"

	"guardsh/rules/word"
)

// val is what an expression is worth, as far as that is plain.
type val struct {
	w      word.Word // a string or number; Know 0 where it is none
	list   []val
	isList bool
	name   string         // a name that was not called: os.remove
	path   bool           // an object for a path
	file   word.Word      // a file that is open to be read
	from   string         // the variable that it is in
	kv     map[string]val // shell=True, {recursive: true}
}

func unknownVal(src string) val { return val{w: word.Hidden(src, word.Var)} }

// word is a value as one word.
func (v val) word() word.Word {
	if v.w.Know != 0 {
		return v.w
	}
	if v.isList && len(v.list) == 1 {
		return v.list[0].word()
	}
	src := v.name
	if src == "" {
		src = "…"
	}
	return word.Hidden(src, word.Var)
}

// words is a value as arguments: a list's elements.
func (v val) words() []word.Word {
	if !v.isList {
		return []word.Word{v.word()}
	}
	return v.flat(nil, 0)
}

// maxList bounds a list's elements: a = a + a doubles with each turn.
const maxList = 1 << 10

func (v val) flat(out []word.Word, depth int) []word.Word {
	if !v.isList {
		return append(out, v.word())
	}
	for _, e := range v.list {
		if len(out) >= maxList || depth > 8 {
			break
		}
		out = e.flat(out, depth+1)
	}
	return out
}

// anyOf is a value that is one of a list's.
func (e *evaluator) anyOf(v val) val {
	if !v.isList || len(v.list) == 0 {
		if v.w.Know == word.Unknown && (v.w.Origin == word.FromGlob || v.w.Origin == word.FromInput) {
			return v
		}
		return unknownVal("…")
	}
	out := v.list[0]
	for _, x := range v.list[1:] {
		out = val{w: e.w.either(out.word(), x.word()), path: out.path}
	}
	return out
}

func joinPath(w *walker, a, b word.Word) word.Word {
	if strings.HasPrefix(b.Prefix(), "/") {
		return b
	}
	if n := len(a.Shape); a.Know == word.Unknown && n > 0 && a.Shape[n-1].All && b.Know == word.Unknown {
		return a // a file that was found in a directory that was found
	}
	if strings.HasSuffix(a.Prefix(), "/") && a.Know == word.Known {
		return w.concat(a, b)
	}
	return w.concat(w.concat(a, word.Lit("/")), b)
}

// format puts values where a text has mark.
func (e *evaluator) format(v val, with []word.Word, mark string) val {
	s, ok := v.w.Value()
	if !ok {
		return unknownVal("…")
	}
	parts := strings.Split(strings.ReplaceAll(s, "%d", "%s"), mark)
	out := word.Lit(parts[0])
	for i, p := range parts[1:] {
		x := word.Hidden("…", word.Var)
		if i < len(with) {
			x = with[i]
		}
		out = e.w.concat(e.w.concat(out, x), word.Lit(p))
	}
	return val{w: out}
}

func (e *evaluator) attribute(v val, name string) val {
	if v.path && name == "path" {
		return val{w: v.word()} // of an entry of os.scandir
	}
	if v.path && name == "parent" {
		return val{w: word.Hidden("…", word.Var), path: true}
	}
	return unknownVal("." + name)
}

// index is an element: of the script's own arguments, or of a list.
func (e *evaluator) index(v, x val, slice bool) val {
	n := integer(x.word())
	base := 0
	switch v.name {
	case "sys.argv":
		base = 1
	case "process.argv":
		base = 2
	case "ARGV", "$ARGV", "@ARGV", "$argv", "arg":
		if v.name == "$argv" || v.name == "arg" {
			base = 1
		}
	default:
		if v.isList && n.known && n.n >= 0 && n.n < int64(len(v.list)) {
			return v.list[n.n]
		}
		return unknownVal("[]")
	}
	if slice && n.known && n.n >= 0 { // argv[1:]
		out := val{isList: true}
		for i := max(n.n-int64(base), 0); i < int64(len(e.argv)); i++ {
			out.list = append(out.list, val{w: e.argv[i]})
		}
		return out
	}
	if i := n.n - int64(base); n.known && i >= 0 && i < int64(len(e.argv)) {
		return val{w: e.argv[i]}
	}
	return unknownVal(v.name)
}

// octal is a number as chmod writes it: 0o755 and 0755 are 755.
func octal(s string) string {
	l := strings.ToLower(s)
	if rest, ok := strings.CutPrefix(l, "0o"); ok {
		return rest
	}
	if len(l) > 1 && l[0] == '0' && strings.Trim(l, "01234567") == "" {
		return strings.TrimLeft(l, "0") + ""
	}
	return s
}

// text is a string with what is expanded in it.
func (e *evaluator) text(t token) word.Word {
	if !t.expand {
		if strings.IndexByte(t.text, holeOpen) >= 0 {
			return e.w.one(e.w.unmark(nil, t.text, true), t.text)
		}
		return word.Lit(t.text)
	}
	var ps []piece
	s := t.text
	lit := func(x string) {
		if x != "" {
			ps = e.w.unmark(ps, unescape(x), true)
		}
	}
	for s != "" {
		i, n, name := e.hole(s)
		if n == 0 {
			break
		}
		lit(s[:i])
		if v, ok := e.vars[name]; ok {
			ps = e.w.pieces(ps, v.word(), true, "")
		} else {
			ps = append(ps, piece{hole: word.Var, src: s[i : i+n], quoted: true})
		}
		s = s[i+n:]
	}
	lit(s)
	if len(ps) == 0 {
		return word.Lit("")
	}
	return e.w.one(ps, t.text)
}

// hole finds the next expansion in a string: where it begins, how long it is,
// and the variable it names.
func (e *evaluator) hole(s string) (at, n int, name string) {
	if e.lang.sigils {
		for i := 0; i+1 < len(s); i++ {
			if s[i] == '\\' {
				i++
				continue
			}
			if s[i] != '$' && s[i] != '@' || !wordByte(s[i+1]) && s[i+1] != '{' {
				continue
			}
			j := i + 1
			if s[j] == '{' {
				if k := strings.IndexByte(s[j:], '}'); k > 0 {
					return i, j + k + 1 - i, "$" + s[j+1:j+k]
				}
				continue
			}
			for j < len(s) && wordByte(s[j]) {
				j++
			}
			return i, j - i, s[i:j]
		}
		return 0, 0, ""
	}
	i := strings.Index(s, e.lang.marks[0])
	if e.lang.marks[0] == "" || i < 0 {
		return 0, 0, ""
	}
	j := strings.Index(s[i:], e.lang.marks[1])
	if j < 0 {
		return 0, 0, ""
	}
	return i, j + len(e.lang.marks[1]), strings.TrimSpace(s[i+len(e.lang.marks[0]) : i+j])
}

// below is what lies below a directory, of which no name is known.
func below(dir word.Word, path bool) val {
	x := word.Word{Src: dir.Src, Know: word.Unknown, Origin: word.FromInput}
	rest := findRest
	rest.All = true
	if v, ok := dir.Value(); ok {
		if v = strings.TrimSuffix(v, "/"); v == "" {
			v = "/"
		}
		x.Shape = []word.Part{{Lit: v}, rest}
	} else {
		x.Shape = append(append([]word.Part{}, dir.Shape...), rest)
	}
	return val{w: x, path: path}
}
