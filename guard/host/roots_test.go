package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// TestSeen looks at this machine through a process in another root directory.
func TestSeen(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("only root can change a root directory")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "etc", "data/real"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("cp", "/bin/busybox", root+"/bin/busybox").CombinedOutput(); err != nil {
		t.Fatalf("%v %s: go run ./cmd/dev needs", err, out)
	}
	if err := os.Symlink("/data", root+"/link"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/busybox", "cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	w := New(Options{})
	defer w.Close()
	v, err := w.Seen(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, tc := range []struct {
		name   string
		follow bool
		want   string
	}{
		{"/", false, ""},
		{"/etc/x", false, "/etc/x"},
		{"/../../etc", false, "/etc"},
		{"/link", false, "/link"},
		{"/link", true, "/data"},
		{"/link/", false, "/data/"},
		{"/link/real", false, "/data/real"},
	} {
		if got, ok := v.Here(tc.name, tc.follow); !ok || got != root+tc.want {
			t.Errorf("%s follow %v: %q %v, want %q", tc.name, tc.follow, got, ok, root+tc.want)
		}
	}
	if got := v.Inside(root + "/etc"); got != "/etc" {
		t.Errorf("inside: %q", got)
	}
	if got := v.Inside("/etc"); got != "" {
		t.Errorf("outside: %q", got)
	}
	src := &effect.Object{Type: effect.Path, Name: "/etc"}
	there := command.Place{Kind: command.Remote}
	var kinds []string
	for _, e := range v.Effects([]effect.Effect{
		{Kind: effect.Delete, Object: effect.Object{Type: effect.Path, Name: "/link/real"}, Source: src},
		{Kind: effect.Stop, Object: effect.Object{Type: effect.Service, Name: "ssh"}},
		{Kind: effect.PackageRemove, Object: effect.Object{Type: effect.Package, Name: "libc6"}},
		{Kind: effect.Power, Object: effect.Object{Type: effect.Host}},
		{Kind: effect.Delete, Object: effect.Object{Type: effect.Path, Name: "/far"}, Place: there},
	}) {
		kinds = append(kinds, string(e.Kind)+" "+strings.TrimPrefix(e.Object.Name, root))
	}
	if got, want := strings.Join(kinds, ", "), "delete /data/real, power , delete /far"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if src.Name != "/etc" {
		t.Errorf("the effect that was given was changed: %s", src.Name)
	}
}
