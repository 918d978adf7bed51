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

// evaluator goes through the tokens of a text once, from the top.
type evaluator struct {
	w     *walker
	st    *state
	l     launch
	lang  *language
	via   string
	argv  []word.Word // the script's own arguments
	toks  []token
	i     int
	nest  int
	vars  map[string]val
	alias map[string]string // names that were imported

	indent, braces int
}

func (e *evaluator) peek(n int) token {
	if e.i+n < len(e.toks) && e.i+n >= 0 {
		return e.toks[e.i+n]
	}
	return token{}
}

func (e *evaluator) sign(s string) bool {
	t := e.peek(0)
	return t.kind == tokSign && t.text == s
}

func (e *evaluator) isName(s ...string) bool {
	t := e.peek(0)
	if t.kind != tokName {
		return false
	}
	for _, x := range s {
		if t.text == x {
			return true
		}
	}
	return false
}

// inner reports whether what follows may not run: it is indented or in braces.
func (e *evaluator) inner() bool { return e.indent > 0 || e.braces > 0 }

func (e *evaluator) statements() {
	for e.i < len(e.toks) {
		from := e.i
		e.statement()
		if e.i == from {
			e.i++
		}
	}
}

func (e *evaluator) statement() {
	t := e.peek(0)
	switch {
	case t.kind == tokLine:
		e.indent = t.indent
		e.i++
		return
	case t.kind == tokSign:
		switch t.text {
		case "{":
			e.braces++
			e.i++
			return
		case "}":
			e.braces = max(0, e.braces-1)
			e.i++
			return
		}
	case e.isName("import", "from") && e.lang.prefixes:
		e.imports()
		return
	case e.isName("my", "our", "local", "const", "let", "var", "global"):
		e.i++
		if e.sign("{") { // const {rmSync} = require("fs")
			e.destructure()
			return
		}
	case e.isName("for", "foreach"):
		if e.forEach() {
			return
		}
	}
	if t := e.peek(0); t.kind == tokName && e.peek(1).kind == tokSign && e.peek(1).text == "=" {
		e.i += 2
		v := e.expr()
		if old, had := e.vars[t.text]; had && e.inner() && old.w.Know != 0 && v.w.Know != 0 {
			v.w = e.w.either(old.w, v.w)
		}
		e.vars[t.text] = v
		return
	}
	e.expr()
}

// imports reads python's import statements.
func (e *evaluator) imports() {
	from := ""
	if e.isName("from") {
		e.i++
		from = e.dotted()
	}
	if !e.isName("import") {
		return
	}
	e.i++
	for e.i < len(e.toks) && (e.peek(0).kind == tokName || e.sign("(") || e.sign(",")) {
		if e.peek(0).kind == tokSign {
			e.i++
			continue
		}
		name := e.dotted()
		as := name
		if e.isName("as") {
			e.i++
			as = e.peek(0).text
			e.i++
		}
		if from != "" {
			name = from + "." + name
		}
		if as != name {
			e.alias[as] = name
		}
	}
}

func (e *evaluator) dotted() string {
	s := e.peek(0).text
	e.i++
	for e.sign(".") && e.peek(1).kind == tokName {
		s += "." + e.peek(1).text
		e.i += 2
	}
	return s
}

// destructure reads {a, b: c} = require("x").
func (e *evaluator) destructure() {
	names := map[string]string{}
	e.i++
	for e.i < len(e.toks) && !e.sign("}") {
		if t := e.peek(0); t.kind == tokName {
			names[t.text] = t.text
			if e.peek(1).kind == tokSign && e.peek(1).text == ":" && e.peek(2).kind == tokName {
				delete(names, t.text)
				names[e.peek(2).text] = t.text
				e.i += 2
			}
		}
		e.i++
	}
	e.i++
	if !e.sign("=") {
		return
	}
	e.i++
	v := e.expr()
	for as, n := range names {
		if v.name != "" {
			e.alias[as] = v.name + "." + n
		}
	}
}

// forEach reads the head of a loop over a list and gives its variable any of
// the list's values.
func (e *evaluator) forEach() bool {
	at := e.i
	e.i++
	paren := e.sign("(")
	if paren {
		e.i++
	}
	for e.isName("my", "const", "let", "var", "our") {
		e.i++
	}
	if e.lang.name == "php" && paren { // foreach (LIST as $x)
		v := e.expr()
		if e.isName("as") && e.peek(1).kind == tokName {
			e.vars[e.peek(1).text] = e.anyOf(v)
			e.i += 2
			return true
		}
		e.i = at + 1
		return false
	}
	name := e.peek(0)
	if name.kind != tokName {
		e.i = at + 1
		return false
	}
	e.i++
	if e.isName("in", "of") {
		e.i++
	} else if !e.lang.sigils || !e.sign("(") {
		e.i = at + 1
		return false
	}
	e.vars[name.text] = e.anyOf(e.expr())
	return true
}

// anyOf is a value that is one of a list's.
func (e *evaluator) anyOf(v val) val {
	if !v.isList || len(v.list) == 0 {
		if v.w.Know == word.Unknown && v.w.Origin == word.FromGlob {
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

// expr reads an expression as far as it goes.
func (e *evaluator) expr() val {
	if e.nest > maxNest/4 {
		e.i++
		return unknownVal("…")
	}
	e.nest++
	defer func() { e.nest-- }()
	v := e.postfix()
	for {
		t := e.peek(0)
		if t.kind != tokSign {
			return v
		}
		concat := t.text == "+" || t.text == "." && e.lang.dot || t.text == ".." && e.lang.dashes
		switch {
		case concat:
			e.i++
			r := e.postfix()
			if v.isList && r.isList && len(v.list)+len(r.list) > maxList {
				v = unknownVal("…")
				continue
			}
			if v.isList && r.isList {
				v.list = append(v.list[:len(v.list):len(v.list)], r.list...)
				continue
			}
			v = val{w: e.w.concat(v.word(), r.word())}
		case t.text == "/" && (v.path || e.lang.name == "python" && v.w.Know != 0):
			e.i++
			r := e.postfix()
			v = val{w: joinPath(e.w, v.word(), r.word()), path: true}
		case t.text == "%" && e.lang.prefixes && v.w.Know == word.Known:
			e.i++
			v = e.format(v, e.postfix().words(), "%s")
		case t.text == "||" || t.text == "&&" || t.text == "?" || t.text == "==" || t.text == "<" || t.text == "!=":
			e.i++
			e.postfix()
			v = unknownVal("…")
		default:
			return v
		}
	}
}

func joinPath(w *walker, a, b word.Word) word.Word {
	if strings.HasPrefix(b.Prefix(), "/") {
		return b
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

func (e *evaluator) postfix() val {
	v, ok := e.primary()
	if !ok {
		return v
	}
	for e.i < len(e.toks) {
		t := e.peek(0)
		if t.kind != tokSign {
			return v
		}
		switch {
		case (t.text == "." || t.text == "->" || t.text == "::" || t.text == "?.") && e.peek(1).kind == tokName && (t.text != "." || !e.lang.dot):
			method := e.peek(1).text
			e.i += 2
			if v.name != "" && v.w.Know == 0 && !v.isList {
				v = val{name: v.name + "." + method}
				if e.lang.bare && e.args(v.name) {
					v = e.call(v.name, val{}, e.bareArgs())
				}
				continue
			}
			if e.sign("(") {
				v = e.call("."+method, v, e.callArgs())
			} else if method == "each" || method == "map" {
				e.block(v)
			} else {
				v = e.attribute(v, method)
			}
		case t.text == "(" && v.name != "" && v.w.Know == 0:
			v = e.call(v.name, val{}, e.callArgs())
		case t.text == "[" && v.name != "Dir":
			e.i++
			x := e.expr()
			e.skipTo("]")
			v = e.index(v, x)
		case t.text == "[":
			e.i++
			x := e.expr()
			e.skipTo("]")
			v = e.glob(x)
		default:
			return v
		}
	}
	return v
}

// block gives the parameter of ruby's .each its values.
func (e *evaluator) block(v val) {
	if (e.sign("{") || e.isName("do")) && e.peek(1).text == "|" && e.peek(2).kind == tokName {
		e.vars[e.peek(2).text] = e.anyOf(v)
		e.i += 4
	}
}

func (e *evaluator) attribute(v val, name string) val {
	if v.path && name == "parent" {
		return val{w: word.Hidden("…", word.Var), path: true}
	}
	return unknownVal("." + name)
}

// index is an element: of the script's own arguments, or of a list.
func (e *evaluator) index(v, x val) val {
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
	if i := n.n - int64(base); n.known && i >= 0 && i < int64(len(e.argv)) {
		return val{w: e.argv[i]}
	}
	return unknownVal(v.name)
}

func (e *evaluator) skipTo(end string) {
	for e.i < len(e.toks) {
		if e.sign(end) {
			e.i++
			return
		}
		if e.sign(";") || e.peek(0).kind == tokLine && e.lang.bare {
			return
		}
		e.i++
	}
}

func (e *evaluator) primary() (val, bool) {
	t := e.peek(0)
	switch t.kind {
	case tokString:
		e.i++
		w := e.text(t)
		for e.lang.prefixes && e.peek(0).kind == tokString { // "a" "b"
			w = e.w.concat(w, e.text(e.peek(0)))
			e.i++
		}
		return val{w: w}, true
	case tokRun:
		e.i++
		e.code(e.text(t), e.via)
		return unknownVal("`…`"), true
	case tokGlob:
		e.i++
		return e.glob(val{w: e.text(t)}), true
	case tokList:
		e.i++
		v := val{isList: true}
		for _, f := range strings.Fields(t.text) {
			v.list = append(v.list, val{w: word.Lit(f)})
		}
		return v, true
	case tokNumber:
		e.i++
		return val{w: word.Lit(octal(t.text))}, true
	case tokName:
		return e.named(t), true
	case tokSign:
		switch t.text {
		case "(", "[":
			end := map[string]string{"(": ")", "[": "]"}[t.text]
			e.i++
			list, kv, commas := e.list(end)
			if t.text == "(" && len(list) == 1 && !commas {
				return list[0], true
			}
			return val{isList: true, list: list, kv: kv}, true
		case "\\", "&", "!", "*":
			e.i++
			return e.postfix(), false
		case "-":
			e.i++
			v := e.postfix()
			if s, ok := v.w.Value(); ok {
				v.w = word.Lit("-" + s)
			}
			return v, false
		}
	}
	return val{}, false
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

// named is a variable, or a name that may be called.
func (e *evaluator) named(t token) val {
	e.i++
	if v, ok := e.vars[t.text]; ok {
		return v
	}
	switch t.text {
	case "new", "await", "return", "print", "puts", "echo", "not", "and", "or", "if", "unless", "else", "do", "yield", "die", "warn", "raise", "use", "require", "try", "then", "begin", "while", "until", "p", "say":
		if t.text == "require" && e.sign("(") || t.text == "print" && e.sign("(") {
			break
		}
		return val{}
	}
	if strings.HasPrefix(t.text, "$") || strings.HasPrefix(t.text, "@") {
		if t.text == "@ARGV" {
			v := val{isList: true}
			for _, a := range e.argv {
				v.list = append(v.list, val{w: a})
			}
			return v
		}
		if (t.text == "$ARGV" || t.text == "$argv") && e.sign("[") {
			return val{name: t.text}
		}
		return unknownVal(t.text)
	}
	name := t.text
	if full, ok := e.alias[name]; ok {
		name = full
	}
	if e.lang.bare && e.args(name) {
		return e.call(name, val{}, e.bareArgs())
	}
	return val{name: name}
}

// args reports whether a name is a call whose arguments follow without
// parentheses.
func (e *evaluator) args(name string) bool {
	if _, ok := e.lang.calls[name]; !ok {
		if i := strings.LastIndexByte(name, '.'); i < 0 || e.lang.calls[name[i:]] == "" {
			return false
		}
	}
	t := e.peek(0)
	switch t.kind {
	case tokSign:
		return t.text == "\\" || t.text == "[" && e.lang.percent || t.text == "<"
	case tokLine, 0:
		return e.lang.sigils && (name == "unlink" || name == "rmdir") // of $_
	}
	return !(t.kind == tokName && stops[t.text])
}

// stops are the words that end a call without parentheses.
var stops = map[string]bool{"if": true, "unless": true, "or": true, "and": true, "for": true, "foreach": true, "while": true, "until": true, "do": true, "rescue": true, "then": true, "end": true}

type callArgs struct {
	list []val
	kv   map[string]val
}

func (a callArgs) at(n int) word.Word {
	if n < len(a.list) {
		return a.list[n].word()
	}
	return word.Word{}
}

func (e *evaluator) callArgs() callArgs {
	e.i++ // (
	list, kv, _ := e.list(")")
	return callArgs{list, kv}
}

func (e *evaluator) bareArgs() callArgs {
	var a callArgs
	for e.i < len(e.toks) {
		t := e.peek(0)
		if t.kind == tokLine || t.kind == tokName && stops[t.text] || t.kind == tokSign && (t.text == ";" || t.text == "}" || t.text == ")" || t.text == "||" || t.text == "&&") {
			break
		}
		if e.sign(",") {
			e.i++
			for e.peek(0).kind == tokLine {
				e.i++
			}
			continue
		}
		from := e.i
		e.one(&a.list, &a.kv)
		if e.i == from {
			e.i++
		}
	}
	if len(a.list) == 0 {
		a.list = []val{unknownVal("$_")}
	}
	return a
}

// list reads what stands between commas up to a bracket.
func (e *evaluator) list(end string) (list []val, kv map[string]val, commas bool) {
	for e.i < len(e.toks) {
		switch {
		case e.sign(end):
			e.i++
			return list, kv, commas
		case e.sign(","):
			commas = true
			e.i++
			continue
		case e.peek(0).kind == tokLine:
			e.i++
			continue
		}
		from := e.i
		e.one(&list, &kv)
		if e.i == from {
			if e.sign("}") || e.sign(")") || e.sign("]") || e.sign(";") {
				if !e.sign(";") {
					return list, kv, commas
				}
			}
			e.i++
		}
	}
	return list, kv, commas
}

// one reads an argument: a value, key=value, key: value, or {…}.
func (e *evaluator) one(list *[]val, kv *map[string]val) {
	put := func(k string, v val) {
		if *kv == nil {
			*kv = map[string]val{}
		}
		(*kv)[k] = v
	}
	t, next := e.peek(0), e.peek(1)
	if (t.kind == tokName || t.kind == tokString) && next.kind == tokSign && (next.text == "=" || next.text == ":" || next.text == "=>") {
		e.i += 2
		put(t.text, e.expr())
		return
	}
	if e.sign("{") {
		e.i++
		_, inner, _ := e.list("}")
		for k, v := range inner {
			put(k, v)
		}
		return
	}
	if next.kind == tokSign && next.text == "=>" || e.sign("=>") { // an arrow function
		e.i += 1
		return
	}
	v := e.expr()
	if e.isName("for") && e.lang.prefixes { // a comprehension
		for e.i < len(e.toks) && !e.sign("]") && !e.sign(")") {
			e.i++
		}
		v = unknownVal("…")
	}
	if v.w.Know != 0 || v.isList || v.name != "" {
		*list = append(*list, v)
	}
}

// text is a string with what is expanded in it.
func (e *evaluator) text(t token) word.Word {
	if !t.expand {
		return word.Lit(t.text)
	}
	var ps []piece
	s := t.text
	lit := func(x string) {
		if x != "" {
			ps = append(ps, piece{text: unescape(x), quoted: true})
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
