package command

import (
	"bytes"
	"errors"
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
)

// recorders are the names that only record. Those that the rows make up are
// single words; the others stand in for programs that would do harm.
var recorders = strings.Fields("sudo doas ssh watch script su time screen sshpass setarch whoami hostname uname date one two three four five six seven eight nine ten rm mv cp ls tar dd mkfs reboot systemctl service curl wget git make vi touch chown ln kill9 rsync yes no jot put get")

// realPrograms are there as they are: wrappers whose grammar is refereed too,
// and what rows need in substitutions.
var realPrograms = strings.Fields("env nice nohup timeout stdbuf setsid xargs find flock basename dirname which seq cat sh ionice taskset chrt base64 echo realpath readlink grep head tail sort uniq tac cut tr sed wc tee mkdir awk chmod")

type start struct {
	cwd  string
	argv []string
}

func (s start) key() string { return s.cwd + "\x00" + strings.Join(s.argv, "\x00") }

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
	for _, d := range []string{"bin", "log", "etc", "work/sub/deep", "work/src", "home/ann", "tmp", "dev", "srv/data", "src"} {
		must(os.MkdirAll(filepath.Join(root, d), 0o777))
		// Sticky: a find -delete of one row leaves the others their files.
		must(os.Chmod(filepath.Join(root, d), 0o777|os.ModeSticky))
	}
	for name, text := range map[string]string{
		"work/x.txt": "x\n", "work/y.txt": "y\n", "work/a b.txt": "", "work/.hidden": "", "work/sub/in.txt": "", "work/sub/deep/z.log": "",
		"work/names": "alpha\nbeta gamma\n", "srv/data/d1": "", "srv/data/d2": "", "home/ann/notes": "", "dev/null": "",
		"work/lib.sh": "helper() { one \"$@\" lib; }\nLIB=loaded\ntwo sourced $1\n", "work/run.sh": "#!/bin/bash\nset -e\ncd \"$1\"\none $0 \"$2\"\ntwo $#\n",
		"work/plain.sh": "three plain $1 $LIB\n", "work/env.sh": "#!/usr/bin/env bash\nfour $EXPORTED $PRIVATE\n", "log/starts": "", "etc/passwd": "ann:x:61234:61234::/home/ann:/bin/bash\n",
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
	starts, out, ended := s.try(t, line, 20*time.Second)
	if !ended {
		t.Fatalf("%s: did not end", line)
	}
	if strings.Contains(out, "syntax error") {
		t.Logf("%s: %s", line, out)
	}
	return starts
}

// try is run with what the line wrote, and whether it came to its end.
func (s *scratch) try(t *testing.T, line string, limit time.Duration) (starts []start, out string, ended bool) {
	t.Helper()
	log := filepath.Join(s.root, "log/starts")
	if err := os.Truncate(log, 0); err != nil {
		t.Fatal(err)
	}
	// Bounds of its own, and a user and a network that nothing else has.
	cmd := exec.Command("/bin/bash", "-c", `ulimit -u 200 -t 5 -f 1000; exec /bin/bash -c -- "$1"`, "_", line)
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
	var wrote bytes.Buffer
	cmd.Stdout, cmd.Stderr = &wrote, &wrote
	err = cmd.Start()
	holds.Close()
	if err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(limit, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	if !stop.Stop() {
		return nil, "", false
	}
	if e := held.SetReadDeadline(time.Now().Add(limit / 4)); e != nil {
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
	for _, rec := range strings.SplitAfter(string(b), "\x00\xff\n") {
		if rec == "" {
			continue
		}
		f := strings.Split(strings.TrimSuffix(rec, "\x00\xff\n"), "\x00")
		starts = append(starts, start{f[0], f[1:]})
	}
	return starts, wrote.String(), true
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

func (r rootFiles) Program(string) []string { return nil }

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
	} else if isShell(name) || slices.Contains(realPrograms, name) {
		return
	}
	if os.Link(filepath.Join(s.root, "bin/recorder"), at) == nil && !slices.Contains(recorders, base) {
		recorders = append(recorders, base)
	}
}
