package snapshot

import (
	"context"
	"errors"
	"time"
)

var errStub = errors.New("snapshots are not built yet")

// Store is a place for snapshots.
type Store struct{ root string }

// Open opens the store below root, making it if needed. "" is
// /var/lib/guardsh for root and the state directory for others.
func Open(root string) (*Store, error) { return &Store{root}, nil }

// Take keeps what the plan names.
func (s *Store) Take(ctx context.Context, p Plan) (*Snapshot, error) { return nil, errStub }

// Finish records the state after the line.
func (s *Store) Finish(ctx context.Context, id string) error { return errStub }

// List is every snapshot, newest first.
func (s *Store) List() ([]*Snapshot, error) { return nil, nil }

// Load finds a snapshot by any unique part of its id.
func (s *Store) Load(id string) (*Snapshot, error) { return nil, errStub }

// Diff compares what was kept with the present.
func (s *Store) Diff(ctx context.Context, id string) ([]Change, error) { return nil, errStub }

// Restore brings back what was kept.
func (s *Store) Restore(ctx context.Context, id string, o RestoreOptions) (Report, error) {
	return Report{}, errStub
}

// Retention says what Prune may drop.
type Retention struct {
	Age   time.Duration // older ones go; 0 none
	Bytes int64         // the oldest go until no more than that is stored; 0 no bound
}

// Prune drops old snapshots, never a pinned one and never the newest.
func (s *Store) Prune(r Retention) (dropped []*Snapshot, err error) { return nil, errStub }

// Pin keeps a snapshot from Prune, or lets it go again.
func (s *Store) Pin(id string, pinned bool) error { return errStub }

// Verify reads all that was kept and compares its hashes.
func (s *Store) Verify(ctx context.Context, id string) error { return errStub }

// Drop deletes a snapshot.
func (s *Store) Drop(id string) error { return errStub }
