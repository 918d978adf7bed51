package host

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	childDir      = "GUARDSH_TEST_OWN_MOUNTS" // the child's directory
	childFinished = "the child got to its end"
)

// inOwnMounts runs a test in a child with mounts of its own, where inside is
// given a directory. The child has to say that it got to its end.
func inOwnMounts(t *testing.T, inside func(t *testing.T, dir string)) {
	t.Helper()
	if dir := os.Getenv(childDir); dir != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		inside(t, dir)
		if !t.Failed() {
			// Written through: the testing package captures nothing here.
			os.Stdout.WriteString(childFinished + "\n")
		}
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childDir+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	b, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(b), childFinished) {
		t.Fatalf("child: %v\n%s", err, b)
	}
	t.Logf("%s", b)
}
