package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fullTime is a time to the last digit, as ls and stat show it.
const fullTime = "2006-01-02 15:04:05.000000000 -0700"

// human is a size with a unit, rounded up as ls, du and df do.
func human(n uint64) string {
	if n < 1024 {
		return strconv.FormatUint(n, 10)
	}
	unit, v := 0, float64(n)
	for v >= 1024 && unit < 6 {
		v /= 1024
		unit++
	}
	up := func(v float64) float64 {
		if w := float64(int64(v)); w < v {
			return w + 1
		}
		return v
	}
	if v < 10 {
		return fmt.Sprintf("%.1f%c", up(v*10)/10, "KMGTPE"[unit-1])
	}
	return fmt.Sprintf("%.0f%c", up(v), "KMGTPE"[unit-1])
}

// when is a time as ls shows it: with the year where it is not near.
func when(t time.Time) string {
	if d := time.Since(t); d < -time.Hour || d > 182*24*time.Hour {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

func sysOf(i fs.FileInfo) *syscall.Stat_t {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return st
	}
	return &syscall.Stat_t{}
}

// kinds are the letters and words of file types.
var kinds = [...]struct {
	bits   uint32
	letter byte
	word   string
}{
	{unix.S_IFREG, '-', "regular file"}, {unix.S_IFDIR, 'd', "directory"}, {unix.S_IFLNK, 'l', "symbolic link"},
	{unix.S_IFBLK, 'b', "block special file"}, {unix.S_IFCHR, 'c', "character special file"},
	{unix.S_IFIFO, 'p', "fifo"}, {unix.S_IFSOCK, 's', "socket"},
}

func kindOf(mode uint32) (letter byte, word string) {
	for _, k := range kinds {
		if mode&unix.S_IFMT == k.bits {
			return k.letter, k.word
		}
	}
	return '?', "unknown"
}

// modeText is a mode as ls -l shows it.
func modeText(mode uint32) string {
	b := []byte("?rwxrwxrwx")
	b[0], _ = kindOf(mode)
	for i := range 9 {
		if mode&(1<<(8-i)) == 0 {
			b[i+1] = '-'
		}
	}
	for _, s := range [...]struct {
		bit    uint32
		at     int
		letter byte
	}{{unix.S_ISUID, 3, 's'}, {unix.S_ISGID, 6, 's'}, {unix.S_ISVTX, 9, 't'}} {
		if mode&s.bit == 0 {
			continue
		}
		if b[s.at] == '-' {
			s.letter -= 'a' - 'A'
		}
		b[s.at] = s.letter
	}
	return string(b)
}

// names turns ids into names, as long as there is a file that has them.
type names struct {
	look func(string) (string, error)
	seen map[uint32]string
}

func userName(id string) (string, error) {
	u, err := user.LookupId(id)
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

func groupName(id string) (string, error) {
	g, err := user.LookupGroupId(id)
	if err != nil {
		return "", err
	}
	return g.Name, nil
}

func (n *names) name(id uint32) string {
	s := strconv.FormatUint(uint64(id), 10)
	if n.look == nil {
		return s
	}
	if name, ok := n.seen[id]; ok {
		return name
	}
	if name, err := n.look(s); err == nil {
		s = name
	}
	if n.seen == nil {
		n.seen = map[uint32]string{}
	}
	n.seen[id] = s
	return s
}

// birth is when a file was made, as far as its file system knows.
func birth(path string, follow bool) string {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, flags, unix.STATX_BTIME, &st); err != nil || st.Mask&unix.STATX_BTIME == 0 {
		return "-"
	}
	return time.Unix(st.Btime.Sec, int64(st.Btime.Nsec)).Format(fullTime)
}

func stat(c *call) {
	f := c.options()
	follow := f.BoolP("dereference", "L", false, "what a link leads to")
	format := f.StringP("format", "c", "", "%n name, %s size, %a %A mode, %u %g %U %G owner, %F type, %i inode, %h links, %Y %y modified, %t:%T device")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	users, groups := names{look: userName}, names{look: groupName}
	for _, a := range args {
		look := os.Lstat
		if *follow {
			look = os.Stat
		}
		i, err := look(c.path(a))
		if err != nil {
			c.cannot("statx", a, err)
			continue
		}
		st := sysOf(i)
		_, word := kindOf(st.Mode)
		at := func(sec, nsec int64) string {
			return time.Unix(sec, nsec).Format(fullTime)
		}
		quoted := shown(a)
		if to, err := os.Readlink(c.path(a)); err == nil {
			quoted += " -> " + shown(to)
		}
		values := []string{
			"%n", a, "%s", strconv.FormatInt(i.Size(), 10), "%a", strconv.FormatUint(uint64(st.Mode&0o7777), 8), "%A", modeText(st.Mode),
			"%u", strconv.Itoa(int(st.Uid)), "%g", strconv.Itoa(int(st.Gid)), "%U", users.name(st.Uid), "%G", groups.name(st.Gid),
			"%F", kindWord(i), "%N", quoted, "%B", "512", "%o", strconv.FormatInt(int64(st.Blksize), 10), "%d", strconv.FormatUint(st.Dev, 10), "%f", strconv.FormatUint(uint64(st.Mode), 16),
			"%x", at(st.Atim.Unix()), "%z", at(st.Ctim.Unix()), "%Z", strconv.FormatInt(st.Ctim.Sec, 10), "%i", strconv.FormatUint(st.Ino, 10), "%h", strconv.FormatUint(uint64(st.Nlink), 10),
			"%Y", strconv.FormatInt(i.ModTime().Unix(), 10), "%y", at(st.Mtim.Unix()), "%X", strconv.FormatInt(st.Atim.Sec, 10),
			"%t", strconv.FormatUint(uint64(unix.Major(st.Rdev)), 16), "%T", strconv.FormatUint(uint64(unix.Minor(st.Rdev)), 16),
			"%b", strconv.FormatInt(st.Blocks, 10), "%%", "%",
		}
		if *format != "" {
			fmt.Fprintln(c.out, strings.NewReplacer(values...).Replace(*format))
			continue
		}
		target := ""
		if to, err := os.Readlink(c.path(a)); err == nil {
			target = " -> " + to
		}
		device := ""
		if i.Mode()&fs.ModeDevice != 0 {
			device = fmt.Sprintf("     Device type: %d,%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		}
		if i.Mode().IsRegular() && i.Size() == 0 {
			word = "regular empty file"
		}
		links := strconv.FormatUint(uint64(st.Nlink), 10)
		if device != "" {
			links = fmt.Sprintf("%-5s", links)
		}
		fmt.Fprintf(c.out, "  File: %s%s\n  Size: %-10d\tBlocks: %-10d IO Block: %-6d %s\n", a, target, i.Size(), st.Blocks, st.Blksize, word)
		fmt.Fprintf(c.out, "Device: %d,%d\tInode: %-11d Links: %s%s\n", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino, links, device)
		fmt.Fprintf(c.out, "Access: (%04o/%s)  Uid: (%5d/%8s)   Gid: (%5d/%8s)\n", st.Mode&0o7777, modeText(st.Mode), st.Uid, users.name(st.Uid), st.Gid, groups.name(st.Gid))
		fmt.Fprintf(c.out, "Access: %s\nModify: %s\nChange: %s\n Birth: %s\n", at(st.Atim.Unix()), at(st.Mtim.Unix()), at(st.Ctim.Unix()), birth(c.path(a), *follow))
	}
}
