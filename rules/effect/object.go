package effect

import (
	"path"
	"slices"
	"strings"

	"guardsh/rules/word"
)

// objects is what a word may name.
func (c *call) objects(typ Type, w word.Word) []Object {
	if typ != Path && typ != Device {
		return named(typ, w)
	}
	if x, ok := inFound(c.action.Cwd, w); ok {
		return []Object{{Type: typ, Word: x}}
	}
	if p, ok := w.Pattern(); ok {
		return c.patterns(typ, w, p)
	}
	values := w.Values
	var out []Object
	if w.Know == word.Unknown {
		out = []Object{{Type: typ, Word: w}}
		other, ok := w.Otherwise()
		if !ok {
			if p, ok := w.Defaulted().Pattern(); ok { // "${X:-/}"*
				out = append(out, c.patterns(typ, w, p)...)
			}
			return out
		}
		values = []string{other} // ${X:-/}: what X is, or /
	} else {
		out = make([]Object, 0, len(w.Values))
	}
	for _, v := range values {
		switch {
		case v == "" && c.name != "rsync":
			continue // no such file; to rsync it is the working directory
		case path.IsAbs(v):
			out = append(out, Object{Type: typ, Name: v, Word: w})
			continue
		}
		dirs := c.dirs()
		if len(c.action.Cwd.Values) == 0 {
			out = append(out, Object{Type: typ, Word: w})
		}
		for _, d := range dirs {
			if len(out) >= maxObjects {
				return out
			}
			out = append(out, Object{Type: typ, Name: join(d, v), Word: w})
		}
	}
	return out
}

// inFound is a relative name in a directory that find came to, with all that is
// known of both: rm {} of find /usr -execdir takes what lies below /usr.
func inFound(cwd, w word.Word) (word.Word, bool) {
	n := len(cwd.Shape)
	if cwd.Know != word.Unknown || n < 2 || cwd.Shape[n-1].Src != word.Found || path.IsAbs(w.Prefix()) {
		return w, false
	}
	shape := slices.Clone(cwd.Shape)
	last := word.Part{}
	switch {
	case w.Know == word.Known:
		last.Lit = w.Values[0]
	case len(w.Shape) == 2 && w.Shape[0].Lit == "./":
		last = w.Shape[1]
	default:
		return w, false
	}
	switch name := strings.TrimPrefix(last.Lit, "./"); {
	case last.Hole == word.Glob:
		shape = append(shape, word.Part{Lit: "/"}, last)
	case name != "" && name != ".":
		shape = append(shape, word.Part{Lit: "/" + name})
	}
	return word.Word{Src: w.Src, Know: word.Unknown, Shape: shape, Many: w.Many, Origin: w.Origin}, true
}

// dirs are the directories that the action may start in, as far as they are
// known.
func (c *call) dirs() []string {
	if d, ok := c.action.Cwd.Otherwise(); ok && path.IsAbs(d) {
		return []string{d} // cd "${X:-/}"
	}
	return c.action.Cwd.Values
}

func (c *call) patterns(typ Type, w word.Word, p string) []Object {
	if path.IsAbs(p) {
		return []Object{{Type: typ, Pattern: p, Word: w}}
	}
	var out []Object
	if len(c.action.Cwd.Values) == 0 {
		out = append(out, Object{Type: typ, Word: w})
	}
	for _, d := range c.dirs() {
		out = append(out, Object{Type: typ, Pattern: join(quotePattern(d), p), Word: w})
	}
	return out
}

// named is the objects of a type that is not a path.
func named(typ Type, w word.Word) []Object {
	if len(w.Values) == 0 {
		return []Object{{Type: typ, Word: w}}
	}
	out := make([]Object, 0, len(w.Values))
	for i, v := range w.Values {
		if i >= maxObjects {
			break
		}
		if typ == Service {
			v = strings.TrimSuffix(v, ".service")
		}
		out = append(out, Object{Type: typ, Name: v, Word: w})
	}
	return out
}

// join puts a relative path behind a directory; nothing is cleaned.
func join(dir, p string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + p
	}
	return dir + "/" + p
}

// quotePattern takes the meaning from what would read as a pattern.
func quotePattern(s string) string {
	if !strings.ContainsAny(s, `*?[\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`*?[\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// splitRemote takes host:path, host::module/path and rsync://host/path apart.
func splitRemote(w word.Word) (host, p word.Word, ok bool) {
	if v, known := w.Value(); known {
		for _, scheme := range [...]string{"rsync://", "scp://", "sftp://"} {
			if rest, is := strings.CutPrefix(v, scheme); is {
				h, q, _ := strings.Cut(rest, "/")
				return word.Lit(bareHost(h)), word.Lit("/" + q), true
			}
		}
		i := strings.IndexByte(v, ':')
		if i <= 0 || strings.IndexByte(v[:i], '/') >= 0 {
			return host, p, false
		}
		return word.Lit(bareHost(v[:i])), word.Lit(strings.TrimPrefix(v[i+1:], ":")), true
	}
	// user@$HOST:/srv, $HOST:/srv: a colon in literal text before any slash.
	if w.Know == word.Unknown {
		for n, part := range w.Shape {
			if part.Hole != word.NoHole {
				continue
			}
			i := strings.IndexAny(part.Lit, ":/")
			if i < 0 {
				continue
			}
			if part.Lit[i] == '/' {
				return host, p, false
			}
			if n == 0 && i > 0 {
				// host:/srv/*: all of the host's name is known.
				rest := w
				rest.Shape = append([]word.Part{{Lit: part.Lit[i+1:]}}, w.Shape[1:]...)
				if _, src, ok := strings.Cut(w.Src, ":"); ok {
					rest.Src = src
				}
				return word.Lit(bareHost(part.Lit[:i])), rest, true
			}
			at := strings.IndexByte(w.Src, ':')
			if at < 0 {
				return host, p, false
			}
			return word.Hidden(w.Src[:at], word.Var), word.Hidden(w.Src[at+1:], word.Var), true
		}
	}
	return host, p, false
}

func bareHost(h string) string {
	if i := strings.LastIndexByte(h, '@'); i >= 0 {
		h = h[i+1:]
	}
	return h
}
