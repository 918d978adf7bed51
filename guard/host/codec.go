package host

import (
	"encoding/binary"
	"errors"
	"io"
)

// A helper is spoken to in frames: the length of what follows in four bytes,
// then the fields of a request or an answer in their order, numbers as
// varints, strings and lists behind their length. Names are any bytes, which
// JSON cannot carry; and what reads types out of a stream makes tables for
// that in every process, before its main begins.

// maxFrame bounds a frame: what is read of a file, or the names of a pattern.
const maxFrame = 64 << 20

var errFrame = errors.New("what the other side says cannot be read")

// codec goes through the fields of a message, to write or to read them.
type codec struct {
	b    []byte // written so far, or still to be read
	read bool
	bad  bool
}

func number[T ~int | ~int64 | ~uint8 | ~uint32 | ~uint64](c *codec, v *T) {
	if !c.read {
		c.b = binary.AppendVarint(c.b, int64(*v))
		return
	}
	n, size := binary.Varint(c.b)
	if size <= 0 {
		c.bad, c.b = true, nil
		return
	}
	*v, c.b = T(n), c.b[size:]
}

func text[T ~string | ~[]byte](c *codec, v *T) {
	n := len(*v)
	number(c, &n)
	if !c.read {
		c.b = append(c.b, *v...)
		return
	}
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return
	}
	if n > 0 {
		*v = T(string(c.b[:n]))
	}
	c.b = c.b[n:]
}

func list(c *codec, v *[]string) {
	n := len(*v)
	number(c, &n)
	if c.read {
		*v = nil
		if n < 0 || n > len(c.b) { // each takes a byte at least
			c.bad, c.b = true, nil
			return
		}
		if n > 0 {
			*v = make([]string, n)
		}
	}
	for i := range *v {
		text(c, &(*v)[i])
	}
}

func (c *codec) flags(vs ...*bool) {
	for _, v := range vs {
		var n uint8
		if *v {
			n = 1
		}
		number(c, &n)
		*v = n != 0
	}
}

// message is what goes through a codec.
type message interface{ fields(c *codec) }

func (r *request) fields(c *codec) {
	number(c, &r.Op)
	text(c, &r.Path)
	text(c, &r.Cwd)
	text(c, &r.Other)
	number(c, &r.Max)
	c.flags(&r.Follow, &r.Glob.DotGlob, &r.Glob.ExtGlob, &r.Glob.GlobStar, &r.Glob.NoCase)
	list(c, &r.Has)
	number(c, &r.Budget)
	text(c, &r.Root)
}

func (a *answer) fields(c *codec) {
	s := &a.Spot
	text(c, &s.Real)
	number(c, &s.Mode)
	number(c, &s.Size)
	number(c, &s.Mtime)
	number(c, &s.Dev)
	number(c, &s.Ino)
	number(c, &s.Rdev)
	text(c, &s.Link)
	text(c, &s.Denied)
	c.flags(&s.Exists, &s.Follows, &a.More, &a.Unknown)
	number(c, &a.Entries)
	number(c, &a.Bytes)
	number(c, &a.Top)
	number(c, &a.Own)
	list(c, &a.Has)
	text(c, &a.Data)
	list(c, &a.Names)
	text(c, &a.Err)
}

// send writes a message as one frame.
func send(w io.Writer, m message) error {
	c := codec{b: make([]byte, 4, 512)}
	m.fields(&c)
	if len(c.b)-4 > maxFrame {
		return errFrame
	}
	binary.NativeEndian.PutUint32(c.b, uint32(len(c.b)-4))
	_, err := w.Write(c.b)
	return err
}

// receive reads a frame into a message that holds nothing yet.
func receive(r io.Reader, m message) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.NativeEndian.Uint32(head[:])
	if n > maxFrame {
		return errFrame
	}
	c := codec{b: make([]byte, n), read: true}
	if _, err := io.ReadFull(r, c.b); err != nil {
		return err
	}
	if m.fields(&c); c.bad || len(c.b) != 0 {
		return errFrame
	}
	return nil
}
