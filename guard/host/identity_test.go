package host

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A file is the program that it has the content of, through links and copies;
// what is only as large is none, and neither is what nothing is known about.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put := func(name string, b []byte, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(at(name), b, mode); err != nil {
			t.Fatal(err)
		}
	}
	rm, err := os.ReadFile("/bin/rm")
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(rm)
	other[100]++
	put("copy", rm, 0o755)
	put("other", other, 0o755)
	put("data", rm, 0o644)
	if err := os.Symlink("/bin/rm", at("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("copy", at("link-of-copy")); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("x", 0)
	if err != nil {
		t.Fatal(err)
	}
	memory := os.NewFile(uintptr(fd), "memory")
	defer memory.Close()
	if _, err := memory.Write(rm); err != nil {
		t.Fatal(err)
	}
	if err := memory.Chmod(0o755); err != nil {
		t.Fatal(err)
	}
	w := New(Options{Known: func(name string) bool { return name == "rm" || name == "reboot" || name == "systemctl" }})
	defer w.Close()
	for file, want := range map[string]string{
		"/bin/rm": "rm", at("copy"): "rm", at("link"): "rm", at("link-of-copy"): "rm",
		"/proc/self/fd/" + strconv.Itoa(fd): "rm",
		at("other"):                         "", at("data"): "", at("missing"): "", dir: "", "/bin/ls": "", "relative": "",
	} {
		names := w.Program(file)
		if want == "" && names != nil || want != "" && (len(names) != 1 || filepath.Base(names[0]) != want) {
			t.Errorf("%s: %q, want %q", file, names, want)
		}
	}
	// Its own name comes before the links to it.
	if names := w.Program("/sbin/reboot"); len(names) < 2 || filepath.Base(names[0]) != "systemctl" || !slices.ContainsFunc(names, func(n string) bool { return filepath.Base(n) == "reboot" }) {
		t.Errorf("reboot: %q", names)
	}
}

func TestTakesKeys(t *testing.T) {
	w := New(Options{})
	defer w.Close()
	for file, want := range map[string]bool{"/usr/bin/vim": true, "/usr/bin/less": true, "/usr/bin/gdb": true, "/usr/bin/dpkg": false, "/bin/cp": false, "/missing": false} {
		if got := w.TakesKeys(file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}
