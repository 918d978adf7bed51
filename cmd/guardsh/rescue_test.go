package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// emptyRoot is a root directory that holds guardsh and nothing else: no /proc,
// no /dev, no /etc, no library.
func emptyRoot(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("another root directory needs root: run the tests as root")
	}
	root := t.TempDir()
	if err := copyFile(product(t), filepath.Join(root, "guardsh")); err != nil {
		t.Fatal(err)
	}
	return root
}

// inRoot is a command in another root directory, with mounts and processes of
// its own.
func inRoot(root string, argv ...string) *exec.Cmd {
	return &exec.Cmd{
		Path: "/guardsh", Args: argv, Dir: "/", Env: []string{"TERM=xterm"},
		SysProcAttr: &syscall.SysProcAttr{Chroot: root, Unshareflags: unix.CLONE_NEWNS, Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC},
	}
}

// typeInRoot types at a guardsh in an empty root.
func typeInRoot(t *testing.T, root string, argv []string, steps string) string {
	t.Helper()
	cmd := inRoot(root, argv...)
	p, err := sitAt(cmd, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for line := range strings.Lines(steps) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.step(line); err != nil {
			t.Fatalf("%s: %v\nthe terminal showed:\n%s", line, err, p.all())
		}
	}
	return p.all()
}

// A login where nothing but guardsh is left opens its own shell, which repairs
// by what is built in, guarded by the same rules.
func TestRescueInAnEmptyRoot(t *testing.T) {
	root := emptyRoot(t)
	if err := os.WriteFile(filepath.Join(root, "notes"), []byte("one\ntwo\nthree\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	typeInRoot(t, root, []string{"-guardsh"}, `
		expect guardsh: bash cannot start: it is neither on PATH nor in
		expect guardsh: this is guardsh's own shell
		expect ^rescue:\S+# $
		type id; pwd
		expect ^uid=0\(0\) gid=0\(0\) groups=0\(0\)\n/\n
		expect ^rescue:\S+# $
		type ls -l notes
		expect ^-rw-r----- 1 0 0 +14 .* notes\n
		expect ^rescue:\S+# $

		# a line of several rows
		type for f in notes
		expect ^> $
		type do tail -n 1 $f; done
		expect ^three\n
		expect ^rescue:\S+# $

		# what is built in is enough to make a system again
		type mkdir -p etc proc mnt && cp -a notes etc/ && mv notes etc/old && ln -s old etc/link
		expect ^rescue:\S+# $
		type chmod 600 etc/notes; stat -c '%a %s' etc/notes etc/link
		expect ^600 14\n777 3\n
		expect ^rescue:\S+# $
		type mkdir srv && cp -a etc srv/e && cd srv && tar -czf e.tgz e && rm -r e && tar -xf e.tgz && find e -type f | sort; cd ..
		expect ^e/notes\ne/old\n
		expect ^rescue:\S+# $
		type mount -t tmpfs none mnt && echo there > mnt/x && mount -o remount,ro mnt; echo more > mnt/y; echo $?
		expect Read-only file system\n1\n
		expect ^rescue:\S+# $
		type mount -o remount,rw mnt; echo more > mnt/y; cd mnt; ls; cd ..; umount mnt; ls mnt; echo "left $?"
		expect ^x  y\nleft 0\n
		expect ^rescue:\S+# $
		type ps
		expect hint: mkdir -p /proc; mount -t proc proc /proc\n
		expect ^rescue:\S+# $
		type mount -t proc proc /proc && ps
		expect ^0 +1 +0 .* -guardsh\n
		expect ^rescue:\S+# $
		type ghost
		expect ^ghost: command not found
		expect ^rescue:\S+# $

		# the rules hold, a command that hides is judged by what it becomes
		type rm -rf /etc
		expect guardsh: .*\[fs/
		expect ^rescue:\S+# $
		type r=rm; x=$(echo etc | cat); $r -r -f "/$x"; echo not here
		expect guardsh: .*\[fs/
		expect ^rescue:\S+# $
		type ls etc
		expect ^link +notes +old\n
		expect ^rescue:\S+# $

		# what can start is started, in another root too
		type /guardsh check true; echo "status $?"
		expect ^status 0\n
		expect ^rescue:\S+# $
		type mkdir r && cp -a guardsh r/ && chroot r /guardsh rescue -c 'pwd; ls /guardsh'
		expect ^/\n/guardsh\n
		expect ^rescue:\S+# $

		# what was pasted behind a refused line does not run, behind another it
		# is what that reads
		keys "\x1b[200~rm -rf /etc\recho pasted\recho behind\r\x1b[201~"
		expect 2 lines typed or pasted behind it were not run
		expect ^rescue:\S+# $
		keys "head -n 1\rkept for it\r"
		expect ^kept for it\n
		expect ^rescue:\S+# $

		# ^C ends a line that runs and a line that is typed, ^D alone does not leave
		type echo reads; cat
		expect ^reads\n
		keys "\x03"
		expect ^rescue:\S+# $
		type echo waits; sleep 100; echo never
		expect ^waits\n
		keys "\x03"
		expect ^rescue:\S+# $
		keys "echo half\x03"
		expect \^C\n
		expect ^rescue:\S+# $
		keys "\x04"
		expect nobody will be able to log in again
		expect ^rescue:\S+# $

		# a file is changed on the screen, and line by line
		type nano etc/notes
		expect line 1 of 3
		keys "\x1b[B\x1b[FX\rnew\x13"
		expect saved
		keys "\x11"
		expect rescue:\S+# $
		type cat etc/notes; stat -c %a etc/notes
		expect ^one\ntwoX\nnew\nthree\n600\n
		expect ^rescue:\S+# $
		type ed etc/notes
		expect ^19\n
		keys "g/w/s//W/\r,p\rwq\r"
		expect ^one\ntWoX\nneW\nthree\n19\n
		expect ^rescue:\S+# $
		type for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done > long; for i in 1 2 3 4 5 6 7 8 9; do cat long; done | less
		expect 39 of 81
		keys " "
		expect 78 of 81
		keys "q"
		expect rescue:\S+# $

		# a line in the background goes on beside others, and is no reason to
		# leave it
		type sleep 100 & jobs
		expect \[1\] sleep 100 &\n\[1\]  Running
		expect ^rescue:\S+# $
		type (sleep 0; echo quick > etc/quick) & wait %2; cat etc/quick
		expect ^quick\n
		expect ^rescue:\S+# $
		keys "\x04"
		expect nobody will be able to log in again
		expect ^rescue:\S+# $
		type kill %1; wait
		expect \[1\]  Terminated +sleep 100
		expect ^rescue:\S+# $

		# the status of a line that did not run is one
		type rm -rf /etc
		expect guardsh: .*\[fs/
		expect ^rescue:\S+# $
		type echo "was $?"
		expect ^was 253\n
		expect ^rescue:\S+# $

		# completion and history
		keys "\x12quick\x12"
		expect \(search\)`+"`"+`quick': \(sleep 0
		keys "\x07"
		expect rescue:\S+# $
		keys "\x12was\r"
		expect ^was 0\n
		expect ^rescue:\S+# $
		keys "ls et\t"
		expect ls etc
		keys "n\t\r"
		expect ^etc/notes\n
		expect ^rescue:\S+# $
		keys "\x1b[A\r"
		expect ^etc/notes\n
		expect ^rescue:\S+# $

		# leaving the last shell is a question, and the default is no
		type exit 5
		expect programs can no longer start
		expect run it\?
		answer n
		expect not run
		expect ^rescue:\S+# $
		type exit 5
		expect run it\?
		answer y
		end 5
	`)
	// What was seen is recorded, what a program of the disk and a question
	// showed too.
	shown, err := inRoot(root, "guardsh", "replay", "--to", "text").Output()
	for _, want := range []string{"rescue:/# id; pwd", "uid=0(0) gid=0(0)", "status 0", "run it?", "nobody will be able to log in again"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("the recording shows no %q: %v\n%s", want, err, shown)
		}
	}
	b, err := os.ReadFile(filepath.Join(root, "etc/old"))
	if err != nil || string(b) != "one\ntwo\nthree\n" {
		t.Errorf("etc/old is %q, %v", b, err)
	}
}

// "ssh HOST LINE", a script and a script on standard input work without bash
// too, and say so.
func TestRescueRunsLines(t *testing.T) {
	root := emptyRoot(t)
	if err := os.WriteFile(filepath.Join(root, "script"), []byte("#!/bin/bash\necho \"script $1\"\nexit 4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		argv      []string
		stdin     string
		out, says string
		status    int
	}{
		{argv: []string{"guardsh", "-c", `echo "$0 $1" | cat; exit 3`, "zero", "one"}, out: "zero one\n", status: 3, says: "guardsh's own shell runs the line"},
		{argv: []string{"guardsh", "/script", "x"}, out: "script x\n", status: 4, says: "guardsh's own shell runs the script"},
		{argv: []string{"guardsh"}, stdin: "echo from stdin\nfalse\n", out: "from stdin\n", status: 1, says: "guardsh's own shell takes its place"},
		{argv: []string{"guardsh", "-c", "rm -rf /guardsh /var /"}, status: 253, says: "[fs/"},
		{argv: []string{"guardsh", "rescue", "-c", "ls /script"}, out: "/script\n"},
		{argv: []string{"guardsh", "-c", "guardsh rescue -c 'ls /script'"}, out: "/script\n"},
		{argv: []string{"guardsh", "rescue", "/script", "y"}, out: "script y\n", status: 4},
		{argv: []string{"guardsh", "-c", "/script z"}, out: "script z\n", status: 4, says: "bash cannot start"},
	} {
		cmd := inRoot(root, v.argv...)
		var out, says strings.Builder
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(v.stdin), &out, &says
		status := 0
		if err := cmd.Run(); err != nil {
			ee, ok := err.(*exec.ExitError)
			if !ok {
				t.Fatalf("%q: %v", v.argv, err)
			}
			status = ee.ExitCode()
		}
		if out.String() != v.out || status != v.status || !strings.Contains(says.String(), v.says) || v.says == "" && says.Len() > 0 {
			t.Errorf("%q: status %d, want %d\nout  %q\nwant %q\nsays %q\nwant %q", v.argv, status, v.status, out.String(), v.out, says.String(), v.says)
		}
	}
}

// A terminal that goes ends the last shell and what runs in it, without a
// question that nobody could answer, and the trail says so.
func TestRescueHangUp(t *testing.T) {
	root := emptyRoot(t)
	for _, line := range []string{"", "sleep 1000", "rm -rf /var/log", "nano notes"} {
		t.Run(line, func(t *testing.T) {
			cmd := inRoot(root, "-guardsh")
			p, err := sitAt(cmd, 100)
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			steps := []string{`expect rescue:\S+# $`, `type mkdir -p /etc/x; echo "here $?"`, `expect ^here 0\n`, `expect rescue:\S+# $`}
			if line != "" {
				steps = append(steps, "type "+line)
			}
			switch line {
			case "rm -rf /var/log":
				steps = append(steps, `expect \[`)
			case "nano notes":
				steps = append(steps, "expect line 1 of 1")
			case "sleep 1000":
				steps = append(steps, "expect sleep 1000")
			}
			for _, s := range steps {
				if err := p.step(s); err != nil {
					t.Fatalf("%s: %v\nthe terminal showed:\n%s", s, err, p.all())
				}
			}
			p.f.Close()
			select {
			case <-p.ended:
			case <-time.After(ptyDeadline):
				t.Fatalf("the shell outlives its terminal:\n%s\nthe terminal showed:\n%s", kernelSays(cmd.Process.Pid), p.all())
			}
			out, err := inRoot(root, "guardsh", "audit", "list").Output()
			if rows := strings.Split(string(out), "\n"); err != nil || len(rows) < 2 || !strings.Contains(rows[1], "129") {
				t.Errorf("the trail says %v\n%s", err, out)
			}
		})
	}
}
