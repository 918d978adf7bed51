package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

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
	stars []string          // modules all of whose names were

	indent, braces int
	fetched        int  // calls that fetch from the network
	toShell        bool // a pipe to a shell is open (perl)

	action int  // the program's action; -1 where what it prints is not followed
	only   bool // so far it did nothing but print known texts
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
	case e.isName("import") && e.lang.template && !(e.peek(1).kind == tokSign && e.peek(1).text == "("):
		e.importsOf()
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
	case e.toShell && e.isName("print", "say", "printf") && e.peek(1).kind == tokName && e.peek(2).kind == tokString:
		e.code(e.text(e.peek(2)), e.via) // print P "code"
		e.i += 3
		return
	case e.isName("with") && e.lang.prefixes:
		e.i++
		if v := e.expr(); e.isName("as") && e.peek(1).kind == tokName {
			e.vars[e.peek(1).text] = v
			e.i += 2
		}
		e.only = false
		return
	case e.lang.name == "perl":
		e.behind()
	}
	if e.print() {
		return
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
	switch t := e.peek(0); {
	case t.kind == tokSign && t.text == ";":
	case t.kind == tokName && (t.text == "use" || t.text == "strict" || t.text == "warnings" || e.isPrint()):
	default:
		e.only = false
	}
	e.expr()
}

// isPrint reports whether a call follows that prints.
func (e *evaluator) isPrint() bool {
	name := e.peek(0).text
	for i := 1; e.peek(i).kind == tokSign && e.peek(i).text == "." && e.peek(i+1).kind == tokName; i += 2 {
		name += "." + e.peek(i+1).text
	}
	_, ok := printEnd(name)
	return ok
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
	if from != "" && e.sign("*") {
		e.i++
		e.stars = append(e.stars, from)
		return
	}
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
	if e.lang.name == "perl" && paren && (name.kind == tokName && (name.text == "glob" || strings.HasPrefix(name.text, "@")) || name.kind == tokGlob || name.kind == tokList || name.kind == tokString) {
		// foreach (LIST) { … $_ … }
		v := val{isList: true}
		v.list, _, _ = e.list(")")
		if len(v.list) == 1 {
			v = v.list[0]
		}
		e.vars["$_"] = e.anyOf(v)
		return true
	}
	if name.kind != tokName {
		e.i = at + 1
		return false
	}
	e.i++
	targets := []string{name.text}
	for e.lang.prefixes && e.sign(",") && e.peek(1).kind == tokName { // for root, dirs, files in …
		targets = append(targets, e.peek(1).text)
		e.i += 2
	}
	if e.isName("in", "of") {
		e.i++
	} else if !e.lang.sigils || !e.sign("(") {
		e.i = at + 1
		return false
	}
	e.bindTargets(targets, e.expr())
	return true
}

// bindTargets gives the variables of a loop their values: the first of several
// is the directory of os.walk.
func (e *evaluator) bindTargets(targets []string, v val) {
	e.vars[targets[0]] = e.anyOf(v)
	for _, t := range targets[1:] {
		e.vars[t] = unknownVal(t)
	}
}

// comprehension binds the variable of "EXPRESSION for x in LIST" before the
// expression is read.
func (e *evaluator) comprehension() {
	if at, ok := e.ahead(",", "for"); ok {
		back := e.i
		e.i = at
		e.forEach()
		e.i = back
	}
}

// behind binds $_ where a loop over a list stands behind its statement, as perl
// writes it: unlink for glob "x/*".
func (e *evaluator) behind() {
	if at, ok := e.ahead(";", "for", "foreach"); ok {
		back := e.i
		e.i = at + 1
		e.vars["$_"] = e.anyOf(e.expr())
		e.i = back
	}
}

// ahead finds a word behind what is read now, outside of brackets and before a
// sign that ends it.
func (e *evaluator) ahead(end string, words ...string) (at int, ok bool) {
	depth := 0
	for at := e.i; at < len(e.toks) && at < e.i+256; at++ {
		t := e.toks[at]
		switch {
		case t.kind == tokSign && (t.text == "(" || t.text == "[" || t.text == "{"):
			depth++
		case t.kind == tokSign && (t.text == ")" || t.text == "]" || t.text == "}"):
			if depth--; depth < 0 {
				return 0, false
			}
		case depth > 0:
		case t.kind == tokSign && t.text == end || t.kind == tokLine:
			return 0, false
		case t.kind == tokName && slices.Contains(words, t.text) && at > e.i:
			return at, true
		}
	}
	return 0, false
}

// importsOf reads JavaScript's import statements.
func (e *evaluator) importsOf() {
	e.i++
	names := map[string]string{}
	for e.i < len(e.toks) && !e.isName("from") && e.peek(0).kind != tokString && !e.sign(";") {
		if t := e.peek(0); t.kind == tokName || t.text == "*" {
			as := t.text
			if e.peek(1).kind == tokName && e.peek(1).text == "as" {
				as = e.peek(2).text
				e.i += 2
			}
			names[as] = t.text
			if t.text == "*" || as == t.text && e.peek(-1).text != "{" && e.peek(-1).text != "," {
				names[as] = "" // the module itself
			}
		}
		e.i++
	}
	if e.isName("from") {
		e.i++
	}
	if e.peek(0).kind != tokString {
		return
	}
	module := moduleName(e.peek(0).text)
	e.i++
	for as, name := range names {
		e.alias[as] = strings.TrimSuffix(module+"."+name, ".")
	}
}

// moduleName is a module of JavaScript as the table of calls writes it.
func moduleName(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "node:"), "/", ".")
}

// block gives the parameter of ruby's .each its values.
func (e *evaluator) block(v val) {
	if (e.sign("{") || e.isName("do")) && e.peek(1).text == "|" && e.peek(2).kind == tokName {
		e.vars[e.peek(2).text] = e.anyOf(v)
		e.i += 4
	}
}

// callback gives the parameter of JavaScript's .forEach(f => …) and its like any
// of the values of the list.
func (e *evaluator) callback(v val, method string) {
	if !slices.Contains([]string{"forEach", "map", "filter", "some", "every", "flatMap"}, method) {
		return
	}
	at := e.i + 1
	for at < len(e.toks) && (e.toks[at].text == "(" || e.toks[at].text == "async" || e.toks[at].text == "function") {
		at++
	}
	if at+1 < len(e.toks) && e.toks[at].kind == tokName && slices.Contains([]string{"=>", ")", ","}, e.toks[at+1].text) {
		e.vars[e.toks[at].text] = e.anyOf(v)
	}
}

// everyBelow binds $_ for perl's find(sub { … }, DIR): each name below it.
func (e *evaluator) everyBelow() {
	for i, t := range e.toks {
		if t.kind != tokName || t.text != "find" && t.text != "finddepth" || i+2 >= len(e.toks) {
			continue
		}
		var dir *token
		depth := 0
		for at := i + 1; at < len(e.toks) && at < i+256 && (depth > 0 || e.toks[at].text != ";"); at++ {
			switch x := &e.toks[at]; {
			case x.kind == tokName && slices.Contains([]string{"if", "unless", "and", "or", "next", "return"}, x.text) || x.text == "&&" || x.text == "||":
				// -f chooses nothing; all else leaves some out.
				if at+2 >= len(e.toks) || e.toks[at+1].text != "-" || !slices.Contains([]string{"f", "d", "e"}, e.toks[at+2].text) {
					return
				}
			case x.kind == tokString && (depth == 0 || depth == 1 && e.toks[i+1].text == "("):
				dir = x
			case x.kind == tokSign && (x.text == "(" || x.text == "{"):
				depth++
			case x.kind == tokSign && (x.text == ")" || x.text == "}"):
				depth--
			}
		}
		if dir != nil {
			e.vars["$_"] = below(e.text(*dir), false)
		}
	}
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
