package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"guardsh/audit/snapshot"
)

// call runs a verb as main would, and gives back what it said.
func call(t *testing.T, c *cobra.Command, args ...string) (string, string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&errs)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(args)
	err := c.ExecuteContext(context.Background())
	return out.String(), errs.String(), err
}

// kept makes a store with one line that changed a file and made another.
func kept(t *testing.T) (store, file, made, id string) {
	t.Helper()
	dir := t.TempDir()
	store, file, made = filepath.Join(dir, "store"), filepath.Join(dir, "f\nile"), filepath.Join(dir, "made")
	s, err := snapshot.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	x, err := s.Take(context.Background(), snapshot.Plan{Session: "one", Line: "echo \x1b[31m", Items: []snapshot.Item{
		{Class: snapshot.InPlace, Path: file}, {Class: snapshot.Create, Path: made}}})
	if err != nil {
		t.Fatal(err)
	}
	for n, b := range map[string]string{file: "after", made: "made"} {
		if err := os.WriteFile(n, []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(context.Background(), x.ID); err != nil {
		t.Fatal(err)
	}
	return store, file, made, x.ID
}

func TestUndoVerb(t *testing.T) {
	t.Setenv("GUARDSH_SESSION", "one")
	store, file, made, id := kept(t)
	out, _, err := call(t, undoCommand(), "--store", store, "--dry-run")
	if err != nil || !strings.Contains(out, "revert") || !strings.Contains(out, "remove") || strings.Contains(out, "\x1b") {
		t.Fatalf("%v %q", err, out)
	}
	if b, _ := os.ReadFile(file); string(b) != "after" {
		t.Fatal("a dry run changed something")
	}
	out, errs, err := call(t, undoCommand(), "--store", store, "--yes")
	if err != nil || !strings.Contains(out, "takes that back") {
		t.Fatalf("%v %q %q", err, out, errs)
	}
	b, _ := os.ReadFile(file)
	if _, err := os.Lstat(made); string(b) != "before" || err == nil {
		t.Errorf("%q %v", b, err)
	}
	if _, _, err = call(t, undoCommand(), "--store", store, "--yes"); err == nil || !strings.Contains(err.Error(), "nothing to undo") {
		t.Errorf("a second undo: %v", err)
	}
	out, _, err = call(t, snapshotCommand(), "list", "--json", "--store", store)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var x struct{ ID, State, Undoes string }
		if err := d.Decode(&x); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, x.ID+" "+x.State+" "+x.Undoes)
	}
	if len(ids) != 2 || ids[1] != id+" UNDONE " || !strings.HasSuffix(ids[0], " DONE "+id) {
		t.Errorf("%q", ids)
	}
}

func TestUndoConflict(t *testing.T) {
	store, file, _, id := kept(t)
	if err := os.WriteFile(file, []byte("later"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs, err := call(t, undoCommand(), "--store", store, "--yes", id)
	if !errors.Is(err, declined) || !strings.Contains(out, "CONFLICT") || !strings.Contains(errs, "--force") {
		t.Fatalf("%v %q %q", err, out, errs)
	}
	if b, _ := os.ReadFile(file); string(b) != "later" {
		t.Fatal("a later change is lost")
	}
	if _, _, err := call(t, undoCommand(), "--store", store, "--yes", "--force", id); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(file); string(b) != "before" {
		t.Errorf("%q", b)
	}
}

func TestSnapshotVerbs(t *testing.T) {
	store, _, _, id := kept(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"list"}, "REACH"}, {[]string{"show", id}, "FULL"}, {[]string{"show", "--json", id[len(id)-6:]}, `"reach":"FULL"`},
		{[]string{"diff", id}, "content"}, {[]string{"verify"}, "1 good, 0 damaged"}, {[]string{"pin", id}, ""},
		{[]string{"prune", "--older", "1ns"}, "dropped 0"}, {[]string{"restore", "--json", "--yes", id}, `"changes"`}, {[]string{"drop", id}, ""},
	} {
		out, errs, err := call(t, snapshotCommand(), append(c.args, "--store", store)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%q: %v %q %q", c.args, err, out, errs)
		}
	}
	var misuse usage
	if _, _, err := call(t, snapshotCommand(), "prune", "--store", store); !errors.As(err, &misuse) {
		t.Errorf("prune without a bound: %v", err)
	}
	if _, _, err := call(t, snapshotCommand(), "show", "nosuch", "--store", store); err == nil {
		t.Error("an id that is not there")
	}
}

// TestUndoAsks answers on a real terminal: Enter and end of file mean no.
func TestUndoAsks(t *testing.T) {
	const env = "GUARDSH_TEST_UNDO"
	if store := os.Getenv(env); store != "" {
		out, errs, err := call(t, undoCommand(), "--store", store)
		t.Logf("child: %s%s%v", out, errs, err)
		return
	}
	for answer, want := range map[string]string{"\n": "after", "n\n": "after", "\x04": "after", "y\n": "before"} {
		store, file, _, _ := kept(t)
		// A child that hangs is killed, which ends the reading too.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestUndoAsks$", "-test.v")
		cmd.Env = append(os.Environ(), env+"="+store)
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		// Only Wait carries the context's end out.
		waited := make(chan error, 1)
		go func() { waited <- cmd.Wait() }()
		var said []byte
		buf := make([]byte, 4096)
		asked := false
		for {
			n, err := tty.Read(buf)
			said = append(said, buf[:n]...)
			if !asked && bytes.Contains(said, []byte("[y/N] ")) {
				asked = true
				if _, err := tty.WriteString(answer); err != nil {
					t.Fatal(err)
				}
			}
			if err != nil {
				break
			}
		}
		if err := <-waited; err != nil || !asked || !bytes.Contains(said, []byte("child: ")) {
			t.Fatalf("%q: %v %q", answer, err, said)
		}
		tty.Close()
		if b, _ := os.ReadFile(file); string(b) != want {
			t.Errorf("%q: %q, want %q\n%s", answer, b, want, said)
		}
	}
}
