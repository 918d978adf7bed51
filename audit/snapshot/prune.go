package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"
)

// halfMade is the age at which a snapshot that never got its name counts as
// left by a crash: no take lasts that long.
const halfMade = 24 * time.Hour

// Retention says what Prune may drop.
type Retention struct {
	Age   time.Duration // older ones go; 0 none
	Bytes int64         // the oldest go until no more than that was copied for the rest; 0 no bound
}

// Prune drops old snapshots, oldest first, never a pinned one and never the
// newest.
func (s *Store) Prune(r Retention) (dropped []*Snapshot, err error) {
	all, err := s.List()
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	var total int64
	for _, x := range all {
		total += x.Stored
	}
	for i := len(all) - 1; i > 0; i-- {
		x := all[i]
		old := r.Age > 0 && time.Since(x.Time) > r.Age
		full := r.Bytes > 0 && total > r.Bytes
		if x.Pinned || !old && !full {
			continue
		}
		if err := s.drop(x); err != nil {
			errs = append(errs, err)
			continue
		}
		total -= x.Stored
		dropped = append(dropped, x)
	}
	return dropped, errors.Join(append(errs, s.sweep())...)
}

// sweep removes what a crash left half made or half dropped, at the roots of
// mounts too: hard links there keep the blocks of files that are long deleted.
func (s *Store) sweep() error {
	dirs, err := os.ReadDir(s.snapshots())
	errs := []error{err}
	for _, d := range dirs {
		name, hidden := strings.CutPrefix(d.Name(), ".")
		if !hidden {
			continue
		}
		id, perr := ulid.Parse(strings.TrimPrefix(name, "drop-"))
		if perr != nil || time.Since(ulid.Time(id.Time())) <= halfMade {
			continue
		}
		if perr := s.clearPlaces(strings.ToLower(id.String())); perr != nil {
			errs = append(errs, perr) // its name in the store is what leads there
			continue
		}
		errs = append(errs, os.RemoveAll(filepath.Join(s.snapshots(), d.Name())))
	}
	left, err := filepath.Glob(filepath.Join(s.root, rehearsalName+"*"))
	errs = append(errs, err)
	for _, d := range left {
		if st, err := os.Lstat(d); err == nil && time.Since(st.ModTime()) > halfMade {
			errs = append(errs, os.RemoveAll(d))
		}
	}
	return errors.Join(errs...)
}

// clearPlaces removes a snapshot's directories at the roots of mounts.
func (s *Store) clearPlaces(id string) error {
	if !s.shared {
		return nil
	}
	var errs []error
	for _, m := range readMounts().list {
		if isLocal(m.FSType) {
			errs = append(errs, clearPlace(filepath.Join(m.Mountpoint, placeName, id)))
		}
	}
	return errors.Join(errs...)
}

// clearPlace removes a snapshot's directory at the root of a mount, which may
// be a user's: what that has put in its place is left alone.
func clearPlace(path string) error {
	top, err := openPath(filepath.Dir(path))
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(top)
	dir, err := ownDir(top, filepath.Base(path))
	if gone(err) || errors.Is(err, errOthers) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(dir)
	list, err := names(dir, make([]byte, 32<<10))
	errs := []error{err}
	for _, n := range list {
		errs = append(errs, unix.Unlinkat(dir, n.base, 0))
	}
	errs = append(errs, unix.Unlinkat(top, filepath.Base(path), unix.AT_REMOVEDIR))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_ = os.Remove(filepath.Dir(path)) // the last one out
	return nil
}

// Drop deletes a snapshot. It needs no room on the disk.
func (s *Store) Drop(id string) error {
	x, err := s.Load(id)
	if err != nil {
		return err
	}
	return s.drop(x)
}

func (s *Store) drop(x *Snapshot) error {
	unlock, err := s.lock()
	if err != nil {
		return fatal(err)
	}
	defer unlock()
	for _, p := range x.Places {
		// Only what a take made, whatever the manifest says by now.
		if filepath.Base(p) != x.ID || filepath.Base(filepath.Dir(p)) != placeName {
			return fmt.Errorf("%s: %q is no place of a snapshot", x.ID, p)
		}
		if err := clearPlace(p); err != nil {
			return err
		}
	}
	dir, gone := x.dir, filepath.Join(s.snapshots(), ".drop-"+x.ID)
	if os.Rename(dir, gone) == nil {
		dir = gone
	}
	return os.RemoveAll(dir)
}

// Verify reads all that was kept and compares it with its hashes. Clones and
// hard links were never read; of them size and time are compared.
func (s *Store) Verify(ctx context.Context, id string) error {
	x, err := s.Load(id)
	if err != nil {
		return err
	}
	t, err := readTreeFile(filepath.Join(x.dir, "entries"))
	if err != nil {
		return err
	}
	var errs []error
	if len(t.entries) != x.Entries {
		errs = append(errs, fmt.Errorf("%d entries, and %d were written", len(t.entries), x.Entries))
	}
	for i := range t.entries {
		e := &t.entries[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Kind != KFile || e.Same > 0 {
			continue
		}
		if e.Packed || e.Blob != "" && e.SHA != "" {
			if err := x.read(e, func(int64, []byte) error { return nil }); err != nil {
				errs = append(errs, fmt.Errorf("%q: %w", t.path(i), err))
			}
		}
		if e.Blob != "" && e.SHA == "" && x.Undone == nil {
			if err := x.unread(e); err != nil {
				errs = append(errs, fmt.Errorf("%q: %w", t.path(i), err))
			}
		}
	}
	for _, d := range x.States {
		b, err := os.ReadFile(filepath.Join(x.dir, "state", d.File))
		if err == nil && shaOf(b) != d.SHA256 {
			err = errors.New("what was kept is damaged (wrong sha256)")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", providers()[x.Items[d.Item].Class].name(x.Items[d.Item]), err))
		}
	}
	for i := range x.Blocks {
		if err := x.Blocks[i].verify(ctx, x); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", x.Items[x.Blocks[i].Item].Path, err))
		}
	}
	return errors.Join(errs...)
}

// unread checks a blob that was not hashed.
func (x *Snapshot) unread(e *Entry) error {
	src, err := x.source(e)
	if err != nil {
		return err
	}
	defer src.Close()
	st, err := stat(int(src.Fd()))
	if err != nil {
		return err
	}
	var now Entry
	describe(&now, &st)
	switch {
	case now.Kind != KFile || now.Size != e.Size:
		return fmt.Errorf("%s: is not what was kept", src.Name())
	}
	return nil
}
