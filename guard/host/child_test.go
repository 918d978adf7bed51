package host

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// inOwnMounts runs a test once more in a child with mounts of its own, which has
// to say that it got to the end; the child gets a directory by variable.
func inOwnMounts(t *testing.T, variable, finished string) (out string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), variable+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	b, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(b), finished) {
		t.Fatalf("child: %v\n%s", err, b)
	}
	return string(b)
}
