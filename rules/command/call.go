package command

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// launch is one simple command, ready to start.
type launch struct {
	argv    []word.Word
	redirs  []Redir
	assigns []Assign
	in      *input // nil: what the context has
	at      position
	exec    bool // started by a program, not by the shell: no functions, no builtins
	nofunc  bool // behind command or builtin
	only    bool // behind builtin: nothing but builtins
}

// call walks a simple command.
func (w *walker) call(st *state, s *syntax.Stmt, c *syntax.CallExpr) result {
	if len(c.Args) > 0 {
		if r, done := w.alias(st, s, c); done {
			return r
		}
	}
	if r, done := w.cases(st, c.Args, func(st *state) result { return w.call(st, s, c) }); done {
		return r
	}
	at := w.where(c.Pos())
	w.status = false
	sinks := len(w.sinks)
	var argv []word.Word
	if len(c.Args) > 0 {
		argv = w.words(st, c.Args)
	}
	redirs, in := w.redirs(st, s.Redirs)
	if len(argv) == 0 {
		for _, a := range c.Assigns {
			w.assign(st, a, false)
		}
		if w.fatal != 0 {
			return w.failed(st)
		}
		st.last = word.Lit("")
		if len(redirs) > 0 {
			w.emit(st, Action{Redirs: redirs}, at)
			return both(st)
		}
		if w.status || len(c.Args) > 0 {
			return both(st)
		}
		return success(st)
	}
	doubt := w.doubt
	l := launch{argv: argv, redirs: redirs, in: in, at: at}
	for _, a := range c.Assigns {
		v := w.assigned(st, a.Value)
		if a.Append {
			v = w.concat(w.scalar(st, a.Name.Value), v)
		}
		l.assigns = append(l.assigns, Assign{Name: a.Name.Value, Value: v})
	}
	if w.fatal != 0 {
		return w.failed(st)
	}
	w.doubt = doubt
	from := len(w.line.Actions)
	r := w.doubted(st, func(st *state) result { return w.start(st, l) })
	r.behind(argv)
	if len(w.coprocs) > 0 {
		w.toCoproc(s, from)
	}
	if len(w.sinks) > sinks {
		w.fill(s, from, sinks)
	}
	return r
}

// coproc is a shell that reads what the line writes to a coprocess.
type coproc struct {
	st   *state
	l    launch
	base string
}

// toCoproc walks what a command writes into a coprocess that is a shell.
func (w *walker) toCoproc(s *syntax.Stmt, from int) {
	for _, r := range s.Redirs {
		name := ""
		syntax.Walk(r.Word, func(n syntax.Node) bool {
			if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil && p.Index != nil && w.source(p.Index) == "1" {
				name = p.Param.Value
			}
			return true
		})
		c, ok := w.coprocs[name]
		if !ok || r.Op != syntax.DplOut && r.Op != syntax.RdrOut {
			continue
		}
		var b strings.Builder
		for i := from; i < len(w.line.Actions); i++ {
			if len(w.line.Actions[i].PipeTo) == 0 {
				text, _ := w.output(i)
				b.WriteString(text)
			}
		}
		if b.Len() > 0 && b.Len() < MaxText {
			w.shellCode(c.st, c.l, c.base, word.Lit(b.String()), func(s *state, x *context) {
				s.certain = Possible
				x.stdin = input{}
			})
		}
	}
}

// behind is what a command leaves in $_: its last word, or nothing that is
// known where that may be none or several.
func (r result) behind(argv []word.Word) {
	last := word.Word{}
	if n := len(argv); n > 0 && !argv[n-1].Many {
		last = argv[n-1]
	}
	r.each(func(s *state) { s.last = last })
}

// concat joins two words to one.
func (w *walker) concat(a, b word.Word) word.Word {
	return w.one(w.pieces(w.pieces(nil, a, true, a.Origin), b, true, b.Origin), a.Src+b.Src)
}

// alias expands an alias as bash does while it reads.
func (w *walker) alias(st *state, s *syntax.Stmt, c *syntax.CallExpr) (result, bool) {
	if len(c.Args[0].Parts) != 1 {
		return result{}, false
	}
	lit, ok := c.Args[0].Parts[0].(*syntax.Lit)
	if !ok || strings.IndexByte(lit.Value, '\\') >= 0 || w.depth > w.lim.Depth {
		return result{}, false
	}
	a, late, ok := w.findAlias(st, lit.Value)
	if !ok {
		return result{}, false
	}
	for _, f := range w.calls {
		if f.name == "alias "+lit.Value {
			return result{}, false
		}
	}
	// What follows the alias's name is put behind its body and the whole is
	// read again.
	end := s.End().Offset()
	if s.Semicolon.IsValid() {
		end = s.Semicolon.Offset()
	}
	from := c.Args[0].End().Offset()
	if end < from || int(end) > len(w.src) || w.spliced != nil {
		end = from
	}
	rest := w.src[from:end]
	before := ""
	if len(c.Assigns) > 0 {
		before = w.src[c.Assigns[0].Pos().Offset():c.Args[0].Pos().Offset()]
	}
	if strings.HasSuffix(a.body, " ") && len(c.Args) > 1 && end > from {
		// A body that ends in a blank has the next word looked up too.
		if next := c.Args[1].Lit(); next != "" {
			if b, _, ok := w.findAlias(st, next); ok {
				rest = w.src[from:c.Args[1].Pos().Offset()] + b.body + w.src[c.Args[1].End().Offset():end]
			}
		}
	}
	at := w.where(c.Args[0].Pos())
	into := st
	if late {
		// bash does not know it yet. What it would do is shown all the same: the
		// line may be typed again, or in two.
		into = st.child()
		into.certain = Possible
	}
	w.calls = append(w.calls, &frame{name: "alias " + lit.Value, sub: -1})
	r := w.inContext(into, func(x *context) { x.via = with(x.via, "alias "+lit.Value) }, func() result {
		return w.inline(into, before+a.body+rest, at)
	})
	w.calls = w.calls[:len(w.calls)-1]
	if late {
		return result{}, false
	}
	if a.maybe {
		r = both(w.join(r.ok, r.fail))
	}
	return r, true
}

// findAlias looks an alias up. One that was set on this very line, or behind the
// function that names it, comes too late.
func (w *walker) findAlias(st *state, name string) (a alias, late, ok bool) {
	newest, here := st.aliases[name]
	a, ok = newest, here
	for ok && a.unit >= w.unit {
		if ok = a.was != nil; ok {
			a = *a.was
		}
	}
	if ok {
		return a, false, !a.gone && w.opt(st, "expand_aliases")
	}
	if !st.ctx.shell || w.unit < 0 {
		return alias{}, false, false
	}
	if body, set := w.shell.Alias(name); set {
		return alias{body: body}, false, true
	}
	return newest, true, here && !newest.gone && w.opt(st, "expand_aliases")
}

// with is a copy of via with one more.
func with(via []string, name string) []string {
	return append(via[:len(via):len(via)], name)
}

// start starts a command: a function, a builtin, a wrapper or a program.
func (w *walker) start(st *state, l launch) result {
	w.steps++
	if w.tooFar() {
		return both(st)
	}
	first := l.argv[0]
	name, known := first.Value()
	if !known {
		return w.startUnknown(st, l)
	}
	if !l.exec && !l.nofunc {
		if f, ok := w.findFunc(st, name); ok {
			w.others(st, l, name, f)
			if f.maybe {
				w.branch(st.clone(), true, func(s *state) result {
					m := l
					m.nofunc = true
					return w.start(s, m)
				})
				was := st.clone()
				r := w.branch(st, true, func(s *state) result { return w.invoke(s, l, name, f) })
				return both(w.join(was, w.join(r.ok, r.fail)))
			}
			return w.invoke(st, l, name, f)
		}
	}
	if !l.exec {
		if b, ok := builtinNamed(name); ok && !w.disabled(st, name) {
			i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Builtin: true, Wrapper: b.wrapper}, l.at)
			if b.run == nil {
				return b.result(st)
			}
			if len(l.assigns) == 0 {
				return b.run(w, st, l, i)
			}
			// They count for the builtin and are gone behind it.
			fr := &frame{}
			for _, a := range l.assigns {
				fr.save(st, a.Name)
				st.set(a.Name, variable{state: VarSet, val: a.Value, exported: true})
			}
			r := b.run(w, st, l, i)
			r.part()
			r.each(fr.restore)
			return r
		}
		if l.only {
			return failure(st)
		}
	}
	return w.program(st, l, name)
}

func (w *walker) disabled(st *state, name string) bool { return st.opts["disabled "+name] }

func stdin(in *input) Input {
	if in == nil {
		return Input{}
	}
	return in.Input
}

// program starts a program by its name or path.
func (w *walker) program(st *state, l launch, name string) result {
	if r, done := w.handled(st, l, name); done {
		return r
	}
	r := w.programOf(st, l, name)
	w.called(st, l, path.Base(name))
	return r
}

func (w *walker) programOf(st *state, l launch, name string) result {
	base := path.Base(name)
	if wr := wrapperOf(base); wr != nil {
		return wr(w, st, l, base)
	}
	if isShell(base) {
		return w.shellProgram(st, l, base)
	}
	lang := languageOf(base)
	file := ""
	if lang == nil {
		file = w.programFile(st, name)
		if other := w.otherName(st, file, base); other != "" {
			l.argv = append([]word.Word{{Src: l.argv[0].Src, Know: word.Known, Values: []string{other}}}, l.argv[1:]...)
			return w.programOf(st, l, other)
		}
	}
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if i >= 0 {
		w.carries(st, l, base)
		w.tells(st, l, i, base)
		if read := codeReader(base); read != nil {
			read(w, st, l, i, base)
		}
		if lang != nil {
			w.interpret(st, l, i, lang, base)
		} else if file != "" && !w.below {
			w.script(st, l, i, name, file)
		}
	}
	return both(st)
}

// handled starts command_not_found_handle in the place of a program that is not
// there, where the line defines it.
func (w *walker) handled(st *state, l launch, name string) (result, bool) {
	const handle = "command_not_found_handle"
	f := st.funcs[handle]
	if f == nil || l.exec || strings.Contains(name, "/") || st.ctx.place.Kind != Here {
		return result{}, false
	}
	dirs := ""
	if v := w.lookup(st, "PATH"); v.state == VarSet {
		dirs, _ = v.val.Value()
	}
	_, err := st.ctx.files.LookPath(name, dirs)
	if err == nil {
		return result{}, false
	}
	m := launch{argv: append(word.Lits(handle), l.argv...), redirs: l.redirs, assigns: l.assigns, in: l.in, at: l.at}
	// It runs in a process of its own.
	sub := st.child()
	if !errors.Is(err, fs.ErrNotExist) {
		sub.certain = Possible
	}
	end := w.fork()
	r := w.inContext(sub, func(c *context) { c.top = false }, func() result { return w.leaves(w.invoke(sub, m, handle, f)) })
	end()
	return outcome(st, r), errors.Is(err, fs.ErrNotExist)
}

// programFile is the file that a name starts; "" where that cannot be told, and
// for the system's own, which are what their names say.
func (w *walker) programFile(st *state, name string) string {
	switch st.ctx.place.Kind {
	case Remote, Container, Chroot:
		return ""
	}
	if strings.Contains(name, "/") {
		return name
	}
	if w.below {
		return ""
	}
	p := ""
	if v := w.lookup(st, "PATH"); v.state == VarSet {
		p, _ = v.val.Value()
	}
	found, err := st.ctx.files.LookPath(name, p)
	if err != nil || systemDir(path.Dir(found)) {
		return ""
	}
	return found
}

// otherName is the program that a file is under a name that says nothing: a
// copy, a link; "" for all others.
func (w *walker) otherName(st *state, file, base string) string {
	if file == "" {
		return ""
	}
	if from := w.copyOf(st, file); from != "" {
		return from
	}
	p, ok := absolute(st.cwd, file)
	if !ok || systemDir(path.Dir(p)) {
		return ""
	}
	names := st.ctx.files.Program(p)
	if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return path.Base(n) == base }) {
		return ""
	}
	return names[0]
}

// startUnknown starts a command whose name is not known.
func (w *walker) startUnknown(st *state, l launch) result {
	first := l.argv[0]
	if first.Know == word.OneOf && len(first.Values) <= 8 {
		var r result
		for _, v := range first.Values {
			m := l
			m.argv = append([]word.Word{{Src: first.Src, Know: word.Known, Values: []string{v}, Origin: first.Origin}}, l.argv[1:]...)
			one := w.branch(st.clone(), true, func(s *state) result { return w.start(s, m) })
			r = result{w.join(r.ok, one.ok), w.join(r.fail, one.fail)}
		}
		return r
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if v, ok := first.Otherwise(); ok && v != "" {
		// ${CMD:-crontab} -r: what it is where nobody says otherwise.
		m := l
		m.argv = append([]word.Word{{Src: first.Src, Know: word.Known, Values: []string{v}, Origin: first.Origin}}, l.argv[1:]...)
		m.redirs = nil
		w.branch(st.clone(), true, func(s *state) result { return w.start(s, m) })
		return both(st)
	}
	// $SUDO rm x: what cannot be seen may be nothing, or a wrapper.
	if first.Many && len(l.argv) > 1 {
		if _, ok := l.argv[1].Value(); ok {
			m := l
			m.argv, m.redirs = l.argv[1:], nil
			sub := st.clone()
			w.branch(sub, true, func(s *state) result {
				return w.inContext(s, func(c *context) { c.via, c.top = with(c.via, first.Src), false }, func() result { return w.start(s, m) })
			})
		}
	}
	r := both(st)
	return r
}
