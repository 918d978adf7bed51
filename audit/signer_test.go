package audit

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// The trail's own signer writes what package note's would.
func TestSignerIsThatOfPackageNote(t *testing.T) {
	for range 64 {
		skey, vkey, err := note.GenerateKey(rand.Reader, "guardsh-"+rand.Text())
		if err != nil {
			t.Fatal(err)
		}
		want, err := note.NewSigner(skey)
		if err != nil {
			t.Fatal(err)
		}
		got, err := newSigner(skey)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name() != want.Name() || got.KeyHash() != want.KeyHash() {
			t.Fatalf("%s is %s %08x, not %s %08x", skey, got.Name(), got.KeyHash(), want.Name(), want.KeyHash())
		}
		for _, msg := range []string{"", "\n", rand.Text() + "\n", strings.Repeat(rand.Text(), 300)} {
			a, err := got.Sign([]byte(msg))
			if err != nil {
				t.Fatal(err)
			}
			b, err := want.Sign([]byte(msg))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Fatalf("%s: %q is signed %x, not %x", skey, msg, a, b)
			}
		}
		v, err := note.NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: "head\n"}, got)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(signed, note.VerifierList(v)); err != nil {
			t.Fatal(err)
		}
	}
}

// What package note takes for no key is none here.
func TestSignerTakesNoOtherKey(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "a")
	if err != nil {
		t.Fatal(err)
	}
	f := strings.SplitN(skey, "+", 5)
	with := func(i int, part string) string {
		g := append([]string{}, f...)
		g[i] = part
		return strings.Join(g, "+")
	}
	for _, bad := range []string{
		"", "+", skey[:len(skey)-1], skey + "A", vkey, with(0, "PUBLIC"), with(1, "key"), with(2, "b"),
		with(3, "00000000"), with(3, "1"), with(3, "zzzzzzzz"), with(4, ""), with(4, "AQ=="), with(4, "AA"+f[4][2:]), with(4, "?"+f[4][1:]),
		strings.Join(f[:4], "+"),
	} {
		if _, err := note.NewSigner(bad); err == nil {
			t.Fatalf("package note takes %q", bad)
		}
		if _, err := newSigner(bad); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}
