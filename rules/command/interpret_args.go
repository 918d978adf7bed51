package command

import (
	"strings"

	"guardsh/rules/word"
)

// args reports whether a name is a call whose arguments follow without
// parentheses.
func (e *evaluator) args(name string) bool {
	if _, ok := e.lang.calls()[name]; !ok {
		if i := strings.LastIndexByte(name, '.'); i < 0 || e.lang.calls()[name[i:]] == "" {
			return false
		}
	}
	t := e.peek(0)
	if e.lang.sigils && (name == "unlink" || name == "rmdir") && (t.kind == tokName && stopWord(t.text) || t.text == "}" || t.text == ";") {
		return true // of $_
	}
	switch t.kind {
	case tokSign:
		return t.text == "\\" || t.text == "[" && e.lang.percent || t.text == "<"
	case tokLine, 0:
		return e.lang.sigils && (name == "unlink" || name == "rmdir") // of $_
	}
	return !(t.kind == tokName && stopWord(t.text))
}

// stopWord reports whether a word ends a call without parentheses.
func stopWord(name string) bool {
	switch name {
	case "if", "unless", "or", "and", "for", "foreach", "while", "until", "do", "rescue", "then", "end":
		return true
	}
	return false
}

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
		if t.kind == tokLine || t.kind == tokName && stopWord(t.text) || t.kind == tokSign && (t.text == ";" || t.text == "}" || t.text == ")" || t.text == "||" || t.text == "&&") {
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
		x, ok := e.vars["$_"]
		if !ok {
			x = unknownVal("$_")
		}
		a.list = []val{x}
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
	if e.isName("my", "our", "local") && e.lang.sigils {
		e.i++ // open my $f, …
	}
	if e.lang.prefixes {
		e.comprehension()
	}
	t, next := e.peek(0), e.peek(1)
	if (t.kind == tokName || t.kind == tokString) && next.kind == tokSign && (next.text == "=" || next.text == ":" || next.text == "=>") {
		e.i += 2
		v := e.expr()
		put(t.text, v)
		if next.text == "=>" && e.lang.sigils && e.lang.quoteWords {
			*list = append(*list, val{w: word.Lit(t.text)}, v) // perl's other comma
		}
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
