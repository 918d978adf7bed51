package command

import (
	"path"
	"slices"

	"guardsh/rules/word"
)

// made is the text of a file that the line itself has written by now: a script
// that is put down and started, a crontab that is emptied and installed. made
// says that the line wrote it, ok that all of its text is known.
func (w *walker) made(st *state, name word.Word) (text string, made, ok bool) {
	v, known := name.Value()
	p, abs := absolute(st.cwd, v)
	if !known || v == "" || !abs {
		return "", false, false
	}
	p = path.Clean(p)
	// The newest first: what was appended stands behind what was there.
	for i := len(w.line.Actions) - 1; i >= 0; i-- {
		a := &w.line.Actions[i]
		if a.Place.Kind != Here {
			continue
		}
		part, into, appends, ok := w.puts(i, p)
		if !into {
			continue
		}
		if !ok || a.Certain != Certain {
			return "", true, false
		}
		text = part + text
		if !appends {
			return text, true, len(text) <= maxText
		}
		made = true
	}
	return "", made, false
}

// puts is what an action writes into the file p.
func (w *walker) puts(i int, p string) (text string, into, appends, ok bool) {
	a := &w.line.Actions[i]
	is := func(x word.Word) bool {
		v, known := x.Value()
		q, abs := absolute(a.Cwd, v)
		return known && abs && v != "" && path.Clean(q) == p
	}
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
	name, _ := a.Name()
	args := a.Args()
	switch name {
	case "tee":
		if slices.ContainsFunc(args, is) {
			text, ok = w.read0(i)
			return text, true, slices.ContainsFunc(args, func(x word.Word) bool { return x.Is("-a") || x.Is("--append") }), ok
		}
	case "cp", "mv", "install", "curl", "wget":
		if n := len(args); n > 1 && slices.ContainsFunc(args, is) && (is(args[n-1]) || name == "curl" || name == "wget") {
			return "", true, false, n == 2 && name == "cp" && args[0].Is("/dev/null")
		}
	case "truncate":
		if n := len(args); n > 1 && is(args[n-1]) {
			return "", true, false, slices.ContainsFunc(args, func(x word.Word) bool { return x.Is("-s0") || x.Is("--size=0") || x.Is("0") })
		}
	case "dd":
		for _, x := range args {
			if k, v, cut := cutWord(x, "="); cut && k == "of" && is(v) {
				return "", true, false, slices.ContainsFunc(args, func(x word.Word) bool { return x.Is("if=/dev/null") })
			}
		}
	}
	return "", false, false, false
}
