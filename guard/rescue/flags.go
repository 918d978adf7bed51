package rescue

import (
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// fileFlags are the flags of a file on ext4 and its like, in the order in which
// lsattr shows them.
var fileFlags = []struct {
	letter byte
	bit    int
}{
	{'s', 0x1}, {'u', 0x2}, {'S', 0x8}, {'D', 0x10000}, {'i', 0x10}, {'a', 0x20}, {'d', 0x40}, {'A', 0x80}, {'c', 0x4}, {'E', 0x800},
	{'j', 0x4000}, {'I', 0x1000}, {'t', 0x8000}, {'T', 0x20000}, {'e', 0x80000}, {'C', 0x800000}, {'x', 0x2000000}, {'F', 0x40000000},
	{'N', 0x10000000}, {'P', 0x20000000}, {'V', 0x100000}, {'m', 0x400},
}

// openForFlags opens a file or directory whose flags are meant, and nothing
// whose opening does something.
func openForFlags(path string) (*os.File, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() && !st.Mode().IsRegular() {
		return nil, unix.EOPNOTSUPP
	}
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
}

func listFlags(c *call) {
	f := c.options()
	recursive := f.BoolP("recursive", "R", false, "all below too")
	all := f.BoolP("all", "a", false, "names that begin with a dot too")
	dirs := f.BoolP("directory", "d", false, "directories themselves, not what is in them")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	show := func(name string) {
		file, err := openForFlags(c.path(name))
		if err == nil {
			defer file.Close()
			var flags uint32
			if flags, err = unix.IoctlGetUint32(int(file.Fd()), unix.FS_IOC_GETFLAGS); err == nil {
				text := make([]byte, len(fileFlags))
				for i, f := range fileFlags {
					if text[i] = '-'; int(flags)&f.bit != 0 {
						text[i] = f.letter
					}
				}
				c.tell("%s %s", text, name)
				return
			}
		}
		c.say("%s While reading flags on %s", reason(err), name)
	}
	var list func(dir string)
	list = func(dir string) {
		entries, err := os.ReadDir(c.path(dir))
		c.failAt(dir, err)
		for _, e := range entries {
			if c.stopped() {
				return
			}
			if e.Name()[0] == '.' && !*all {
				continue
			}
			name := below(dir, e.Name())
			show(name)
			if e.IsDir() && *recursive {
				c.tell("\n%s:", name)
				list(name)
				c.tell("")
			}
		}
	}
	for _, a := range args {
		st, err := os.Lstat(c.path(a))
		switch {
		case err != nil:
			c.say("%s while trying to stat %s", reason(err), a)
		case st.IsDir() && !*dirs:
			list(a)
		default:
			show(a)
		}
	}
}

func changeFlags(c *call) {
	recursive, add, drop, set := false, 0, 0, -1
	args := c.args
	for len(args) > 0 && len(args[0]) > 1 && strings.IndexByte("+-=", args[0][0]) >= 0 && args[0] != "--" {
		bits := 0
		word := args[0][1:]
		if args[0][0] == '-' && strings.Trim(word, "RVf") == "" {
			recursive = recursive || strings.Contains(word, "R")
			args = args[1:]
			continue
		}
		for _, l := range []byte(word) {
			bit := 0
			for _, f := range fileFlags {
				if f.letter == l {
					bit = f.bit
				}
			}
			if bit == 0 {
				c.say("invalid flag '%c'", l)
				c.misuse()
				return
			}
			bits |= bit
		}
		switch args[0][0] {
		case '+':
			add |= bits
		case '-':
			drop |= bits
		default:
			set = bits
		}
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || add == 0 && drop == 0 && set < 0 {
		c.say("Must use '-v', =, - or +")
		c.misuse()
		return
	}
	var change func(name string, operand bool)
	change = func(name string, operand bool) {
		st, err := os.Lstat(c.path(name))
		if err == nil && !operand && !st.IsDir() && !st.Mode().IsRegular() {
			return // has none
		}
		if err == nil {
			err = changeFlag(c.path(name), add, drop, set)
		}
		if err != nil {
			c.say("%s while setting flags on %s", reason(err), name)
			return
		}
		if !recursive || !st.IsDir() {
			return
		}
		entries, err := os.ReadDir(c.path(name))
		c.failAt(name, err)
		for _, e := range entries {
			if !c.stopped() && e.Type()&fs.ModeSymlink == 0 {
				change(below(name, e.Name()), false)
			}
		}
	}
	for _, a := range args {
		change(a, true)
	}
}

// ownFlags are those that the file system sets itself: they stay.
const ownFlags = 0x80000 | 0x1000 | 0x10000000

func changeFlag(path string, add, drop, set int) error {
	file, err := openForFlags(path)
	if err != nil {
		return err
	}
	defer file.Close()
	flags, err := unix.IoctlGetUint32(int(file.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	now := int(flags)
	if set >= 0 {
		now = now&ownFlags | set
	}
	return unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, now&^drop|add)
}
