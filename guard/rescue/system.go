package rescue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

func kernelLog(c *call) {
	f := c.options()
	f.BoolP("ctime", "T", false, "times stay as the kernel has them")
	if _, ok := c.read(f, 0, 0); !ok {
		return
	}
	const readAll, size = 3, 10 // syslog(2)
	n, err := unix.Klogctl(size, nil)
	if err != nil {
		n = 1 << 20
	}
	buf := make([]byte, n)
	if n, err = unix.Klogctl(readAll, buf); err != nil {
		c.say("%s", err)
		return
	}
	for line := range strings.Lines(string(buf[:n])) {
		if _, rest, ok := strings.Cut(line, ">"); ok && line[0] == '<' {
			line = rest
		}
		c.out.WriteString(line)
	}
}

func systemName(c *call) {
	f := c.options()
	all := f.BoolP("all", "a", false, "everything")
	s := f.BoolP("kernel-name", "s", false, "the kernel's name")
	n := f.BoolP("nodename", "n", false, "the machine's name")
	r := f.BoolP("kernel-release", "r", false, "the kernel's release")
	v := f.BoolP("kernel-version", "v", false, "the kernel's version")
	m := f.BoolP("machine", "m", false, "the kind of machine")
	if _, ok := c.read(f, 0, 0); !ok {
		return
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		c.fail(err)
		return
	}
	var words []string
	for _, w := range []struct {
		on    bool
		value []byte
	}{{*s || !*n && !*r && !*v && !*m, u.Sysname[:]}, {*n, u.Nodename[:]}, {*r, u.Release[:]}, {*v, u.Version[:]}, {*m, u.Machine[:]}} {
		if w.on || *all {
			words = append(words, unix.ByteSliceToString(w.value))
		}
	}
	fmt.Fprintln(c.out, strings.Join(words, " "))
}

func identity(c *call) {
	f := c.options()
	onlyUser := f.BoolP("user", "u", false, "only the user")
	onlyGroup := f.BoolP("group", "g", false, "only the group")
	name := f.BoolP("name", "n", false, "a name instead of a number")
	if _, ok := c.read(f, 0, 0); !ok {
		return
	}
	users, groups := names{look: userName}, names{look: groupName}
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	show := func(id uint32, n *names) {
		if *name {
			fmt.Fprintln(c.out, n.name(id))
			return
		}
		fmt.Fprintln(c.out, id)
	}
	switch {
	case c.name == "whoami":
		fmt.Fprintln(c.out, users.name(uid))
	case *onlyUser:
		show(uid, &users)
	case *onlyGroup:
		show(gid, &groups)
	default:
		fmt.Fprintf(c.out, "uid=%d(%s) gid=%d(%s)", uid, users.name(uid), gid, groups.name(gid))
		list := []string{fmt.Sprintf("%d(%s)", gid, groups.name(gid))}
		more, err := os.Getgroups()
		c.fail(err)
		for _, g := range more {
			if uint32(g) != gid {
				list = append(list, fmt.Sprintf("%d(%s)", g, groups.name(uint32(g))))
			}
		}
		c.tell(" groups=%s", strings.Join(list, ","))
	}
}

func hostname(c *call) {
	args, ok := c.read(c.options(), 0, 1)
	if !ok {
		return
	}
	if len(args) == 1 {
		c.fail(unix.Sethostname([]byte(args[0])))
		return
	}
	h, err := os.Hostname()
	c.fail(err)
	fmt.Fprintln(c.out, h)
}

func date(c *call) {
	f := c.options()
	utc := f.BoolP("utc", "u", false, "universal time")
	at := f.StringP("date", "d", "", "2006-01-02 15:04:05 instead of now")
	args, ok := c.read(f, 0, 1)
	if !ok {
		return
	}
	t := time.Now()
	if *at != "" {
		var err error
		if t, err = parseDate(*at); err != nil {
			c.say("%s", err)
			return
		}
	}
	if *utc {
		t = t.UTC()
	}
	if len(args) == 0 {
		fmt.Fprintln(c.out, t.Format("Mon Jan _2 15:04:05 MST 2006"))
		return
	}
	format, ok := strings.CutPrefix(args[0], "+")
	if !ok {
		c.say("the clock is not set here; +FORMAT shows it")
		return
	}
	fmt.Fprintln(c.out, strings.NewReplacer("%%", "%", "%Y", t.Format("2006"), "%m", t.Format("01"), "%d", t.Format("02"),
		"%H", t.Format("15"), "%M", t.Format("04"), "%S", t.Format("05"), "%F", t.Format("2006-01-02"), "%T", t.Format("15:04:05"),
		"%s", strconv.FormatInt(t.Unix(), 10), "%z", t.Format("-0700"), "%Z", t.Format("MST"), "%a", t.Format("Mon"), "%b", t.Format("Jan"),
		"%j", fmt.Sprintf("%03d", t.YearDay()), "%N", fmt.Sprintf("%09d", t.Nanosecond())).Replace(format))
}

func memory(c *call) {
	f := c.options()
	units := f.BoolP("human", "h", false, "sizes with a unit")
	mega := f.BoolP("mebi", "m", false, "in MiB")
	if _, ok := c.read(f, 0, 0); !ok {
		return
	}
	var i unix.Sysinfo_t
	if err := unix.Sysinfo(&i); err != nil {
		c.fail(err)
		return
	}
	amount := func(n uint64) string {
		n *= uint64(i.Unit)
		switch {
		case *units:
			return human(n)
		case *mega:
			return strconv.FormatUint(n>>20, 10)
		}
		return strconv.FormatUint(n>>10, 10)
	}
	fmt.Fprintf(c.out, "%-6s %12s %12s %12s\n", "", "total", "free", "buffers")
	fmt.Fprintf(c.out, "%-6s %12s %12s %12s\n", "Mem:", amount(uint64(i.Totalram)), amount(uint64(i.Freeram)), amount(uint64(i.Bufferram)))
	fmt.Fprintf(c.out, "%-6s %12s %12s\n", "Swap:", amount(uint64(i.Totalswap)), amount(uint64(i.Freeswap)))
}

func uptime(c *call) {
	if _, ok := c.read(c.options(), 0, 0); !ok {
		return
	}
	var i unix.Sysinfo_t
	if err := unix.Sysinfo(&i); err != nil {
		c.fail(err)
		return
	}
	const scale = 1 << 16 // SI_LOAD_SHIFT
	fmt.Fprintf(c.out, "%s up %s, load average: %.2f, %.2f, %.2f\n", time.Now().Format("15:04:05"), time.Duration(i.Uptime)*time.Second,
		float64(i.Loads[0])/scale, float64(i.Loads[1])/scale, float64(i.Loads[2])/scale)
}

// power syncs, then restarts or stops the machine at once: what would stop its
// services in order may not start any more.
func power(c *call) {
	f := c.options()
	f.BoolP("force", "f", true, "at once, as always here")
	if _, ok := c.read(f, 0, 0); !ok {
		return
	}
	unix.Sync()
	how := map[string]int{"reboot": unix.LINUX_REBOOT_CMD_RESTART, "poweroff": unix.LINUX_REBOOT_CMD_POWER_OFF, "halt": unix.LINUX_REBOOT_CMD_HALT}[c.name]
	if err := unix.Reboot(how); err != nil {
		c.say("%s", err)
	}
}

func changeRoot(c *call) {
	f := c.options()
	f.SetInterspersed(false)
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	root, argv := c.path(args[0]), args[1:]
	if len(argv) == 0 {
		argv = []string{"/bin/sh", "-i"}
	}
	hc := interp.HandlerCtx(c.ctx)
	path, err := findIn(root, argv[0], hc.Env.Get("PATH").String())
	if err != nil {
		c.say("%s", err)
		c.status = 127
		return
	}
	cmd := exec.Command(path)
	cmd.Args, cmd.Env, cmd.Dir = argv, exported(hc), "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdinOf(hc), hc.Stdout, hc.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	err = c.shell.wait(c.ctx, cmd, func(err error) error { return err })
	var es interp.ExitStatus
	if errors.As(err, &es) {
		c.status = int(es)
		return
	}
	c.fail(err)
}

// findIn finds a program below another root, as it is named there.
func findIn(root, name, search string) (string, error) {
	places := []string{name}
	if !strings.Contains(name, "/") {
		places = nil
		for dir := range strings.SplitSeq(search, ":") {
			places = append(places, filepath.Join("/", dir, name))
		}
	}
	for _, p := range places {
		// The links of that root are its own.
		st, err := os.Lstat(filepath.Join(root, p))
		if err == nil && !st.IsDir() && (st.Mode()&fs.ModeSymlink != 0 || st.Mode()&0o111 != 0) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s has no %s", root, name)
}

func umask(c *call) {
	args, ok := c.read(c.options(), 0, 1)
	if !ok {
		return
	}
	old := unix.Umask(0)
	if len(args) == 0 {
		unix.Umask(old)
		fmt.Fprintf(c.out, "%04o\n", old)
		return
	}
	n, err := strconv.ParseUint(args[0], 8, 12)
	if err != nil {
		unix.Umask(old)
		c.say("%s is no mask of octal digits", args[0])
		return
	}
	unix.Umask(int(n))
}

func which(c *call) {
	hc := interp.HandlerCtx(c.ctx)
	for _, a := range c.args {
		switch {
		case c.shell.find(a) != nil || interp.IsBuiltin(a):
			fmt.Fprintf(c.out, "%s is built in\n", a)
		default:
			path, err := interp.LookPathDir(hc.Dir, hc.Env, a)
			if err != nil {
				c.say("%s: not found", a)
				continue
			}
			fmt.Fprintln(c.out, path)
		}
	}
}

func showHistory(c *call) {
	for i, l := range c.shell.history.lines {
		fmt.Fprintf(c.out, "%5d  %s\n", i+1, l)
	}
}

func environment(c *call) {
	hc := interp.HandlerCtx(c.ctx)
	if len(c.args) > 0 {
		c.misuse() // VAR=x COMMAND does it
		return
	}
	env := exported(hc)
	slices.Sort(env)
	for _, kv := range env {
		fmt.Fprintln(c.out, kv)
	}
}

func echo(c *call) { fmt.Fprintln(c.out, strings.Join(c.args, " ")) }

func pathPart(c *call) {
	args, ok := c.read(c.options(), 1, 2)
	if !ok {
		return
	}
	if c.name == "dirname" {
		fmt.Fprintln(c.out, filepath.Dir(strings.TrimRight(args[0], "/")))
		return
	}
	base := filepath.Base(args[0])
	if len(args) == 2 && args[1] != base {
		base = strings.TrimSuffix(base, args[1])
	}
	fmt.Fprintln(c.out, base)
}

// blockDevices lists what the kernel knows, and where it is mounted.
func blockDevices(c *call) {
	if _, ok := c.read(c.options(), 0, 0); !ok {
		return
	}
	devices, err := os.ReadDir("/sys/class/block")
	if err != nil {
		c.fail(err)
		if errors.Is(err, fs.ErrNotExist) {
			c.err("hint: mkdir -p /sys; mount -t sysfs sysfs /sys\n")
		}
		return
	}
	at := map[string][]string{}
	for _, m := range mounts() {
		key := fmt.Sprintf("%d:%d", m.Major, m.Minor)
		at[key] = append(at[key], m.Mountpoint)
	}
	read := func(name, file string) string {
		b, err := os.ReadFile(filepath.Join("/sys/class/block", name, file))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	fmt.Fprintf(c.out, "%-16s %-8s %8s %-2s %s\n", "NAME", "NUMBER", "SIZE", "RO", "MOUNTED")
	for _, d := range devices {
		sectors, err := strconv.ParseUint(read(d.Name(), "size"), 10, 64)
		if err != nil || sectors == 0 {
			continue
		}
		number := read(d.Name(), "dev")
		fmt.Fprintf(c.out, "%-16s %-8s %8s %-2s %s\n", d.Name(), number, human(sectors*512), read(d.Name(), "ro"), strings.Join(at[number], " "))
	}
}

func syncDisks(c *call) {
	if _, ok := c.read(c.options(), 0, -1); ok {
		unix.Sync()
	}
}

func sleep(c *call) {
	args, ok := c.read(c.options(), 1, 1)
	if !ok {
		return
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		if d, err = time.ParseDuration(args[0] + "s"); err != nil {
			c.misuse()
			return
		}
	}
	select {
	case <-time.After(d):
	case <-c.ctx.Done():
	}
}
