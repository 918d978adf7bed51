package bash

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// plainUser is a user that has no other process: root's are not counted.
const plainUser = 54321

// plainSession is session as that user. wrap is put before the program.
func plainSession(t *testing.T, rc string, wrap ...string) *typing {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root can start a session as another user, and RLIMIT_NPROC is not applied to root")
	}
	dir := scratch(t)
	bin := filepath.Join(dir, driverName)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self) // the test's own directory is root's
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, b, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "rc"), "PS1='"+ps1+"'\nbind 'set enable-bracketed-paste off'\nHISTFILE="+dir+"/hist\n"+rc+"\n")
	if err := os.Chown(dir, plainUser, plainUser); err != nil {
		t.Fatal(err)
	}
	s := &typing{t: t, dir: dir, log: filepath.Join(dir, "log")}
	argv := append(wrap, "setpriv", "--reuid=54321", "--regid=54321", "--clear-groups",
		bin, s.log, "live", "--rcfile", filepath.Join(dir, "rc"), "-i")
	s.open(exec.Command(argv[0], argv[1:]...), []string{"PATH=" + testPath(), "HOME=" + dir, "TERM=xterm", "LANG=C.UTF-8", "TMPDIR=" + dir})
	s.expect(ps1)
	return s
}

// crowd starts n processes of the plain user, which end with stop.
func crowd(t *testing.T, n int) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	var pipes []io.Closer
	stop = func() {
		for _, p := range pipes {
			p.Close()
		}
		for _, c := range all {
			c.Wait()
		}
		all, pipes = nil, nil
	}
	t.Cleanup(func() { stop() })
	for range n {
		c := exec.Command("cat")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: plainUser, Gid: plainUser}}
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all, pipes = append(all, c), append(pipes, in)
	}
	return stop
}

// noForks types what has to work where no process can be forked.
func (s *typing) noForks() {
	s.t.Helper()
	s.want("echo hi", "hi\n")
	s.want("echo written >out; read x <out; echo $x", "written\n")
	s.refused("echo RISKY >bad")
	s.refused(" echo RISKY >bad")
	s.refused("for i in 1 2\rdo echo RISKY >bad\rdone")
	s.want("echo $?", "130\n")
	s.want("kill -0 $$ && echo killed", "killed\n")
	s.want("kill -USR1 $$; echo ${got-none}", "usr1\n")
	s.missing("bad")
	if out := s.all(); strings.Contains(out, "fork") {
		s.t.Errorf("a fork was tried: %q", out)
	}
}

// Where no process can be forked, bash could not fork the gate: lines are
// judged all the same, and what needs no process works at once.
func TestNoFork(t *testing.T) {
	const trap = "trap 'got=usr1' USR1\n"
	t.Run("in the session", func(t *testing.T) {
		s := plainSession(t, trap)
		s.want("/bin/echo before", "before\n")
		s.send("ulimit -S -u 1\r")
		s.expect("no process can be started here: the user has the 1 tasks of the limit (ulimit -u)")
		s.expect(ps1)
		s.noForks()
		s.run("ulimit -S -u hard")
		s.want("/bin/echo after", "after\n")
		s.refused("touch bad # RISKY")
		if got := s.exit("exec /bin/true"); got != 0 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("from the start", func(t *testing.T) {
		s := plainSession(t, trap+"ulimit -u 1")
		s.noForks()
		if got := s.exit("exec /bin/false"); got != 1 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("user prompt", func(t *testing.T) {
		s := plainSession(t, trap+"PROMPT_COMMAND='LAST=$?'")
		s.run("ulimit -u 1")
		s.noForks()
		s.run("set -o foo")
		s.want("echo $LAST", "2\n")
	})
	// The processes come while a prompt stands: the shell is told there.
	t.Run("at the prompt", func(t *testing.T) {
		s := plainSession(t, trap+"ulimit -S -u 60")
		s.want("/bin/echo before", "before\n")
		stop := crowd(t, 60)
		s.expect("no process can be started here")
		s.send("echo at''once\r") // behind the prompts that are drawn again
		s.expect("atonce\r\n" + ps1)
		s.noForks()
		stop()
		s.run(":")
		s.run(":")
		s.want("/bin/echo after", "after\n")
		s.refused("touch bad # RISKY")
	})
	// What guardsh cannot see: the user's processes are in another namespace.
	// The first line is dropped, and then it is known.
	t.Run("unknown", func(t *testing.T) {
		crowd(t, 60)
		s := plainSession(t, trap+"ulimit -u 60", "unshare", "-pf", "--mount-proc")
		s.send("echo RISKY >bad\r")
		s.expect("fork: retry: Resource temporarily unavailable")
		program := children(t, s.cmd.Process.Pid)[0]
		if err := syscall.Kill(children(t, program)[0], syscall.SIGCHLD); err != nil { // ends bash's waiting
			t.Fatal(err)
		}
		s.expect(ps1)
		s.want("echo hi", "hi\n")
		s.refused("echo RISKY >bad")
		s.refused(" echo RISKY >bad")
		s.missing("bad")
	})
}

// What the kernel counts, from a tree that stands for /.
func TestForkFails(t *testing.T) {
	base := map[string]string{
		"proc/loadavg":                "0.1 0.1 0.1 1/50 99",
		"proc/sys/kernel/threads-max": "1000\n",
		"proc/7/uid_map":              "         0          0 4294967295\n",
		"proc/7/status":               "Name:\tbash\nUid:\t10\t10\t10\t10\nThreads:\t1\nCapEff:\t0000000000000000\n",
		"proc/8/status":               "Name:\tx\nUid:\t10\t0\t0\t0\nThreads:\t9\nCapEff:\t0000000000000000\n",
		"proc/9/status":               "Name:\ty\nUid:\t11\t10\t10\t10\nThreads:\t30\nCapEff:\t0000000000000000\n",
		"proc/7/limits":               "Limit  Soft Limit  Hard Limit  Units\nMax processes             100                  200                  processes\n",
		"proc/7/cgroup":               "0::/user.slice/a.scope\n",
	}
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"free":      {nil, ""},
		"limit":     {map[string]string{"proc/7/limits": "Max processes             10                  200                  processes\n"}, "ulimit -u"},
		"one left":  {map[string]string{"proc/7/limits": "Max processes             11                  200                  processes\n"}, ""},
		"unlimited": {map[string]string{"proc/7/limits": "Max processes             unlimited            unlimited            processes\n"}, ""},
		"root": {map[string]string{"proc/7/limits": "Max processes             1                  1                  processes\n",
			"proc/7/status": "Uid:\t0\t0\t0\t0\nThreads:\t1\nCapEff:\t0000000000000000\n"}, ""},
		"root of a namespace": {map[string]string{"proc/7/limits": "Max processes             1                  1                  processes\n",
			"proc/7/status": "Uid:\t0\t0\t0\t0\nThreads:\t1\nCapEff:\t000001ffffffffff\n", "proc/7/uid_map": "0 100000 65536\n"}, "ulimit -u"},
		"capable": {map[string]string{"proc/7/limits": "Max processes             1                  1                  processes\n",
			"proc/7/status": "Uid:\t10\t10\t10\t10\nThreads:\t1\nCapEff:\t0000000001000000\n"}, ""},
		"machine": {map[string]string{"proc/loadavg": "0 0 0 1/1000 9"}, "kernel.threads-max"},
		"group above": {map[string]string{"sys/fs/cgroup/user.slice/pids.max": "70\n", "sys/fs/cgroup/user.slice/pids.current": "70\n",
			"sys/fs/cgroup/user.slice/a.scope/pids.max": "max\n", "sys/fs/cgroup/user.slice/a.scope/pids.current": "70\n"}, "pids.max"},
		"group with room": {map[string]string{"sys/fs/cgroup/user.slice/pids.max": "70\n", "sys/fs/cgroup/user.slice/pids.current": "69\n"}, ""},
		"group of version 1": {map[string]string{"proc/7/cgroup": "5:memory:/b\n4:pids:/b\n",
			"sys/fs/cgroup/pids/b/pids.max": "5\n", "sys/fs/cgroup/pids/b/pids.current": "5\n"}, "pids.max"},
		"nothing to read": {map[string]string{"proc/loadavg": "", "proc/7/limits": "", "proc/7/status": "", "proc/7/cgroup": "", "proc/sys/kernel/threads-max": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			put := func(files map[string]string) {
				for p, text := range files {
					p = filepath.Join(root, p)
					os.MkdirAll(filepath.Dir(p), 0o755)
					write(t, p, text)
				}
			}
			put(base)
			put(tc.files)
			if got := limitsOf(root, 7).forkFails(root, 1); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
