package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// Left is something of the shell that read the line, by which it shows its
// lines to guardsh, as the line leaves it behind.
type Left struct {
	Kind  LeftKind
	Name  string
	Value word.Word // of a variable; "" where it is unset
	Unset bool      // the variable is gone
	Fixed bool      // the variable is readonly
}

// LeftKind has no useful zero.
type LeftKind uint8

const (
	LeftVariable LeftKind = iota + 1 // it no longer holds what it held
	LeftFunction                     // a function stands before the builtin
	LeftBuiltin                      // a builtin that is switched off
	LeftOption                       // an option of set that is on
)

// GateVariables carry the line gate from one bash to the next; gatePrefix
// begins the names of those that it keeps for itself.
var GateVariables = []string{"PS0", "PROMPT_COMMAND"}

const gatePrefix = "GUARDSH_"

// gateBuiltins are what the gate is written with, which a shell may do without.
var gateBuiltins = []string{
	".", "alias", "bind", "break", "builtin", "declare", "eval", "exec", "exit", "export", "fc", "history", "kill",
	"printf", "pwd", "read", "return", "set", "shopt", "trap", "ulimit", "unset", ":",
}

// gateLeft adds an action for what the line takes away from the gate of the shell
// that it was typed into: begin is that shell before it, end behind it. How it
// is written does not matter, nor what a subshell or a function's own variables
// were in between.
func (w *walker) gateLeft(begin, end *state) {
	if end == nil {
		return
	}
	var left []Left
	gated := func() bool {
		return slices.ContainsFunc(GateVariables, func(n string) bool {
			return len(elements(w.lookup(begin, n))) > 0
		})
	}
	names := GateVariables
	for n := range end.vars {
		if strings.HasPrefix(n, gatePrefix) {
			names = append(slices.Clip(names), n)
		}
	}
	slices.Sort(names[len(GateVariables):])
	for _, n := range names {
		if _, touched := end.vars[n]; !touched {
			continue
		}
		if l, lost := lostVariable(n, w.lookup(begin, n), w.lookup(end, n)); lost {
			left = append(left, l)
		}
	}
	if end.funcs["builtin"] != nil {
		left = append(left, Left{Kind: LeftFunction, Name: "builtin"})
	}
	for _, b := range gateBuiltins {
		if w.disabled(end, b) {
			left = append(left, Left{Kind: LeftBuiltin, Name: b})
		}
	}
	if end.opts["restricted"] {
		left = append(left, Left{Kind: LeftOption, Name: "restricted"})
	}
	if len(left) > 0 && gated() {
		w.emit(end, Action{Left: left, Builtin: true}, position{1, 1})
	}
}

// lostVariable says whether a variable that held something may not hold it any
// more. One that is not known counts as one that does.
func lostVariable(name string, was, is variable) (Left, bool) {
	held := elements(was)
	if len(held) == 0 {
		return Left{}, false // there is no gate
	}
	l := Left{Kind: LeftVariable, Name: name, Fixed: is.readonly}
	switch {
	case is.state == VarUnset:
		l.Unset = true
		return l, true
	case is.state != VarSet, is.more:
		return l, false
	case is.isList:
		if len(is.list) > 0 {
			l.Value = is.list[0]
		}
		return l, slices.ContainsFunc(held, func(h string) bool {
			return !slices.ContainsFunc(is.list, func(x word.Word) bool { return holds(x, h) })
		})
	case is.keys != nil:
		return l, true
	}
	l.Value = is.val
	return l, slices.ContainsFunc(held, func(h string) bool { return !holds(is.val, h) })
}

// elements are the texts that a variable holds, as far as they are known.
func elements(v variable) (texts []string) {
	if v.state != VarSet || v.keys != nil {
		return nil
	}
	list := v.list
	if !v.isList {
		list = []word.Word{v.val}
	}
	for _, x := range list {
		if s, ok := x.Value(); ok && s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// holds says whether a word holds a text, whatever its value will be.
func holds(x word.Word, text string) bool {
	if x.Know == word.Unknown {
		return true
	}
	return !slices.ContainsFunc(x.Values, func(v string) bool { return !strings.Contains(v, text) })
}

// ungated says whether what is started has not all of the gate in its
// environment: env -i, env -u PS0, PS0= in front.
func (st *state) ungated(assigns []Assign) bool {
	return st.ctx.env == envNone || slices.ContainsFunc(GateVariables, func(name string) bool {
		_, changed := st.vars[name]
		return changed || slices.ContainsFunc(assigns, func(a Assign) bool { return a.Name == name })
	})
}
