package rescue

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
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
	follow                                           bool
	all, almost, long, dirs, recursive, human, inode bool
	byTime, bySize, unsorted, reverse, column        bool
	classify, slash, noOwner, noGroup, full, blocks  bool
	changed, read                                    bool // which time counts
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
	f.BoolVarP(&l.unsorted, "unsorted", "U", false, "in the order of the directory")
	f.BoolVarP(&l.column, "one", "1", false, "a name a line")
	f.BoolVarP(&l.classify, "classify", "F", false, "a sign behind names: / directory, @ link, * program, | fifo, = socket")
	f.BoolVarP(&l.slash, "slash", "p", false, "a / behind directories")
	f.BoolVarP(&l.noOwner, "no-owner", "g", false, "like -l, without the owner")
	f.BoolVarP(&l.noGroup, "no-group", "o", false, "like -l, without the group")
	f.BoolVar(&l.full, "full-time", false, "like -l, with the whole time")
	f.BoolVarP(&l.blocks, "blocks", "s", false, "the room that each takes, in KiB")
	f.BoolVarP(&l.changed, "ctime", "c", false, "with -l or -t: when it was changed in any way")
	f.BoolVarP(&l.read, "atime", "u", false, "with -l or -t: when it was read")
	f.BoolVarP(&l.follow, "dereference", "L", false, "what links lead to")
	numeric := f.BoolP("numeric-uid-gid", "n", false, "owners as numbers, with -l")
	f.BoolP("hide-control-chars", "q", true, "signs for what moves a cursor, on a terminal, as always")
	f.String("color", "", "nothing is coloured here")
	f.Lookup("color").NoOptDefVal = "auto"
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	l.long = l.long || l.noOwner || l.noGroup || l.full
	if *numeric {
		l.long, l.users.look, l.groups.look = true, nil, nil
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	var files, dirs []entry
	for _, a := range args {
		e, err := l.stat(a, l.follow || !l.long && !l.dirs && !l.classify || strings.HasSuffix(a, "/"))
		switch {
		case err != nil:
			c.cannot("access", a, err)
		case e.IsDir() && !l.dirs:
			dirs = append(dirs, e)
		default:
			files = append(files, e)
		}
	}
	l.show(files)
	l.sort(dirs)
	for i, d := range dirs {
		if i > 0 || len(files) > 0 {
			c.out.WriteString("\n")
		}
		l.dir(d.name, len(args) > 1 || l.recursive)
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
		if st, err := os.Stat(path); err == nil || l.follow {
			return entry{name, path, st}, err
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
	if err != nil {
		l.cannot("open directory", name, err)
	}
	var entries []entry
	if l.all {
		for _, n := range []string{".", ".."} {
			at := below(l.path(name), n)
			if st, err := os.Lstat(at); err == nil {
				entries = append(entries, entry{n, at, st})
			}
		}
	}
	for _, d := range names {
		if d.Name()[0] == '.' && !l.all && !l.almost {
			continue
		}
		at := below(l.path(name), d.Name())
		st, err := d.Info()
		if followed, ferr := os.Stat(at); err == nil && l.follow && ferr == nil {
			st = followed
		}
		if err != nil {
			l.cannot("access", below(name, d.Name()), err)
			continue
		}
		entries = append(entries, entry{d.Name(), at, st})
	}
	if l.long || l.blocks {
		var blocks int64
		for _, e := range entries {
			if st, ok := e.Sys().(*syscall.Stat_t); ok {
				blocks += st.Blocks
			}
		}
		if l.human {
			fmt.Fprintf(l.out, "total %s\n", human(uint64(blocks)*512))
		} else {
			fmt.Fprintf(l.out, "total %d\n", blocks/2)
		}
	}
	l.show(entries)
	if !l.recursive {
		return
	}
	for _, e := range entries { // show has sorted them
		if e.IsDir() && e.name != "." && e.name != ".." && !l.stopped() {
			l.out.WriteString("\n")
			l.dir(below(name, e.name), true)
		}
	}
}

// time is the one that counts.
func (l *listing) time(e entry) time.Time {
	switch {
	case l.changed:
		return time.Unix(sysOf(e).Ctim.Unix())
	case l.read:
		return time.Unix(sysOf(e).Atim.Unix())
	}
	return e.ModTime()
}

// sort puts entries into the order that is asked for.
func (l *listing) sort(entries []entry) {
	if l.unsorted {
		return
	}
	byTime := l.byTime || (l.changed || l.read) && !l.long
	slices.SortStableFunc(entries, func(a, b entry) int {
		n := 0
		switch {
		case byTime:
			n = l.time(b).Compare(l.time(a))
		case l.bySize:
			n = cmp.Compare(b.Size(), a.Size())
		}
		if n == 0 {
			n = strings.Compare(a.name, b.name)
		}
		if l.reverse {
			n = -n
		}
		return n
	})
}

// sign is what -F and -p put behind a name.
func (l *listing) sign(e fs.FileInfo) string {
	mode := e.Mode()
	switch {
	case mode.IsDir() && (l.classify || l.slash):
		return "/"
	case !l.classify:
	case mode&fs.ModeSymlink != 0:
		return "@"
	case mode&fs.ModeNamedPipe != 0:
		return "|"
	case mode&fs.ModeSocket != 0:
		return "="
	case mode.IsRegular() && mode&0o111 != 0:
		return "*"
	}
	return ""
}

// room is the number of KiB that a file takes.
func (l *listing) room(e fs.FileInfo) string {
	blocks := sysOf(e).Blocks
	if l.human {
		return human(uint64(blocks) * 512)
	}
	return strconv.FormatInt((blocks+1)/2, 10)
}

func (l *listing) show(entries []entry) {
	l.sort(entries)
	f, tty := l.raw.(*os.File)
	tty = tty && term.IsTerminal(int(f.Fd()))
	var inodes, rooms int // widths
	for _, e := range entries {
		if l.inode {
			inodes = max(inodes, len(strconv.FormatUint(sysOf(e).Ino, 10)))
		}
		if l.blocks {
			rooms = max(rooms, len(l.room(e)))
		}
	}
	name := func(e entry) string {
		if tty {
			return printable(e.name)
		}
		return e.name
	}
	before := func(e entry) (s string) {
		if l.inode {
			s = fmt.Sprintf("%*d ", inodes, sysOf(e).Ino)
		}
		if l.blocks {
			s += fmt.Sprintf("%*s ", rooms, l.room(e))
		}
		return s
	}
	switch {
	case l.long:
		l.table(entries, name, before)
	case tty && !l.column:
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 20 {
			width = 80
		}
		cells := make([]string, len(entries))
		for i, e := range entries {
			cells[i] = before(e) + name(e) + l.sign(e)
		}
		l.columns(cells, width)
	default:
		for _, e := range entries {
			fmt.Fprintln(l.out, before(e)+name(e)+l.sign(e))
		}
	}
}

func (l *listing) columns(cells []string, width int) {
	widest := 0
	for _, s := range cells {
		widest = max(widest, utf8.RuneCountInString(s)+2)
	}
	if widest == 0 {
		return
	}
	across := max(1, width/widest)
	rows := (len(cells) + across - 1) / across
	for r := range rows {
		for i := r; i < len(cells); i += rows {
			l.out.WriteString(cells[i])
			if i+rows < len(cells) {
				l.out.WriteString(strings.Repeat(" ", widest-utf8.RuneCountInString(cells[i])))
			}
		}
		l.out.WriteString("\n")
	}
}

func (l *listing) table(entries []entry, name, before func(entry) string) {
	rows := make([][4]string, len(entries)) // links, owner, group, size
	var width [4]int
	var majors, minors int
	for i, e := range entries {
		st := sysOf(e)
		rows[i] = [4]string{strconv.FormatUint(uint64(st.Nlink), 10), l.users.name(st.Uid), l.groups.name(st.Gid), l.size(e.Size())}
		if e.Mode()&fs.ModeDevice != 0 {
			majors = max(majors, len(strconv.Itoa(int(unix.Major(st.Rdev)))))
			minors = max(minors, len(strconv.Itoa(int(unix.Minor(st.Rdev)))))
			rows[i][3] = ""
		}
		for k, v := range rows[i] {
			width[k] = max(width[k], len(v))
		}
	}
	if majors > 0 {
		width[3] = max(width[3], majors+len(", ")+minors)
	}
	for i, e := range entries {
		r, st := rows[i], sysOf(e)
		if e.Mode()&fs.ModeDevice != 0 {
			r[3] = fmt.Sprintf("%d, %*d", unix.Major(st.Rdev), minors, unix.Minor(st.Rdev))
		}
		fmt.Fprintf(l.out, "%s%s %*s ", before(e), modeText(st.Mode), width[0], r[0])
		if !l.noOwner {
			l.out.WriteString(owner(r[1], width[1]))
		}
		if !l.noGroup {
			l.out.WriteString(owner(r[2], width[2]))
		}
		at := when(l.time(e))
		if l.full {
			at = l.time(e).Format(fullTime)
		}
		fmt.Fprintf(l.out, "%*s %s %s", width[3], r[3], at, name(e))
		sign := l.sign(e)
		if e.Mode()&fs.ModeSymlink != 0 {
			sign = ""
			if to, err := os.Readlink(e.path); err == nil {
				fmt.Fprintf(l.out, " -> %s", to)
				if st, err := os.Stat(e.path); err == nil {
					sign = l.sign(st)
				}
			}
		}
		l.out.WriteString(sign + "\n")
	}
}

// owner is a name in its column; a number, which no name is known of, stands
// at the right.
func owner(name string, width int) string {
	if strings.Trim(name, "0123456789") == "" {
		return fmt.Sprintf("%*s ", width, name)
	}
	return fmt.Sprintf("%-*s ", width, name)
}

func (l *listing) size(n int64) string {
	if l.human {
		return human(uint64(n))
	}
	return strconv.FormatInt(n, 10)
}
