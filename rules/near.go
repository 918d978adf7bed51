package rules

import (
	"slices"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"
)

// split is what a rule may say of two words that may have been meant as one.
type split struct {
	Left  string   `expr:"left"`
	Right string   `expr:"right"`
	Meant string   `expr:"meant"` // "" where no space can be too many
	Star  bool     `expr:"star"`
	Next  PathFact `expr:"next"` // what the right one names as it stands
	One   PathFact `expr:"one"`  // what both name together
}

// near fills in what the line may have meant instead.
func (v *env) near(line *command.Line, e *effect.Effect, facts *Facts) {
	if s := e.Split; s != nil {
		v.Split = split{Left: s.Left, Right: s.Right, Meant: s.Meant, Star: s.Star, Next: facts.Of(s.Next).Path, One: facts.Of(s.One).Path}
	}
	if e.Dir != nil {
		v.Dir, v.DirIs = e.Dir.Name, facts.Of(*e.Dir).Path
	}
	if e.Link != nil {
		v.From, v.Source = e.Link.Display(), facts.Of(*e.Link).Path
	}
	v.First = first(line, e.Action) && (e.Source == nil || e.Source.Name != "")
	v.Gone = gone(line, e)
	v.Blank = blanks(e.Object.Word)
	if e.Source != nil {
		v.Blank = append(v.Blank, blanks(e.Source.Word)...)
	}
}

// first reports an action before which the line starts no program, so that
// what is there now is what it will meet.
func first(line *command.Line, at int) bool {
	for i := range line.Actions {
		a := &line.Actions[i]
		if i >= at {
			break
		}
		if !a.Wrapper && !a.Builtin || len(a.Redirs) > 0 {
			return false
		}
	}
	return true
}

// gone are the words that became none before an act, so that it falls on the
// directory of now: those of its own command where the object is what that
// takes when none is named, and those of a cd before it.
func gone(line *command.Line, e *effect.Effect) []string {
	if e.Action < 0 || e.Action >= len(line.Actions) || strings.HasPrefix(e.Object.Word.Prefix(), "/") {
		return nil
	}
	var out []string
	for i := range line.Actions[:e.Action] {
		if len(line.Actions[i].Argv) != 1 {
			continue
		}
		if name, ok := line.Actions[i].Name(); ok && (name == "cd" || name == "pushd") {
			out = append(out, line.Actions[i].Argv[0].Gone...)
		}
	}
	argv := line.Actions[e.Action].Argv
	if e.Object.Word.Src != "." || slices.ContainsFunc(argv, func(w word.Word) bool { return w.Is(".") }) {
		return out
	}
	for _, w := range argv {
		out = append(out, w.Gone...)
	}
	return out
}

// blanks are the variables in a word that are known to be empty: the word's
// value is what is left of it without them.
func blanks(w word.Word) []string {
	v, known := w.Value()
	if p, ok := w.Pattern(); !known && ok {
		v, known = p, true
	}
	if !known || !strings.Contains(w.Src, "$") {
		return nil
	}
	names, rest := variables(w.Src)
	for _, n := range names {
		if neverEmpty(n) {
			return nil
		}
	}
	if rest != v && !strings.ContainsAny(rest, "*?[") {
		return nil
	}
	if strings.ContainsAny(rest, "*?[") && !matchesRest(rest, v) {
		return nil
	}
	return names
}

// matchesRest reports whether v is what the pattern is, or one of the names
// that it became.
func matchesRest(pattern, v string) bool {
	if pattern == v {
		return true
	}
	ps, vs := strings.Split(pattern, "/"), strings.Split(v, "/")
	if len(ps) != len(vs) {
		return false
	}
	for i := range ps {
		if !MatchName(ps[i], vs[i]) {
			return false
		}
	}
	return true
}

// variables takes a word's source apart: the parameters in it as they are
// written, and what stands around them without its quotes.
func variables(src string) (names []string, rest string) {
	var b strings.Builder
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"':
		case c == '\'':
			end := strings.IndexByte(src[i+1:], '\'')
			if end < 0 {
				return nil, src
			}
			b.WriteString(src[i+1 : i+1+end])
			i += end + 1
		case c == '\\' && i+1 < len(src):
			i++
			b.WriteByte(src[i])
		case c == '$' && i+1 < len(src) && src[i+1] == '{':
			end := strings.IndexByte(src[i:], '}')
			if end < 0 {
				return nil, src
			}
			names = append(names, src[i:i+end+1])
			i += end
		case c == '$' && i+1 < len(src) && isName(src[i+1]):
			j := i + 1
			for j < len(src) && isName(src[j]) {
				j++
			}
			names = append(names, src[i:j])
			i = j - 1
		case c == '$':
			return nil, src
		default:
			b.WriteByte(c)
		}
	}
	return names, b.String()
}

func isName(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
