package install

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// recordVersion is the version of the record's format.
const recordVersion = 1

// Record is what Install did and what was there before.
type Record struct {
	Version int      `json:"version"`
	Program string   `json:"program,omitempty"` // where it was copied to; SHA256 as it was copied
	SHA256  string   `json:"sha256,omitempty"`
	Shells  []Edit   `json:"shells,omitempty"` // of /etc/shells, the latest last
	Logins  []Login  `json:"logins,omitempty"`
	Written []Dropin `json:"written,omitempty"`
	Link    *Link    `json:"link,omitempty"`
}

// Edit is a file that got one more line.
type Edit struct {
	Existed bool   `json:"existed"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Line    string `json:"line"`
}

// Login is an account whose shell was changed.
type Login struct {
	User   string `json:"user"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Dropin is a file that was written as a whole.
type Dropin struct {
	Door   string `json:"door"` // sudo, sshd
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Link is a link that was made.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// readRecord reads the record; without one it is empty.
func readRecord(path string) (*Record, error) {
	r := &Record{Version: recordVersion}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: this is not the record that guardsh install wrote: %w\n"+
			"  hint: put it back from a backup, or do without: mv %[1]s %[1]s.broken; guardsh uninstall then names what it finds", path, err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("%s: version %d is not known to this guardsh\n  hint: uninstall with the guardsh that installed it", path, r.Version)
	}
	return r, nil
}

// lock keeps two installations apart. The directory itself is what is locked:
// nothing stays behind.
func lock(path string) (unlock func(), err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errors.New("another guardsh install or uninstall is at work")
		}
		return nil, err
	}
	return func() { d.Close() }, nil
}

// openRecord is the record for one who will change it, until unlock.
func openRecord(path string) (rec *Record, unlock func(), err error) {
	unlock, err = lock(path)
	if err != nil {
		return nil, nil, err
	}
	rec, err = readRecord(path)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return rec, unlock, nil
}

// Empty says that nothing is installed by Install.
func (rec *Record) Empty() bool {
	return rec.Program == "" && len(rec.Shells) == 0 && len(rec.Logins) == 0 && len(rec.Written) == 0 && rec.Link == nil
}

// write keeps the record durably; an empty one is no file.
func (rec *Record) write(path string) error {
	if rec.Empty() {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(path, append(b, '\n'), 0o600)
}

// copyOf is the record as it is now, whatever is done to the other.
func (rec *Record) copyOf() *Record {
	c := *rec
	c.Logins = append([]Login(nil), rec.Logins...)
	c.Shells = append([]Edit(nil), rec.Shells...)
	c.Written = append([]Dropin(nil), rec.Written...)
	return &c
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
