package command

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"guardsh/rules/word"
)

// arrive is the directory that cd to a target leads to.
func (w *walker) arrive(cwd, target word.Word) word.Word {
	if target.Know == word.Unknown {
		if strings.HasPrefix(target.Prefix(), "/") {
			target.Many = false
			return target
		}
		if v, ok := target.Otherwise(); ok && path.IsAbs(v) {
			target.Many = false
			return target // cd "${X:-/}"
		}
		return word.Hidden(target.Src, word.Var)
	}
	var vals []string
	for _, t := range target.Values {
		if path.IsAbs(t) {
			vals = append(vals, path.Clean(t))
			continue
		}
		if t == "" {
			t = "."
		}
		if cwd.Know == word.Unknown {
			if p := cwd.Prefix(); strings.HasPrefix(p, "/") && !strings.Contains(t, "..") {
				shape := append(append([]word.Part{}, cwd.Shape...), word.Part{Lit: "/" + t})
				return word.Word{Src: target.Src, Know: word.Unknown, Shape: shape, Origin: cwd.Origin}
			}
			return word.Hidden(target.Src, word.Var)
		}
		for _, c := range cwd.Values {
			vals = append(vals, path.Join(c, t))
		}
	}
	if len(vals) > w.lim.Values {
		return word.Hidden(target.Src, word.Var)
	}
	seen := map[string]bool{}
	uniq := vals[:0]
	for _, v := range vals {
		if !seen[v] {
			seen[v] = true
			uniq = append(uniq, v)
		}
	}
	return word.Set(target.Src, word.FromLiteral, uniq...)
}

func (w *walker) cd(st *state, l launch, _ int) result {
	args := operands(l.argv)
	var to word.Word
	switch {
	case len(args) == 0:
		to = w.home(st)
	case len(args) > 1 && !args[0].Many:
		return failure(st) // too many arguments
	case args[0].Is("-"):
		if st.oldpwd.Know == 0 && w.lookup(st, "OLDPWD").state == VarUnset {
			return failure(st) // nowhere to go back to
		}
		to = w.oldpwd(st)
	case args[0].Is(""):
		return success(st)
	default:
		to = args[0]
		to = w.searched(st, to)
	}
	return w.move(st, to)
}

// searched is where CDPATH leads a relative directory.
func (w *walker) searched(st *state, to word.Word) word.Word {
	v := w.lookup(st, "CDPATH")
	p := to.Prefix()
	if v.state != VarSet || v.val.Is("") || strings.HasPrefix(p, "/") || p == "." || p == ".." || strings.HasPrefix(p, "./") || strings.HasPrefix(p, "../") {
		return to
	}
	list, ok1 := v.val.Value()
	name, ok2 := to.Value()
	if !ok1 || !ok2 {
		return word.Hidden(to.Src, word.Var)
	}
	for _, d := range strings.Split(list, ":") {
		full, ok := absolute(st.cwd, path.Join(d, name))
		if !ok {
			return word.Hidden(to.Src, word.Var)
		}
		switch _, err := st.ctx.files.Real(path.Clean(full)); {
		case err == nil:
			return word.Word{Src: to.Src, Know: word.Known, Values: []string{path.Clean(full)}, Origin: word.FromVariable}
		case !errors.Is(err, fs.ErrNotExist):
			return word.Hidden(to.Src, word.Var)
		}
	}
	return to
}

// move changes the directory, or fails to.
func (w *walker) move(st *state, to word.Word) result {
	fail := st.clone()
	ok := st
	ok.oldpwd, ok.cwd = st.cwd, w.arrive(st.cwd, to)
	if v, in := ok.vars["PWD"]; in && v.state != 0 {
		ok.own()
		delete(ok.vars, "PWD")
	}
	if ok.cwd.Is("/") || same(ok.cwd, fail.cwd) && ok.cwd.Know == word.Known {
		return success(ok) // these cannot fail
	}
	return result{ok, fail}
}

func (w *walker) pushd(st *state, l launch, _ int) result {
	args := operands(l.argv)
	if len(args) == 0 || strings.HasPrefix(args[0].Prefix(), "+") {
		if len(args) == 0 && len(st.dirs) > 0 {
			st.own()
			to := st.dirs[0]
			st.dirs[0] = st.cwd
			return w.move(st, to)
		}
		if len(args) == 0 && st.nodirs {
			return failure(st)
		}
		fail := st.clone()
		st.cwd = word.Hidden("$PWD", word.Var)
		st.dirs, st.nodirs = nil, false
		return result{st, fail}
	}
	was := st.cwd
	r := w.move(st, args[0])
	if r.ok != nil {
		r.ok.dirs = append([]word.Word{was}, r.ok.dirs...)
	}
	return r
}

func (w *walker) popd(st *state, _ launch, _ int) result {
	if len(st.dirs) == 0 {
		if st.nodirs {
			return failure(st)
		}
		fail := st.clone()
		st.cwd = word.Hidden("$PWD", word.Var)
		return result{st, fail}
	}
	st.own()
	to := st.dirs[0]
	st.dirs = st.dirs[1:]
	return w.move(st, to)
}

func (w *walker) dirstack(st *state, l launch, _ int) result {
	for _, a := range l.argv[1:] {
		if a.Is("-c") {
			st.dirs = nil
		}
	}
	return success(st)
}
