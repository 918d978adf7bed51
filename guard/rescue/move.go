package rescue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func move(c *call) {
	f := c.options()
	f.BoolP("force", "f", false, "do not ask")
	ask := f.BoolP("interactive", "i", false, "ask before writing over")
	noClobber := f.BoolP("no-clobber", "n", false, "leave what is there")
	verbose := f.BoolP("verbose", "v", false, "say each")
	into := f.StringP("target-directory", "t", "", "put them here")
	noDir := f.BoolP("no-target-directory", "T", false, "DEST is the name itself, never a directory to put it in")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	for i, a := range args { // "mv dir/ to" names the directory
		if bare := strings.TrimRight(a, "/"); bare != "" {
			args[i] = bare
		}
	}
	for _, p := range c.pairs(args, *into, *noDir) {
		if c.stopped() {
			return
		}
		st, err := os.Lstat(p[0])
		if err != nil {
			c.fail(err)
			continue
		}
		if old, err := os.Lstat(p[1]); err == nil {
			if *noClobber {
				continue
			}
			if os.SameFile(st, old) {
				c.say("%s and %s are the same file", p[0], p[1])
				continue
			}
			if *ask && !c.ask("write over %s", p[1]) {
				continue
			}
		}
		if err := c.moveOne(p[0], p[1], st); err != nil {
			c.fail(err)
			continue
		}
		if *verbose {
			fmt.Fprintf(c.out, "%s -> %s\n", p[0], p[1])
		}
	}
}

// errIncomplete says that an original stays, since its copy is not whole.
var errIncomplete = errors.New("not all of it could be copied, so the original stays")

// moveOne renames a file, or copies it to another file system and removes it
// when all of it has arrived.
func (c *call) moveOne(from, to string, st fs.FileInfo) error {
	err := unix.Rename(from, to) // os.Rename refuses to replace an empty directory
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, unix.EXDEV):
		return &os.LinkError{Op: "mv", Old: from, New: to, Err: err}
	}
	if old, err := os.Lstat(to); err == nil {
		if old.IsDir() {
			return &fs.PathError{Op: "mv", Path: to, Err: unix.EEXIST}
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	before := c.status
	c.status = 0
	k := copier{call: c, recursive: true, links: true, mode: true, owner: true, times: true, xattrs: true, hard: true}
	whole := k.tree(from, to) && c.status == 0
	c.status = max(c.status, before)
	if !whole || c.stopped() {
		return &fs.PathError{Op: "mv", Path: from, Err: errIncomplete}
	}
	unix.Sync() // the copy is on the disk before the original goes
	r := remover{call: c, recursive: true, force: true}
	r.remove(from, st, sysOf(st).Dev)
	return nil
}
