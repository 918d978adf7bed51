package command

import (
	"strings"

	"guardsh/rules/word"
)

// builtin is a command that bash runs itself.
type builtin struct {
	run     func(*walker, *state, launch, int) result
	sure    bool // it succeeds
	fails   bool // it fails
	wrapper bool // its own work is to start another command
}

func (b builtin) result(st *state) result {
	switch {
	case b.sure:
		return success(st)
	case b.fails:
		return failure(st)
	}
	return both(st)
}

// builtinNamed looks a builtin up.
func builtinNamed(name string) (builtin, bool) {
	switch name {
	case ":", "true", "echo", "pwd":
		return builtin{sure: true}, true
	case "false":
		return builtin{fails: true}, true
	case "printf":
		return builtin{run: (*walker).printf}, true
	case "cd":
		return builtin{run: (*walker).cd}, true
	case "pushd":
		return builtin{run: (*walker).pushd}, true
	case "popd":
		return builtin{run: (*walker).popd}, true
	case "dirs":
		return builtin{run: (*walker).dirstack}, true
	case "test", "[":
		return builtin{run: (*walker).bracket}, true
	case "eval":
		return builtin{run: (*walker).eval, wrapper: true}, true
	case ".", "source":
		return builtin{run: (*walker).dot, wrapper: true}, true
	case "exec":
		return builtin{run: (*walker).exec, wrapper: true}, true
	case "command":
		return builtin{run: (*walker).command, wrapper: true}, true
	case "builtin":
		return builtin{run: (*walker).builtin, wrapper: true}, true
	case "exit", "logout":
		return builtin{run: (*walker).exit}, true
	case "return":
		return builtin{run: (*walker).ret}, true
	case "break":
		return builtin{run: (*walker).brk}, true
	case "continue":
		return builtin{run: (*walker).cont}, true
	case "trap":
		return builtin{run: (*walker).trap, wrapper: true}, true
	case "alias":
		return builtin{run: (*walker).setAlias}, true
	case "unalias":
		return builtin{run: (*walker).unsetAlias}, true
	case "set":
		return builtin{run: (*walker).set}, true
	case "shopt":
		return builtin{run: (*walker).shopt}, true
	case "shift":
		return builtin{run: (*walker).shift}, true
	case "unset":
		return builtin{run: (*walker).unset}, true
	case "read":
		return builtin{run: (*walker).read}, true
	case "mapfile", "readarray":
		return builtin{run: (*walker).mapfile}, true
	case "getopts":
		return builtin{run: (*walker).getopts}, true
	case "let", "type", "hash", "jobs", "fg", "bg", "wait", "kill", "umask", "ulimit", "history", "fc", "compgen", "compopt", "disown", "help", "times", "suspend",
		"caller":
		return builtin{}, true
	case "enable":
		return builtin{run: (*walker).enable}, true
	case "export", "declare", "typeset", "local", "readonly":
		// Where a declaration is not written as one (\export, command export).
		return builtin{run: (*walker).declareWords}, true
	case "bind":
		return builtin{run: (*walker).bind}, true
	case "complete":
		return builtin{run: (*walker).complete}, true
	}
	return builtin{}, false
}

// operands is a builtin's words behind its options, which are letters of opts.
func operands(argv []word.Word) []word.Word {
	args := argv[1:]
	for len(args) > 0 {
		s, ok := args[0].Value()
		if !ok || len(s) < 2 || s[0] != '-' {
			return args
		}
		args = args[1:]
		if s == "--" {
			return args
		}
	}
	return args
}

func (w *walker) bracket(st *state, l launch, _ int) result {
	args := l.argv[1:]
	if l.argv[0].Is("[") {
		if len(args) == 0 || !args[len(args)-1].Is("]") {
			return both(st)
		}
		args = args[:len(args)-1]
	}
	return w.truthOf(st, bracketTest(args))
}

func (w *walker) setAlias(st *state, l launch, _ int) result {
	r := success
	for _, a := range l.argv[1:] {
		v, ok := a.Value()
		name, body, set := strings.Cut(v, "=")
		if !ok || !set {
			r = both // it shows one, if there is one
			continue
		}
		st.own()
		if st.aliases == nil {
			st.aliases = map[string]alias{}
		}
		st.aliases[name] = w.newAlias(st, name, alias{body: body})
		if _, err := st.ctx.files.LookPath(name, ""); err == nil {
			w.note(DefinesName, "alias "+name, &l.at)
		}
	}
	return r(st)
}

// newAlias is an alias that counts from the next line on.
func (w *walker) newAlias(st *state, name string, a alias) alias {
	a.unit = w.unit
	if old, ok := st.aliases[name]; ok {
		if old.unit == a.unit {
			a.was = old.was
		} else {
			a.was = &old
		}
	}
	return a
}

func (w *walker) unsetAlias(st *state, l launch, _ int) result {
	for _, a := range l.argv[1:] {
		if v, ok := a.Value(); ok {
			st.own()
			if st.aliases == nil {
				st.aliases = map[string]alias{}
			}
			st.aliases[v] = w.newAlias(st, v, alias{gone: true})
		}
	}
	return both(st)
}

var setLetters = [256]string{
	'e': "errexit", 'u': "nounset", 'f': "noglob", 'x': "xtrace", 'a': "allexport", 'n': "noexec",
	'B': "braceexpand", 'C': "noclobber", 'v': "verbose", 'm': "monitor", 'h': "hashall", 'H': "histexpand", 'b': "notify", 'E': "errtrace", 'r': "restricted", 'T': "functrace", 'P': "physical", 'k': "keyword", 'p': "privileged", 't': "onecmd",
}

func (w *walker) shift(st *state, l launch, _ int) result {
	n := number{n: 1, known: true}
	if len(l.argv) > 1 {
		n = integer(l.argv[1])
	}
	for _, p := range st.params {
		if p.Many {
			n.known = false
		}
	}
	if !n.known || st.more {
		if n.known && n.n >= 0 && n.n <= int64(len(st.params)) {
			st.params = st.params[n.n:]
			return both(st)
		}
		st.params, st.more = nil, true
		return both(st)
	}
	if n.n < 0 || n.n > int64(len(st.params)) {
		return failure(st)
	}
	st.params = st.params[n.n:]
	return success(st)
}

func (w *walker) unset(st *state, l launch, _ int) result {
	funcs, vars, refs := false, false, false
	args := l.argv[1:]
	for len(args) > 0 {
		s, ok := args[0].Value()
		if !ok || len(s) < 2 || s[0] != '-' {
			break
		}
		args = args[1:]
		funcs = funcs || strings.Contains(s, "f")
		vars = vars || strings.Contains(s, "v")
		refs = refs || strings.Contains(s, "n")
	}
	for _, a := range args {
		s, ok := a.Value()
		switch {
		case !ok && funcs:
			st.own()
			st.funcs = nil
		case !ok:
			w.lose(st)
		case funcs:
			w.unsetFunc(st, s)
		case isName(s):
			name := s
			if !refs {
				target, index, ok := w.refer(st, s)
				if !ok {
					w.lose(st)
					continue
				}
				if index != "" {
					w.dropNamed(st, target, index)
					continue
				}
				name = target
			}
			if _, isFunc := st.funcs[name]; isFunc && !vars && w.lookup(st, name).state == VarUnset {
				w.unsetFunc(st, name)
			}
			if !w.lookup(st, name).readonly {
				st.set(name, variable{state: VarUnset})
			}
		default:
			if n, index, ok := subscript(s); ok {
				w.dropNamed(st, n, index)
			}
		}
	}
	return success(st)
}

func (w *walker) unsetFunc(st *state, name string) {
	st.own()
	if st.funcs == nil {
		st.funcs = map[string]*function{}
	}
	st.funcs[name] = nil
}

func (w *walker) enable(st *state, l launch, _ int) result {
	off := false
	for _, a := range l.argv[1:] {
		s, _ := a.Value()
		if strings.HasPrefix(s, "-") {
			off = off || strings.Contains(s, "n")
			continue
		}
		st.setOpt("disabled "+s, off)
	}
	return both(st)
}

func (w *walker) printf(st *state, l launch, _ int) result {
	if len(l.argv) > 3 && l.argv[1].Is("-v") {
		n, ok := l.argv[2].Value()
		if !ok {
			w.lose(st)
			return both(st)
		}
		val := word.Hidden("$"+n, word.Var)
		if text, known := printfText(l.argv[3:]); known {
			val = word.Word{Src: "$" + n, Know: word.Known, Values: []string{text}, Origin: word.FromSubst}
		}
		w.storeNamed(st, n, val)
	}
	return success(st)
}
