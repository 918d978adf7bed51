package command

import (
	"strings"
	"unicode/utf16"

	"guardsh/rules/word"
)

// powershell goes through a PowerShell text once, from the top: a bounded look
// for the programs that it starts, and for cmdlets and methods that do what a
// command of the system does.
type powershell struct {
	foreign
	vars map[string]word.Word
	nest int
}

// powershellCode walks what PowerShell is given: behind -Command or a short form
// of it, in a file, or on its input.
func (w *walker) powershellCode(st *state, l launch, _ int, base string) {
	p := powershell{foreign: foreign{w, st, l, base}, vars: map[string]word.Word{}}
	args := l.argv[1:]
	for i, x := range args {
		v, ok := x.Value()
		v = strings.ToLower(v)
		switch {
		case ok && (v == "-c" || strings.HasPrefix("-command", v) && len(v) > 3) && i+1 < len(args):
			if code := w.joined(args[i+1:]); !code.Is("-") {
				if text, ok := w.code(code); ok {
					p.text(text)
				}
				return
			}
		case ok && (strings.HasPrefix("-file", v) && len(v) > 1) && i+1 < len(args):
			if text, ok := w.readFile(st, args[i+1]); ok {
				p.text(text)
			}
			return
		case ok && len(v) > 1 && v[0] == '-' && (strings.HasPrefix("-encodedcommand", v) || v == "-ec"):
			if i+1 < len(args) {
				if text, ok := encodedCommand(args[i+1]); ok {
					p.text(text)
				}
			}
			return
		case !strings.HasPrefix(v, "-"):
			if text, ok := w.readFile(st, x); ok {
				p.text(text)
			}
			return
		}
	}
	if in := w.standardInput(st, l); in.known {
		p.text(in.text)
	}
}

// encodedCommand is code as -EncodedCommand has it: UTF-16 in base64.
func encodedCommand(x word.Word) (string, bool) {
	v, _ := x.Value()
	s, ok := decode("base64", v)
	if !ok || s == "" || len(s)%2 != 0 {
		return "", false
	}
	var units []uint16
	for i := 0; i < len(s); i += 2 {
		units = append(units, uint16(s[i])|uint16(s[i+1])<<8)
	}
	return string(utf16.Decode(units)), true
}

func (p *powershell) text(s string) {
	p.script(p.w.lookedThrough(s, p.via, p.l), false)
}

// psWord is a word of a command: a text, or a block in braces.
type psWord struct {
	w      word.Word
	block  string
	braced bool
	bare   bool // not in quotes: it may be a parameter
}

// script goes through the pipelines of a text.
func (p *powershell) script(s string, perhaps bool) {
	if p.nest > maxNest/4 {
		return
	}
	p.nest++
	defer func() { p.nest-- }()
	var ws []psWord
	var given []word.Word // what the command before a pipe hands on
	end := func(piped bool) {
		out := p.command(ws, given, perhaps)
		ws, given = nil, nil
		if piped {
			given = out
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\n', c == ';':
			end(false)
			i++
		case c == '|' && i+1 < len(s) && s[i+1] == '|', c == '&' && i+1 < len(s) && s[i+1] == '&':
			end(false)
			i += 2
		case c == '|':
			end(true)
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '&' && len(ws) == 0:
			i++
		case c == '`' && i+1 < len(s) && s[i+1] == '\n':
			i += 2
		case c == '#':
			for i < len(s) && s[i] != '\n' {
				i++
			}
		case c == '}' || c == ')':
			i++
		case c == '$' && len(ws) == 0 && assigned(s[i:]) > 0:
			// The name alone is kept; what is assigned is read as a command's word.
			n := assigned(s[i:])
			name := strings.ToLower(strings.TrimSpace(s[i+1 : i+n-1]))
			i += n + len(s[i+n:]) - len(strings.TrimLeft(s[i+n:], " \t"))
			x, used := p.word(s[i:], perhaps)
			delete(p.vars, name)
			if rest := strings.TrimLeft(s[min(i+used, len(s)):], " \t\r"); !perhaps && !x.bare && (rest == "" || strings.IndexByte("\n;", rest[0]) >= 0) {
				p.vars[name] = x.w
				i += used
			}
		case c == '{':
			n := closing(s[i:], '{', '}')
			ws = append(ws, psWord{block: s[i+1 : i+max(n-1, 1)], braced: true})
			i += max(n, 1)
		default:
			x, n := p.word(s[i:], perhaps)
			ws = append(ws, x)
			i += max(n, 1)
		}
	}
	end(false)
}

// command is one command of a pipeline; given is what the one before hands on,
// the result what this one does.
func (p *powershell) command(ws []psWord, given []word.Word, perhaps bool) []word.Word {
	if len(ws) == 0 {
		return nil
	}
	if ws[0].braced {
		p.script(ws[0].block, perhaps)
		return nil
	}
	for _, x := range ws[1:] {
		if x.braced {
			p.script(x.block, true)
		}
	}
	head, known := ws[0].w.Value()
	low := strings.ToLower(head)
	if len(ws) > 2 && !known && ws[1].w.Is("=") || known && strings.HasPrefix(head, "$") {
		return nil
	}
	if at := strings.Index(low, "]::"); strings.HasPrefix(low, "[") && at > 0 {
		p.method(head, low[1:at], perhaps)
		return nil
	}
	c := cmdlet{powershell: p, does: cmdlets()[low], given: given, perhaps: perhaps}
	c.args, c.named = psArguments(ws[1:])
	if c.named["whatif"] != nil {
		return nil
	}
	if c.does != "" {
		c.do()
		return nil
	}
	if out, ok := c.handsOn(low); ok {
		return out
	}
	if known && low != "" && !strings.Contains(low, "-") || strings.HasPrefix(low, "/") {
		var argv []word.Word // a program of the system
		for _, x := range ws {
			if !x.braced {
				argv = append(argv, x.w)
			}
		}
		p.start(argv, perhaps)
	}
	return nil
}

// word reads a word with what is put in it.
func (p *powershell) word(s string, perhaps bool) (psWord, int) {
	out := psWord{w: word.Lit(""), bare: true}
	var b strings.Builder
	flush := func() {
		out.w = p.w.concat(out.w, word.Lit(b.String()))
		b.Reset()
	}
	i := 0
	for i < len(s) {
		switch c := s[i]; {
		case strings.IndexByte(" \t\r\n;|{}", c) >= 0, c == ')' || c == ',' && i > 0:
			flush()
			if c == ',' {
				i++
			}
			return out, i
		case c == '\'':
			n := strings.IndexByte(s[i+1:], '\'')
			if n < 0 {
				n = len(s) - i - 1
			}
			b.WriteString(s[i+1 : i+1+n])
			out.bare = out.bare && i > 0
			i = min(i+n+2, len(s))
		case c == '"':
			out.bare = out.bare && i > 0
			i++
			for i < len(s) && s[i] != '"' {
				if s[i] == '`' && i+1 < len(s) {
					b.WriteByte(s[i+1])
					i += 2
				} else if s[i] == '$' {
					flush()
					v, n := p.variable(s[i:], perhaps)
					out.w = p.w.concat(out.w, v)
					i += n
				} else {
					b.WriteByte(s[i])
					i++
				}
			}
			i++
		case c == '$':
			flush()
			v, n := p.variable(s[i:], perhaps)
			out.w = p.w.concat(out.w, v)
			i += n
		case c == '(' || c == '@' && i+1 < len(s) && s[i+1] == '(':
			if c == '@' {
				i++
			}
			n := closing(s[i:], '(', ')')
			inner := strings.TrimSpace(s[i+1 : i+max(n-1, 1)])
			flush()
			if i > 0 && s[i-1] != '@' {
				b.WriteString(s[i : i+n]) // a method's arguments
			} else if v, ok := plainText(inner); ok {
				out.w = p.w.concat(out.w, word.Lit(v))
			} else {
				p.script(inner, perhaps)
				out.w = p.w.concat(out.w, word.Hidden("(…)", word.Subst))
			}
			i += max(n, 1)
		case c == '`' && i+1 < len(s):
			b.WriteByte(s[i+1])
			i += 2
		default:
			b.WriteByte(c)
			i++
		}
	}
	flush()
	return out, i
}

// assigned is the length of "$name =" at the beginning of a text; 0 where that
// is none.
func assigned(s string) int {
	n := 1
	for n < len(s) && wordByte(s[n]) {
		n++
	}
	rest := strings.TrimLeft(s[n:], " \t")
	if n == 1 || !strings.HasPrefix(rest, "=") {
		return 0
	}
	return len(s) - len(rest) + 1
}

// plainText is a text in one pair of quotes.
func plainText(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\'' && s[0] != '"' || s[len(s)-1] != s[0] || strings.ContainsAny(s[1:len(s)-1], `'"$`) {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// variable is $name, ${name} or $(…) at the beginning of a text.
func (p *powershell) variable(s string, perhaps bool) (word.Word, int) {
	if len(s) > 1 && s[1] == '(' {
		n := closing(s[1:], '(', ')')
		p.script(strings.TrimSuffix(s[2:1+n], ")"), perhaps)
		return word.Hidden("$(…)", word.Subst), 1 + n
	}
	name, n := "", 1
	if len(s) > 1 && s[1] == '{' {
		n = 1 + closing(s[1:], '{', '}')
		name = strings.TrimSuffix(s[2:n], "}")
	} else {
		for n < len(s) && (wordByte(s[n]) || s[n] == ':') {
			n++
		}
		name = s[1:n]
	}
	name = strings.ToLower(name)
	if v, ok := p.vars[name]; ok {
		return v, n
	}
	switch name {
	case "home", "env:home":
		name = "HOME"
	default:
		name = strings.TrimPrefix(name, "env:")
	}
	if v := p.w.lookup(p.st, name); v.state == VarSet && name == strings.ToUpper(name) && v.val.Know != 0 {
		return v.val, n
	}
	if name == "true" || name == "false" {
		return word.Lit("$" + name), n
	}
	return word.Hidden("$"+name, word.Var), n
}
