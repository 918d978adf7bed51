package effect

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// copyFiles is cp, install, rsync and scp: roles source and dest, attributes
// recursive and no-target-directory. rsync means a directory's content by a
// trailing slash, the others by "/." only.
func copyFiles(c *call) { c.copy(Overwrite) }

// moveFiles is mv.
func moveFiles(c *call) {
	dest := c.values("dest")
	for _, s := range c.values("source") {
		e := c.effect(Move)
		for _, d := range dest {
			for _, o := range c.objects(Path, d) {
				e.param("to", o.Display())
			}
		}
		c.emitWord(e, Path, s, false)
	}
	c.set("remove-source")
	c.copy(Overwrite)
}

// installFiles is install: with -d it makes directories.
func installFiles(c *call) {
	if !c.has("create-dir") {
		c.copy(Overwrite)
		return
	}
	for _, w := range c.args.Operands {
		e := c.effect(Create)
		c.emitWord(e, Path, w, false)
		// A directory that is there gets them, too.
		meta := c.effect(Metadata)
		for _, p := range [...]string{"mode", "owner", "group"} {
			if v := c.text(p); len(v) > 0 {
				meta.param(p, v...)
			}
		}
		if len(meta.Params) > 0 {
			c.emitWord(meta, Path, w, false)
		}
	}
}

// rsyncTree is rsync: with one operand it lists.
func rsyncTree(c *call) {
	if len(c.values("dest")) == 0 {
		return
	}
	c.copy(Overwrite)
	if c.has("remove-source") && !c.has("received") {
		for _, w := range c.values("source") {
			c.emitWord(c.effect(Delete, "!delete"), Path, w, true)
		}
	}
}

// linkFiles is ln. Without force a name that is there stays as it is.
func linkFiles(c *call) {
	c.set("link")
	kind := Create
	if c.has("force") {
		kind = Overwrite
		c.set("replace")
	}
	if len(c.values("dest")) == 0 && len(c.values("source")) == 1 {
		c.args.Values["dest"] = []word.Word{word.Lit(".")}
	}
	c.copy(kind)
}

// copy adds the effects of putting the sources at dest.
func (c *call) copy(kind Kind) {
	sources, dests := c.values("source"), c.values("dest")
	remoteSource, remoteDest := c.remote("source"), c.remote("dest")
	for _, d := range dests {
		known := c.knownDirectory(d, sources)
		into := "maybe-into"
		if known {
			into = "into"
		}
		if len(sources) == 0 {
			// What is copied cannot be seen.
			c.emitWord(c.effect(kind, "maybe-into"), Path, d, remoteDest)
		}
		seen := false // one effect on the directory itself
		for _, s := range sources {
			objs := []*Object{nil}
			if !c.has("link") {
				objs = c.sourceObjects(s, remoteSource)
			}
			for _, src := range objs {
				e := c.effect(kind)
				e.Source = src
				if kind == Overwrite && src != nil && src.Name == "/dev/null" && !c.has("recursive") {
					e.Kind = Truncate
					e.mark("empty")
				}
				if c.has("symbolic") {
					if o := c.linked(s, d); o != nil && o.Name != "" {
						e.param("to", o.Name)
					}
				}
				if c.has("link") && c.has("replace") {
					e.Link = c.linked(s, d)
				}
				base, whole, sure := c.sourceName(s, src)
				if whole || c.has("no-target-directory") {
					c.whole(e, d, remoteDest, whole)
					continue
				}
				if !sure && c.has("recursive") {
					// $X may be the content of a directory or one file.
					e.Kind = WriteTree
					e.mark(into)
					c.emitWord(e, Path, d, remoteDest)
					continue
				}
				if !known || !seen {
					a := e
					if known {
						a.Kind, a.Source = Create, nil
						seen = true
					}
					a.mark(into)
					c.emitWord(a, Path, d, remoteDest)
				}
				if !sure {
					continue
				}
				b := e
				if (c.has("recursive") || c.name == "mv" && known && !strings.Contains(base, ".")) && !c.has("link") {
					b.Kind = WriteTree // mv takes trees along; a name with a dot is a file's
				}
				b.mark("inside", into)
				for _, w := range below(d, base) {
					c.emitWord(b, Path, w, remoteDest)
				}
			}
		}
	}
}

// whole is a source that takes the destination's own place: its content, or
// -T.
func (c *call) whole(e Effect, d word.Word, remote, contents bool) {
	if c.has("recursive") && !c.has("link") {
		e.Kind = WriteTree
		e.mark("contents")
	} else if contents && !c.has("link") {
		return // a directory that is not copied without -r
	}
	c.emitWord(e, Path, d, remote)
}

// sourceObjects is what one source word may name; never empty.
func (c *call) sourceObjects(s word.Word, remote bool) []*Object {
	if remote {
		if host, p, ok := splitRemote(s); ok {
			return []*Object{{Type: Other, Name: host.String() + ":" + p.String(), Word: s}}
		}
	}
	objs := c.objects(Path, s)
	out := make([]*Object, len(objs))
	for i := range objs {
		out[i] = &objs[i]
	}
	return out
}

// knownDirectory reports whether the line itself says that d is a directory.
func (c *call) knownDirectory(d word.Word, sources []word.Word) bool {
	if c.has("target-directory") || len(sources) > 1 && !c.has("no-target-directory") {
		return true
	}
	v := d.Values
	if d.Know == word.Unknown {
		if n := len(d.Shape); n > 0 && d.Shape[n-1].Hole == word.NoHole {
			return strings.HasSuffix(d.Shape[n-1].Lit, "/")
		}
		return false
	}
	for _, p := range v {
		if b := path.Base(p); !strings.HasSuffix(p, "/") && b != "." && b != ".." {
			if !strings.HasSuffix(p, ":") { // host: is the login directory there
				return false
			}
		}
	}
	return len(v) > 0
}

// sourceName is the name that a source gets below a directory; whole means
// that its content goes there without a name of its own. Where the name is
// not known sure is false.
func (c *call) sourceName(s word.Word, src *Object) (base string, whole, sure bool) {
	v := s.String()
	switch {
	case src != nil && src.Name != "":
		v = src.Name
		// The word's own end counts, not what joining made of it.
		if w, ok := s.Value(); ok {
			v = w
		}
	case src != nil && src.Pattern != "":
		v = src.Pattern
		if strings.HasSuffix(v, "/") && c.name == "rsync" {
			return "", true, true
		}
		return pathBase(v), false, true
	case s.Know == word.Unknown:
		n := len(s.Shape)
		if n == 0 || s.Shape[n-1].Hole != word.NoHole {
			return "", false, false
		}
		v = s.Shape[n-1].Lit
		if !strings.Contains(v, "/") {
			return "", false, false
		}
	}
	if c.name == "rsync" && (strings.HasSuffix(v, "/") || wholeModule(v)) {
		return "", true, true
	}
	if _, p, ok := splitRemote(s); ok && c.remote("source") {
		v = p.String()
	}
	base = pathBase(v)
	switch base {
	case "", ".", "..", "/":
		return "", true, true
	}
	if c.has("parents") && !path.IsAbs(v) {
		base = v
	}
	return base, false, true
}

// wholeModule reports the content of a module of an rsync daemon: host::module
// and rsync://host/module, with nothing behind.
func wholeModule(v string) bool {
	if rest, ok := strings.CutPrefix(v, "rsync://"); ok {
		return strings.Count(rest, "/") < 2
	}
	host, module, ok := strings.Cut(v, "::")
	return ok && host != "" && !strings.Contains(host, "/") && !strings.Contains(module, "/")
}

func pathBase(v string) string {
	v = strings.TrimRight(v, "/")
	return v[strings.LastIndexByte(v, '/')+1:]
}

// below is dest/base for each value of dest. A base that is a pattern makes
// the result one.
func below(dest word.Word, base string) []word.Word {
	glob := strings.ContainsAny(base, "*?[")
	if dest.Know == word.Unknown || glob {
		var shape []word.Part
		if dest.Know == word.Unknown {
			shape = append(shape, dest.Shape...)
			shape = append(shape, word.Part{Lit: "/"})
		} else {
			var out []word.Word
			for _, v := range dest.Values {
				out = append(out, patternWord(dest.Src, join(v, ""), base))
			}
			return out
		}
		if glob {
			shape = append(shape, word.Part{Hole: word.Glob, Src: base})
		} else {
			shape = append(shape, word.Part{Lit: base})
		}
		return []word.Word{{Src: join(dest.Src, base), Know: word.Unknown, Shape: shape, Origin: dest.Origin}}
	}
	vs := make([]string, len(dest.Values))
	for i, v := range dest.Values {
		vs[i] = join(v, base)
		if strings.HasSuffix(v, ":") {
			vs[i] = v + base
		}
	}
	return []word.Word{{Src: join(dest.Src, base), Know: dest.Know, Values: vs, Origin: dest.Origin}}
}

func patternWord(src, dir, base string) word.Word {
	return word.Word{Src: join(src, base), Know: word.Unknown, Origin: word.FromGlob,
		Shape: []word.Part{{Lit: dir}, {Hole: word.Glob, Src: base}}}
}

// teeFiles is tee: its operands are written, from the start or the end.
func teeFiles(c *call) {
	kind := Truncate
	if c.has("append") {
		kind = Append
	}
	e := c.effect(kind)
	if text, known := c.input(); known && kind == Truncate {
		e.written(text)
	}
	for _, w := range c.values("file") {
		c.emitWord(e, Path, w, false)
	}
}

// ddOutput is dd: of= is written to from seek= on; with if=/dev/null and no
// conv=notrunc it is emptied.
func ddOutput(c *call) {
	kind := Truncate
	attrs := []string{}
	conv := strings.Join(c.text("conv"), ",")
	flags := strings.Join(c.text("oflag"), ",")
	switch {
	case strings.Contains(flags, "append"):
		kind = Append
	case strings.Contains(conv, "notrunc"):
		kind = Overwrite
		attrs = append(attrs, "inplace")
	case strings.Join(c.text("if"), "") == "/dev/null" || strings.Join(c.text("count"), "") == "0":
		attrs = append(attrs, "empty")
	}
	e := c.effect(kind, attrs...)
	for _, p := range [...]string{"bs", "count", "seek", "if"} {
		if v := c.text(p); len(v) > 0 {
			e.param(p, v...)
		}
	}
	if in := c.values("if"); len(in) == 1 {
		if objs := c.objects(Path, in[0]); len(objs) == 1 {
			e.Source = &objs[0]
		}
	}
	outs := c.values("of")
	if c.name == "dc3dd" {
		for _, k := range [...]string{"wipe", "hwipe", "hof", "ofs", "hofs"} {
			outs = append(outs[:len(outs):len(outs)], c.args.Values[k]...)
		}
	}
	for _, w := range outs {
		c.emitWord(e, Path, w, false)
	}
}

// tarExtract is tar: only -x writes a tree, into -C or the working directory.
func tarExtract(c *call) {
	switch {
	case c.has("extract") && !c.has("to-stdout"):
		dirs := c.values("dir")
		if len(dirs) == 0 {
			dirs = []word.Word{word.Lit(".")}
		}
		e := c.effect(WriteTree, "extract", "contents", "recursive")
		eachBelow(dirs)
		c.emitWord(e, Path, dirs[len(dirs)-1], false)
		if c.has("absolute-names") {
			c.emit(e, Object{Type: Path, Name: "/", Word: word.Lit("-P")})
		}
	case c.has("create"):
		for _, w := range c.values("archive") {
			if !w.Is("-") {
				c.emitWord(c.effect(Truncate, "!recursive"), Path, w, true)
			}
		}
	case c.has("append"):
		for _, w := range c.values("archive") {
			c.emitWord(c.effect(Append), Path, w, true)
		}
	case c.has("delete"):
		for _, w := range c.values("archive") {
			c.emitWord(c.effect(Overwrite, "inplace", "remove", "!delete"), Path, w, true)
		}
	}
	if (c.has("create") || c.has("append")) && c.has("remove-source") {
		dirs := c.values("dir")
		eachBelow(dirs)
		for _, w := range c.args.Operands {
			if v, ok := w.Value(); !ok || path.IsAbs(v) || len(dirs) == 0 {
				c.emitWord(c.effect(Delete, "recursive"), Path, w, false)
				continue
			}
			for _, d := range dirs { // which -C stands before it is not told apart
				if v, ok := d.Value(); ok {
					c.emitWord(c.effect(Delete, "recursive"), Path, word.Lit(join(v, w.String())), false)
				}
			}
		}
	}
}

// eachBelow makes tar's directories whole: each -C is relative to the one
// before.
func eachBelow(dirs []word.Word) {
	for i := 1; i < len(dirs); i++ {
		a, ok := dirs[i-1].Value()
		b, known := dirs[i].Value()
		if ok && known && !path.IsAbs(b) {
			dirs[i] = word.Lit(join(a, b))
		}
	}
}

// containerCopy is docker cp: a file or a tree, out of a container or into one.
func containerCopy(c *call) {
	if d := c.values("dest"); len(d) == 1 && d[0].Is("-") {
		return // an archive on standard output
	}
	c.set("recursive")
	c.copy(Overwrite)
}
