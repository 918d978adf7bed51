package command

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"guardsh/rules/word"
)

// What stands for $(…) in a makefile: a variable, a reference that substitutes,
// or one of make's functions. What is not known becomes a mark, as in other code
// that is put together.

// makeFunc is one of make's functions.
type makeFunc struct {
	args int // how many there must be; the last takes what commas follow
	f    func(a []string) (string, bool)
}

// makeFuncs are the functions of text alone: their arguments are expanded, and
// where one is not known the result is not.
var makeFuncs = sync.OnceValue(func() map[string]makeFunc {
	return map[string]makeFunc{
		"subst": {3, func(a []string) (string, bool) { return strings.ReplaceAll(a[2], a[0], a[1]), a[0] != "" }},
		"patsubst": {3, func(a []string) (string, bool) {
			return makeEach(a[2], func(s string) string { return makeSubst(a[0], a[1], s) }), true
		}},
		"strip": {1, func(a []string) (string, bool) { return strings.Join(strings.Fields(a[0]), " "), true }},
		"findstring": {2, func(a []string) (string, bool) {
			return map[bool]string{true: a[0]}[strings.Contains(a[1], a[0])], true
		}},
		"filter":     {2, func(a []string) (string, bool) { return makeFilter(a[0], a[1], true), true }},
		"filter-out": {2, func(a []string) (string, bool) { return makeFilter(a[0], a[1], false), true }},
		"sort": {1, func(a []string) (string, bool) {
			f := strings.Fields(a[0])
			slices.Sort(f)
			return strings.Join(slices.Compact(f), " "), true
		}},
		"words":     {1, func(a []string) (string, bool) { return strconv.Itoa(len(strings.Fields(a[0]))), true }},
		"firstword": {1, func(a []string) (string, bool) { return makeWords(a[0], 0, 1), true }},
		"lastword": {1, func(a []string) (string, bool) {
			n := len(strings.Fields(a[0]))
			return makeWords(a[0], n-1, n), true
		}},
		"word": {2, func(a []string) (string, bool) {
			n, err := strconv.Atoi(strings.TrimSpace(a[0]))
			return makeWords(a[1], n-1, n), err == nil && n > 0
		}},
		"wordlist": {3, func(a []string) (string, bool) {
			from, err1 := strconv.Atoi(strings.TrimSpace(a[0]))
			to, err2 := strconv.Atoi(strings.TrimSpace(a[1]))
			return makeWords(a[2], from-1, to), err1 == nil && err2 == nil && from > 0
		}},
		"dir": {1, func(a []string) (string, bool) {
			return makeEach(a[0], func(s string) string {
				if i := strings.LastIndexByte(s, '/'); i >= 0 {
					return s[:i+1]
				}
				return "./"
			}), true
		}},
		"notdir": {1, func(a []string) (string, bool) {
			return makeEach(a[0], func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }), true
		}},
		"suffix": {1, func(a []string) (string, bool) { return makeEach(a[0], path.Ext), true }},
		"basename": {1, func(a []string) (string, bool) {
			return makeEach(a[0], func(s string) string { return strings.TrimSuffix(s, path.Ext(s)) }), true
		}},
		"addsuffix": {2, func(a []string) (string, bool) {
			return makeEach(a[1], func(s string) string { return s + a[0] }), true
		}},
		"addprefix": {2, func(a []string) (string, bool) {
			return makeEach(a[1], func(s string) string { return a[0] + s }), true
		}},
		"info":    {1, func([]string) (string, bool) { return "", true }},
		"warning": {1, func([]string) (string, bool) { return "", true }},
	}
})

func makeEach(list string, f func(string) string) string {
	words := strings.Fields(list)
	for i, s := range words {
		words[i] = f(s)
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func makeWords(list string, from, to int) string {
	f := strings.Fields(list)
	from, to = max(0, min(from, len(f))), max(0, min(to, len(f)))
	if from >= to {
		return ""
	}
	return strings.Join(f[from:to], " ")
}

// makeStem is what % stands for where a pattern matches.
func makeStem(pattern, s string) (string, bool) {
	before, after, has := strings.Cut(pattern, "%")
	if !has {
		return "", pattern == s
	}
	if len(s) < len(before)+len(after) || !strings.HasPrefix(s, before) || !strings.HasSuffix(s, after) {
		return "", false
	}
	return s[len(before) : len(s)-len(after)], true
}

func makeSubst(pattern, with, s string) string {
	stem, ok := makeStem(strings.TrimSpace(pattern), s)
	if !ok {
		return s
	}
	return strings.Replace(with, "%", stem, 1)
}

func makeFilter(patterns, list string, in bool) string {
	var out []string
	for _, s := range strings.Fields(list) {
		matches := slices.ContainsFunc(strings.Fields(patterns), func(p string) bool { _, ok := makeStem(p, s); return ok })
		if matches == in {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

// makeArgs splits the arguments of a function at the commas that stand in no
// parentheses; the last of n keeps its own.
func makeArgs(s string, n int) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ',':
			if depth == 0 && (n == 0 || len(out) < n-1) {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}

// hole is a mark for what is not known.
func (m *makefile) hole(src string) string {
	return m.w.markHole(word.Part{Hole: word.Var, Src: "$(" + src + ")"})
}

func unknownText(s string) bool { return strings.IndexByte(s, holeOpen) >= 0 }

// reference is the text of $(ref).
func (m *makefile) reference(ref string, auto map[byte]string, depth int) string {
	if depth > 16 || m.work >= maxMake {
		return m.hole(ref)
	}
	m.work++
	if name, rest, ok := strings.Cut(ref, " "); ok {
		if text, is := m.function(name, strings.TrimLeft(rest, " \t"), ref, auto, depth); is {
			return text
		}
	}
	if len(ref) == 2 && auto != nil && strings.IndexByte("@<^?*+", ref[0]) >= 0 && (ref[1] == 'D' || ref[1] == 'F') {
		name := map[byte]string{'D': "dir", 'F': "notdir"}[ref[1]]
		out, _ := makeFuncs()[name].f([]string{auto[ref[0]]})
		return makeEach(out, func(s string) string {
			if len(s) > 1 {
				s = strings.TrimSuffix(s, "/")
			}
			return s
		})
	}
	if name, change, ok := strings.Cut(ref, ":"); ok && strings.Contains(change, "=") {
		from, to, _ := strings.Cut(change, "=")
		val := m.reference(name, auto, depth+1)
		if unknownText(val) {
			return m.hole(ref)
		}
		if !strings.Contains(from, "%") {
			from, to = "%"+from, "%"+to
		}
		return makeEach(val, func(s string) string { return makeSubst(from, to, s) })
	}
	if strings.IndexByte(ref, '$') >= 0 {
		if ref = m.expand(ref, auto, depth+1); unknownText(ref) {
			return m.hole("…")
		}
	}
	return m.variable(ref, auto, depth)
}

// makeOwn reports whether make sets a variable itself.
func makeOwn(name string) bool {
	switch name {
	case "AR", "AS", "CC", "CO", "CPP", "CXX", "FC", "GET", "LD", "LEX", "LINT", "M2C", "MAKEINFO", "OBJC", "PC", "TANGLE", "TEX", "TEXI2DVI", "WEAVE", "CTANGLE", "CWEAVE", "YACC", "MAKEFLAGS", "MAKELEVEL", "MAKEFILE_LIST", "MAKECMDGOALS", "MAKEFILES", "MAKE_VERSION", "MAKE_HOST", "MAKE_COMMAND", "SHELL", "SUFFIXES", "MFLAGS", "GNUMAKEFLAGS", "VPATH":
		return true
	}
	return false
}

func (m *makefile) variable(name string, auto map[byte]string, depth int) string {
	val, set := m.vars[name]
	switch {
	case name == "MAKE":
		return "make"
	case set && (m.loose || !m.unsure[name]):
		return m.expand(val, auto, depth+1)
	case set:
		return m.hole(name)
	case name == "RM":
		return "rm -f"
	case name == "CURDIR":
		if d, ok := m.st.cwd.Value(); ok {
			return d
		}
		return m.hole(name)
	case m.partial || name == "" || name[0] == '.' || makeOwn(name) || strings.HasSuffix(name, "FLAGS") || strings.ContainsAny(name, ".%()") || !isName(name):
		return m.hole(name)
	}
	// A variable of the environment is one of make's, and one that nobody set
	// is empty.
	v := m.w.lookup(m.st, name)
	switch {
	case v.state == VarUnset || v.state == VarSet && !v.exported:
		return ""
	case v.state == VarSet:
		if s, ok := v.val.Value(); ok {
			return s
		}
	}
	return m.hole(name)
}

// function is the text of a function's call; false where it is none.
func (m *makefile) function(name, rest, ref string, auto map[byte]string, depth int) (string, bool) {
	if fn, ok := makeFuncs()[name]; ok {
		args := makeArgs(rest, fn.args)
		if len(args) < fn.args {
			return m.hole(ref), true
		}
		for i := range args {
			if args[i] = m.expand(args[i], auto, depth+1); unknownText(args[i]) {
				return m.hole(ref), true
			}
		}
		if text, ok := fn.f(args); ok && len(text) <= maxValue {
			return text, true
		}
		return m.hole(ref), true
	}
	switch name {
	case "wildcard":
		return m.wildcard(m.expand(rest, auto, depth+1), ref), true
	case "shell":
		return m.shell(m.expand(rest, auto, depth+1), ref), true
	case "if", "or", "and":
		return m.choose(name, makeArgs(rest, 0), ref, auto, depth), true
	case "foreach":
		args := makeArgs(rest, 3)
		if len(args) < 3 {
			return m.hole(ref), true
		}
		v, list := strings.TrimSpace(m.expand(args[0], auto, depth+1)), m.expand(args[1], auto, depth+1)
		if unknownText(v) || unknownText(list) {
			return m.hole(ref), true
		}
		var out []string
		for _, x := range strings.Fields(list) {
			back := m.with(map[string]string{v: strings.ReplaceAll(x, "$", "$$")})
			out = append(out, m.expand(args[2], auto, depth+1))
			back()
		}
		return strings.Join(out, " "), true
	case "call":
		args := makeArgs(rest, 0)
		given := map[string]string{}
		for i, a := range args {
			a = m.expand(a, auto, depth+1)
			if unknownText(a) {
				return m.hole(ref), true
			}
			given[strconv.Itoa(i)] = strings.ReplaceAll(a, "$", "$$")
		}
		body, ok := m.vars[strings.TrimSpace(given["0"])]
		if !ok || len(args) > 10 {
			return m.hole(ref), true
		}
		back := m.with(given)
		defer back()
		return m.expand(body, auto, depth+1), true
	case "abspath":
		list := m.expand(rest, auto, depth+1)
		dir, ok := m.st.cwd.Value()
		if unknownText(list) || !ok {
			return m.hole(ref), true
		}
		return makeEach(list, func(s string) string {
			if path.IsAbs(s) {
				return path.Clean(s)
			}
			return path.Join(dir, s)
		}), true
	case "realpath", "value", "origin", "flavor", "join", "file", "guile", "eval", "error", "intcmp", "let":
		return m.hole(ref), true
	}
	return "", false
}

// with sets variables for a while; the function that it returns puts the old
// ones back.
func (m *makefile) with(vars map[string]string) func() {
	type old struct {
		val         string
		had, unsure bool
	}
	saved := map[string]old{}
	for k, v := range vars {
		val, had := m.vars[k]
		saved[k] = old{val, had, m.unsure[k]}
		m.vars[k] = v
		delete(m.unsure, k)
	}
	return func() {
		for k, o := range saved {
			if m.vars[k] = o.val; !o.had {
				delete(m.vars, k)
			}
			if o.unsure {
				m.unsure[k] = true
			}
		}
	}
}

func (m *makefile) choose(name string, args []string, ref string, auto map[byte]string, depth int) string {
	text := ""
	for i, a := range args {
		text = strings.TrimSpace(m.expand(a, auto, depth+1))
		switch {
		case name == "if" && i > 0:
			return text
		case unknownText(text):
			return m.hole(ref)
		case name == "if" && text == "":
			if len(args) < 3 {
				return ""
			}
			return strings.TrimSpace(m.expand(args[2], auto, depth+1))
		case name == "or" && text != "" || name == "and" && text == "":
			return text
		}
	}
	return text
}

// wildcard is the names that match patterns, or nothing.
func (m *makefile) wildcard(patterns, ref string) string {
	dir, ok := m.st.cwd.Value()
	if !ok || unknownText(patterns) || m.st.ctx.place.Kind != Here {
		return m.hole(ref)
	}
	var out []string
	for _, p := range strings.Fields(patterns) {
		names, err := m.st.ctx.files.Glob(dir, p, GlobOptions{})
		if err != nil || len(out)+len(names) > maxList {
			return m.hole(ref)
		}
		slices.Sort(names)
		out = append(out, names...)
	}
	return strings.Join(out, " ")
}

// shell walks the code of $(shell …) and gives what it prints.
func (m *makefile) shell(code, ref string) string {
	w := m.w
	from := len(w.line.Actions)
	sub := m.st.child()
	w.beneath(sub, launch{at: m.at}, "$(shell)", func(s *state, c *context) { s.certain, c.hidden = Possible, false }, func() result {
		sub.fresh()
		return w.inline(sub, code, m.at)
	})
	// It ran for certain where its recipe did: that is not sure, its text is.
	for i := from; i < len(w.line.Actions); i++ {
		w.line.Actions[i].Certain = Certain
	}
	text, known := w.written(from)
	for i := from; i < len(w.line.Actions); i++ {
		w.line.Actions[i].Certain = Possible
		w.meta[i].hidden = true
	}
	if !known || len(text) > maxValue {
		return m.hole(ref)
	}
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", " ")
}

// expand is text with its references filled in.
func (m *makefile) expand(s string, auto map[byte]string, depth int) string {
	if strings.IndexByte(s, '$') < 0 {
		return s
	}
	if depth > 16 {
		return m.hole(s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		name, n := makeRef(s[i:])
		if n == 0 {
			b.WriteByte(s[i])
			continue
		}
		i += n - 1
		switch {
		case name == "$":
			b.WriteByte('$')
		case len(name) == 1 && auto != nil && strings.IndexByte("@<^?*+", name[0]) >= 0:
			b.WriteString(auto[name[0]])
		default:
			b.WriteString(m.reference(name, auto, depth))
		}
		if b.Len() > maxValue {
			return m.hole(s)
		}
	}
	return b.String()
}

// flat is text in the names of targets and of what they need, without the words
// that are not known.
func (m *makefile) flat(s string) string {
	if strings.IndexByte(s, '$') < 0 {
		return s
	}
	m.loose = true
	text := m.expand(s, nil, 0)
	m.loose = false
	return strings.Join(slices.DeleteFunc(strings.Fields(text), unknownText), " ")
}
