package host

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
	"guardsh/rules/word"
)

func TestCrontab(t *testing.T) {
	root := aRoot(t)
	spool := filepath.Join(root, "var/spool/cron/crontabs")
	if err := os.MkdirAll(spool, 0o755); err != nil {
		t.Fatal(err)
	}
	const tab = "# m h dom\nMAILTO=ann\nPATH = /bin\n\n*/5 * * * * mirror X=1\n@daily backup\n 0 3 * * 1 x\n"
	if err := os.WriteFile(filepath.Join(spool, "ann"), []byte(tab), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"new": "0 0 * * * one\n", "empty": "# nothing\n"} {
		if err := os.WriteFile(filepath.Join(root, "tmp", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := world(t, root)
	source := func(name string) *effect.Object { return &effect.Object{Type: effect.Path, Name: name} }
	tests := []struct {
		name  string
		attr  string
		src   *effect.Object
		stdin command.Input
		want  int
		text  []string // that the line itself puts in
	}{
		{"removed", "delete", nil, command.Input{}, 0, nil},
		{"empty", "empty", source("-"), command.Input{}, 0, nil},
		{"by a file", "replace", source("/tmp/new"), command.Input{}, 1, nil},
		{"by a file without jobs", "replace", source("/tmp/empty"), command.Input{}, 0, nil},
		{"by /dev/null", "replace", source("/dev/null"), command.Input{}, 0, nil},
		{"by a file that is not there", "replace", source("/tmp/none"), command.Input{}, -1, nil},
		{"by a text", "replace", source("-"), command.Input{Kind: command.InputText, Word: word.Lit(tab)}, 3, nil},
		{"by a pipe", "replace", source("-"), command.Input{Kind: command.InputPipe}, -1, nil},
		{"by input from /dev/null", "replace", source("-"), command.Input{Kind: command.InputFile, Word: word.Lit("/dev/null")}, 0, nil},
		{"by a pipe from echo", "replace", source("-"), command.Input{Kind: command.InputPipe}, 1, []string{"0 4 * * * two\n"}},
		{"edited", "edit", nil, command.Input{}, -1, nil},
	}
	for _, tt := range tests {
		e := effect.Effect{Kind: effect.ScheduleChange, Object: effect.Object{Type: effect.Crontab, Name: "ann"}, Source: tt.src, Attrs: map[string]bool{tt.attr: true}, Params: map[string][]string{"text": tt.text}}
		line := &command.Line{Actions: []command.Action{{Stdin: tt.stdin}}}
		c := w.Facts(line, []effect.Effect{e}).Of(e.Object).Crontab
		if c.User != "ann" || len(c.Jobs) != 3 || c.NewJobs != tt.want {
			t.Errorf("%s: %+v, want %d new jobs", tt.name, c, tt.want)
		}
	}
}

func TestSession(t *testing.T) {
	w := New(Options{Env: []string{"SSH_CONNECTION=10.0.0.7 50000 127.0.0.1 22"}, Labels: []string{"production"}, Notes: map[string]string{"nova-compute": "it evacuates"}})
	defer w.Close()
	e := effect.Effect{Kind: effect.Restart, Object: effect.Object{Type: effect.Service, Name: "networking"}}
	n := effect.Effect{Kind: effect.Restart, Object: effect.Object{Type: effect.Service, Name: "nova-compute"}}
	f := w.Facts(nil, []effect.Effect{e, n})
	if s := f.Session; !s.SSH || s.Peer != "10.0.0.7" || s.Address != "127.0.0.1" || s.Interface != "lo" {
		t.Errorf("session: %+v", s)
	}
	if !f.Of(e.Object).Service.Carries || f.Of(n.Object).Service.Carries || f.Of(n.Object).Service.Note != "it evacuates" {
		t.Errorf("services: %+v %+v", f.Of(e.Object).Service, f.Of(n.Object).Service)
	}
	if f.Host.Name == "" || !slices.Equal(f.Host.Labels, []string{"production"}) {
		t.Errorf("host: %+v", f.Host)
	}
}

func TestLoaderGone(t *testing.T) {
	t.Parallel()
	sh, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	interp, err := interpreter("/bin/sh")
	if err != nil || interp == "" {
		t.Fatalf("the shell here is not a dynamic program: %q, %v", interp, err)
	}
	root := tree(t, "bin/", interp[1:])
	if err := os.WriteFile(filepath.Join(root, "bin/sh"), sh, 0o755); err != nil {
		t.Fatal(err)
	}
	w := world(t, root)
	gone := func() bool { return w.Facts(&command.Line{Ends: true}, nil).Session.LoaderGone }
	time.Sleep(settled) // for the files to be old enough to be remembered: their ctime is nobody's to set
	for range 2 {
		if gone() {
			t.Error("the loader is there")
		}
	}
	if len(w.loader.marks) < 2 {
		t.Errorf("it is remembered by %d marks", len(w.loader.marks))
	}
	if err := os.Remove(filepath.Join(root, interp)); err != nil {
		t.Fatal(err)
	}
	if !gone() {
		t.Error("the loader is gone")
	}
	if err := os.RemoveAll(filepath.Join(root, "bin")); err != nil {
		t.Fatal(err)
	}
	if !gone() {
		t.Error("the shell and the loader are gone")
	}
}

func TestUtmp(t *testing.T) {
	b := make([]byte, 2*utmpSize())
	binary.NativeEndian.PutUint16(b, utmpUserProcess)
	copy(b[utmpLine:], "pts/1")
	copy(b[utmpUser:], "ann")
	copy(b[utmpHost:], "10.0.0.7")
	if got := parseUtmp(b); len(got) != 1 || got[0] != [3]string{"ann", "pts/1", "10.0.0.7"} {
		t.Errorf("%q", got)
	}
	if got := parseUtmp(b[:100]); got != nil {
		t.Errorf("a cut record: %q", got)
	}
}

// Where nobody else stands in utmp, systemd-logind's records are read: not its
// FIFOs, which have no end, and not the one of this session.
func TestLogins(t *testing.T) {
	root := tree(t, "run/systemd/sessions/")
	dir := filepath.Join(root, "run/systemd/sessions")
	want := []string{"ann on pts/1 from 10.0.0.7"}
	own, err := os.ReadFile("/proc/self/sessionid")
	if err != nil { // a kernel without audit: nobody can say which session is this one's
		own, want = []byte("4"), append(want, "root on ttyS0")
	}
	for name, record := range map[string]string{
		"3":  "USER=ann\nSTATE=active\nCLASS=user\nTTY=pts/1\nREMOTE_HOST=10.0.0.7\nAUDIT=3\n",
		"4":  "USER=root\nSTATE=active\nCLASS=user\nTTY=ttyS0\nAUDIT=" + string(own) + "\n",
		"5":  "USER=bob\nSTATE=closing\nCLASS=user\nAUDIT=5\n",
		"c1": "USER=gdm\nSTATE=active\nCLASS=greeter\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(record), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(filepath.Join(dir, name+".ref"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, got := world(t, root), make(chan []string, 1)
	go func() { got <- w.logins() }()
	select {
	case list := <-got:
		if !slices.Equal(list, want) {
			t.Errorf("logged in are %q, want %q", list, want)
		}
	case <-time.After(10 * time.Second):
		t.Error("no answer: a FIFO is being read")
	}
}

// A file that another process has open is held; one that nobody has is not.
func TestHeldFile(t *testing.T) {
	dir := tree(t, "db", "free")
	r, wr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer wr.Close()
	f, err := os.OpenFile(filepath.Join(dir, "db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// A child that has it open, and ends with its input.
	p, err := os.StartProcess("/bin/cat", []string{"cat"}, &os.ProcAttr{Files: []*os.File{r, os.Stderr, os.Stderr, f}})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	r.Close()
	w := New(Options{})
	defer w.Close()
	held, free := on(effect.Overwrite, filepath.Join(dir, "db")), on(effect.Truncate, filepath.Join(dir, "free"))
	facts := w.Facts(nil, []effect.Effect{held, free})
	if h := facts.Of(held.Object).Path.HeldBy; !slices.ContainsFunc(h, func(h rules.Holder) bool { return h.PID == p.Pid }) {
		t.Errorf("held by %+v", h)
	}
	if h := facts.Of(free.Object).Path.HeldBy; len(h) != 0 {
		t.Errorf("nobody has it open, but %+v", h)
	}
	wr.Close()
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestLookPathAndFiles(t *testing.T) {
	root := aRoot(t)
	if err := os.Chmod(filepath.Join(root, "usr/bin/ls"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := world(t, root)
	for _, tt := range []struct{ name, path, want string }{
		{"ls", "/nowhere:/bin:/usr/bin", "/bin/ls"}, {"bash", "/bin", ""}, {"x86_64-linux-gnu", "/lib", ""}, {"/bin/ls", "", "/bin/ls"}, {"ls", ".:/bin", ""},
	} {
		got, err := w.LookPath(tt.name, tt.path)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s in %s: %q, %v", tt.name, tt.path, got, err)
		}
	}
	if b, err := w.ReadFile("/home/ann/data/1", 5); err != nil || string(b) != "srv/d" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := w.ReadFile("/etc", 5); err == nil {
		t.Error("a directory was read")
	}
	names, err := w.Glob("/home/ann", "*/*", command.GlobOptions{})
	if err != nil || !slices.Contains(names, "data/1") || !slices.Contains(names, "lib/x86_64-linux-gnu") {
		t.Errorf("%q, %v", names, err)
	}
	if h, err := w.Home(""); err != nil || h != "/root" {
		t.Errorf("home %q, %v", h, err)
	}
}

func TestConnected(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:0801 00000000:0000 0A 00000000:00000000
   1: 0109090A:0801 0209090A:D431 01 00000000:00000000
   2: 0209090A:D431 0109090A:0801 01 00000000:00000000
   3: 0109090A:0801 0309090A:03E7 06 00000000:00000000
   short
`
	got := connected([]byte(table), nfsPort)
	if len(got) != 1 || got[0] != "0209090A" {
		t.Errorf("connected: %q", got)
	}
}
