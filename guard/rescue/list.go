package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// listing is one run of ls.
type listing struct {
	*call
	all, almost, long, dirs, recursive, human, inode bool
	byTime, bySize, reverse, column                  bool
	users, groups                                    names
}

func list(c *call) {
	l := listing{call: c, users: names{look: userName}, groups: names{look: groupName}}
	f := c.options()
	f.BoolVarP(&l.all, "all", "a", false, "names that begin with a dot too")
	f.BoolVarP(&l.almost, "almost-all", "A", false, "the same without . and ..")
	f.BoolVarP(&l.long, "long", "l", false, "mode, owner, size and time")
	f.BoolVarP(&l.dirs, "directory", "d", false, "directories themselves, not what is in them")
	f.BoolVarP(&l.recursive, "recursive", "R", false, "all below")
	f.BoolVarP(&l.human, "human-readable", "h", false, "sizes with a unit")
	f.BoolVarP(&l.inode, "inode", "i", false, "inode numbers")
	f.BoolVarP(&l.byTime, "time", "t", false, "newest first")
	f.BoolVarP(&l.bySize, "size-sort", "S", false, "largest first")
	f.BoolVarP(&l.reverse, "reverse", "r", false, "the other way round")
	f.BoolVarP(&l.column, "one", "1", false, "a name a line")
	numeric := f.BoolP("numeric-uid-gid", "n", false, "owners as numbers, with -l")
	f.String("color", "", "nothing is coloured here")
	f.Lookup("color").NoOptDefVal = "auto"
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if *numeric {
		l.long, l.users.look, l.groups.look = true, nil, nil
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []entry
	var dirs []string
	for _, a := range args {
		e, err := l.stat(a, !l.long && !l.dirs || strings.HasSuffix(a, "/"))
		switch {
		case err != nil:
			c.fail(err)
			c.status = 2
		case e.IsDir() && !l.dirs:
			dirs = append(dirs, a)
		default:
			files = append(files, e)
		}
	}
	l.show(files)
	slices.Sort(dirs)
	for i, d := range dirs {
		if i > 0 || len(files) > 0 {
			c.out.WriteString("\n")
		}
		l.dir(d, len(args) > 1 || l.recursive)
	}
}

// entry is a file under the name that it was asked for by.
type entry struct {
	name, path string
	fs.FileInfo
}

func (l *listing) stat(name string, follow bool) (entry, error) {
	path := l.path(name)
	if follow {
		if st, err := os.Stat(path); err == nil {
			return entry{name, path, st}, nil
		}
	}
	st, err := os.Lstat(path)
	return entry{name, path, st}, err
}

func (l *listing) dir(name string, titled bool) {
	if titled {
		fmt.Fprintf(l.out, "%s:\n", name)
	}
	names, err := os.ReadDir(l.path(name))
	l.fail(err)
	var entries []entry
	if l.all {
		for _, n := range []string{".", ".."} {
			if st, err := os.Lstat(l.path(name) + "/" + n); err == nil {
				entries = append(entries, entry{n, l.path(name) + "/" + n, st})
			}
		}
	}
	for _, d := range names {
		if d.Name()[0] == '.' && !l.all && !l.almost {
			continue
		}
		st, err := d.Info()
		if err != nil {
			l.fail(err)
			continue
		}
		entries = append(entries, entry{d.Name(), filepath.Join(l.path(name), d.Name()), st})
	}
	if l.long {
		var blocks int64
		for _, e := range entries {
			if st, ok := e.Sys().(*syscall.Stat_t); ok {
				blocks += st.Blocks
			}
		}
		fmt.Fprintf(l.out, "total %d\n", blocks/2)
	}
	l.show(entries)
	if !l.recursive {
		return
	}
	for _, e := range entries {
		if e.IsDir() && e.name != "." && e.name != ".." && !l.stopped() {
			l.out.WriteString("\n")
			l.dir(strings.TrimSuffix(name, "/")+"/"+e.name, true)
		}
	}
}

func (l *listing) show(entries []entry) {
	slices.SortStableFunc(entries, func(a, b entry) int {
		n := strings.Compare(a.name, b.name)
		switch {
		case l.byTime && !a.ModTime().Equal(b.ModTime()):
			n = b.ModTime().Compare(a.ModTime())
		case l.bySize && a.Size() != b.Size():
			n = 1
			if a.Size() > b.Size() {
				n = -1
			}
		}
		if l.reverse {
			n = -n
		}
		return n
	})
	f, tty := l.raw.(*os.File)
	tty = tty && term.IsTerminal(int(f.Fd()))
	name := func(e entry) string {
		s := e.name
		if tty {
			s = printable(s)
		}
		if l.inode {
			s = fmt.Sprintf("%d %s", sysOf(e).Ino, s)
		}
		return s
	}
	switch {
	case l.long:
		l.table(entries, name)
	case tty && !l.column:
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 20 {
			width = 80
		}
		l.columns(entries, name, width)
	default:
		for _, e := range entries {
			fmt.Fprintln(l.out, name(e))
		}
	}
}

func (l *listing) columns(entries []entry, name func(entry) string, width int) {
	widest := 0
	for _, e := range entries {
		widest = max(widest, utf8.RuneCountInString(name(e))+2)
	}
	if widest == 0 {
		return
	}
	across := max(1, width/widest)
	rows := (len(entries) + across - 1) / across
	for r := range rows {
		for i := r; i < len(entries); i += rows {
			n := name(entries[i])
			l.out.WriteString(n)
			if i+rows < len(entries) {
				l.out.WriteString(strings.Repeat(" ", widest-utf8.RuneCountInString(n)))
			}
		}
		l.out.WriteString("\n")
	}
}

func (l *listing) table(entries []entry, name func(entry) string) {
	rows := make([][5]string, len(entries))
	var width [5]int
	for i, e := range entries {
		st := sysOf(e)
		size := l.size(e.Size())
		if e.Mode()&fs.ModeDevice != 0 {
			size = fmt.Sprintf("%d, %d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		}
		rows[i] = [5]string{modeText(st.Mode), strconv.FormatUint(uint64(st.Nlink), 10), l.users.name(st.Uid), l.groups.name(st.Gid), size}
		for k, v := range rows[i] {
			width[k] = max(width[k], len(v))
		}
	}
	for i, e := range entries {
		r := rows[i]
		fmt.Fprintf(l.out, "%s %*s %-*s %-*s %*s %s %s", r[0], width[1], r[1], width[2], r[2], width[3], r[3], width[4], r[4], when(e.ModTime()), name(e))
		if e.Mode()&fs.ModeSymlink != 0 {
			if to, err := os.Readlink(e.path); err == nil {
				fmt.Fprintf(l.out, " -> %s", to)
			}
		}
		l.out.WriteString("\n")
	}
}

func (l *listing) size(n int64) string {
	if l.human {
		return human(uint64(n))
	}
	return strconv.FormatInt(n, 10)
}

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
			c.fail(err)
			continue
		}
		st := sysOf(i)
		_, word := kindOf(st.Mode)
		at := func(sec, nsec int64) string {
			return time.Unix(sec, nsec).Format("2006-01-02 15:04:05.000000000 -0700")
		}
		values := []string{
			"%n", a, "%s", strconv.FormatInt(i.Size(), 10), "%a", strconv.FormatUint(uint64(st.Mode&0o7777), 8), "%A", modeText(st.Mode),
			"%u", strconv.Itoa(int(st.Uid)), "%g", strconv.Itoa(int(st.Gid)), "%U", users.name(st.Uid), "%G", groups.name(st.Gid),
			"%F", word, "%i", strconv.FormatUint(st.Ino, 10), "%h", strconv.FormatUint(uint64(st.Nlink), 10),
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
		fmt.Fprintf(c.out, "  File: %s%s\n  Size: %d  Blocks: %d  %s\n", a, target, i.Size(), st.Blocks, word)
		fmt.Fprintf(c.out, "Device: %d,%d  Inode: %d  Links: %d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino, st.Nlink)
		if i.Mode()&fs.ModeDevice != 0 {
			fmt.Fprintf(c.out, "  Device type: %d,%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		}
		fmt.Fprintf(c.out, "\nAccess: (%04o/%s)  Uid: (%d/%s)  Gid: (%d/%s)\n", st.Mode&0o7777, modeText(st.Mode), st.Uid, users.name(st.Uid), st.Gid, groups.name(st.Gid))
		fmt.Fprintf(c.out, "Access: %s\nModify: %s\nChange: %s\n", at(st.Atim.Unix()), at(st.Mtim.Unix()), at(st.Ctim.Unix()))
	}
}
