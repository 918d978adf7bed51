package command

import (
	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

func (w *walker) pipeline(st *state, b *syntax.BinaryCmd) result {
	type stage struct {
		s   *syntax.Stmt
		all bool // its standard error goes into the pipe too
	}
	stages := []stage{{s: b.Y}}
	first, all := b.X, b.Op == syntax.PipeAll
	for {
		x, ok := first.Cmd.(*syntax.BinaryCmd)
		if !ok || x.Op != syntax.Pipe && x.Op != syntax.PipeAll || first.Negated || first.Background || len(first.Redirs) > 0 {
			break
		}
		stages = append(stages, stage{x.Y, all})
		first, all = x.X, x.Op == syntax.PipeAll
	}
	stages = append(stages, stage{first, all})
	in := st.ctx.stdin
	certain, ended := st.certain, st.ended
	outer := *st
	sure := w.alone(&outer, st)
	var last result
	w.forking++
	end := w.fork()
	var before []int
	for i := len(stages) - 1; i >= 0; i-- {
		from := len(w.line.Actions)
		sub := st
		if i > 0 || !w.opt(st, "lastpipe") {
			sub = st.child()
		}
		last = w.inContext(sub, func(c *context) {
			c.top = false
			c.stdin = in
			if i > 0 {
				c.hidden = false
			}
		}, func() result {
			if r := w.stmt(sub, stages[i].s); sub == st {
				return r
			} else {
				return w.leaves(r)
			}
		})
		if i < len(stages)-1 {
			w.connect(before, from, in.pipe)
		}
		if i == 0 {
			break
		}
		w.pipes++
		text, known := w.written(from)
		before = w.writers(from)
		in = input{Input: Input{Kind: InputPipe, From: before}, pipe: w.pipes, known: known, text: text, sub: w.sub, guess: w.guessing}
		w.inputs++
		in.id = w.inputs
		if known {
			in.Word = word.Word{Src: text, Know: word.Known, Values: []string{text}, Origin: word.FromInput}
		}
	}
	w.forking--
	end()
	sure()
	st.certain, st.ended = certain, ended
	last.each(func(s *state) { s.certain, s.ended = certain, s.ended || ended })
	if w.opt(st, "pipefail") {
		return both(st)
	}
	return outcome(st, last)
}

// writers lists the actions from index on that write into the pipe behind them.
func (w *walker) writers(from int) []int {
	var out []int
	for i := from; i < len(w.line.Actions); i++ {
		if !w.meta[i].hidden && len(w.line.Actions[i].PipeTo) == 0 && len(w.line.Actions[i].Argv) > 0 {
			out = append(out, i)
		}
	}
	return out
}

// connect tells the writers of a pipe who reads it.
func (w *walker) connect(writers []int, from, pipe int) {
	var readers []int
	for i := from; i < len(w.line.Actions); i++ {
		if w.meta[i].pipe == pipe {
			readers = append(readers, i)
		}
	}
	for _, i := range writers {
		w.line.Actions[i].PipeTo = readers
	}
}
