package bash

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// What the history holds is what it would hold without us, and every line was
// seen all the same. Lines with RISKY are refused.
func TestHistory(t *testing.T) {
	for name, tc := range map[string]struct {
		rc    string
		lines []string
		want  string // the history, without its last line
	}{
		"plain":       {"", []string{"echo a", " echo b", "echo a", "echo a"}, "echo a| echo b|echo a|echo a"},
		"ignorespace": {"HISTCONTROL=ignorespace", []string{"echo a", " echo b", " echo RISKY", "echo c"}, "echo a|echo c"},
		"ignoredups":  {"HISTCONTROL=ignoredups", []string{"echo a", "echo a", " echo b", "echo a", "echo RISKY", "echo RISKY"}, "echo a| echo b|echo a|echo RISKY"},
		"ignoreboth":  {"export HISTCONTROL=ignoreboth", []string{"echo a", "echo a", " echo b"}, "echo a"},
		"erasedups":   {"HISTCONTROL=erasedups", []string{"echo a", "echo b", "echo a"}, "echo b|echo a"},
		"ignore":      {"HISTIGNORE='ls*:&:foo'", []string{"ls /dev/null", "echo a", "echo a", ": foo"}, "echo a|: foo"},
		"off":         {"", []string{"set +o history", "echo secret", "echo RISKY", "set -o history", "echo a"}, "set +o history|echo a"},
		"size-zero":   {"", []string{"HISTSIZE=0", "echo secret", "echo RISKY", "HISTSIZE=10", "echo a"}, "echo a"},
		"timeformat":  {"readonly HISTTIMEFORMAT=''", []string{"echo a", "echo RISKY", "echo b"}, "echo a|echo RISKY|echo b"},
		"edited":      {"", []string{"echo a", "echo RISKY", "history -d 1", "history -c", "echo b", "echo RISKY 2"}, "echo b|echo RISKY 2"},
		"posix":       {"set -o posix", []string{"echo a", " echo b", "echo RISKY"}, "echo a| echo b|echo RISKY"},
		"posix-space": {"set -o posix; HISTCONTROL=ignorespace", []string{"echo a", " echo b", "echo RISKY"}, "echo a|echo RISKY"},
		"appended":    {"HISTCONTROL=ignorespace; PROMPT_COMMAND='history -a; history -n'", []string{"echo a", " echo secret", "echo RISKY", "echo b"}, "echo a|echo RISKY|echo b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, tc.rc)
			for _, l := range tc.lines {
				s.send(l + "\r")
				if strings.Contains(l, "RISKY") {
					s.expect("guardsh: refused")
				}
				s.expect(ps1)
			}
			var seen []string
			for _, e := range s.entries() {
				if e.Kind == "line" {
					seen = append(seen, e.Line)
					if !e.Seen {
						t.Errorf("a line was not seen: %+v", e)
					}
				}
			}
			if got, want := strings.Join(seen, "|"), strings.Join(tc.lines, "|"); got != want {
				t.Errorf("seen %q, want %q", got, want)
			}
			s.send("history\r")
			s.expect("history\r\n")
			var got []string
			for l := range strings.Lines(s.expect(ps1)) {
				l = strings.TrimRight(l, "\r\n")
				if len(l) > 7 && l[7:] != "history" {
					got = append(got, l[7:])
				}
			}
			if got := strings.Join(got, "|"); got != tc.want {
				t.Errorf("history %q, want %q", got, tc.want)
			}
			if s.exit("exit"); !strings.Contains(tc.want, "secret") {
				s.missingText("hist", "secret")
			}
		})
	}
}

// A hidden line is hidden from the history file too when the terminal goes
// away while it runs.
func TestHangUpKeepsHiddenLineOut(t *testing.T) {
	s := session(t, "HISTCONTROL=ignorespace")
	s.want("echo shown", "shown\n")
	s.send(" : secret; echo st''arted; sleep 100\r")
	s.expect("started\r\n")
	s.cmd.Process.Signal(syscall.SIGHUP) // as the kernel sends when the terminal is closed
	s.wait()
	s.logged("history", func(entry) bool { return s.fileHolds("hist", "echo shown") })
	s.missingText("hist", "secret")
}

// Where a start-up file replaced PROMPT_COMMAND, the first line comes to the gate
// before our hook was there: one that is kept out of the history must not pass as
// the line before it.
func TestFirstLineHidden(t *testing.T) {
	const rc = "history -r; PROMPT_COMMAND='X=1'; "
	for name, tc := range map[string]struct {
		rc, line string
		seen     bool
	}{
		"space":       {"HISTCONTROL=ignorespace", " touch bad", false},
		"both":        {"HISTCONTROL=ignoreboth", " touch bad", false},
		"repeated":    {"HISTCONTROL=ignoredups", "echo stale", false},
		"ignored":     {"HISTIGNORE='touch*'", "touch bad", false},
		"off":         {"set +o history", "touch bad", false},
		"recorded":    {"HISTCONTROL=ignoreboth", "echo one", true},
		"plain space": {"", " echo one", true},
		"inherited":   {"set -a; HISTCONTROL=ignorespace; GUARDSH_H=0", " touch bad", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := scratch(t)
			write(t, dir+"/hist", "echo older\necho stale\n")
			s := &typing{t: t, dir: dir}
			s.writeRC(rc + tc.rc)
			s = startIn(t, dir, []string{"live", "--rcfile", "rc", "-i"})
			s.expect(ps1)
			s.send(tc.line + "\r")
			if !tc.seen {
				s.expect("guardsh: unseen line")
			}
			s.expect(ps1)
			e := s.entries()
			if i := slices.IndexFunc(e, func(e entry) bool { return e.Kind == "line" }); i < 0 || e[i].Seen != tc.seen || tc.seen && e[i].Line != tc.line {
				t.Errorf("%+v", e)
			}
			s.missing("bad")
			s.run(" echo again")
			s.run("echo more")
			for _, e := range s.entries()[2:] {
				if e.Kind == "line" && !e.Seen && name != "off" {
					t.Errorf("not seen: %+v", e)
				}
			}
		})
	}
}

// A command of several lines stands in the history as bash alone puts it there.
func TestHistoryOfManyLines(t *testing.T) {
	commands := []string{
		"f() {\necho in f\n}", "for i in 1 2\ndo echo $i; done", "cat <<E\na  $i\n\nE", "cat <<-'E' |\n\tb\n\tE\ncat",
		"if true # why\nthen\n echo \"a\n b\"\n\nfi", "echo a \\\nb", "case x in\na) echo;;\n(x)\n echo q\nesac", "(\necho sub\n)",
		"x=(1 # one\n2\n3)", "echo $(\necho c\n)", "function g\n{ :; }", "while false\ndo :\ndone &&\ntrue", "echo '#1'\\\n\"\n#123\n\"", "echo one",
	}
	for _, rc := range []string{"", "HISTCONTROL=ignoreboth", "shopt -s lithist", "HISTIGNORE='for*'", "set -o posix; HISTCONTROL=erasedups"} {
		t.Run(rc, func(t *testing.T) {
			history := func(s *typing) string {
				for _, c := range append(commands, "history -w made") {
					for i, l := range strings.Split(c, "\n") {
						if i > 0 {
							s.expect("> ")
						}
						s.send(l + "\r")
					}
					s.expect(ps1)
				}
				b, err := os.ReadFile(s.dir + "/made")
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			got := history(session(t, rc))
			plain := &typing{t: t, dir: scratch(t)}
			plain.writeRC(rc)
			plain.open(exec.Command("bash", "--rcfile", "rc", "-i"), os.Environ())
			plain.expect(ps1)
			if want := history(plain); got != want {
				t.Errorf("got %q\nbash has %q", got, want)
			}
		})
	}
}
