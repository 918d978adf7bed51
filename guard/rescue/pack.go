package rescue

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// packing is one way to make a stream smaller.
type packing struct {
	name     string
	suffixes []string // of a packed file; the first is what is added
	magic    string
	option   string // of tar
	unpack   func(io.Reader) (io.Reader, error)
	pack     func(io.Writer) (io.WriteCloser, error) // nil: only read here
	commands []string                                // that pack, that unpack, that show
	keeps    bool                                    // the original stays by itself
}

var packings = []packing{
	{
		name: "gzip", suffixes: []string{".gz", ".tgz"}, magic: "\x1f\x8b", option: "gzip",
		unpack:   func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		pack:     func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		commands: []string{"gzip", "gunzip", "zcat"},
	},
	{
		name: "xz", suffixes: []string{".xz", ".txz"}, magic: "\xfd7zXZ\x00", option: "xz",
		unpack:   func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) },
		pack:     func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
		commands: []string{"xz", "unxz", "xzcat"},
	},
	{
		name: "zstd", suffixes: []string{".zst", ".tzst"}, magic: "\x28\xb5\x2f\xfd", option: "zstd",
		unpack: func(r io.Reader) (io.Reader, error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return z.IOReadCloser(), nil
		},
		pack: func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		},
		commands: []string{"zstd", "unzstd", "zstdcat"}, keeps: true,
	},
	{
		name: "bzip2", suffixes: []string{".bz2", ".tbz2", ".tbz"}, magic: "BZh", option: "bzip2",
		unpack:   func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil },
		commands: []string{"", "bunzip2", "bzcat"},
	},
}

// packingOf is the packing that a file's name tells, nil where none does.
func packingOf(name string) *packing {
	for i, p := range packings {
		for _, s := range p.suffixes {
			if strings.HasSuffix(name, s) && name != s {
				return &packings[i]
			}
		}
	}
	return nil
}

// decompressed finds out how a stream is packed, and unpacks it. packed is nil
// where it is not.
func decompressed(r io.Reader) (plain io.Reader, packed *packing, err error) {
	b := bufio.NewReader(r)
	begins, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	for i, p := range packings {
		if bytes.HasPrefix(begins, []byte(p.magic)) {
			plain, err := p.unpack(b)
			return plain, &packings[i], err
		}
	}
	return b, nil, nil
}

// pack is gzip, xz, zstd, bunzip2 and their relatives.
func pack(c *call) {
	at := slices.IndexFunc(packings, func(p packing) bool { return slices.Contains(p.commands, c.name) })
	p := &packings[at]
	role := slices.Index(p.commands, c.name)
	f := c.options()
	unpack := f.BoolP("decompress", "d", role > 0, "unpack")
	toOut := f.BoolP("stdout", "c", role == 2, "to standard output; the file stays")
	keep := f.BoolP("keep", "k", p.keeps, "the file stays")
	gone := f.Bool("rm", false, "the file goes when its successor is whole")
	force := f.BoolP("force", "f", false, "write over what is there")
	f.BoolP("quiet", "q", true, "say nothing, as always")
	test := f.BoolP("test", "t", false, "only see whether it is whole")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if p.pack == nil && !*unpack && !*test {
		c.say("%s files are only unpacked here", p.name)
		return
	}
	if *gone {
		*keep = false
	}
	one := func(w io.Writer, r io.Reader) error {
		if !*unpack && !*test {
			z, err := p.pack(w)
			if err != nil {
				return err
			}
			_, err = io.Copy(z, r)
			return errors.Join(err, z.Close())
		}
		plain, packed, err := decompressed(r)
		switch {
		case err != nil:
			return err
		case packed == nil && !(*force && *toOut):
			return fmt.Errorf("not in %s format", p.name)
		}
		_, err = io.Copy(w, plain)
		return err
	}
	if *test {
		c.eachInput(args, func(name string, r io.Reader) error { return one(io.Discard, r) })
		return
	}
	if len(args) == 0 || *toOut {
		c.eachInput(args, func(name string, r io.Reader) error { return one(c.out, r) })
		return
	}
	for _, a := range args {
		c.failAt(a, c.packFile(p, a, *unpack, *keep, *force, one))
	}
}

// succeed makes a file that was written the successor of another one: with its
// owner and mode, and on the disk.
func succeed(out *os.File, st fs.FileInfo, err error) error {
	if err == nil && os.Geteuid() == 0 {
		err = out.Chown(int(sysOf(st).Uid), int(sysOf(st).Gid))
	}
	return errors.Join(err, out.Chmod(st.Mode()), out.Sync(), out.Close())
}

// packFile packs or unpacks a file beside itself. The original goes when its
// successor is whole.
func (c *call) packFile(p *packing, name string, unpack, keep, force bool, one func(io.Writer, io.Reader) error) error {
	from := c.path(name)
	to := from + p.suffixes[0]
	if unpack {
		known := packingOf(from)
		if known == nil {
			return errors.New("unknown suffix -- ignored")
		}
		i := slices.IndexFunc(known.suffixes, func(s string) bool { return strings.HasSuffix(from, s) })
		to = strings.TrimSuffix(from, known.suffixes[i])
		if strings.HasPrefix(known.suffixes[i], ".t") {
			to += ".tar"
		}
	} else if known := packingOf(from); known != nil && !force {
		return fmt.Errorf("already has %s suffix -- unchanged", p.suffixes[0])
	}
	in, st, err := openRegular(from, "is a directory or not a regular file -- ignored")
	if err != nil {
		return err
	}
	defer in.Close()
	flag := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(to, flag, st.Mode().Perm()&0o700)
	if err != nil {
		return fmt.Errorf("%s: %s", to, reason(err))
	}
	err = one(out, stoppable{c.ctx, in})
	if err = succeed(out, st, err); err != nil {
		_ = os.Remove(to)
		return err
	}
	if err := os.Chtimes(to, st.ModTime(), st.ModTime()); err != nil || keep {
		return err
	}
	return os.Remove(from)
}
