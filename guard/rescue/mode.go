package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// whose are the bits that belong to the letter of somebody.
func whose(c rune) (uint32, bool) {
	switch c {
	case 'u':
		return 0o4700, true
	case 'g':
		return 0o2070, true
	case 'o':
		return 0o1007, true
	case 'a':
		return 0o7777, true
	}
	return 0, false
}

// plainBits are those that a letter means, for everybody.
func plainBits(c rune) uint32 {
	switch c {
	case 'r':
		return 0o444
	case 'w':
		return 0o222
	case 'x':
		return 0o111
	case 's':
		return 0o6000
	case 't':
		return 0o1000
	}
	return 0
}

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
			return nil, fmt.Errorf("invalid mode: %s", shown(s))
		}
		var who uint32
		for _, c := range part[:at] {
			bits, ok := whose(c)
			if !ok {
				return nil, fmt.Errorf("invalid mode: %s", shown(s))
			}
			who |= bits
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
				return nil, fmt.Errorf("invalid mode: %s", shown(s))
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
		bits |= plainBits(c)
		switch c {
		case 'X':
			if dir || old&0o111 != 0 {
				bits |= 0o111
			}
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
// follows no link that it meets on the way, and an operand that is one only
// where into says so.
func (g *changing) each(names []string, into bool, f func(name string, st fs.FileInfo, operand bool)) {
	for _, n := range names {
		st, err := os.Lstat(g.path(n))
		if err != nil {
			g.could("cannot access", n, err)
			continue
		}
		f(n, st, true)
		if followed, err := os.Stat(g.path(n)); into && err == nil {
			st = followed
		}
		if g.recursive && st.IsDir() {
			g.eachBelow(n, f)
		}
	}
}

func (g *changing) eachBelow(dir string, f func(string, fs.FileInfo, bool)) {
	entries, err := os.ReadDir(g.path(dir))
	g.could("cannot read directory", dir, err)
	for _, d := range entries {
		if g.stopped() {
			return
		}
		name := below(dir, d.Name())
		st, err := d.Info()
		if !g.could("cannot access", name, err) {
			continue
		}
		f(name, st, false)
		if st.IsDir() {
			g.eachBelow(name, f)
		}
	}
}

// changing is one run of chmod, chown or chgrp.
type changing struct {
	*call
	recursive, verbose, changes, quiet bool
	reference                          string
}

// read reads the options that they have in common, and those of f. The
// operands begin with what is to be set, unless another file says it.
func (g *changing) read(f *pflag.FlagSet) (ref fs.FileInfo, what string, files []string, ok bool) {
	f.BoolVarP(&g.recursive, "recursive", "R", false, "all below too")
	f.BoolVarP(&g.verbose, "verbose", "v", false, "say each")
	f.BoolVarP(&g.changes, "changes", "c", false, "say what changes")
	f.BoolVarP(&g.quiet, "quiet", "f", false, "no words about what cannot be done")
	f.StringVar(&g.reference, "reference", "", "take it from this file")
	f.Bool("preserve-root", true, "always so")
	files, ok = g.call.read(f, 1, -1)
	if !ok {
		return nil, "", nil, false
	}
	if g.reference != "" {
		ref, err := os.Stat(g.path(g.reference))
		if err != nil {
			g.say("failed to get attributes of %s: %s", shown(g.reference), reason(err))
			return nil, "", nil, false
		}
		return ref, "", files, true
	}
	if len(files) < 2 {
		g.say("missing operand after %s", shown(files[0]))
		g.misuse()
		return nil, "", nil, false
	}
	return nil, files[0], files[1:], true
}

// done says what became of one file.
func (g *changing) done(changed bool, words string) {
	if g.verbose || g.changes && changed {
		g.tell("%s", words)
	}
}

// could says what could not be done, unless nobody wants to know.
func (g *changing) could(doing, name string, err error) bool {
	if err != nil && !g.quiet {
		g.say("%s %s: %s", doing, shown(name), reason(err))
	} else if err != nil {
		g.failed()
	}
	return err == nil
}

func changeMode(c *call) {
	// A mode such as -x looks like an option.
	for i, a := range c.args {
		if a == "--" || a == "" || a[0] != '-' {
			break
		}
		if len(a) > 1 && a[0] == '-' && strings.Trim(a[1:], "rwxXstugo,+-=01234567") == "" {
			c.args = append(append(append([]string{}, c.args[:i]...), "--"), c.args[i:]...)
			break
		}
	}
	g := changing{call: c}
	ref, what, files, ok := g.read(c.options())
	if !ok {
		return
	}
	change := func(uint32, bool) uint32 { return sysOf(ref).Mode & 0o7777 }
	if ref == nil {
		var err error
		if change, err = parseMode(what); err != nil {
			c.say("%s", err)
			return
		}
	}
	g.each(files, true, func(name string, st fs.FileInfo, operand bool) {
		if st.Mode()&fs.ModeSymlink != 0 {
			if !operand {
				// A link has no mode, and where it leads is not below.
				g.done(false, fmt.Sprintf("neither symbolic link %s nor referent has been changed", shown(name)))
				return
			}
			followed, err := os.Stat(c.path(name))
			if err != nil {
				c.say("cannot operate on dangling symlink %s", shown(name))
				return
			}
			st = followed
		}
		old := sysOf(st).Mode & 0o7777
		mode := change(old, st.IsDir())
		switch {
		case mode == old:
			g.done(false, fmt.Sprintf("mode of %s retained as %04o (%s)", shown(name), old, modeText(old)[1:]))
		case g.could("changing permissions of", name, unix.Chmod(c.path(name), mode)):
			g.done(true, fmt.Sprintf("mode of %s changed from %04o (%s) to %04o (%s)", shown(name), old, modeText(old)[1:], mode, modeText(mode)[1:]))
		}
	})
}

func changeOwner(c *call) {
	g := changing{call: c}
	f := c.options()
	noDeref := f.BoolP("no-dereference", "h", false, "a link itself, not where it leads")
	ref, what, files, ok := g.read(f)
	if !ok {
		return
	}
	uid, gid := -1, -1
	var err error
	switch {
	case ref != nil:
		if gid = int(sysOf(ref).Gid); c.name == "chown" {
			uid = int(sysOf(ref).Uid)
		}
	case c.name == "chgrp":
		gid, err = groupID(what)
	default:
		uid, gid, err = ownerIDs(what)
	}
	if err != nil {
		c.say("%s", err)
		return
	}
	users, groups := names{look: userName}, names{look: groupName}
	g.each(files, false, func(name string, st fs.FileInfo, operand bool) {
		set := os.Lchown
		if !*noDeref && operand && !g.recursive {
			if st, err = os.Stat(c.path(name)); err != nil {
				c.say("cannot dereference %s: %s", shown(name), reason(err))
				return
			}
			set = os.Chown
		}
		old := sysOf(st)
		isNew := uid >= 0 && uint32(uid) != old.Uid || gid >= 0 && uint32(gid) != old.Gid
		doing := "changing ownership of"
		if uid < 0 {
			doing = "changing group of"
		}
		if !g.could(doing, name, set(c.path(name), uid, gid)) {
			return
		}
		owner := func(u, g uint32) string {
			switch {
			case uid < 0:
				return groups.name(g)
			case gid < 0:
				return users.name(u)
			}
			return users.name(u) + ":" + groups.name(g)
		}
		to := owner(uint32(uid), uint32(gid))
		if asked := strings.Trim(what, ":"); asked != "" && !strings.HasSuffix(what, ":") {
			to = asked // as it was written
		}
		kind := map[bool]string{true: "group", false: "ownership"}[uid < 0]
		if !isNew {
			g.done(false, fmt.Sprintf("%s of %s retained as %s", kind, shown(name), to))
			return
		}
		g.done(true, fmt.Sprintf("changed %s of %s from %s to %s", kind, shown(name), owner(old.Uid, old.Gid), to))
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
				return -1, -1, fmt.Errorf("invalid user: %s (its number works)", shown(s))
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
		return -1, fmt.Errorf("invalid group: %s (its number works)", shown(name))
	}
	return id, nil
}
