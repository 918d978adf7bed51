package option

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// reader is one reading of an argument list.
type reader struct {
	g    *Grammar
	argv []word.Word
	i    int
	out  Args
}

// Read reads argv, the words behind the program's name, by the grammar.
func (g *Grammar) Read(argv []word.Word) Args {
	r := &reader{g: g, argv: argv}
	r.out = Args{Attrs: map[string]bool{}, Values: map[string][]word.Word{}, Rest: len(argv)}
	for r.i < len(argv) {
		w := argv[r.i]
		s, known := w.Value()
		switch {
		case !known:
			if v, ok := w.Otherwise(); ok && len(v) > 1 && v[0] == '-' {
				w = word.Word{Src: w.Src, Know: word.Known, Values: []string{v}, Origin: w.Origin}
				argv = slices.Clone(argv)
				argv[r.i] = w // ${OPTS:--rf}: as the line itself has it
				r.argv = argv
				continue
			}
			if p := w.Prefix(); strings.HasPrefix(p, "-") && p != "-" {
				r.partial(w, p)
				continue
			}
			if w.Prefix() == "" && w.Know == word.Unknown {
				r.out.Opaque = true
			}
			r.operand(w)
		case s == "--":
			r.i++
			for ; r.i < len(argv); r.i++ {
				r.operand(argv[r.i])
			}
			return r.out
		case r.i == 0 && g.Style.Bundle && s != "" && s[0] != '-' && s[0] != '+':
			r.bundle(w, s)
			continue
		case strings.HasPrefix(s, "--"):
			r.long(w, s)
			continue
		case len(s) > 1 && (s[0] == '-' || (g.Style.Plus && s[0] == '+')):
			r.short(w, s)
			continue
		case g.Style.Words && r.word(s):
			continue
		default:
			r.operand(w)
		}
		if g.Style.Posix && r.out.Rest < len(argv) {
			for r.i++; r.i < len(argv); r.i++ {
				r.out.Operands = append(r.out.Operands, argv[r.i])
			}
			return r.out
		}
		r.i++
	}
	return r.out
}

func (r *reader) operand(w word.Word) {
	if r.out.Rest == len(r.argv) {
		r.out.Rest = r.i
	}
	if r.g.Style.KeyValue {
		if k, v, ok := cut(w, "="); ok {
			r.out.Values[k] = append(r.out.Values[k], v)
			return
		}
	}
	r.out.Operands = append(r.out.Operands, w)
}

func (r *reader) apply(o Option) {
	for _, c := range o.Clears {
		r.out.Attrs[c] = false
	}
	for _, s := range o.Sets {
		r.out.Attrs[s] = true
	}
}

func (r *reader) value(o Option, w word.Word) {
	r.out.Values[o.Arg] = append(r.out.Values[o.Arg], w)
}

// next takes the following word as an option's argument.
func (r *reader) next(o Option) {
	if r.i < len(r.argv) {
		r.value(o, r.argv[r.i])
		r.i++
	}
	if o.Second != "" && r.i < len(r.argv) {
		r.out.Values[o.Second] = append(r.out.Values[o.Second], r.argv[r.i])
		r.i++
	}
}

func (r *reader) long(w word.Word, s string) {
	r.i++
	name, val, attached := strings.Cut(s, "=")
	o, ok := r.g.find(name)
	if !ok {
		r.out.Strange = append(r.out.Strange, w)
		return
	}
	r.whole(o, w, val, attached)
}

// whole is an option that is a word of its own; its argument is attached by "="
// or stands in the next word.
func (r *reader) whole(o Option, w word.Word, val string, attached bool) {
	r.apply(o)
	switch {
	case o.Arg == "":
	case attached:
		r.value(o, sub(w, val))
	case !o.Optional:
		r.next(o)
	}
}

// find looks a long option up, by its name or by an abbreviation that only one
// option has.
func (g *Grammar) find(name string) (Option, bool) {
	if i, ok := g.byName[name]; ok {
		return g.Options[i], true
	}
	if g.Style.Exact || len(name) < 3 {
		return Option{}, false
	}
	found := -1
	for n, i := range g.byName {
		if strings.HasPrefix(n, name) && i != found {
			if found >= 0 {
				return Option{}, false
			}
			found = i
		}
	}
	if found < 0 {
		return Option{}, false
	}
	return g.Options[found], true
}

func (r *reader) short(w word.Word, s string) {
	r.i++
	if r.g.Style.LongDash || r.g.Style.Plus {
		name, val, attached := strings.Cut(s, "=")
		i, ok := r.g.byName[name]
		ok = ok && len(name) > 2
		if !ok && r.g.Style.LongDash {
			i, ok = r.g.byName["-"+name]
		}
		if ok {
			r.whole(r.g.Options[i], w, val, attached)
			return
		}
	}
	if _, known := r.g.byName[s[:2]]; r.g.Style.LongDash && !known && len(s) > 2 && r.g.number < 0 {
		// An option that is not known, and none of its letters is one.
		r.out.Strange = append(r.out.Strange, w)
		return
	}
	r.cluster(w, s[:1], s[1:])
}

// word reads an option that has no dash.
func (r *reader) word(s string) bool {
	i, ok := r.g.byName[s]
	if !ok {
		return false
	}
	r.i++
	o := r.g.Options[i]
	r.apply(o)
	if o.Arg != "" && !o.Optional {
		r.next(o)
	}
	return true
}

// cluster reads letters behind one dash: -abc, -oVALUE, -5.
func (r *reader) cluster(w word.Word, dash, letters string) {
	for j := 0; j < len(letters); j++ {
		i, ok := r.g.byName[dash+letters[j:j+1]]
		if !ok && r.g.number >= 0 && letters[j] >= '0' && letters[j] <= '9' {
			r.apply(r.g.Options[r.g.number])
			return
		}
		if !ok {
			r.out.Strange = append(r.out.Strange, w)
			continue
		}
		o := r.g.Options[i]
		r.apply(o)
		if o.Arg == "" {
			continue
		}
		if rest := letters[j+1:]; rest != "" {
			if r.g.Style.Popt {
				rest = strings.TrimPrefix(rest, "=")
			}
			r.value(o, sub(w, rest))
		} else if !o.Optional {
			r.next(o)
		}
		return
	}
}

// bundle reads tar's first word without a dash: each letter that takes an
// argument takes the next word, in order.
func (r *reader) bundle(w word.Word, s string) {
	r.i++
	for _, c := range s {
		i, ok := r.g.byName["-"+string(c)]
		if !ok {
			r.out.Strange = append(r.out.Strange, w)
			continue
		}
		o := r.g.Options[i]
		r.apply(o)
		if o.Arg != "" && !o.Optional {
			r.next(o)
		}
	}
}

// partial reads an option of which only the beginning is known, such as
// --exclude="$X" or -o"$X".
func (r *reader) partial(w word.Word, prefix string) {
	r.i++
	if name, _, ok := strings.Cut(prefix, "="); ok && strings.HasPrefix(prefix, "--") {
		if o, known := r.g.find(name); known {
			r.apply(o)
			if o.Arg != "" {
				_, v, _ := cut(w, "=")
				r.value(o, v)
			}
			return
		}
	}
	for j := 1; j < len(prefix) && !strings.HasPrefix(prefix, "--"); j++ {
		i, ok := r.g.byName["-"+prefix[j:j+1]]
		if !ok {
			break
		}
		o := r.g.Options[i]
		r.apply(o)
		if o.Arg != "" {
			r.value(o, trim(w, prefix[:j+1]))
			return
		}
	}
	r.out.Strange = append(r.out.Strange, w)
	r.out.Opaque = true
}

// sub is a known word that is part of w.
func sub(w word.Word, v string) word.Word {
	return word.Word{Src: v, Know: word.Known, Values: []string{v}, Origin: w.Origin}
}

// cut splits a word at the first sep of its known beginning.
func cut(w word.Word, sep string) (string, word.Word, bool) {
	k, _, ok := strings.Cut(w.Prefix(), sep)
	if !ok {
		return "", word.Word{}, false
	}
	return k, trim(w, k+sep), true
}

// trim takes a known beginning off a word.
func trim(w word.Word, prefix string) word.Word {
	switch w.Know {
	case word.Known, word.OneOf:
		vs := make([]string, len(w.Values))
		for i, v := range w.Values {
			vs[i] = strings.TrimPrefix(v, prefix)
		}
		w.Values = vs
	case word.Unknown:
		if len(w.Shape) > 0 && w.Shape[0].Hole == word.NoHole {
			shape := append([]word.Part{}, w.Shape...)
			shape[0].Lit = strings.TrimPrefix(shape[0].Lit, prefix)
			if shape[0].Lit == "" {
				shape = shape[1:]
			}
			w.Shape = shape
		}
	}
	w.Src = strings.TrimPrefix(w.Src, prefix)
	return w
}
