package guard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guardsh/audit"
	"guardsh/rules/command"
)

// What another user has written lets nothing pass.
func TestAllowancesOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root: it gives a file away")
	}
	dir, now := t.TempDir(), time.Now()
	a := Allowance{Rule: "fs/x", Reason: "r", By: "ann", From: now, Until: now.Add(time.Hour)}
	if err := Grant(dir, a); err != nil {
		t.Fatal(err)
	}
	if live, err := Allowances(dir, now); err != nil || len(live) != 1 {
		t.Fatalf("%v, %v", live, err)
	}
	if err := os.Chown(allowanceFile(dir), 12345, -1); err != nil {
		t.Fatal(err)
	}
	if live, err := Allowances(dir, now); len(live) != 0 || err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("another's file: %v, %v", live, err)
	}
}

// Below su the line is another user's than the session.
func TestUserOfLine(t *testing.T) {
	place := Place{Trail: filepath.Join(t.TempDir(), "trail")}
	tr := openTrail(place)
	tr.line(1, Request{Src: "true", Shell: &command.StaticShell{Login: "ann"}}, Judgement{})
	tr.line(2, Request{Src: "true", Shell: &command.StaticShell{Login: "?"}}, Judgement{})
	if err := tr.j.Close(0, ""); err != nil {
		t.Fatal(err)
	}
	events, err := audit.ReadJournal(tr.j.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, e := range events {
		if e.Kind == audit.LineRead {
			users = append(users, e.User)
		}
	}
	if want := "ann " + sessionUser(); strings.Join(users, " ") != want {
		t.Errorf("users %q, want %q", users, want)
	}
}
