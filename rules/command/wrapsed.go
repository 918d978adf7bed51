package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// sed starts a shell's code by its command e, with the code behind it or in the
// line that it works on, and by the flag e of s, which runs what it made.

// sedCommand is a command of a sed script that starts something.
type sedCommand struct {
	code    string // e CODE
	line    bool   // e alone: the line that it works on
	pattern string // s/pattern/with/e
	with    string
	flags   string
}

// sedStarts are the commands of a script that start something.
func sedStarts(script string) (out []sedCommand) {
	s := script
	toEnd := func() string {
		n := 0
		for n < len(s) && s[n] != '\n' {
			if s[n] == '\\' && n+1 < len(s) {
				n++
			}
			n++
		}
		text := s[:min(n, len(s))]
		s = s[len(text):]
		return text
	}
	// delimited takes what stands before the next delimiter.
	delimited := func(d byte) (string, bool) {
		class := false
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\':
				i++
			case s[i] == '[' && !class:
				class = true
			case s[i] == ']' && class && i > 0 && s[i-1] != '[' && s[i-1] != '^':
				class = false
			case s[i] == d && !(class && d != '/'):
				text := s[:i]
				s = s[i+1:]
				return text, true
			}
		}
		return "", false
	}
	for s != "" {
		switch c := s[0]; {
		case strings.IndexByte(" \t\n;{}!,~+$0123456789", c) >= 0:
			s = s[1:]
		case c == '/' || c == '\\' && len(s) > 1:
			d := byte('/')
			if s = s[1:]; c == '\\' {
				d, s = s[0], s[1:]
			}
			if _, ok := delimited(d); !ok {
				return out
			}
			s = strings.TrimLeft(s, "IM")
		case c == '#' || strings.IndexByte(":btTaicrRwW", c) >= 0:
			if s = s[1:]; strings.IndexByte("btT", c) >= 0 {
				if n := strings.IndexAny(s, ";}\n"); n >= 0 {
					s = s[n:]
					continue
				}
			}
			toEnd()
		case c == 'e':
			s = s[1:]
			if code := strings.TrimSpace(toEnd()); code != "" && code[0] != ';' && code[0] != '}' {
				out = append(out, sedCommand{code: code})
			} else {
				out = append(out, sedCommand{line: true})
				s = strings.TrimLeft(code, ";} ") + s
			}
		case (c == 's' || c == 'y') && len(s) > 2:
			d := s[1]
			s = s[2:]
			var x sedCommand
			var ok, ok2 bool
			x.pattern, ok = delimited(d)
			x.with, ok2 = delimited(d)
			if !ok || !ok2 {
				return out
			}
			n := 0
			for n < len(s) && strings.IndexByte("gpiImMe0123456789", s[n]) >= 0 {
				n++
			}
			x.flags, s = s[:n], s[n:]
			x.with = strings.ReplaceAll(x.with, `\`+string(d), string(d))
			x.pattern = strings.ReplaceAll(x.pattern, `\`+string(d), string(d))
			if strings.HasPrefix(s, "w") {
				toEnd()
			}
			if c == 's' && strings.Contains(x.flags, "e") {
				out = append(out, x)
			}
		default:
			s = s[1:]
		}
	}
	return out
}

// sedScripts are the scripts among sed's arguments.
func sedScripts(args []word.Word) []string {
	var scripts, ops []string
	for i := 0; i < len(args); i++ {
		v, ok := args[i].Value()
		switch {
		case !ok:
			v = args[i].Prefix()
			ops = append(ops, v)
		case v == "-e" || v == "--expression":
			if i++; i < len(args) {
				x, _ := args[i].Value()
				scripts = append(scripts, x)
			}
		case strings.HasPrefix(v, "--expression="):
			scripts = append(scripts, v[len("--expression="):])
		case v == "-f" || v == "--file" || v == "-l":
			if i++; v != "-l" {
				scripts = append(scripts, "")
			}
		case v == "--sandbox":
			return nil
		case len(v) > 1 && v[0] == '-' && v[1] != '-':
			// -ne SCRIPT; -i takes what is left of its word.
			if n := strings.IndexAny(v, "eiEl"); n > 0 && v[n] == 'e' {
				if n+1 < len(v) {
					scripts = append(scripts, v[n+1:])
				} else if i++; i < len(args) {
					x, _ := args[i].Value()
					scripts = append(scripts, x)
				}
			}
		case strings.HasPrefix(v, "--"):
		default:
			ops = append(ops, v)
		}
	}
	if scripts == nil && len(ops) > 0 {
		scripts = ops[:1]
	}
	return scripts
}

// sedRuns walks what sed starts; i is its action.
func (w *walker) sedRuns(st *state, l launch, i int, base string) {
	for _, script := range sedScripts(l.argv[1:]) {
		for _, c := range sedStarts(script) {
			switch {
			case c.code != "":
				if !w.unreadable(c.code) {
					w.shellCode(st, l, base, word.Lit(c.code), nil)
				}
			case c.line:
				if text, ok := w.sedInput(i); ok {
					w.shellCode(st, l, base, word.Lit(text), possibly)
				} else {
					w.unseen("sed runs the lines that it reads", nil, &l.at)
				}
			default:
				w.shellCode(st, l, base, w.sedMade(i, c), possibly)
			}
		}
	}
}

// sedInput is the text that sed works on.
func (w *walker) sedInput(i int) (string, bool) {
	args := w.line.Actions[i].Args()
	name, ok := last(args).Value()
	if n := len(sedScripts(args)); ok && n > 0 && !strings.HasPrefix(name, "-") && !slices.Contains(sedScripts(args), name) {
		return w.contents(i, name)
	}
	return w.read0(i)
}

// sedMade is the line that s made of the one that it works on. What that held
// is not known where the input is not.
func (w *walker) sedMade(i int, c sedCommand) word.Word {
	if text, ok := w.sedInput(i); ok {
		flags := ""
		if strings.Contains(c.flags, "g") {
			flags = "g"
		}
		for _, d := range []string{"/", "|", ",", "#", "@"} {
			if strings.Contains(c.pattern+c.with, d) {
				continue
			}
			if out, ok := sedText([]string{"s" + d + c.pattern + d + c.with + d + flags}, text); ok {
				before := linesOf(text)
				var made []string
				for n, l := range linesOf(out) {
					if n < len(before) && l != before[n] {
						made = append(made, l)
					}
				}
				return word.Lit(textOf(made))
			}
		}
	}
	hole := piece{hole: word.Var, src: "&", quoted: true}
	var ps []piece
	from, to := strings.TrimLeft(c.pattern, `\(`), strings.TrimRight(c.pattern, `\)`)
	if !strings.HasPrefix(from, "^") && !strings.HasPrefix(from, ".*") {
		ps = append(ps, hole)
	}
	for with := c.with; with != ""; {
		n := strings.IndexAny(with, `&\`)
		if n < 0 {
			n = len(with)
		}
		ps = append(ps, piece{text: with[:n], quoted: true})
		switch with = with[n:]; {
		case with == "":
		case with[0] == '&':
			ps, with = append(ps, hole), with[1:]
		case len(with) > 1 && with[1] >= '0' && with[1] <= '9':
			ps, with = append(ps, hole), with[2:]
		case len(with) > 1:
			ps, with = append(ps, piece{text: with[1:2], quoted: true}), with[2:]
		default:
			with = ""
		}
	}
	if !strings.HasSuffix(to, "$") && !strings.HasSuffix(to, ".*") {
		ps = append(ps, hole)
	}
	return w.one(ps, "s///e")
}
