package command

import (
	"strings"

	"guardsh/rules/word"
)

var mapfileOptions = grammar(exact, "-t : trim\n-d =delim\n-n =count\n-O =origin\n-s =skip\n-u =fd\n-C =callback\n-c =quantum")

var readOptions = grammar(exact, "-r\n-s\n-e\n-a =array\n-d =delim\n-i =text\n-n =count\n-N =count\n-p =prompt\n-t =time\n-u =fd")

// read assigns a line of input; it is known where the input is text.
func (w *walker) read(st *state, l launch, _ int) result {
	a := readOptions().Read(l.argv[1:])
	in := st.ctx.stdin
	if l.in != nil {
		in = *l.in
	}
	names := a.Operands
	text, known := in.text, in.known && l.in != nil && len(a.Values) == 0
	if known {
		text, _, _ = strings.Cut(text, "\n")
		known = !strings.Contains(text, `\`)
	}
	if arr := a.Values["array"]; len(arr) > 0 {
		if n, ok := arr[0].Value(); ok && isName(n) {
			st.set(n, variable{state: VarSet, isList: true, more: true, val: word.Hidden("$"+n, word.Var)})
		}
		return both(st)
	}
	if len(names) == 0 {
		names = word.Lits("REPLY")
	}
	ifs, ok := w.ifs(st)
	for _, as := range l.assigns {
		if as.Name == "IFS" {
			ifs, ok = as.Value.Value()
		}
	}
	known = known && ok
	for i, n := range names {
		name, ok := n.Value()
		if !ok || !isName(name) {
			w.rewritten(st, name)
			continue
		}
		if !known {
			st.set(name, variable{state: VarUnknown})
			continue
		}
		var v string
		if i == len(names)-1 {
			v = strings.Trim(text, blanks(ifs))
		} else {
			t := strings.TrimLeft(text, blanks(ifs))
			j := strings.IndexAny(t, ifs)
			if j < 0 || ifs == "" {
				v, text = t, ""
			} else {
				v = t[:j]
				text = strings.TrimLeft(t[j:], blanks(ifs))
				if text != "" && !strings.ContainsAny(t[j:j+1], " \t\n") {
					text = text[1:]
				}
			}
		}
		st.setScalar(name, word.Word{Src: "$" + name, Know: word.Known, Values: []string{v}, Origin: word.FromInput})
	}
	if known {
		return success(st)
	}
	return both(st)
}

func (w *walker) mapfile(st *state, l launch, _ int) result {
	a := mapfileOptions().Read(l.argv[1:])
	name := "MAPFILE"
	if len(a.Operands) > 0 {
		n, ok := a.Operands[0].Value()
		if !ok || !isName(n) {
			return both(st)
		}
		name = n
	}
	in := st.ctx.stdin
	if l.in != nil {
		in = *l.in
	}
	if in.known && a.Has("trim") && len(a.Values) == 0 && len(in.text) < maxValue {
		v := variable{state: VarSet, isList: true}
		text := strings.TrimSuffix(in.text, "\n")
		if in.text != "" {
			for _, line := range strings.Split(text, "\n") {
				v.list = append(v.list, word.Word{Src: "$" + name, Know: word.Known, Values: []string{line}, Origin: word.FromInput})
			}
		}
		if len(v.list) > 0 {
			v.val = v.list[0]
		}
		st.set(name, v)
		return both(st)
	}
	st.set(name, variable{state: VarSet, isList: true, more: true, val: word.Hidden("$"+name, word.Var)})
	return both(st)
}

func blanks(ifs string) string {
	var b []byte
	for _, c := range []byte(" \t\n") {
		if strings.IndexByte(ifs, c) >= 0 {
			b = append(b, c)
		}
	}
	return string(b)
}

func (w *walker) getopts(st *state, l launch, _ int) result {
	if len(l.argv) > 2 {
		if n, ok := l.argv[2].Value(); ok && isName(n) {
			st.set(n, variable{state: VarUnknown})
		}
	}
	st.set("OPTARG", variable{state: VarUnknown})
	st.set("OPTIND", variable{state: VarUnknown})
	return both(st)
}

// rewritten makes what a builtin wrote unknown where its name is no plain one: an
// element of an array, or a name that is not known itself.
func (w *walker) rewritten(st *state, name string) {
	if array, _, indexed := strings.Cut(name, "["); indexed && isName(array) {
		st.set(array, variable{state: VarUnknown})
		return
	}
	w.lose(st)
}
