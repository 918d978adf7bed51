package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
)

// Allowance lets one rule's findings pass for a while: the break-glass.
// It is kept in a file of the user who gave it and holds for that user alone.
type Allowance struct {
	Rule   string    `json:"rule"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

// maxAllowance bounds how long the glass stays broken: what has to hold longer
// than a working day belongs into the configuration, where others read it.
const maxAllowance = 12 * time.Hour

// allowanceFile is where a user's allowances are, below the state directory.
func allowanceFile(state string) string { return filepath.Join(state, "allow.json") }

// allowances reads the allowances that hold at now. A missing file is none.
func allowances(state string, now time.Time) ([]Allowance, error) {
	f, err := os.Open(allowanceFile(state))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// In the directory for temporary files anybody may have made it before.
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() && sys.Uid != 0 {
		return nil, fmt.Errorf("%s belongs to user %d: not used", f.Name(), sys.Uid)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	var all []Allowance
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", allowanceFile(state), err)
	}
	live := all[:0]
	for _, a := range all {
		if now.Before(a.Until) && !a.From.After(now) {
			live = append(live, a)
		}
	}
	return live, nil
}

// grant adds an allowance and drops those that have ended. The file is
// replaced whole, so that a crash leaves the old one.
func grant(state string, a Allowance) error {
	if a.Reason == "" {
		return errors.New("a reason is needed: it stands in the trail")
	}
	span := a.Until.Sub(a.From)
	if span <= 0 || span > maxAllowance {
		return fmt.Errorf("the time must be above 0 and at most %s, not %s", maxAllowance, span)
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	// One at a time: two that read the same would write over each other. The
	// directory is the lock, and is let go of with its file.
	dir, err := os.Open(state)
	if err != nil {
		return err
	}
	defer dir.Close()
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(int(dir.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", state, err)
	}
	live, err := allowances(state, a.From)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(append(live, a), "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(allowanceFile(state), append(b, '\n'))
}

// replaceFile writes a sibling, syncs it and renames it over the file.
func replaceFile(name string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// allowed finds the allowance for a finding.
func allowed(f rules.Finding, all []Allowance) (Allowance, bool) {
	for _, a := range all {
		if a.Rule == f.Rule {
			return a, true
		}
	}
	return Allowance{}, false
}
