package command

import (
	"fmt"
	"strings"

	"guardsh/rules/word"
)

// compact writes what a line would start, an action a line:
//
//	rm -rf /x @/srv certain
//
// Words that are not known stand as ?source, sets as {a,b}; words that may be
// several end in "…". Behind the argv come redirections, then what differs
// from the ordinary: @cwd, user=, place, via.
func compact(l *Line) []string {
	var out []string
	for _, a := range l.Actions {
		var f []string
		for _, as := range a.Assigns {
			f = append(f, as.Name+"="+show(as.Value))
		}
		for _, w := range a.Argv {
			f = append(f, show(w))
		}
		for _, r := range a.Redirs {
			f = append(f, fmt.Sprintf("%d%s%s", r.FD, redirSigns[r.Kind], show(r.Target)))
		}
		f = append(f, "@"+show(a.Cwd))
		f = append(f, a.Certain.String())
		if a.User != "" {
			f = append(f, "user="+a.User)
		}
		if a.Place.Kind != Here {
			var ns []string
			for _, n := range a.Place.Names {
				ns = append(ns, show(n))
			}
			f = append(f, placeNames[a.Place.Kind]+"="+strings.Join(ns, ","))
		}
		if len(a.Via) > 0 {
			f = append(f, "via="+strings.Join(a.Via, ">"))
		}
		for _, l := range a.Left {
			f = append(f, fmt.Sprintf("left-%d=%s", l.Kind, l.Name))
			if l.Kind == LeftVariable && !l.Unset {
				f = append(f, show(l.Value))
			}
			if l.Fixed {
				f = append(f, "fixed")
			}
		}
		if a.Wrapper {
			f = append(f, "wrapper")
		}
		if a.Async {
			f = append(f, "async")
		}
		out = append(out, strings.Join(f, " "))
	}
	for _, n := range l.Notes {
		out = append(out, "note "+string(n.Kind)+": "+n.Text)
	}
	return out
}

var redirSigns = map[Redirect]string{In: "<", Out: ">", Append: ">>", Clobber: ">|", ReadWrite: "<>", Text: "<<", Duplicate: ">&"}

var placeNames = map[PlaceKind]string{Remote: "remote", Container: "container", Chroot: "chroot", Namespace: "namespace"}

func show(w word.Word) string {
	switch w.Know {
	case word.Known:
		if w.Values[0] == "" || strings.ContainsAny(w.Values[0], " \n\t") {
			return fmt.Sprintf("%q", w.Values[0])
		}
		return w.Values[0]
	case word.OneOf:
		return "{" + strings.Join(w.Values, ",") + "}"
	}
	var b strings.Builder
	for _, p := range w.Shape {
		switch p.Hole {
		case word.NoHole:
			b.WriteString(p.Lit)
		default:
			b.WriteString("<" + p.Src + ">")
		}
	}
	if w.Shape == nil {
		b.WriteString("<?>")
	}
	if w.Many {
		b.WriteString("…")
	}
	return b.String()
}
