package guard

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"guardsh/audit"
	"guardsh/rules"
	"guardsh/rules/command"
)

// place is a machine whose configuration, trail and store are the test's own.
func place(t *testing.T) Place {
	t.Helper()
	dir := t.TempDir()
	return Place{
		Config: ConfigPaths{Root: dir, Etc: "/etc/guardsh", Owner: os.Getuid(), UID: os.Getuid()},
		State:  filepath.Join(dir, "state"),
		Trail:  filepath.Join(dir, "trail"),
		Store:  filepath.Join(dir, "store"),
		Env:    []string{"PATH=/usr/bin:/bin", "HOME=" + dir},
	}
}

func open(t *testing.T, p Place) *Session {
	t.Helper()
	s, err := Open(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// linked is a directory that holds data and a link to it: removing "link/"
// goes through the link, which is asked about.
func linked(t *testing.T) string {
	t.Helper()
	// Neither t.TempDir nor a clone below /tmp: what lies there is scratch, of
	// which nothing is kept.
	here, err := os.Getwd()
	if err == nil && (strings.HasPrefix(here, os.TempDir()+"/") || strings.HasPrefix(here, "/tmp/") || strings.HasPrefix(here, "/var/tmp/")) {
		here, err = os.UserHomeDir()
	}
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(here, "linked-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.MkdirAll(filepath.Join(dir, "goods/data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "goods/data/f"), []byte("kept\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("goods", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func request(dir, line string) Request {
	return Request{
		Src: line, Source: Command, Cwd: dir,
		Shell: &command.StaticShell{Environ: []string{}, Dir: dir, Login: "root"},
	}
}

// terminal gives a request a terminal of its own and types answer once the
// question stands there.
func terminal(t *testing.T, r *Request, answer string) *bytes.Buffer {
	t.Helper()
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ptmx.Close(); tty.Close() })
	r.Open = func() (in, out *os.File, restore func(), err error) { return tty, tty, func() {}, nil }
	seen := &bytes.Buffer{}
	go func() {
		buf := make([]byte, 4096)
		typed := false
		for {
			n, err := ptmx.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				return
			}
			// The row that asks for it comes when an answer counts.
			if !typed && strings.HasSuffix(seen.String(), "e explains] ") {
				typed = true
				_, _ = io.WriteString(ptmx, answer)
			}
		}
	}()
	return seen
}

func TestYesKeepsAndReleases(t *testing.T) {
	dir := linked(t)
	s := open(t, place(t))
	defer s.Close(0)
	r := request(dir, "rm -rf link/")
	terminal(t, &r, "y\r")
	out := s.Line(context.Background(), r)
	if !out.Release || len(out.Kept) != 1 {
		t.Fatalf("got %+v, want a release with one snapshot", out)
	}
	st, err := s.snapshots()
	if err != nil {
		t.Fatal(err)
	}
	snap, err := st.Load(out.Kept[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Verify(context.Background(), snap.ID); err != nil {
		t.Fatal(err)
	}
	if snap.Line != r.Src {
		t.Errorf("the snapshot belongs to %q", snap.Line)
	}
}

func TestNoRefuses(t *testing.T) {
	s := open(t, place(t))
	defer s.Close(0)
	r := request(linked(t), "rm -rf link/")
	terminal(t, &r, "n\r")
	if out := s.Line(context.Background(), r); out.Release || len(out.Kept) != 0 {
		t.Fatalf("got %+v, want a refusal that kept nothing", out)
	}
}

func TestNobodyToAsk(t *testing.T) {
	s := open(t, place(t))
	defer s.Close(0)
	out := s.Line(context.Background(), request(linked(t), "rm -rf link/"))
	if out.Release {
		t.Fatal("released without a question")
	}
	for _, want := range []string{"guardsh: ", "fs/delete-through-link", "hint: ", "automation:", "rule: fs/delete-through-link"} {
		if !strings.Contains(out.Say, want) {
			t.Errorf("the refusal does not say %q:\n%s", want, out.Say)
		}
	}
}

func TestAutomationPassesQuestionsNotBlocks(t *testing.T) {
	p := place(t)
	s := open(t, p)
	defer s.Close(0)
	for _, rule := range []string{"fs/delete-through-link", "fs/delete-protected"} {
		s.Config.Automation = append(s.Config.Automation, Automation{Rule: rule, User: sessionUser(), Reason: "nightly clean-up"})
	}
	if out := s.Line(context.Background(), request(linked(t), "rm -rf link/")); !out.Release {
		t.Errorf("an approved question refused: %s", out.Say)
	}
	if out := s.Line(context.Background(), request("/", "rm -rf /usr")); out.Release {
		t.Error("automation let a block pass")
	}
}

func TestBreakGlass(t *testing.T) {
	p := place(t)
	s := open(t, p)
	defer s.Close(0)
	dir := linked(t)
	if _, err := s.BreakGlass("fs/no-such-rule", "because", time.Minute); err == nil {
		t.Error("an unknown rule was let pass")
	}
	if _, err := s.BreakGlass("fs/delete-through-link", "moving the data", 24*time.Hour); err == nil {
		t.Error("a whole day was granted")
	}
	if _, err := s.BreakGlass("fs/delete-through-link", "moving the data", time.Minute); err != nil {
		t.Fatal(err)
	}
	out := s.Line(context.Background(), request(dir, "rm -rf link/"))
	if !out.Release || !strings.Contains(out.Say, "moving the data") {
		t.Errorf("got %+v, want a release that tells of the allowance", out)
	}
	late, err := allowances(p.State, time.Now().Add(time.Hour))
	if err != nil || len(late) != 0 {
		t.Errorf("an hour later %v, %v still hold", late, err)
	}
}

func TestTheTrailHoldsTheLineBeforeItsRelease(t *testing.T) {
	p := place(t)
	s := open(t, p)
	out := s.Line(context.Background(), request("/", "echo hello"))
	if !out.Release || out.Say != "" {
		t.Fatalf("got %+v, want a silent release", out)
	}
	// The session is still open: what stands there now was written before the
	// line could run.
	b := events(t, p.Trail)
	if !strings.Contains(b, `"echo hello"`) {
		t.Fatalf("the line is not in the trail:\n%s", b)
	}
	s.Ended(out, 7)
	s.Close(0)
	if b := events(t, p.Trail); !strings.Contains(b, `"status":7`) {
		t.Errorf("the status is not in the trail:\n%s", b)
	}
	problems, _, err := audit.Verify(p.Trail)
	if err != nil || len(problems) != 0 {
		t.Errorf("verify: %v, %v", problems, err)
	}
}

func events(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*/events.jsonl"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no journal below %s (%v)", dir, err)
	}
	var all strings.Builder
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// broken is a world that fails as only a bug does.
type broken struct{ rules.World }

func TestAFailureOfTheGuardIsSaidAndLocksNobodyOut(t *testing.T) {
	s := open(t, place(t))
	defer s.Close(0)
	good := s.Judge.World
	s.Judge.World = broken{}
	out := s.Line(context.Background(), request("/", "ls *"))
	s.Judge.World = good
	if !out.Release || !strings.Contains(out.Say, "guardsh failed") {
		t.Fatalf("got %+v, want a release that says that guardsh failed", out)
	}
}

func TestBrokenConfigurationIsSaidAndTheBuiltInRulesHold(t *testing.T) {
	p := place(t)
	etc := filepath.Join(p.Config.Root, p.Config.Etc)
	if err := os.MkdirAll(filepath.Join(etc, "rules.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"config.yaml":      "protected: [/srv/db\n",
		"rules.d/bad.yaml": "id: site/bad\non: [delete]\nverdict: maybe\n",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, p)
	defer s.Close(0)
	said := strings.Join(s.Problem, "\n")
	for _, want := range []string{"config.yaml:", "/etc/guardsh/rules.d/bad.yaml:"} {
		if !strings.Contains(said, want) {
			t.Errorf("the problems do not name %s:\n%s", want, said)
		}
	}
	if out := s.Line(context.Background(), request("/", "rm -rf /usr")); out.Release {
		t.Error("the built-in rules do not hold")
	}
}
