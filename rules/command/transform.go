package command

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// transforms are the operators of ${x@…} that depend on the value alone.
var transforms = sync.OnceValue(func() map[string]func(string) (string, bool) {
	return map[string]func(string) (string, bool){
		"U": func(s string) (string, bool) { return strings.ToUpper(s), true },
		"L": func(s string) (string, bool) { return strings.ToLower(s), true },
		"u": func(s string) (string, bool) { return first(s, unicode.ToUpper), true },
		"E": func(s string) (string, bool) { return ansiC(s), true },
		"Q": func(s string) (string, bool) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", strings.IndexFunc(s, unicode.IsControl) < 0
		},
	}
})

func first(s string, f func(rune) rune) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return string(f(r[0])) + string(r[1:])
}

// capitals is ${x^}, ${x,,} and the like: of each character that the pattern
// matches, all of them where there is none.
func (w *walker) capitals(st *state, pe *syntax.ParamExp) (func(string) (string, bool), bool) {
	op := pe.Exp.Op
	change := unicode.ToLower
	if op == syntax.UpperAll || op == syntax.UpperFirst {
		change = unicode.ToUpper
	}
	pat := ""
	if pe.Exp.Word != nil && len(pe.Exp.Word.Parts) > 0 {
		var ok bool
		if pat, ok = w.pattern(st, pe.Exp.Word); !ok {
			return nil, false
		}
	}
	return func(s string) (string, bool) {
		known := true
		one := func(c rune) rune {
			if pat == "" {
				return change(c)
			}
			m, ok := match(pat, string(c))
			known = known && ok
			if m {
				return change(c)
			}
			return c
		}
		if op == syntax.UpperFirst || op == syntax.LowerFirst {
			s = first(s, one)
		} else {
			s = strings.Map(one, s)
		}
		return s, known
	}, true
}

// substitute is what ${x/…/with} puts in: text, with the text that was matched
// at each gap.
type substitute []string

func (r substitute) text(matched string) string { return strings.Join(r, matched) }

// replacement reads what a pattern is replaced by. An unquoted & stands for what
// was matched where the option patsub_replacement is on, as it is from bash 5.2
// on: where that is not known there are two answers.
func (w *walker) replacement(st *state, x *syntax.Word) ([]substitute, bool) {
	if x == nil {
		return []substitute{{""}}, true
	}
	var plain strings.Builder
	gaps := substitute{""}
	for _, p := range w.parts(st, nil, x.Parts, false) {
		if p.hole != word.NoHole || p.alts != nil {
			return nil, false
		}
		if p.sep {
			p.text = " "
		}
		plain.WriteString(p.text)
		runs := []string{p.text}
		if !p.quoted {
			runs = strings.Split(p.text, "&")
		}
		gaps[len(gaps)-1] += runs[0]
		gaps = append(gaps, runs[1:]...)
	}
	both := []substitute{gaps, {plain.String()}}
	if len(gaps) == 1 {
		return both[:1], true
	}
	on, known := st.opts["patsub_replacement"]
	if !known && st.ctx.shell {
		on, known = w.shell.Option("patsub_replacement")
	}
	switch {
	case !known:
		return both, true
	case on:
		return both[:1], true
	}
	return both[1:], true
}

// anchored splits a pattern to be replaced from the # or % that ties it to one
// end. A quoted one is no such sign.
func anchored(pat string, x *syntax.Word, all bool) (byte, string) {
	if all || pat == "" || pat[0] != '#' && pat[0] != '%' || x == nil || len(x.Parts) == 0 {
		return 0, pat
	}
	if l, ok := x.Parts[0].(*syntax.Lit); !ok || l.Value == "" || l.Value[0] == '\\' {
		return 0, pat
	}
	return pat[0], pat[1:]
}

// ownNames are how the names of variables begin that bash sets itself: whether
// they are set is not known.
var ownNames = [...]string{
	"BASH", "COLUMNS", "COMP", "COPROC", "DIRSTACK", "EPOCH", "EUID", "FUNCNAME", "FUNCNEST", "GROUPS", "HIST", "HOST", "IFS", "LINENO", "LINES", "MACHTYPE", "MAPFILE", "OLDPWD", "OPT", "OSTYPE", "PATH", "PIPESTATUS", "PPID", "PROMPT", "PS", "PWD", "RANDOM", "READLINE", "REPLY", "SECONDS", "SHELL", "SHLVL", "SRANDOM", "TERM", "TIMEFORMAT", "UID", "_",
}

// prefixed is ${!prefix*} and ${!prefix@}: the names of the variables that are
// set and begin so.
func (w *walker) prefixed(st *state, ps []piece, pe *syntax.ParamExp, quoted bool, src string) []piece {
	hole := append(slices.Clip(ps), piece{hole: word.Var, src: src, many: true, quoted: quoted})
	prefix := pe.Param.Value
	for _, own := range ownNames {
		if strings.HasPrefix(own, prefix) || strings.HasPrefix(prefix, own) {
			return hole
		}
	}
	if st.lost {
		return hole
	}
	set := map[string]bool{}
	switch st.ctx.env {
	case envShell, envExported:
		s, ok := w.shell.(*StaticShell)
		if !ok {
			return hole
		}
		environ := s.environ()
		if environ == nil {
			return hole
		}
		for _, e := range environ {
			name, _, _ := strings.Cut(e, "=")
			set[name] = true
		}
	case envUnknown:
		return hole
	case envNone:
	}
	for name := range st.vars {
		set[name] = true
	}
	var names []string
	for name := range set {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		switch w.lookup(st, name).state {
		case VarSet:
			names = append(names, name)
		case VarUnknown:
			return hole
		case VarUnset:
		}
	}
	slices.Sort(names)
	if !slices.IsSortedFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		return hole // the order is that of the locale
	}
	sep := piece{sep: true}
	if pe.Names == syntax.NamesPrefix && quoted {
		ifs, ok := w.ifs(st)
		if !ok {
			return hole
		}
		sep = piece{quoted: true, text: ifs[:min(1, len(ifs))]}
	}
	for i, n := range names {
		if i > 0 {
			ps = append(ps, sep)
		}
		ps = append(ps, piece{text: n, quoted: quoted, split: !quoted, from: word.FromVariable})
	}
	return ps
}

// attributes is ${x@a}.
func (w *walker) attributes(st *state, ps []piece, name string, quoted bool, src string) []piece {
	v := w.resolved(st, name)
	if _, here := st.vars[name]; v.state == VarUnknown || !here && st.ctx.env != envNone {
		return append(ps, piece{hole: word.Var, src: src, quoted: quoted, many: !quoted})
	}
	text := ""
	for _, a := range []struct {
		on     bool
		letter string
	}{{v.isList, "a"}, {v.keys != nil, "A"}, {v.integer, "i"}, {v.readonly, "r"}, {v.exported, "x"}, {v.lower, "l"}, {v.upper, "u"}} {
		if a.on {
			text += a.letter
		}
	}
	return append(ps, piece{text: text, quoted: quoted, split: !quoted, from: word.FromVariable})
}

// fallbackParts are the parts of the word behind :- and the like. Inside double
// quotes single quotes are text, though the tree has them as quotes.
func fallbackParts(x *syntax.Word, quoted bool) []syntax.WordPart {
	if x == nil {
		return nil
	}
	if !quoted {
		return x.Parts
	}
	var out []syntax.WordPart
	for _, p := range x.Parts {
		q, ok := p.(*syntax.SglQuoted)
		if !ok || q.Dollar {
			out = append(out, p)
			continue
		}
		out = append(out, &syntax.Lit{Value: "'"})
		if f, err := parseText("x \"" + q.Value + "\""); err == nil && len(f.Stmts) == 1 {
			if c, ok := f.Stmts[0].Cmd.(*syntax.CallExpr); ok && len(c.Args) == 2 {
				if d, ok := c.Args[1].Parts[0].(*syntax.DblQuoted); ok && len(c.Args[1].Parts) == 1 {
					out = append(out, d.Parts...)
				}
			}
		}
		out = append(out, &syntax.Lit{Value: "'"})
	}
	return out
}
