package command

import (
	"maps"
	"slices"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// state is what the shell is like at one point of the line.
type state struct {
	ctx     *context
	cwd     word.Word
	oldpwd  word.Word
	dirs    []word.Word // the directory stack below cwd
	nodirs  bool        // dirs is all of that stack
	certain Certainty
	ended   bool        // the shell may have ended before
	params  []word.Word // positional parameters
	arg0    word.Word
	last    word.Word // $_: the last word of the command before
	more    bool      // there are more positional parameters than are known

	vars    map[string]variable
	funcs   map[string]*function
	aliases map[string]alias
	opts    map[string]bool
	at      map[int]int // how far an input was read, by its number
	getopt  getoptAt
	atExit  *exitTrap
	shared  bool // the maps belong to another state too
	lost    bool // code that is not seen may have set any variable
	wide    bool // one for every time that a command is come to; see far
}

// context is where commands run: it is replaced, never changed.
type context struct {
	files  Files
	via    []string
	user   string
	place  Place
	binds  []bind // what a container sees of this machine
	bound  Place  // or of another, on which it runs
	hostNS bool   // a container that sees this machine's processes
	stdin  input
	fds    map[int]input // what exec opened to be read, beyond the first three
	async  bool
	hidden bool // output goes into a word or a file
	top    bool // the shell that the line was typed into: exit ends it
	env    envKind
	shell  bool // variables, functions and aliases are those of Shell
	arg0   string
}

// envKind says what a variable is that the line itself did not set.
type envKind uint8

const (
	envShell    envKind = iota // as Shell says
	envExported                // as Shell says, where it is exported; else unset
	envNone                    // unset (env -i)
	envUnknown                 // not known: another host, sudo's own environment
)

// input is what a command reads, with the text where it is known.
type input struct {
	Input
	pipe  int
	known bool // text is all that can be read
	text  string

	coproc string // the coprocess that reads it: what the line writes to it comes later

	id    int // its number; 0 where no part of it is known
	sub   int // the process that it belongs to
	guess int // the loops of uncounted turns around it
}

type variable struct {
	state    VarState
	val      word.Word
	list     []word.Word
	idx      []int64 // the indices of list; nil where they are 0, 1, 2 …
	isList   bool
	keys     map[string]word.Word
	maybe    bool // it may be unset as well
	more     bool // the list's length or keys are not known
	exported bool
	readonly bool
	integer  bool
	nameref  bool
	foreign  bool // nothing is known of it, and the line has not touched it
	upper    bool // declare -u
	lower    bool // declare -l
}

type function struct {
	unit  int // the line that its body was read in; -1 in the live shell
	body  *syntax.Stmt
	src   string
	text  string // a body from the live shell, not parsed yet
	maybe bool   // defined on one branch only

	exported bool // a shell that this one starts has it too
}

type alias struct {
	body  string
	maybe bool
	gone  bool
	unit  int    // the line that set it: it counts from the next on
	was   *alias // what it was on that line
}

func newState(sh Shell, files Files) *state {
	st := &state{certain: Certain}
	st.ctx = &context{files: files, top: true, shell: true}
	st.cwd = sh.Cwd()
	if st.cwd.Know == 0 {
		st.cwd = word.Hidden("$PWD", word.Var)
	}
	st.params = sh.Positional()
	_, st.nodirs = sh.(*StaticShell) // it begins here
	st.arg0 = word.Hidden("$0", word.Var)
	return st
}

// child is the state that a process of its own begins with.
func (st *state) child() *state {
	c := st.clone()
	c.atExit = nil
	return c
}

// clone is the state of another branch.
func (st *state) clone() *state {
	st.shared = true
	c := *st
	return &c
}

// own makes the maps safe to change.
func (st *state) own() {
	if !st.shared {
		return
	}
	st.vars, st.funcs = maps.Clone(st.vars), maps.Clone(st.funcs)
	st.aliases, st.opts = maps.Clone(st.aliases), maps.Clone(st.opts)
	st.at = maps.Clone(st.at)
	st.dirs, st.params = slices.Clone(st.dirs), slices.Clone(st.params)
	st.shared = false
}

func (st *state) set(name string, v variable) {
	st.own()
	if st.vars == nil {
		st.vars = map[string]variable{}
	}
	st.vars[name] = v
}

func (st *state) setScalar(name string, val word.Word) {
	val.Many = false
	st.set(name, variable{state: VarSet, val: val})
}

func (st *state) setOpt(name string, on bool) {
	st.own()
	if st.opts == nil {
		st.opts = map[string]bool{}
	}
	st.opts[name] = on
}

// opt reports whether an option is on; one that is not known counts as off.
func (w *walker) opt(st *state, name string) bool {
	if on, ok := st.opts[name]; ok {
		return on
	}
	if !st.ctx.shell {
		return DefaultOn(name)
	}
	on, known := w.shell.Option(name)
	return on && known
}

// lookup is a variable as it is now.
func (w *walker) lookup(st *state, name string) variable {
	if v, ok := st.vars[name]; ok {
		return v
	}
	if st.wide || st.lost {
		return variable{state: VarUnknown}
	}
	switch st.ctx.env {
	case envNone:
		return variable{state: VarUnset}
	case envUnknown:
		return variable{state: VarUnknown, foreign: true}
	}
	v := w.shell.Var(name)
	if st.ctx.env == envExported && v.State == VarSet && !v.Exported {
		return variable{state: VarUnset}
	}
	out := variable{state: v.State, exported: v.Exported, readonly: v.Readonly, integer: v.Integer, nameref: v.NameRef}
	if v.State == 0 {
		out.state = VarUnknown
	}
	out.foreign = out.state == VarUnknown
	if out.state != VarSet {
		return out
	}
	from := func(s string) word.Word {
		return word.Word{Src: "$" + name, Know: word.Known, Values: []string{s}, Origin: word.FromEnv}
	}
	out.val = from(v.Value)
	if v.List != nil {
		out.isList = true
		for _, e := range v.List {
			out.list = append(out.list, from(e))
		}
	}
	if v.Keys != nil {
		out.keys = map[string]word.Word{}
		for k, e := range v.Keys {
			out.keys[k] = from(e)
		}
	}
	return out
}

// result is how a command may end: the states after success and after failure.
// nil means that it cannot end so; both nil that the shell itself ends.
type result struct{ ok, fail *state }

func both(st *state) result    { return result{st, st} }
func success(st *state) result { return result{ok: st} }
func failure(st *state) result { return result{fail: st} }

func (r result) ended() bool { return r.ok == nil && r.fail == nil }

// part makes the two states independent of each other.
func (r *result) part() {
	if r.ok != nil && r.ok == r.fail {
		r.fail = r.ok.clone()
	}
}

// doubt says that what comes next may not be reached.
func (r result) doubt() { r.each(func(s *state) { s.ended = true }) }

// sure is how certain the next command is to start.
func (st *state) sure() Certainty {
	if st.ended {
		return Possible
	}
	return st.certain
}

func (r result) each(f func(*state)) {
	if r.ok != nil {
		f(r.ok)
	}
	if r.fail != nil && r.fail != r.ok {
		f(r.fail)
	}
}

// join is the state after either of two; nil states cannot happen.
func (w *walker) join(a, b *state) *state {
	switch {
	case a == nil:
		return b
	case b == nil || a == b:
		return a
	}
	j := a.clone()
	j.cwd = w.either(a.cwd, b.cwd)
	j.oldpwd = w.either(a.oldpwd, b.oldpwd)
	if a.last.Know == 0 || b.last.Know == 0 {
		j.last = word.Word{}
	} else {
		j.last = w.either(a.last, b.last)
	}
	j.ended = a.ended || b.ended
	j.wide, j.lost = a.wide || b.wide, a.lost || b.lost
	if a.certain < b.certain {
		j.certain = a.certain
	} else {
		j.certain = b.certain
	}
	if !slices.EqualFunc(a.dirs, b.dirs, same) {
		j.dirs, j.nodirs = w.eitherStack(a.dirs, b.dirs), false
	}
	if !slices.EqualFunc(a.params, b.params, same) || a.more != b.more {
		if len(a.params) == len(b.params) && !a.more && !b.more {
			j.params = make([]word.Word, len(a.params))
			for i := range a.params {
				j.params[i] = w.either(a.params[i], b.params[i])
			}
		} else {
			j.params, j.more = nil, true
		}
	}
	j.own()
	j.at = joinMaps(a.at, b.at, func(_ int, x, y int, _, _ bool) int {
		if x == y {
			return x
		}
		return -1
	})
	j.atExit = w.eitherTrap(a.atExit, b.atExit)
	if a.getopt != b.getopt {
		j.getopt = getoptAt{lost: true}
	}
	j.vars = joinMaps(a.vars, b.vars, func(n string, x, y variable, inX, inY bool) variable {
		if !inX {
			x = w.before(a, n)
		}
		if !inY {
			y = w.before(b, n)
		}
		return w.eitherVar(x, y)
	})
	j.funcs = joinMaps(a.funcs, b.funcs, func(_ string, x, y *function, inX, inY bool) *function {
		if x == y && inX && inY {
			return x
		}
		f := x
		if f == nil {
			f = y
		}
		if f == nil {
			return nil
		}
		c := *f
		c.maybe = true
		return &c
	})
	j.aliases = joinMaps(a.aliases, b.aliases, func(_ string, x, y alias, inX, inY bool) alias {
		if inX && inY && x == y {
			return x
		}
		if !inX || x.gone {
			x = y
		}
		x.maybe = true
		return x
	})
	j.opts = joinMaps(a.opts, b.opts, func(n string, x, y bool, inX, inY bool) bool {
		if !inX {
			x = w.opt(a, n)
		}
		if !inY {
			y = w.opt(b, n)
		}
		return x && y
	})
	return j
}

// eitherStack is a directory stack that is one of two: pushd may have failed. As
// deep as the deeper one, since that it worked is what the line is written for.
func (w *walker) eitherStack(a, b []word.Word) []word.Word {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i := range b {
		out[i] = w.either(a[i], b[i])
	}
	return out
}

func joinMaps[K comparable, V any](a, b map[K]V, f func(K, V, V, bool, bool) V) map[K]V {
	if len(a) == 0 && len(b) == 0 {
		return nil
	}
	out := make(map[K]V, len(a)+len(b))
	for k, x := range a {
		y, in := b[k]
		out[k] = f(k, x, y, true, in)
	}
	for k, y := range b {
		if _, in := a[k]; !in {
			var x V
			out[k] = f(k, x, y, false, true)
		}
	}
	return out
}

func same(a, b word.Word) bool {
	return a.Know == b.Know && a.Many == b.Many && slices.Equal(a.Values, b.Values) && slices.Equal(a.Shape, b.Shape)
}

// either is a word that has the value of one of two.
func (w *walker) either(a, b word.Word) word.Word {
	if a.Know == 0 {
		return b
	}
	if b.Know == 0 || same(a, b) {
		return a
	}
	if a.Know == word.Unknown || b.Know == word.Unknown {
		src := a.Src
		if a.Know != word.Unknown {
			src = b.Src
		}
		return word.Hidden(src, word.Var)
	}
	vals := slices.Clone(a.Values)
	for _, v := range b.Values {
		if !slices.Contains(vals, v) {
			vals = append(vals, v)
		}
	}
	if len(vals) > w.lim.Values {
		return word.Hidden(a.Src, word.Var)
	}
	return word.Set(a.Src, a.Origin, vals...)
}

func (w *walker) eitherVar(a, b variable) variable {
	if a.state == VarUnset && b.state == VarUnset {
		return a
	}
	if a.state == VarUnknown || b.state == VarUnknown {
		return variable{state: VarUnknown, exported: a.exported && b.exported}
	}
	empty := word.Word{Know: word.Known, Values: []string{""}, Origin: word.FromVariable}
	if a.state == VarUnset {
		a, b = b, a
	}
	out := a
	if b.state == VarUnset {
		if a.isList || a.keys != nil {
			return variable{state: VarUnknown}
		}
		out.val, out.maybe = w.either(a.val, empty), true
		return out
	}
	if a.isList != b.isList || (a.keys != nil) != (b.keys != nil) {
		return variable{state: VarUnknown}
	}
	out.maybe = a.maybe || b.maybe
	if !a.isList && a.keys == nil {
		out.val = w.either(a.val, b.val)
	}
	out.integer, out.upper, out.lower = a.integer && b.integer, a.upper && b.upper, a.lower && b.lower
	out.readonly = a.readonly && b.readonly
	if a.nameref != b.nameref || a.integer != b.integer || a.upper != b.upper || a.lower != b.lower {
		return variable{state: VarUnknown}
	}
	if a.isList && (a.more != b.more || !slices.Equal(a.idx, b.idx) || !slices.EqualFunc(a.list, b.list, same)) {
		out.more = true
		out.list, out.idx = nil, nil
		if len(a.list) == len(b.list) && slices.Equal(a.idx, b.idx) && !a.more && !b.more {
			out.idx = a.idx
			out.more = false
			for i := range a.list {
				out.list = append(out.list, w.either(a.list[i], b.list[i]))
			}
		}
	}
	if a.keys != nil && (a.more != b.more || !maps.EqualFunc(a.keys, b.keys, same)) {
		out.more = true
		out.keys = map[string]word.Word{}
	}
	return out
}
