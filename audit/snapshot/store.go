package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// shortID is the fewest characters of an id that are shown: what is shown as
// unique today should still be unique tomorrow.
const shortID = 6

// Store is a place for snapshots. It may be used by several processes at once.
type Store struct {
	root    string
	shared  bool // may keep blobs at the root of other mounts
	id      inode
	reserve func(total int64) int64 // bytes that stay free on a filesystem of that size
}

// Open opens the store at root, making it with mode 0700 if needed. "" is
// DefaultRoot.
func Open(root string) (*Store, error) {
	if root == "" {
		var err error
		if root, err = DefaultRoot(); err != nil {
			return nil, err
		}
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(root, "snapshots"), 0o700); err != nil {
		return nil, fmt.Errorf("snapshot store: %w", err)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	fd, err := openPath(root)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	st, err := stat(fd)
	if err != nil {
		return nil, err
	}
	if int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("snapshot store %s belongs to user %d: not used", root, st.Uid)
	}
	// The directory around it may be open to others because somebody meant it.
	if err := os.Chmod(filepath.Join(root, "snapshots"), 0o700); err != nil {
		return nil, err
	}
	return &Store{root: root, shared: os.Geteuid() == 0, reserve: defaultReserve,
		id: inode{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}}, nil
}

// DefaultRoot is where the store of this user is, unless it is put elsewhere:
// /var/lib/guardsh for root, and guardsh in the state directory of others. An
// error says that there is no home directory to find that in.
func DefaultRoot() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/guardsh", nil
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "guardsh"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("snapshot store: %w", err)
	}
	return filepath.Join(home, ".local", "state", "guardsh"), nil
}

// Root is the store's directory.
func (s *Store) Root() string { return s.root }

func (s *Store) snapshots() string { return filepath.Join(s.root, "snapshots") }

// List is every snapshot, newest first. One that cannot be read is left out
// and named in the error, which does not make the others useless.
func (s *Store) List() ([]*Snapshot, error) {
	dirs, err := os.ReadDir(s.snapshots())
	if err != nil {
		return nil, err
	}
	var all []*Snapshot
	var errs []error
	for _, d := range dirs {
		if !d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			continue // being made, or being dropped
		}
		snap, err := s.head(d.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, snap)
	}
	slices.Reverse(all) // ids sort by time
	shorten(all)
	return all, errors.Join(errs...)
}

// shorten finds for each id the shortest tail that names it alone: the front
// of a ULID is the time, which neighbours share.
func shorten(all []*Snapshot) {
	for n := shortID; ; n++ {
		seen := map[string]bool{}
		for _, x := range all {
			seen[tail(x.ID, n)] = true
		}
		if len(seen) == len(all) || n > 26 {
			for _, x := range all {
				x.Short = tail(x.ID, n)
			}
			return
		}
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// Load finds a snapshot by its id, or by the start or end of it if that is unique.
func (s *Store) Load(id string) (*Snapshot, error) {
	id = strings.ToLower(id)
	all, err := s.List()
	var hits []*Snapshot
	for _, x := range all {
		if x.ID == id {
			return x, nil
		}
		if id != "" && (strings.HasPrefix(x.ID, id) || strings.HasSuffix(x.ID, id)) {
			hits = append(hits, x)
		}
	}
	if len(hits) == 1 {
		return hits[0], nil
	}
	if len(hits) == 0 && err != nil {
		return nil, err
	}
	nf := &NotFound{ID: id}
	for _, h := range hits {
		nf.Matches = append(nf.Matches, h.ID)
	}
	return nil, nf
}

// head reads a snapshot's manifest and how far its life has come.
func (s *Store) head(id string) (*Snapshot, error) {
	dir := filepath.Join(s.snapshots(), id)
	x := &Snapshot{dir: dir, State: Prepared}
	if err := readJSON(filepath.Join(dir, "manifest"), x); err != nil {
		return nil, err
	}
	if x.ID != id || x.Version != version {
		return nil, fmt.Errorf("%s: not a snapshot of this format", dir)
	}
	if _, err := os.Lstat(filepath.Join(dir, "post")); err == nil {
		x.State = Done
	}
	var u Undone
	if err := readJSON(filepath.Join(dir, "undone"), &u); err == nil {
		x.State, x.Undone = Undid, &u
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	_, err := os.Lstat(filepath.Join(dir, "pin"))
	x.Pinned = err == nil
	return x, nil
}

// version is the format of what is written; what reads another refuses it.
const version = 1

// Pin keeps a snapshot from Prune, or lets it go again.
func (s *Store) Pin(id string, pinned bool) error {
	x, err := s.Load(id)
	if err != nil {
		return err
	}
	pin := filepath.Join(x.dir, "pin")
	if !pinned {
		if err := os.Remove(pin); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return os.WriteFile(pin, nil, 0o600)
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// writeJSON replaces a file as a whole, durably.
func writeJSON(dir, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, name+".new")
	if err := writeSync(tmp, append(b, '\n')); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncFile(dir)
}

func writeSync(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Sync()
}

// syncFile makes a file or directory durable.
func syncFile(name string) error {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	if err := unix.Fsync(fd); err != nil {
		return &os.PathError{Op: "sync", Path: name, Err: err}
	}
	return nil
}

// lock serialises what changes the store's snapshots after they were made.
func (s *Store) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.root, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			break
		}
		if err != unix.EINTR { // the runtime's own signals interrupt the wait
			f.Close()
			return nil, err
		}
	}
	return func() { f.Close() }, nil
}
