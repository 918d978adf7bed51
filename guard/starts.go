package guard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"guardsh/audit"
	"guardsh/guard/bash"
	"guardsh/guard/host"
	"guardsh/guard/proc"
	"guardsh/guard/supervise"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"

	"golang.org/x/sys/unix"
)

// starts is what the session knows of the programs that start below its lines.
type starts struct {
	sup      atomic.Pointer[supervise.Supervision]
	prepared atomic.Pointer[supervise.Prepared] // for the shell that starts next
	// terminal finds the terminal of a process below the shell.
	terminal atomic.Pointer[func(pid int) *bash.Terminal]

	asking sync.Map // by terminal: *sync.Mutex, one question at a time

	strangers strangers
}

// maxPrograms is how many different programs of one line the trail names; the
// others are counted together.
const maxPrograms = 64

// spawn starts a shell so that what starts below it is judged too, as far as
// the configuration and this machine allow. It is for bash.Config.Spawn.
func (s *Session) spawn(start func() error) error {
	s.trail.running()
	return s.supervised(start)
}

// supervised is spawn but for the trail.
func (s *Session) supervised(start func() error) error {
	if !s.supervises() {
		if s.Config.Supervise == SuperviseOn {
			s.unsupervised("it takes root")
		}
		return start()
	}
	p := s.starts.prepared.Swap(nil)
	if p == nil {
		p = s.prepared()
	}
	sup, why, err := p.Start(start)
	switch {
	case errors.Is(why, supervise.ErrNested):
	case why != nil:
		s.unsupervised(why.Error())
	case err == nil:
		s.starts.sup.Store(sup)
	}
	return err
}

// prepared makes ready what a shell is supervised by.
func (s *Session) prepared() *supervise.Prepared {
	return supervise.Prepare(supervise.Config{
		Known: s.mustLookAt,
		Judge: s.start,
		Seen:  s.countStart,
		Lost:  func(err error) { s.trail.degraded(fmt.Sprintf("program starts are not judged any more: %v", err)) },
	})
}

// prepareStarts does it beside the judgement of what will run: to wake a thread
// takes longer than most of that.
func (s *Session) prepareStarts() {
	if s.supervises() {
		s.starts.prepared.Store(s.prepared())
	}
}

// supervises says whether the configuration and this user want program starts to
// be judged.
func (s *Session) supervises() bool { return s.Config.Supervise != SuperviseOff && os.Geteuid() == 0 }

// unsupervised says once that lines alone are judged.
func (s *Session) unsupervised(why string) {
	s.trail.degraded("program starts are not judged: " + why)
	if (s.Config.Supervise == SuperviseOn || s.place.Interactive) && s.noticesHere() {
		says := "lines are judged, the programs that start below them are not"
		if s.ungated {
			says = "the programs that start here are not judged either"
		}
		fmt.Fprintf(os.Stderr, "guardsh: %s: %s\r\n", says, why)
	}
}

// endStarts is called before this process ends: what is left below it must be
// able to start programs.
func (s *Session) endStarts() {
	if sup := s.starts.sup.Load(); sup != nil {
		if err := sup.End(); err != nil {
			s.trail.degraded(err.Error())
		}
	}
}

// passOn remembers what a line was judged by for what it starts.
func (s *Session) passOn(sc *scope, j Judgement, number int) {
	s.scopes.released(sc, number)
	keys := keysOf(j, 0)
	sc.judged.add(keys)
	if s.place.Interactive && os.Getenv(answerVariable) != "" {
		s.askAbove(upward{Judged: keys, Line: true})
	}
}

// judgedBelow takes over what a session that runs in this one judged a line by.
func (s *Session) judgedBelow(session int, m upward) {
	sc := s.scopeOf(session)
	if m.Line {
		sc.newLine(nil)
	}
	sc.judged.add(m.Judged)
}

// jobsOf are the processes that run below a shell which is at its gate, and when
// each started; the gate itself is one of them, and none where it is alone.
func jobsOf(shell int) map[int]int64 {
	pid := strconv.Itoa(shell)
	b, err := proc.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	list := strings.Fields(string(b))
	if err != nil || len(list) < 2 {
		return nil
	}
	jobs := map[int]int64{}
	for _, f := range list {
		if child, err := strconv.Atoi(f); err == nil {
			jobs[child] = beganAt(child)
		}
	}
	return jobs
}

// beganAt is when a process started, as the kernel counts it; 0 when it is gone.
// A number alone may be another process by now.
func beganAt(pid int) int64 {
	st, _ := proc.Of(pid)
	return st.Start
}

// countStart notes a start for the trail.
func (s *Session) countStart(st *supervise.Start) {
	t := s.scopes.counting(st.PID)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	if _, ok := t.counts[st.Path]; !ok && len(t.counts) >= maxPrograms {
		t.more++
		return
	}
	t.counts[st.Path]++
}

// startsEnded records what a scope's line started and finishes what was kept
// for that.
func (s *Session) startsEnded(sc *scope) {
	sc.mu.Lock()
	number, counts, more, kept := sc.line, sc.counts, sc.more, sc.kept
	sc.counts, sc.more, sc.kept, sc.running = nil, 0, nil, false
	sc.mu.Unlock()
	for _, p := range slices.Sorted(maps.Keys(counts)) {
		s.trail.programs(number, p, counts[p])
	}
	if more > 0 {
		s.trail.programs(number, "others", more)
	}
	s.finish(kept)
}

// start decides about one program start below a line: by the same rules, with
// the arguments and the directory as they really are. What the line was judged
// by already is not judged again.
func (s *Session) start(st *supervise.Start) supervise.Decision {
	view := s.viewOf(st)
	if view != nil {
		defer view.Close()
	}
	is, known := s.identify(st, view)
	if !known {
		return supervise.Go
	}
	rest, err := st.Rest()
	if err != nil {
		if st.Waits() {
			s.trail.degraded(fmt.Sprintf("the start of %s could not be read, and goes on unjudged: %v", st.Path, err))
		}
		return supervise.Go
	}
	argv := s.commandOf(st, is, rest)
	whole := manyInOne(path.Base(is.program))
	if len(argv) > 1 && command.Interprets(path.Base(is.program)) && !strings.HasPrefix(argv[1], "-") {
		return supervise.Go // a script: what it starts comes by itself
	}
	line := as(Quote(argv), is.program, st)
	shell := &command.StaticShell{Later: st.Env, Dir: rest.Cwd, Login: userOf(rest.UID)}
	var j Judgement
	var files command.Files = s.Judge.World
	if view == nil {
		j = s.Judge.Start(line, argv, whole, shell)
	} else {
		shell.Dir, files = view.Inside(rest.Cwd), view
		j = s.Judge.startIn(view, line, argv, whole, shell)
	}
	if j.Decision = itself(j, whole); len(j.Decision.Findings) == 0 {
		return supervise.Go
	}
	if st.File == "" && !isThere(files, st.Path, shell.Dir) {
		return supervise.Go // execvp tries each directory of PATH; the kernel says that nothing is there
	}
	sc := s.scopes.above(st.PID)
	over := sc.over(st.PID)
	j.Decision = remaining(over, j, j.Decision)
	if view != nil {
		for _, h := range over {
			j.Decision = h.inside(j.Decision, func(f rules.Finding) string { return view.Inside(f.Object) })
		}
	}
	if j.Decision.Verdict >= rules.Confirm && s.trusted(st.PID, view) {
		j.Decision = onlyBlocks(j.Decision)
	}
	if len(j.Decision.Findings) == 0 {
		return supervise.Go
	}
	if sc.refusedAlready(st.PID, j) {
		return supervise.Refuse
	}
	r := Request{Src: line, Source: Started, scope: sc, Cwd: rest.Cwd, Open: s.openOf(st.PID), Say: func(words string) { supervise.Tell(st.PID, words) }}
	if s.mayStart(r, j, st.PID, st.Waits) {
		return supervise.Go
	}
	return supervise.Refuse
}

// isThere says whether a program's file exists, as far as that can be known.
func isThere(files command.Files, name, cwd string) bool {
	if !path.IsAbs(name) {
		name = path.Join(cwd, name)
	}
	_, err := files.Real(name)
	return !errors.Is(err, unix.ENOENT)
}

// itself is the decision about what a start does by itself. What it may start
// in turn is judged when it does, as it really is then: what could not be
// known, what may not happen, and what a script of its or something below another
// root directory would do is left out, unless it does that as well (whole).
func itself(j Judgement, whole bool) rules.Decision {
	d := j.Decision
	d.Findings = nil
	for _, f := range j.Decision.Findings {
		if f.Rule == failedRule {
			d.Findings = append(d.Findings, f)
			continue
		}
		if f.EffectAt < 0 || f.Effect == effect.RunUnknown {
			continue
		}
		e := j.Effects[f.EffectAt]
		scripted := e.Action >= 0 && slices.ContainsFunc(j.Line.Actions[e.Action].Via, func(via string) bool { return strings.HasPrefix(via, "script ") })
		if whole || e.Certain == command.Certain && !scripted && e.Place.Kind != command.Chroot {
			d.Findings = append(d.Findings, f)
		}
	}
	d.Verdict = strictest(d.Findings)
	return d
}

// mayStart says, asks and keeps for a start as Line does for a line. waits says
// whether the process still waits; nil: it is this one.
func (s *Session) mayStart(r Request, j Judgement, pid int, waits func() bool) bool {
	// A question about a process that was killed would take the keys for nothing.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer bash.CancelWithProcess(pid, cancel)()
	sc := s.scopeOfRequest(r)
	sc.mu.Lock()
	out := Outcome{Number: sc.line, start: true}
	sc.mu.Unlock()
	s.passGranted(sc, &j, out.Number)
	if j.Decision.Verdict >= rules.Confirm {
		lock, _ := s.starts.asking.LoadOrStore(bash.TTYOf(pid), new(sync.Mutex))
		lock.(*sync.Mutex).Lock()
		defer lock.(*sync.Mutex).Unlock()
		if ctx.Err() != nil || waits != nil && !waits() {
			return false
		}
		if waits != nil {
			go withdraw(ctx, cancel, func() bool { return waits() && bash.InFront(pid) })
		}
		// While this one waited, the same may have been answered.
		if j.Decision = remaining(sc.over(pid), j, j.Decision); len(j.Decision.Findings) == 0 {
			return true
		}
		if sc.refusedBefore(j) {
			sc.refuseRest(pid, j)
			r.Say(fmt.Sprintf("guardsh: %s does not run either\n", Printable(r.Src)))
			s.trail.start(out.Number, r, j, pid, audit.Refused)
			return false
		}
	}
	ok := s.askAbout(ctx, r, j, &out) && s.keep(ctx, r, j, &out)
	if ok {
		sc.over(pid)[0].add(keysOf(j, 0))
		s.trail.start(out.Number, r, j, pid, audit.Ran)
	} else {
		sc.refuseRest(pid, j)
		s.trail.start(out.Number, r, j, pid, audit.Refused)
		if out.broken && waits != nil {
			bash.Interrupt(pid)
		}
	}
	sc.mu.Lock()
	sc.kept = append(sc.kept, out.Kept...)
	sc.mu.Unlock()
	switch {
	case out.Say == "":
	case !ok || s.Config.Notices == NoticesAlways || supervise.OnTerminal(pid):
		r.Say(out.Say)
	default:
		s.log(r, out.Say)
	}
	return ok
}

// withdraw ends a question whose thread waits no more, or is not in front of its
// terminal any more: the keys are another's then.
func withdraw(ctx context.Context, cancel func(), waits func() bool) {
	tick := time.NewTicker(waitsLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !waits() {
				cancel()
				return
			}
		}
	}
}

// waitsLook is how often it is looked whether a process still waits for an
// answer: to the person in front it should be at once.
const waitsLook = 100 * time.Millisecond

// noHolds is for how long after the last refusal by it a no holds for what the
// same line starts. What a loop starts comes one upon the other; what somebody
// does in an editor later is another act.
const noHolds = 5 * time.Second

// refuseRest remembers a no: what the same line starts soon that the same rule
// speaks of is not asked about once more.
func (sc *scope) refuseRest(pid int, j Judgement) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.no == nil {
		sc.no, sc.told = map[string]time.Time{}, map[int]string{}
	}
	sc.told[pid] = strings.Join(keysOf(j, rules.Confirm), "\n")
	for _, f := range j.Decision.Findings {
		if f.Verdict == j.Decision.Verdict && f.Verdict >= rules.Confirm && f.Verdict < rules.Block {
			sc.no[f.Rule] = time.Now()
		}
	}
}

// refusedAlready says that a process tries again what it was refused, by
// another path of the same program: the answer holds, and was said.
func (sc *scope) refusedAlready(pid int, j Judgement) bool {
	keys := strings.Join(keysOf(j, rules.Confirm), "\n")
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return keys != "" && sc.told[pid] == keys
}

func (sc *scope) refusedBefore(j Judgement) bool {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return slices.ContainsFunc(j.Decision.Findings, func(f rules.Finding) bool {
		at, ok := sc.no[f.Rule]
		return ok && f.Verdict >= rules.Confirm && time.Since(at) < noHolds
	})
}

// openOf takes the terminal of a process for a question.
func (s *Session) openOf(pid int) func() (in, out *os.File, restore func(), err error) {
	return func() (in, out *os.File, restore func(), err error) {
		find := bash.TerminalOf
		if f := s.starts.terminal.Load(); f != nil {
			find = *f
		}
		return find(pid).Open()
	}
}

// trusted says whether a process belongs to a program of the system, or was
// started by guardsh itself: what lxc-destroy, update-ca-certificates or a package manager
// starts is its own doing, and a person was asked about its line. Only what
// nothing may do is refused it. What is told what to start (make, find, a
// script of the user's) is no such program; below what a person types into (an
// editor, the pager of man) it is that person's doing, whoever started that.
// view is that of a process in another root directory.
func (s *Session) trusted(pid int, view *host.View) bool {
	w, ok := s.Judge.World.(*host.World)
	if !ok {
		return false
	}
	self, err := os.Readlink("/proc/self/exe")
	nearest := true
	for a := range supervise.Ancestors(pid) {
		if err == nil && a.Exe == self {
			return nearest // farther up it is a session's shell, or a session: what its lines start is somebody's doing
		}
		nearest = false
		file := programOf(a)
		is := append(w.Program(file), file)
		has := func(what func(string) bool) bool {
			return slices.ContainsFunc(is, func(name string) bool { return what(path.Base(name)) })
		}
		switch {
		case !has(command.Interprets) && w.TakesKeys(file) && !s.managesPackages(file, a.Argv):
			return false
		case !ofSystem(file) && !(view != nil && inSystem(view.Inside(file)) && ofRoot(file)):
		case !has(command.Carries), s.managesPackages(file, a.Argv): // code in its arguments was judged with them
			return true
		}
	}
	return false
}

// managesPackages says of a program that it looks after packages: a person may
// type into it, and what it starts is its own doing all the same.
func (s *Session) managesPackages(file string, argv []string) bool {
	if len(argv) == 0 {
		return false
	}
	line := command.Understand(Quote(append([]string{file}, argv[1:]...)), command.Options{})
	return slices.ContainsFunc(s.Judge.Knowledge.Effects(line), func(e effect.Effect) bool { return strings.HasPrefix(string(e.Kind), "package-") })
}

// programOf is the file that says what a process does: an interpreter's is its
// script.
func programOf(a supervise.Ancestor) string {
	if !command.Interprets(path.Base(a.Exe)) {
		return a.Exe
	}
	for _, arg := range a.Argv[1:] {
		if strings.HasPrefix(arg, "-") && arg != "-" {
			if strings.ContainsAny(arg, "ce") && !strings.HasPrefix(arg, "--") {
				return a.Exe // code on the command line
			}
			continue
		}
		if path.IsAbs(arg) {
			return arg
		}
		return a.Exe
	}
	return a.Exe
}

// systemPlaces are where packages put programs.
var systemPlaces = []string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/lib/", "/usr/libexec/", "/usr/share/", "/lib/", "/etc/init.d/", "/var/lib/dpkg/"}

func inSystem(file string) bool {
	return slices.ContainsFunc(systemPlaces, func(dir string) bool { return strings.HasPrefix(file, dir) })
}

// ofSystem says that a program came with the system and only root can have
// changed it.
func ofSystem(file string) bool {
	return inSystem(file) && ofRoot(file)
}

// ofRoot says that only root can have changed a file.
func ofRoot(file string) bool {
	var st unix.Stat_t
	return unix.Stat(file, &st) == nil && st.Uid == 0 && st.Mode&0o022 == 0
}

func onlyBlocks(d rules.Decision) rules.Decision {
	d.Findings = slices.DeleteFunc(slices.Clone(d.Findings), func(f rules.Finding) bool { return f.Verdict < rules.Block })
	d.Verdict = strictest(d.Findings)
	return d
}

// userOf is the name of a user; the number where it has none.
func userOf(uid int) string {
	if uid == 0 {
		return "root"
	}
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
