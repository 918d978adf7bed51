package command

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/word"
)

// findLeading reports whether an option of find stands in front of the paths,
// and the number of words that it takes.
func findLeading(opt string) (words int, leading bool) {
	switch opt {
	case "-D":
		return 1, true
	case "-H", "-L", "-P", "-O", "-O0", "-O1", "-O2", "-O3":
		return 0, true
	}
	return 0, false
}

// findNeutral reports whether a part of an expression leaves no file out, and the
// number of words that it takes.
func findNeutral(part string) (words int, neutral bool) {
	switch part {
	case "-depth", "-d", "-mount", "-xdev", "-noleaf", "-follow", "-warn", "-nowarn", "-daystart", "-ignore_readdir_race", "-noignore_readdir_race", "-print", "-print0",
		"-ls", "-delete", "-true", "-a", "-and", ",", "(", ")":
		return 0, true
	case "-printf", "-fprint", "-fprint0", "-fls", "-maxdepth", "-regextype", "-files0-from":
		return 1, true
	case "-fprintf":
		return 2, true
	}
	return 0, false
}

// findRest is what stands for the part of a found name that is not known.
var findRest = word.Part{Hole: word.Subst, Src: word.Found}

// execution is one -exec of find, or its like.
type execution struct {
	argv    []word.Word
	plus    bool
	dir     bool
	narrow  bool
	name    string // what each that is found is called: find -name passwd
	named   string // the pattern that all of it matches and nothing else chooses among: find -name '*.so*'
	glob    string // the pattern that all of it matches, right in the starting point: find -maxdepth 1 -name 'x*'
	shallow bool   // nothing below the starting point's own entries is come to
	all     bool   // nothing is left out but by its type
	within  bool   // all that is in the starting point and not itself: -mindepth 1 and nothing else
	one     bool   // there is one starting point alone
	asks    bool   // it may not run at all: -ok, where a person may say no
}

// find walks what -exec and its like start.
func (w *walker) find(st *state, l launch, base string) result {
	args := l.argv[1:]
	for len(args) > 0 {
		s, _ := args[0].Value()
		n, ok := findLeading(s)
		if !ok {
			break
		}
		args = args[min(n+1, len(args)):]
	}
	var starts []word.Word
	for len(args) > 0 && !findExpr(args[0]) {
		starts = append(starts, args[0])
		args = args[1:]
	}
	args = withoutAnyName(args)
	list, given := w.findList(st, l, args)
	if given {
		starts = list
	}
	if len(starts) == 0 && !given {
		starts = word.Lits(".")
	}
	var execs []execution
	narrow, deletes, some, negated := false, false, false, false
	called, right := findsName(args), findsRightIn(args)
	_, plain := known(args)
	depth := slices.IndexFunc(args, func(x word.Word) bool { return x.Is("-maxdepth") })
	shallow := depth >= 0 && depth+1 < len(args) && args[depth+1].Is("1")
	for i := 0; i < len(args); i++ {
		s, known := args[i].Value()
		switch s {
		case "-exec", "-execdir", "-ok", "-okdir":
			e := execution{dir: strings.HasSuffix(s, "dir"), narrow: narrow, name: called, named: FindsNamed(args), glob: right, shallow: shallow, one: len(starts) == 1, all: !some, asks: strings.HasPrefix(s, "-ok")}
			j := i + 1
			for ; j < len(args); j++ {
				if args[j].Is(";") {
					break
				}
				if args[j].Is("+") && j > i+1 && args[j-1].Is("{}") {
					e.plus = true
					break
				}
			}
			e.argv = args[i+1 : min(j, len(args))]
			i = j
			if len(e.argv) > 0 {
				if j >= len(args) {
					if plain {
						execs = nil // find refuses one that has no end, and starts nothing
						break
					}
					e.asks = true
				}
				execs = append(execs, e)
			}
			if s == "-ok" || s == "-okdir" || !e.plus {
				narrow = true // it is a test for what follows
			}
			continue
		case "-delete":
			deletes = true
		}
		n, neutral := findNeutral(s)
		if !neutral || !known {
			narrow = true
			switch s {
			case "-not", "!":
				negated = true // all but a few are left in
			case "-type", "-mindepth":
				i++
			default:
				some = some || !negated
				if negated && i+1 < len(args) && !findExpr(args[i+1]) {
					i++ // what is left out
				}
				negated = false
			}
			continue
		}
		i += n
	}
	if within(args) {
		for i := range execs {
			execs[i].within = removesTrees(execs[i].argv)
		}
	}
	var gone []bool
	for _, s := range starts {
		top, known := s.Value()
		top, abs := absolute(st.cwd, top)
		gone = append(gone, known && abs && st.ctx.place.Kind == Here && w.missing(st, top))
	}
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(execs) > 0 && !deletes}, l.at)
	if names, ok := known(list); given && ok && i >= 0 {
		w.line.Actions[i].Given = word.Lit(strings.Join(names, "\x00"))
	}
	for _, e := range execs {
		for i, s := range starts {
			at := st
			if s.Know == word.OneOf || e.asks || gone[i] {
				at = st.clone()
				at.certain = Possible
			}
			for _, v := range eachValue([]word.Word{s}) {
				w.findExec(at, l, base, e.argv, v, e)
			}
		}
	}
	return both(st)
}

// findList are the starting points that -files0-from names, where there is such
// an option.
func (w *walker) findList(st *state, l launch, args []word.Word) (starts []word.Word, given bool) {
	i := slices.IndexFunc(args, func(x word.Word) bool { return x.Is("-files0-from") })
	if i < 0 || i+1 >= len(args) {
		return nil, false
	}
	var text string
	var ok bool
	if file := args[i+1]; file.Is("-") || file.Is("/dev/stdin") {
		in := w.standardInput(st, l)
		if text, ok = w.inputText(st, in); !ok {
			if starts = w.items(in); len(starts) > 0 {
				return starts, true
			}
		}
	} else if text, ok = w.processText(file); !ok {
		text, ok = w.readFile(st, file)
	}
	if !ok {
		return []word.Word{{Src: "{}", Know: word.Unknown, Many: true, Shape: []word.Part{{Hole: word.Subst, Src: "{}"}}, Origin: word.FromInput}}, true
	}
	for _, name := range strings.Split(text, "\x00") {
		if name != "" {
			starts = append(starts, fromInput(name))
		}
	}
	return starts, true
}

// eachValue is words with each of the values that one may have as a word of
// its own.
func eachValue(ws []word.Word) []word.Word {
	var out []word.Word
	for _, x := range ws {
		if x.Know != word.OneOf || len(x.Values) > 16 {
			out = append(out, x)
			continue
		}
		for _, v := range x.Values {
			out = append(out, word.Word{Src: x.Src, Know: word.Known, Values: []string{v}, Origin: x.Origin})
		}
	}
	return out
}

// withoutAnyName is an expression without the tests that every name passes.
func withoutAnyName(args []word.Word) []word.Word {
	var out []word.Word
	for i := 0; i < len(args); i++ {
		switch args[i].Prefix() {
		case "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename":
			if i+1 < len(args) && args[i+1].Is("*") && (i == 0 || !args[i-1].Is("!") && !args[i-1].Is("-not")) {
				if out == nil {
					out = append(make([]word.Word, 0, len(args)), args[:i]...)
				}
				i++
				continue
			}
		}
		if out != nil {
			out = append(out, args[i])
		}
	}
	if out == nil {
		return args
	}
	return out
}

func findExpr(x word.Word) bool {
	p := x.Prefix()
	return strings.HasPrefix(p, "-") && len(p) > 1 || p == "(" || p == ")" || p == "!" || p == ","
}

// findExec walks one -exec for one starting point: with the point itself where
// nothing leaves it out, and with what is found below.
func (w *walker) findExec(st *state, l launch, via string, argv []word.Word, start word.Word, e execution) {
	plus, dir, narrow := e.plus, e.dir, e.narrow
	rest := findRest
	rest.All = e.all
	top, known := start.Value()
	below := word.Word{Src: "{}", Know: word.Unknown, Origin: word.FromInput, Many: plus}
	cwd := func(*state) {}
	switch {
	case dir:
		// A name in a directory that is found.
		below.Shape = []word.Part{{Lit: "./"}, {Hole: word.Subst, Src: "…"}}
		if e.name != "" {
			below = word.Word{Src: "{}", Know: word.Known, Values: []string{"./" + e.name}, Origin: word.FromInput}
		} else if e.named != "" {
			below.Shape[1] = word.Part{Hole: word.Glob, Src: e.named}
		}
		e.name = ""
		at := word.Word{Src: start.Src, Know: word.Unknown, Shape: []word.Part{{Lit: top}, rest}, Origin: word.FromInput}
		cwd = func(s *state) {
			if e.shallow && known {
				s.cwd = w.arrive(s.cwd, start)
				return
			}
			if p, ok := absolute(st.cwd, top); ok && known {
				at.Shape = []word.Part{{Lit: path.Clean(p)}, rest}
			} else {
				at = word.Hidden("{}", word.Subst)
			}
			s.cwd = at
		}
	case known:
		below.Shape = []word.Part{{Lit: top}, rest}
	case start.Know == word.OneOf:
		below.Shape = []word.Part{{Hole: word.Var, Src: start.Src}, rest}
	default:
		below.Shape = append(append([]word.Part{}, start.Shape...), findRest)
	}
	if e.shallow && e.one && e.name != "" && known && top != "" && path.Base(top) != e.name {
		below = word.Word{Src: "{}", Know: word.Known, Values: []string{strings.TrimSuffix(top, "/") + "/" + e.name}, Origin: word.FromInput}
	} else if e.glob != "" && known && !dir {
		below.Shape = []word.Part{{Lit: strings.TrimSuffix(top, "/") + "/"}, {Hole: word.Glob, Src: e.glob}}
	} else if e.name != "" {
		below.Shape = append(below.Shape, word.Part{Lit: "/" + e.name})
	} else if e.named != "" && !dir {
		below.Shape = append(below.Shape, word.Part{Lit: "/"}, word.Part{Hole: word.Glob, Src: e.named})
	}
	own := word.Word{Src: "{}", Know: word.Known, Values: []string{top}, Origin: word.FromInput}
	whole := known && !narrow
	if _, pattern := start.Pattern(); pattern && !narrow && !dir {
		own, whole = start, true // find /lib*: what the shell makes of it
	}
	if whole && dir {
		own.Values = []string{"./" + path.Base(top)}
		if path.Base(top) == "/" {
			own.Values = []string{"/"}
		}
	}
	put := func(with ...word.Word) []word.Word {
		var out []word.Word
		for i, a := range argv {
			if plus && i == len(argv)-1 {
				out = append(out, with...)
				continue
			}
			out = append(out, w.replaced(a, "{}", with[len(with)-1]))
		}
		return out
	}
	if e.within && known && !dir {
		w.under(st, l, via, put(allIn(top)), possibly)
		return
	}
	if whole && plus && !dir {
		w.under(st, l, via, put(own, below), nil)
		return
	}
	if whole {
		w.under(st, l, via, put(own), func(s *state, _ *context) {
			if dir {
				s.cwd = w.arrive(s.cwd, word.Lit(path.Dir(strings.TrimRight(top, "/"))))
			}
		})
	}
	if !whole && known && e.name != "" && path.Base(top) == e.name && !dir {
		w.under(st, l, via, put(own), possibly)
	}
	w.under(st, l, via, put(below), func(s *state, _ *context) {
		s.certain = Possible
		cwd(s)
	})
}

// removesTrees reports rm with -r: what is below a name goes with it, so that
// the names in a directory stand for all that is found there.
func removesTrees(argv []word.Word) bool {
	if name, _ := argv[0].Value(); path.Base(name) != "rm" {
		return false
	}
	return slices.ContainsFunc(argv[1:], func(x word.Word) bool {
		v := x.Prefix()
		return v == "--recursive" || len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.ContainsAny(v, "rR")
	})
}
