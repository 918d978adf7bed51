package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Restore brings back what was kept. It first keeps the present, so that the
// undo can be undone. What changed after the line is left alone: without Force
// a *Conflict is returned and nothing is done at all. What alone could not be
// restored is named in the report's Failed and does not stop the rest.
func (s *Store) Restore(ctx context.Context, id string, o RestoreOptions) (Report, error) {
	unlock, err := s.lock()
	if err != nil {
		return Report{}, fatal(err)
	}
	defer unlock()
	p, err := s.makePlan(ctx, id, o.Force)
	if err != nil {
		return Report{}, err
	}
	p.sort()
	rep := Report{ID: p.x.ID, Changes: p.all, Notes: p.notes, Unseen: p.unseen}
	if o.DryRun {
		return rep, nil
	}
	if cs := p.conflicts(); len(cs) > 0 && !o.Force {
		return rep, &Conflict{cs}
	}
	if !o.NoKeep && len(p.all) > 0 {
		undo, err := s.take(ctx, Plan{Session: p.x.Session, Line: "guardsh undo " + p.x.ID, Items: p.items(), Options: o.Budget}, p.x.ID)
		if err != nil {
			return rep, fmt.Errorf("keeping the present: %w", err)
		}
		rep.Undo = undo.ID
		if undo.Reach == Partial {
			rep.Notes = append(rep.Notes, undo.Reasons...)
		}
	}
	r := &restorer{plan: p, ctx: ctx, rep: &rep, groups: map[int]int{}, left: map[int]int{}, wrote: map[inode]bool{}}
	r.run()
	if rep.Undo != "" {
		if err := s.Finish(ctx, rep.Undo); err != nil {
			rep.Notes = append(rep.Notes, "undo of the undo: "+err.Error())
		}
	}
	if len(rep.Failed)+len(rep.Unseen) > 0 {
		return rep, nil // it can be tried again
	}
	if err := writeJSON(p.x.dir, "undone", Undone{time.Now(), rep.Undo}); err != nil {
		return rep, fatal(err)
	}
	if p.x.Undoes != "" {
		// The undo was undone: the line's own doing is there again.
		err := os.Remove(filepath.Join(s.snapshots(), p.x.Undoes, "undone"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return rep, fatal(err)
		}
	}
	return rep, nil
}

// items is what the restore itself will change. It only writes into a file
// where that has other names; all else it replaces whole, so that keeping the
// present may link.
func (p *plan) items() []Item {
	into := false
	for i, a := range p.acts {
		into = into || a == Revert && p.writeInto(i)
	}
	var items []Item
	for n, it := range p.x.Items {
		switch it.Class {
		case InPlace, Create, Delete, Replace:
			it.Class = Replace
			if into {
				it.Class = InPlace
			}
		}
		if it.Class.noFile() {
			for _, b := range p.x.Blocks {
				if b.Item == n {
					it.Ranges = b.Ranges
				}
			}
			if it.Class != Device || len(it.Ranges) > 0 {
				items = append(items, it)
			}
			continue
		}
		for i := range p.pre.entries {
			e := &p.pre.entries[i]
			// From the topmost directory that was not there: it goes too.
			if e.Up != -1 || e.Item != n || e.Above && e.Kind != KAbsent {
				continue
			}
			it.Path = e.Name
			if !slices.ContainsFunc(items, func(o Item) bool { return o.Path != "" && under(o.Path, it.Path) && o.Class == it.Class }) {
				items = append(items, it)
			}
		}
	}
	return items
}

// restorer carries a plan out.
type restorer struct {
	*plan
	ctx    context.Context
	rep    *Report
	groups map[int]int    // handles of files that are being given further names, by their first entry
	left   map[int]int    // how many names of a file are still to be made
	late   []int          // entries that get flags which forbid changes, last of all
	wrote  map[inode]bool // files that were written into
	seq    int
}

func (r *restorer) fail(path string, err error) {
	r.rep.Failed = append(r.rep.Failed, path+": "+err.Error())
}

func (r *restorer) run() {
	for i := range r.pre.entries {
		if s := r.pre.entries[i].Same; s > 0 {
			r.left[s-1]++
		}
	}
	var parents []int
	var done []int
	for i := range r.pre.entries {
		e := &r.pre.entries[i]
		switch {
		case e.Up != -1:
		case e.Above:
			parents = append(parents, i)
		default:
			if err := r.root(i, e.Name); err != nil {
				r.fail(e.Name, err)
			}
			done = append(done, i)
		}
	}
	for _, i := range slices.Backward(parents) {
		r.above(i)
	}
	for _, fd := range r.groups {
		unix.Close(fd)
	}
	r.freeze()
	for _, b := range r.writes {
		if err := b.restore(r.ctx, r.x); err != nil {
			r.fail(r.x.Items[b.Item].Path, err)
		}
	}
	for item, d := range r.loads {
		it := r.x.Items[item]
		b, err := os.ReadFile(filepath.Join(r.x.dir, "state", d.File))
		if err == nil && shaOf(b) != d.SHA256 {
			err = errors.New("what was kept is damaged (wrong sha256)")
		}
		if err == nil {
			err = providers()[it.Class].restore(r.ctx, it, b, d.Exists)
		}
		if err == nil {
			err = arrived(r.ctx, it, d)
		}
		if err != nil {
			r.fail(providers()[it.Class].name(it), err)
		}
	}
	for _, i := range done {
		if fd, err := unix.Open(filepath.Dir(r.pre.entries[i].Name), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Syncfs(fd)
			unix.Close(fd)
		}
	}
}

// arrived looks whether a state is what was given back.
func arrived(ctx context.Context, it Item, d Dump) error {
	if providers()[it.Class].loose {
		return nil
	}
	now, exists, err := providers()[it.Class].dump(ctx, it)
	if err == nil && (exists != d.Exists || shaOf(now) != d.SHA256) {
		err = errors.New("what it is now is not what was given back")
	}
	return err
}

// root restores one root.
func (r *restorer) root(i int, path string) error {
	if r.acts[i] == "" && !r.dirty[i] && !r.times[i] {
		return nil
	}
	dir, base := filepath.Dir(path), filepath.Base(path)
	if path == "/" {
		base = "."
	}
	fd, err := openPath(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	st, err := stat(fd)
	if err != nil {
		return err
	}
	l := &level{fd: fd, mount: st.Mnt_id}
	if r.acts[i] == Remove {
		return r.remove(l, base, r.at[i])
	}
	return r.entry(l, base, i)
}

// above gives the directory above an item its times back, or removes it if
// the line made it and it is empty.
func (r *restorer) above(i int) {
	e := &r.pre.entries[i]
	now := r.now.entry(r.now.child(-1, e.Name))
	post := r.post.entry(r.post.child(-1, e.Name))
	if now == nil {
		return
	}
	if e.Kind == KAbsent {
		if post == nil {
			return
		}
		fd, err := openPath(filepath.Dir(e.Name))
		if err != nil {
			return
		}
		defer unix.Close(fd)
		if err := unix.Unlinkat(fd, filepath.Base(e.Name), unix.AT_REMOVEDIR); err != nil && !gone(err) {
			r.rep.Notes = append(r.rep.Notes, e.Name+": stays, it holds something else")
		}
		return
	}
	if post == nil || post.Mtime != now.Mtime {
		return // something else changed it since: its times are right
	}
	if fd, err := openPath(e.Name); err == nil {
		_ = setTimes(fd, e)
		unix.Close(fd)
	}
}

// enter opens a directory below l.
func enter(l *level, name string) (*level, error) {
	fd, err := openDir(l.fd, name)
	if err != nil {
		return nil, err
	}
	st, err := stat(fd)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	c := &level{fd: fd, id: inode{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}, mount: st.Mnt_id, depth: l.depth + 1}
	if c.depth > openLevels && l.depth > 0 {
		unix.Close(l.fd)
		l.fd = -1
	}
	return c, nil
}

// leave closes a directory and makes sure that the one above is open again.
func leave(l, child *level) (err error) {
	if l.fd < 0 {
		err = l.back(child.fd)
	}
	unix.Close(child.fd)
	return err
}

// entry carries out what is to be done to one name and below it.
func (r *restorer) entry(l *level, name string, i int) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	e := &r.pre.entries[i]
	switch act := r.acts[i]; {
	case act == Recreate:
		return r.replace(l, name, i, false)
	case act == Revert && r.writeInto(i):
		return r.into(l, name, i)
	case act == Revert:
		return r.replace(l, name, i, true)
	case act == Reset && !e.isDir():
		h, err := r.still(l, name, i)
		if err != nil {
			return err
		}
		defer unix.Close(h)
		r.unlock(h)
		return r.meta(h, i, r.ours(i))
	}
	if !e.isDir() || r.acts[i] == "" && !r.dirty[i] && !r.times[i] {
		return nil
	}
	n := r.now.entry(r.at[i])
	d, err := enter(l, name)
	if err != nil {
		return err
	}
	frozen := n != nil && n.Flags&(flImmutable|flAppend) != 0
	if frozen {
		r.unlock(d.fd)
	}
	for _, m := range r.made[i] {
		base := r.now.entries[m].Name
		if err := r.remove(d, base, m); err != nil {
			r.fail(r.now.path(m), err)
		}
	}
	if now, ok := r.at[i]; ok {
		r.tidy(d, now)
	}
	for base, k := range r.pre.kids[i] {
		if r.acts[k] == "" && !r.dirty[k] && !r.times[k] {
			continue
		}
		if err := r.entry(d, base, k); err != nil {
			r.fail(r.pre.path(k), err)
		}
		if d.fd < 0 {
			return errors.New("lost its way back: a directory was moved meanwhile")
		}
	}
	switch {
	case r.acts[i] == Reset:
		err = r.meta(d.fd, i, r.ours(i))
	case r.ours(i):
		err = setTimes(d.fd, e)
	}
	if frozen && r.acts[i] != Reset {
		_ = setFlags(d.fd, n.Flags)
	}
	return errors.Join(err, leave(l, d))
}

// ours reports whether a present entry's times are what the line left, so
// that they may go back.
func (r *restorer) ours(i int) bool {
	now, ok := r.at[i]
	a, had := r.after[i]
	if r.force || r.post == nil || !ok || !had {
		return true
	}
	n, p := r.now.entry(now), r.post.entry(a)
	return n == nil || p != nil && p.Mtime == n.Mtime
}

// still opens what is to be changed, and makes sure that it is what the plan saw.
func (r *restorer) still(l *level, name string, i int) (int, error) {
	h, err := handle(l.fd, name)
	if err != nil {
		return -1, err
	}
	if err := same(h, r.now.entry(r.at[i])); err != nil {
		unix.Close(h)
		return -1, err
	}
	return h, nil
}

func same(h int, n *Entry) error {
	st, err := stat(h)
	if err != nil {
		return err
	}
	var e Entry
	describe(&e, &st)
	if n == nil || e.Ino != n.Ino || e.Dev != n.Dev || e.Kind != n.Kind || !e.isDir() && (e.Mtime != n.Mtime || e.Size != n.Size) {
		return errors.New("was changed meanwhile: not touched")
	}
	return nil
}

// temporary is a name beside the one that is restored.
func (r *restorer) temporary() string {
	r.seq++
	return r.prefix() + strconv.Itoa(r.seq)
}

// prefix is what names begin with that only a restore of this snapshot makes: one
// that was killed has left some.
func (r *restorer) prefix() string { return ".guardsh-" + tail(r.x.ID, shortID) + "-" }

// tidy removes what a restore that was killed left in a directory.
func (r *restorer) tidy(d *level, now int) {
	for base := range r.now.kids[now] {
		if strings.HasPrefix(base, r.prefix()) {
			if err := r.clear(d, base); err != nil {
				r.rep.Notes = append(r.rep.Notes, base+": "+err.Error())
			}
		}
	}
}

// replace builds an entry under a temporary name and then moves it to its
// place in one step.
func (r *restorer) replace(l *level, name string, i int, exchange bool) error {
	if exchange {
		h, err := r.still(l, name, i)
		if err != nil {
			return err
		}
		r.unlock(h)
		unix.Close(h)
	}
	tmp := r.temporary()
	if err := r.clear(l, tmp); err != nil {
		return err
	}
	if err := r.build(l, tmp, i); err != nil {
		if l.fd >= 0 {
			_ = r.clear(l, tmp)
		}
		return err
	}
	flags := uint(unix.RENAME_NOREPLACE)
	if exchange {
		flags = unix.RENAME_EXCHANGE
	}
	if err := unix.Renameat2(l.fd, tmp, l.fd, name, flags); err != nil {
		return errors.Join(err, r.clear(l, tmp))
	}
	if exchange {
		return r.clear(l, tmp)
	}
	return nil
}

// remove deletes what the line created.
func (r *restorer) remove(l *level, name string, now int) error {
	h, err := handle(l.fd, name)
	if err != nil {
		return err
	}
	err = same(h, r.now.entry(now))
	unix.Close(h)
	if err != nil {
		return err
	}
	return r.clear(l, name)
}

// clear deletes a name and all below it, never across a mount.
func (r *restorer) clear(l *level, name string) error {
	h, err := handle(l.fd, name)
	if err != nil {
		if gone(err) {
			return nil
		}
		return err
	}
	st, err := stat(h)
	if err == nil && l.mount != 0 && st.Mnt_id != l.mount {
		err = fmt.Errorf("%s: something is mounted there", name)
	}
	if err != nil {
		unix.Close(h)
		return err
	}
	flag := 0
	if kindOf(uint32(st.Mode)) == KDir {
		flag = unix.AT_REMOVEDIR
	}
	err = unix.Unlinkat(l.fd, name, flag)
	if err == unix.EPERM {
		r.unlock(h)
		err = unix.Unlinkat(l.fd, name, flag)
	}
	unix.Close(h)
	if flag == 0 || err != unix.ENOTEMPTY && err != unix.EEXIST {
		return err
	}
	d, err := enter(l, name)
	if err != nil {
		return err
	}
	r.unlock(d.fd)
	list, err := names(d.fd, make([]byte, 32<<10))
	for _, n := range list {
		if err == nil {
			err = r.clear(d, n.base)
		}
	}
	if d.fd < 0 {
		return errors.Join(err, errors.New("a directory was moved meanwhile"))
	}
	if err = errors.Join(err, leave(l, d)); err != nil {
		return err
	}
	return unix.Unlinkat(l.fd, name, unix.AT_REMOVEDIR)
}
