package command

import (
	"strings"

	"guardsh/rules/word"
)

// tmuxStarts reports whether a tmux command starts something, and its options
// that take an argument.
func tmuxStarts(sub string) (with string, starts bool) {
	switch sub {
	case "new-session", "new":
		return "cefFnstxy", true
	case "new-window", "neww":
		return "ceFnt", true
	case "split-window", "splitw":
		return "ceFlpt", true
	case "respawn-pane", "respawnp", "respawn-window", "respawnw":
		return "cet", true
	case "run-shell", "run":
		return "cdt", true
	case "pipe-pane", "pipep":
		return "t", true
	case "display-popup", "popup":
		return "bBcdehsStTwxy", true
	case "send-keys", "send":
		return "cNt", true
	}
	return "", false
}

// tmuxKey is what a key types that send-keys names.
func tmuxKey(name string) string {
	switch name {
	case "Enter", "C-m", "KPEnter", "C-j":
		return "\n"
	case "Space":
		return " "
	case "Tab":
		return "\t"
	}
	return ""
}

// tmux runs commands in panes of its own.
func (w *walker) tmux(st *state, l launch, base string) result {
	args := l.argv[1:]
	for len(args) > 0 {
		s, ok := args[0].Value()
		if !ok || len(s) < 2 || s[0] != '-' {
			break
		}
		args = args[1:]
		if strings.ContainsRune("LSfcT", rune(s[1])) && len(s) == 2 && len(args) > 0 {
			args = args[1:]
		}
	}
	var codes []word.Word
	for len(args) > 0 {
		sub, _ := args[0].Value()
		with, starts := tmuxStarts(sub)
		args = args[1:]
		var ops []word.Word
		opts := true
		for len(args) > 0 && !args[0].Is(";") {
			s, ok := args[0].Value()
			if opts && ok && len(s) > 1 && s[0] == '-' {
				if s == "--" {
					opts = false
				} else if strings.IndexByte(with, s[len(s)-1]) >= 0 && len(args) > 1 {
					args = args[1:]
				}
				args = args[1:]
				continue
			}
			opts = false
			ops = append(ops, args[0])
			args = args[1:]
		}
		if len(args) > 0 {
			args = args[1:]
		}
		if !starts || len(ops) == 0 {
			continue
		}
		if strings.HasPrefix(sub, "send") {
			for i, o := range ops {
				if v, ok := o.Value(); ok && tmuxKey(v) != "" {
					ops[i] = word.Lit(tmuxKey(v))
				} else if ok && (strings.HasPrefix(v, "C-") || strings.HasPrefix(v, "M-")) {
					ops[i] = word.Lit("")
				}
			}
			var ps []piece
			for _, o := range ops {
				ps = w.pieces(ps, o, true, "")
			}
			codes = append(codes, w.one(ps, base))
			continue
		}
		codes = append(codes, w.joined(ops))
	}
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: len(codes) > 0}, l.at)
	for _, code := range codes {
		// What is typed into a pane need not be for a shell.
		if v, ok := code.Value(); ok && w.unreadable(v) {
			continue
		}
		if _, ok := w.code(code); !ok {
			continue
		}
		w.shellCode(st, l, base, code, func(s *state, c *context) {
			c.async = true
			s.certain = Possible
			c.stdin = input{}
		})
	}
	return both(st)
}

// unreadable reports whether text is no shell code.
func (w *walker) unreadable(text string) bool {
	if len(text) > w.lim.Bytes || deep(text) {
		return true
	}
	_, err := parseText(text)
	return err != nil
}

var screenOptions = grammar{style: exact, text: "-4\n-6\n-a\n-A\n-c =file\n-d\n-D\n-e =xy\n-f\n-fn\n-fa\n-h =n\n-i\n-l\n-ln\n-ls -list : ask\n-L\n-Logfile =file\n-m\n-n\n-O\n-p =window\n-q\n-Q : ask\n-r -R -RR -x : ask\n-s =shell\n-S =name\n-t =title\n-T =term\n-U\n-v : ask\n-wipe : ask\n-X : command"}

// screen starts a command in a window of its own, or with -X tells a session
// what to type or to start.
func (w *walker) screen(st *state, l launch, base string) result {
	a := screenOptions.Read(l.argv[1:])
	ops := a.Operands
	later := func(s *state, c *context) { c.async = true }
	var code word.Word
	if a.Has("command") && len(ops) > 0 {
		verb, _ := ops[0].Value()
		ops = ops[1:]
		switch verb {
		case "stuff":
			if len(ops) > 0 {
				code = typed(ops[0])
			}
			ops = nil
		case "screen":
			for len(ops) > 0 && strings.HasPrefix(ops[0].Prefix(), "-") {
				n := 1
				if ops[0].Is("-t") || ops[0].Is("-T") || ops[0].Is("-h") {
					n = 2
				}
				ops = ops[min(n, len(ops)):]
			}
		case "exec":
			if len(ops) > 0 && strings.Trim(ops[0].Prefix(), ".!|:") == "" {
				ops = ops[1:] // where its output goes
			}
		default:
			ops = nil
		}
	}
	runs := !a.Has("ask") && (len(ops) > 0 || code.Know != 0)
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: runs}, l.at)
	if !runs {
		return both(st)
	}
	if code.Know != 0 {
		// What is typed into a window need not be for a shell.
		if v, ok := code.Value(); ok && w.unreadable(v) {
			return both(st)
		}
		if _, ok := w.code(code); ok {
			w.shellCode(st, l, base, code, func(s *state, c *context) {
				later(s, c)
				s.certain, c.stdin = Possible, input{}
			})
		}
		return both(st)
	}
	w.under(st, l, base, ops, later)
	return both(st)
}

// typed is a text as screen's stuff types it: ^M and \\n are the Enter key.
func typed(x word.Word) word.Word {
	if x.Know != word.Known {
		return x
	}
	x.Values = []string{strings.NewReplacer("^M", "\n", "^J", "\n", `\n`, "\n", `\r`, "\n", `\015`, "\n", `\012`, "\n").Replace(x.Values[0])}
	return x
}
