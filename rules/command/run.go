package command

import (
	"maps"
	"strings"

	"guardsh/rules/word"
)

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

var execOptions = grammar{style: exact, text: "-c : clean\n-l : login\n-a =name"}

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
			if in, ok := readFrom(r); ok && r.FD > 2 {
				c.fds = maps.Clone(c.fds)
				if c.fds == nil {
					c.fds = map[int]input{}
				}
				c.fds[r.FD] = in
			}
			if r.FD == 1 && r.Kind != In && r.Kind != Text {
				c.hidden = true
			}
		}
		st.ctx = &c
		return both(st)
	}
	if st.ctx.top && st.sure() == Certain {
		w.line.Ends = true
	}
	w.under(st, l, "exec", a.Operands, func(s *state, _ *context) {
		if a.Has("clean") {
			s.vars = nil
			s.ctx.env, s.lost = envNone, false
		}
	})
	if w.opt(st, "execfail") {
		st.certain = Possible
		return failure(st)
	}
	w.exits++
	return result{}
}

var commandOptions = grammar{style: exact, text: "-p\n-v : ask\n-V : ask"}

func (w *walker) command(st *state, l launch, i int) result {
	a := commandOptions.Read(l.argv[1:])
	if a.Has("ask") || len(a.Operands) == 0 {
		if i >= 0 {
			w.line.Actions[i].Wrapper = false
		}
		return both(st)
	}
	m := l
	m.argv, m.nofunc, m.only, m.redirs, m.assigns = a.Operands, true, false, nil, nil
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
		c.connect(l)
	}, func() result { return w.start(st, m) })
}
