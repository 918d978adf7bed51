package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// plan is what a restore has to do: the trees before, after and now, merged.
type plan struct {
	x    *Snapshot
	pre  *tree
	post *tree // nil: the end of the line was not recorded
	now  *tree

	s      *Store
	force  bool
	acts   map[int]Act   // by pre entry
	at     map[int]int   // the present entry of a pre entry
	after  map[int]int   // the post entry of a pre entry
	made   map[int][]int // present entries to remove, by the pre directory they lie in
	times  map[int]bool  // pre directories whose times moved by the line alone
	dirty  map[int]bool  // pre directories with something to do in them
	live   map[inode]int // present names that still hold a kept inode, unchanged
	loads  map[int]Dump  // states to put back, by item
	writes []*Blocks     // devices to write to
	all    []Change
	notes  []string
	unseen []string // states that cannot be looked at now
}

// makePlan compares the present with what was kept.
func (s *Store) makePlan(ctx context.Context, id string, force bool) (*plan, error) {
	x, err := s.Load(id)
	if err != nil {
		return nil, err
	}
	p := &plan{x: x, s: s, force: force, acts: map[int]Act{}, at: map[int]int{}, after: map[int]int{},
		made: map[int][]int{}, dirty: map[int]bool{}, live: map[inode]int{}, loads: map[int]Dump{}, times: map[int]bool{}}
	if p.pre, err = readTreeFile(filepath.Join(x.dir, "entries")); err != nil {
		return nil, err
	}
	var end post
	known := readJSON(filepath.Join(x.dir, "post"), &end) == nil
	if known {
		if p.post, err = readTreeFile(filepath.Join(x.dir, "after")); err != nil {
			return nil, err
		}
	} else {
		p.notes = append(p.notes, "the line has not ended, or its end was not recorded: changes that came later cannot be told from its own")
	}
	if p.now, p.notes, err = presentNotes(ctx, s, x, p.pre, p.notes); err != nil {
		return nil, err
	}
	for i := range p.pre.entries {
		e := &p.pre.entries[i]
		if e.Up == -1 && !e.Above {
			p.node(i, p.post.child(-1, e.Name), p.now.child(-1, e.Name))
		}
	}
	p.states(ctx, end, known)
	p.blocks(ctx, end, known)
	return p, nil
}

func presentNotes(ctx context.Context, s *Store, x *Snapshot, pre *tree, notes []string) (*tree, []string, error) {
	t, more, err := s.present(ctx, x, pre)
	return t, append(notes, more...), err
}

// entry is a tree's entry, or nil where there is none or nothing.
func (t *tree) entry(i int) *Entry {
	if t == nil || i < 0 || t.entries[i].Kind == KAbsent {
		return nil
	}
	return &t.entries[i]
}

// node compares one name that was looked at before the line.
func (p *plan) node(pre, post, now int) {
	was := &p.pre.entries[pre]
	if now >= 0 {
		p.at[pre] = now
	}
	if post >= 0 {
		p.after[pre] = post
	}
	meta := p.x.Items[was.Item].Class == Metadata
	n, a := p.now.entry(now), p.post.entry(post)
	if was.Kind == KAbsent {
		if n != nil && was.Lost == "" && !meta {
			p.created(pre, pre, post, now)
		}
		return
	}
	same := p.post != nil && a != nil && len(p.diffs(was, a, meta, nil)) == 0 && a.Kind == was.Kind
	if n == nil {
		switch {
		case meta:
			p.notes = append(p.notes, p.pre.path(pre)+": is gone; its content was not kept")
		case same && !p.force:
			// The line left it as it was: its end is another's doing.
		default:
			c := Change{Act: Recreate, Size: p.pre.bytes(pre)}
			if k := p.pre.count(pre); k > 1 {
				c.What = []string{fmt.Sprintf("%d entries", k)}
			}
			if p.post != nil && a != nil {
				c.Conflict = "was deleted after the line"
			}
			p.do(pre, c)
		}
		return
	}
	if was.Kind == KDir && n.Kind == KDir {
		if n.Mtime != was.Mtime && a != nil && a.Mtime == n.Mtime {
			p.times[pre] = true
			p.soil(was.Up)
		}
		if d := p.diffs(was, n, meta, nil); len(d) > 0 && (!same || p.force) {
			p.do(pre, p.judged(Change{Act: Reset, What: d}, a, n, meta))
		}
		p.children(pre, post, now, meta)
		return
	}
	d := p.diffs(was, n, meta, func() (bool, error) { return p.sameBytes(pre, now) })
	whole := len(d) == 0 || d[0] != "content" && d[0] != "type"
	if whole && was.Kind == KFile && was.Ino == n.Ino && was.Dev == n.Dev {
		p.live[inode{was.Dev, was.Ino}] = pre
	}
	if len(d) == 0 {
		return
	}
	if same && !p.force {
		return
	}
	act := Reset
	if !whole {
		act = Revert
	}
	if meta && act == Revert {
		p.notes = append(p.notes, p.pre.path(pre)+": is something else now; its content was not kept")
		return
	}
	p.do(pre, p.judged(Change{Act: act, What: d, Size: was.Size}, a, n, meta))
}

// judged names a conflict if the present is not what the line left.
func (p *plan) judged(c Change, a, n *Entry, meta bool) Change {
	switch {
	case p.post == nil:
	case a == nil:
		c.Conflict = "was made after the line"
	case a.Kind != n.Kind || p.later(a, n, meta):
		c.Conflict = "was changed after the line"
	}
	return c
}

// later reports a change since the line. Where only metadata is put back, a
// later write to the file is no reason against it.
func (p *plan) later(a, n *Entry, meta bool) bool {
	// An undo that was undone makes new inodes; with size and time to the
	// nanosecond equal they count as what the line left.
	sameTime := func() (bool, error) { return a.Mtime == n.Mtime, nil }
	for _, d := range p.diffs(a, n, meta, sameTime) {
		if !meta || !strings.HasPrefix(d, "time ") {
			return true
		}
	}
	return false
}

// children compares what is in a directory that was there and is there.
func (p *plan) children(pre, post, now int, meta bool) {
	names := map[string]bool{}
	for n, i := range p.pre.kids[pre] {
		names[n] = true
		p.node(i, childOf(p.post, post, n), childOf(p.now, now, n))
	}
	if meta {
		return
	}
	for n, i := range p.now.kids[now] {
		if !names[n] {
			p.created(pre, -1, childOf(p.post, post, n), i)
		}
	}
}

func childOf(t *tree, dir int, name string) int {
	if t == nil || dir < 0 {
		return -1
	}
	return t.child(dir, name)
}

// created deals with a present name that was not there before the line. pre is
// the directory that holds it, or with self >= 0 the absent entry itself.
func (p *plan) created(pre, self, post, now int) {
	c := Change{Act: Remove, Path: p.now.path(now), Type: string(p.now.entries[now].Kind), Size: p.now.bytes(now)}
	if k := p.now.count(now); k > 1 {
		c.What = []string{fmt.Sprintf("%d entries", k)}
	}
	switch {
	case p.post == nil:
		c.Conflict = "whether the line made it was not recorded"
	case p.post.entry(post) == nil && self < 0:
		if !p.force {
			return // made later, and by something else: not the line's doing
		}
		c.Conflict = "was made after the line"
	case p.post.entry(post) == nil:
		c.Conflict = "was made after the line"
	default:
		c.Conflict = p.changed(post, now)
	}
	p.all = append(p.all, c)
	if c.Conflict != "" && !p.force {
		return
	}
	if self >= 0 {
		p.acts[self] = Remove
		p.soil(p.pre.entries[self].Up)
		return
	}
	p.made[pre] = append(p.made[pre], now)
	p.soil(pre)
}

// changed compares a tree that the line made with what became of it.
func (p *plan) changed(post, now int) string {
	a, n := &p.post.entries[post], &p.now.entries[now]
	if a.Kind != n.Kind || p.later(a, n, false) {
		return "was changed after the line"
	}
	if len(p.post.kids[post]) != len(p.now.kids[now]) {
		return "has other entries than the line left"
	}
	for name, i := range p.now.kids[now] {
		o := p.post.child(post, name)
		if o < 0 {
			return "has entries that came after the line"
		}
		if c := p.changed(o, i); c != "" {
			return "holds something that was changed after the line"
		}
	}
	return ""
}

// do notes what is to be done to an entry.
func (p *plan) do(pre int, c Change) {
	c.Path, c.Type = p.pre.path(pre), string(p.pre.entries[pre].Kind)
	p.all = append(p.all, c)
	if c.Conflict != "" && !p.force {
		return
	}
	p.acts[pre] = c.Act
	p.soil(p.pre.entries[pre].Up)
}

// soil marks a directory and all above it.
func (p *plan) soil(dir int) {
	for ; dir >= 0 && !p.dirty[dir]; dir = p.pre.entries[dir].Up {
		p.dirty[dir] = true
	}
}

// diffs is how b differs from a, the strongest first. deep compares the contents
// themselves where nothing else tells; nil trusts inode, size and time.
func (p *plan) diffs(a, b *Entry, meta bool, deep func() (bool, error)) []string {
	if a.Kind != b.Kind {
		return []string{"type"}
	}
	var d []string
	if !meta && p.otherContent(a, b, deep) {
		d = append(d, "content")
	}
	if a.Mode != b.Mode && a.Kind != KLink {
		d = append(d, fmt.Sprintf("mode %04o, was %04o", b.Mode, a.Mode))
	}
	if a.UID != b.UID || a.GID != b.GID {
		d = append(d, fmt.Sprintf("owner %d:%d, was %d:%d", b.UID, b.GID, a.UID, a.GID))
	}
	if a.FlagsOK && b.FlagsOK && a.Flags != b.Flags {
		d = append(d, fmt.Sprintf("flags %#x, were %#x", b.Flags, a.Flags))
	}
	d = append(d, xattrDiffs(a.Xattrs, b.Xattrs)...)
	if a.Mtime != b.Mtime && a.Kind != KDir {
		d = append(d, "time "+a.Mtime.when())
	}
	return d
}

func (s stamp) when() string { return time.Unix(s[0], s[1]).Format("2006-01-02 15:04:05.999999999") }

func xattrDiffs(a, b []Xattr) (d []string) {
	has := func(xs []Xattr, x Xattr) bool {
		return slices.ContainsFunc(xs, func(y Xattr) bool { return x.Name == y.Name && bytes.Equal(x.Value, y.Value) })
	}
	for _, x := range a {
		if !has(b, x) {
			d = append(d, "xattr "+x.Name)
		}
	}
	for _, y := range b {
		if !has(a, y) && !slices.Contains(d, "xattr "+y.Name) {
			d = append(d, "xattr "+y.Name)
		}
	}
	return d
}

// otherContent reports whether the contents differ.
func (p *plan) otherContent(a, b *Entry, deep func() (bool, error)) bool {
	switch a.Kind {
	case KLink:
		return a.Link != b.Link
	case KChar, KBlock:
		return a.Rdev != b.Rdev
	case KFile:
	default:
		return false
	}
	if a.Size != b.Size {
		return true
	}
	if a.SHA != "" && b.SHA != "" && a.Holes == b.Holes && slices.Equal(a.Data, b.Data) {
		return a.SHA != b.SHA
	}
	sameInode := a.Dev == b.Dev && a.Ino == b.Ino
	if sameInode && a.Ctime == b.Ctime && (a.SHA == "" || b.SHA == "") {
		return false
	}
	if a.Linked && sameInode {
		return false // what was kept is this very file
	}
	if deep != nil {
		if same, err := deep(); err == nil {
			return !same
		}
	}
	return !sameInode || a.Mtime != b.Mtime
}

// states compares the states that are no files.
func (p *plan) states(ctx context.Context, end post, known bool) {
	_, now, errs := dumps(ctx, p.x.Items)
	for _, e := range errs {
		if slices.ContainsFunc(p.x.States, func(d Dump) bool { return d.Item == e.item }) {
			p.unseen = append(p.unseen, e.Error())
		} else {
			p.notes = append(p.notes, e.Error())
		}
	}
	find := func(ds []Dump, item int) (Dump, bool) {
		i := slices.IndexFunc(ds, func(d Dump) bool { return d.Item == item })
		if i < 0 {
			return Dump{}, false
		}
		return ds[i], true
	}
	for _, was := range p.x.States {
		is, ok := find(now, was.Item)
		if !ok || is.Exists == was.Exists && is.SHA256 == was.SHA256 {
			continue
		}
		it := p.x.Items[was.Item]
		if !it.Class.CanRestore() {
			p.notes = append(p.notes, fmt.Sprintf("%s: is another now; what it was is in %s", providers()[it.Class].name(it), filepath.Join(p.x.dir, "state", was.File)))
			continue
		}
		c := Change{Path: providers()[it.Class].name(it), Act: Reload, Type: string(it.Class), Size: was.Size}
		if left, ok := find(end.States, was.Item); known && ok && (left.Exists != is.Exists || left.SHA256 != is.SHA256) {
			c.Conflict = "was changed after the line"
		}
		p.all = append(p.all, c)
		if c.Conflict == "" || p.force {
			p.loads[was.Item] = was
		}
	}
}

// Diff compares what was kept with the present: what Restore would do, and
// which of it came after the line.
func (s *Store) Diff(ctx context.Context, id string) ([]Change, error) {
	p, err := s.makePlan(ctx, id, false)
	if err != nil {
		return nil, err
	}
	p.sort()
	return p.all, nil
}

func (p *plan) sort() {
	slices.SortStableFunc(p.all, func(a, b Change) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
}

func (p *plan) conflicts() (cs []Change) {
	for _, c := range p.all {
		if c.Conflict != "" {
			cs = append(cs, c)
		}
	}
	return cs
}
