package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// template is what a filter or echo prints a line at a time, as far as it is
// written in the command: sed 's/^/rm -rf /'. What the line gives is a hole.
func (w *walker) template(a *Action) []word.Word {
	name, _ := a.Name()
	args := a.Args()
	switch name {
	case "echo":
		for len(args) > 0 && (args[0].Is("-n") || args[0].Is("-e") || args[0].Is("-E") || args[0].Is("--")) {
			args = args[1:]
		}
		if len(args) > 0 {
			return []word.Word{w.joined(args)}
		}
	case "sed", "gsed":
		if x, ok := sedTemplate(args); ok {
			return []word.Word{x}
		}
	case "find", "gfind":
		for i, x := range args {
			if f, ok := x.Value(); ok && i > 0 && args[i-1].Is("-printf") {
				return []word.Word{formatTemplate(f)}
			}
		}
	}
	return nil
}

// lineHole is the part of a line of input that is not known.
var lineHole = word.Part{Hole: word.Subst, Src: "{}"}

// shaped is a word of known and unknown parts.
func shaped(parts []word.Part) word.Word {
	return word.Word{Src: "input", Know: word.Unknown, Shape: parts, Origin: word.FromInput}
}

// sedTemplate is what sed makes of each line by substitutions that hold the
// whole of it, from its beginning: s/^/TEXT/, s/.*/TEXT & TEXT/, s/$/TEXT/.
func sedTemplate(args []word.Word) (word.Word, bool) {
	script := ""
	for i := 0; i < len(args); i++ {
		s, ok := args[i].Value()
		if !ok {
			return word.Word{}, false
		}
		switch {
		case s == "-e" && i+1 < len(args):
			i++
			next, _ := args[i].Value()
			script = strings.TrimPrefix(script+";"+next, ";")
		case strings.HasPrefix(s, "-"):
		case script == "":
			script = s
		}
	}
	var out []word.Part
	for rest := script; rest != ""; {
		f, next, ok := substitution(strings.TrimLeft(rest, " ;"))
		if !ok {
			return word.Word{}, false
		}
		rest = strings.TrimLeft(next, " ;")
		whole := slices.Contains([]string{".*", `\(.*\)`, "(.*)", ".+"}, strings.TrimSuffix(strings.TrimPrefix(f[0], "^"), "$"))
		switch {
		case f[0] == "$" && out != nil:
			out = append(out, replacement(f[1])...)
		case out != nil:
			return word.Word{}, false
		case whole:
			out = replacement(f[1])
		case strings.HasPrefix(f[0], "^"):
			out = replacement(f[1])
			if !strings.HasSuffix(f[0], "$") && !strings.HasSuffix(f[0], ".*") {
				out = append(out, lineHole)
			}
		default:
			return word.Word{}, false
		}
	}
	return shaped(out), out != nil
}

// substitution splits a leading s command of sed into its pattern and text, and
// gives what stands behind it.
func substitution(s string) (parts [2]string, rest string, ok bool) {
	if len(s) < 4 || s[0] != 's' {
		return parts, "", false
	}
	sep, at := s[1], 2
	for n := range parts {
		from := at
		for at < len(s) && s[at] != sep {
			if s[at] == '\\' {
				at++
			}
			at++
		}
		if at >= len(s) {
			return parts, "", false
		}
		parts[n] = strings.ReplaceAll(s[from:at], `\`+string(sep), string(sep))
		at++
	}
	return parts, strings.TrimLeft(s[at:], "gp0123456789IiM"), true
}

// replacement is the text of an s command, with holes for what was matched.
func replacement(s string) []word.Part {
	var out []word.Part
	lit := ""
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '&':
			out, lit = append(out, word.Part{Lit: lit}, lineHole), ""
		case s[i] == '\\' && i+1 < len(s):
			if i++; s[i] >= '0' && s[i] <= '9' {
				out, lit = append(out, word.Part{Lit: lit}, lineHole), ""
			} else {
				lit += string(s[i])
			}
		default:
			lit += string(s[i])
		}
	}
	return append(out, word.Part{Lit: lit})
}

// formatTemplate is one line of find -printf FORMAT.
func formatTemplate(f string) word.Word {
	var out []word.Part
	lit := ""
	for i := 0; i < len(f); i++ {
		switch {
		case f[i] == '%' && i+1 < len(f) && f[i+1] != '%':
			i++
			out, lit = append(out, word.Part{Lit: lit}, lineHole), ""
		case f[i] == '\\' && i+1 < len(f):
			if i++; f[i] == 'n' {
				lit += "\n"
			}
		default:
			lit += string(f[i])
		}
	}
	return shaped(append(out, word.Part{Lit: lit}))
}
