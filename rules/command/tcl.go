package command

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// tcl goes through a Tcl or Expect script once, from the top: a bounded look
// for exec, spawn, system, file delete and open, with the words that are
// written out and the variables that are set to such words.
type tcl struct {
	foreign
	vars map[string]string
	nest int

	spawned []word.Word // what was started last, and is sent to
}

// tclWord is a word of a command: its text, whether it is written out, and
// whether it stood in braces.
type tclWord struct {
	text  string
	known bool
	brace bool
}

// script goes through commands; perhaps says that they need not run.
func (t *tcl) script(s string, perhaps bool) {
	if t.nest > 16 {
		return
	}
	t.nest++
	defer func() { t.nest-- }()
	var ws []tclWord
	end := func() {
		if len(ws) > 0 {
			t.command(ws, perhaps)
		}
		ws = nil
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\n' || c == ';':
			end()
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '\\' && i+1 < len(s) && s[i+1] == '\n':
			i += 2
		case c == '#' && len(ws) == 0:
			for i < len(s) && s[i] != '\n' {
				i++
			}
		case c == '{':
			n := closing(s[i:], '{', '}')
			ws = append(ws, tclWord{text: s[i+1 : i+max(n-1, 1)], known: true, brace: true})
			i += max(n, 1)
		default:
			x, n := t.word(s[i:], perhaps)
			ws = append(ws, x)
			i += max(n, 1)
		}
	}
	end()
}

// closing is the length of a bracketed text, to its end where it is not closed.
func closing(s string, open, shut byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// word reads a bare or quoted word, with what is put in it.
func (t *tcl) word(s string, perhaps bool) (tclWord, int) {
	var b strings.Builder
	out := tclWord{known: true}
	quoted := s[0] == '"'
	i := 0
	if quoted {
		i = 1
	}
	for i < len(s) {
		c := s[i]
		switch {
		case quoted && c == '"':
			out.text = b.String()
			return out, i + 1
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == ';'):
			out.text = b.String()
			return out, i
		case c == '\\' && i+1 < len(s):
			b.WriteString(ansiC(s[i : i+2]))
			i += 2
			continue
		case c == '[':
			n := closing(s[i:], '[', ']')
			t.script(strings.TrimSuffix(s[i+1:i+n], "]"), perhaps)
			out.known = false
			i += n
			continue
		case c == '$':
			j := i + 1
			for j < len(s) && wordByte(s[j]) {
				j++
			}
			name := s[i+1 : j]
			if strings.HasPrefix(s[i:], "${") {
				n := closing(s[i+1:], '{', '}')
				name, j = strings.TrimSuffix(s[i+2:i+1+n], "}"), i+1+n
			}
			v, ok := t.vars[name]
			if !ok {
				out.known = out.known && name == ""
			}
			b.WriteString(v)
			i = max(j, i+1)
			continue
		default:
			b.WriteByte(c)
		}
		i++
	}
	out.text = b.String()
	return out, i
}

// tclBlock reports whether a command takes code as words in braces.
func tclBlock(name string) bool {
	switch name {
	case "if", "while", "for", "foreach", "catch", "try", "proc", "eval", "after", "uplevel", "expect", "switch", "namespace", "time":
		return true
	}
	return false
}

func (t *tcl) command(ws []tclWord, perhaps bool) {
	args := ws[1:]
	switch ws[0].text {
	case "set":
		if len(args) == 2 {
			delete(t.vars, args[0].text)
			if args[1].known && len(args[1].text) < maxValue && !perhaps {
				t.vars[args[0].text] = args[1].text
			}
		}
	case "send", "exp_send":
		for len(args) > 1 && strings.HasPrefix(args[0].text, "-") {
			args = args[1:]
		}
		if len(args) == 1 && args[0].known {
			t.send(args[0].text)
		}
	case "exec", "spawn":
		if ws[0].text == "spawn" {
			t.spawned = tclArgs(args)
		}
		for len(args) > 0 && strings.HasPrefix(args[0].text, "-") {
			args = args[1:]
		}
		from := 0
		for i := 0; i <= len(args); i++ {
			if i == len(args) || args[i].text == "|" || args[i].text == "&" || strings.HasPrefix(args[i].text, ">") || strings.HasPrefix(args[i].text, "2>") || strings.HasPrefix(args[i].text, "<") {
				t.start(tclArgs(args[from:i]), perhaps)
				from = i + 1
				if i < len(args) && args[i].text != "|" {
					break
				}
			}
		}
	case "system":
		if all := tclArgs(args); len(all) > 0 {
			if code := t.w.joined(all); !perhaps || code.Know == word.Known {
				t.shell(code, perhaps)
			}
		}
	case "file":
		if len(args) < 2 {
			return
		}
		verb := args[0].text
		args = args[1:]
		for len(args) > 0 && strings.HasPrefix(args[0].text, "-") {
			args = args[1:]
		}
		switch verb {
		case "delete":
			t.start(append(word.Lits("rm", "-rf", "--"), tclArgs(args)...), perhaps)
		case "rename":
			t.start(append(word.Lits("mv", "--"), tclArgs(args)...), perhaps)
		case "copy":
			t.start(append(word.Lits("cp", "-r", "--"), tclArgs(args)...), perhaps)
		}
	case "open":
		if len(args) == 0 || !args[0].known {
			return
		}
		if code, ok := strings.CutPrefix(args[0].text, "|"); ok {
			t.shell(word.Lit(code), perhaps)
		} else if len(args) > 1 && strings.ContainsAny(args[1].text, "wa+") {
			t.writes(word.Lit(args[0].text), Out, perhaps)
		}
	default:
		if !tclBlock(ws[0].text) {
			return
		}
		for _, a := range args {
			if a.brace {
				t.script(a.text, ws[0].text != "eval" && ws[0].text != "catch" && ws[0].text != "time")
			}
		}
	}
}

// send is what is typed into a shell that was spawned, here or behind ssh and
// the like. One word alone may be a password or an answer.
func (t *tcl) send(text string) {
	code := strings.TrimSpace(strings.ReplaceAll(text, "\r", "\n"))
	argv := t.spawned
	if len(argv) == 0 || t.w.unreadable(code) {
		return
	}
	if !strings.ContainsAny(code, " \t\n") {
		if _, err := t.w.files.LookPath(code, ""); err != nil {
			return
		}
	}
	first, _ := argv[0].Value()
	end, _ := argv[len(argv)-1].Value()
	argv = argv[:len(argv):len(argv)]
	switch base := path.Base(first); {
	case isShell(path.Base(end)), base == "su":
		argv = append(argv, word.Lit("-c"), word.Lit(code))
	case base == "ssh" || base == "slogin":
		argv = append(argv, word.Lit(code))
	case base == "sudo" && (end == "-i" || end == "-s"):
		argv = append(argv, word.Lits("sh", "-c", code)...)
	default:
		return
	}
	t.start(argv, true)
}

func tclArgs(ws []tclWord) []word.Word {
	var out []word.Word
	for _, x := range ws {
		if x.known {
			out = append(out, word.Lit(x.text))
		} else {
			out = append(out, word.Hidden("…", word.Var))
		}
	}
	return out
}
