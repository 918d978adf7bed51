package command

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/word"
)

func hasMeta(s string) bool { return strings.ContainsAny(s, "*?[") || extended(s) }

// extended reports whether text holds an extended pattern such as +(a|b).
func extended(s string) bool {
	i := strings.IndexByte(s, '(')
	return i > 0 && strings.IndexByte("?*+@!", s[i-1]) >= 0
}

// bracketsClose reports whether the unquoted text is a pattern: a "[" alone,
// as in the command [, is none.
func bracketsClose(ps []piece) bool {
	open := false
	for i := range ps {
		p := &ps[i]
		if p.quoted || p.hole != word.NoHole || p.alts != nil {
			continue
		}
		if strings.ContainsAny(p.text, "*?") || extended(p.text) {
			return true
		}
		for j := 0; j < len(p.text); j++ {
			switch p.text[j] {
			case '[':
				open = true
			case ']':
				if open {
					return true
				}
			}
		}
	}
	return false
}

// patternOf is pieces as a pattern, with what is quoted behind backslashes.
func patternOf(ps []piece) string {
	var b strings.Builder
	for _, p := range ps {
		if !p.quoted {
			b.WriteString(p.text)
			continue
		}
		for i := 0; i < len(p.text); i++ {
			if strings.IndexByte(`*?[]\()|!+@`, p.text[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p.text[i])
		}
	}
	return b.String()
}

// glob matches a pattern against the file system.
func (w *walker) glob(st *state, out []word.Word, ps []piece, src string) []word.Word {
	pat := patternOf(ps)
	unknown := func() []word.Word {
		return append(out, word.Word{Src: src, Know: word.Unknown, Shape: shape(ps, true), Many: true, Origin: word.FromGlob})
	}
	cwd, known := st.cwd.Value()
	if strings.HasPrefix(pat, "/") {
		cwd = "/"
	} else if !known {
		return unknown()
	}
	if st.ctx.place.Kind == Remote || st.ctx.place.Kind == Container || st.ctx.place.Kind == Chroot {
		return unknown()
	}
	names, err := st.ctx.files.Glob(cwd, pat, GlobOptions{
		DotGlob: w.opt(st, "dotglob"), ExtGlob: w.opt(st, "extglob"),
		GlobStar: w.opt(st, "globstar"), NoCase: w.opt(st, "nocaseglob"),
	})
	if err != nil {
		return unknown()
	}
	if v := w.lookup(st, "GLOBIGNORE"); v.state == VarSet && !v.val.Is("") && !v.isList {
		return unknown() // names that match it are left out
	}
	if w.changes(pat, names) {
		return unknown()
	}
	if len(names) == 0 {
		switch {
		case w.opt(st, "failglob"):
			w.fatal = drops
			return out
		case w.opt(st, "nullglob"):
			return out
		}
		return append(out, word.Word{Src: src, Know: word.Known, Values: []string{join(ps)}, Origin: word.FromGlob})
	}
	for _, n := range names {
		if len(out) > maxWords {
			return unknown()
		}
		out = append(out, word.Word{Src: src, Know: word.Known, Values: []string{n}, Origin: word.FromGlob})
	}
	return out
}

// maxLooked bounds the actions that are looked at for what they do to the names
// that a pattern matches.
const maxLooked = 512

// changes reports whether something that the line starts before may give a
// pattern other names than it matches now: a file that is written and not there
// yet, one that is taken away.
func (w *walker) changes(pat string, names []string) bool {
	last := path.Base(pat)
	has := func(base string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return path.Base(n) == base })
	}
	touches := func(x word.Word, gone bool) bool {
		v, ok := x.Value()
		if _, val, option := strings.Cut(v, "="); option && v[0] == '-' {
			v = val
		}
		if !ok || v == "" || v[0] == '-' || len(v) > 4096 {
			return false
		}
		base := path.Base(v)
		m, known := match(last, base)
		return (m || !known) && has(base) == gone
	}
	if len(w.line.Actions) > maxLooked {
		return true
	}
	for i := range w.line.Actions {
		a := &w.line.Actions[i]
		for _, r := range a.Redirs {
			if r.Kind != In && r.Kind != Text && r.Kind != Duplicate && touches(r.Target, false) {
				return true
			}
		}
		if a.Builtin || len(a.Argv) == 0 {
			continue
		}
		name, _ := a.Name()
		for _, x := range a.Argv[1:] {
			if touches(x, false) || removes(name) && touches(x, true) {
				return true
			}
		}
	}
	return false
}

// removes reports whether a program takes away the files that it is given.
func removes(name string) bool {
	switch name {
	case "rm", "mv", "unlink", "rmdir", "shred", "gzip", "bzip2", "xz", "zstd", "gunzip":
		return true
	}
	return false
}

// nextMeta finds the next pattern in s: where it starts and how long it is.
func nextMeta(s string) (int, int) {
	for i := 0; i < len(s); i++ {
		if i+1 < len(s) && s[i+1] == '(' && strings.IndexByte("?*+@!", s[i]) >= 0 {
			depth := 0
			for j := i + 1; j < len(s); j++ {
				switch s[j] {
				case '(':
					depth++
				case ')':
					depth--
					if depth == 0 {
						return i, j + 1 - i
					}
				}
			}
			return i, len(s) - i
		}
		switch s[i] {
		case '*':
			n := 1
			for i+n < len(s) && s[i+n] == '*' {
				n++
			}
			return i, n
		case '?':
			return i, 1
		case '[':
			if n := bracket(s[i:]); n > 0 {
				return i, n
			}
		}
	}
	return 0, 0
}

// bracket is the length of the bracket expression that s begins with, or 0.
func bracket(s string) int {
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	for ; i < len(s); i++ {
		if s[i] == '[' && i+1 < len(s) && s[i+1] == ':' {
			if j := strings.Index(s[i+2:], ":]"); j >= 0 {
				i += j + 3
				continue
			}
		}
		if s[i] == ']' {
			return i + 1
		}
	}
	return 0
}

// shape says what is known of a word with holes.
func shape(ps []piece, meta bool) []word.Part {
	var out []word.Part
	lit := func(s string) {
		if s == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].Hole == word.NoHole {
			out[n-1].Lit += s
			return
		}
		out = append(out, word.Part{Lit: s})
	}
	for _, p := range ps {
		switch {
		case p.hole != word.NoHole:
			out = append(out, word.Part{Hole: p.hole, Src: p.src, Else: p.other, All: p.all})
		case p.alts != nil:
			out = append(out, word.Part{Hole: word.Var, Src: p.src})
		case meta && !p.quoted && hasMeta(p.text):
			rest := p.text
			for rest != "" {
				i, n := nextMeta(rest)
				if n == 0 {
					lit(rest)
					break
				}
				lit(rest[:i])
				out = append(out, word.Part{Hole: word.Glob, Src: rest[i : i+n]})
				rest = rest[i+n:]
			}
		default:
			lit(p.text)
		}
	}
	return out
}
