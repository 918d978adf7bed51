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

var builtins map[string]builtin

// The table names functions that start commands and so look at the table.
func init() {
	builtins = map[string]builtin{
		":": {sure: true}, "true": {sure: true}, "false": {fails: true},
		"echo": {sure: true}, "printf": {run: (*walker).printf}, "pwd": {sure: true},
		"cd": {run: (*walker).cd}, "pushd": {run: (*walker).pushd}, "popd": {run: (*walker).popd}, "dirs": {run: (*walker).dirstack},
		"test": {run: (*walker).bracket}, "[": {run: (*walker).bracket},
		"eval": {run: (*walker).eval, wrapper: true}, ".": {run: (*walker).dot, wrapper: true}, "source": {run: (*walker).dot, wrapper: true},
		"exec": {run: (*walker).exec, wrapper: true}, "command": {run: (*walker).command, wrapper: true}, "builtin": {run: (*walker).builtin, wrapper: true},
		"exit": {run: (*walker).exit}, "logout": {run: (*walker).exit}, "return": {run: (*walker).ret},
		"break": {run: (*walker).brk}, "continue": {run: (*walker).cont},
		"trap": {run: (*walker).trap, wrapper: true}, "alias": {run: (*walker).setAlias}, "unalias": {run: (*walker).unsetAlias},
		"set": {run: (*walker).set}, "shopt": {run: (*walker).shopt}, "shift": {run: (*walker).shift},
		"unset": {run: (*walker).unset}, "read": {run: (*walker).read}, "mapfile": {run: (*walker).mapfile}, "readarray": {run: (*walker).mapfile},
		"getopts": {run: (*walker).getopts}, "let": {}, "enable": {run: (*walker).enable},
		// Where a declaration is not written as one (\export, command export).
		"export": {run: (*walker).declareWords}, "declare": {run: (*walker).declareWords}, "typeset": {run: (*walker).declareWords},
		"local": {run: (*walker).declareWords}, "readonly": {run: (*walker).declareWords},
		"type": {}, "hash": {}, "jobs": {}, "fg": {}, "bg": {}, "wait": {}, "kill": {}, "umask": {}, "ulimit": {}, "history": {}, "fc": {},
		"bind": {}, "complete": {}, "compgen": {}, "compopt": {}, "disown": {}, "help": {}, "times": {}, "suspend": {}, "caller": {},
	}
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
	for _, a := range l.argv[1:] {
		v, ok := a.Value()
		name, body, set := strings.Cut(v, "=")
		if !ok || !set {
			continue
		}
		st.own()
		if st.aliases == nil {
			st.aliases = map[string]alias{}
		}
		st.aliases[name] = alias{body: body}
		if _, err := st.ctx.files.LookPath(name, ""); err == nil {
			w.note(DefinesName, "alias "+name, &l.at)
		}
	}
	return success(st)
}

func (w *walker) unsetAlias(st *state, l launch, _ int) result {
	for _, a := range l.argv[1:] {
		if v, ok := a.Value(); ok {
			st.own()
			if st.aliases == nil {
				st.aliases = map[string]alias{}
			}
			st.aliases[v] = alias{gone: true}
		}
	}
	return both(st)
}

var setLetters = map[byte]string{
	'e': "errexit", 'u': "nounset", 'f': "noglob", 'x': "xtrace", 'a': "allexport", 'n': "noexec",
	'B': "braceexpand", 'C': "noclobber", 'v': "verbose", 'm': "monitor", 'h': "hashall", 'H': "histexpand", 'b': "notify", 'E': "errtrace", 'T': "functrace", 'P': "physical", 'k': "keyword", 'p': "privileged", 't': "onecmd",
}

func (w *walker) shift(st *state, l launch, _ int) result {
	n := number{1, true}
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
	funcs := false
	for _, a := range l.argv[1:] {
		s, ok := a.Value()
		switch {
		case s == "-f":
			funcs = true
		case s == "-v" || s == "-n":
		case !ok:
		case funcs:
			st.own()
			if st.funcs == nil {
				st.funcs = map[string]*function{}
			}
			st.funcs[s] = nil
		case isName(s):
			if _, isFunc := st.funcs[s]; isFunc && w.lookup(st, s).state == VarUnset {
				st.own()
				st.funcs[s] = nil
			}
			st.set(s, variable{state: VarUnset})
		default:
			if n, _, ok := strings.Cut(s, "["); ok && isName(n) {
				st.set(n, variable{state: VarUnknown})
			}
		}
	}
	return success(st)
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
		if n, ok := l.argv[2].Value(); ok && isName(n) {
			text, known := printfText(l.argv[3:])
			if known {
				st.setScalar(n, word.Word{Src: "$" + n, Know: word.Known, Values: []string{text}, Origin: word.FromSubst})
			} else {
				st.set(n, variable{state: VarUnknown})
			}
		} else {
			w.rewritten(st, n)
		}
	}
	return success(st)
}
