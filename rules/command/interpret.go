package command

import (
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/word"
)

// language is an interpreter that is given code other than a shell's. Its code
// is not run and not understood as a whole: a bounded look finds the calls of
// its standard library that destroy or start something, with the arguments
// that are written out. What is not is unknown.
type language struct {
	name string

	// How its options are written: letters that take code, that take a word,
	// and that take what is left of their own word.
	code, with, rest string
	long             map[string]byte // long options, by the letter that they are
	program          bool            // the first operand is the code (awk)

	// How its text is read.
	hash, slashes, dashes bool // comments
	triple, prefixes      bool // python's strings
	template, backticks   bool
	noSingle              bool // ' does not quote (awk)
	interpolates          bool // "$x"
	sigils, quoteWords    bool // perl
	percent, regexp, bare bool // %w[], /x/, calls without parentheses
	dot                   bool // . joins strings
	calls                 func() map[string]string
	marks                 [2]string
	ignore                string // options with which nothing is run
}

var languages = sync.OnceValue(func() map[string]*language {
	python := &language{name: "python", code: "c", with: "mWX", hash: true, triple: true, prefixes: true, marks: [2]string{"{", "}"}, calls: sync.OnceValue(pythonCalls), ignore: "Vh"}
	perl := &language{name: "perl", code: "eE", with: "I", rest: "iMmF0lCdDx", hash: true, interpolates: true, sigils: true, quoteWords: true, backticks: true, regexp: true, bare: true, dot: true, calls: sync.OnceValue(perlCalls), ignore: "vVh"}
	ruby := &language{name: "ruby", code: "e", with: "rICE", rest: "i0FKTWx", hash: true, interpolates: true, percent: true, backticks: true, regexp: true, bare: true, marks: [2]string{"#{", "}"}, calls: sync.OnceValue(rubyCalls), ignore: "vh"}
	node := &language{name: "node", code: "ep", with: "rC", long: map[string]byte{"--eval": 'e', "--print": 'p', "--require": 'r', "--import": 'r'}, slashes: true, template: true, interpolates: false, regexp: true, marks: [2]string{"${", "}"}, calls: sync.OnceValue(nodeCalls), ignore: "vhc"}
	php := &language{name: "php", code: "rRB", with: "dczt", long: map[string]byte{"--run": 'r'}, hash: true, slashes: true, interpolates: true, sigils: true, backticks: true, dot: true, calls: sync.OnceValue(phpCalls), ignore: "vmil"}
	lua := &language{name: "lua", code: "e", with: "l", dashes: true, calls: sync.OnceValue(luaCalls), ignore: "v"}
	awk := &language{name: "awk", code: "e", with: "FvfiEl", long: map[string]byte{"--assign": 'v', "--file": 'f', "--source": 'e', "--field-separator": 'F', "--include": 'i', "--load": 'l', "--exec": 'E'}, program: true, hash: true, noSingle: true, regexp: true, calls: sync.OnceValue(awkCalls), ignore: "Vh"}
	julia := &language{name: "julia", code: "eE", with: "LpJCHg", long: map[string]byte{"--eval": 'e', "--print": 'E', "--load": 'L'}, hash: true, backticks: true, calls: sync.OnceValue(juliaCalls), ignore: "vh"}
	r := &language{name: "r", code: "e", with: "fg", long: map[string]byte{"--file": 'f'}, hash: true, calls: sync.OnceValue(rCalls)}
	octave := &language{name: "octave", code: "e", with: "p", long: map[string]byte{"--eval": 'e', "--path": 'p'}, hash: true, calls: sync.OnceValue(octaveCalls), ignore: "vh"}
	jvm := &language{name: "jvm", code: "e", with: "cDpCi", slashes: true, triple: true, interpolates: true, marks: [2]string{"${", "}"}, calls: sync.OnceValue(jvmCalls), ignore: "vh"}
	byName := map[string]*language{}
	for names, l := range map[string]*language{
		"groovy groovysh groovyclient jshell kotlin kotlinc scala scala-cli jbang bsh": jvm,
		"python python2 python3 pypy pypy3 ipython ipython3":                           python, "perl raku": perl, "ruby jruby": ruby, "node nodejs bun deno": node, "julia": julia, "R Rscript": r, "octave octave-cli": octave, "php php-cli": php, "lua luajit": lua, "awk gawk mawk nawk": awk,
	} {
		for _, n := range strings.Fields(names) {
			byName[n] = l
		}
	}
	return byName
})

// languageOf is the language that a program's name stands for, a version
// behind it or not.
func languageOf(base string) *language {
	if l := languages()[base]; l != nil {
		return l
	}
	if n := strings.TrimRight(base, "0123456789."); n != base && n != "" {
		return languages()[n]
	}
	return nil
}

// interpret looks through the code that an interpreter is given.
func (w *walker) interpret(st *state, l launch, i int, lang *language, base string) {
	args := l.argv[1:]
	if base == "deno" && len(args) > 0 {
		// deno eval CODE, deno run FILE
		if args[0].Is("eval") {
			args = append(word.Lits("-e"), args[1:]...)
		} else if args = args[1:]; !l.argv[1].Is("run") {
			return
		}
	}
	var codes []word.Word
	assigned := map[string]word.Word{}
	file, module, shown, lines := word.Word{}, false, "", false
options:
	for len(args) > 0 {
		s, ok := args[0].Value()
		if !ok || len(s) < 2 || s[0] != '-' {
			break
		}
		args = args[1:]
		if s == "--" {
			break
		}
		letters, attached := s[1:], ""
		if s[1] == '-' {
			name, val, has := strings.Cut(s, "=")
			c, ok := lang.long[name]
			if !ok {
				if name == "--version" || name == "--help" {
					return
				}
				continue
			}
			letters = string(c)
			if has {
				letters += val
			}
		}
		for j := 0; j < len(letters); j++ {
			c := letters[j]
			if strings.IndexByte(lang.ignore, c) >= 0 && strings.IndexByte(lang.code, c) < 0 {
				return
			}
			lines = lines || (c == 'n' || c == 'p') && (lang.name == "perl" || lang.name == "ruby")
			takes := strings.IndexByte(lang.code, c) >= 0 || strings.IndexByte(lang.with, c) >= 0
			if !takes {
				if strings.IndexByte(lang.rest, c) < 0 {
					continue
				}
				if c != 'l' && c != '0' {
					break
				}
				for j+1 < len(letters) && strings.IndexByte("0123456789xX", letters[j+1]) >= 0 {
					j++ // a character's number and no more: -0777ne, -lne
				}
				continue
			}
			attached = letters[j+1:]
			if lang.name == "node" && attached == "e" {
				attached = "" // -pe
			}
			var x word.Word
			switch {
			case attached != "":
				x = word.Lit(attached)
			case len(args) > 0:
				x, args = args[0], args[1:]
			default:
				break options
			}
			switch {
			case strings.IndexByte(lang.code, c) >= 0:
				codes = append(codes, x)
				shown = base + " -" + string(c)
				if lang.name == "python" {
					break options
				}
			case (lang.name == "awk" || lang.name == "r") && (c == 'f' || c == 'E'):
				file = x
			case lang.name == "awk" && c == 'F':
				assigned["FS"] = x
			case lang.name == "awk" && c == 'v':
				if n, v, ok := cutWord(x, "="); ok {
					assigned[n] = v
				}
			case lang.name == "python" && c == 'm':
				module = true
				break options
			}
			break
		}
	}
	if module {
		return
	}
	argv := args
	var text string
	switch {
	case len(codes) > 0:
		for _, c := range codes {
			t, ok := w.code(c)
			if !ok {
				if c.Know == word.Unknown && len(codes) == 1 && len(w.sources(c)) > 0 {
					w.unseen(shown+" "+c.Src, w.sources(c), &l.at)
				}
				return
			}
			text += t + "\n"
		}
	case lang.program && file.Know == 0:
		if len(args) == 0 {
			return
		}
		t, ok := w.code(args[0])
		if !ok {
			return
		}
		text, argv, shown = t, args[1:], base
	default:
		if file.Know == 0 && len(args) > 0 {
			file, argv = args[0], args[1:]
		}
		if file.Know == 0 || file.Is("-") || file.Is("/dev/stdin") {
			in := w.standardInput(st, l)
			switch {
			case in.known:
				text = in.text
			case in.Kind == InputFile:
				text, _ = w.readFile(st, in.Word)
			case in.Kind == InputPipe:
				w.unseen(base+" reads what another command writes", in.From, &l.at)
				return
			}
			shown = base
			break
		}
		t, ok := w.processText(file)
		if !ok && w.isProcess(file) {
			w.unseen(base+" runs "+file.Src, w.sources(file), &l.at)
			return
		}
		if !ok {
			if t, ok = w.readFile(st, file); !ok {
				w.unread(base+" "+file.Src, &l.at)
				return
			}
		}
		v, _ := file.Value()
		text, shown = t, "script "+v
	}
	w.look(st, l, i, lang, shown, text, argv, assigned, lines)
}

// lookedThrough is as much of a program's code as is looked through, and a note
// where that is not all.
func (w *walker) lookedThrough(code, via string, l launch) string {
	if len(code) <= maxCode {
		return code
	}
	w.note(TooLarge, via+": more code than is looked through", &l.at)
	return code[:maxCode]
}

// look finds the calls in a text, and what the action of that index prints;
// lines says that the text runs once for each line of input.
func (w *walker) look(st *state, l launch, index int, lang *language, via, text string, argv []word.Word, assigned map[string]word.Word, lines bool) {
	if !textual(text) || w.depth >= w.lim.Depth {
		return
	}
	text = w.lookedThrough(text, via, l)
	e := &evaluator{w: w, st: st, l: l, lang: lang, via: via, argv: argv, vars: map[string]val{}, alias: map[string]string{}, action: index, only: !lines}
	for n, v := range assigned {
		e.vars[n] = val{w: v}
	}
	e.toks = lex(lang, text)
	if lines {
		e.braces = 1
		if x, ok := w.lineOf(st, l, argv); ok {
			e.vars["$_"] = val{w: x}
		}
	}
	if lang.name == "perl" && !lines {
		e.everyBelow()
	}
	w.depth++
	if lang.name == "awk" {
		e.awkLines()
	} else {
		e.statements()
	}
	if p, ok := w.says[index]; ok && index >= 0 {
		p.whole = e.only
		w.says[index] = p
	}
	w.depth--
}

// lineOf is one of the lines that a program works on: of the files that it is
// given, or of its input.
func (w *walker) lineOf(st *state, l launch, files []word.Word) (word.Word, bool) {
	var texts []string
	if len(files) == 0 {
		in := w.standardInput(st, l)
		text, ok := w.inputText(st, in)
		if !ok {
			return w.anyItem(in)
		}
		texts = append(texts, text)
	}
	for _, f := range files {
		text, ok := w.readFile(st, f)
		if !ok {
			return word.Word{}, false
		}
		texts = append(texts, text)
	}
	var values []string
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && !slices.Contains(values, line) {
				if values = append(values, line); len(values) > w.lim.Values {
					return word.Word{}, false
				}
			}
		}
	}
	return word.Set("$_", word.FromInput, values...), len(values) > 0
}

// scriptLanguage is the interpreter that a script's first line names.
func scriptLanguage(head string) *language {
	line, _, _ := strings.Cut(head, "\n")
	if !strings.HasPrefix(line, "#!") {
		return nil
	}
	f := strings.Fields(line[2:])
	if len(f) > 0 && path.Base(f[0]) == "env" {
		f = f[1:]
		for len(f) > 0 && (strings.HasPrefix(f[0], "-") || strings.Contains(f[0], "=")) {
			f = f[1:]
		}
	}
	if len(f) == 0 {
		return nil
	}
	return languageOf(path.Base(f[0]))
}
