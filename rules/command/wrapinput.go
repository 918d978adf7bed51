package command

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// findLeading are find's options in front of the paths that take a word.
var findLeading = map[string]int{"-H": 0, "-L": 0, "-P": 0, "-D": 1, "-O": 0, "-O0": 0, "-O1": 0, "-O2": 0, "-O3": 0}

// findNeutral are the parts of an expression that leave no file out, with the
// number of words each takes.
var findNeutral = map[string]int{
	"-depth": 0, "-d": 0, "-mount": 0, "-xdev": 0, "-noleaf": 0, "-follow": 0, "-warn": 0, "-nowarn": 0, "-daystart": 0, "-ignore_readdir_race": 0, "-noignore_readdir_race": 0,
	"-print": 0, "-print0": 0, "-ls": 0, "-printf": 1, "-fprint": 1, "-fprint0": 1, "-fls": 1, "-fprintf": 2, "-delete": 0, "-true": 0, "-maxdepth": 1, "-regextype": 1, "-a": 0, "-and": 0, ",": 0, "(": 0, ")": 0,
}

// findRest is what stands for the part of a found name that is not known.
var findRest = word.Part{Hole: word.Subst, Src: "/…"}

// find walks what -exec and its like start.
func (w *walker) find(st *state, l launch, base string) result {
	args := l.argv[1:]
	for len(args) > 0 {
		s, _ := args[0].Value()
		n, ok := findLeading[s]
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
	if len(starts) == 0 {
		starts = word.Lits(".")
	}
	type execution struct {
		argv   []word.Word
		plus   bool
		dir    bool
		narrow bool
		asks   bool // it may not run at all: -ok, where a person may say no
	}
	var execs []execution
	narrow, deletes := false, false
	for i := 0; i < len(args); i++ {
		s, known := args[i].Value()
		switch s {
		case "-exec", "-execdir", "-ok", "-okdir":
			e := execution{dir: strings.HasSuffix(s, "dir"), narrow: narrow, asks: strings.HasPrefix(s, "-ok")}
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
				e.asks = e.asks || j >= len(args) // find refuses one that has no end
				execs = append(execs, e)
			}
			if s == "-ok" || s == "-okdir" || !e.plus {
				narrow = true // it is a test for what follows
			}
			continue
		case "-delete":
			deletes = true
		}
		n, neutral := findNeutral[s]
		if !neutral || !known {
			narrow = true
			continue
		}
		i += n
	}
	var gone []bool
	for _, s := range starts {
		top, known := s.Value()
		top, abs := absolute(st.cwd, top)
		gone = append(gone, known && abs && st.ctx.place.Kind == Here && w.missing(st, top))
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(execs) > 0 && !deletes}, l.at)
	for _, e := range execs {
		for i, s := range starts {
			at := st
			if s.Know == word.OneOf || e.asks || gone[i] {
				at = st.clone()
				at.certain = Possible
			}
			for _, v := range eachValue([]word.Word{s}) {
				w.findExec(at, l, base, e.argv, v, e.plus, e.dir, e.narrow)
			}
		}
	}
	return both(st)
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

func findExpr(x word.Word) bool {
	p := x.Prefix()
	return strings.HasPrefix(p, "-") && len(p) > 1 || p == "(" || p == ")" || p == "!" || p == ","
}

// findExec walks one -exec for one starting point: with the point itself where
// nothing leaves it out, and with what is found below.
func (w *walker) findExec(st *state, l launch, via string, argv []word.Word, start word.Word, plus, dir, narrow bool) {
	top, known := start.Value()
	below := word.Word{Src: "{}", Know: word.Unknown, Origin: word.FromInput, Many: plus}
	cwd := func(*state) {}
	switch {
	case dir:
		below.Shape = []word.Part{{Lit: "./"}, {Hole: word.Subst, Src: "…"}}
		at := word.Word{Src: start.Src, Know: word.Unknown, Shape: []word.Part{{Lit: top}, findRest}, Origin: word.FromInput}
		cwd = func(s *state) {
			if p, ok := absolute(st.cwd, top); ok && known {
				at.Shape = []word.Part{{Lit: path.Clean(p)}, findRest}
			} else {
				at = word.Hidden("{}", word.Subst)
			}
			s.cwd = at
		}
	case known:
		below.Shape = []word.Part{{Lit: top}, findRest}
	case start.Know == word.OneOf:
		below.Shape = []word.Part{{Hole: word.Var, Src: start.Src}, findRest}
	default:
		below.Shape = append(append([]word.Part{}, start.Shape...), findRest)
	}
	own := word.Word{Src: "{}", Know: word.Known, Values: []string{top}, Origin: word.FromInput}
	whole := known && !narrow
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
	w.under(st, l, via, put(below), func(s *state, _ *context) {
		s.certain = Possible
		cwd(s)
	})
}

// replaced is a word with every occurrence of mark standing for another word.
func (w *walker) replaced(x word.Word, mark string, by word.Word) word.Word {
	if x.Is(mark) {
		by.Src = x.Src
		return by
	}
	v, ok := x.Value()
	if !ok || mark == "" || !strings.Contains(v, mark) {
		return x
	}
	var ps []piece
	for i, part := range strings.Split(v, mark) {
		if i > 0 {
			ps = w.pieces(ps, by, true, word.FromInput)
		}
		ps = append(ps, piece{text: part, quoted: true})
	}
	out := w.one(ps, x.Src)
	out.Many = false
	return out
}

var xargsOptions = grammar(posix, `
-0 --null : null
-a --arg-file =file
-d --delimiter =delim
-E =eof
-e --eof [=eof]
-I =replace
-i --replace [=replace2] : replace
-L =lines
-l --max-lines [=lines]
-n --max-args =count
-o --open-tty
-P --max-procs =procs
-p --interactive : asks
--process-slot-var =name
-r --no-run-if-empty : ifany
-s --max-chars =chars
-J =replace
-R =count2
-t --verbose
-x --exit
--show-limits
--help : ask
--version : ask`)

// xargs starts a command with words that it reads.
func (w *walker) xargs(st *state, l launch, base string) result {
	a := xargsOptions().Read(l.argv[1:])
	argv := a.Operands
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: true}, l.at)
	if a.Has("ask") {
		return both(st)
	}
	if len(argv) == 0 {
		argv = word.Lits("echo")
	}
	mark := ""
	if m := last(a.Values["replace"]); m.Know != 0 {
		mark, _ = m.Value()
	} else if a.Has("replace") {
		mark = "{}"
		if m, ok := last(a.Values["replace2"]).Value(); ok {
			mark = m
		}
	}
	in := st.ctx.stdin
	if l.in != nil {
		in = *l.in
	}
	text, known := in.text, in.known
	if f := last(a.Values["file"]); f.Know != 0 {
		text, known = w.readFile(st, f)
		in = input{}
	} else if in.Kind == InputFile {
		text, known = w.readFile(st, in.Word)
	}
	items, ok := xargsItems(text, mark != "" || len(a.Values["lines"]) > 0, a.Has("null"), last(a.Values["delim"]))
	change := func(certain bool) func(*state, *context) {
		return func(s *state, c *context) {
			c.stdin = input{Input: Input{Kind: InputClosed}} // /dev/null
			if !certain || a.Has("asks") {
				s.certain = Possible
			}
		}
	}
	if !known || !ok {
		src := "input of xargs"
		item := word.Word{Src: src, Know: word.Unknown, Many: mark == "", Origin: word.FromInput, Shape: []word.Part{{Hole: word.Subst, Src: "…"}}}
		froms := w.foundBelow(in)
		if len(froms) == 0 {
			froms = []word.Word{item}
		}
		for i := range froms {
			froms[i].Many = mark == ""
		}
		if mark == "" {
			w.under(st, l, base, append(argv[:len(argv):len(argv)], froms...), change(!a.Has("ifany")))
			return both(st)
		}
		for _, f := range froms {
			w.under(st, l, base, w.replaceAll(argv, mark, f), change(false))
		}
		return both(st)
	}
	if mark != "" {
		for i, it := range items {
			if i >= w.lim.Unroll {
				w.note(TooLarge, "input of xargs", &l.at)
				break
			}
			w.under(st, l, base, w.replaceAll(argv, mark, fromInput(it)), change(true))
		}
		return both(st)
	}
	size := len(items)
	if n := integer(last(a.Values["count"])); n.known && n.n > 0 {
		size = int(min(n.n, int64(len(items))))
	} else if n := integer(last(a.Values["lines"])); n.known && n.n > 0 && len(a.Values["lines"]) > 0 {
		size = int(min(n.n, int64(len(items))))
	}
	if len(items) == 0 {
		if !a.Has("ifany") {
			w.under(st, l, base, argv, change(true))
		}
		return both(st)
	}
	for i := 0; i < len(items); i += size {
		batch := argv[:len(argv):len(argv)]
		for _, it := range items[i:min(i+size, len(items))] {
			batch = append(batch, fromInput(it))
		}
		w.under(st, l, base, batch, change(true))
	}
	return both(st)
}

func fromInput(s string) word.Word {
	return word.Word{Src: s, Know: word.Known, Values: []string{s}, Origin: word.FromInput}
}

func (w *walker) replaceAll(argv []word.Word, mark string, by word.Word) []word.Word {
	out := make([]word.Word, len(argv))
	for i, x := range argv {
		if i == 0 {
			out[i] = x // GNU xargs leaves the command's name alone, unless it is the mark
			if !x.Is(mark) {
				continue
			}
		}
		out[i] = w.replaced(x, mark, by)
	}
	return out
}

// xargsItems splits the input of xargs.
func xargsItems(text string, lines, null bool, delim word.Word) ([]string, bool) {
	sep := ""
	switch {
	case null:
		sep = "\x00"
	case delim.Know != 0:
		d, ok := delim.Value()
		if !ok {
			return nil, false
		}
		if sep = ansiC(d); len(sep) != 1 {
			return nil, false
		}
	}
	if sep != "" {
		if text == "" {
			return nil, true
		}
		return strings.Split(strings.TrimSuffix(text, sep), sep), true
	}
	if strings.ContainsAny(text, `'"\`) {
		if lines {
			return nil, false
		}
		return fieldsOf(text), true
	}
	if !lines {
		return strings.Fields(text), true
	}
	var out []string
	for _, s := range strings.Split(text, "\n") {
		if s = strings.TrimLeft(s, " \t"); s != "" {
			out = append(out, s)
		}
	}
	return out, true
}

// foundBelow is what a find in front of a pipe gives: names below its starting
// points.
func (w *walker) foundBelow(in input) []word.Word {
	if in.Kind != InputPipe || len(in.From) != 1 {
		return nil
	}
	a := &w.line.Actions[in.From[0]]
	if n, ok := a.Name(); !ok || n != "find" {
		return nil
	}
	var out []word.Word
	for _, x := range eachValue(a.Args()) {
		if findExpr(x) {
			if _, leading := findLeading[x.Prefix()]; leading && len(out) == 0 {
				continue
			}
			break
		}
		v, ok := x.Value()
		if !ok {
			return nil
		}
		out = append(out, word.Word{Src: x.Src, Know: word.Unknown, Shape: []word.Part{{Lit: v}, findRest}, Origin: word.FromInput})
	}
	for _, x := range a.Args() {
		if x.Is("-printf") || x.Is("-ls") || x.Is("-fprint") {
			return nil
		}
	}
	if len(out) == 0 {
		out = append(out, word.Word{Src: ".", Know: word.Unknown, Shape: []word.Part{{Lit: "."}, findRest}, Origin: word.FromInput})
	}
	return out
}

const parallelOpts = "-j --jobs -P --max-procs =n\n-k --keep-order\n-N --max-replace-args =n\n-n --max-args =n\n-a --arg-file =file\n-I =replace\n--bar\n--eta\n--progress\n--dry-run --dryrun : ask\n-v\n-t\n-q --quote\n--delay =s\n--timeout =s\n--retries =n\n--halt =h\n--joblog =f\n--resume\n--tmpdir =d\n--results =d\n-S --sshlogin =host\n--colsep -C =r\n-d --delimiter =d\n-0 --null\n-X\n-m\n--xargs\n-L =n\n--pipe : ask\n--block =s\n--will-cite\n--no-notice\n--line-buffer --lb\n--group\n-u --ungroup\n--tag\n--no-run-if-empty -r\n--shuf\n--nice =n\n--load =n\n--memfree =n\n--wd --workdir =dir\n-i\n--env =v\n--header =h\n--silent\n-W =n\n--linebuffer\n--verbose\n--plain"

var parallelOptions = grammar(posix, parallelOpts)

// parallel runs code for each of the arguments behind ":::", or for each line
// that it reads.
func (w *walker) parallel(st *state, l launch, base string) result {
	argv := l.argv[1:]
	var given []word.Word
	has := false
	for i, x := range argv {
		if x.Is(":::") || x.Is(":::+") || x.Is("::::") {
			if x.Is(":::") {
				given = argv[i+1:]
			}
			has = true
			argv = argv[:i]
			break
		}
	}
	a := parallelOptions().Read(argv)
	cmd := a.Operands
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: true}, l.at)
	if a.Has("ask") {
		return both(st)
	}
	in := st.ctx.stdin
	if l.in != nil {
		in = *l.in
	}
	if !has && in.known {
		has = true
		for _, s := range strings.Split(strings.TrimSuffix(in.text, "\n"), "\n") {
			given = append(given, fromInput(s))
		}
	}
	unknown := !has || len(a.Values["n"]) > 1
	for _, g := range given {
		if _, ok := g.Value(); !ok || g.Is(":::") || g.Is(":::+") || g.Is("::::") {
			unknown = true
		}
	}
	if unknown || len(given) == 0 || len(a.Values["host"]) > 0 {
		given = []word.Word{{Src: "{}", Know: word.Unknown, Shape: []word.Part{{Hole: word.Subst, Src: "{}"}}, Origin: word.FromInput}}
	}
	for i, g := range given {
		if i >= w.lim.Unroll {
			w.note(TooLarge, "input of parallel", &l.at)
			break
		}
		if v, ok := g.Value(); ok && len(cmd) > 0 {
			g.Values = []string{quoteShell(v)}
		}
		words := make([]word.Word, 0, len(cmd)+1)
		used := false
		for _, x := range cmd {
			y := w.replaced(x, "{}", g)
			used = used || !same(x, y)
			words = append(words, y)
		}
		if !used {
			words = append(words, g)
		}
		if _, ok := w.code(w.joined(words)); !ok && len(cmd) > 0 {
			continue
		}
		w.shellCode(st, l, base, w.joined(words), func(s *state, c *context) {
			if unknown {
				s.certain = Possible
			}
			if h := a.Values["host"]; len(h) > 0 && !h[0].Is(":") {
				remote(s, c, Remote, h)
			}
			c.stdin = input{Input: Input{Kind: InputClosed}}
		})
	}
	return both(st)
}

// quoteShell quotes a string for a shell.
func quoteShell(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\\'\"$`*?[]{}()<>|&;!~#") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
