package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// BenchmarkLogin is a login over a real sshd, once into an account whose shell
// is bash and once into one whose shell is guardsh: ssh HOST true, and ssh HOST
// until the prompt stands there.
func BenchmarkLogin(b *testing.B) {
	bin := apart(b, "ratio", "prompt-ratio", "over-ms", "prompt-over-ms")
	if bin == "" {
		return
	}
	ssh := loginServer(b, map[string]string{"plain": "/bin/bash", "guarded": bin})
	once := func(user string) time.Duration {
		cmd := ssh(user, "true")
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			b.Fatalf("%q: %v %s", cmd.Args, err, out)
		}
		return time.Since(start)
	}
	prompt := func(user string) time.Duration {
		cmd := ssh(user)
		cmd.Env = append(os.Environ(), "TERM=dumb")
		start := time.Now()
		f, err := pty.Start(cmd)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		t := &benchTerminal{b: b, f: f, cmd: cmd, buf: make([]byte, 64<<10)}
		t.wait(benchPrompt)
		took := time.Since(start)
		if _, err := f.WriteString("exit\r"); err != nil {
			b.Fatal(err)
		}
		t.wait("closed.")
		_ = cmd.Wait()
		return took
	}
	var plain, guarded, plainPrompt, guardedPrompt []time.Duration
	for b.Loop() {
		plain = append(plain, once("plain"))
		guarded = append(guarded, once("guarded"))
		plainPrompt = append(plainPrompt, prompt("plain"))
		guardedPrompt = append(guardedPrompt, prompt("guarded"))
	}
	p, g := quantile(plain, 0.5), quantile(guarded, 0.5)
	b.ReportMetric(g/p, "ratio")
	b.ReportMetric(g-p, "over-ms")
	p, g = quantile(plainPrompt, 0.5), quantile(guardedPrompt, 0.5)
	b.ReportMetric(g/p, "prompt-ratio")
	b.ReportMetric(g-p, "prompt-over-ms")
}

// loginServer starts an sshd of its own on the loopback, for accounts that only
// this mount namespace knows, and returns what calls ssh to one of them.
func loginServer(b *testing.B, shells map[string]string) func(user string, command ...string) *exec.Cmd {
	b.Helper()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	dir, home := b.TempDir(), benchHome(b)
	check(os.WriteFile(home+"/.bash_profile", []byte(". ~/.bashrc\n"), 0o600))
	users, err := os.ReadFile("/etc/passwd")
	check(err)
	for user, shell := range shells {
		users = append(users, user+":x:0:0::"+home+":"+shell+"\n"...)
	}
	check(os.WriteFile(dir+"/passwd", users, 0o644))
	check(unix.Mount(dir+"/passwd", "/etc/passwd", "", unix.MS_BIND, ""))
	check(unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"))
	check(os.Mkdir("/run/sshd", 0o755))
	for _, key := range []string{"host", "key"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput(); err != nil {
			b.Fatalf("ssh-keygen: %v %s", err, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	check(l.Close())
	check(os.WriteFile(dir+"/sshd_config", []byte("ListenAddress 127.0.0.1\nPort "+port+"\nHostKey "+dir+"/host\nAuthorizedKeysFile "+dir+"/key.pub\n"+
		"StrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\nPrintMotd no\nPrintLastLog no\n"), 0o600))
	sshd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", dir+"/sshd_config")
	var log bytes.Buffer
	sshd.Stderr = &log
	check(sshd.Start())
	b.Cleanup(func() {
		_ = sshd.Process.Kill()
		_ = sshd.Wait()
		if b.Failed() {
			b.Logf("sshd: %s", log.String())
		}
	})
	ssh := func(user string, command ...string) *exec.Cmd {
		return exec.Command("ssh", append([]string{"-F", "none", "-i", dir + "/key", "-p", port, "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=" + dir + "/known", user + "@127.0.0.1"}, command...)...)
	}
	for end := time.Now().Add(30 * time.Second); ; { // until it listens; the first call notes the host's key
		out, err := ssh("plain", "true").CombinedOutput()
		if err == nil {
			return ssh
		}
		if time.Now().After(end) {
			b.Fatalf("ssh: %v %s", err, out)
		}
	}
}
