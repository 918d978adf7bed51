package rescue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func makeDir(c *call) {
	f := c.options()
	parents := f.BoolP("parents", "p", false, "the ones above too; one that is there is no error")
	mode := f.StringP("mode", "m", "", "mode, as chmod takes it")
	verbose := f.BoolP("verbose", "v", false, "say what is made")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	var change func(uint32, bool) uint32
	if *mode != "" {
		var err error
		if change, err = parseMode(*mode); err != nil {
			c.say("%s", err)
			return
		}
	}
	for _, a := range args {
		if at, err := c.makeOne(a, *parents, *verbose); err != nil {
			if err != fs.ErrExist { // with -p, a directory that is there
				c.cannot("create directory", at, err)
			}
			continue
		}
		if change != nil {
			c.failAt(a, unix.Chmod(c.path(a), change(0o777, true)))
		}
	}
}

// makeOne makes a directory. One that is there already is an error. at is which
// of those above, or itself, could not be made.
func (c *call) makeOne(name string, parents, verbose bool) (at string, err error) {
	if st, err := os.Stat(c.path(name)); parents && err == nil {
		if !st.IsDir() {
			return name, unix.EEXIST
		}
		return name, fs.ErrExist
	}
	if above := filepath.Dir(strings.TrimRight(name, "/")); parents && above != "." && above != "/" {
		at, err := c.makeOne(above, true, verbose)
		if err == unix.EEXIST {
			err = unix.ENOTDIR
		}
		if err != nil && err != fs.ErrExist {
			return at, err
		}
	}
	if err := os.Mkdir(c.path(name), 0o777); err != nil {
		return name, err
	}
	if verbose {
		c.tell("mkdir: created directory %s", shown(name))
	}
	return name, nil
}

func touch(c *call) {
	f := c.options()
	access := f.BoolP("access", "a", false, "only when it was read last")
	modified := f.BoolP("modified", "m", false, "only when it was changed last")
	noCreate := f.BoolP("no-create", "c", false, "make no file")
	noDeref := f.BoolP("no-dereference", "h", false, "a link itself, not what it leads to")
	reference := f.StringP("reference", "r", "", "take the times of this file")
	date := f.StringP("date", "d", "", "2006-01-02 15:04:05 instead of now")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	now := time.Now()
	at, mt := now, now
	switch {
	case *reference != "":
		st, err := os.Stat(c.path(*reference))
		if err != nil {
			c.say("failed to get attributes of %s: %s", shown(*reference), reason(err))
			return
		}
		at, mt = time.Unix(sysOf(st).Atim.Unix()), st.ModTime()
	case *date != "":
		t, err := parseDate(*date)
		if err != nil {
			c.say("%s", err)
			return
		}
		at, mt = t, t
	}
	if *access != *modified {
		if *access {
			mt = time.Time{}
		} else {
			at = time.Time{}
		}
	}
	for _, a := range args {
		path := c.path(a)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !*noDeref {
			if *noCreate {
				continue
			}
			file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
			if err != nil {
				c.cannot("touch", a, err)
				continue
			}
			file.Close()
		}
		if err := setTimes(path, at, mt, !*noDeref); err != nil {
			c.say("setting times of %s: %s", shown(a), reason(err))
		}
	}
}

// setTimes sets when a file was read and changed; the zero time leaves one as
// it is.
func setTimes(path string, at, mt time.Time, follow bool) error {
	times := make([]unix.Timespec, 2)
	for i, t := range []time.Time{at, mt} {
		times[i] = unix.Timespec{Nsec: unix.UTIME_OMIT}
		if !t.IsZero() {
			times[i] = unix.NsecToTimespec(t.UnixNano())
		}
	}
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, times, flags)
}

func parseDate(s string) (time.Time, error) {
	if sec, ok := strings.CutPrefix(s, "@"); ok {
		n, err := strconv.ParseInt(sec, 10, 64)
		if err == nil {
			return time.Unix(n, 0), nil
		}
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid date format %s: a date is 2006-01-02 15:04:05 here", shown(s))
}

func link(c *call) {
	f := c.options()
	symbolic := f.BoolP("symbolic", "s", false, "a symbolic link")
	relative := f.BoolP("relative", "r", false, "with -s: the way from the link to what it leads to")
	how := ""
	oneOf(f, &how, "force", "f", "force", "replace what has the name")
	oneOf(f, &how, "interactive", "i", "ask", "ask before something is replaced")
	noDeref := f.BoolP("no-dereference", "n", false, "a link to a directory is a link, not the directory")
	follow := f.BoolP("logical", "L", false, "a hard link to what a link leads to")
	f.BoolP("physical", "P", true, "a hard link to a link itself, as always")
	noDir := f.BoolP("no-target-directory", "T", false, "LINK is the name itself, never a directory to put it in")
	verbose := f.BoolP("verbose", "v", false, "say what is linked")
	into := f.StringP("target-directory", "t", "", "put the links here")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	targets, dir := args, *into
	name := ""
	switch {
	case dir != "":
	case len(args) == 1 && !*noDir:
		dir = "."
	case len(args) == 1 || *noDir && len(args) > 2:
		c.misuse()
		return
	default:
		targets, name = args[:len(args)-1], args[len(args)-1]
		look := os.Stat
		if *noDeref {
			look = os.Lstat
		}
		st, err := look(c.path(name))
		if err == nil && st.IsDir() && !*noDir {
			dir = name
		} else if len(targets) > 1 {
			if err == nil {
				err = unix.ENOTDIR
			}
			c.say("target %s: %s", shown(name), reason(err))
			return
		}
	}
	for _, t := range targets {
		at := name
		if dir != "" {
			at = below(dir, filepath.Base(t))
			if dir == "." {
				at = "./" + filepath.Base(t)
			}
		}
		c.linkOne(t, at, linking{*symbolic, *relative, *follow, how, *verbose})
	}
}

// linking is how a link is made.
type linking struct {
	symbolic, relative, follow bool
	how                        string
	verbose                    bool
}

func (c *call) linkOne(target, at string, l linking) {
	old, arrow := target, "->"
	switch {
	case l.symbolic && l.relative:
		from, err := filepath.EvalSymlinks(c.path(filepath.Dir(at)))
		if err == nil {
			old, err = filepath.Rel(from, realOf(c.path(target)))
		}
		if err != nil {
			c.failAt(target, err)
			return
		}
	case !l.symbolic:
		arrow = "=>"
		old = c.path(target)
		st, err := os.Lstat(old)
		if err != nil {
			c.say("failed to access %s: %s", shown(target), reason(err))
			return
		}
		if st.IsDir() {
			c.say("%s: hard link not allowed for directory", target)
			return
		}
		if l.follow {
			old = realOf(old)
		}
	}
	if there, err := os.Lstat(c.path(at)); err == nil && l.how != "" {
		what := target
		if l.symbolic && !filepath.IsAbs(target) {
			what = below(filepath.Dir(at), target)
		}
		if same, err := os.Lstat(c.path(what)); err == nil && os.SameFile(same, there) && filepath.Clean(c.path(what)) == filepath.Clean(c.path(at)) {
			c.say("%s and %s are the same file", shown(target), shown(at))
			return
		}
		if there.IsDir() {
			c.say("%s: cannot overwrite directory", at)
			return
		}
		if l.how == "ask" && !c.ask("replace %s", shown(at)) {
			return
		}
	}
	if err := makeLink(old, c.path(at), l.symbolic, l.how != ""); err != nil {
		kind, to := "symbolic", ""
		if !l.symbolic {
			kind = "hard"
			if !errors.Is(err, fs.ErrExist) {
				to = " => " + shown(target)
			}
		}
		c.say("failed to create %s link %s%s: %s", kind, shown(at), to, reason(err))
		return
	}
	if l.verbose {
		c.tell("%s %s %s", shown(at), arrow, shown(strings.TrimPrefix(old, strings.TrimSuffix(c.dir, "/")+"/")))
	}
}

// realOf is where a path leads in the end, or the path itself where that cannot
// be told.
func realOf(path string) string {
	if real, err := followed(path, 0); err == nil {
		return real
	}
	return path
}

// makeLink makes a link; by force it takes the place of what is there in one
// step, so that the name is never without anything.
func makeLink(old, path string, symbolic, force bool) error {
	act := os.Link
	if symbolic {
		act = os.Symlink
	}
	err := act(old, path)
	if !force || !errors.Is(err, fs.ErrExist) {
		return err
	}
	if st, err := os.Lstat(path); err == nil && st.IsDir() {
		return &fs.PathError{Op: "link", Path: path, Err: unix.EISDIR}
	}
	if a, err := os.Lstat(old); err == nil && !symbolic {
		if b, err := os.Lstat(path); err == nil && os.SameFile(a, b) {
			return nil
		}
	}
	beside := besideName(path)
	if err := act(old, beside); err != nil {
		return err
	}
	if err := os.Rename(beside, path); err != nil {
		_ = os.Remove(beside)
		return err
	}
	return nil
}

// besideName is a name in the same directory that nothing has.
func besideName(path string) string {
	return fmt.Sprintf("%s/.%s.rescue-%d-%d", filepath.Dir(path), filepath.Base(path), os.Getpid(), time.Now().UnixNano())
}

func readLink(c *call) {
	f := c.options()
	full := f.BoolP("canonicalize", "f", c.name == "realpath", "where it leads in the end; the last part need not be there")
	whole := f.BoolP("canonicalize-existing", "e", false, "the same, all of it has to be there")
	noLine := f.BoolP("no-newline", "n", false, "no end of line")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	for _, a := range args {
		var to string
		var err error
		switch {
		case *whole:
			to, err = filepath.EvalSymlinks(c.path(a))
		case *full:
			to, err = followed(c.path(a), 0)
		default:
			to, err = os.Readlink(c.path(a))
		}
		switch {
		case err == nil && *noLine:
			c.out.WriteString(to)
		case err == nil:
			fmt.Fprintln(c.out, to)
		case c.name == "realpath":
			c.failAt(a, err)
		default:
			c.failed() // as the real one, it says nothing
		}
	}
}

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

// followed is where a path leads in the end, where the last part need not be
// there.
func followed(path string, links int) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	above, err := filepath.EvalSymlinks(filepath.Dir(strings.TrimRight(path, "/")))
	if err != nil {
		return "", err
	}
	at := filepath.Join(above, filepath.Base(path))
	to, err := os.Readlink(at)
	if err != nil {
		return at, nil
	}
	if links++; links > maxLinks {
		return "", unix.ELOOP
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(above, to)
	}
	return followed(to, links)
}

func makeNode(c *call) {
	f := c.options()
	mode := f.StringP("mode", "m", "0666", "mode, in octal digits")
	fifos := c.name == "mkfifo"
	atLeast, atMost := 2, 4
	if fifos {
		atLeast, atMost = 1, -1
	}
	args, ok := c.read(f, atLeast, atMost)
	if !ok {
		return
	}
	perm, err := strconv.ParseUint(*mode, 8, 12)
	if err != nil {
		c.say("invalid mode %s", shown(*mode))
		return
	}
	m, dev := uint32(perm), 0
	names := args[:1]
	switch {
	case fifos:
		names, m = args, m|unix.S_IFIFO
	case args[1] == "p" && len(args) == 2:
		m |= unix.S_IFIFO
	case (args[1] == "b" || args[1] == "c" || args[1] == "u") && len(args) == 4:
		m |= unix.S_IFCHR
		if args[1] == "b" {
			m = m&^unix.S_IFMT | unix.S_IFBLK
		}
		major, err1 := strconv.ParseUint(args[2], 0, 32)
		minor, err2 := strconv.ParseUint(args[3], 0, 32)
		if err := errors.Join(err1, err2); err != nil {
			c.misuse()
			return
		}
		dev = int(unix.Mkdev(uint32(major), uint32(minor)))
	default:
		c.misuse()
		return
	}
	for _, n := range names {
		if err := unix.Mknod(c.path(n), m, dev); err != nil {
			if fifos {
				c.cannot("create fifo", n, err)
			} else {
				c.failAt(n, err)
			}
			continue
		}
		if f.Changed("mode") {
			c.failAt(n, unix.Chmod(c.path(n), uint32(perm)))
		}
	}
}
