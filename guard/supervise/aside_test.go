package supervise

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What runs aside calls nothing but system calls, and functions of the
// compiler's own making stand nowhere between: those of a build with the race
// detector tell it of themselves, on another thread's stack.
func TestAsideLeavesRuntimeAlone(t *testing.T) {
	t.Parallel()
	// The binary of a test that runs has no symbols.
	bin := filepath.Join(t.TempDir(), "supervise.test")
	if out, err := exec.Command("go", "test", "-race", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("go", "tool", "objdump", "-s",
		`^guardsh/guard/supervise\.(runAside|cloneAside|\(\*aside\)\.(serve|pass|send)$)|^syscall\.RawSyscall6?$|/syscall/linux\.Syscall6$`, bin).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	calls := map[string][]string{}
	var in string
	call := regexp.MustCompile(`\t(?:CALL|JMP|B) (\S+)\(SB\)`)
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "TEXT" {
			in = strings.TrimSuffix(f[1], "(SB)")
			calls[in] = nil
		} else if m := call.FindStringSubmatch(line); m != nil {
			calls[in] = append(calls[in], m[1])
		}
	}
	todo := []string{"guardsh/guard/supervise.runAside"}
	var reached []string
	for len(todo) > 0 {
		f := todo[0]
		todo = todo[1:]
		if slices.Contains(reached, f) {
			continue
		}
		next, ok := calls[f]
		if !ok {
			t.Fatalf("runAside comes to %s", f)
		}
		reached = append(reached, f)
		todo = append(todo, next...)
	}
	if len(reached) < 3 {
		t.Errorf("only %q were seen", reached)
	}
	if len(calls["guardsh/guard/supervise.cloneAside.abi0"]) != 0 {
		t.Errorf("cloneAside calls %q by name", calls["guardsh/guard/supervise.cloneAside.abi0"])
	}
}
