package rescue

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// arMagic begins an archive of ar, as Debian's packages are.
const arMagic = "!<arch>\n"

// errNoArchive says that a file is no archive of ar.
var errNoArchive = errors.New("it is no archive of ar, as a .deb is one")

// eachMember runs f over the files in an archive of ar, until it says enough.
func eachMember(r io.Reader, f func(name string, size int64, content io.Reader) error) error {
	in := bufio.NewReader(r)
	begin := make([]byte, len(arMagic))
	if _, err := io.ReadFull(in, begin); err != nil || string(begin) != arMagic {
		return errNoArchive
	}
	for {
		var head [60]byte // name 16, time 12, owner 6, group 6, mode 8, size 10, and two bytes at the end
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("the archive is cut short: %w", err)
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil || size < 0 || string(head[58:]) != "`\n" {
			return errors.New("the archive is damaged: a member's head makes no sense")
		}
		content := &io.LimitedReader{R: in, N: size}
		if err := f(strings.TrimSuffix(strings.TrimSpace(string(head[:16])), "/"), size, content); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		if content.N > 0 {
			return errors.New("the archive is cut short")
		}
		if size%2 == 1 {
			if _, err := in.Discard(1); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
	}
}

// archive is ar: t lists, p shows, x takes the files out.
func archive(c *call) {
	if len(c.args) < 2 {
		c.misuse()
		return
	}
	act := strings.TrimPrefix(c.args[0], "-")
	verbose := strings.Contains(act, "v")
	act = strings.NewReplacer("v", "", "o", "").Replace(act)
	if act != "t" && act != "p" && act != "x" {
		c.misuse()
		return
	}
	in, err := os.Open(c.path(c.args[1]))
	if err != nil {
		c.fail(err)
		return
	}
	defer in.Close()
	wanted := map[string]bool{}
	for _, n := range c.args[2:] {
		wanted[n] = false
	}
	err = eachMember(stoppable{c.ctx, in}, func(name string, size int64, content io.Reader) error {
		if _, ok := wanted[name]; !ok && len(wanted) > 0 {
			return nil
		}
		if len(wanted) > 0 {
			wanted[name] = true
		}
		switch {
		case act == "t" && verbose:
			fmt.Fprintf(c.out, "%10d %s\n", size, name)
		case act == "t":
			fmt.Fprintln(c.out, name)
		case act == "p":
			_, err := io.Copy(c.out, content)
			return err
		default:
			if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
				return fmt.Errorf("the member %q is not taken out: its name leads elsewhere", name)
			}
			if verbose {
				fmt.Fprintf(c.out, "x - %s\n", name)
			}
			return c.writeFile(name, content)
		}
		return nil
	})
	c.failAt(c.args[1], err)
	for n, seen := range wanted {
		if !seen {
			c.say("no entry %s in archive", n)
		}
	}
}

// writeFile makes a file with such a content.
func (c *call) writeFile(name string, content io.Reader) error {
	out, err := os.Create(c.path(name))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// openPackage is dpkg-deb, as far as a package is read: -x and -X unpack it, -c
// lists it, -e takes its control files, -f and -I show what it says of itself,
// --fsys-tarfile writes its files as an archive of tar.
func openPackage(c *call) {
	f := c.options()
	extract := f.BoolP("extract", "x", false, "unpack FILE into DIR")
	loud := f.BoolP("vextract", "X", false, "the same, and say each")
	contents := f.BoolP("contents", "c", false, "list what is in it")
	control := f.BoolP("control", "e", false, "take its control files out into DIR (DEBIAN)")
	field := f.BoolP("field", "f", false, "show what it says of itself")
	info := f.BoolP("info", "I", false, "the same")
	tarfile := f.Bool("fsys-tarfile", false, "its files as an archive of tar")
	args, ok := c.read(f, 1, 2)
	if !ok {
		return
	}
	acts := 0
	for _, on := range []bool{*extract, *loud, *contents, *control, *field, *info, *tarfile} {
		if on {
			acts++
		}
	}
	if acts != 1 || (*extract || *loud) && len(args) < 2 {
		c.misuse()
		return
	}
	in, err := os.Open(c.path(args[0]))
	if err != nil {
		c.fail(err)
		return
	}
	defer in.Close()
	a := archiver{call: c, perms: true, owners: os.Geteuid() == 0, verbose: *loud}
	member, into := "data.tar", ""
	switch {
	case *extract || *loud:
		into = args[1]
	case *control:
		member, into = "control.tar", "DEBIAN"
		if len(args) > 1 {
			into = args[1]
		}
	case *field || *info:
		member = "control.tar"
	}
	found := errors.New("found")
	err = eachMember(stoppable{c.ctx, in}, func(name string, _ int64, content io.Reader) error {
		if bare, _, _ := strings.Cut(strings.TrimPrefix(name, member), "."); !strings.HasPrefix(name, member) || bare != "" {
			return nil
		}
		plain, _, err := decompressed(content)
		if err == nil && into != "" {
			c.dir = c.path(into)
			err = os.MkdirAll(c.dir, 0o755)
		}
		if err != nil {
			return err
		}
		switch {
		case *tarfile:
			_, err = io.Copy(c.out, plain)
		case *field || *info:
			err = a.showOne(plain, "control", args[1:])
		default:
			a.verbose = a.verbose || *contents
			err = a.each(plain, nil, *contents)
		}
		if err != nil {
			return err
		}
		return found
	})
	switch {
	case errors.Is(err, found):
	case err == nil:
		c.say("%s has no %s: it is no Debian package", args[0], member)
	default:
		c.failAt(args[0], err)
	}
}

// showOne shows one file of an archive of tar; with a field's name, only that.
func (a *archiver) showOne(r io.Reader, name string, fields []string) error {
	return eachEntry(r, func(h *entryHeader, content io.Reader) error {
		if path.Clean(h.Name) != name {
			return nil
		}
		return eachLine(content, func(line []byte) error {
			key, value, _ := strings.Cut(string(line), ":")
			switch {
			case len(fields) == 0:
				fmt.Fprintf(a.out, "%s\n", line)
			case strings.EqualFold(key, fields[0]):
				fmt.Fprintln(a.out, strings.TrimSpace(value))
			}
			return nil
		})
	})
}
