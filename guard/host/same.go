package host

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// longKinds are what takes so long that it is easily begun a second time.
var longKinds = map[effect.Kind]bool{
	effect.WriteTree: true, effect.RawWrite: true, effect.Format: true, effect.Fsck: true, effect.DBChange: true,
}

// sameBudget bounds the look at all processes.
const sameBudget = 20 * time.Millisecond

// sameJobs finds processes that run the same program on the same source or
// onto the same destination as the line will.
func (g *gathering) sameJobs() {
	if g.w.root != "" {
		return
	}
	var all []process
	until := time.Now().Add(min(sameBudget, g.left()))
	for i := range g.effects {
		e := &g.effects[i]
		if !longKinds[e.Kind] || !local(e) || e.Has("dry") || e.Command == "" {
			continue
		}
		of, _ := g.object(&e.Object)
		if of.Same != nil {
			continue
		}
		if all == nil {
			all = processes()
		}
		g.sameAs(e, of, all, until)
	}
}

func (g *gathering) sameAs(e *effect.Effect, of *rules.ObjectFact, all []process, until time.Time) {
	short := e.Command[:min(len(e.Command), 15)] // what the kernel keeps of a name
	own := ownProcesses().parents
	var seen []string
	for _, p := range all {
		if p.comm != short || slices.Contains(own, p.pid) || time.Now().After(until) {
			continue
		}
		argv := commandLine(p.pid)
		cwd := startedIn(p.pid)
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
		of.Same = append(of.Same, rules.SameJob{PID: p.pid, TTY: ttyOf("/proc/" + strconv.Itoa(p.pid)), Since: since(p.pid), Line: line, To: to})
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
	const startTime = 19 // behind the name
	f := statFields("/proc/" + strconv.Itoa(pid))
	if len(f) <= startTime {
		return ""
	}
	ticks, err := strconv.ParseInt(f[startTime], 10, 64)
	boot := bootTime()
	if err != nil || boot.IsZero() {
		return ""
	}
	at, now := boot.Add(time.Duration(ticks)*clockTick), time.Now()
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
