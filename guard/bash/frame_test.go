package bash

import (
	"bufio"
	"errors"
	"io"
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
