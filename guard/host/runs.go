package host

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
	"guardsh/rules"
	"guardsh/rules/effect"
)

// A process as /proc lists it.
type process struct {
	pid, parent int
	comm        string
}

// processes are all that may be seen.
func processes() []process {
	var list []process
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if st, err := proc.Of(pid); err == nil {
			list = append(list, process{pid: pid, parent: st.Parent, comm: st.Name})
		}
	}
	return list
}

// commandLine is what a process was started with; nil for the kernel's.
func commandLine(pid int) []string {
	b, err := proc.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(b) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

// guest is a virtual machine that runs as a process.
type guest struct {
	pid  int
	name string
	argv []string
}

// asGuest says whether a process is one.
func asGuest(p process) (guest, bool) {
	if !strings.HasPrefix(p.comm, "qemu") && !strings.HasPrefix(p.comm, "kvm") {
		return guest{}, false
	}
	argv := commandLine(p.pid)
	if len(argv) < 2 {
		return guest{}, false // a kernel thread, or a helper
	}
	return guest{pid: p.pid, name: guestName(argv, strconv.Itoa(p.pid)), argv: argv}, true
}

// guests are the virtual machines that run here, by name.
func (w *World) guests() []string {
	var names []string
	for _, p := range processes() {
		if v, ok := asGuest(p); ok {
			names = append(names, v.name)
		}
	}
	return names
}

// guestName reads -name web or -name guest=web,debug-threads=on.
func guestName(argv []string, pid string) string {
	for i, a := range argv {
		if (a == "-name" || a == "--name") && i+1 < len(argv) {
			n, _, _ := strings.Cut(argv[i+1], ",")
			return strings.TrimPrefix(n, "guest=")
		}
	}
	return "pid " + pid
}

// leaders is how to ask for the first process of a container; its name is put
// behind.
func leaders(command string) []string {
	switch command {
	case "docker":
		return []string{"docker", "inspect", "--type", "container", "--format", "{{.State.Pid}}"}
	case "podman":
		return []string{"podman", "inspect", "--type", "container", "--format", "{{.State.Pid}}"}
	case "nerdctl":
		return []string{"nerdctl", "inspect", "--type", "container", "--format", "{{.State.Pid}}"}
	case "lxc-stop", "lxc-destroy", "pct":
		return []string{"lxc-info", "--pid", "--no-humanize", "--name"}
	case "lxc":
		return []string{"lxc", "info"}
	case "incus":
		return []string{"incus", "info"}
	case "machinectl":
		return []string{"machinectl", "show", "--property", "Leader"}
	}
	return nil
}

// leaderPID finds it in what they answer: a bare number, "PID: 12", "Leader=12".
var leaderPID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?im)^\s*(?:pid:\s*|leader=)?(\d+)\s*$`) })

// containerRuns says what runs in a container.
func containerRuns(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	ask := leaders(e.Command)
	if e.Kind != effect.GuestStop || optionLike(e.Object.Name) || ask == nil {
		return
	}
	if far := g.elsewhere(e); far != "" {
		unknownf(of, "what runs in it: it is asked at %s", far)
		return
	}
	b, ok := g.ask(of, "what runs in it", ask[0], append(slices.Clone(ask[1:]), e.Object.Name)...)
	if !ok {
		return
	}
	m := leaderPID().FindSubmatch(b)
	if m == nil {
		if len(b) > 0 {
			unknownf(of, "what runs in it: %s gave no process", ask[0])
			return
		}
		m = [][]byte{nil, []byte("0")} // lxc-info of what is stopped says nothing
	}
	pid, _ := strconv.Atoi(string(m[1]))
	of.Runs.Known = true
	if pid == 0 {
		return
	}
	counts := map[string]int{}
	var names []string
	total := 0
	for _, p := range inside(pid) {
		if v, ok := asGuest(p); ok {
			of.Runs.Guests = append(of.Runs.Guests, v.name)
			continue
		}
		if total++; counts[p.comm] == 0 {
			names = append(names, p.comm)
		}
		counts[p.comm]++
	}
	for _, n := range names {
		if counts[n] > 1 {
			n = fmt.Sprintf("%s (%d)", n, counts[n])
		}
		of.Runs.Others = append(of.Runs.Others, n)
	}
	if total > 0 {
		of.Tells = append(of.Tells, fmt.Sprintf("%s in it: %s", runs(total), strings.Join(of.Runs.Others[:min(len(names), maxNamed)], ", ")))
	}
}

// elsewhere is the other host, or what is not known of it, that a command about
// containers or guests is pointed at; "" for this one.
func (g *gathering) elsewhere(e *effect.Effect) string {
	for _, name := range [...]string{"DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI"} {
		switch v, ok := g.aim(e, name); {
		case !ok:
			return "$" + name
		case v != "" && v != "default" && v != "qemu:///system" && !strings.HasPrefix(v, "unix:///"):
			return v
		}
	}
	opts := g.options(e, "H", "host", "context", "c", "connect", "url", "connection")
	for _, v := range opts {
		if v != "" && v != "default" && v != "qemu:///system" && !strings.HasPrefix(v, "unix:///") {
			return v
		}
	}
	return ""
}

func runs(n int) string {
	if n == 1 {
		return "1 process runs"
	}
	return strconv.Itoa(n) + " processes run"
}

// inside are the processes that end with a container's first one: those below
// it, and those that share a namespace or control group with it that is not
// ours. A guest is its own parent's child no more, but still in these.
func inside(first int) []process {
	all := processes()
	base := "/proc/" + strconv.Itoa(first)
	ns := map[string]string{}
	for _, n := range []string{"pid", "mnt"} {
		its, err := os.Readlink(base + "/ns/" + n)
		own, ownErr := os.Readlink("/proc/self/ns/" + n)
		if err == nil && ownErr == nil && its != own {
			ns[n] = its
		}
	}
	group := controlGroup(base)
	if group == "/" || group == controlGroup("/proc/self") {
		group = ""
	}
	below := map[int]bool{first: true}
	for again := true; again; {
		again = false
		for _, p := range all {
			if !below[p.pid] && below[p.parent] {
				below[p.pid], again = true, true
			}
		}
	}
	return slices.DeleteFunc(all, func(p process) bool {
		if below[p.pid] {
			return false
		}
		at := "/proc/" + strconv.Itoa(p.pid)
		for n, its := range ns {
			if have, err := os.Readlink(at + "/ns/" + n); err == nil && have == its {
				return false
			}
		}
		have := controlGroup(at)
		return group == "" || have != group && !strings.HasPrefix(have, group+"/")
	})
}

// controlGroup is a process's, in the one hierarchy or in systemd's.
func controlGroup(base string) string {
	b, err := os.ReadFile(base + "/cgroup")
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(l), ":", 3)
		if len(f) == 3 && (f[0] == "0" || f[1] == "name=systemd") {
			return f[2]
		}
	}
	return ""
}

// guestRuns says what is known of a virtual machine by its process.
func guestRuns(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	if e.Object.Type != effect.Guest || e.Object.Name == "" || g.elsewhere(e) != "" {
		return
	}
	if e.Command == "virsh" && e.Kind == effect.GuestMigrate && e.Has("start") && !optionLike(e.Object.Name) {
		if b, ok := g.ask(of, "where its disks lie", "virsh", "domblklist", "--details", e.Object.Name); ok {
			of.Runs.Local = g.w.localDisks(string(b))
		}
	}
	for _, p := range processes() {
		v, ok := asGuest(p)
		if !ok || v.name != e.Object.Name {
			continue
		}
		of.Runs.Known, of.Runs.Guests = true, []string{v.name}
		said := fmt.Sprintf("it runs here as %s (pid %d)", p.comm, p.pid)
		if t := since(p.pid); t != "" {
			said += " since " + t
		}
		if d := guestDisks(v.argv); len(d) > 0 {
			said += ", on " + strings.Join(d[:min(len(d), maxNamed)], ", ")
		}
		of.Tells = append(of.Tells, said)
	}
}

// localDisks reports whether every disk in virsh's list of them ("file disk vda
// /x.qcow2") lies where no other host reaches it: neither on a network's file
// system nor on a disk behind a network or a fabric.
func (w *World) localDisks(list string) bool {
	disks := 0
	for l := range strings.Lines(list) {
		f := strings.Fields(l)
		if len(f) < 4 || f[1] != "disk" && f[1] != "lun" {
			continue
		}
		disks++
		source := strings.Join(f[3:], " ")
		real, err := w.Real(source) // with its deadline: the mount may be dead
		if f[0] != "file" && f[0] != "block" || err != nil || !path.IsAbs(source) {
			return false
		}
		if st := (unix.Stat_t{}); f[0] == "block" {
			if unix.Stat(real, &st) != nil || farDevice(int(unix.Major(st.Rdev)), int(unix.Minor(st.Rdev)), 0) {
				return false
			}
		} else if m := w.mountsNow().of(real); m == nil || mayHang(m) || m.Mountpoint == "/" && farDevice(m.Major, m.Minor, 0) {
			return false
		}
	}
	return disks > 0
}

// diskOf finds a disk's file in qemu's options: file=/x, "filename":"/x",
// and RBD images.
var diskOf = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|,)file(?:\.filename)?=([^,]+)|"filename":"([^"]+)"`)
})

// guestDisks are the disks of a virtual machine.
func guestDisks(argv []string) []string {
	var list []string
	for i, a := range argv {
		if i == 0 || argv[i-1] != "-drive" && argv[i-1] != "-blockdev" && argv[i-1] != "-hda" {
			continue
		}
		if argv[i-1] == "-hda" {
			list = append(list, a)
			continue
		}
		for _, m := range diskOf().FindAllStringSubmatch(a, -1) {
			list = append(list, m[1]+m[2])
		}
	}
	return list
}

// xenRuns says what xl lists of a domain.
func xenRuns(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	if e.Object.Type != effect.Guest || optionLike(e.Object.Name) {
		return
	}
	b, ok := g.ask(of, "what runs in it", e.Command, "list", e.Object.Name)
	if !ok {
		return
	}
	for l := range strings.Lines(string(b)) {
		// Name ID Mem VCPUs State Time(s)
		f := strings.Fields(l)
		if len(f) < 6 || f[0] != e.Object.Name {
			continue
		}
		of.Runs = rules.RunsFact{Known: true, Guests: []string{f[0]}}
		of.Tells = append(of.Tells, fmt.Sprintf("domain %s runs with %s MiB and %s CPUs; it has used %s s of them", f[1], f[2], f[3], f[5]))
	}
}

// killed says which of the processes that a signal goes to are guests, and
// whether one is guardsh. A pattern for whole command lines is held against
// guardsh's name alone: in its arguments stands the line itself.
func killed(_ *gathering, e *effect.Effect, of *rules.ObjectFact) {
	if e.Has("harmless") || e.Has("job") {
		return
	}
	name := e.Object.Name
	hits := func(process) bool { return false }
	var named *regexp.Regexp
	pid, err := strconv.Atoi(name)
	switch {
	case e.Has("all"):
		hits = func(process) bool { return true }
	case name == "":
		return
	case e.Command == "kill" && err == nil:
		hits = func(p process) bool { return p.pid == pid || pid < -1 && groupOf(p.pid) == -pid }
	case e.Has("pattern"):
		re, err := regexp.Compile(name)
		if err != nil {
			return
		}
		named = re
		hits = func(p process) bool {
			return re.MatchString(p.comm) || re.MatchString(strings.Join(commandLine(p.pid), " "))
		}
	case e.Command != "kill":
		hits = func(p process) bool {
			argv := commandLine(p.pid)
			return p.comm == name || len(argv) > 0 && path.Base(argv[0]) == name
		}
	}
	all := []process(nil)
	if b, err := os.ReadFile("/proc/" + name + "/comm"); e.Command == "kill" && pid > 0 && err == nil {
		all = []process{{pid: pid, comm: strings.TrimSpace(string(b))}} // the others need no look
	} else if e.Command != "kill" || pid < 0 {
		all = processes()
	}
	for _, p := range all {
		if v, ok := asGuest(p); ok && hits(p) {
			of.Runs.Guests = append(of.Runs.Guests, v.name)
		}
		if p.comm == "guardsh" && len(of.Runs.Others) == 0 && !e.Has("all") && (e.Has("pattern") && named.MatchString(p.comm) || !e.Has("pattern") && hits(p)) {
			of.Runs.Others = []string{p.comm}
		}
	}
	of.Runs.Known = true
}

// groupOf is a process's group.
func groupOf(pid int) int {
	st, _ := proc.Of(pid)
	return st.Group
}
