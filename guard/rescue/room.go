package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func diskFree(c *call) {
	f := c.options()
	units := f.BoolP("human-readable", "h", false, "sizes with a unit")
	inodes := f.BoolP("inodes", "i", false, "inodes instead of room")
	types := f.BoolP("print-type", "T", false, "the file system too")
	f.BoolP("k", "k", true, "in KiB, as always")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	infos := mounts()
	type row struct{ source, at, fstype string }
	var rows []row
	for _, a := range args {
		path := c.path(a)
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		r := row{"-", path, "-"}
		best := -1
		for _, m := range infos {
			if len(m.Mountpoint) >= best && (path == m.Mountpoint || m.Mountpoint == "/" || strings.HasPrefix(path, m.Mountpoint+"/")) {
				best, r = len(m.Mountpoint), row{m.Source, m.Mountpoint, m.FSType}
			}
		}
		rows = append(rows, r)
	}
	if len(args) == 0 {
		for _, m := range infos {
			rows = append(rows, row{m.Source, m.Mountpoint, m.FSType})
		}
		if !slices.ContainsFunc(rows, func(r row) bool { return r.at == "/" }) {
			// Without /proc, or in a root that nothing is mounted on.
			rows = append(rows, row{"-", "/", "-"})
		}
	}
	amount := func(n uint64) string {
		switch {
		case *inodes && !*units:
			return fmt.Sprint(n)
		case *units:
			return human(n)
		}
		return fmt.Sprint((n + 1023) / 1024)
	}
	title := []string{"Filesystem", "Type", "1K-blocks", "Used", "Available", "Use%", "Mounted on"}
	switch {
	case *inodes:
		title = []string{"Filesystem", "Type", "Inodes", "IUsed", "IFree", "IUse%", "Mounted on"}
	case *units:
		title = []string{"Filesystem", "Type", "Size", "Used", "Avail", "Use%", "Mounted on"}
	}
	table := [][]string{title}
	for _, r := range rows {
		var st unix.Statfs_t
		if err := unix.Statfs(r.at, &st); err != nil {
			c.failAt(r.at, err)
			continue
		}
		if st.Blocks == 0 && len(args) == 0 {
			continue // holds nothing: /proc and the like
		}
		unit := uint64(st.Frsize)
		size, used, avail := st.Blocks*unit, (st.Blocks-st.Bfree)*unit, st.Bavail*unit
		if *inodes {
			size, used, avail = st.Files, st.Files-st.Ffree, st.Ffree
		}
		part := "-"
		if used+avail > 0 {
			part = fmt.Sprintf("%d%%", (used*100+used+avail-1)/(used+avail))
		}
		table = append(table, []string{r.source, r.fstype, amount(size), amount(used), amount(avail), part, r.at})
	}
	// As wide as what stands in them, and as the real one has them at least.
	width := []int{14, 4, 5, 5, 5, 4, 0}
	for _, row := range table {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range table {
		line := fmt.Sprintf("%-*s ", width[0], row[0])
		if *types {
			line += fmt.Sprintf("%-*s ", width[1], row[1])
		}
		for i := 2; i < 6; i++ {
			line += fmt.Sprintf("%*s ", width[i], row[i])
		}
		c.tell("%s%s", line, row[6])
	}
}

func diskUsage(c *call) {
	f := c.options()
	units := f.BoolP("human-readable", "h", false, "sizes with a unit")
	sum := f.BoolP("summarize", "s", false, "only the sum of each")
	all := f.BoolP("all", "a", false, "files too")
	one := f.BoolP("one-file-system", "x", false, "leave what is mounted below alone")
	depth := f.IntP("max-depth", "d", -1, "show so many levels")
	f.BoolP("k", "k", true, "in KiB, as always")
	mega := f.BoolP("mebi", "m", false, "in MiB")
	apparent := f.BoolP("bytes", "b", false, "in bytes, and how long files are, not the room they take")
	total := f.BoolP("total", "c", false, "the sum of all, too")
	args, ok := c.read(f, 0, -1)
	if !ok {
		return
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	if *sum {
		*depth = 0
	}
	seen := map[inode]bool{}
	show := func(n int64, name string) { // n bytes
		switch {
		case *units:
			c.tell("%s\t%s", human(uint64(n)), name)
		case *apparent:
			c.tell("%d\t%s", n, name)
		case *mega:
			c.tell("%d\t%s", (n+1<<20-1)>>20, name)
		default:
			c.tell("%d\t%s", (n+1023)>>10, name)
		}
	}
	room := func(st fs.FileInfo) int64 {
		if *apparent {
			return st.Size()
		}
		return sysOf(st).Blocks * 512
	}
	var measure func(name string, level int, dev uint64) int64
	measure = func(name string, level int, dev uint64) int64 {
		st, err := os.Lstat(c.path(name))
		if err != nil || c.stopped() {
			if err != nil {
				c.cannot("access", name, err)
			}
			return 0
		}
		s := sysOf(st)
		if level > 0 && *one && s.Dev != dev {
			return 0
		}
		if !st.IsDir() {
			if s.Nlink > 1 {
				if seen[inodeOf(st)] {
					return 0
				}
				seen[inodeOf(st)] = true
			}
			if level == 0 || *all && (*depth < 0 || level <= *depth) {
				show(room(st), name)
			}
			return room(st)
		}
		n := room(st)
		entries, err := os.ReadDir(c.path(name))
		if err != nil {
			c.cannot("read directory", name, err)
		}
		for _, d := range entries {
			n += measure(below(name, d.Name()), level+1, s.Dev)
		}
		if *depth < 0 || level <= *depth {
			show(n, name)
		}
		return n
	}
	sumOfAll := int64(0)
	for _, a := range args {
		sumOfAll += measure(a, 0, 0)
	}
	if *total {
		show(sumOfAll, "total")
	}
}
