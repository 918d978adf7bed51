package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// tilde expands ~ and ~user at the beginning of a word.
func (w *walker) tilde(st *state, ps []piece, text string, more bool) ([]piece, string) {
	end := strings.IndexAny(text, "/:")
	if end < 0 {
		if more {
			return ps, text // ~"x" and ~$x are not expanded
		}
		end = len(text)
	}
	name, rest := text[1:end], text[end:]
	if strings.ContainsAny(name, "\\*?[{") {
		return ps, text
	}
	switch name {
	case "":
		return w.pieces(ps, w.home(st), true, word.FromVariable), rest
	case "+":
		return w.pieces(ps, w.scalar(st, "PWD"), true, word.FromVariable), rest
	case "-":
		return w.pieces(ps, w.oldpwd(st), true, word.FromVariable), rest
	}
	dir, err := st.ctx.files.Home(name)
	if err != nil || dir == "" {
		if name == "root" && st.ctx.place.Kind == Here {
			dir = "/root"
		} else {
			return append(ps, piece{hole: word.Var, src: "~" + name, quoted: true}), rest
		}
	}
	return append(ps, piece{text: dir, quoted: true, from: word.FromVariable}), rest
}

// home is what ~ and cd without an argument mean.
func (w *walker) home(st *state) word.Word {
	v := w.lookup(st, "HOME")
	if v.state == VarSet {
		return v.val
	}
	user := st.ctx.user
	if user != "?" && st.ctx.place.Kind != Remote && st.ctx.place.Kind != Container {
		if dir, err := st.ctx.files.Home(user); err == nil && dir != "" {
			return word.Word{Src: "~", Know: word.Known, Values: []string{dir}, Origin: word.FromVariable}
		}
	}
	return word.Hidden("~", word.Var)
}

func (w *walker) oldpwd(st *state) word.Word {
	if st.oldpwd.Know != 0 {
		return st.oldpwd
	}
	if v := w.lookup(st, "OLDPWD"); v.state == VarSet {
		return v.val
	}
	return word.Hidden("$OLDPWD", word.Var)
}

// tildes adds the parts of a value, where a tilde counts at the beginning and
// behind each colon: PATH=~/a:~/b.
func (w *walker) tildes(st *state, ps []piece, parts []syntax.WordPart) []piece {
	for i, p := range parts {
		l, ok := p.(*syntax.Lit)
		if !ok || w.holes != nil && strings.IndexByte(l.Value, holeOpen) >= 0 {
			ps = w.parts(st, ps, parts[i:i+1], false)
			continue
		}
		segs := strings.Split(l.Value, ":")
		for j, seg := range segs {
			if j > 0 {
				ps = append(ps, piece{text: ":"})
			}
			if strings.HasPrefix(seg, "~") && (j > 0 || i == 0) {
				ps, seg = w.tilde(st, ps, seg, j == len(segs)-1 && i < len(parts)-1)
			}
			ps = literal(ps, seg)
		}
	}
	return ps
}

// argument adds the parts of a word of a command. One that looks like an
// assignment, as of=~/x does, has its tildes expanded like one.
func (w *walker) argument(st *state, parts []syntax.WordPart) []piece {
	if len(parts) == 0 {
		return nil
	}
	l, ok := parts[0].(*syntax.Lit)
	if !ok || w.opt(st, "posix") {
		return w.parts(st, nil, parts, false)
	}
	name, val, ok := strings.Cut(l.Value, "=")
	if !ok || !isName(strings.TrimSuffix(name, "+")) || !hasTilde(parts) {
		return w.parts(st, nil, parts, false)
	}
	cp := *l
	cp.Value = val
	return w.tildes(st, literal(nil, name+"="), append([]syntax.WordPart{&cp}, parts[1:]...))
}

func hasTilde(parts []syntax.WordPart) bool {
	return slices.ContainsFunc(parts, func(p syntax.WordPart) bool {
		l, ok := p.(*syntax.Lit)
		return ok && strings.IndexByte(l.Value, '~') >= 0
	})
}
