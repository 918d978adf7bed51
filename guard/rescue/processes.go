package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processes are the ids in /proc, in order.
func processes() ([]int, error) {
	d, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range d {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, n)
		}
	}
	if len(pids) == 0 {
		return nil, &fs.PathError{Op: "read", Path: "/proc", Err: unix.ENOENT}
	}
	slices.Sort(pids)
	return pids, nil
}

// proc is what /proc says of one process.
type proc struct {
	pid, parent         int
	name, state, user   string
	tty, command, rssKB string
}

func readProc(pid int, users *names) (proc, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	b, err := os.ReadFile(dir + "/status")
	if err != nil {
		return proc{}, false // it ended meanwhile
	}
	p := proc{pid: pid}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		f := strings.Fields(value)
		if len(f) == 0 {
			continue
		}
		switch key {
		case "Name":
			p.name = f[0]
		case "State":
			p.state = f[0]
		case "PPid":
			p.parent, _ = strconv.Atoi(f[0]) // the kernel's own digits
		case "Uid":
			if n, err := strconv.ParseUint(f[0], 10, 32); err == nil {
				p.user = users.name(uint32(n))
			}
		case "VmRSS":
			p.rssKB = f[0]
		}
	}
	b, err = os.ReadFile(dir + "/cmdline")
	if err == nil {
		p.command = strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
	}
	if p.command == "" {
		p.command = "[" + p.name + "]"
	}
	p.tty = "?"
	if to, err := os.Readlink(dir + "/fd/0"); err == nil {
		if t, ok := strings.CutPrefix(to, "/dev/"); ok && (strings.HasPrefix(t, "tty") || strings.HasPrefix(t, "pts/") || t == "console") {
			p.tty = t
		}
	}
	return p, true
}

func listProcesses(c *call) {
	for _, a := range c.args {
		if strings.Trim(a, "-aAdefjluwx") != "" {
			c.say("%s is not known here: all processes are listed, always", a)
			return
		}
	}
	const row = "%-10s %7v %7v %s %-8s %9s %s"
	c.eachProcess(
		func() { c.tell(row, "USER", "PID", "PPID", "S", "TTY", "RSS", "COMMAND") },
		func(p proc) { c.tell(row, p.user, p.pid, p.parent, p.state, p.tty, p.rssKB, printable(p.command)) },
	)
}

// eachProcess runs f over the processes, before them first, and says what is
// missing where they cannot be listed.
func (c *call) eachProcess(first func(), f func(proc)) (ok bool) {
	pids, err := processes()
	if err != nil {
		c.noProc(err)
		return false
	}
	first()
	users := names{look: userName}
	for _, pid := range pids {
		if p, ok := readProc(pid, &users); ok {
			f(p)
		}
	}
	return true
}

func processIDs(c *call) {
	args, ok := c.read(c.options(), 1, -1)
	if !ok {
		return
	}
	var hits []string
	if !c.eachProcess(func() {}, func(p proc) {
		first, _, _ := strings.Cut(p.command, " ")
		if slices.Contains(args, p.name) || slices.Contains(args, filepath.Base(first)) {
			hits = append(hits, strconv.Itoa(p.pid))
		}
	}) {
		return
	}
	if len(hits) == 0 {
		c.status = 1
		return
	}
	fmt.Fprintln(c.out, strings.Join(hits, " "))
}

// signalOf reads a signal's name or number.
func signalOf(s string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return syscall.Signal(n), n >= 0 && n < 65
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	n := unix.SignalNum(name)
	return n, n != 0
}

func kill(c *call) {
	sig, args := unix.SIGTERM, c.args
	if len(args) > 0 && args[0] == "-l" {
		for n := syscall.Signal(1); n < 32; n++ {
			fmt.Fprintf(c.out, "%d %s\n", n, strings.TrimPrefix(unix.SignalName(n), "SIG"))
		}
		return
	}
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--" {
		name := args[0][1:]
		args = args[1:]
		if name == "s" || name == "n" {
			if len(args) == 0 {
				c.misuse()
				return
			}
			name, args = args[0], args[1:]
		}
		var ok bool
		if sig, ok = signalOf(name); !ok {
			c.say("%s: invalid signal specification", name)
			return
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		c.misuse()
		return
	}
	for _, a := range args {
		if strings.HasPrefix(a, "%") {
			c.killJob(a)
			continue
		}
		pid, err := strconv.Atoi(a)
		if err != nil {
			c.say("%s: arguments must be process or job IDs", a)
			continue
		}
		if err := unix.Kill(pid, sig); err != nil {
			c.say("(%s) - %s", a, reason(err))
		}
	}
}
