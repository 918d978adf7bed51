package command

import (
	"strings"

	"guardsh/rules/word"
)

// tildes expands a tilde at the beginning of a word; in one that looks like an
// assignment also behind the equals sign and behind each colon.
func (w *walker) tildes(st *state, ps []piece, text string, more bool) ([]piece, string) {
	if strings.HasPrefix(text, "~") {
		return w.tilde(st, ps, text, more)
	}
	eq := strings.IndexByte(text, '=')
	if eq < 0 || !isName(text[:eq]) || !strings.Contains(text, "=~") && !strings.Contains(text, ":~") {
		return ps, text
	}
	ps = append(ps, piece{text: text[:eq+1]})
	segs := strings.Split(text[eq+1:], ":")
	for i, seg := range segs {
		if i > 0 {
			ps = append(ps, piece{text: ":"})
		}
		if strings.HasPrefix(seg, "~") {
			ps, seg = w.tilde(st, ps, seg, more && i == len(segs)-1)
		}
		if i == len(segs)-1 {
			return ps, seg
		}
		ps = literal(ps, seg)
	}
	return ps, ""
}

// tilde expands ~ and ~user at the beginning of a word.
func (w *walker) tilde(st *state, ps []piece, text string, more bool) ([]piece, string) {
	end := strings.IndexByte(text, '/')
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
		return w.pieces(ps, st.cwd, true, word.FromVariable), rest
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
