package command

import (
	"strings"

	"guardsh/rules/word"
)

// within reports whether an expression finds all that is in its starting points
// and leaves nothing out but them.
func within(args []word.Word) bool {
	inside := false
	for i := 0; i < len(args); i++ {
		s, known := args[i].Value()
		n, neutral := findNeutral(s)
		switch {
		case !known:
			return false
		case s == "-mindepth" && i+1 < len(args) && args[i+1].Is("1"):
			inside = true
			i++
		case s == "-type" && i+1 < len(args) && args[i+1].Is("d"):
			i++ // each with the tree below it
		case s == "-exec" || s == "-execdir" || s == "-ok" || s == "-okdir":
			return inside
		case !neutral:
			return false
		default:
			i += n
		}
	}
	return inside
}

// allIn is everything in a directory: DIR/*.
func allIn(dir string) word.Word {
	return word.Word{Src: "{}", Know: word.Unknown, Many: true, Shape: []word.Part{{Lit: strings.TrimSuffix(dir, "/") + "/"}, {Hole: word.Glob, Src: "*"}}, Origin: word.FromInput}
}

// found is what a find prints: names below its starting points.
func found(a *Action) []word.Word {
	rest := findRest
	rest.All = findsAll(a.Args())
	var out []word.Word
	nothing := false
	for _, x := range eachValue(a.Args()) {
		if findExpr(x) {
			if _, leading := findLeading(x.Prefix()); leading && len(out) == 0 {
				continue
			}
			break
		}
		v, ok := x.Value()
		if ok && v == "" {
			nothing = true // no such directory, which it says elsewhere
			continue
		}
		if !ok {
			return nil
		}
		out = append(out, word.Word{Src: x.Src, Know: word.Unknown, Shape: []word.Part{{Lit: v}, rest}, Origin: word.FromInput})
	}
	called, named := findsName(a.Args()), FindsNamed(a.Args())
	for _, x := range a.Args() {
		if x.Is("-printf") || x.Is("-ls") || x.Is("-fprint") {
			return nil
		}
	}
	if len(out) == 0 && nothing {
		return nil
	}
	if len(out) == 0 {
		out = append(out, word.Word{Src: ".", Know: word.Unknown, Shape: []word.Part{{Lit: "."}, rest}, Origin: word.FromInput})
	}
	for i := range out {
		if called != "" {
			out[i].Shape = append(out[i].Shape, word.Part{Lit: "/" + called})
		} else if named != "" {
			out[i].Shape = append(out[i].Shape, word.Part{Lit: "/"}, word.Part{Hole: word.Glob, Src: named})
		}
	}
	return out
}

// findsName is the one name that everything found by an expression has; "" where
// there are others.
func findsName(args []word.Word) string {
	name := ""
	inside := false // -exec: its words are another program's
	for i, x := range args {
		switch {
		case inside:
			inside = !x.Is(";") && !(x.Is("+") && args[i-1].Is("{}"))
		case x.Is("-o"), x.Is("-or"), x.Is("!"), x.Is("-not"), x.Is(","):
			return ""
		case x.Is("-exec"), x.Is("-execdir"), x.Is("-ok"), x.Is("-okdir"):
			inside = true
		case x.Is("-name") && i+1 < len(args):
			v, ok := args[i+1].Value()
			if !ok || strings.ContainsAny(v, `*?[\/`) {
				continue
			}
			name = v
		}
	}
	return name
}

// FindsNamed is the pattern of an expression that finds at any depth all files,
// or all of a type, whose names match it; "" where there is more to it. In one
// that ignores the case of letters they are small.
func FindsNamed(args []word.Word) string {
	pattern := ""
	for i := 0; i < len(args); i++ {
		s, known := args[i].Value()
		if !findExpr(args[i]) {
			continue // a starting point
		}
		n, neutral := findNeutral(s)
		switch {
		case !known || s == "-maxdepth" || s == ",":
			return ""
		case s == "-name" || s == "-iname":
			if i++; i >= len(args) || pattern != "" {
				return ""
			}
			v, ok := args[i].Value()
			if !ok || strings.Contains(v, "/") {
				return ""
			}
			if pattern = v; s == "-iname" {
				pattern = strings.ToLower(v)
			}
		case s == "-exec" || s == "-execdir" || s == "-ok" || s == "-okdir":
			for i < len(args) && !args[i].Is(";") && !(args[i].Is("+") && args[i-1].Is("{}")) {
				i++
			}
		case neutral:
			i += n
		case s == "-D":
			i++
		case s == "-type" || s == "-H" || s == "-L" || s == "-P" || strings.HasPrefix(s, "-O"):
			if s == "-type" {
				if i++; i >= len(args) || args[i].Is("d") {
					return "" // what has to be there are files
				}
			}
		default:
			return ""
		}
	}
	return pattern
}

// findsRightIn is the pattern of an expression that finds what has such a name
// right in the starting point, and leaves out nothing else but files: "" where
// there is more to it.
func findsRightIn(args []word.Word) string {
	pattern, shallow := "", false
	for i := 0; i < len(args); i++ {
		s, _ := args[i].Value()
		next := word.Word{}
		if i+1 < len(args) {
			next = args[i+1]
		}
		switch s {
		case "-maxdepth":
			shallow = next.Is("1")
			i++
		case "-mindepth":
			if !next.Is("1") {
				return ""
			}
			i++
		case "-type":
			if !next.Is("d") {
				return ""
			}
			i++
		case "-name":
			v, ok := next.Value()
			if !ok || pattern != "" || strings.Contains(v, "/") || !strings.ContainsAny(v, "*?[") {
				return ""
			}
			pattern = v
			i++
		case "-exec", "-execdir":
			for i < len(args) && !args[i].Is(";") && !(args[i].Is("+") && args[i-1].Is("{}")) {
				i++
			}
		case "-print", "-print0", "-xdev", "-mount", "-depth", "-delete":
		default:
			return ""
		}
	}
	if !shallow {
		return ""
	}
	return pattern
}

// findsAll reports whether an expression leaves nothing out but by its type.
func findsAll(args []word.Word) bool {
	negated := false
	for i := 0; i < len(args); i++ {
		s, known := args[i].Value()
		if !findExpr(args[i]) {
			continue
		}
		n, neutral := findNeutral(s)
		switch {
		case !known:
			return false
		case neutral:
			i += n
		case s == "-not" || s == "!":
			negated = true
		case s == "-type" || s == "-mindepth":
			i++
		case s == "-D":
			i++
		case s == "-H" || s == "-L" || s == "-P" || strings.HasPrefix(s, "-O"):
		case !negated:
			return false
		default:
			negated = false
			i++
		}
	}
	return true
}

// listed is what ls in front of a pipe gives: the names that it was given, or
// those in one directory, which the next command looks for in its own.
func listed(a *Action) []word.Word {
	var ops []word.Word
	self := false
	for _, x := range a.Args() {
		v, known := x.Value()
		if known && len(v) > 1 && v[0] == '-' {
			if strings.HasPrefix(v, "--") && v != "--directory" || strings.ContainsAny(v[1:2], "lsi") {
				return nil // more than names
			}
			self = self || v == "--directory" || v[1] != '-' && strings.Contains(v, "d")
			continue
		}
		ops = append(ops, x)
	}
	if self && len(ops) > 0 {
		for _, x := range ops {
			if _, pattern := x.Pattern(); x.Know != word.Known && !pattern {
				return nil
			}
		}
		return ops
	}
	patterns := 0
	for _, x := range ops {
		if p, ok := x.Pattern(); ok && x.Know != word.Known && !strings.HasSuffix(p, "/") {
			patterns++
		}
	}
	if patterns == len(ops) && patterns > 0 {
		return ops // of a directory among them it would be what lies in it
	}
	if len(ops) > 1 || len(ops) == 1 && ops[0].Know != word.Known {
		return nil
	}
	if len(ops) == 1 && !strings.HasSuffix(ops[0].Values[0], "/") && !ops[0].Is(".") {
		return nil // it may be a file's own name
	}
	return []word.Word{{Src: "*", Know: word.Unknown, Many: true, Shape: []word.Part{{Hole: word.Glob, Src: "*"}}, Origin: word.FromInput}}
}

// unnamed is found names without the name that all of them have: what is
// substituted may be nothing at all, and then no name either.
func unnamed(ws []word.Word) []word.Word {
	for i, x := range ws {
		if n := len(x.Shape); n > 2 && x.Shape[n-2].Src == findRest.Src && x.Shape[n-1].Hole == word.NoHole {
			ws[i].Shape = x.Shape[: n-1 : n-1]
		}
	}
	return ws
}
