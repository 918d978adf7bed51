package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A scratch machine is where destructive lines are typed for real: a root
// directory that reads like this machine's and whose changes live in memory,
// with processes, terminals, network and host name of its own, and without any
// block device. It is gone when its first process ends.
//
// The test binary starts itself as that first process; it goes on only after
// both sides have seen that nothing it writes arrives here.

// scratchEnv tells the test binary that it is the first process of a scratch
// machine. Its value is the marker that must not be seen outside.
const scratchEnv = "GUARDSH_SCRATCH_MARKER"

// insideDir is where the test binary and the scripts are on a scratch machine.
const insideDir = "/run/guardsh-test"

// scratchMachine is what a scratch machine is made of.
type scratchMachine struct {
	base  string            // an empty directory to mount on
	files map[string]string // path there: path here; copied with their modes
	argv  []string          // what runs there
	env   []string
	watch io.Writer // also gets what it prints, as it comes
}

// run makes the machine, runs argv there and returns what it printed.
func (s scratchMachine) run(t *testing.T) ([]byte, error) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a scratch machine needs root: run the tests as root")
	}
	marker := fmt.Sprintf("guardsh-scratch-%d-%d", os.Getpid(), time.Now().UnixNano())
	ready, readyW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	goR, goW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer goW.Close()

	args := []string{s.base}
	for there, here := range s.files {
		args = append(args, here+"\t"+there)
	}
	args = append(append(args, "--"), s.argv...)
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append([]string{scratchEnv + "=" + marker}, s.env...)
	cmd.ExtraFiles = []*os.File{readyW, goR}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	var out strings.Builder
	cmd.Stdout = &out
	if s.watch != nil {
		cmd.Stdout = io.MultiWriter(&out, s.watch)
	}
	cmd.Stderr = cmd.Stdout
	err = cmd.Start()
	readyW.Close()
	goR.Close()
	if err != nil {
		t.Fatalf("namespaces for a scratch machine: %v", err)
	}
	// The other side says that it has written its marks; then none of them
	// may be here.
	said, _ := bufio.NewReader(ready).ReadString('\n')
	if said != "ready\n" {
		goW.Close()
		err := cmd.Wait()
		t.Fatalf("the scratch machine could not be made: %v\n%s", err, out.String())
	}
	for _, name := range scratchMarks(marker) {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("%s of the scratch machine is here too (%v): nothing is run in it", name, err)
		}
	}
	if _, err := goW.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	goW.Close()
	err = cmd.Wait()
	return []byte(out.String()), err
}

// scratchMarks are the files that a scratch machine writes before anything else.
func scratchMarks(marker string) []string {
	var names []string
	for _, dir := range []string{"/", "/etc", "/usr", "/var", "/home", "/root", "/tmp", "/run", "/dev", "/boot", "/srv"} {
		names = append(names, filepath.Join(dir, marker))
	}
	return names
}

// scratchInit is the first process of a scratch machine.
func scratchInit() int {
	status, err := scratchBoot(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "scratch machine:", err)
		return 1
	}
	return status
}

func scratchBoot(args []string) (int, error) {
	marker := os.Getenv(scratchEnv)
	os.Unsetenv(scratchEnv)
	base := args[0]
	args = args[1:]
	root := filepath.Join(base, "root")
	if err := scratchMounts(base, root); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(root+insideDir, 0o755); err != nil {
		return 0, err
	}
	for args[0] != "--" {
		here, there, _ := strings.Cut(args[0], "\t")
		if err := copyFile(here, root+there); err != nil {
			return 0, err
		}
		args = args[1:]
	}
	args = args[1:]

	if err := os.Chdir(root); err != nil {
		return 0, err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return 0, fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return 0, fmt.Errorf("letting go of the old root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return 0, err
	}
	if err := proveIsolation(marker); err != nil {
		return 0, fmt.Errorf("not isolated: %w", err)
	}
	if err := scratchFurnish(); err != nil {
		return 0, err
	}
	return runFirst(args)
}

// scratchMounts puts a root together: this machine's below, memory above.
func scratchMounts(base, root string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of our own: %w", err)
	}
	type m struct {
		source, at, fstype string
		flags              uintptr
		data               string
	}
	mount := func(v m) error {
		if err := os.MkdirAll(v.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(v.source, v.at, v.fstype, v.flags, v.data); err != nil {
			return fmt.Errorf("mount %s on %s: %w", v.fstype, v.at, err)
		}
		return nil
	}
	// Snapshots want a gigabyte to stay free; none of it is used before
	// something is written.
	if err := mount(m{"scratch", base, "tmpfs", 0, "size=4g,mode=755"}); err != nil {
		return err
	}
	upper, work := filepath.Join(base, "upper"), filepath.Join(base, "work")
	for _, d := range []string{upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	for _, v := range []m{
		{"scratch", root, "overlay", 0, "lowerdir=/,upperdir=" + upper + ",workdir=" + work},
		{"proc", root + "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", root + "/sys", "sysfs", unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"dev", root + "/dev", "tmpfs", unix.MS_NOSUID, "mode=755"},
		{"devpts", root + "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"},
		{"shm", root + "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
		{"run", root + "/run", "tmpfs", unix.MS_NOSUID, "mode=755"},
		{"tmp", root + "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	} {
		if err := mount(v); err != nil {
			return err
		}
	}
	// What the kernel offers to every root in /proc stays as it is.
	for _, name := range []string{"sys", "sysrq-trigger", "irq", "bus", "acpi", "fs"} {
		at := root + "/proc/" + name
		if _, err := os.Lstat(at); err != nil {
			continue
		}
		if err := unix.Mount(at, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("bind %s: %w", at, err)
		}
		if err := unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("read-only %s: %w", at, err)
		}
	}
	for name, dev := range map[string]uint64{
		"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "full": unix.Mkdev(1, 7),
		"random": unix.Mkdev(1, 8), "urandom": unix.Mkdev(1, 9), "tty": unix.Mkdev(5, 0),
	} {
		at := root + "/dev/" + name
		if err := unix.Mknod(at, unix.S_IFCHR|0o666, int(dev)); err != nil {
			return fmt.Errorf("mknod %s: %w", at, err)
		}
		if err := os.Chmod(at, 0o666); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, root+"/dev/"+name); err != nil {
			return err
		}
	}
	return nil
}

// scratchTypes are the file systems that a scratch machine is made of. None of
// them has a disk behind it that can be written.
var scratchTypes = map[string]bool{"overlay": true, "tmpfs": true, "proc": true, "sysfs": true, "devpts": true}

// proveIsolation looks at what is mounted, leaves marks for the other side to
// look for, and waits for its word.
func proveIsolation(marker string) error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	count := 0
	for line := range strings.Lines(string(b)) {
		before, after, ok := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 6 || len(g) < 3 {
			return fmt.Errorf("mountinfo: %q", line)
		}
		count++
		if !scratchTypes[g[0]] {
			return fmt.Errorf("%s is mounted on %s", g[0], f[4])
		}
		if g[0] == "sysfs" && !strings.HasPrefix(f[5], "ro") {
			return fmt.Errorf("%s can be written", f[4])
		}
	}
	if count == 0 {
		return errors.New("nothing is mounted")
	}
	if os.Getpid() != 1 {
		return fmt.Errorf("the first process is %d", os.Getpid())
	}
	err = filepath.WalkDir("/dev", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&fs.ModeDevice != 0 && d.Type()&fs.ModeCharDevice == 0 {
			return fmt.Errorf("%s is a block device", name)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range scratchMarks(marker) {
		if err := os.WriteFile(name, nil, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Outside is where these descriptors lead.
	ready, word := os.NewFile(3, "ready"), os.NewFile(4, "go")
	if _, err := ready.WriteString("ready\n"); err != nil {
		return err
	}
	ready.Close()
	said, _ := bufio.NewReader(word).ReadString('\n')
	word.Close()
	if said != "go\n" {
		return errors.New("the other side saw a mark")
	}
	for _, name := range scratchMarks(marker) {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// scratchFurnish takes away what this machine's administrator has set up, so
// that scripts find the same machine everywhere.
func scratchFurnish() error {
	for _, dir := range []string{
		"/etc/guardsh", "/var/log/guardsh", "/var/lib/guardsh", "/.guardsh", "/root/.config/guardsh", "/root/.local/state/guardsh",
		"/var/spool/cron/crontabs/root", "/root/.bashrc", "/root/.profile", "/root/.bash_profile", "/root/.bash_login", "/root/.bash_history", "/root/.inputrc",
		"/etc/bash.bashrc", "/etc/profile", "/etc/cron.allow", "/etc/cron.deny",
	} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte("scratch")); err != nil {
		return err
	}
	// sudo looks its own host up.
	if err := os.WriteFile("/etc/hosts", []byte("127.0.0.1 localhost\n127.0.1.1 scratch\n"), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w: %s", err, out)
	}
	// What reaches past every namespace goes last. reboot(2) would only end
	// the first process here, but nothing has to rely on it.
	for _, c := range []uintptr{unix.CAP_SYS_BOOT, unix.CAP_SYS_MODULE, unix.CAP_SYS_TIME, unix.CAP_SYS_RAWIO, unix.CAP_SYSLOG} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("dropping capability %d: %w", c, err)
		}
	}
	return nil
}

// runFirst starts the machine's one program and buries whoever dies until it
// has ended; the kernel then ends the rest.
func runFirst(argv []string) (int, error) {
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return 0, err
	}
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if pid != p.Pid {
			continue
		}
		if ws.Signaled() {
			return 0, fmt.Errorf("%s: killed by %s", argv[0], ws.Signal())
		}
		return ws.ExitStatus(), nil
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, st.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}
