package bash

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// zeroes is an endless file of NUL.
type zeroes struct{ read int }

func (z *zeroes) Read(b []byte) (int, error) {
	if z.read += len(b); z.read > 2*frameLimit {
		return 0, io.EOF
	}
	clear(b)
	return len(b), nil
}

// Whoever may write to the gate's channel may write anything.
func TestEndlessFrames(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"empty fields": &zeroes{},
		"one field":    io.LimitReader(neverNUL{}, 2*frameLimit),
	} {
		_, err := readFrame(bufio.NewReader(io.MultiReader(strings.NewReader("\x00\x02L\x00"), r)))
		if !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type neverNUL struct{}

func (neverNUL) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// What other users can reach of a session's directory is what su needs.
func TestRuntimeFiles(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := writeScripts(dir); err != nil {
		t.Fatal(err)
	}
	g, err := openGate(ctx, Config{}, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	open := map[string]os.FileMode{"q": 0o622, "y": 0o666}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		st, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		want, ok := open[f.Name()]
		if perm := st.Mode().Perm(); ok && perm != want || !ok && perm&0o022 != 0 {
			t.Errorf("%s has mode %v", f.Name(), perm)
		}
	}
}
