package proc

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const rest = " 4194304 120 0 0 0 1 2 3 4 20 0 1 0 98765 8192000 800 18446744073709551615 1 2\n"

var lines = []struct {
	about, line string
	want        Stat
	err         string
}{
	{"a shell on a terminal", "41 (bash) S 40 41 39 34818 57 4194304" + strings.TrimPrefix(rest, " 4194304"),
		Stat{"bash", 'S', 40, 41, 39, unix.Mkdev(136, 2), 57, 98765}, ""},
	{"no terminal", "1 (systemd) S 0 1 1 0 -1" + rest, Stat{"systemd", 'S', 0, 1, 1, 0, -1, 98765}, ""},
	{"terminals of great numbers", "7 (a) R 1 7 7 1048832 7" + rest, Stat{"a", 'R', 1, 7, 7, unix.Mkdev(1, 256), 7, 98765}, ""},
	{"the bit of the sign", "7 (a) R 1 7 7 -2147448576 7" + rest, Stat{"a", 'R', 1, 7, 7, unix.Mkdev(137, 0x80000), 7, 98765}, ""},
	{"spaces", "7 (tmux: server) S 1 7 7 0 -1" + rest, Stat{"tmux: server", 'S', 1, 7, 7, 0, -1, 98765}, ""},
	{"the end of a name", "7 (a) S 1 2 3) T 5 7 7 0 -1" + rest, Stat{"a) S 1 2 3", 'T', 5, 7, 7, 0, -1, 98765}, ""},
	{"brackets only", "7 ((())) S 1 7 7 0 -1" + rest, Stat{"(())", 'S', 1, 7, 7, 0, -1, 98765}, ""},
	{"a line's end", "7 (a\nb\n) S 1 7 7 0 -1" + rest, Stat{"a\nb\n", 'S', 1, 7, 7, 0, -1, 98765}, ""},
	{"no UTF-8", "7 (\xff\x00) Z 1 7 7 0 -1" + rest, Stat{"\xff\x00", 'Z', 1, 7, 7, 0, -1, 98765}, ""},
	{"no name", "7 () S 1 7 7 0 -1" + rest, Stat{"", 'S', 1, 7, 7, 0, -1, 98765}, ""},

	{"nothing", "", Stat{}, "no name in brackets"},
	{"only a number", "7\n", Stat{}, "no name in brackets"},
	{"the name does not end", "7 (a S 1 7 7 0 -1" + rest, Stat{}, "no name in brackets"},
	{"brackets the other way", "7 )a( S 1 7 7 0 -1" + rest, Stat{}, "no name in brackets"},
	{"ends behind the name", "7 (a)", Stat{}, "no state behind the name"},
	{"ends behind the state", "7 (a) S\n", Stat{}, "no state behind the name"},
	{"no state", "7 (a)  1 7 7 0 -1" + rest, Stat{}, "no state behind the name"},
	{"ends behind the parent", "7 (a) S 1", Stat{}, `field 5: strconv.ParseInt: parsing "": invalid syntax`},
	{"ends before the start", "7 (a) S 1 7 7 0 -1 4194304 120 0 0 0 1 2 3 4 20 0 1 0", Stat{}, `field 22: strconv.ParseInt: parsing "": invalid syntax`},
	{"no number", "7 (a) S init 7 7 0 -1" + rest, Stat{}, `field 4: strconv.ParseInt: parsing "init": invalid syntax`},
}

func TestParse(t *testing.T) {
	for _, tc := range lines {
		t.Run(tc.about, func(t *testing.T) {
			got, err := parse([]byte(tc.line))
			if got != tc.want {
				t.Errorf("%q: %+v, not %+v", tc.line, got, tc.want)
			}
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || err.Error() != tc.err) {
				t.Errorf("%q: error %v, not %q", tc.line, err, tc.err)
			}
		})
	}
}

// What is read of a line is what its words are, split the plain way.
func FuzzParse(f *testing.F) {
	for _, tc := range lines {
		f.Add([]byte(tc.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := parse(line)
		if err != nil {
			if s != (Stat{}) {
				t.Errorf("%q: %v, and %+v", line, err, s)
			}
			return
		}
		to := bytes.LastIndexByte(line, ')')
		if _, name, _ := strings.Cut(string(line[:to]), "("); name != s.Name {
			t.Errorf("%q: name %q, not %q", line, s.Name, name)
		}
		w := strings.Split(string(line[to+1:]), " ")
		if w[1] != string([]byte{s.State}) {
			t.Errorf("%q: state %q, not %q", line, s.State, w[1])
		}
		for at, have := range map[int]int64{2: int64(s.Parent), 3: int64(s.Group), 4: int64(s.Session), 6: int64(s.Foreground), 20: s.Start} {
			if want, err := strconv.ParseInt(w[at], 10, 64); err != nil || have != want {
				t.Errorf("%q: word %d: %d, not %s", line, at, have, w[at])
			}
		}
	})
}

// The kernel's own answers, by what it says elsewhere.
func TestOf(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "a) R (1\n2")
	if err := os.Symlink(sleep, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	s, err := Of(pid)
	if err != nil {
		t.Error(err)
	}
	session, _ := unix.Getsid(pid)
	if s.Name != filepath.Base(program) || s.Parent != os.Getpid() || s.Group != unix.Getpgrp() || s.Session != session || s.Start == 0 {
		t.Errorf("%+v of a child in group %d and session %d", s, unix.Getpgrp(), session)
	}
	self, err := At("/proc/self")
	if err != nil || self.Parent != os.Getppid() || self.TTY != s.TTY || self.Foreground != s.Foreground || self.Start > s.Start {
		t.Errorf("%+v of this process, %v; its child is %+v", self, err, s)
	}
	// It is there until it was waited for.
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	var at *fs.PathError
	if s, err := Of(pid); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &at) || at.Path != "/proc/"+strconv.Itoa(pid)+"/stat" || s != (Stat{}) {
		t.Errorf("%+v of a process that is gone, %v", s, err)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{0, 1, 4095, 4096, 4097, 8192, 100000} {
		name := filepath.Join(dir, strconv.Itoa(n))
		want := bytes.Repeat([]byte("x"), n)
		if err := os.WriteFile(name, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d, %v", len(got), n, err)
		}
	}
	if b, err := ReadFile("/proc/self/status"); err != nil || !bytes.HasPrefix(b, []byte("Name:\t")) || !bytes.HasSuffix(b, []byte("\n")) {
		t.Errorf("status: %q, %v", b, err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	if _, err := ReadFile(dir); !errors.Is(err, unix.EISDIR) {
		t.Errorf("of a directory: %v", err)
	}
}
