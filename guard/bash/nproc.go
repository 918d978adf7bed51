package bash

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// limits is what may keep a process from forking.
type limits struct {
	uid     string   // the real user, whose tasks nproc counts
	nproc   uint64   // RLIMIT_NPROC, MaxUint64 where it does not apply
	machine uint64   // kernel.threads-max
	groups  []string // directories of control groups that bound their tasks
}

// limitsOf reads a process's limits. What cannot be read bounds nothing.
func limitsOf(root string, pid int) limits {
	dir := filepath.Join(root, "proc", strconv.Itoa(pid))
	l := limits{nproc: math.MaxUint64, machine: number(filepath.Join(root, "proc/sys/kernel/threads-max"))}
	status := fields(filepath.Join(dir, "status"))
	l.uid = firstField(status["Uid"])
	if !exempt(dir, status) {
		b, _ := os.ReadFile(filepath.Join(dir, "limits"))
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "Max processes"); ok {
				l.nproc = bound(firstField(rest))
			}
		}
	}
	b, _ := os.ReadFile(filepath.Join(dir, "cgroup"))
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		top := filepath.Join(root, "sys/fs/cgroup")
		switch {
		case f[1] == "pids":
			top = filepath.Join(top, "pids")
		case f[1] != "":
			continue
		}
		for g := filepath.Clean("/" + f[2]); ; g = filepath.Dir(g) {
			if number(filepath.Join(top, g, "pids.max")) != math.MaxUint64 {
				l.groups = append(l.groups, filepath.Join(top, g))
			}
			if g == "/" {
				break
			}
		}
	}
	return l
}

// exempt says whether the kernel does not apply RLIMIT_NPROC: to its first
// user namespace's root, and to CAP_SYS_ADMIN or CAP_SYS_RESOURCE there.
func exempt(dir string, status map[string]string) bool {
	b, _ := os.ReadFile(filepath.Join(dir, "uid_map"))
	if strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295" {
		return false
	}
	caps, _ := strconv.ParseUint(strings.TrimSpace(status["CapEff"]), 16, 64)
	return firstField(status["Uid"]) == "0" || caps&(1<<unix.CAP_SYS_ADMIN|1<<unix.CAP_SYS_RESOURCE) != 0
}

// What a session takes of threads in all, and what runs one line or one command;
// and what has to be left then for the shell itself and what it starts.
const (
	sessionThreads, sessionRest = 16, 8
	lineThreads, lineRest       = 8, 2
)

// HaveThreads makes the threads that one line takes where there may soon be none
// to be had. Go's runtime ends a process that gets none, and this is the time at
// which bash can still take its place (see Begun).
func HaveThreads() {
	var most unix.Rlimit
	var machine unix.Sysinfo_t
	const others = 64 // what else may start meanwhile, and is not counted here
	if unix.Getrlimit(unix.RLIMIT_NPROC, &most) == nil && unix.Sysinfo(&machine) == nil && most.Cur < uint64(machine.Procs)+others {
		spareThreads(lineThreads, lineRest)
	}
}

// haveSessionThreads does the same for a session.
func haveSessionThreads() {
	if limitsOf("/", os.Getpid()).forkFails("/", 2*(sessionThreads+sessionRest)) != "" {
		spareThreads(sessionThreads, sessionRest)
	}
}

// spareThreads sees to it that the runtime has n threads that nothing else uses,
// and that there were rest more to be had.
func spareThreads(n, rest int) {
	if startStack == nil {
		return // nothing would stand in: better to need fewer
	}
	var ready, over sync.WaitGroup
	all := make(chan struct{})
	for i := range n + rest {
		ready.Add(1)
		over.Go(func() {
			runtime.LockOSThread() // and a thread that is not let go ends with what runs on it
			ready.Done()
			<-all
			if i < n {
				runtime.UnlockOSThread()
			}
		})
	}
	ready.Wait()
	close(all)
	over.Wait()
}

// forkFails says why a process with these limits cannot have n more tasks now, ""
// where nothing is known that keeps it from it. The tasks of a user are counted
// only where the machine has as many as the limit in all.
func (l limits) forkFails(root string, n uint64) string {
	b, _ := os.ReadFile(filepath.Join(root, "proc/loadavg"))
	_, rest, _ := strings.Cut(string(b), "/")
	total, err := strconv.ParseUint(firstField(rest), 10, 64)
	if err == nil && total+n > l.machine {
		return fmt.Sprintf("the machine has its %d tasks (kernel.threads-max)", l.machine)
	}
	for _, g := range l.groups {
		most, now := number(filepath.Join(g, "pids.max")), number(filepath.Join(g, "pids.current"))
		if most != math.MaxUint64 && now != math.MaxUint64 && now+n > most {
			return fmt.Sprintf("the control group has its %d tasks (pids.max)", most)
		}
	}
	if l.nproc != math.MaxUint64 && (err != nil || total+n > l.nproc) && tasksOf(root, l.uid, l.nproc)+n > l.nproc {
		return fmt.Sprintf("the user has the %d tasks of the limit (ulimit -u)", l.nproc)
	}
	return ""
}

// tasksOf counts the tasks of a real user, up to a bound.
func tasksOf(root, uid string, most uint64) (n uint64) {
	pids, _ := filepath.Glob(filepath.Join(root, "proc/[0-9]*/status"))
	for _, p := range pids {
		if n >= most {
			break
		}
		st := fields(p)
		if firstField(st["Uid"]) != uid {
			continue
		}
		t, err := strconv.ParseUint(strings.TrimSpace(st["Threads"]), 10, 64)
		if err != nil {
			t = 1
		}
		n += t
	}
	return n
}

// fields reads a file of lines "name: value".
func fields(path string) map[string]string {
	b, _ := os.ReadFile(path)
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out[name] = value
		}
	}
	return out
}

func firstField(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return f[0]
	}
	return ""
}

// number reads a file that holds one number; MaxUint64 for "max", and where
// there is none.
func number(path string) uint64 {
	b, _ := os.ReadFile(path)
	return bound(firstField(string(b)))
}

func bound(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil { // unlimited, max, no such file
		return math.MaxUint64
	}
	return n
}

// checkFork finds out whether a shell at its prompt can fork, and tells it by
// a mark that its hook looks at and, where its prompt stands already, by a key:
// PS0 then forks nothing, and its DEBUG trap judges the line. fresh reads the
// limits anew. text is what the user should know now, "" nothing.
func (s *shell) checkFork(fresh bool) (text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur != nil {
		return "" // a line runs: its forks are its own
	}
	if fresh {
		s.limits, s.bounded = limitsOf("/", s.pid), true
	}
	if !s.bounded {
		return "" // not asked yet
	}
	why := s.limits.forkFails("/", 1)
	mark := s.g.path(s.pid, "f")
	if why == "" {
		if s.forkless {
			os.Remove(mark) // the hook goes back to PS0
		}
		s.forkless = false
		return ""
	}
	if !s.forkless {
		s.knowsAlone = false
		s.forkless = os.WriteFile(mark, nil, 0o644) == nil
		text = "guardsh: no process can be started here: " + why + "; kill, exec and echo need none\n"
	}
	if !s.knowsAlone && s.own && s.g.screen != nil {
		s.knowsAlone = s.g.screen.press(s.pid, aloneKey)
	}
	// bash waits and tries again when a fork fails, for 15 seconds in all, and
	// then drops the line; any signal ends that. This one does nothing else.
	unix.Kill(s.pid, unix.SIGCHLD)
	return text
}

// aloneKey is what sh/prompt.sh binds for sh/alone.sh.
const aloneKey = "\x18\x1fg"

// askedFork answers a shell whose limit of processes is a new one, or that is on
// another terminal than the session's: what is said about its prompt has been
// said there when the prompt is drawn.
func (s *shell) askedFork(f frame) {
	s.g.first.Lock()
	defer s.g.first.Unlock()
	text := s.checkFork(true)
	s.mu.Lock()
	s.knowsAlone = s.forkless
	s.mu.Unlock()
	s.tell(text)
	s.send(f.field(0))
}

// tell says something above the shell's prompt.
func (s *shell) tell(text string) {
	if text != "" {
		Prompt{ShellPID: s.pid, terminal: s.terminal()}.Say(text)
	}
}

// watchForks looks at every shell from time to time.
func (g *gate) watchForks(ctx context.Context) {
	tick := time.NewTicker(rearmEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		g.mu.Lock()
		shells := slices.Collect(maps.Values(g.shells))
		g.mu.Unlock()
		for _, s := range shells {
			s.tell(s.checkFork(false))
		}
	}
}
