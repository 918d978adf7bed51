package command

import (
	"strings"

	"guardsh/rules/word"
)

// before is a variable that the line did not set on one of two ways.
func (w *walker) before(st *state, name string) variable {
	if name == "IFS" {
		if v, ok := w.ifs(st); ok {
			return variable{state: VarSet, val: word.Lit(v)}
		}
		return variable{state: VarUnknown}
	}
	return w.lookup(st, name)
}

// ifs is the characters that split unquoted expansions.
func (w *walker) ifs(st *state) (string, bool) {
	v, ok := st.vars["IFS"]
	if !ok {
		if !st.ctx.shell {
			return " \t\n", true
		}
		// IFS is never imported from the environment; only a live shell may
		// have another.
		if v = w.lookup(st, "IFS"); v.exported {
			return " \t\n", true
		}
	}
	switch v.state {
	case VarSet:
		return v.val.Value()
	case VarUnset, VarUnknown:
		if v.state == VarUnknown && ok {
			return "", false
		}
	}
	return " \t\n", true
}

// finishAll splits pieces into words and matches patterns.
func (w *walker) finishAll(st *state, out []word.Word, ps []piece, src string) []word.Word {
	needSplit := false
	for i := range ps {
		if ps[i].split || ps[i].sep {
			needSplit = true
			break
		}
	}
	if !needSplit {
		if len(ps) == 0 {
			return out
		}
		return w.finish(st, out, ps, src)
	}
	ifs, known := w.ifs(st)
	var cur []piece
	has := false
	flush := func() {
		if has {
			out = w.finish(st, out, cur, src)
		}
		cur, has = nil, false
	}
	for _, p := range ps {
		switch {
		case p.sep:
			flush()
		case p.hole != word.NoHole:
			cur, has = append(cur, p), true
		case p.alts != nil:
			if p.split && (!known || splits(p.alts, ifs)) {
				p = piece{hole: word.Var, src: p.src, many: true}
			}
			cur, has = append(cur, p), true
		case !p.split || p.quoted:
			cur = append(cur, p)
			has = has || p.quoted || p.text != ""
		case !known:
			cur, has = append(cur, piece{hole: word.Var, src: src, many: true}), true
		default:
			fs, lead, trail := splitIFS(p.text, ifs)
			if lead && len(cur) > 0 {
				flush()
			}
			for i, f := range fs {
				if i > 0 {
					flush()
				}
				// A field may be empty where IFS holds other than blanks.
				cur, has = append(cur, piece{text: f, printed: p.printed, from: p.from}), true
			}
			if trail && len(fs) > 0 {
				flush()
			}
		}
	}
	flush()
	return out
}

func splits(alts []string, ifs string) bool {
	for _, a := range alts {
		if a == "" || ifs != "" && strings.ContainsAny(a, ifs) {
			return true
		}
	}
	return false
}

// splitIFS splits as bash splits unquoted expansions. lead and trail say
// whether the text begins or ends with a separator.
func splitIFS(s, ifs string) (fs []string, lead, trail bool) {
	if s == "" {
		return nil, false, false
	}
	if ifs == "" {
		return []string{s}, false, false
	}
	blank := func(c byte) bool {
		return (c == ' ' || c == '\t' || c == '\n') && strings.IndexByte(ifs, c) >= 0
	}
	i := 0
	for i < len(s) && blank(s[i]) {
		i++
	}
	lead = i > 0
	for i < len(s) {
		j := i
		for j < len(s) && strings.IndexByte(ifs, s[j]) < 0 {
			j++
		}
		fs = append(fs, s[i:j])
		trail = j < len(s)
		// One separator: blanks, at most one other character, blanks.
		for j < len(s) && blank(s[j]) {
			j++
		}
		if j < len(s) && strings.IndexByte(ifs, s[j]) >= 0 {
			j++
			for j < len(s) && blank(s[j]) {
				j++
			}
		}
		i = j
	}
	return fs, lead, trail
}
