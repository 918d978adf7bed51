package bash

import (
	"strings"
	"testing"
)

// silently says that the gate is put back without a word, since PS0 held it.
const silently = "nothing"

// putBack waits until the gate was put back without a word: the prompt is shown
// once more in its own place.
func (s *typing) putBack() {
	s.t.Helper()
	if got := s.expect("\r\x1b[K") + s.expect(ps1); strings.Contains(got, "guardsh") {
		s.t.Errorf("what was to be silent said %q", got)
	}
}

// What start-up files do to PS0, PROMPT_COMMAND and the history's settings.
func TestStartupFiles(t *testing.T) {
	for name, tc := range map[string]struct{ rc, says string }{
		"ps0":                    {"PS0='mine\\n'", ""},
		"prompt-command":         {"PROMPT_COMMAND='SEEN=$?'", ""},
		"prompt-command-append":  {"PROMPT_COMMAND=\"$PROMPT_COMMAND; SEEN=1\"", ""},
		"prompt-command-prepend": {"PROMPT_COMMAND=\"SEEN=1;$PROMPT_COMMAND\"", ""},
		"prompt-command-array":   {"PROMPT_COMMAND+=('SEEN=1' 'OTHER=2')", ""},
		"both":                   {"PS0=; PROMPT_COMMAND=", "it is put back"},
		"both-set":               {"PS0='x'; PROMPT_COMMAND='SEEN=1'", "it is put back"},
		"readonly-history":       {"readonly HISTSIZE=500 HISTTIMEFORMAT='%F '", ""},
		"readonly-prompt":        {"readonly PROMPT_COMMAND", ""},
		"prompt-ignorespace":     {"HISTCONTROL=ignoreboth PROMPT_COMMAND='SEEN=1'", silently},
		"prompt-histignore":      {"HISTIGNORE=' *' PROMPT_COMMAND='SEEN=1'; set -o vi", silently},
		"readonly-ps0":           {"PS0='x'; readonly PS0", ""},
		"readonly-both":          {"readonly PS0 PROMPT_COMMAND", ""},
		"readonly-own":           {"PROMPT_COMMAND='OWN=1'; readonly PROMPT_COMMAND", ""},
		"direnv":                 {"hook() { local s=$?; trap -- '' SIGINT; eval \"$(echo export DIR=1)\"; trap - SIGINT; return $s; }; PROMPT_COMMAND=\"hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}\"", ""},
		"preexec":                {"pre() { LAST=$BASH_COMMAND; }; trap 'pre' DEBUG; PROMPT_COMMAND='trap pre DEBUG; '\"$PROMPT_COMMAND\"", ""},
		"starship":               {"sp() { local s=$?; PS1='" + ps1 + "'; return $s; }; PROMPT_COMMAND=\"sp;$PROMPT_COMMAND\"; PS0='${ST:$((ST=1,0)):0}'\"$PS0\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, tc.rc)
			switch tc.says {
			case "":
			case silently:
				s.putBack()
			default:
				s.expect(tc.says)
				s.expect(ps1)
			}
			for range 3 {
				s.send("touch bad # RISKY\r")
				s.expect("guardsh: refused")
				s.expect(ps1)
				s.send("echo f''ine\r")
				s.expect("fine\r\n")
				s.expect(ps1)
			}
			s.missing("bad")
			if strings.Contains(tc.rc, "SEEN=1") {
				s.send("echo seen=$SEEN\r")
				s.expect("seen=1\r\n")
			}
		})
	}
}

// A readonly history setting may hide a line: then the judge is told.
func TestReadonlyHistoryControl(t *testing.T) {
	s := session(t, "readonly HISTCONTROL=ignorespace")
	s.want("echo shown", "shown\n")
	s.send(" touch bad\r")
	s.expect("guardsh: unseen line")
	s.expect(ps1)
	s.missing("bad")
	s.want("echo after", "after\n")
}

// The shells below the first are gated by what they inherit.
func TestShellsBelow(t *testing.T) {
	for name, start := range map[string]string{
		"nested": "bash --rcfile rc -i", "exec": "exec bash --rcfile rc -i", "login": "HOME=$PWD bash -l",
		"su": "su -s /bin/bash nobody", "twice": "bash --rcfile rc -ic 'bash --rcfile rc -i'",
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, "export PS1")
			write(t, s.dir+"/.bash_profile", ". ~/rc\n")
			s.send(start + "\r")
			if name == "su" {
				s.expect("$ ")
				s.send("PS1='" + ps1[:3] + "'\"" + ps1[3:] + "\"\r")
			}
			s.expect(ps1)
			s.send("touch /tmp/guardsh-bad-$$ # RISKY\r")
			s.expect("guardsh: refused")
			s.expect(ps1)
			if got := escape.ReplaceAllString(s.run("echo in''side"), ""); strings.TrimSpace(got) != "inside" {
				t.Errorf("%q", got)
			}
			for _, e := range s.entries() {
				if e.Kind == "line" && !e.Own {
					t.Errorf("%q is not on the session's own terminal", e.Line)
				}
			}
		})
	}
}

func TestGateLostByALine(t *testing.T) {
	s := session(t, "")
	s.send("PS0= PROMPT_COMMAND=\r")
	s.expect("it is put back")
	s.expect(ps1)
	s.refused("touch bad # RISKY")
	s.run("PROMPT_COMMAND=")
	s.refused("touch bad # RISKY")
	s.run("PS0=")
	s.refused("touch bad # RISKY")
	s.send("unset PROMPT_COMMAND\r") // the line that puts it back comes to the gate then
	s.expect(ps1)
	s.putBack()
	s.refused("touch bad # RISKY")
	s.missing("bad")
	for _, line := range s.lines() {
		if strings.Contains(line, "rearm") {
			t.Errorf("what we typed was judged: %q", line)
		}
	}
	if out := s.run("history"); strings.Contains(out, "rearm") || strings.Contains(out, "GUARDSH") {
		t.Errorf("the history holds our own lines: %q", out)
	}
}

// A shell that exec replaced by another user's has the number of the first one,
// whose channel it cannot use.
func TestExecAsAnotherUser(t *testing.T) {
	s := session(t, "")
	s.want("echo hi", "hi\n")
	s.send("exec setpriv --reuid=54321 --regid=54321 --clear-groups bash --rcfile rc -i\r")
	s.expect(ps1)
	s.refused("echo RISKY")
	s.want("echo $UID", "54321\n")
	s.refused("echo RISKY once more")
}
