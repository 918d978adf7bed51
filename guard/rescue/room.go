package rescue

import (
	"fmt"
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
	kind := func(s string) string {
		if *types {
			return fmt.Sprintf("%-10s ", s)
		}
		return ""
	}
	fmt.Fprintf(c.out, "%-20s %s%12s %12s %12s %5s %s\n", "Filesystem", kind("Type"), "Size", "Used", "Avail", "Use%", "Mounted on")
	for _, r := range rows {
		var st unix.Statfs_t
		if err := unix.Statfs(r.at, &st); err != nil {
			c.say("%s: %s", r.at, err)
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
		fmt.Fprintf(c.out, "%-20s %s%12s %12s %12s %5s %s\n", r.source, kind(r.fstype), amount(size), amount(used), amount(avail), part, r.at)
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
	show := func(n int64, name string) {
		if *units {
			fmt.Fprintf(c.out, "%s\t%s\n", human(uint64(n)*512), name)
			return
		}
		fmt.Fprintf(c.out, "%d\t%s\n", (n+1)/2, name)
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
				show(s.Blocks, name)
			}
			return s.Blocks
		}
		n := s.Blocks
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
	for _, a := range args {
		measure(a, 0, 0)
	}
}
