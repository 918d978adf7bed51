package command

import (
	"strings"

	"guardsh/rules/word"
)

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

func (e *evaluator) postfix() val {
	v, ok := e.primary()
	if !ok {
		return v
	}
	for e.i < len(e.toks) {
		t := e.peek(0)
		if e.lang.name == "ruby" && (e.sign("{") || e.isName("do")) && e.peek(1).text == "|" {
			e.block(v)
			return v
		}
		if t.kind != tokSign {
			return v
		}
		switch {
		case (t.text == "." || t.text == "->" || t.text == "::" || t.text == "?.") && e.peek(1).kind == tokName && (t.text != "." || !e.lang.dot):
			method := e.peek(1).text
			e.i += 2
			if v.name != "" && v.w.Know == 0 && !v.isList {
				v = val{name: v.name + "." + method}
				if t.text == "::" && e.lang.quoteWords && e.lang.calls()[v.name] == "" && e.lang.calls()[method] != "" {
					v.name = method // perl's File::Path::rmtree is rmtree
				}
				if e.lang.bare && e.args(v.name) {
					v = e.call(v.name, val{}, e.bareArgs())
				}
				continue
			}
			if e.sign("(") {
				e.callback(v, method)
				v = e.call("."+method, v, e.callArgs())
			} else if e.lang.bare && v.path && e.lang.calls()["."+method] != "" {
				v = e.call("."+method, v, callArgs{}) // Ruby needs no brackets
			} else if method == "each" || method == "map" {
				e.block(v)
			} else {
				v = e.attribute(v, method)
			}
		case t.text == "(" && v.name != "" && v.w.Know == 0:
			v = e.call(v.name, val{}, e.callArgs())
		case t.text == "[" && v.name != "Dir":
			e.i++
			if s, ok := v.w.Value(); ok && e.sign("::") && e.peek(1).text == "-" && e.peek(2).text == "1" {
				s, _ = decode("reverse", s) // python's [::-1]
				e.skipTo("]")
				v = val{w: word.Lit(s)}
				continue
			}
			x := e.expr()
			rest := e.lang.prefixes && e.sign(":") && e.peek(1).text == "]"
			e.skipTo("]")
			v = e.index(v, x, rest)
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

// named is a variable, or a name that may be called.
func (e *evaluator) named(t token) val {
	e.i++
	if v, ok := e.vars[t.text]; ok {
		v.from = t.text
		return v
	}
	switch t.text {
	case "new":
		if e.peek(0).kind == tokName {
			v, _ := e.primary()
			for e.sign(".") && e.peek(1).kind == tokName && v.name != "" && v.w.Know == 0 {
				v.name += "." + e.peek(1).text // new java.io.File(…)
				e.i += 2
			}
			if e.sign("(") && v.name != "" {
				v = e.call(v.name, val{}, e.callArgs())
			}
			return v
		}
		return val{}
	case "await", "return", "print", "puts", "echo", "not", "and", "or", "if", "unless", "else", "do", "yield", "die", "warn", "raise", "use", "require", "try", "then", "begin", "while", "until", "p", "say":
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
	for _, m := range e.stars {
		if _, ok := e.lang.calls()[m+"."+name]; ok {
			name = m + "." + name
		}
	}
	if e.lang.bare && e.args(name) {
		return e.call(name, val{}, e.bareArgs())
	}
	if e.lang.bare && e.lang.calls()[name] == "!fork" {
		return e.call(name, val{}, callArgs{})
	}
	return val{name: name}
}
