package effect

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// Split is two words beside each other that may have been meant as one: a
// space that nobody wanted.
type Split struct {
	Left, Right string // as typed
	Meant       string // the two without the space between them
	Star        bool   // the left one ends in a star, which now stands for everything
	Next        Object // what the right one names as it stands
	One         Object // what the two name together
}

// nearKind reports whether an act cannot be taken back by typing the line again
// as it was meant.
func nearKind(k Kind) bool {
	switch k {
	case Delete, Metadata, Move, WriteTree:
		return true
	}
	return false
}

// near adds what the line may have meant instead.
func (c *call) near(e *Effect) {
	if !nearKind(e.Kind) || e.Object.Type != Path || e.Place.Kind != command.Here && e.Place.Kind != command.Namespace {
		return
	}
	e.Dir = c.behindFailedCd(&e.Object)
	if e.Kind != WriteTree {
		e.Split = c.split(e.Object.Word, e.Kind)
	}
}

// behindFailedCd is the directory in which a relative name was meant, where
// the object is that name in a directory in which the line only stays if its
// cd fails.
func (c *call) behindFailedCd(o *Object) *Object {
	dirs := c.action.Cwd.Values
	if len(dirs) < 2 {
		return nil
	}
	name := o.Name
	if name == "" {
		name = o.Pattern
	}
	if p := o.Word.Prefix(); name == "" || strings.HasPrefix(p, "/") {
		return nil
	}
	// The first of the directories is the one that the line is in where all
	// that comes before has worked.
	if first := strings.TrimSuffix(dirs[0], "/") + "/"; strings.HasPrefix(name, first) || strings.HasPrefix(name, quotePattern(first)) {
		inner := false // unless another one lies deeper, in which it is as well
		for _, d := range dirs[1:] {
			d = strings.TrimSuffix(d, "/") + "/"
			inner = inner || strings.HasPrefix(d, first) && (strings.HasPrefix(name, d) || strings.HasPrefix(name, quotePattern(d)))
		}
		if !inner {
			return nil
		}
	}
	return &Object{Type: Path, Name: dirs[0], Word: word.Lit(dirs[0])}
}

// split looks for an operand whose neighbour belongs to it.
func (c *call) split(w word.Word, kind Kind) *Split {
	argv := c.action.Argv
	last := -1
	for _, i := range c.places(w.Src) {
		if one(argv[i], w) {
			last = i // of the words that a pattern became, the last
			break
		}
	}
	if last < 0 {
		return nil
	}
	operand := func(i int) (string, bool) {
		if i < 1 || i >= len(argv) {
			return "", false
		}
		v, ok := argv[i].Value()
		return v, ok && v != "" && v[0] != '-'
	}
	right, hasRight := operand(last + 1)
	here, known := argv[last].Value()
	src := argv[last].Src
	switch {
	case strings.HasSuffix(src, "*"):
		// "* .o", "* ~", "./* ~"
		if !hasRight || strings.ContainsAny(argv[last+1].Src, "*?[{$`") || !strings.HasPrefix(right, ".") && argv[last+1].Src != "~" || strings.Contains(right, "/") && argv[last+1].Src != "~" || right == "." || right == ".." {
			return nil
		}
		return c.joined(src, argv[last+1].Src, src+argv[last+1].Src, true, argv[last+1])
	case !known:
		return nil
	case here == "/" && (!hasRight || !strings.HasPrefix(right, "/")):
		left, hasLeft := operand(last - 1)
		if hasLeft && c.isOperand(argv[last-1]) && !strings.HasSuffix(left, "/") && (kind != Metadata || strings.Contains(left, "/")) {
			tail := ""
			if hasRight {
				tail = right
			}
			return c.joined(left, strings.TrimSpace("/ "+tail), left+"/"+tail, false, argv[last])
		}
		if hasRight {
			return c.joined("/", right, "/"+right, false, argv[last+1])
		}
	case hasRight && strings.HasPrefix(right, "/") != (strings.HasSuffix(here, "/") || src == "."):
		shown := src
		if strings.ContainsAny(src, "$'\"\\`{") {
			shown = here
		}
		return c.joined(shown, right, shown+right, false, argv[last+1])
	case hasRight && (src == "." || src == "..") && strings.HasPrefix(right, "/"):
		return c.joined(src, right, src+right, false, argv[last+1])
	}
	return nil
}

// places are where words stand that are written so, the last first.
func (c *call) places(src string) []int {
	if c.stands == nil {
		argv := c.action.Argv
		c.stands = make(map[string][]int, len(argv))
		for i := len(argv) - 1; i > 0; i-- {
			c.stands[argv[i].Src] = append(c.stands[argv[i].Src], i)
		}
	}
	return c.stands[src]
}

// one reports whether two words are the same one, or two names that one
// pattern became.
func one(a, b word.Word) bool {
	if a.Src != b.Src || a.Know != b.Know {
		return false
	}
	if a.Origin == word.FromGlob {
		return true
	}
	v, known := a.Value()
	return !known || b.Is(v)
}

// isOperand reports a word that the command takes as one, not as the argument
// of an option.
func (c *call) isOperand(w word.Word) bool {
	return slices.ContainsFunc(c.args.Operands, func(o word.Word) bool { return one(o, w) })
}

func (c *call) joined(left, right, meant string, star bool, next word.Word) *Split {
	s := &Split{Left: left, Right: right, Meant: meant, Star: star}
	if objs := c.objects(Path, next); len(objs) > 0 {
		s.Next = objs[0]
	}
	full := meant
	if rest, ok := strings.CutPrefix(meant, "~"); ok && !star {
		// A tilde is the directory that its own word became.
		for _, w := range c.action.Argv {
			if v, known := w.Value(); known && w.Src == left {
				full = v + rest
			}
		}
	}
	if !path.IsAbs(full) {
		if d := c.dirs(); len(d) > 0 {
			full = join(d[0], full)
		}
	}
	s.One = Object{Type: Path, Name: full, Word: word.Lit(meant)}
	return s
}

// linked is what a link at d with the text s leads to: seen from where it
// stands, if it is a symbolic one.
func (c *call) linked(s, d word.Word) *Object {
	text, ok := s.Value()
	at, known := d.Value()
	if !ok || !known || text == "" {
		return nil
	}
	if !path.IsAbs(text) && c.has("symbolic") && !c.has("relative") {
		text = path.Join(path.Dir(at), text)
	}
	if objs := c.objects(Path, word.Lit(text)); len(objs) > 0 {
		return &objs[0]
	}
	return nil
}
