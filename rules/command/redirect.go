package command

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// redirs expands redirections. The input is what standard input becomes, nil
// where it stays.
func (w *walker) redirs(st *state, rs []*syntax.Redirect) ([]Redir, *input) {
	w.doubt = false
	if len(rs) == 0 {
		return nil, nil
	}
	number := func(in *input) *input {
		w.inputs++
		in.id, in.sub, in.guess = w.inputs, w.sub, w.guessing
		return in
	}
	doubt := false // an expansion below may walk redirections of its own
	defer func() { w.doubt = doubt }()
	var in *input
	out := make([]Redir, 0, len(rs))
	for _, r := range rs {
		d := Redir{FD: defaultFD(r.Op)}
		if r.N != nil {
			if n, err := strconv.Atoi(r.N.Value); err == nil {
				d.FD = n
			} else {
				d.FD = -1
			}
		}
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			body := r.Hdoc
			if r.Op == syntax.DashHdoc {
				body = untab(body)
			}
			d.Kind = Text
			d.Target = w.document(st, body, isQuoted(r.Word), w.source(r.Word))
			if d.FD == 0 {
				in = number(textInput(d.Target, ""))
			}
		case syntax.WordHdoc:
			d.Kind = Text
			d.Target = w.value(st, r.Word)
			if d.FD == 0 {
				in = number(textInput(d.Target, "\n"))
			}
		default:
			d.Kind = redirectOf(r.Op)
			var ambiguous bool
			d.Target, ambiguous = w.target(st, r.Word)
			doubt = doubt || ambiguous
			if d.Kind == Duplicate {
				if t, ok := d.Target.Value(); ok && t != "-" && !isFD(t) {
					if r.Op == syntax.DplIn {
						d.Kind = In
					} else {
						d.Kind = Out
					}
				}
			}
			if d.FD == 0 {
				in = number(&input{Input: Input{Kind: InputFile, Word: d.Target}})
				if d.Kind == Duplicate {
					in = &input{}
					if d.Target.Is("-") {
						in.Kind = InputClosed
					} else if from, ok := descriptor(st, out, d.Target); ok {
						in = number(&from)
					}
				}
			}
		}
		doubt = doubt || w.cannotOpen(st, d)
		out = append(out, d)
		if r.Op == syntax.RdrAll || r.Op == syntax.AppAll || r.Op == syntax.DplOut && d.Kind == Out {
			// Both standard output and standard error; the second is a copy.
			out = append(out, Redir{FD: 2, Kind: Duplicate, Target: word.Lit("1")})
		}
	}
	return out, in
}

// readFrom is what a redirection gives to read.
func readFrom(r Redir) (input, bool) {
	switch r.Kind {
	case Text:
		return *textInput(r.Target, "\n"), true
	case In:
		return input{Input: Input{Kind: InputFile, Word: r.Target}}, true
	}
	return input{}, false
}

// descriptor is what can be read from the descriptor that a word names: opened
// by the command itself, or by exec before it.
func descriptor(st *state, own []Redir, x word.Word) (input, bool) {
	v, _ := x.Value()
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(v, "/dev/fd/"), "/proc/self/fd/"))
	if err != nil || n < 3 {
		return input{}, false
	}
	for _, r := range slices.Backward(own) {
		if r.FD == n {
			return readFrom(r)
		}
	}
	in, ok := st.ctx.fds[n]
	return in, ok
}

// defaultFD is the descriptor that an operator changes where none is named.
func defaultFD(op syntax.RedirOperator) int {
	switch op {
	case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.DplOut, syntax.RdrAll, syntax.AppAll:
		return 1
	}
	return 0
}

// redirectOf is what an operator does to it.
func redirectOf(op syntax.RedirOperator) Redirect {
	switch op {
	case syntax.RdrOut, syntax.RdrAll:
		return Out
	case syntax.AppOut, syntax.AppAll:
		return Append
	case syntax.RdrIn:
		return In
	case syntax.RdrInOut:
		return ReadWrite
	case syntax.RdrClob:
		return Clobber
	case syntax.DplIn, syntax.DplOut:
		return Duplicate
	}
	return 0
}

func isFD(s string) bool {
	s = strings.TrimSuffix(s, "-")
	_, err := strconv.Atoi(s)
	return err == nil
}

// target is a redirection's word: none or more than one after expansion is an
// error in bash, and the command does not run.
func (w *walker) target(st *state, x *syntax.Word) (target word.Word, ambiguous bool) {
	ws := w.fields(st, nil, x)
	if len(ws) != 1 {
		return word.Hidden(w.source(x), word.Var), true
	}
	several := ws[0].Many && ws[0].Origin == word.FromGlob
	ws[0].Many = false
	return ws[0], several
}

// cannotOpen reports whether a redirection fails as things stand: then its
// command does not run. What the line itself names before may be there by then.
func (w *walker) cannotOpen(st *state, d Redir) bool {
	if st.cwd.Know == word.OneOf {
		// In one of the directories is enough for a doubt.
		one := st.clone()
		return slices.ContainsFunc(st.cwd.Values, func(dir string) bool {
			one.cwd = word.Lit(dir)
			return w.cannotOpen(one, d)
		})
	}
	p, ok := d.Target.Value()
	if !ok || d.Kind == Text || d.Kind == Duplicate || st.ctx.place.Kind != Here {
		return false
	}
	if p == "" || d.Kind != In && strings.HasSuffix(p, "/") {
		return true
	}
	p, ok = absolute(st.cwd, p)
	if !ok || strings.HasPrefix(p, "/dev/tcp/") || strings.HasPrefix(p, "/dev/udp/") || strings.HasPrefix(p, "/dev/fd/") || strings.HasPrefix(p, "/dev/std") {
		return false // bash opens these itself
	}
	if d.Kind == Out && w.opt(st, "noclobber") {
		if _, err := st.ctx.files.Real(path.Clean(p)); err == nil && !strings.HasPrefix(p, "/dev/") {
			return true // it is there, and stays
		}
	}
	if d.Kind != In {
		p = path.Dir(p)
	}
	return w.missing(st, p)
}

// missing reports whether a path is known to lead nowhere, and nothing that the
// line starts before names it.
func (w *walker) missing(st *state, p string) bool {
	if _, err := st.ctx.files.Real(path.Clean(p)); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	base := path.Base(p)
	named := func(x word.Word) bool { return strings.Contains(x.String(), base) }
	for i := range w.line.Actions { // the last first: it is mostly that
		a := &w.line.Actions[len(w.line.Actions)-1-i]
		if slices.ContainsFunc(a.Redirs, func(r Redir) bool { return r.Kind == In && path.Base(r.Target.String()) == base }) {
			continue // it would not have run itself
		}
		if !a.Wrapper && slices.ContainsFunc(a.Args(), named) || slices.ContainsFunc(a.Redirs, func(r Redir) bool {
			return r.Kind != In && path.Base(r.Target.String()) == base
		}) {
			return false
		}
	}
	return true
}

// doubted walks a command that a redirection of its own may keep from running.
func (w *walker) doubted(st *state, f func(*state) result) result {
	if !w.doubt {
		return f(st)
	}
	w.doubt = false
	was := st.clone()
	r := w.branch(st, true, f)
	return result{ok: r.ok, fail: w.join(r.fail, was)}
}

func textInput(text word.Word, end string) *input {
	in := &input{Input: Input{Kind: InputText, Word: text}}
	if s, ok := text.Value(); ok {
		in.known, in.text = true, s+end
	}
	return in
}

// isQuoted reports whether a here-document's delimiter is quoted.
func isQuoted(x *syntax.Word) bool {
	for _, p := range x.Parts {
		l, ok := p.(*syntax.Lit)
		if !ok || strings.IndexByte(l.Value, '\\') >= 0 {
			return true
		}
	}
	return false
}

// untab takes the leading tabs off the lines of a <<- document.
func untab(x *syntax.Word) *syntax.Word {
	if x == nil {
		return nil
	}
	cp := &syntax.Word{}
	start := true
	for _, p := range x.Parts {
		l, ok := p.(*syntax.Lit)
		if !ok {
			start = false
			cp.Parts = append(cp.Parts, p)
			continue
		}
		var b strings.Builder
		for i := 0; i < len(l.Value); i++ {
			c := l.Value[i]
			if start && c == '\t' {
				continue
			}
			start = c == '\n'
			b.WriteByte(c)
		}
		n := *l
		n.Value = b.String()
		cp.Parts = append(cp.Parts, &n)
	}
	return cp
}
