package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestShellsLine(t *testing.T) {
	for _, c := range []struct{ before, after, removed string }{
		{"/bin/sh\n", "/bin/sh\n/bin/g\n", "/bin/sh\n"},
		{"/bin/sh", "/bin/sh\n/bin/g\n", "/bin/sh\n"}, // the exact text is in the record
		{"", "/bin/g\n", ""},
		{"/bin/g2\n# /bin/g\n", "/bin/g2\n# /bin/g\n/bin/g\n", "/bin/g2\n# /bin/g\n"},
	} {
		if hasLine(c.before, "/bin/g") {
			t.Errorf("%q is said to have the line", c.before)
		}
		after := withLine(c.before, "/bin/g")
		if after != c.after || !hasLine(after, "/bin/g") {
			t.Errorf("%q: became %q, want %q", c.before, after, c.after)
		}
		if got := withoutLine(after, "/bin/g"); got != c.removed {
			t.Errorf("%q: back to %q, want %q", c.before, got, c.removed)
		}
	}
	if got := withoutLine("/bin/g/x\n/bin/g\n/bin/own\n", "/bin/g"); got != "/bin/g/x\n/bin/own\n" {
		t.Errorf("from the middle: %q", got)
	}
}

func TestSudoersText(t *testing.T) {
	for group, want := range map[string]string{
		"ops":          "\n%ops ALL=(ALL:ALL) /usr/bin/guardsh\n",
		"domain users": "\n%domain\\ users ALL=(ALL:ALL) /usr/bin/guardsh\n",
		"a=b,c":        "\n%a\\=b\\,c ALL=(ALL:ALL) /usr/bin/guardsh\n",
	} {
		if got := sudoersText(group, Place); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q", group, got)
		}
	}
}

// The word in single quotes has none inside, and no shell reads anything in it.
func TestForced(t *testing.T) {
	text := forced(Place)
	if strings.Count(text, "'") != 2 || !strings.HasSuffix(text, "'") || strings.ContainsAny(text, "\n!\\") {
		t.Errorf("%s", text)
	}
	for _, shell := range []string{"bash", "dash"} {
		for command, want := range map[string]string{"echo 'a  b'; exit 7": "a  b\n", "cat <<x\nhere\nx\nexit 7": "here\n"} {
			cmd := exec.Command(shell, "-c", forced("/bin/bash"))
			cmd.Env = append(os.Environ(), "SSH_ORIGINAL_COMMAND="+command, "SHELL=/bin/false")
			out, err := cmd.Output()
			if string(out) != want || cmd.ProcessState.ExitCode() != 7 {
				t.Errorf("%s: %q: %q, %v", shell, command, out, err)
			}
		}
		cmd := exec.Command(shell, "-c", forced("/nowhere/guardsh"))
		cmd.Env = append(os.Environ(), "SSH_ORIGINAL_COMMAND=exit 7", "SHELL=/bin/sh")
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 7 {
			t.Errorf("%s: without the program: %v", shell, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "-s", "0", "a:b", "a\nb", "../x"} {
		if _, err := accountOf(name); err == nil {
			t.Errorf("%q passed for an account", name)
		}
		if name == "0" || name == "../x" {
			continue
		}
		if _, err := members(name); err == nil {
			t.Errorf("%q passed for a group", name)
		}
	}
}

func TestTrusted(t *testing.T) {
	if err := Trusted("/bin/bash"); err != nil {
		t.Error(err)
	}
	own := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(own, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Trusted(own); err == nil {
		t.Error("a program below a directory that all can write is trusted")
	}
}

// A step that fails takes back those before it, the latest first, and the
// record is what it was.
func TestCarryTakesBack(t *testing.T) {
	w := Wish{Record: filepath.Join(t.TempDir(), "install.json")}
	log := ""
	good := func(name string) Step {
		return Step{Says: name, do: func(r *Record) (func() error, error) {
			log += name
			r.Logins = append(r.Logins, Login{name, "/bin/sh", Place})
			return func() error { log += "-" + name; return nil }, r.write(w.Record)
		}}
	}
	bad := Step{Says: "bad", do: func(*Record) (func() error, error) {
		return func() error { log += "-bad"; return nil }, os.ErrInvalid
	}}
	if err := Carry(w, []Step{good("a")}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(w.Record)
	if err != nil {
		t.Fatal(err)
	}
	if err := Carry(w, []Step{good("x")}, func(string) {}); err == nil || log != "a" {
		t.Errorf("two at once: %v, %s", err, log)
	}
	unlock()
	log = ""
	if err := Carry(w, []Step{good("b"), good("c"), bad, good("d")}, func(string) {}); err == nil || log != "bc-bad-c-b" {
		t.Errorf("%v, %s", err, log)
	}
	r, err := readRecord(w.Record)
	if err != nil || len(r.Logins) != 1 || r.Logins[0].User != "a" {
		t.Errorf("%+v, %v", r, err)
	}
}
