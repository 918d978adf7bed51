package bash

import (
	"bufio"
	"errors"
	"io"
)

// A frame is one message from a shell: fields that end in NUL, the first of
// them \2 and the kind. A field \3 ends it. The \2 also ends a frame whose
// sender was killed half-way; no other field begins with either byte.
type frame struct {
	kind   byte
	fields []string
}

// frameLimit bounds one field, and one frame: a line of that size is no line.
const frameLimit = 64 << 20

// fieldCost is what a field takes beside its bytes: a sender of nothing but NUL
// must come to the limit too.
const fieldCost = 32

var errFrame = errors.New("a message from the shell is too large")

// readFrame returns the next whole frame.
func readFrame(r *bufio.Reader) (frame, error) {
	var f frame
	open, size := false, 0
	for {
		field, err := readField(r)
		if err != nil {
			return frame{}, err
		}
		size += len(field) + fieldCost
		switch {
		case len(field) == 2 && field[0] == 2:
			f, open, size = frame{kind: field[1]}, true, 0
		case !open:
		case len(field) == 1 && field[0] == 3:
			return f, nil
		case size > frameLimit:
			return frame{}, errFrame
		default:
			f.fields = append(f.fields, string(field))
		}
	}
}

func readField(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		b, err := r.ReadSlice(0)
		if err == nil {
			if out == nil {
				return b[:len(b)-1], nil
			}
			return append(out, b[:len(b)-1]...), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) && len(b) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if len(out) > frameLimit {
			return nil, errFrame
		}
		out = append(out, b...)
	}
}

// field is the i-th field, "" where the frame is shorter.
func (f frame) field(i int) string {
	if i < len(f.fields) {
		return f.fields[i]
	}
	return ""
}
