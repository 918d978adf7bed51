package rescue

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func remove(c *call) {
	r := remover{call: c}
	f := c.options()
	f.BoolVarP(&r.recursive, "recursive", "r", false, "directories and all below")
	capital := f.BoolP("Recursive", "R", false, "the same")
	how := ""
	oneOf(f, &how, "force", "f", "force", "what is not there is no error; never ask")
	oneOf(f, &how, "each", "i", "each", "ask before each")
	oneOf(f, &how, "once", "I", "once", "ask once, before more than three or a tree goes")
	f.BoolVarP(&r.verbose, "verbose", "v", false, "say what is removed")
	f.BoolVarP(&r.dirs, "dir", "d", false, "empty directories too")
	f.BoolVar(&r.one, "one-file-system", false, "leave what is mounted below alone")
	f.Bool("preserve-root", true, "always so")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	r.recursive = r.recursive || *capital
	r.force, r.each = how == "force", how == "each"
	if len(args) == 0 {
		if !r.force {
			c.say("missing operand")
			c.misuse()
		}
		return
	}
	if how == "once" && (r.recursive || len(args) > 3) {
		noun, all := "arguments", ""
		if len(args) == 1 {
			noun = "argument"
		}
		if r.recursive {
			all = " recursively"
		}
		if !c.ask("remove %d %s%s", len(args), noun, all) {
			return
		}
	}
	for _, a := range args {
		if c.stopped() {
			return
		}
		r.operand(a)
	}
}

type remover struct {
	*call
	recursive, force, each, verbose, dirs, one bool
}

// operand removes what one word names.
func (r *remover) operand(name string) {
	bare := strings.TrimRight(name, "/")
	switch base := filepath.Base(name); {
	case name != "" && filepath.Clean(r.path(name)) == "/":
		r.say("%s is the root of everything: it stays", name)
		return
	case name != "" && (base == "." || base == ".."):
		r.say("refusing to remove '.' or '..' directory: skipping %s", shown(name))
		return
	}
	st, err := os.Lstat(r.path(bare))
	if err == nil && bare != name && !st.IsDir() {
		// Real ones empty the directory that "link/" leads to before they
		// say this. Nobody means that.
		why := unix.ENOTDIR
		if st.Mode()&fs.ModeSymlink != 0 && !r.recursive {
			why = unix.EISDIR
		}
		r.cannot("remove", name, why)
		return
	}
	if err != nil {
		if !r.force || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
			r.cannot("remove", name, err)
		}
		return
	}
	r.remove(name, st, sysOf(st).Dev)
}

// remove removes one file or tree, and reports whether nothing is left of it.
func (r *remover) remove(name string, st fs.FileInfo, dev uint64) bool {
	if r.stopped() {
		return false
	}
	if st.IsDir() && !r.dirs && !r.recursive {
		r.cannot("remove", name, unix.EISDIR)
		return false
	}
	if st.IsDir() && r.recursive {
		if r.one && sysOf(st).Dev != dev {
			r.say("skipping %s, since it's on a different device", shown(name))
			return false
		}
		entries, err := os.ReadDir(r.path(name))
		if err != nil {
			r.cannot("remove", name, err)
			return false
		}
		if r.each && len(entries) > 0 && !r.ask("descend into directory %s", shown(name)) {
			return false
		}
		all := true
		for _, d := range entries {
			i, err := d.Info()
			if err != nil {
				r.cannot("remove", below(name, d.Name()), err)
				all = false
				continue
			}
			all = r.remove(below(name, d.Name()), i, dev) && all
		}
		if !all {
			return false // it cannot be empty, and what is in it was said
		}
	}
	what := ""
	if st.IsDir() {
		what = "directory "
	}
	if r.each && !r.ask("remove %s %s", kindWord(st), shown(name)) {
		return false
	}
	if err := os.Remove(strings.TrimRight(r.path(name), "/")); err != nil {
		r.cannot("remove", name, err)
		return false
	}
	if r.verbose {
		r.tell("removed %s%s", what, shown(name))
	}
	return true
}

// below is the name of a file in a directory.
func below(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// kindWord is what a file is, as stat has it.
func kindWord(st fs.FileInfo) string {
	_, word := kindOf(sysOf(st).Mode)
	if st.Mode().IsRegular() && st.Size() == 0 {
		word = "regular empty file"
	}
	return word
}

func removeDir(c *call) {
	f := c.options()
	parents := f.BoolP("parents", "p", false, "the ones above too, when they are empty then")
	verbose := f.BoolP("verbose", "v", false, "say what is removed")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	for _, a := range args {
		for name := strings.TrimRight(a, "/"); name != "" && name != "."; name = filepath.Dir(name) {
			if *verbose {
				c.tell("rmdir: removing directory, %s", shown(name))
			}
			if err := unix.Rmdir(c.path(name)); err != nil {
				c.say("failed to remove %s: %s", shown(name), reason(err))
				break
			}
			if !*parents || filepath.Dir(name) == "/" {
				break
			}
		}
	}
}
