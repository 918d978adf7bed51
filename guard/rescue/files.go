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

func remove(c *call) {
	var r remover
	r.call = c
	f := c.options()
	f.BoolVarP(&r.recursive, "recursive", "r", false, "directories and all below")
	capital := f.BoolP("Recursive", "R", false, "the same")
	f.BoolVarP(&r.force, "force", "f", false, "what is not there is no error; never ask")
	f.BoolVarP(&r.ask, "interactive", "i", false, "ask before each")
	f.BoolVarP(&r.verbose, "verbose", "v", false, "say what is removed")
	f.BoolVarP(&r.dirs, "dir", "d", false, "empty directories too")
	f.BoolVar(&r.one, "one-file-system", false, "leave what is mounted below alone")
	f.Bool("preserve-root", true, "always so")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	r.recursive = r.recursive || *capital
	if len(args) == 0 && !r.force {
		c.misuse()
		return
	}
	for _, a := range args {
		if c.stopped() {
			return
		}
		switch base := filepath.Base(a); {
		case filepath.Clean(c.path(a)) == "/":
			c.say("%s is the root of everything: it stays", a)
			continue
		case base == "." || base == "..":
			c.say("%s: . and .. stay", a)
			continue
		}
		path := strings.TrimRight(c.path(a), "/")
		st, err := os.Lstat(path)
		if err != nil {
			if !r.force || !errors.Is(err, fs.ErrNotExist) {
				c.fail(err)
			}
			continue
		}
		r.remove(path, st, sysOf(st).Dev)
	}
}

type remover struct {
	*call
	recursive, force, ask, verbose, dirs, one bool
}

// remove removes one file or tree, and reports whether nothing is left of it.
func (r *remover) remove(path string, st fs.FileInfo, dev uint64) bool {
	if r.stopped() {
		return false
	}
	if st.IsDir() && !r.dirs && !r.recursive {
		r.say("%s: is a directory", path)
		return false
	}
	if st.IsDir() && r.recursive {
		if r.one && sysOf(st).Dev != dev {
			r.say("%s is another file system: left alone", path)
			return false
		}
		if r.ask && !r.call.ask("go into %s", path) {
			return false
		}
		entries, err := os.ReadDir(path)
		r.fail(err)
		for _, d := range entries {
			i, err := d.Info()
			if err != nil {
				r.fail(err)
				continue
			}
			r.remove(filepath.Join(path, d.Name()), i, dev)
		}
	}
	if r.ask && !r.force && !r.call.ask("remove %s", path) {
		return false
	}
	if err := os.Remove(path); err != nil {
		r.fail(err)
		return false
	}
	if r.verbose {
		fmt.Fprintf(r.out, "removed %s\n", path)
	}
	return true
}

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
		path := c.path(a)
		made := os.Mkdir
		if *parents {
			if st, err := os.Stat(path); err == nil && st.IsDir() {
				continue
			}
			made = os.MkdirAll
		}
		if err := made(path, 0o777); err != nil {
			c.fail(err)
			continue
		}
		if change != nil {
			c.fail(unix.Chmod(path, change(0o777, true)))
		}
		if *verbose {
			fmt.Fprintf(c.out, "made %s\n", a)
		}
	}
}

func removeDir(c *call) {
	f := c.options()
	parents := f.BoolP("parents", "p", false, "the ones above too, when they are empty then")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	for _, a := range args {
		for name := strings.TrimRight(a, "/"); name != "" && name != "."; name = filepath.Dir(name) {
			if err := unix.Rmdir(c.path(name)); err != nil {
				c.say("%s: %s", name, err)
				break
			}
			if !*parents || filepath.Dir(name) == "/" {
				break
			}
		}
	}
}

func touch(c *call) {
	f := c.options()
	access := f.BoolP("access", "a", false, "only when it was read last")
	modified := f.BoolP("modified", "m", false, "only when it was changed last")
	noCreate := f.BoolP("no-create", "c", false, "make no file")
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
			c.fail(err)
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
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if *noCreate {
				continue
			}
			file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
			if err != nil {
				c.fail(err)
				continue
			}
			file.Close()
		}
		c.fail(os.Chtimes(path, at, mt)) // the zero time leaves one as it is
	}
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
	return time.Time{}, fmt.Errorf("%s: a date is 2006-01-02 15:04:05 here", s)
}

func link(c *call) {
	f := c.options()
	symbolic := f.BoolP("symbolic", "s", false, "a symbolic link")
	force := f.BoolP("force", "f", false, "replace what has the name")
	noDeref := f.BoolP("no-dereference", "n", false, "a link to a directory is a link, not the directory")
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
	case len(args) == 1:
		dir = "."
	default:
		targets, name = args[:len(args)-1], args[len(args)-1]
		look := os.Stat
		if *noDeref {
			look = os.Lstat
		}
		if st, err := look(c.path(name)); err == nil && st.IsDir() && !*noDir {
			dir = name
		} else if len(targets) > 1 {
			c.say("%s is no directory", name)
			return
		}
	}
	for _, t := range targets {
		at := name
		if dir != "" {
			at = filepath.Join(dir, filepath.Base(t))
		}
		old := t
		if !*symbolic {
			old = c.path(t)
		}
		c.fail(makeLink(old, c.path(at), *symbolic, *force))
		if *verbose {
			fmt.Fprintf(c.out, "%s -> %s\n", at, t)
		}
	}
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
	follow := f.BoolP("canonicalize", "f", false, "where it leads in the end")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	for _, a := range args {
		to, err := os.Readlink(c.path(a))
		if *follow || c.name == "realpath" {
			to, err = filepath.EvalSymlinks(c.path(a))
		}
		if err != nil {
			c.fail(err)
			continue
		}
		fmt.Fprintln(c.out, to)
	}
}

func makeNode(c *call) {
	f := c.options()
	mode := f.StringP("mode", "m", "0666", "mode, in octal digits")
	args, ok := c.read(f, 2, 4)
	if !ok {
		return
	}
	perm, err := strconv.ParseUint(*mode, 8, 12)
	if err != nil {
		c.say("%s is no mode", *mode)
		return
	}
	m, dev := uint32(perm), 0
	switch {
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
	if err := unix.Mknod(c.path(args[0]), m, dev); err != nil {
		c.say("%s: %s", args[0], err)
		return
	}
	if f.Changed("mode") {
		c.fail(unix.Chmod(c.path(args[0]), uint32(perm)))
	}
}
