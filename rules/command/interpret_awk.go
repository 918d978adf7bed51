package command

import (
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
)

// maxAwkLines bounds the lines of input for which a program is looked through.
const maxAwkLines = 16

// awkLines looks through a program for each line of its input that is known,
// as a whole or in part, and once for all others.
func (e *evaluator) awkLines() {
	var lines []map[string]val
	in := e.w.standardInput(e.st, e.l)
	switch {
	case len(e.argv) > 0 || e.vars["FS"].w.Know != 0:
	case in.known && in.Kind != InputFile:
		for _, l := range linesOf(in.text) {
			vars := map[string]val{"$0": {w: fromInput(l)}}
			for i, f := range strings.Fields(l) {
				vars["$"+strconv.Itoa(i+1)] = val{w: fromInput(f)}
			}
			lines = append(lines, vars)
		}
	default:
		for _, x := range e.w.items(in) {
			x.Many = false
			lines = append(lines, map[string]val{"$0": {w: x}, "$1": {w: x}})
		}
	}
	if len(lines) == 0 || len(lines) > maxAwkLines {
		lines = []map[string]val{nil}
	}
	for _, vars := range lines {
		e.i = 0
		for name, v := range vars {
			e.vars[name] = v
		}
		e.awk()
		for name := range vars {
			delete(e.vars, name)
		}
		if !e.uses("$") {
			return // each line is like the others
		}
	}
}

// uses reports a sign in the text.
func (e *evaluator) uses(sign string) bool {
	return slices.ContainsFunc(e.toks, func(t token) bool { return t.kind == tokSign && t.text == sign })
}

// awk looks for what a program writes to and starts: print > "file",
// print | "command", "command" | getline, system().
func (e *evaluator) awk() {
	depth, printing := 0, false
	var printed word.Word
	says := func() {
		if printing && printed.Know != 0 {
			e.prints([]val{{w: printed}}, "", "\n")
		}
		printing = false
	}
	e.only = false
	for e.i < len(e.toks) {
		t := e.peek(0)
		switch {
		case t.kind == tokLine || t.kind == tokSign && (t.text == ";" || t.text == "}"):
			says()
			e.i++
		case t.kind == tokSign && t.text == "{":
			e.braces = 1 // for each line of input: none may come
			if e.i > 0 && e.toks[e.i-1].text == "BEGIN" {
				e.braces = 0
			}
			e.i++
		case t.kind == tokSign && t.text == "(":
			depth++
			e.i++
		case t.kind == tokSign && t.text == ")":
			depth--
			e.i++
		case e.isName("print", "printf"):
			printing, depth = true, 0
			e.i++
			at, format := e.i, e.toks[e.i-1].text == "printf"
			printed = e.awkWord()
			if format && e.sign(",") {
				// printf "rm -rf %s\n", "/usr"
				var with []word.Word
				for e.sign(",") {
					e.i++
					with = append(with, e.awkWord())
				}
				printed = e.format(val{w: printed}, with, "%s").w
			}
			e.i = at
		case printing && depth == 0 && t.kind == tokSign && (t.text == ">" || t.text == ">>" || t.text == "|"):
			e.i++
			printing = false
			v := e.awkWord()
			switch t.text {
			case ">":
				e.file(v, Out)
			case ">>":
				e.file(v, Append)
			default:
				if sh, ok := v.Value(); ok && isShell(sh) && printed.Know == word.Known {
					v = printed // print "code" | "sh"
				}
				e.code(v, e.via)
			}
		case t.kind == tokName && t.text == "system" && e.peek(1).text == "(":
			e.i += 2
			e.code(e.awkWord(), e.via)
		case t.kind == tokString && e.piped(1) > 0:
			e.code(word.Lit(t.text), e.via)
			e.i += 1 + e.piped(1)
		case t.kind == tokName && e.piped(1) > 0:
			if v, ok := e.vars[t.text]; ok {
				e.code(v.word(), e.via)
			}
			e.i += 1 + e.piped(1)
		case t.kind == tokName && e.peek(1).kind == tokSign && e.peek(1).text == "=":
			e.i += 2
			e.vars[t.text] = val{w: e.awkWord()}
		default:
			e.i++
		}
	}
	says()
}

// piped is the number of tokens of "| getline" and "|& getline", n tokens on; 0
// where they are others.
func (e *evaluator) piped(n int) int {
	if e.peek(n).text != "|" {
		return 0
	}
	k := 1
	if e.peek(n+k).text == "&" {
		k++
	}
	if e.peek(n+k).text != "getline" {
		return 0
	}
	return k + 1
}

// awkWord is a concatenation: strings and variables that stand side by side.
func (e *evaluator) awkWord() word.Word {
	var ps []piece
	for e.i < len(e.toks) {
		t := e.peek(0)
		switch {
		case t.kind == tokString || t.kind == tokNumber:
			ps = append(ps, piece{text: t.text, quoted: true})
		case t.kind == tokName:
			if v, ok := e.vars[t.text]; ok {
				ps = e.w.pieces(ps, v.word(), true, "")
			} else {
				ps = append(ps, piece{hole: word.Var, src: t.text, quoted: true})
			}
		case t.kind == tokSign && t.text == "$":
			e.i++
			name := "$" + e.peek(0).text
			if v, ok := e.vars[name]; ok {
				ps = e.w.pieces(ps, v.word(), true, v.w.Origin)
			} else {
				ps = append(ps, piece{hole: word.Var, src: name, quoted: true})
			}
		case t.kind == tokSign && t.text == "(":
		default:
			if len(ps) == 0 {
				return word.Hidden("…", word.Var)
			}
			return e.w.one(ps, ps[0].text+ps[0].src)
		}
		e.i++
	}
	if len(ps) == 0 {
		return word.Hidden("…", word.Var)
	}
	return e.w.one(ps, ps[0].text+ps[0].src)
}
