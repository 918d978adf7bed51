package guard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guardsh/audit"
	"guardsh/audit/snapshot"
	"guardsh/rules"
	"guardsh/rules/command"
)

// What another user has written lets nothing pass.
func TestAllowancesOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root: it gives a file away")
	}
	dir, now := t.TempDir(), time.Now()
	a := Allowance{Rule: "fs/x", Reason: "r", By: "ann", From: now, Until: now.Add(time.Hour)}
	if err := grant(dir, a); err != nil {
		t.Fatal(err)
	}
	if live, err := allowances(dir, now); err != nil || len(live) != 1 {
		t.Fatalf("%v, %v", live, err)
	}
	if err := os.Chown(allowanceFile(dir), 12345, -1); err != nil {
		t.Fatal(err)
	}
	if live, err := allowances(dir, now); len(live) != 0 || err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("another's file: %v, %v", live, err)
	}
}

// Two who let something pass at once both do.
func TestGrantsAtOnce(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	var all sync.WaitGroup
	const grants = 20
	for i := range grants {
		all.Go(func() {
			a := Allowance{Rule: fmt.Sprintf("fs/x%d", i), Reason: "r", By: "ann", From: now, Until: now.Add(time.Hour)}
			if err := grant(dir, a); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if live, err := allowances(dir, now); err != nil || len(live) != grants {
		t.Errorf("%d allowances of %d, %v", len(live), grants, err)
	}
}

// A line that is taken back while it is kept is not asked about.
func TestWithdrawnWhileKept(t *testing.T) {
	dir := t.TempDir()
	place := Place{Trail: filepath.Join(dir, "trail"), Store: filepath.Join(dir, "store")}
	s := &Session{place: place, trail: openTrail(place)}
	defer s.trail.journal().Close(0, "")
	f := filepath.Join(dir, "f")
	if err := os.WriteFile(f, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	asked := false
	r := Request{Src: "rm f", Open: func() (in, out *os.File, restore func(), err error) {
		asked = true
		return nil, nil, nil, os.ErrClosed
	}}
	j := Judgement{Decision: rules.Decision{Verdict: rules.Confirm}}
	plan := snapshot.Plan{Items: []snapshot.Item{{Class: snapshot.Delete, Path: f}}}
	if s.takeSnapshot(ctx, r, j, plan, &Outcome{Number: 1}) || asked {
		t.Errorf("it was released or asked about (%v)", asked)
	}
}

// eventsIn are those of a trail's newest session.
func eventsIn(t *testing.T, root string) []audit.Event {
	t.Helper()
	s, err := audit.Find(root, "")
	if err != nil {
		t.Fatal(err)
	}
	events, err := audit.ReadJournal(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Below su the line is another user's than the session.
func TestUserOfLine(t *testing.T) {
	place := Place{Trail: filepath.Join(t.TempDir(), "trail")}
	tr := openTrail(place)
	tr.line(1, Request{Src: "true", Shell: &command.StaticShell{Login: "ann"}}, Judgement{})
	tr.line(2, Request{Src: "true", Shell: &command.StaticShell{Login: "?"}}, Judgement{})
	if err := tr.journal().Close(0, ""); err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, e := range eventsIn(t, place.Trail) {
		if e.Kind == audit.LineRead {
			users = append(users, e.User)
		}
	}
	if want := "ann " + sessionUser(); strings.Join(users, " ") != want {
		t.Errorf("users %q, want %q", users, want)
	}
}
