package snapshot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Kind is the type of a directory entry.
type Kind string

const (
	KFile   Kind = "file"
	KDir    Kind = "dir"
	KLink   Kind = "link"
	KFIFO   Kind = "fifo"
	KChar   Kind = "char"
	KBlock  Kind = "block"
	KSocket Kind = "socket"
	KAbsent Kind = "absent" // there was nothing
)

// kindOf maps the type bits of a mode.
func kindOf(mode uint32) Kind {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return KFile
	case unix.S_IFDIR:
		return KDir
	case unix.S_IFLNK:
		return KLink
	case unix.S_IFIFO:
		return KFIFO
	case unix.S_IFCHR:
		return KChar
	case unix.S_IFBLK:
		return KBlock
	}
	return KSocket
}

// stamp is a time as the kernel keeps it: seconds and nanoseconds since 1970.
type stamp [2]int64

func (s stamp) spec() unix.Timespec { return unix.Timespec{Sec: s[0], Nsec: s[1]} }

// Xattr is one extended attribute.
type Xattr struct {
	Name  string `json:"n"`
	Value []byte `json:"v"`
}

// Entry is one name in a tree, with all that the kernel knows of it. Indexes
// are those of the tree it stands in.
type Entry struct {
	Up      int     `json:"up"`           // the directory that holds it; -1 for a root, whose Name is a path
	Item    int     `json:"i,omitempty"`  //
	Above   bool    `json:"ab,omitempty"` // the directory above an item, kept for its times alone
	Name    string  `json:"n,omitempty"`  //
	RawName []byte  `json:"nb,omitempty"` // on the disk only: instead of Name if that is not UTF-8
	Kind    Kind    `json:"k"`            //
	Mode    uint32  `json:"m,omitempty"`  // permission bits with setuid, setgid and sticky
	UID     uint32  `json:"u"`            //
	GID     uint32  `json:"g"`            //
	Size    int64   `json:"s,omitempty"`  //
	Atime   stamp   `json:"at"`           //
	Mtime   stamp   `json:"mt"`           //
	Ctime   stamp   `json:"ct"`           //
	Dev     uint64  `json:"d"`            //
	Ino     uint64  `json:"ino"`          //
	Nlink   uint32  `json:"nl,omitempty"` //
	Rdev    uint64  `json:"rd,omitempty"` // char and block: the device
	Link    string  `json:"l,omitempty"`  // link: its text
	RawLink []byte  `json:"lb,omitempty"` // as RawName
	Flags   uint32  `json:"f,omitempty"`  // chattr
	FlagsOK bool    `json:"fo,omitempty"` // the filesystem has flags
	Xattrs  []Xattr `json:"x,omitempty"`  //

	Same   int        `json:"same,omitempty"` // 1 + the index of the first name of the same inode; 0 none
	Data   [][2]int64 `json:"dat,omitempty"`  // a file with holes: offset and length of its data
	Holes  bool       `json:"h,omitempty"`    // Data counts (a file may be one hole)
	SHA    string     `json:"sha,omitempty"`  // of the whole content as it is kept: data ranges, one after the other
	Packed bool       `json:"p,omitempty"`    // the content is in the pack, at Off
	Off    int64      `json:"o,omitempty"`    //
	Blob   string     `json:"b,omitempty"`    // the content is a file of this name …
	Place  int        `json:"pl,omitempty"`   // … in Places[Place-1], or for 0 in the snapshot
	Linked bool       `json:"ln,omitempty"`   // Blob is a hard link to the file itself
	Lost   string     `json:"lost,omitempty"` // why its content was not kept
}

func (e *Entry) isDir() bool { return e.Kind == KDir }

// stored is how many bytes of the content are data.
func (e *Entry) stored() int64 {
	if !e.Holes {
		return e.Size
	}
	var n int64
	for _, d := range e.Data {
		n += d[1]
	}
	return n
}

// tree is entries with their children.
type tree struct {
	entries []Entry
	kids    map[int]map[string]int // by directory index; -1 the roots, by path
}

// child is the entry of that name in a directory (-1: a root by its path); -1 if none.
func (t *tree) child(dir int, name string) int {
	if t == nil {
		return -1
	}
	if i, ok := t.kids[dir][name]; ok {
		return i
	}
	return -1
}

func (t *tree) add(e Entry) int {
	i := len(t.entries)
	t.entries = append(t.entries, e)
	t.index(i)
	return i
}

func (t *tree) index(i int) {
	e := &t.entries[i]
	if t.kids == nil {
		t.kids = map[int]map[string]int{}
	}
	m := t.kids[e.Up]
	if m == nil {
		m = map[string]int{}
		t.kids[e.Up] = m
	}
	m[e.Name] = i
}

// path is an entry's full path, which may be longer than the kernel takes.
func (t *tree) path(i int) string {
	var parts []string
	for ; i >= 0; i = t.entries[i].Up {
		parts = append(parts, t.entries[i].Name)
	}
	n := len(parts)
	if n == 0 {
		return ""
	}
	p := parts[n-1]
	b := []byte(p)
	for j := n - 2; j >= 0; j-- {
		if len(b) == 0 || b[len(b)-1] != '/' {
			b = append(b, '/')
		}
		b = append(b, parts[j]...)
	}
	return string(b)
}

// count is the number of entries at and below i.
func (t *tree) count(i int) int {
	n := 1
	for _, k := range t.kids[i] {
		n += t.count(k)
	}
	return n
}

// bytes is the apparent size of the files at and below i.
func (t *tree) bytes(i int) int64 {
	var n int64
	if t.entries[i].Kind == KFile {
		n = t.entries[i].Size
	}
	for _, k := range t.kids[i] {
		n += t.bytes(k)
	}
	return n
}

// write writes one JSON object a line.
func (t *tree) write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for i := range t.entries {
		e := t.entries[i]
		if !utf8.ValidString(e.Name) {
			e.Name, e.RawName = "", []byte(e.Name)
		}
		if !utf8.ValidString(e.Link) {
			e.Link, e.RawLink = "", []byte(e.Link)
		}
		if err := enc.Encode(&e); err != nil {
			return err
		}
	}
	return b.Flush()
}

// read reads what write wrote, and refuses what cannot be a tree.
func readTree(r io.Reader) (*tree, error) {
	t := &tree{}
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	for {
		var e Entry
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(t.entries), err)
		}
		if e.RawName != nil {
			e.Name, e.RawName = string(e.RawName), nil
		}
		if e.RawLink != nil {
			e.Link, e.RawLink = string(e.RawLink), nil
		}
		if err := t.plausible(&e); err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(t.entries), err)
		}
		t.add(e)
	}
}

// plausible refuses an entry that could lead outside its place: the store is
// ours, but a damaged line must not be followed.
func (t *tree) plausible(e *Entry) error {
	n := len(t.entries)
	switch {
	case e.Up < -1 || e.Up >= n || e.Same < 0 || e.Same > n:
		return errors.New("an index out of order")
	case e.Up >= 0 && (t.entries[e.Up].Kind != KDir || t.entries[e.Up].Above):
		return errors.New("inside something that is no directory")
	case e.Up >= 0 && !plainName(e.Name), e.Blob != "" && !plainName(e.Blob):
		return fmt.Errorf("%q is no file name", e.Name)
	case e.Up == -1 && !filepath.IsAbs(e.Name):
		return fmt.Errorf("%q is no absolute path", e.Name)
	case e.Size < 0 || e.Off < 0:
		return errors.New("a negative size")
	}
	var end int64
	for _, d := range e.Data {
		if d[0] < end || d[1] < 0 || d[0]+d[1] < d[0] || d[0]+d[1] > e.Size {
			return errors.New("data ranges out of order")
		}
		end = d[0] + d[1]
	}
	return nil
}

func plainName(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		if s[i] == '/' || s[i] == 0 {
			return false
		}
	}
	return true
}

// readTreeFile reads a tree from a file.
func readTreeFile(name string) (*tree, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := readTree(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}
