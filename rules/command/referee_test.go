package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"guardsh/rules/word"
)

// The referee: real bash runs each row of testdata/bash in a scratch root in
// which every program is a recorder, and what started is held against what was
// predicted. The root is a chroot without privileges, so that a row can touch
// nothing else.

// recorders are the names that only record. Those that the rows make up are
// single words; the others stand in for programs that would do harm.
var recorders = strings.Fields("sudo doas ssh watch script su time screen sshpass setarch whoami hostname uname date one two three four five six seven eight nine ten rm mv cp ls tar dd mkfs reboot grep systemctl service curl wget git make vi touch chmod chown ln kill9 rsync yes no jot put get")

// realPrograms are there as they are: wrappers whose grammar is refereed too,
// and what rows need in substitutions.
var realPrograms = strings.Fields("env nice nohup timeout stdbuf setsid xargs find flock basename dirname which seq cat sh ionice taskset chrt base64 echo realpath readlink")

type start struct {
	cwd  string
	argv []string
}

type scratch struct {
	root string
	env  []string
}

func newScratch(t *testing.T) *scratch {
	t.Helper()
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(root, 0o755))
	must(os.Chmod(filepath.Dir(root), 0o755))
	for _, d := range []string{"bin", "log", "work/sub/deep", "work/src", "home/ann", "tmp", "dev", "srv/data", "src"} {
		must(os.MkdirAll(filepath.Join(root, d), 0o777))
		// Sticky: a find -delete of one row leaves the others their files.
		must(os.Chmod(filepath.Join(root, d), 0o777|os.ModeSticky))
	}
	for name, text := range map[string]string{
		"work/x.txt": "x\n", "work/y.txt": "y\n", "work/a b.txt": "", "work/.hidden": "", "work/sub/in.txt": "", "work/sub/deep/z.log": "",
		"work/names": "alpha\nbeta gamma\n", "srv/data/d1": "", "srv/data/d2": "", "home/ann/notes": "", "dev/null": "",
		"work/lib.sh": "helper() { one \"$@\" lib; }\nLIB=loaded\ntwo sourced $1\n", "work/run.sh": "#!/bin/bash\nset -e\ncd \"$1\"\none $0 \"$2\"\ntwo $#\n",
		"work/plain.sh": "three plain $1 $LIB\n", "work/env.sh": "#!/usr/bin/env bash\nfour $EXPORTED $PRIVATE\n", "log/starts": "",
	} {
		must(os.WriteFile(filepath.Join(root, name), []byte(text), 0o666))
		must(os.Chmod(filepath.Join(root, name), 0o666))
	}
	for _, s := range []string{"run.sh", "env.sh", "plain.sh"} {
		must(os.Chmod(filepath.Join(root, "work", s), 0o777))
	}
	must(os.MkdirAll(filepath.Join(root, "usr"), 0o755))
	must(os.Symlink("../bin", filepath.Join(root, "usr/bin")))
	main := filepath.Join(root, "src/main.go")
	must(os.WriteFile(main, []byte(recorderSource), 0o644))
	build := exec.Command("go", "build", "-o", filepath.Join(root, "bin/recorder"), main)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the recorder: %v\n%s", err, out)
	}
	for _, r := range recorders {
		must(os.Link(filepath.Join(root, "bin/recorder"), filepath.Join(root, "bin", r)))
	}
	must(os.Chmod(filepath.Join(root, "work"), 0o777|os.ModeSticky))
	if lib := "/usr/libexec/coreutils/libstdbuf.so"; true {
		b, err := os.ReadFile(lib)
		must(err)
		must(os.MkdirAll(filepath.Join(root, filepath.Dir(lib)), 0o755))
		must(os.WriteFile(filepath.Join(root, lib), b, 0o755))
	}
	copyProgram(t, root, "bash")
	for _, p := range realPrograms {
		copyProgram(t, root, p)
	}
	return &scratch{root: root, env: []string{"PATH=/bin", "HOME=/home/ann", "USER=ann", "A=a b", "EMPTY=", "STAR=*", "P=/srv/data", "EXPORTED=yes", "N=3", "LC_ALL=C"}}
}

// copyProgram puts a program and the libraries it loads into the root.
func copyProgram(t *testing.T, root, name string) {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("ldd", file).CombinedOutput()
	for _, f := range append(strings.Fields(string(out)), file) {
		if !strings.HasPrefix(f, "/") {
			continue
		}
		to := filepath.Join(root, f)
		if f == file {
			to = filepath.Join(root, "bin", name)
		}
		if _, err := os.Stat(to); err == nil {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// refereeUID is a user that no account has, so that a signal to everything it
// may signal reaches the row's own processes alone.
const refereeUID = 61234

// run runs a line in real bash and returns what it started.
func (s *scratch) run(t *testing.T, line string) []start {
	t.Helper()
	log := filepath.Join(s.root, "log/starts")
	if err := os.Truncate(log, 0); err != nil {
		t.Fatal(err)
	}
	// Bounds of its own, and a user and a network that nothing else has.
	cmd := exec.Command("/bin/bash", "-c", `ulimit -u 200 -t 5 -f 1000; exec /bin/bash -c "$1"`, "_", line)
	cmd.Dir = "/work"
	cmd.Env = s.env
	// A descriptor that every process of the row holds: at its end all of them
	// have ended, those in the background too.
	held, holds, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	cmd.ExtraFiles = make([]*os.File, 58)
	cmd.ExtraFiles[57] = holds
	attr := &syscall.SysProcAttr{Chroot: s.root, Setpgid: true}
	if os.Getuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: refereeUID, Gid: refereeUID}
		attr.Cloneflags = syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
	} else {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	cmd.SysProcAttr = attr
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Start()
	holds.Close()
	if err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(20*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	if !stop.Stop() {
		t.Fatalf("%s: did not end", line)
	}
	if e := held.SetReadDeadline(time.Now().Add(5 * time.Second)); e != nil {
		t.Fatal(e)
	}
	held.Read(make([]byte, 1)) // what is still there at the deadline is ended below
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var starts []start
	for _, rec := range strings.SplitAfter(string(b), "\x00\xff\n") {
		if rec == "" {
			continue
		}
		f := strings.Split(strings.TrimSuffix(rec, "\x00\xff\n"), "\x00")
		starts = append(starts, start{f[0], f[1:]})
	}
	if strings.Contains(out.String(), "syntax error") {
		t.Logf("%s: %s", line, out.String())
	}
	return starts
}

// rootFiles answers for the scratch root.
type rootFiles struct{ root string }

func (r rootFiles) ReadFile(p string, max int64) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(r.root, p))
	return b[:min(int64(len(b)), max)], err
}

func (r rootFiles) Home(user string) (string, error) {
	if user == "" || user == "ann" {
		return "/home/ann", nil
	}
	return "", fs.ErrNotExist
}

func (r rootFiles) Real(p string) (string, error) {
	if strings.Contains(p, "..") || strings.HasPrefix(p, "/usr") {
		return "", ErrUnknown
	}
	_, err := os.Lstat(filepath.Join(r.root, p))
	return path.Clean(p), err
}

func (r rootFiles) LookPath(name, list string) (string, error) {
	if list == "" {
		list = "/bin"
	}
	for _, d := range strings.Split(list, ":") {
		if i, err := os.Stat(filepath.Join(r.root, d, name)); err == nil && i.Mode()&0o111 != 0 && !i.IsDir() {
			return path.Join(d, name), nil
		}
	}
	return "", fs.ErrNotExist
}

func (r rootFiles) Glob(cwd, pattern string, o GlobOptions) ([]string, error) {
	if o.NoCase || o.GlobStar && strings.Contains(pattern, "**") {
		return nil, ErrUnknown
	}
	abs := strings.HasPrefix(pattern, "/")
	if !abs {
		pattern = path.Join(cwd, "x")[:len(path.Join(cwd, "x"))-1] + pattern
	}
	names := []string{r.root}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for _, part := range parts {
		var next []string
		for _, n := range names {
			if !strings.ContainsAny(part, "*?[(") {
				if _, err := os.Lstat(filepath.Join(n, part)); err == nil {
					next = append(next, n+"/"+strings.ReplaceAll(part, `\`, ""))
				}
				continue
			}
			es, _ := os.ReadDir(n)
			for _, e := range es {
				if strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".") && !o.DotGlob {
					continue
				}
				m, ok := match(part, e.Name())
				if !ok {
					return nil, ErrUnknown
				}
				if m {
					next = append(next, n+"/"+e.Name())
				}
			}
		}
		names = next
	}
	var out []string
	for _, n := range names {
		n = strings.TrimPrefix(n, r.root)
		if !abs {
			n = strings.TrimPrefix(strings.TrimPrefix(n, cwd), "/")
		}
		if strings.HasSuffix(pattern, "/") {
			if d, err := os.Stat(filepath.Join(r.root, cwd, n)); err != nil || !d.IsDir() {
				continue
			}
			n += "/"
		}
		out = append(out, n)
	}
	sort.Strings(out)
	return out, nil
}

// covers reports whether an action could be a start.
func covers(a *Action, s start) bool {
	return a.Cwd.Could(s.cwd) && wordsCover(a.Argv, s.argv)
}

// fit orders the actions that cover a start: one that no other start has taken,
// then one that says more, then one that is certain.
func fit(a *Action, used bool) int {
	n := 0
	if !used {
		n += 4
	}
	if allKnown(a) {
		n += 2
	}
	if a.Certain == Certain {
		n++
	}
	return n
}

func wordsCover(ws []word.Word, argv []string) bool {
	if len(ws) == 0 {
		return len(argv) == 0
	}
	if ws[0].Many {
		for n := 0; n <= len(argv); n++ {
			if wordsCover(ws[1:], argv[n:]) {
				return true
			}
		}
		return false
	}
	return len(argv) > 0 && ws[0].Could(argv[0]) && wordsCover(ws[1:], argv[1:])
}

type tally struct{ starts, missed, named, full, unknowable, wrong, certain, never int }

// compare returns what is wrong with a prediction.
func compareStarts(l *Line, starts []start, n *tally) []string {
	var wrong []string
	used := map[int]bool{}
	for _, s := range starts {
		n.starts++
		best := -1
		for i := range l.Actions {
			a := &l.Actions[i]
			if len(a.Argv) == 0 || a.Builtin || !covers(a, s) {
				continue
			}
			if used[i] && a.Certain == Certain && allKnown(a) {
				continue
			}
			if best < 0 || fit(a, used[i]) > fit(&l.Actions[best], used[best]) {
				best = i
			}
		}
		if best < 0 {
			wrong = append(wrong, fmt.Sprintf("not predicted: %q in %s", s.argv, s.cwd))
			n.missed++
			// A certain action of the same name, all of it known, that says
			// something else: a word was taken for known and was not.
			for i := range l.Actions {
				a := &l.Actions[i]
				if !a.Builtin && !used[i] && a.Certain == Certain && allKnown(a) && len(a.Argv) > 0 && a.Argv[0].Is(s.argv[0]) && a.Cwd.Could(s.cwd) {
					n.wrong++
					break
				}
			}
			continue
		}
		used[best] = true
		if _, ok := l.Actions[best].Name(); ok {
			n.named++
		}
		switch {
		case allKnown(&l.Actions[best]):
			n.full++
		case unknowable(l, &l.Actions[best]):
			n.unknowable++
		case os.Getenv("GUARDSH_REFEREE_LINES") != "":
			fmt.Printf("knowable: %s\n\t%s\n", l.Src, compact(&Line{Actions: []Action{l.Actions[best]}})[0])
		}
	}
	for i := range l.Actions {
		a := &l.Actions[i]
		name, ok := a.Name()
		if !ok || a.Builtin || a.Certain != Certain || !slices.Contains(recorders, name) {
			continue
		}
		n.certain++
		if !used[i] {
			n.never++
			wrong = append(wrong, "certain, but never started: "+compact(&Line{Actions: []Action{*a}})[0])
		}
	}
	return wrong
}

func allKnown(a *Action) bool {
	for _, w := range a.Argv {
		if w.Know != word.Known {
			return false
		}
	}
	return true
}

// rows reads testdata/bash: a line a row, "¶" for a newline; "differs REASON ::"
// in front of a row whose difference is understood.
func rows(t *testing.T) (lines, reasons []string) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/bash/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no rows in testdata/bash", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(string(b), "\n") {
			if l == "" || strings.HasPrefix(l, "#") {
				continue
			}
			reason := ""
			if rest, ok := strings.CutPrefix(l, "differs "); ok {
				reason, l, _ = strings.Cut(rest, " :: ")
			}
			lines = append(lines, strings.ReplaceAll(l, "¶", "\n"))
			reasons = append(reasons, reason)
		}
	}
	return lines, reasons
}

// TestRefereeCorpus holds everyday lines against bash, with a stand-in for each
// program that they name: every tenth of the lines that the bounds were set
// for, or those of the file that GUARDSH_REFEREE_LINES names.
func TestRefereeCorpus(t *testing.T) {
	file := os.Getenv("GUARDSH_REFEREE_LINES")
	if file == "" {
		file = "../../testdata/bash/everyday"
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScratch(t)
	s.env = append(s.env, "SHELL=/bin/bash", "LOGNAME=ann", "TERM=dumb")
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, l := range lines {
		for _, a := range Understand(l, Options{Shell: &StaticShell{Dir: "/work", Environ: s.env}}).Actions {
			if len(a.Argv) == 0 {
				continue
			}
			if name, ok := a.Argv[0].Value(); ok && builtins[name].run == nil {
				s.standIn(name)
			}
		}
	}
	var n tally
	bad := 0
	for _, line := range lines {
		if strings.Contains(line, "while :") || strings.Contains(line, "while true") || strings.Contains(line, "(( ; ; ))") || strings.Contains(line, ":(){") {
			continue
		}
		l := Understand(line, Options{Shell: &StaticShell{Dir: "/work", Environ: s.env, Login: "ann"}, Files: rootFiles{s.root}})
		if wrong := compareStarts(l, s.run(t, line), &n); len(wrong) > 0 {
			bad++
			t.Logf("%s\n\t%s\npredicted:\n\t%s", line, strings.Join(wrong, "\n\t"), strings.Join(compact(l), "\n\t"))
		}
	}
	t.Logf("%d lines, %d with differences: %s", len(lines), bad, n)
	n.hold(t)
}

// standIn makes a program that the scratch root lacks: a name on PATH, or a
// path in the root.
func (s *scratch) standIn(name string) {
	base := path.Base(name)
	if name == "" || len(name) > 200 || strings.ContainsAny(name, "\x00") || strings.HasSuffix(name, "/") || strings.Contains(name, "..") {
		return
	}
	at := filepath.Join(s.root, "bin", name)
	if strings.Contains(name, "/") {
		at = filepath.Join(s.root, "work", name)
		if path.IsAbs(name) {
			at = filepath.Join(s.root, name)
		}
		if os.MkdirAll(filepath.Dir(at), 0o755) != nil {
			return
		}
	} else if shells[name] || slices.Contains(realPrograms, name) {
		return
	}
	if os.Link(filepath.Join(s.root, "bin/recorder"), at) == nil && !slices.Contains(recorders, base) {
		recorders = append(recorders, base)
	}
}

// TestReferee holds every row against real bash.
func TestReferee(t *testing.T) {
	s := newScratch(t)
	lines, reasons := rows(t)
	if len(lines) < 600 {
		t.Errorf("only %d rows", len(lines))
	}
	var n, differs tally
	for i, line := range lines {
		l := Understand(line, Options{Shell: &StaticShell{Dir: "/work", Environ: s.env, Login: "ann"}, Files: rootFiles{s.root}})
		starts := s.run(t, line)
		if len(starts) == 0 && reasons[i] == "" && len(l.Actions) > 0 && !strings.Contains(line, "#quiet") {
			t.Errorf("%q: bash started nothing", line)
		}
		sum := &n
		if reasons[i] != "" {
			sum = &differs
		}
		wrong := compareStarts(l, starts, sum)
		switch {
		case len(wrong) > 0 && reasons[i] == "":
			t.Errorf("%s\n\t%s\npredicted:\n\t%s", line, strings.Join(wrong, "\n\t"), strings.Join(compact(l), "\n\t"))
		case len(wrong) == 0 && reasons[i] != "":
			t.Errorf("%q agrees with bash now; its reason can go: %s", line, reasons[i])
		}
		if err := os.RemoveAll(filepath.Join(s.root, "work/made")); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rows: %s", len(lines), n)
	t.Logf("rows that differ for a reason: %s", differs)
	n.hold(t)
}

// hold is what the guard is worth: the bounds of the issue it was built for.
func (n tally) hold(t *testing.T) {
	t.Helper()
	if n.missed*1000 > n.starts*5 {
		t.Errorf("%d of %d starts were not predicted, 0.5 %% may be", n.missed, n.starts)
	}
	if n.wrong > 0 {
		t.Errorf("%d words were taken for known and were not", n.wrong)
	}
	if n.named*100 < n.starts*97 {
		t.Errorf("the name of %d of %d starts is known, 97 %% must be", n.named, n.starts)
	}
	if knowable := n.starts - n.unknowable; n.full*100 < knowable*85 {
		t.Errorf("all words of %d of %d starts that can be known are, 85 %% must be", n.full, knowable)
	}
	if n.never*100 > n.certain {
		t.Errorf("%d of %d certain starts never happened, 1 %% may not", n.never, n.certain)
	}
}

func (n tally) String() string {
	pc := func(a, b int) string { return fmt.Sprintf("%d (%.2f %%)", a, 100*float64(a)/float64(max(b, 1))) }
	return fmt.Sprintf("%d starts, predicted %s, name known %s, all words known %s, %s of those that can be known before the run, wrongly known %d; certain %d, of them never %s",
		n.starts, pc(n.starts-n.missed, n.starts), pc(n.named, n.starts), pc(n.full, n.starts), pc(n.full, n.starts-n.unknowable), n.wrong, n.certain, pc(n.never, n.certain))
}
