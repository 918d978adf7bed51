package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guardsh/audit"
)

// auditVerb runs audit or replay on a trail.
func auditVerb(t *testing.T, args ...string) (string, error) {
	t.Helper()
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	c := auditCommand()
	if args[0] == "replay" {
		c, args = replayCommand(), args[1:]
	}
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	err := c.Execute()
	return out.String(), err
}

const oldTrail = "../../testdata/trail"

func TestAuditVerbs(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		args []string
		want []string // lines, or parts of lines, in this order
		fail string
	}{
		{[]string{"list", "--dir", empty}, []string{"no session is recorded in " + empty + " yet"}, ""},
		{[]string{"show", "--dir", empty}, nil, "no session is recorded yet in " + empty},
		{[]string{"verify", "--dir", empty}, nil, "no session is recorded yet in " + empty},
		{[]string{"list", "--dir", oldTrail}, []string{
			"SESSION     WHEN                 USER  TTY    LINES  REFUSED  STATE\n",
			"01M85FDDRN  2026-11-24 00:31:10  ann   -      1      0        ended, status 0\n",
			"01M85FDDCS  2026-11-24 00:31:10  ann   pts/3  4      1        ended, status 0\n",
		}, ""},
		{[]string{"show", "01m85fddcs", "--dir", oldTrail}, []string{
			"session 01M85FDDCSMZE70RMFD37GR6TE: ann on pts/3 at lab from 192.0.2.7\n",
			"#  TIME      VERDICT  STATUS   TOOK  LINE\n",
			"1  00:31:10  allow    0        50ms  ls /srv\n",
			"2  00:31:10  block    refused  -     rsync -aP /srv/lxc/lab/rootfs/ .\n     block: fs/write-into-root: writes a tree of 4,211 entries into /",
			"answered yes after 3.2s\n", "kept: snapshot 01JDEXAMPLE\n",
		}, ""},
		{[]string{"show", "01", "--dir", oldTrail}, nil, `session "01" is not unique`},
		{[]string{"search", "refused", "--dir", oldTrail}, []string{"01M85FDDCSMZE70RMFD37GR6TE@2  2026-11-24 00:31:10  ann   block    refused  rsync"}, ""},
		{[]string{"search", "nowhere", "--dir", oldTrail}, []string{`holds "nowhere"`}, "exit status 1"},
		{[]string{"verify", "--dir", oldTrail}, []string{"good: 3 journals, 20 events, 5 signed heads\nroot on this machine, or whoever holds its key, could have forged"}, ""},
		{[]string{"verify", "--dir", oldTrail, "--key", "x"}, nil, "verifier key"},
		{[]string{"replay", "--dir", oldTrail}, []string{"root@lab:/# ls /srv\nlxc  mirror\n"}, ""},
		{[]string{"replay", "last@4", "--dir", oldTrail, "--to", "text"}, nil, ""},
		{[]string{"replay", "last@9", "--dir", oldTrail}, nil, "no line 9"},
		{[]string{"replay", "01M85FDDRN", "--dir", oldTrail}, nil, "has no recording (it had no terminal)\nhint: guardsh audit show"},
		{[]string{"replay", "--to", "gif", "--dir", oldTrail}, nil, `unknown format "gif"`},
		{[]string{"replay", "@x", "--dir", oldTrail}, nil, `line "x" is not a number`},
		{[]string{"replay", "--dir", empty}, nil, "no session is recorded yet"},
	} {
		out, err := auditVerb(t, c.args...)
		if c.fail == "" && err != nil || c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)) {
			t.Errorf("%q: error %v, want %q", c.args, err, c.fail)
		}
		rest := out
		for _, w := range c.want {
			_, after, ok := strings.Cut(rest, w)
			if !ok {
				t.Errorf("%q: no %q in\n%s", c.args, w, out)
				break
			}
			rest = after
		}
	}
}

// Every --json is one object a line.
func TestAuditJSON(t *testing.T) {
	for _, c := range []struct {
		args  []string
		lines int
	}{
		{[]string{"list"}, 2}, {[]string{"show", "01M85FDDC"}, 1}, {[]string{"search", "ran"}, 4}, {[]string{"verify"}, 1},
	} {
		out, err := auditVerb(t, append(c.args, "--json", "--dir", oldTrail)...)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != c.lines {
			t.Errorf("%q: %d lines, want %d", c.args, len(lines), c.lines)
		}
		for _, l := range lines {
			if !json.Valid([]byte(l)) {
				t.Errorf("%q: not JSON: %s", c.args, l)
			}
		}
	}
}

// A changed byte is named, and a hostile line does not drive the reader's
// terminal.
func TestAuditHostile(t *testing.T) {
	root := t.TempDir()
	j, err := audit.Open(root, audit.SessionInfo{User: "ev\x1bil", TTY: "\x1b[2J"})
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range []string{"rm \x1b]52;c;eA==\a\x1b[2J", "echo \u202eoh\r\nx\u009b31m"} {
		if err := j.Append(audit.Event{Kind: audit.LineRead, Line: n + 1, Text: line, Verdict: "\x1bx", Unknowns: []string{"\x1b"},
			Findings: []audit.Finding{{Rule: "\x1ba", Summary: "\x1bb"}}}); err != nil {
			t.Fatal(err)
		}
	}
	j.AppendLazy(audit.Event{Kind: audit.Degraded, Reason: "\x1bc"})
	if err := j.Close(0, "\x1b"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(j.CastPath()), audit.EventsName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte("rm "), []byte("RM "), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"list"}, {"show"}, {"search", "m"}, {"verify"}} {
		out, err := auditVerb(t, append(args, "--dir", root)...)
		if args[0] == "verify" {
			if err == nil || !strings.Contains(out, `: event 2 (line "RM \\e]52;c;eA==`) || !strings.Contains(out, "not good: 1 problem in ") {
				t.Errorf("verify: %v\n%s", err, out)
			}
		} else if err != nil {
			t.Errorf("%q: %v", args, err)
		}
		for _, r := range out {
			if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e) {
				t.Errorf("%q: %q came through in\n%s", args, r, out)
				break
			}
		}
	}
}
