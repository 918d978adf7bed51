package command

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/word"
)

// made is the text of a file that the line itself has written by now: a script
// that is put down and started, a crontab that is emptied and installed. made
// says that the line wrote it, ok that all of its text is known.
func (w *walker) made(st *state, name word.Word) (text string, made, ok bool) {
	text, made, ok, sure := w.maybeMade(st, name)
	return text, made, ok && sure
}

// maybeMade is made for a file that the line may not have written, too: sure
// says that it has.
func (w *walker) maybeMade(st *state, name word.Word) (text string, made, ok, sure bool) {
	v, known := name.Value()
	f := named{fresh: name}
	switch {
	case known && v != "":
		f = fileNamed(st.cwd, v)
	case known || !isFresh(name):
		return "", false, false, true
	}
	f.place = st.ctx.place
	return w.putInto(len(w.line.Actions), f)
}

// isFresh reports a word that names a file which mktemp makes, or one below a
// directory that it makes: not known, and no other's.
func isFresh(x word.Word) bool {
	return x.Know == word.Unknown && len(x.Shape) > 0 && x.Shape[0].Hole == word.Subst && strings.HasPrefix(strings.TrimLeft(x.Shape[0].Src, "$(`"), "mktemp") &&
		!slices.ContainsFunc(x.Shape[1:], func(p word.Part) bool { return p.Hole != word.NoHole })
}

// madeBefore is made for what the actions before one have written.
func (w *walker) madeBefore(n int, cwd word.Word, name string) (text string, made, ok bool) {
	f := fileNamed(cwd, name)
	if n < len(w.line.Actions) {
		f.place = w.line.Actions[n].Place
	}
	text, made, ok, sure := w.putInto(n, f)
	return text, made, ok && sure
}

// putInto is what the actions before one have put into a file. Where one of
// them may not have run, what was there before it stands in front of what it
// writes.
func (w *walker) putInto(n int, f named) (text string, made, ok, sure bool) {
	sure = true
	whole := false
	// The newest first: what was appended stands behind what was there.
	for i := n - 1; i >= 0; i-- {
		a := &w.line.Actions[i]
		if a.Place.Kind != f.place.Kind || !slices.EqualFunc(a.Place.Names, f.place.Names, same) {
			continue
		}
		part, into, appends, ok := w.puts(i, f)
		if !into {
			continue
		}
		if !ok {
			return "", true, false, sure
		}
		text, made = part+text, true
		sure = sure && a.Certain == Certain
		if !appends && a.Certain == Certain {
			return text, true, len(text) <= MaxText, sure
		}
		whole = whole || !appends
	}
	return text, made, whole && len(text) <= MaxText, sure
}

// contents is the text of a file that action i names, as it is by then.
func (w *walker) contents(i int, name string) (string, bool) {
	if name == "" || name == "-" {
		return "", false
	}
	cwd := w.line.Actions[i].Cwd
	text, made, ok := w.madeBefore(i, cwd, name)
	if !made {
		p, abs := absolute(cwd, name)
		if !abs {
			return "", false
		}
		b, err := w.files.ReadFile(p, int64(w.lim.Bytes)+1)
		text, ok = string(b), err == nil
	}
	return text, ok && strings.IndexByte(text, 0) < 0
}

// named is a file by its name in a directory.
type named struct {
	cwd  word.Word
	path string // clean; absolute where that is known
	abs  bool
	last string // of its names

	fresh word.Word // in the place of all that: a word that isFresh
	place Place     // the machine that it is on
}

func fileNamed(cwd word.Word, name string) named {
	f := named{cwd: cwd, path: name}
	if p, abs := absolute(cwd, name); abs {
		f.path, f.abs = p, true
	}
	f.path = path.Clean(f.path)
	f.last = path.Base(f.path)
	return f
}

// is says whether a word in a directory means the file.
func (f *named) is(cwd, x word.Word) bool {
	if f.fresh.Know != 0 {
		return isFresh(x) && slices.Equal(f.fresh.Shape, x.Shape)
	}
	v, known := x.Value()
	if !known || v == "" {
		return false
	}
	if end := v[strings.LastIndexByte(v, '/')+1:]; end != f.last && end != "" && end != "." && end != ".." {
		return false
	}
	p, abs := absolute(cwd, v)
	if !abs && !f.abs {
		// Wherever it is: the same name in the same place.
		return path.Clean(v) == f.path && same(cwd, f.cwd)
	}
	return abs && f.abs && path.Clean(p) == f.path
}

// puts is what an action writes into a file.
func (w *walker) puts(i int, f named) (text string, into, appends, ok bool) {
	a := &w.line.Actions[i]
	is := func(x word.Word) bool { return f.is(a.Cwd, x) }
	for _, r := range a.Redirs {
		if r.Kind != Out && r.Kind != Clobber && r.Kind != Append || !is(r.Target) {
			continue
		}
		switch {
		case a.Compound:
			return "", true, r.Kind == Append, false
		case len(a.Argv) == 0:
			return "", true, r.Kind == Append, true
		case r.FD != 1:
			return "", true, r.Kind == Append, false
		}
		text, ok = w.output(i)
		return text, true, r.Kind == Append, ok
	}
	program, _ := a.Name()
	args := a.Args()
	switch program {
	case "tee":
		if slices.ContainsFunc(args, is) {
			text, ok = w.read0(i)
			return text, true, slices.ContainsFunc(args, func(x word.Word) bool { return x.Is("-a") || x.Is("--append") }), ok
		}
	case "cp", "mv", "install", "ln":
		if ops := copiedWords(a); len(ops) == 2 && is(ops[1]) && !ops[0].Is("/dev/null") {
			if ops[0].Is("/dev/stdin") {
				text, ok = w.read0(i)
				return text, true, false, ok
			}
			src, known := ops[0].Value()
			text, ok = w.contents(i, src)
			return text, true, false, known && ok
		}
		fallthrough
	case "curl", "wget":
		if n := len(args); n > 1 && slices.ContainsFunc(args, is) && (is(args[n-1]) || program == "curl" || program == "wget") {
			return "", true, false, n == 2 && program == "cp" && args[0].Is("/dev/null")
		}
	case "truncate":
		if n := len(args); n > 1 && is(args[n-1]) {
			return "", true, false, slices.ContainsFunc(args, func(x word.Word) bool { return x.Is("-s0") || x.Is("--size=0") || x.Is("0") })
		}
	case "dd":
		for _, x := range args {
			k, v, cut := cutWord(x, "=")
			if !cut || k != "of" || !is(v) {
				continue
			}
			switch from, plain := ddSource(args); {
			case !plain:
				return "", true, false, false
			case from == "/dev/null":
				return "", true, false, true
			case from == "":
				text, ok = w.read0(i)
			default:
				text, ok = w.contents(i, from)
			}
			return text, true, false, ok
		}
	}
	return "", false, false, false
}

// ddSource is the file that dd reads, "" for its input; plain says that it
// writes all of it as it is.
func ddSource(args []word.Word) (from string, plain bool) {
	plain = true
	for _, x := range args {
		switch k, v, _ := cutWord(x, "="); k {
		case "if":
			from, plain = v.String(), plain && v.Know == word.Known
		case "of", "bs", "status", "ibs", "obs":
		default:
			plain = false
		}
	}
	return from, plain
}

// copies reports a program that puts a file's content under another name.
func copies(name string) bool {
	switch name {
	case "cp", "mv", "install", "ln":
		return true
	}
	return false
}

// copiedWords are the operands of such a program.
func copiedWords(a *Action) (ops []word.Word) {
	name, _ := a.Name()
	args := a.Args()
	for i := 0; i < len(args); i++ {
		p := args[i].Prefix()
		switch {
		case len(p) < 2 || p[0] != '-':
			ops = append(ops, args[i])
		case p == "--suffix" || p[1] != '-' && (p[len(p)-1] == 'S' || name == "install" && strings.IndexByte("mog", p[len(p)-1]) >= 0):
			i++ // the option's own word
		}
	}
	return ops
}

// copyOf is the program of the system's that the line itself has put where a
// file is, as a copy or a link; "" where it has not.
func (w *walker) copyOf(st *state, file string) string {
	f := fileNamed(st.cwd, file)
	for i := len(w.line.Actions) - 1; i >= 0; i-- {
		a := &w.line.Actions[i]
		if name, _ := a.Name(); !copies(name) || a.Place.Kind != Here {
			continue
		}
		ops := copiedWords(a)
		if len(ops) != 2 || !f.is(a.Cwd, ops[1]) {
			continue
		}
		from, ok := ops[0].Value()
		if p, abs := absolute(a.Cwd, from); ok && abs && systemDir(path.Dir(p)) && path.Base(p) != f.last {
			return p
		}
		return ""
	}
	return ""
}
