package host

import (
	"os"
	"path/filepath"
	"testing"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// Who types and who alone may become root is known when an account is changed.
func TestAccountFacts(t *testing.T) {
	root := aRoot(t)
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "etc/group"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fact := func(name string) (self, admin, last bool) {
		w := New(Options{Root: root, Env: []string{"SUDO_USER=ann"}})
		defer w.Close()
		e := effect.Effect{Kind: effect.AccountChange, Object: effect.Object{Type: effect.Account, Name: name}}
		a := w.Facts(&command.Line{}, []effect.Effect{e}).Of(e.Object).Account
		return a.Self, a.Admin, a.LastAdmin
	}
	write("root:x:0:\nsudo:x:27:ann,bob\nwheel:x:10:ann\nusers:x:100:carl\n")
	if self, admin, last := fact("ann"); !self || !admin || last {
		t.Errorf("ann among two: self %v, admin %v, last %v", self, admin, last)
	}
	if self, admin, last := fact("carl"); self || admin || last {
		t.Errorf("carl: self %v, admin %v, last %v", self, admin, last)
	}
	write("sudo:x:27:\nwheel:x:10:bob,root\n")
	if self, admin, last := fact("bob"); self || !admin || !last {
		t.Errorf("bob alone: self %v, admin %v, last %v", self, admin, last)
	}
}
