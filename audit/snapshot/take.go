package snapshot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Take keeps what the plan names, and returns once all of it is on the disk.
// On an error nothing is kept. The error is a *TooBig past the plan's budget,
// a *NoSpace where the disk would get too full, and a *NoStore where the store
// cannot be written. What alone could not be kept lowers Reach and is named
// in Reasons.
func (s *Store) Take(ctx context.Context, p Plan) (*Snapshot, error) { return s.take(ctx, p, "") }

func (s *Store) take(ctx context.Context, p Plan, undoes string) (_ *Snapshot, err error) {
	start := time.Now()
	x := &Snapshot{Version: version, ID: strings.ToLower(ulid.Make().String()), Session: p.Session,
		UID: os.Getuid(), Line: p.Line, Time: start, Undoes: undoes, State: Prepared}
	if err := s.room(s.root, 0); err != nil {
		return nil, err
	}
	// A leading dot until it is whole: no reader takes it for a snapshot, and
	// prune finds what a crash left.
	dir := filepath.Join(s.snapshots(), "."+x.ID)
	if err := os.MkdirAll(filepath.Join(dir, "blob"), 0o700); err != nil {
		return nil, fatal(err)
	}
	k := &keeper{s: s, snap: x, dir: dir, opts: p.Options, start: start, places: map[uint64]*place{}}
	defer func() {
		k.close()
		if err != nil {
			for _, d := range x.Places {
				err = errors.Join(err, clearPlace(d))
			}
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	w := newWalker(ctx, readMounts())
	w.skip = map[inode]bool{s.id: true}
	k.w, w.file, w.each = w, k.file, k.each
	w.unread = func(_ *Entry, err error) error { return fmt.Errorf("cannot be read: %w", err) }
	w.note = func(path, why string) { x.reason(path + ": " + why) }
	if err := k.open(); err != nil {
		return nil, fatal(err)
	}
	if err := k.walk(p.Items); err != nil {
		if k.over != "" && (errors.Is(err, errEnough) || errors.Is(err, context.DeadlineExceeded)) {
			return nil, k.tooBig(true)
		}
		return nil, err
	}
	if err := k.devices(ctx); err != nil {
		return nil, err
	}
	if k.over != "" {
		return nil, k.tooBig(false)
	}
	contents, ds, errs := dumps(ctx, x.Items)
	for _, e := range errs {
		x.reason(e.Error())
	}
	for _, m := range p.Missing {
		x.reason(m)
	}
	for _, d := range ds {
		if why := lookOnly(x.Items[d.Item]); why != "" && !slices.Contains(x.Reasons, why) {
			x.reason(why)
		}
	}
	x.States = ds
	if len(ds) > 0 {
		if err := os.MkdirAll(filepath.Join(dir, "state"), 0o700); err != nil {
			return nil, fatal(err)
		}
		for _, d := range ds {
			if err := writeSync(filepath.Join(dir, "state", d.File), contents[d.Item]); err != nil {
				return nil, fatal(err)
			}
		}
	}
	k.others()
	x.Entries, x.Stored = len(w.t.entries), k.copied
	x.judge(p.Beyond, w.t)
	x.Took = Millis(float64(time.Since(start).Microseconds()) / 1000)
	if err := k.seal(); err != nil {
		return nil, fatal(err)
	}
	x.dir = filepath.Join(s.snapshots(), x.ID)
	x.Short = tail(x.ID, shortID)
	x.Took = Millis(float64(time.Since(start).Microseconds()) / 1000)
	return x, nil
}

// openPack opens the pack, when the first small file comes: metadata needs none.
func (k *keeper) openPack() error {
	f, err := os.OpenFile(filepath.Join(k.dir, "pack"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	k.packFile = f
	k.pack = bufio.NewWriterSize(f, 1<<18)
	return nil
}

// open opens the place for the store's own filesystem.
func (k *keeper) open() error {
	blob := filepath.Join(k.dir, "blob")
	fd, err := openDir(unix.AT_FDCWD, blob)
	if err != nil {
		return err
	}
	k.main = &place{dir: blob, fd: fd}
	st, err := stat(fd)
	k.mount = st.Mnt_id
	return err
}

// walk keeps every item that is a file. Items are widened first: what a link
// at the end of a path leads to, where the line goes through it.
func (k *keeper) walk(items []Item) error {
	type target struct {
		item    int
		path    string
		missing []string
	}
	var todo []target
	for _, it := range items {
		n := len(k.snap.Items)
		k.snap.Items = append(k.snap.Items, it)
		if it.Class.noFile() {
			continue
		}
		// Before anything touches it: a look at a dead mount may never return.
		if why := foreign(k.w.mounts.of(filepath.Clean(it.Path))); why != "" {
			k.snap.reason(it.Path + ": " + why)
			continue
		}
		paths := []string{it.Path}
		through := it.Class == InPlace || it.Class == Create || it.Class == Metadata || strings.HasSuffix(it.Path, "/")
		if real := behind(it.Path); through && real != "" {
			paths = append(paths, real)
		}
		k.noLink = k.noLink || it.Class == InPlace || it.Class == Create
		for _, p := range paths {
			clean, missing, err := where(p)
			if err != nil {
				k.snap.reason(fmt.Sprintf("%s: %v", p, err))
				continue
			}
			todo = append(todo, target{n, clean, missing})
			k.targets = append(k.targets, clean)
		}
	}
	for _, t := range k.targets {
		if under(t, k.s.root) {
			return fmt.Errorf("the snapshot store %s lies in %s, which the line changes: nothing can be kept there", k.s.root, t)
		}
	}
	for i, t := range todo {
		covered := false
		for j, o := range todo {
			// Kept once, by the item that reaches further or came first.
			sameDepth := items[t.item].Class == Metadata || items[o.item].Class != Metadata
			if i != j && sameDepth && under(o.path, t.path) && (o.path != t.path || j < i || items[t.item].Class == Metadata && items[o.item].Class != Metadata) {
				covered = true
			}
		}
		if covered || k.w.t.child(-1, t.path) >= 0 && !k.w.t.entries[k.w.t.child(-1, t.path)].Above {
			continue
		}
		if err := k.w.root(t.item, t.path, t.missing); err != nil {
			if isLimit(err) {
				return err
			}
			k.snap.reason(err.Error())
		}
	}
	return nil
}

// others names files that have further names outside of what is kept, and
// that would come back without them.
func (k *keeper) others() {
	inside := map[int]uint32{}
	for i := range k.w.t.entries {
		e := &k.w.t.entries[i]
		if e.Kind != KFile || e.Nlink < 2 {
			continue
		}
		if e.Same > 0 {
			inside[e.Same-1]++
		} else {
			inside[i]++
		}
	}
	for i := range k.w.t.entries {
		e := &k.w.t.entries[i]
		n, first := inside[i]
		if c := k.snap.Items[e.Item].Class; !first || e.Linked || n >= e.Nlink || c != Delete && c != Replace {
			continue
		}
		k.snap.reason(fmt.Sprintf("%s: has %d other names elsewhere, and would come back as a file of its own", k.w.t.path(i), e.Nlink-n))
	}
}

// seal makes everything durable and gives the snapshot its name.
func (k *keeper) seal() error {
	var g errgroup.Group
	g.SetLimit(8) // syncs wait for the same journal: together they cost little more than one
	if k.pack != nil {
		if err := k.pack.Flush(); err != nil {
			return err
		}
		g.Go(k.packFile.Sync)
	}
	for _, b := range k.sync {
		g.Go(func() error { return syncFile(b) })
	}
	g.Go(func() error { return writeTree(filepath.Join(k.dir, "entries"), k.w.t) })
	g.Go(func() error { return writeJSON(k.dir, "manifest", k.snap) })
	for _, d := range append([]string{k.main.dir}, k.snap.Places...) {
		if k.blobs > 0 {
			g.Go(func() error { return syncFile(d) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := os.Rename(k.dir, filepath.Join(k.s.snapshots(), k.snap.ID)); err != nil {
		return err
	}
	return syncFile(k.s.snapshots())
}

func writeTree(name string, t *tree) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.write(f); err != nil {
		return err
	}
	return f.Sync()
}

// reason adds to why a snapshot does not reach everything.
func (x *Snapshot) reason(why string) {
	switch n := len(x.Reasons); {
	case n < maxReasons:
		x.Reasons = append(x.Reasons, why)
	case n == maxReasons:
		x.Reasons = append(x.Reasons, "… and more")
	}
	x.Reach = Partial
}

// judge settles how far back the snapshot can go.
func (x *Snapshot) judge(beyond []string, t *tree) {
	something := len(x.Blocks) > 0
	for _, d := range x.States {
		something = something || x.Items[d.Item].Class.CanRestore()
	}
	for i := range t.entries {
		e := &t.entries[i]
		something = something || !e.Above && (e.Kind != KAbsent || e.Lost == "")
	}
	switch {
	case !something:
		x.Reach = None
	case x.Reach == Partial:
	case len(beyond) > 0:
		x.Reach = Files
	default:
		x.Reach = Full
	}
	x.Reasons = append(x.Reasons, beyond...)
}

// post is what a line left behind of the states that are no files.
type post struct {
	Time   time.Time `json:"time"`
	States []Dump    `json:"states,omitempty"`
	// Blocks is the hash of what was kept of each device, as the line left it.
	Blocks map[int]string `json:"blocks,omitempty"`
}

// Finish records the state after the line, by which an undo later tells the
// line's doing from what came after it. Call it as soon as the line has ended,
// whatever its status.
func (s *Store) Finish(ctx context.Context, id string) error {
	x, err := s.Load(id)
	if err != nil {
		return err
	}
	pre, err := readTreeFile(filepath.Join(x.dir, "entries"))
	if err != nil {
		return err
	}
	t, _, err := s.present(ctx, x, pre)
	if err != nil {
		return err
	}
	if err := writeTree(filepath.Join(x.dir, "after"), t); err != nil {
		return fatal(err)
	}
	_, ds, _ := dumps(ctx, x.Items)
	blocks := map[int]string{}
	for i := range x.Blocks {
		b := &x.Blocks[i]
		if sum, err := presentBlocks(ctx, x.Items[b.Item], b); err == nil {
			blocks[b.Item] = sum
		}
	}
	if err := writeJSON(x.dir, "post", post{time.Now(), ds, blocks}); err != nil {
		return fatal(err)
	}
	return nil
}

// present walks a snapshot's roots as they are now.
func (s *Store) present(ctx context.Context, x *Snapshot, pre *tree) (*tree, []string, error) {
	w := newWalker(ctx, readMounts())
	w.skip = map[inode]bool{s.id: true}
	w.ref, w.before = pre, x.Time
	var notes []string
	w.note = func(path, why string) { notes = append(notes, path+": "+why) }
	w.file = func(r int, st *unix.Statx_t, e *Entry) error {
		if x.Items[e.Item].Class == Metadata {
			w.hashed = hashBudget + 1
			defer func() { w.hashed = 0 }()
		}
		return w.fingerprint(r, st, e)
	}
	for i := range pre.entries {
		e := &pre.entries[i]
		if e.Up != -1 {
			continue
		}
		var err error
		if e.Above {
			if w.t.child(-1, e.Name) < 0 {
				err = w.above(e.Item, e.Name)
			}
		} else {
			err = w.root(e.Item, e.Name, nil)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return w.t, notes, nil
}
