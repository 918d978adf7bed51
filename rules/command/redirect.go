package command

import (
	"strconv"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// redirs expands redirections. The input is what standard input becomes, nil
// where it stays.
func (w *walker) redirs(st *state, rs []*syntax.Redirect) ([]Redir, *input) {
	if len(rs) == 0 {
		return nil, nil
	}
	var in *input
	out := make([]Redir, 0, len(rs))
	for _, r := range rs {
		d := Redir{FD: defaultFD[r.Op]}
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
				in = textInput(d.Target, "")
			}
		case syntax.WordHdoc:
			d.Kind = Text
			d.Target = w.value(st, r.Word)
			if d.FD == 0 {
				in = textInput(d.Target, "\n")
			}
		default:
			d.Kind = redirects[r.Op]
			d.Target = w.target(st, r.Word)
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
				in = &input{Input: Input{Kind: InputFile, Word: d.Target}}
				if d.Kind == Duplicate {
					in = &input{}
					if d.Target.Is("-") {
						in.Kind = InputClosed
					}
				}
			}
		}
		out = append(out, d)
		if r.Op == syntax.RdrAll || r.Op == syntax.AppAll || r.Op == syntax.DplOut && d.Kind == Out {
			// Both standard output and standard error; the second is a copy.
			out = append(out, Redir{FD: 2, Kind: Duplicate, Target: word.Lit("1")})
		}
	}
	return out, in
}

var defaultFD = map[syntax.RedirOperator]int{
	syntax.RdrOut: 1, syntax.AppOut: 1, syntax.RdrClob: 1, syntax.DplOut: 1, syntax.RdrAll: 1, syntax.AppAll: 1,
}

var redirects = map[syntax.RedirOperator]Redirect{
	syntax.RdrOut: Out, syntax.RdrAll: Out, syntax.AppOut: Append, syntax.AppAll: Append,
	syntax.RdrIn: In, syntax.RdrInOut: ReadWrite, syntax.RdrClob: Clobber,
	syntax.DplIn: Duplicate, syntax.DplOut: Duplicate,
}

func isFD(s string) bool {
	s = strings.TrimSuffix(s, "-")
	_, err := strconv.Atoi(s)
	return err == nil
}

// target is a redirection's word: more than one after expansion is an error
// in bash.
func (w *walker) target(st *state, x *syntax.Word) word.Word {
	ws := w.fields(st, nil, x)
	if len(ws) != 1 {
		return word.Hidden(w.source(x), word.Var)
	}
	ws[0].Many = false
	return ws[0]
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
