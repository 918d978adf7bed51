package command

import (
	"regexp"
	"slices"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// What can be known before the run
//
// A start's words cannot be known before the run where one of those that are
// not known holds
//
//   - what a program prints: $(…), `…` or <(…) around anything but the programs
//     of computed, whose output follows from their words;
//   - what find finds, what xargs, parallel or read take from such a program;
//   - what the kernel chooses while the line runs: a process's number, the time,
//     a random number, the name of <(…);
//   - a variable that the line itself set from one of these.
//
// The line alone decides that, not what the walker made of it: a walker that
// forgets a value is not excused. Every other start counts as knowable.

// computed are the programs whose output follows from their words.
var computed = strings.Fields("echo printf seq basename dirname pwd true : test [ whoami which realpath cd expr")

// chosen are the variables that the kernel or the clock fills.
var chosen = strings.Fields("RANDOM SRANDOM SECONDS EPOCHSECONDS EPOCHREALTIME BASHPID PPID LINENO COLUMNS LINES HISTCMD $ ! _ ? UID EUID PIPESTATUS REPLY MAPFILE")

var namesVariable = regexp.MustCompile(`\$\{?[!#]?([A-Za-z_][A-Za-z0-9_]*|[$!?_])`)

func unknowable(l *Line, a *Action) bool {
	f, err := parseText(l.Src)
	if err != nil {
		return false
	}
	taint := tainted(f, l.Src)
	fed := slices.ContainsFunc(a.Via, func(v string) bool {
		return v == "find" || (v == "xargs" || v == "parallel") && !onlyComputed(f, []string{v})
	})
	for _, x := range a.Argv {
		if x.Know == word.Known {
			continue
		}
		if fed {
			return true
		}
		for _, p := range x.Shape {
			if p.Hole == word.NoHole {
				continue
			}
			if strings.HasPrefix(p.Src, "<(") || strings.HasPrefix(p.Src, ">(") {
				return true
			}
			if g, err := parseText("echo " + p.Src); err == nil && !onlyComputed(g, nil) {
				return true
			}
			for _, m := range namesVariable.FindAllStringSubmatch(p.Src, -1) {
				if taint[m[1]] {
					return true
				}
			}
		}
	}
	return false
}

// onlyComputed reports whether every program below a node is a computed one.
func onlyComputed(n syntax.Node, but []string) bool {
	all := true
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			name := c.Args[0].Lit()
			all = all && (slices.Contains(computed, name) || slices.Contains(but, name))
		}
		if r, ok := n.(*syntax.Redirect); ok && r.Op == syntax.RdrIn {
			all = false
		}
		return true
	})
	return all
}

// tainted are the variables that the line sets from what cannot be known.
func tainted(f *syntax.File, src string) map[string]bool {
	out := map[string]bool{}
	for _, n := range chosen {
		out[n] = true
	}
	from := func(n syntax.Node) bool {
		if n == nil || int(n.End().Offset()) > len(src) {
			return false
		}
		for _, m := range namesVariable.FindAllStringSubmatch(src[n.Pos().Offset():n.End().Offset()], -1) {
			if out[m[1]] {
				return true
			}
		}
		return !onlyComputed(n, nil)
	}
	for again := true; again; {
		again = false
		add := func(name string) {
			if !out[name] {
				out[name], again = true, true
			}
		}
		syntax.Walk(f, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Assign:
				if n.Name != nil && (n.Value != nil && from(n.Value) || n.Array != nil && from(n.Array)) {
					add(n.Name.Value)
				}
			case *syntax.WordIter:
				for _, x := range n.Items {
					if from(x) {
						add(n.Name.Value)
					}
				}
			case *syntax.CallExpr:
				if len(n.Args) > 0 && slices.Contains([]string{"read", "mapfile", "readarray"}, n.Args[0].Lit()) && !onlyComputed(f, []string{"read", "mapfile", "readarray"}) {
					for _, x := range n.Args[1:] {
						if v := x.Lit(); v != "" && v[0] != '-' {
							add(v)
						}
					}
				}
			}
			return true
		})
	}
	return out
}
