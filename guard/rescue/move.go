package rescue

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func move(c *call) {
	f := c.options()
	how := ""
	oneOf(f, &how, "force", "f", "", "do not ask")
	oneOf(f, &how, "interactive", "i", "ask", "ask before writing over")
	oneOf(f, &how, "no-clobber", "n", "keep", "leave what is there")
	update := f.BoolP("update", "u", false, "leave what is as new")
	verbose := f.BoolP("verbose", "v", false, "say each")
	into := f.StringP("target-directory", "t", "", "put them here")
	noDir := f.BoolP("no-target-directory", "T", false, "DEST is the name itself, never a directory to put it in")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	// What moves to another file system together keeps its hard links.
	k := &copier{call: c, recursive: true, links: true, mode: true, owner: true, times: true, xattrs: true, hard: true}
	for _, p := range c.pairs(args, *into, *noDir) {
		if c.stopped() {
			return
		}
		from, to := p[0], p[1]
		st, err := c.lstatOperand(from)
		if errors.Is(err, unix.ENOTDIR) && st != nil {
			c.say("cannot move %s to %s: %s", shown(from), shown(to), reason(err))
			continue
		}
		if err != nil {
			c.cannot("stat", from, err)
			continue
		}
		if old, err := os.Lstat(c.path(to)); err == nil {
			switch {
			case how == "keep" || *update && !st.ModTime().After(old.ModTime()):
				continue
			case os.SameFile(st, old):
				c.say("%s and %s are the same file", shown(from), shown(to))
				continue
			case old.IsDir() && !st.IsDir():
				c.say("cannot overwrite directory %s with non-directory", shown(to))
				continue
			case st.IsDir() && !old.IsDir():
				c.say("cannot overwrite non-directory %s with directory %s", shown(to), shown(from))
				continue
			case how == "ask" && !c.ask("overwrite %s", shown(to)):
				continue
			}
		}
		k.moveOne(from, to, st, *verbose)
	}
}

// lstatOperand is about a link itself, but for one with a slash behind it that
// leads to no directory.
func (c *call) lstatOperand(name string) (fs.FileInfo, error) {
	bare := strings.TrimRight(name, "/")
	if bare == "" || bare == name {
		return os.Lstat(c.path(name))
	}
	st, err := os.Lstat(c.path(bare))
	switch {
	case err != nil || st.IsDir():
		return st, err
	case st.Mode()&fs.ModeSymlink != 0:
		return st, unix.ENOTDIR // rename(2) says so
	}
	return nil, unix.ENOTDIR
}

// moveOne renames a file, or copies it to another file system and removes it
// when all of it has arrived.
func (k *copier) moveOne(from, to string, st fs.FileInfo, verbose bool) {
	c := k.call
	at, dest := strings.TrimRight(c.path(from), "/"), strings.TrimRight(c.path(to), "/")
	err := unix.Rename(at, dest) // os.Rename refuses to replace an empty directory
	switch {
	case err == nil && verbose:
		c.tell("renamed %s -> %s", shown(from), shown(to))
		return
	case err == nil:
		return
	case errors.Is(err, unix.EINVAL) && strings.HasPrefix(filepath.Clean(dest)+"/", filepath.Clean(at)+"/"):
		c.say("cannot move %s to a subdirectory of itself, %s", shown(from), shown(to))
		return
	case !errors.Is(err, unix.EXDEV):
		c.say("cannot move %s to %s: %s", shown(from), shown(to), reason(err))
		return
	}
	if old, err := os.Lstat(dest); err == nil {
		if old.IsDir() { // only an empty one is replaced, as by rename
			err = unix.Rmdir(dest)
		} else {
			err = os.Remove(dest)
		}
		if err != nil {
			c.say("inter-device move failed: %s to %s; unable to remove target: %s", shown(from), shown(to), reason(err))
			return
		}
	}
	before := c.status
	c.status = 0
	k.verbose, k.copied = verbose, "copied "
	whole := k.tree(strings.TrimRight(from, "/"), to) && c.status == 0
	c.status = max(c.status, before)
	if !whole || c.stopped() {
		c.say("not all of %s could be copied to %s, so it stays", shown(from), shown(to))
		return
	}
	unix.Sync() // the copy is on the disk before the original goes
	r := remover{call: c, recursive: true, force: true, verbose: verbose}
	r.remove(strings.TrimRight(from, "/"), st, sysOf(st).Dev)
}
