package rescue

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// archiver is one run of tar.
type archiver struct {
	*call
	verbose, keep, perms, owners bool
	strip                        int
	exclude                      []string
}

func tape(c *call) {
	// The first word may be options without a dash.
	if len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
		c.args = oldOptions(c.args)
	}
	a := archiver{call: c}
	f := c.options()
	create := f.BoolP("create", "c", false, "make an archive")
	extract := f.BoolP("extract", "x", false, "take the files out")
	list := f.BoolP("list", "t", false, "show what is in it")
	file := f.StringP("file", "f", "-", "the archive; - is standard input or output")
	how := map[string]*bool{}
	for _, p := range packings {
		how[p.name] = f.BoolP(p.option, map[string]string{"gzip": "z", "xz": "J", "bzip2": "j"}[p.name], false, "packed by "+p.name+"; found out by itself when it is read")
	}
	bySuffix := f.BoolP("auto-compress", "a", false, "packed as the archive's name says")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say each")
	f.BoolVarP(&a.keep, "keep-old-files", "k", false, "leave what is there")
	f.BoolVarP(&a.perms, "preserve-permissions", "p", os.Geteuid() == 0, "modes as they are in the archive, whatever the umask")
	f.BoolVar(&a.owners, "same-owner", os.Geteuid() == 0, "owners as they are in the archive")
	f.Bool("numeric-owner", true, "owners by number, as always here")
	dir := f.StringP("directory", "C", "", "in this directory")
	f.IntVar(&a.strip, "strip-components", 0, "leave so many directories out of the names")
	f.StringArrayVar(&a.exclude, "exclude", nil, "leave out what a pattern matches")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	archive := c.path(*file)
	if *dir != "" {
		c.dir = c.path(*dir)
	}
	var err error
	switch {
	case *create && !*extract && !*list:
		var with *packing
		if *bySuffix {
			with = packingOf(*file)
		}
		for i, p := range packings {
			if *how[p.name] {
				with = &packings[i]
			}
		}
		err = a.create(*file, archive, with, args)
	case *extract && !*create && !*list, *list && !*create && !*extract:
		err = a.read(*file, archive, args, *list)
	default:
		c.misuse()
		return
	}
	c.fail(err)
	if c.status > 0 && !c.stopped() {
		c.err("tar: Exiting with failure status due to previous errors\n")
	}
}

// oldOptions turns "xpf FILE" into "-x -p -f FILE".
func oldOptions(args []string) []string {
	var out []string
	rest := args[1:]
	for _, o := range args[0] {
		out = append(out, "-"+string(o))
		if strings.ContainsRune("fC", o) && len(rest) > 0 {
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
	return append(out, rest...)
}

func (a *archiver) excluded(name string) bool {
	for _, p := range a.exclude {
		for n := name; n != "." && n != "/" && n != ""; n = path.Dir(n) {
			if ok, err := path.Match(p, n); err == nil && ok {
				return true
			}
			if ok, err := path.Match(p, path.Base(n)); err == nil && ok {
				return true
			}
		}
	}
	return false
}

func (a *archiver) create(file, archive string, with *packing, names []string) (err error) {
	switch {
	case len(names) == 0:
		return errors.New("an archive of nothing is not made")
	case with != nil && with.pack == nil:
		return fmt.Errorf("%s archives are only read here", with.name)
	}
	w := a.raw
	var self fs.FileInfo
	if file != "-" {
		f, err := os.Create(archive)
		if err != nil {
			return fmt.Errorf("%s: Cannot open: %s", file, reason(err))
		}
		if self, err = f.Stat(); err != nil {
			return err
		}
		defer func() {
			if cerr := f.Close(); err == nil {
				err = cerr
			}
		}()
		w = f
	}
	if with != nil {
		z, err := with.pack(w)
		if err != nil {
			return err
		}
		defer func() {
			if cerr := z.Close(); err == nil {
				err = cerr
			}
		}()
		w = z
	}
	t := tar.NewWriter(w)
	seen := map[inode]string{}
	for _, n := range names {
		err := filepath.WalkDir(a.path(n), func(p string, d fs.DirEntry, err error) error {
			if a.stopped() {
				return a.ctx.Err()
			}
			if err != nil {
				a.fail(err)
				return nil
			}
			name := n + strings.TrimPrefix(p, a.path(n))
			if a.excluded(strings.TrimPrefix(name, "./")) {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			i, err := d.Info()
			if err != nil {
				a.fail(err)
				return nil
			}
			if self != nil && os.SameFile(i, self) {
				return nil
			}
			return a.add(t, p, strings.TrimLeft(name, "/"), i, seen)
		})
		if err != nil {
			return err
		}
	}
	return t.Close()
}

// add puts one file into an archive. An error means that the archive itself is
// spoilt.
func (a *archiver) add(t *tar.Writer, full, name string, i fs.FileInfo, seen map[inode]string) error {
	if i.Mode()&fs.ModeSocket != 0 {
		a.say("%s: a socket is left out", full)
		return nil
	}
	to := ""
	if i.Mode()&fs.ModeSymlink != 0 {
		var err error
		if to, err = os.Readlink(full); err != nil {
			a.fail(err)
			return nil
		}
	}
	h, err := tar.FileInfoHeader(i, to)
	if err != nil {
		a.fail(err)
		return nil
	}
	h.Name, h.Format = name, tar.FormatPAX
	if name == "" {
		h.Name = "."
	}
	if i.IsDir() {
		h.Name += "/"
	}
	if first, again := seen[inodeOf(i)]; again {
		h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
	} else if !i.IsDir() && sysOf(i).Nlink > 1 {
		seen[inodeOf(i)] = name
	}
	addXattrs(h, full)
	var f *os.File
	if h.Typeflag == tar.TypeReg {
		if f, err = os.Open(full); err != nil {
			a.fail(err)
			return nil
		}
		defer f.Close()
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	if a.verbose {
		a.err(h.Name + "\n")
	}
	if f == nil {
		return nil
	}
	n, err := a.copy(t, io.LimitReader(f, h.Size))
	if err == nil && n < h.Size {
		a.say("%s became shorter while it was read: its end is zeros", full)
		_, err = io.CopyN(t, zeros{}, h.Size-n)
	}
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// xattrPrefix is where archives keep extended attributes.
const xattrPrefix = "SCHILY.xattr."

func addXattrs(h *tar.Header, full string) {
	names, err := xattrNames(full)
	if err != nil {
		return
	}
	for _, name := range names {
		value := make([]byte, maxXattr)
		if m, err := unix.Lgetxattr(full, name, value); err == nil {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords[xattrPrefix+name] = string(value[:m])
		}
	}
}

func (a *archiver) read(file, archive string, names []string, list bool) error {
	in := a.in
	if file != "-" {
		f, err := os.Open(archive)
		if err != nil {
			return fmt.Errorf("%s: Cannot open: %s", file, reason(err))
		}
		defer f.Close()
		in = f
	}
	in, _, err := decompressed(stoppable{a.ctx, in})
	if err != nil {
		return err
	}
	return a.each(in, names, list)
}

// each lists an archive, or takes the files out.
func (a *archiver) each(in io.Reader, names []string, list bool) (err error) {
	var root *os.Root
	if !list {
		// Nothing of an archive lands outside, whatever its names and links
		// say.
		if root, err = os.OpenRoot(a.dir); err != nil {
			return err
		}
		defer root.Close()
	}
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[path.Clean(n)] = false
	}
	var dirs []*tar.Header // their modes and times come last
	err = eachEntry(in, func(h *entryHeader, content io.Reader) error {
		name := strings.TrimLeft(path.Clean("/"+h.Name), "/")
		if !chosen(wanted, path.Clean(h.Name)) || a.excluded(name) {
			return nil
		}
		if list {
			a.show(h)
			return nil
		}
		for range a.strip {
			_, name, _ = strings.Cut(name, "/")
		}
		if name == "" {
			if a.strip > 0 {
				return nil
			}
			name = "."
		}
		if a.verbose {
			fmt.Fprintln(a.out, h.Name)
		}
		h.Name = name
		if h.Typeflag == tar.TypeDir {
			dirs = append(dirs, h)
		}
		if err := a.extract(root, content, h); err != nil {
			if a.stopped() {
				return err
			}
			a.say("%s: %s", name, reason(err))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for n, seen := range wanted {
		if !seen {
			a.say("%s: Not found in archive", n)
		}
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := a.attributes(root, dirs[i]); err != nil {
			a.say("%s: %s", dirs[i].Name, reason(err))
		}
	}
	return nil
}

// entryHeader is what an archive of tar says of one file.
type entryHeader = tar.Header

// eachEntry runs f over an archive of tar.
func eachEntry(r io.Reader, f func(*entryHeader, io.Reader) error) error {
	first := true
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF) && first:
			return saying("This does not look like a tar archive")
		case err != nil:
			return err
		}
		first = false
		if err := f(h, t); err != nil {
			return err
		}
	}
}

// chosen says whether a name, or a directory above it, was asked for.
func chosen(wanted map[string]bool, name string) bool {
	if len(wanted) == 0 {
		return true
	}
	for n := name; ; n = path.Dir(n) {
		if _, ok := wanted[n]; ok {
			wanted[n] = true
			return true
		}
		if n == "." || n == "/" {
			return false
		}
	}
}

func (a *archiver) show(h *tar.Header) {
	if !a.verbose {
		fmt.Fprintln(a.out, h.Name)
		return
	}
	to := ""
	if h.Linkname != "" {
		to = " -> " + h.Linkname
	}
	fmt.Fprintf(a.out, "%s %d/%d %10d %s %s%s\n", h.FileInfo().Mode(), h.Uid, h.Gid, h.Size, h.ModTime.Format("2006-01-02 15:04"), h.Name, to)
}

func (a *archiver) extract(root *os.Root, content io.Reader, h *tar.Header) error {
	if parent := path.Dir(h.Name); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return err
		}
	}
	if st, err := root.Lstat(h.Name); err == nil {
		switch {
		case h.Typeflag == tar.TypeDir && st.IsDir():
			return nil
		case h.Typeflag == tar.TypeDir:
			// A link to a directory stays: the system's own are such.
			if to, err := root.Stat(h.Name); err == nil && to.IsDir() {
				return nil
			}
		case a.keep:
			return errors.New("is there already")
		}
		if err := root.Remove(h.Name); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return root.Mkdir(h.Name, 0o700)
	case tar.TypeSymlink:
		if err := root.Symlink(h.Linkname, h.Name); err != nil {
			return err
		}
	case tar.TypeLink:
		return root.Link(strings.TrimLeft(path.Clean("/"+h.Linkname), "/"), h.Name)
	case tar.TypeReg:
		f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		if err := makeNodeIn(root, h); err != nil {
			return err
		}
	default:
		return fmt.Errorf("entries of type %q are not known here", h.Typeflag)
	}
	return a.attributes(root, h)
}

func makeNodeIn(root *os.Root, h *tar.Header) error {
	dir, err := root.Open(path.Dir(h.Name))
	if err != nil {
		return err
	}
	defer dir.Close()
	kind := map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}[h.Typeflag]
	return unix.Mknodat(int(dir.Fd()), path.Base(h.Name), kind|0o600, int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))))
}

// attributes gives a file what the archive says of it, within the root.
func (a *archiver) attributes(root *os.Root, h *tar.Header) error {
	if a.owners {
		if err := root.Lchown(h.Name, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	if h.Typeflag == tar.TypeSymlink {
		dir, err := root.Open(path.Dir(h.Name))
		if err != nil {
			return err
		}
		defer dir.Close()
		at := unix.NsecToTimespec(h.ModTime.UnixNano())
		return unix.UtimesNanoAt(int(dir.Fd()), path.Base(h.Name), []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	}
	if h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeDir {
		if err := setXattrs(root, h); err != nil {
			return err
		}
	}
	mode := h.FileInfo().Mode()
	if !a.perms {
		mask := unix.Umask(0)
		unix.Umask(mask)
		mode = mode.Perm() &^ fs.FileMode(mask)
	}
	if err := root.Chmod(h.Name, mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	return root.Chtimes(h.Name, h.ModTime, h.ModTime)
}

func setXattrs(root *os.Root, h *tar.Header) error {
	for key, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(key, xattrPrefix)
		if !ok {
			continue
		}
		f, err := root.Open(h.Name)
		if err != nil {
			return err
		}
		err = unix.Fsetxattr(int(f.Fd()), name, []byte(value), 0)
		f.Close()
		if err != nil && !errors.Is(err, unix.ENOTSUP) {
			return err
		}
	}
	return nil
}
