package command

import (
	"strings"

	"guardsh/rules/word"
)

// handsOn reports whether a program prints what it reads, in its order or
// another; all says that none of it may be missing.
func handsOn(name string) (all, hands bool) {
	switch name {
	case "cat", "tee", "sort", "tac", "shuf":
		return true, true
	case "grep", "egrep", "fgrep", "uniq", "head", "tail":
		return false, true
	}
	return false, false
}

// items is what can be read from a pipe, or from what the line itself has
// written, as words, where the text is not known
// but something of each word is: names below a directory, a variable's value
// behind a known beginning. nil where nothing is known.
func (w *walker) items(in input) []word.Word {
	switch in.Kind {
	case InputPipe:
		return w.printed(in.From, 0)
	case InputFile:
		return w.printed(w.filledBy(in.Word), 0)
	}
	return nil
}

// filledBy is the actions whose output a file holds: those of <(…), or those
// that the line has redirected there.
func (w *walker) filledBy(file word.Word) []int {
	var out []int
	if len(file.Shape) == 1 {
		for _, i := range w.within[file.Shape[0].Src] {
			if a := &w.line.Actions[i]; !a.Compound && !a.Wrapper && len(a.PipeTo) == 0 && len(a.Argv) > 0 {
				out = append(out, i)
			}
		}
		return out
	}
	name, ok := file.Value()
	if !ok {
		return nil
	}
	for i := len(w.line.Actions) - 1; i >= 0; i-- {
		for _, r := range w.line.Actions[i].Redirs {
			if r.FD != 1 || !r.Target.Is(name) {
				continue
			}
			switch r.Kind {
			case Append:
				out = append(out, i)
			case Out, Clobber:
				return append(out, i)
			}
		}
	}
	return nil
}

// fromFirst reports whether tail begins with the first line: tail -n +1, which
// leaves nothing out.
func fromFirst(args []word.Word) bool {
	for _, x := range args {
		if v, ok := x.Value(); ok {
			switch strings.TrimPrefix(strings.TrimPrefix(v, "-n"), "--lines=") {
			case "+0", "+1":
				return true
			}
		}
	}
	return false
}

// names reports whether a word is the names in the working directory, as ls
// prints them.
func names(x word.Word) bool {
	return len(x.Shape) == 1 && x.Shape[0].Hole == word.Glob && x.Shape[0].Src == "*"
}

// devicesOf is the devices that a program lists by their paths.
func devicesOf(name string, args []word.Word) []word.Word {
	var columns string
	paths := name == "findmnt" || name == "df" || name == "pvs"
	for i, x := range args {
		v, ok := x.Value()
		switch {
		case !ok:
		case strings.HasPrefix(v, "--output="):
			columns = v[len("--output="):]
		case len(v) > 1 && v[0] == '-' && v[1] != '-':
			paths = paths || name == "lsblk" && strings.Contains(v, "p") || name == "blkid" && strings.ContainsAny(v, "LUl")
			if o := strings.IndexByte(v, 'o'); o > 0 {
				if columns = v[o+1:]; columns == "" && i+1 < len(args) {
					columns = args[i+1].Prefix()
				}
			}
		}
	}
	switch strings.ToLower(columns) {
	case "path", "source", "pv_name":
	case "name":
		if !paths {
			return nil
		}
	case "device":
		if name != "blkid" {
			return nil
		}
	case "":
		if name != "blkid" || !paths {
			return nil
		}
	default:
		return nil
	}
	src := "$(" + name + ")"
	return []word.Word{{Src: src, Know: word.Unknown, Many: true, Shape: []word.Part{{Lit: "/dev/"}, {Hole: word.Subst, Src: src}}, Origin: word.FromInput}}
}

// printed is what actions print.
func (w *walker) printed(from []int, depth int) []word.Word {
	var out []word.Word
	for _, i := range from {
		a := &w.line.Actions[i]
		if a.Wrapper || len(a.Argv) == 0 {
			continue // what it starts prints
		}
		ws := w.itemsOf(i, depth)
		if len(ws) == 0 {
			return nil
		}
		if out = append(out, ws...); len(out) > w.lim.Values {
			return nil
		}
	}
	return out
}

func (w *walker) itemsOf(i, depth int) []word.Word {
	a := &w.line.Actions[i]
	name, ok := a.Name()
	if !ok || depth > w.lim.Depth {
		return nil
	}
	if text, ok := w.output(i); ok {
		var out []word.Word
		for _, f := range strings.Fields(text) {
			x := fromInput(f)
			if a.Certain != Certain {
				x = missing(x)
			}
			out = append(out, x)
		}
		return out
	}
	switch name {
	case "find":
		return found(a)
	case "grep", "egrep", "fgrep", "rgrep", "rg", "ag", "ack", "fd", "fdfind":
		if ws := matched(a, name); ws != nil {
			return ws
		}
	case "locate", "plocate", "mlocate":
		return somewhere(a.Args())
	case "dpkg", "rpm", "pacman", "dpkg-query", "apk":
		if args := a.Args(); len(args) > 1 && listsFiles(args[0].Prefix()) {
			return []word.Word{{Src: args[0].Src, Know: word.Unknown, Many: true, Shape: []word.Part{{Lit: "/"}, findRest}, Origin: word.FromInput}}
		}
		return nil
	case "ls":
		return listed(a)
	case "lsblk", "findmnt", "blkid", "df", "pvs":
		return devicesOf(name, a.Args())
	case "pgrep", "pidof":
		// Numbers; whose they are is all that counts of them.
		src := "$(" + w.joined(a.Argv).String() + ")"
		return []word.Word{{Src: src, Know: word.Unknown, Many: true, Shape: []word.Part{{Hole: word.Subst, Src: src}}, Origin: word.FromInput}}
	case "echo":
		if args := a.Args(); len(args) > 0 && !strings.HasPrefix(args[0].Prefix(), "-") {
			return args
		}
		return nil
	case "printf":
		args := a.Args()
		if len(args) < 2 {
			return nil
		}
		format, ok := args[0].Value()
		if ok && strings.Trim(strings.NewReplacer("%s", "", `\n`, "", `\0`, "").Replace(format), " ") == "" && strings.Count(format, "%s") == 1 {
			return args[1:]
		}
		return nil
	}
	if rewrite := filterOf(name); rewrite != nil && a.Stdin.Kind == InputPipe {
		if _, hands := handsOn(name); !hands {
			return w.rewritten(a, rewrite, depth)
		}
	}
	if args := a.Args(); name == "cat" && len(args) == 1 && a.Stdin.Kind != InputPipe {
		return w.printed(w.filledBy(args[0]), depth+1)
	}
	all, hands := handsOn(name)
	all = all || name == "tail" && fromFirst(a.Args())
	if !hands || a.Stdin.Kind != InputPipe {
		return nil
	}
	out := append([]word.Word{}, w.printed(a.Stdin.From, depth+1)...)
	for j := range out {
		if !all {
			out[j] = missing(out[j])
		}
	}
	return out
}

// listsFiles reports whether package managers list the files of a package with
// that option.
func listsFiles(opt string) bool {
	switch opt {
	case "-L", "--listfiles", "-ql", "-qla", "-Ql", "-Qlq", "-Qql":
		return true
	}
	return false
}

// matchOptions are the options of programs that search files which take a word
// of their own, by the last letter of a cluster.
const matchOptions = "eEfmABCgtTdD"

// matched is the names of files that a search prints: what it searches in, or
// names below that.
func matched(a *Action, name string) []word.Word {
	var ops []word.Word
	names, below, given := false, name != "grep" && name != "egrep" && name != "fgrep", false
	switch name {
	case "fd", "fdfind":
		names = true
	}
	args := a.Args()
	for i := 0; i < len(args); i++ {
		v := args[i].Prefix()
		switch {
		case v == "--":
			ops = append(ops, args[i+1:]...)
			i = len(args)
		case v == "--files-with-matches", v == "--files-without-match", v == "--files":
			names, given = true, given || v == "--files"
		case v == "--recursive", v == "--dereference-recursive":
			below = true
		case v == "-x", v == "-X", v == "--exec", v == "--exec-batch":
			if names && (name == "fd" || name == "fdfind") {
				return nil // what it starts prints
			}
		case len(v) > 1 && v[0] == '-' && v[1] != '-':
			names = names || strings.ContainsAny(v, "lL") && name != "fd" && name != "fdfind"
			below = below || strings.ContainsAny(v, "rR")
			given = given || strings.ContainsAny(v, "ef") && name != "fd" && name != "fdfind"
			if strings.IndexByte(matchOptions, v[len(v)-1]) >= 0 {
				i++
			}
		case strings.HasPrefix(v, "--regexp="), strings.HasPrefix(v, "--file="):
			given = true
		case strings.HasPrefix(v, "--"):
		default:
			ops = append(ops, args[i])
		}
	}
	if !given && len(ops) > 0 {
		ops = ops[1:]
	}
	if !names {
		return nil
	}
	if len(ops) == 0 && below {
		ops = word.Lits(".")
	}
	var out []word.Word
	for _, x := range eachValue(ops) {
		v, ok := x.Value()
		if !ok || v == "" {
			return nil
		}
		if below {
			x = word.Word{Src: x.Src, Know: word.Unknown, Many: true, Shape: []word.Part{{Lit: v}, findRest}, Origin: word.FromInput}
		} else {
			x = missing(x)
		}
		out = append(out, x)
	}
	return out
}

// somewhere is the names that locate prints: anywhere, with a known end where
// its pattern has one.
func somewhere(args []word.Word) []word.Word {
	var out []word.Word
	for _, x := range args {
		v, ok := x.Value()
		if !ok {
			return nil
		}
		if v == "" || v[0] == '-' {
			continue
		}
		shape := []word.Part{{Lit: "/"}, findRest}
		if end := v[strings.LastIndexAny(v, "*?[]/")+1:]; strings.ContainsAny(v, "*?[") && end != "" {
			shape = append(shape, word.Part{Lit: "/"}, word.Part{Hole: word.Glob, Src: "*" + end})
		}
		out = append(out, word.Word{Src: x.Src, Know: word.Unknown, Many: true, Shape: shape, Origin: word.FromInput})
	}
	return out
}

// missing is a word that may not come at all.
func missing(x word.Word) word.Word {
	if x.Know == word.Unknown {
		x.Many = true
		return x
	}
	if v, ok := x.Value(); ok {
		return word.Word{Src: x.Src, Know: word.Unknown, Many: true, Shape: []word.Part{{Lit: v}}, Origin: word.FromInput}
	}
	h := word.Hidden(x.Src, word.Subst)
	h.Many = true
	return h
}

// unseen stands in a filter's input for the part of a name that is not known.
const unseen = "\x01"

// rewritten is what a filter makes of each name: sed's s|^|/| puts the slash in
// front of all of them, whatever they are.
func (w *walker) rewritten(a *Action, filter func([]string, string) (string, bool), depth int) []word.Word {
	args, ok := known(a.Args())
	if !ok {
		return nil
	}
	var out []word.Word
	for _, x := range w.printed(a.Stdin.From, depth+1) {
		var text strings.Builder
		text.WriteString(strings.Join(x.Values, "\n"))
		var hole []word.Part
		for _, p := range x.Shape {
			if p.Hole == word.NoHole {
				text.WriteString(p.Lit)
				continue
			}
			text.WriteString(unseen)
			hole = append(hole, p)
		}
		line, ok := filter(args, text.String()+"\n")
		before, after, holes := strings.Cut(strings.TrimSuffix(line, "\n"), unseen)
		if !ok || len(hole) > 1 || holes != (len(hole) == 1) || strings.Contains(before+after, "\n") || strings.Contains(after, unseen) {
			return nil
		}
		if !holes {
			if before != "" {
				out = append(out, missing(fromInput(before)))
			}
			continue
		}
		y := word.Word{Src: x.Src, Know: word.Unknown, Many: true, Origin: word.FromInput}
		for _, p := range []word.Part{{Lit: before}, hole[0], {Lit: after}} {
			if p.Hole != word.NoHole || p.Lit != "" {
				y.Shape = append(y.Shape, p)
			}
		}
		out = append(out, y)
	}
	return out
}
