package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

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

var xargsOptions = grammar{style: posix, text: `
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
--version : ask`}

// xargs starts a command with words that it reads.
func (w *walker) xargs(st *state, l launch, base string) result {
	a := xargsOptions.Read(l.argv[1:])
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
	in := w.standardInput(st, l)
	text, known := in.text, in.known
	if f := last(a.Values["file"]); f.Know != 0 {
		text, known = w.readFile(st, f)
		in = input{Input: Input{Kind: InputFile, Word: f}}
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
		froms := slices.Clone(w.items(in))
		if len(froms) == 0 {
			froms = []word.Word{item}
		}
		for i := range froms {
			if froms[i].Know == word.Unknown {
				froms[i].Many = mark == ""
			}
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
	if n := integer(last(a.Values["lines"])); n.known && n.n > 0 {
		// As many lines as that, each split into its words.
		for i, turns := 0, 0; i < len(items) && turns < w.lim.Unroll; turns++ {
			batch := argv[:len(argv):len(argv)]
			for end := min(i+int(min(n.n, maxWords)), len(items)); i < end; i++ {
				for _, f := range strings.Fields(items[i]) {
					batch = append(batch, fromInput(f))
				}
			}
			w.under(st, l, base, batch, change(true))
		}
		if len(items) > 0 {
			return both(st)
		}
	}
	size := len(items)
	if n := integer(last(a.Values["count"])); n.known && n.n > 0 {
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
