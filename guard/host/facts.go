package host

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// Facts looks up what the rules need to know about the effects' objects.
// Without effects nothing is looked at.
func (w *World) Facts(line *command.Line, effects []effect.Effect) *rules.Facts {
	f := &rules.Facts{Session: w.session(), Host: rules.HostFact{Labels: w.opts.Labels}}
	ends := line != nil && line.Ends
	if len(effects) == 0 && !ends {
		return f
	}
	g := &gathering{w: w, line: line, effects: effects, facts: f, start: time.Now()}
	g.deadline = g.start.Add(Fair(lineDeadline))
	if ends {
		f.Session.LoaderGone = w.loaderGone()
	}
	if len(effects) > 0 {
		f.Objects = make(map[string]*rules.ObjectFact, len(effects))
		g.table = w.mountsNow()
		g.paths()
		g.devices()
		g.crontabs()
		g.services()
		g.accounts()
		g.aroundUs()
		g.tellers()
		g.sameJobs()
	}
	f.Took = time.Since(g.start)
	return f
}

// gathering is one call of Facts.
type gathering struct {
	w        *World
	line     *command.Line
	effects  []effect.Effect
	facts    *rules.Facts
	start    time.Time
	deadline time.Time
	// tellUntil is until when programs are asked about what they have charge of.
	tellUntil time.Time
	table     *mountTable
}

func (g *gathering) left() time.Duration { return time.Until(g.deadline) }

// object is the fact about an object, made when it is not there yet.
func (g *gathering) object(o *effect.Object) (of *rules.ObjectFact, fresh bool) {
	k := o.Key()
	of = g.facts.Objects[k]
	if of != nil {
		return of, false
	}
	of = &rules.ObjectFact{}
	g.facts.Objects[k] = of
	return of, true
}

// local says whether an effect falls on this machine's own files.
func local(e *effect.Effect) bool {
	return e.Place.Kind == command.Here || e.Place.Kind == command.Namespace
}

// noFollow reports a kind that acts on a name, not on what is behind a link.
func noFollow(k effect.Kind) bool {
	switch k {
	case effect.Delete, effect.Move:
		return true
	}
	return false
}

// follows says whether an effect goes through a link in its path's last
// component even without a slash behind it.
func follows(e *effect.Effect) bool {
	return !noFollow(e.Kind) && !e.Has("nofollow") && !e.Has("replace") && !e.Has("link")
}

// wanted is a path that is to be looked up.
type wanted struct {
	key     string
	name    string
	follow  bool
	tree    bool // count what is below
	reaches bool // name the protected paths below
	copies  *effect.Effect
	held    bool // say who has it open
	mode    bool // say which mode it has
	unmount bool // or anything below it
	of      *rules.ObjectFact
	spot    spot
}

// treeKind reports a kind whose reach is the whole tree below.
func treeKind(k effect.Kind) bool {
	switch k {
	case effect.Delete, effect.Move, effect.Metadata, effect.WriteTree, effect.RepoChange:
		return true
	}
	return false
}

// paths finds where the paths lead first, all of them, and only then counts.
func (g *gathering) paths() {
	var list []*wanted
	byKey := map[string]*wanted{}
	add := func(o *effect.Object, e *effect.Effect, source bool) {
		if o.Type != effect.Path && o.Type != effect.Device {
			return
		}
		k := o.Key()
		x := byKey[k]
		if x == nil {
			of, _ := g.object(o)
			x = &wanted{key: k, name: o.Name, of: of}
			byKey[k] = x
			if o.Name == "" && o.Pattern != "" {
				g.pattern(o.Pattern, of)
				return
			}
			if !path.IsAbs(o.Name) {
				return
			}
			list = append(list, x)
		}
		if source {
			x.tree = x.tree || e != nil && treeKind(e.Kind)
			return
		}
		x.follow = x.follow || follows(e)
		x.held = x.held || holdKind(e.Kind)
		x.mode = x.mode || e.Kind == effect.Metadata
		x.unmount = x.unmount || e.Kind == effect.Unmount || e.Kind == effect.Kill
		reach := treeKind(e.Kind) && (e.Has("recursive") || e.Kind == effect.Move)
		x.tree = x.tree || reach
		x.reaches = x.reaches || reach
		if e.Kind == effect.WriteTree {
			x.copies = e
		}
	}
	for i := range g.effects {
		e := &g.effects[i]
		if !local(e) {
			continue
		}
		add(&e.Object, e, false)
		if e.Source != nil {
			add(e.Source, e, true)
		}
		if e.Split != nil {
			add(&e.Split.Next, nil, true)
			add(&e.Split.One, nil, true)
		}
		if e.Dir != nil {
			add(e.Dir, nil, true)
		}
		if e.Link != nil {
			add(e.Link, nil, true)
		}
	}
	g.lookUp(list)
	g.measure(list)
	g.copies(list, byKey)
	g.holders(list)
}

// lookUp says where each path leads.
func (g *gathering) lookUp(list []*wanted) {
	rs := make([]request, len(list))
	for i, x := range list {
		rs[i] = request{Op: opPath, Path: x.name, Follow: x.follow}
	}
	cwds := sync.OnceValue(g.cwds)
	for i, a := range g.w.askAll(rs, g.deadline) {
		x := list[i]
		p := &x.of.Path
		x.spot = a.Spot
		if a.Err != "" {
			x.of.Unknown = append(x.of.Unknown, "real path: "+a.Err)
			x.spot = spot{Real: path.Clean(x.name), Denied: a.Err}
		}
		g.fill(p, &x.spot)
		if x.mode && x.spot.Exists {
			p.Mode = fmt.Sprintf("%04o", x.spot.Mode&0o7777)
		}
		if x.spot.Denied != "" && a.Err == "" && x.spot.Denied != "not a directory" {
			x.of.Unknown = append(x.of.Unknown, "real path: "+x.spot.Denied)
		}
		p.Cwd = x.spot.isDir() && slices.ContainsFunc(cwds(), func(cwd string) bool {
			_, ok := relative(p.Real, cwd)
			return ok
		})
		p.Protected = g.w.reach(g.table, p.Real, x.reaches)
	}
}

// fill sets what follows from where a path leads.
func (g *gathering) fill(p *rules.PathFact, s *spot) {
	p.Real, p.Exists, p.Link, p.Follows = s.Real, s.Exists, s.Link, s.Follows
	if s.Exists {
		p.Type = typeName(s.Mode & unix.S_IFMT)
		if p.Type == "file" {
			p.Size, p.Modified = s.Size, s.Mtime
		}
	}
	p.Class = g.w.classOf(g.table, s.Real, s.isDir())
	g.w.mark(g.table, p)
	if m := g.table.of(g.w.root + s.Real); m != nil {
		p.Mount, p.FSType, p.ReadOnly = m.Mountpoint, m.FSType, readOnly(m)
	}
}

// typeName is what the rules call a type of file.
func typeName(mode uint32) string {
	switch mode {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "dir"
	case unix.S_IFLNK:
		return "link"
	case unix.S_IFBLK:
		return "block"
	case unix.S_IFCHR:
		return "char"
	case unix.S_IFIFO:
		return "fifo"
	case unix.S_IFSOCK:
		return "socket"
	}
	return ""
}

// cwds are the working directories of the line's actions.
func (g *gathering) cwds() []string {
	var list []string
	if g.line == nil {
		return nil
	}
	for i := range g.line.Actions {
		for _, d := range g.line.Actions[i].Cwd.Values {
			if !path.IsAbs(d) || slices.Contains(list, d) {
				continue
			}
			list = append(list, d)
			if len(list) >= 16 { // a line that moves more often is a script
				return g.realCwds(list)
			}
		}
	}
	return g.realCwds(list)
}

func (g *gathering) realCwds(list []string) []string {
	for i, d := range list {
		s, err := g.w.walker(g.table, "", true).find(d, true)
		if err == nil {
			list[i] = s.Real
		}
	}
	return list
}

// measure counts the trees, sharing what time is left.
func (g *gathering) measure(list []*wanted) {
	var trees []*wanted
	for _, x := range list {
		if x.spot.Denied != "" || !x.spot.Exists {
			continue
		}
		p := &x.of.Path
		switch {
		case !x.tree || !x.spot.isDir():
			p.Entries, p.Bytes = 1, x.spot.Size
		default:
			trees = append(trees, x)
		}
	}
	for i, x := range trees {
		budget := min(Fair(treeBudget), (g.left()-20*time.Millisecond)/time.Duration(len(trees)-i)*2)
		p := &x.of.Path
		if budget <= 0 {
			p.Entries, p.More = 1, true
			continue
		}
		a := g.w.ask(request{Op: opTree, Path: x.spot.Real, Budget: budget}, g.deadline)
		if a.Err != "" {
			x.of.Unknown = append(x.of.Unknown, "entries: "+a.Err)
			p.Entries, p.More = 1, true
			continue
		}
		p.Entries, p.Bytes, p.More = a.Entries, a.Bytes, a.More
	}
}

// copies says which protected entries at a destination a copied tree holds,
// too.
func (g *gathering) copies(list []*wanted, byKey map[string]*wanted) {
	for _, x := range list {
		e := x.copies
		if e == nil || x.spot.Denied != "" {
			continue
		}
		dest := x.of.Path.Real
		for i := range g.effects {
			e := &g.effects[i]
			if e.Kind != effect.WriteTree || e.Source == nil || e.Object.Key() != x.key {
				continue
			}
			src := byKey[e.Source.Key()]
			if src == nil || !src.spot.Exists {
				continue
			}
			g.overwrites(&x.of.Path, dest, e, src)
			if e.Has("delete") {
				g.strangers(&x.of.Path, dest, e, src)
			}
		}
	}
}

// overwrites adds one source's part.
func (g *gathering) overwrites(p *rules.PathFact, dest string, e *effect.Effect, src *wanted) {
	from := src.spot.Real
	if src.of.Path.Link != "" {
		from = src.of.Path.Link
	}
	into := dest
	if !wholeContent(e) {
		into = path.Join(dest, path.Base(path.Clean(e.Source.Name)))
	}
	p.Writes += src.of.Path.Entries
	p.WritesMore = p.WritesMore || src.of.Path.More
	var rel []string
	for _, q := range append(g.w.opts.Protect.Reach(into, 0), slices.Sorted(maps.Keys(g.w.passwd().dirs))...) {
		if r, ok := relative(into, q); ok && r != "" {
			rel = append(rel, r)
		}
	}
	if len(rel) == 0 {
		return
	}
	a := g.w.ask(request{Op: opTree, Path: from, Has: rel, Budget: time.Nanosecond}, g.deadline)
	if a.Err != "" {
		return
	}
	for _, r := range a.Has {
		q := path.Join(into, r)
		if !slices.Contains(p.Overwrite, q) && g.w.there(g.table, q) && len(p.Overwrite) < maxNamed {
			p.Overwrite = append(p.Overwrite, q)
		}
	}
}

// strangers counts what a mirror would delete.
func (g *gathering) strangers(p *rules.PathFact, dest string, e *effect.Effect, src *wanted) {
	if !wholeContent(e) && !e.Has("inside") {
		return // its own directory there is another object
	}
	a := g.w.ask(request{Op: opStrangers, Path: dest, Other: src.spot.Real, Follow: true, Budget: min(Fair(treeBudget), g.left()/2)}, g.deadline)
	if a.Err != "" || !a.Spot.isDir() {
		return
	}
	slices.Sort(a.Names)
	p.Strangers, p.StrangersMore, p.StrangerNames, p.StrangersTop, p.Own = a.Entries, a.More, a.Names, a.Top, a.Own
}

// wholeContent says whether a source's content is copied, not the directory
// under its own name.
func wholeContent(e *effect.Effect) bool {
	n := e.Source.Name
	switch {
	case e.Has("contents") || e.Has("no-target-directory"):
		return true
	case strings.HasSuffix(n, "/.") || n == "/":
		return true
	}
	return e.Command == "rsync" && strings.HasSuffix(n, "/")
}

// pattern fills in the highest class of what an unmatched pattern could be.
func (g *gathering) pattern(pattern string, of *rules.ObjectFact) {
	p := &of.Path
	dir, last := path.Split(pattern)
	if !special(dir, true) && last != "" {
		// Only the last component is open: its directory is known.
		s, err := g.w.walker(g.table, "", true).find(unquote(dir), true)
		switch {
		case err != nil:
			unknownf(of, "real path of the pattern's directory: %v", err)
		case s.Denied == "":
			dir = quote(strings.TrimRight(s.Real, "/")) + "/"
			g.fill(p, &s)
			p.Exists, p.Type, p.Follows, p.Link = false, "", false, ""
		}
	}
	p.Real = dir + last
	class, named := g.w.opts.Protect.Pattern(p.Real)
	p.Class = rules.Higher(class, rules.Scratch)
	p.Protected = nil
	for _, q := range named {
		if g.w.there(g.table, q) {
			p.Protected = append(p.Protected, q)
			p.Class = rules.Higher(p.Class, g.w.classOf(g.table, q, true))
		}
	}
}

// quote takes the meaning from what would read as a pattern.
func quote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`*?[\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unknownf notes a fact that could not be had.
func unknownf(of *rules.ObjectFact, format string, args ...any) {
	of.Unknown = append(of.Unknown, fmt.Sprintf(format, args...))
}
