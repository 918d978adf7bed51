package rescue

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// holding is how a process holds a file: c its directory, e its program, r its
// root, F open, m mapped.
func holding(pid int, is func(path string, st *unix.Stat_t) bool) (how string) {
	dir := "/proc/" + strconv.Itoa(pid)
	look := func(link, letter string) {
		var st unix.Stat_t
		if unix.Stat(link, &st) != nil || strings.Contains(how, letter) {
			return
		}
		to, _ := os.Readlink(link)
		if is(to, &st) {
			how += letter
		}
	}
	look(dir+"/cwd", "c")
	look(dir+"/exe", "e")
	look(dir+"/root", "r")
	fds, _ := os.ReadDir(dir + "/fd") // of a process that ended meanwhile, none
	for _, fd := range fds {
		look(dir+"/fd/"+fd.Name(), "F")
	}
	b, err := os.ReadFile(dir + "/maps")
	if err != nil {
		return how
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 5 && f[4] != "0" && strings.HasPrefix(f[5], "/") && !strings.Contains(how, "m") {
			var st unix.Stat_t
			major, minor, _ := strings.Cut(f[3], ":")
			a, err1 := strconv.ParseUint(major, 16, 32)
			b, err2 := strconv.ParseUint(minor, 16, 32)
			ino, err3 := strconv.ParseUint(f[4], 10, 64)
			if err1 != nil || err2 != nil || err3 != nil {
				continue
			}
			st.Dev, st.Ino = unix.Mkdev(uint32(a), uint32(b)), ino
			if is(f[5], &st) {
				how += "m"
			}
		}
	}
	return how
}

// holders is fuser: which processes hold a file, or a file system.
func holders(c *call) {
	args := c.args
	sig, kill := unix.SIGKILL, false
	if i := slices.IndexFunc(args, func(a string) bool {
		_, ok := signalOf(strings.TrimPrefix(a, "-"))
		return ok && len(a) > 2 && a[0] == '-'
	}); i >= 0 {
		sig, _ = signalOf(args[i][1:])
		args = slices.Delete(slices.Clone(args), i, i+1)
	}
	c.args = args
	f := c.options()
	f.BoolVarP(&kill, "kill", "k", false, "end them; -SIGNAL says by which signal")
	mount := f.BoolP("mount", "m", false, "all that is on the file system of FILE")
	verbose := f.BoolP("verbose", "v", false, "who they are")
	ask := f.BoolP("interactive", "i", false, "ask before each is ended")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	pids, err := processes()
	if err != nil {
		c.noProc(err)
		return
	}
	users := names{look: userName}
	any := false
	for _, a := range args {
		var want unix.Stat_t
		if err := unix.Stat(c.path(a), &want); err != nil {
			c.say("Specified filename %s does not exist.", a)
			continue
		}
		device := want.Dev
		if want.Mode&unix.S_IFMT == unix.S_IFBLK {
			device = want.Rdev
		}
		is := func(_ string, st *unix.Stat_t) bool {
			if *mount {
				return st.Dev == device
			}
			return st.Dev == want.Dev && st.Ino == want.Ino
		}
		var line []string
		for _, pid := range pids {
			how := holding(pid, is)
			if how == "" {
				continue
			}
			any = true
			if p, ok := readProc(pid, &users); ok && *verbose {
				c.tell("%-20s %-8s %7d %-5s %s", a, p.user, pid, how, printable(p.command))
			} else {
				line = append(line, fmt.Sprintf("%6d%s", pid, strings.Trim(how, "Fm")))
			}
			if kill && pid != os.Getpid() && (!*ask || c.ask("kill process %d", pid)) {
				if err := unix.Kill(pid, sig); err != nil {
					c.say("could not kill process %d: %s", pid, reason(err))
				}
			}
		}
		if len(line) > 0 {
			c.tell("%-21s%s", a+":", strings.Join(line, ""))
		}
	}
	if !any {
		c.failed()
	}
}

// byName is pkill, pgrep and killall: processes whose name is alike.
func byName(c *call) {
	sig := unix.SIGTERM
	if len(c.args) > 0 && len(c.args[0]) > 1 && c.args[0][0] == '-' {
		if s, ok := signalOf(c.args[0][1:]); ok {
			sig, c.args = s, c.args[1:]
		}
	}
	f := c.options()
	exact := f.BoolP("exact", "x", c.name == "killall", "the whole name")
	all := f.BoolP("full", "f", false, "the whole command line")
	show := f.BoolP("list-name", "l", false, "the name too")
	showAll := f.BoolP("list-full", "a", false, "the command line too")
	name := f.StringP("signal", "s", "", "this signal")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	if *name != "" {
		if sig, ok = signalOf(*name); !ok {
			c.say("%s is no signal", *name)
			return
		}
	}
	if c.name != "killall" && len(args) > 1 {
		c.say("only one pattern can be provided")
		c.misuse()
		return
	}
	for _, a := range args {
		pattern := a
		if c.name == "killall" {
			pattern = regexp.QuoteMeta(a)
		}
		if *exact {
			pattern = "^(?:" + pattern + ")$"
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			c.say("the pattern: %s", err)
			return
		}
		hits := 0
		listed := c.eachProcess(func() {}, func(p proc) {
			text := p.name
			if *all {
				text = p.command
			}
			if p.pid == os.Getpid() || !re.MatchString(text) {
				return
			}
			hits++
			switch {
			case c.name != "pgrep":
				if err := unix.Kill(p.pid, sig); err != nil {
					c.say("killing pid %d failed: %s", p.pid, reason(err))
				}
			case *showAll:
				c.tell("%d %s", p.pid, printable(p.command))
			case *show:
				c.tell("%d %s", p.pid, printable(p.name))
			default:
				c.tell("%d", p.pid)
			}
		})
		if !listed {
			return
		}
		if hits == 0 {
			if c.name == "killall" {
				c.say("%s: no process found", a)
			}
			c.failed()
		}
	}
}

// isMountPoint is mountpoint.
func isMountPoint(c *call) {
	f := c.options()
	quiet := f.BoolP("quiet", "q", false, "only the status")
	args, ok := c.read(f, 1, 1)
	if !ok {
		return
	}
	var at, above unix.Stat_t
	path := filepath.Clean(c.path(args[0]))
	if err := unix.Lstat(path, &at); err != nil {
		if !*quiet {
			c.failAt(args[0], err)
		}
		c.failed()
		return
	}
	is := path == "/"
	if err := unix.Stat(path+"/..", &above); err == nil {
		is = is || at.Dev != above.Dev
	}
	for _, m := range mounts() { // a bind mount of the same file system
		is = is || m.Mountpoint == path
	}
	word := "is a mountpoint"
	if !is {
		word = "is not a mountpoint"
		c.status = 32 // as the real one
	}
	if !*quiet {
		c.tell("%s %s", args[0], word)
	}
}
