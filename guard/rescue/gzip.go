package rescue

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func zip(c *call) {
	f := c.options()
	unpack := f.BoolP("decompress", "d", c.name != "gzip", "unpack")
	toOut := f.BoolP("stdout", "c", c.name == "zcat", "to standard output; the file stays")
	keep := f.BoolP("keep", "k", false, "the file stays")
	force := f.BoolP("force", "f", false, "write over what is there")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	one := func(w io.Writer, r io.Reader) error {
		if *unpack {
			z, err := gzip.NewReader(r)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, z)
			return err
		}
		z := gzip.NewWriter(w)
		_, err := io.Copy(z, r)
		return errors.Join(err, z.Close())
	}
	if len(args) == 0 || *toOut {
		c.eachInput(args, func(_ string, r io.Reader) error { return one(c.out, r) })
		return
	}
	for _, a := range args {
		c.fail(c.zipFile(a, *unpack, *keep, *force, one))
	}
}

// zipFile packs or unpacks a file beside itself. The original goes when its
// successor is whole.
func (c *call) zipFile(name string, unpack, keep, force bool, one func(io.Writer, io.Reader) error) error {
	from := c.path(name)
	to := from + ".gz"
	if unpack {
		bare, ok := strings.CutSuffix(from, ".gz")
		if !ok {
			return fmt.Errorf("%s does not end in .gz", name)
		}
		to = bare
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	flag := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(to, flag, st.Mode().Perm()&0o700)
	if err != nil {
		return err
	}
	err = one(out, stoppable{c.ctx, in})
	if err == nil && os.Geteuid() == 0 {
		err = out.Chown(int(sysOf(st).Uid), int(sysOf(st).Gid))
	}
	err = errors.Join(err, out.Chmod(st.Mode()), out.Sync(), out.Close())
	if err != nil {
		_ = os.Remove(to)
		return err
	}
	if err := os.Chtimes(to, st.ModTime(), st.ModTime()); err != nil || keep {
		return err
	}
	return os.Remove(from)
}
