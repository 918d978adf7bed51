package command

import (
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

// block gives the parameter of ruby's .each its values.
func (e *evaluator) block(v val) {
	if (e.sign("{") || e.isName("do")) && e.peek(1).text == "|" && e.peek(2).kind == tokName {
		e.vars[e.peek(2).text] = e.anyOf(v)
		e.i += 4
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
