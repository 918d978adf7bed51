package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// parseMode reads a mode as chmod(1) does: octal digits or letters. The
// function returned makes a new mode of an old one.
func parseMode(s string) (func(old uint32, dir bool) uint32, error) {
	if n, err := strconv.ParseUint(s, 8, 32); err == nil && n <= 0o7777 {
		return func(old uint32, dir bool) uint32 {
			if dir && len(s) < 5 { // GNU: digits leave a directory's set-id bits, unless all are given
				return uint32(n) | old&(unix.S_ISUID|unix.S_ISGID)
			}
			return uint32(n)
		}, nil
	}
	mask := uint32(syscall.Umask(0))
	syscall.Umask(int(mask))
	var steps []func(uint32, bool) uint32
	for part := range strings.SplitSeq(s, ",") {
		at := strings.IndexAny(part, "+-=")
		if at < 0 {
			return nil, fmt.Errorf("%s is no mode", s)
		}
		var who uint32
		for _, c := range part[:at] {
			switch c {
			case 'u':
				who |= 0o4700
			case 'g':
				who |= 0o2070
			case 'o':
				who |= 0o1007
			case 'a':
				who |= 0o7777
			default:
				return nil, fmt.Errorf("%s is no mode", s)
			}
		}
		all := who == 0 // then the umask counts
		if all {
			who = 0o7777
		}
		for rest := part[at:]; rest != ""; {
			op := rest[0]
			end := strings.IndexAny(rest[1:], "+-=")
			what := rest[1:]
			if end >= 0 {
				what, rest = rest[1:end+1], rest[end+1:]
			} else {
				rest = ""
			}
			if strings.Trim(what, "rwxXstugo") != "" {
				return nil, fmt.Errorf("%s is no mode", s)
			}
			steps = append(steps, func(old uint32, dir bool) uint32 {
				bits := modeBits(what, old, dir) & who
				if all {
					bits &^= mask
				}
				switch op {
				case '+':
					return old | bits
				case '-':
					return old &^ bits
				}
				keep := ^who
				if dir {
					keep |= unix.S_ISUID | unix.S_ISGID
				}
				return old&keep | bits
			})
		}
	}
	return func(old uint32, dir bool) uint32 {
		for _, step := range steps {
			old = step(old, dir)
		}
		return old
	}, nil
}

// modeBits is what the letters of one step mean, for everybody.
func modeBits(what string, old uint32, dir bool) (bits uint32) {
	for _, c := range what {
		switch c {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X':
			if dir || old&0o111 != 0 {
				bits |= 0o111
			}
		case 's':
			bits |= 0o6000
		case 't':
			bits |= 0o1000
		case 'u':
			bits |= old >> 6 & 7 * 0o111
		case 'g':
			bits |= old >> 3 & 7 * 0o111
		case 'o':
			bits |= old & 7 * 0o111
		}
	}
	return bits
}

// each runs f over the operands and, where it is asked for, all below them. It
// follows no link that it meets on the way.
func (c *call) each(names []string, recursive bool, f func(path string, st fs.FileInfo, named bool)) {
	for _, n := range names {
		path := c.path(n)
		st, err := os.Lstat(path)
		if err != nil {
			c.fail(err)
			continue
		}
		f(path, st, true)
		if !recursive || !st.IsDir() {
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			switch {
			case c.stopped():
				return c.ctx.Err()
			case err != nil:
				c.fail(err)
				return nil
			case p == path:
				return nil
			}
			i, err := d.Info()
			if err != nil {
				c.fail(err)
				return nil
			}
			f(p, i, false)
			return nil
		})
		c.fail(err)
	}
}

func changeMode(c *call) {
	// A mode such as -x looks like an option.
	for i, a := range c.args {
		if len(a) > 1 && a[0] == '-' && strings.Trim(a[1:], "rwxXstugo,+-=") == "" {
			c.args = append(append(append([]string{}, c.args[:i]...), "--", a), c.args[i+1:]...)
			break
		}
		if a == "--" || a == "" || a[0] != '-' {
			break
		}
	}
	f := c.options()
	recursive := f.BoolP("recursive", "R", false, "all below too")
	verbose := f.BoolP("verbose", "v", false, "say each")
	changes := f.BoolP("changes", "c", false, "say what changes")
	quiet := f.BoolP("quiet", "f", false, "no words about what cannot be done")
	reference := f.String("reference", "", "take the mode of this file")
	f.Bool("preserve-root", true, "always so")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	var change func(uint32, bool) uint32
	if *reference != "" {
		st, err := os.Stat(c.path(*reference))
		if err != nil {
			c.fail(err)
			return
		}
		mode := sysOf(st).Mode & 0o7777
		change = func(uint32, bool) uint32 { return mode }
	} else {
		var err error
		if change, err = parseMode(args[0]); err != nil {
			c.say("%s", err)
			return
		}
		args = args[1:]
	}
	if len(args) == 0 {
		c.misuse()
		return
	}
	c.each(args, *recursive, func(path string, st fs.FileInfo, named bool) {
		if st.Mode()&fs.ModeSymlink != 0 {
			if !named {
				return // a link has no mode, and where it leads is not below
			}
			followed, err := os.Stat(path)
			if err != nil {
				c.fail(err)
				return
			}
			st = followed
		}
		old := sysOf(st).Mode & 0o7777
		mode := change(old, st.IsDir())
		if mode != old {
			if err := unix.Chmod(path, mode); err != nil {
				if !*quiet {
					c.say("%s: %s", path, err)
				}
				c.status = 1
				return
			}
		}
		if *verbose || *changes && mode != old {
			fmt.Fprintf(c.out, "%s: %04o to %04o\n", path, old, mode)
		}
	})
}

func changeOwner(c *call) {
	f := c.options()
	recursive := f.BoolP("recursive", "R", false, "all below too")
	noDeref := f.BoolP("no-dereference", "h", false, "a link itself, not where it leads")
	verbose := f.BoolP("verbose", "v", false, "say each")
	reference := f.String("reference", "", "take the owner of this file")
	f.Bool("preserve-root", true, "always so")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	uid, gid := -1, -1
	if *reference != "" {
		st, err := os.Stat(c.path(*reference))
		if err != nil {
			c.fail(err)
			return
		}
		uid, gid = int(sysOf(st).Uid), int(sysOf(st).Gid)
		if c.name == "chgrp" {
			uid = -1
		}
	} else {
		var err error
		if c.name == "chgrp" {
			gid, err = groupID(args[0])
		} else {
			uid, gid, err = ownerIDs(args[0])
		}
		if err != nil {
			c.say("%s", err)
			return
		}
		args = args[1:]
	}
	if len(args) == 0 {
		c.misuse()
		return
	}
	c.each(args, *recursive, func(path string, st fs.FileInfo, named bool) {
		own := os.Chown
		if *noDeref || !named || *recursive {
			own = os.Lchown
		}
		if err := own(path, uid, gid); err != nil {
			c.fail(err)
			return
		}
		if *verbose {
			fmt.Fprintln(c.out, path)
		}
	})
}

// ownerIDs reads USER, USER:GROUP, USER: and :GROUP, names or numbers.
func ownerIDs(s string) (uid, gid int, err error) {
	uid, gid = -1, -1
	name, group, both := strings.Cut(s, ":")
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			if uid, err = strconv.Atoi(name); err != nil || uid < 0 {
				return -1, -1, fmt.Errorf("%s: no such user here; its number works", name)
			}
		} else {
			if uid, err = strconv.Atoi(u.Uid); err != nil {
				return -1, -1, err
			}
			if both && group == "" {
				if gid, err = strconv.Atoi(u.Gid); err != nil {
					return -1, -1, err
				}
			}
		}
	}
	if group != "" {
		if gid, err = groupID(group); err != nil {
			return -1, -1, err
		}
	}
	return uid, gid, nil
}

func groupID(name string) (int, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return strconv.Atoi(g.Gid)
	}
	id, err := strconv.Atoi(name)
	if err != nil || id < 0 {
		return -1, fmt.Errorf("%s: no such group here; its number works", name)
	}
	return id, nil
}
