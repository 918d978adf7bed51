package host

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
	"guardsh/rules"
	"guardsh/rules/effect"
)

// longKind reports what takes so long that it is easily begun a second time.
func longKind(k effect.Kind) bool {
	switch k {
	case effect.WriteTree, effect.RawWrite, effect.Format, effect.Fsck, effect.DBChange:
		return true
	}
	return false
}

// sameBudget bounds the look at all processes.
var sameBudget = 20 * time.Millisecond

// sameJobs finds processes that run the same program on the same source or
// onto the same destination as the line will.
func (g *gathering) sameJobs() {
	if g.w.root != "" {
		return
	}
	all := map[string][]int{}
	until := time.Now().Add(min(Fair(sameBudget), g.left()))
	for i := range g.effects {
		e := &g.effects[i]
		if !longKind(e.Kind) || !local(e) || e.Has("dry") || e.Command == "" {
			continue
		}
		of, _ := g.object(&e.Object)
		if of.Same != nil {
			continue
		}
		short := e.Command[:min(len(e.Command), maxComm)]
		pids, looked := all[short]
		if !looked {
			pids = called(short, until)
			all[short] = pids
		}
		sameAs(e, of, pids)
	}
}

// maxComm is what the kernel keeps of a program's name.
const maxComm = 15

// called are the processes of a name. It is asked for everyday lines, too, so
// that it reads the least there is, without the detours of package os.
func called(comm string, until time.Time) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	buf := make([]byte, maxComm+2) // with the line's end, and one to see that there is no more
	for _, n := range names {
		if n[0] < '1' || n[0] > '9' {
			continue
		}
		fd, err := unix.Open("/proc/"+n+"/comm", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		k, _ := unix.Read(fd, buf)
		unix.Close(fd)
		if k > 0 && string(buf[:k-1]) == comm {
			if pid, err := strconv.Atoi(n); err == nil {
				pids = append(pids, pid)
			}
		}
		if time.Now().After(until) {
			break
		}
	}
	return pids
}

func sameAs(e *effect.Effect, of *rules.ObjectFact, pids []int) {
	if len(pids) == 0 {
		return
	}
	own := ownProcesses().parents
	var seen []string
	for _, pid := range pids {
		if slices.Contains(own, pid) {
			continue
		}
		argv := commandLine(pid)
		cwd := startedIn(pid)
		if len(argv) < 2 || cwd == "" {
			continue
		}
		line := strings.Join(argv, " ")
		if slices.Contains(seen, line) { // rsync is three processes
			continue
		}
		to, same := sameWork(e, of, argv[1:], cwd)
		if !same {
			continue
		}
		seen = append(seen, line)
		of.Same = append(of.Same, rules.SameJob{PID: pid, TTY: ttyOf(pid), Since: since(pid), Line: line, To: to})
		if len(of.Same) >= maxNamed {
			return
		}
	}
}

// startedIn is the directory that a process was started in, by what its shell
// told it: rsync and others go elsewhere before they work.
func startedIn(pid int) string {
	base := "/proc/" + strconv.Itoa(pid)
	b, err := os.ReadFile(base + "/environ")
	if err == nil {
		for kv := range strings.SplitSeq(string(b), "\x00") {
			if v, ok := strings.CutPrefix(kv, "PWD="); ok && path.IsAbs(v) {
				return v
			}
		}
	}
	cwd, err := os.Readlink(base + "/cwd")
	if err != nil {
		return ""
	}
	return cwd
}

// sameWork compares the operands of a running program with an effect: the same
// destination, or the same source; then to is where the running one writes.
func sameWork(e *effect.Effect, of *rules.ObjectFact, args []string, cwd string) (to string, same bool) {
	var ops []string
	for _, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok && (k == "if" || k == "of") { // dd
			a = v
		} else if strings.HasPrefix(a, "-") {
			continue
		}
		if !path.IsAbs(a) && !remote(a) {
			a = cwd + "/" + a
		}
		ops = append(ops, path.Clean(a))
	}
	if len(ops) == 0 {
		return "", false
	}
	last := ops[len(ops)-1]
	dest := path.Clean(e.Object.Name)
	if e.Object.Name != "" && (slices.Contains(ops, dest) || slices.Contains(ops, of.Path.Real)) {
		return "", true
	}
	if e.Source == nil || e.Source.Name == "" || len(ops) < 2 {
		return "", false
	}
	return last, slices.Contains(ops[:len(ops)-1], path.Clean(e.Source.Name))
}

// remote reports host:path, as rsync and scp write it.
func remote(s string) bool {
	before, _, ok := strings.Cut(s, ":")
	return ok && before != "" && !strings.Contains(before, "/")
}

// clockTick is the unit of the times in /proc; the kernel fixes it for
// programs whatever its own is.
const clockTick = time.Second / 100

// since is when a process was started, for people: "14:02", with the date when
// that is another day.
func since(pid int) string {
	st, err := proc.Of(pid)
	boot := bootTime()
	if err != nil || boot.IsZero() {
		return ""
	}
	at, now := boot.Add(time.Duration(st.Start)*clockTick), time.Now()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

// bootTime is when the machine was started.
func bootTime() time.Time {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}
	}
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, "btime "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return time.Unix(n, 0)
		}
	}
	return time.Time{}
}
