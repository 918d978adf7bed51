package command

import (
	"path"
	"strings"

	"guardsh/rules/option"
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

// arrive is the directory that cd to a target leads to.
func (w *walker) arrive(cwd, target word.Word) word.Word {
	if target.Know == word.Unknown {
		if strings.HasPrefix(target.Prefix(), "/") {
			target.Many = false
			return target
		}
		return word.Hidden(target.Src, word.Var)
	}
	var vals []string
	for _, t := range target.Values {
		if path.IsAbs(t) {
			vals = append(vals, path.Clean(t))
			continue
		}
		if t == "" {
			t = "."
		}
		if cwd.Know == word.Unknown {
			if p := cwd.Prefix(); strings.HasPrefix(p, "/") && !strings.Contains(t, "..") {
				shape := append(append([]word.Part{}, cwd.Shape...), word.Part{Lit: "/" + t})
				return word.Word{Src: target.Src, Know: word.Unknown, Shape: shape, Origin: cwd.Origin}
			}
			return word.Hidden(target.Src, word.Var)
		}
		for _, c := range cwd.Values {
			vals = append(vals, path.Join(c, t))
		}
	}
	if len(vals) > w.lim.Values {
		return word.Hidden(target.Src, word.Var)
	}
	seen := map[string]bool{}
	uniq := vals[:0]
	for _, v := range vals {
		if !seen[v] {
			seen[v] = true
			uniq = append(uniq, v)
		}
	}
	return word.Set(target.Src, word.FromLiteral, uniq...)
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

func (w *walker) cd(st *state, l launch, _ int) result {
	args := operands(l.argv)
	var to word.Word
	switch {
	case len(args) == 0:
		to = w.home(st)
	case len(args) > 1 && !args[0].Many:
		return failure(st) // too many arguments
	case args[0].Is("-"):
		to = w.oldpwd(st)
	case args[0].Is(""):
		return success(st)
	default:
		to = args[0]
		if v := w.lookup(st, "CDPATH"); v.state == VarSet && !v.val.Is("") && !strings.HasPrefix(to.Prefix(), "/") && !strings.HasPrefix(to.Prefix(), ".") {
			to = word.Hidden(to.Src, word.Var)
		}
	}
	return w.move(st, to)
}

// move changes the directory, or fails to.
func (w *walker) move(st *state, to word.Word) result {
	fail := st.clone()
	ok := st
	ok.oldpwd, ok.cwd = st.cwd, w.arrive(st.cwd, to)
	if v, in := ok.vars["PWD"]; in && v.state != 0 {
		ok.own()
		delete(ok.vars, "PWD")
	}
	if ok.cwd.Is("/") || same(ok.cwd, fail.cwd) && ok.cwd.Know == word.Known {
		return success(ok) // these cannot fail
	}
	return result{ok, fail}
}

func (w *walker) pushd(st *state, l launch, _ int) result {
	args := operands(l.argv)
	if len(args) == 0 || strings.HasPrefix(args[0].Prefix(), "+") {
		if len(args) == 0 && len(st.dirs) > 0 {
			st.own()
			to := st.dirs[0]
			st.dirs[0] = st.cwd
			return w.move(st, to)
		}
		fail := st.clone()
		st.cwd = word.Hidden("$PWD", word.Var)
		st.dirs = nil
		return result{st, fail}
	}
	was := st.cwd
	r := w.move(st, args[0])
	if r.ok != nil {
		r.ok.dirs = append([]word.Word{was}, r.ok.dirs...)
	}
	return r
}

func (w *walker) popd(st *state, _ launch, _ int) result {
	if len(st.dirs) == 0 {
		fail := st.clone()
		st.cwd = word.Hidden("$PWD", word.Var)
		return result{st, fail}
	}
	st.own()
	to := st.dirs[0]
	st.dirs = st.dirs[1:]
	return w.move(st, to)
}

func (w *walker) dirstack(st *state, l launch, _ int) result {
	for _, a := range l.argv[1:] {
		if a.Is("-c") {
			st.dirs = nil
		}
	}
	return success(st)
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

func (w *walker) exit(st *state, l launch, _ int) result {
	if st.ctx.top && st.certain == Certain {
		w.line.Ends = true
	}
	w.trapExit(st)
	return result{}
}

func (w *walker) ret(st *state, l launch, _ int) result {
	for i := len(w.calls) - 1; i >= 0; i-- {
		f := w.calls[i]
		if f.sub < 0 {
			continue
		}
		if f.sub != w.sub {
			return result{}
		}
		st.shared = true
		code := number{}
		if len(l.argv) > 1 {
			code = integer(l.argv[1])
		}
		if !code.known || code.n == 0 {
			f.ok = w.join(f.ok, st.clone())
		}
		if !code.known || code.n != 0 {
			f.fail = w.join(f.fail, st.clone())
		}
		return result{}
	}
	return both(st)
}

func (w *walker) levels(l launch) int {
	if len(l.argv) > 1 {
		if n := integer(l.argv[1]); n.known && n.n > 1 {
			return int(min(n.n, 100))
		}
	}
	return 1
}

func (w *walker) brk(st *state, l launch, _ int) result {
	if len(w.loops) == 0 {
		return success(st)
	}
	o := w.loops[max(0, len(w.loops)-w.levels(l))]
	o.breaks = append(o.breaks, st)
	return result{}
}

func (w *walker) cont(st *state, l launch, _ int) result {
	if len(w.loops) == 0 {
		return success(st)
	}
	o := w.loops[max(0, len(w.loops)-w.levels(l))]
	o.continues = append(o.continues, st)
	return result{}
}

// trap walks what a trap would run: at a signal, or when the shell exits.
func (w *walker) trap(st *state, l launch, _ int) result {
	args := operands(l.argv)
	if len(args) < 2 || args[0].Is("-") || args[0].Is("") {
		return success(st)
	}
	sub := st.clone()
	w.sub++
	w.branch(sub, true, func(s *state) result {
		return w.inContext(s, func(c *context) { c.via, c.top = with(c.via, "trap"), false }, func() result {
			return w.run(s, args[0], l.at, "trap")
		})
	})
	w.sub--
	return success(st)
}

func (w *walker) trapExit(*state) {}

func (w *walker) eval(st *state, l launch, _ int) result {
	args := l.argv[1:]
	if len(args) > 0 && args[0].Is("--") {
		args = args[1:]
	}
	if len(args) == 0 {
		return success(st)
	}
	r := w.inContext(st, func(c *context) {
		c.via = with(c.via, "eval")
		if l.in != nil {
			c.stdin = *l.in
		}
	}, func() result { return w.run(st, w.joined(args), l.at, "eval") })
	return r
}

// joined is words with spaces between.
func (w *walker) joined(args []word.Word) word.Word {
	if len(args) == 1 {
		return args[0]
	}
	var ps []piece
	src := make([]string, len(args))
	for i, a := range args {
		if i > 0 {
			ps = append(ps, piece{text: " ", quoted: true})
		}
		ps = w.pieces(ps, a, true, a.Origin)
		src[i] = a.Src
	}
	return w.one(ps, strings.Join(src, " "))
}

var execOptions = option.MustParse(option.Style{Posix: true, Exact: true}, "-c : clean\n-l : login\n-a =name")

func (w *walker) exec(st *state, l launch, i int) result {
	a := execOptions.Read(l.argv[1:])
	if len(a.Operands) == 0 {
		if i >= 0 {
			w.line.Actions[i].Wrapper = false
		}
		// The redirections stay for the rest of the shell.
		c := *st.ctx
		if l.in != nil {
			c.stdin = *l.in
		}
		for _, r := range l.redirs {
			if r.FD == 1 && r.Kind != In && r.Kind != Text {
				c.hidden = true
			}
		}
		st.ctx = &c
		return both(st)
	}
	if st.ctx.top && st.certain == Certain {
		w.line.Ends = true
	}
	w.under(st, l, "exec", a.Operands, func(s *state, _ *context) {
		if a.Has("clean") {
			s.vars = nil
			s.ctx.env = envNone
		}
	})
	if w.opt(st, "execfail") {
		return failure(st)
	}
	return result{}
}

var commandOptions = option.MustParse(option.Style{Posix: true, Exact: true}, "-p\n-v : ask\n-V : ask")

func (w *walker) command(st *state, l launch, i int) result {
	a := commandOptions.Read(l.argv[1:])
	if a.Has("ask") || len(a.Operands) == 0 {
		if i >= 0 {
			w.line.Actions[i].Wrapper = false
		}
		return both(st)
	}
	m := l
	m.argv, m.nofunc, m.redirs, m.assigns = a.Operands, true, nil, nil
	return w.inside(st, l, "command", m)
}

func (w *walker) builtin(st *state, l launch, _ int) result {
	args := l.argv[1:]
	if len(args) > 0 && args[0].Is("--") {
		args = args[1:]
	}
	if len(args) == 0 {
		return success(st)
	}
	m := l
	m.argv, m.nofunc, m.only, m.redirs, m.assigns = args, true, true, nil, nil
	return w.inside(st, l, "builtin", m)
}

// inside starts a command in the same shell, behind command or builtin.
func (w *walker) inside(st *state, l launch, via string, m launch) result {
	return w.inContext(st, func(c *context) {
		c.via = with(c.via, via)
		if l.in != nil {
			c.stdin = *l.in
		}
		for _, r := range l.redirs {
			if r.FD == 1 && r.Kind != In && r.Kind != Text {
				c.hidden = true
			}
		}
	}, func() result { return w.start(st, m) })
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
