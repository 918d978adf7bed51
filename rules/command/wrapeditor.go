package command

import (
	"strings"

	"guardsh/rules/word"
)

// editorCarries is "!command" among the commands that an editor or pager is
// given: vim -c '!x', less '+!x'.
func editorCarries(args []word.Word) (c carried) {
	bang := func(s string) {
		if code, ok := exCode(s); ok {
			c.codes = append(c.codes, word.Lit(code))
			return
		}
		verb, code, _ := strings.Cut(quietly(s), " ")
		if lang := editorSpeaks(verb); lang != "" {
			c.told = append(c.told, toldCode{lang, code})
			return
		}
		for _, part := range strings.Split(s, "|") {
			part = quietly(part)
			arg := func(call string) (string, bool) {
				rest, ok := strings.CutPrefix(part, call+"(")
				if rest = strings.TrimSpace(rest); !ok || len(rest) < 2 || rest[0] != '\'' && rest[0] != '"' {
					return "", false
				}
				n := strings.IndexByte(rest[1:], rest[0])
				return rest[1:max(n+1, 1)], n > 0
			}
			for _, call := range []string{"system", "systemlist", "term_start", "job_start"} {
				if code, ok := arg(call); ok {
					c.codes = append(c.codes, word.Lit(code))
				}
			}
			if name, ok := arg("delete"); ok {
				c.argvs = append(c.argvs, word.Lits("rm", "-rf", "--", name))
			}
			if code, ok := exCode(part); ok {
				c.codes = append(c.codes, word.Lit(code))
			}
		}
	}
	for i, x := range args {
		v, ok := x.Value()
		switch {
		case !ok:
		case strings.HasPrefix(v, "+"):
			bang(strings.TrimPrefix(v[1:], "+"))
		case (v == "--cmd" || len(v) > 1 && v[0] == '-' && v[1] != '-' && v[len(v)-1] == 'c') && i+1 < len(args):
			next, _ := args[i+1].Value()
			bang(next)
		}
	}
	return c
}

// editorSpeaks is the language that a command of vim takes; "" for the others.
func editorSpeaks(verb string) string {
	switch verb {
	case "py", "python", "py3", "python3", "pyx", "pythonx":
		return "python"
	case "lua", "ruby":
		return verb
	case "perl", "pe":
		return "perl"
	}
	return ""
}

// quietly takes what makes no difference off a command of an editor.
func quietly(s string) string {
	s = strings.TrimLeft(s, ": \t")
	for _, quiet := range []string{"silent! ", "silent ", "sil! ", "sil ", "call ", "exe ", "execute ", "echo "} {
		s = strings.TrimPrefix(s, quiet)
	}
	return strings.TrimLeft(s, ": \t")
}

// exCode is the code that a command of ed, ex or vi gives to a shell: !code,
// r !code, 1,$w !code, %!code, terminal code.
func exCode(s string) (string, bool) {
	s = quietly(s)
	for _, term := range []string{"terminal ", "term "} {
		if code, ok := strings.CutPrefix(s, term); ok {
			return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(code), "++close")), true
		}
	}
	s = strings.TrimLeft(s, "0123456789.,$%;+-")
	verb := strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz")
	switch name := s[:len(s)-len(verb)]; name {
	case "", "r", "re", "rea", "read":
		verb = strings.TrimLeft(verb, " \t")
	case "w", "wr", "wri", "writ", "write", "e", "ed", "edit", "E", "W":
		// Right behind the verb a ! means that it is forced.
		if verb = strings.TrimLeft(verb, " \t"); len(verb)+len(name) == len(s) {
			return "", false
		}
	default:
		return "", false
	}
	code, ok := strings.CutPrefix(verb, "!")
	code = strings.TrimSpace(strings.TrimPrefix(code, "!"))
	return code, ok && code != ""
}
