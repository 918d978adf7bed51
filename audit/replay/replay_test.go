package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "a\r\nb\r\n", "a\nb\n"},
		{"no newline at the end", "a\r\n$ ", "a\n$\n"},
		{"colours and titles", "\x1b]0;title\x07\x1b[01;32mann\x1b[0m$ ls\x1b[K\r\n", "ann$ ls\n"},
		{"a title that ends in ST", "\x1b]2;x\x1b\\y\r\n", "y\n"},
		{"backspace", "$ lx\b\x1b[Ks\r\n", "$ ls\n"},
		{"insert and delete", "$ s -l\x1b[4D\x1b[1@l\r\n$ lls\x1b[3D\x1b[P\r\n", "$ ls -l\n$ ls\n"},
		{"progress", "10%\r50%\r100%\r\n", "100%\n"},
		{"erase the line", "old text\r\x1b[2Knew\r\n", "new\n"},
		{"a full-screen program", "$ vim\r\n\x1b[?1049h\x1b[2J\x1b[Htext\r\nmore\x1b[?1049l$ \r\n", "$ vim\n[full-screen program]\n$\n"},
		{"clear", "a\x1b[H\x1b[2Jb\r\n", "a\nb\n"},
		{"tabs", "a\tb\r\n", "a       b\n"},
		{"wide characters", "漢字 é\r\n", "漢字 é\n"},
		{"bytes that are not UTF-8", "\xff\xfe\r\n", "\uFFFD\uFFFD\n"},
		{"bell and other controls", "a\a\x00\x0e\x0fb\x7f\r\n", "ab\n"},
		{"C1 controls", "a\u009b31mb\r\n", "a31mb\n"},
		{"charset", "\x1b(Bx\x1b=\r\n", "x\n"},
		{"a cursor sent far away", "\x1b[99999999Cx\r\n", "\n"},
		{"a broken sequence", "\x1b[31\nb\r\n", "\nb\n"},
	} {
		for _, size := range []int{1, 3, 1000} {
			var b bytes.Buffer
			text := newText(&b)
			for i := 0; i < len(c.in); i += size {
				text.Write([]byte(c.in[i:min(i+size, len(c.in))]))
			}
			text.Close()
			if b.String() != c.want {
				t.Errorf("%s, in chunks of %d: %q, want %q", c.name, size, b.String(), c.want)
			}
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("\x1b[3@\x1b[5P\x1b]0;x\x07\r\n\t\xff"), 2)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size = max(1, min(size, len(in)))
		var b bytes.Buffer
		text := newText(&b)
		for i := 0; i < len(in); i += size {
			text.Write(in[i:min(i+size, len(in))])
		}
		text.Close()
		for _, r := range b.String() {
			if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0) {
				t.Fatalf("%q came through from %q", r, in)
			}
		}
	})
}

const sample = `{"version":3,"term":{"cols":80,"rows":24},"timestamp":1700000000}
[0.5, "o", "$ ls\r\n"]
[0, "m", "1 ls"]
[1, "o", "a b\r\n$ rm\r\n"]
[0, "m", "2 rm lib"]
[10, "o", "refused\r\n$ id\r\n"]
[0, "m", "3 id"]
[0.1, "b", "/w=="]
[0, "o", "\ufffd"]
[0.4, "o", "root\r\n"]
[0, "x", "0"]
`

func load(t *testing.T, text string, lines ...Mark) *Recording {
	t.Helper()
	path := filepath.Join(t.TempDir(), "terminal.cast")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Load(path, lines)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// offset is where the sample's line with this text starts.
func offset(text string) int64 {
	i := strings.Index(sample, text)
	return int64(strings.LastIndexByte(sample[:i], '\n') + 1)
}

func TestLoad(t *testing.T) {
	r := load(t, sample, Mark{Line: 2, Text: "rm lib", Offset: offset("2 rm lib"), Refused: true})
	got := fmt.Sprint(r.Length, r.Cut)
	for _, m := range r.Marks {
		got += fmt.Sprintf(" %d:%s:%v:%v", m.Line, m.Text, m.At, m.Refused)
	}
	if want := "12s false 1:ls:500ms:false 2:rm lib:1.5s:true 3:id:11.5s:false"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if r := load(t, sample[:len(sample)-3]); !r.Cut || r.Length != 12*time.Second {
		t.Errorf("cut = %v, length = %v", r.Cut, r.Length)
	}
}

func TestWrite(t *testing.T) {
	r := load(t, sample)
	for _, c := range []struct {
		format string
		line   int
		want   string
	}{
		{"text", 0, "$ ls\na b\n$ rm\nrefused\n$ id\n\uFFFDroot\n"},
		{"text", 3, "\uFFFDroot\n"},
		{"raw", 3, "\xffroot\r\n"},
		{"asciicast-v2", 3, `{"version":2,"width":80,"height":24,"timestamp":1700000000}` + "\n[0.000000, \"m\", \"3 id\"]\n[0.100000, \"o\", \"\uFFFD\"]\n[0.500000, \"o\", \"root\\r\\n\"]\n"},
	} {
		var b bytes.Buffer
		if err := r.Write(&b, c.format, c.line); err != nil || b.String() != c.want {
			t.Errorf("%s from line %d: %v\n got %q\nwant %q", c.format, c.line, err, b.String(), c.want)
		}
	}
	var b bytes.Buffer
	if err := r.Write(&b, "asciicast-v2", 0); err != nil {
		t.Fatal(err)
	}
	var last []any
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last[0].(float64) != 12 {
		t.Errorf("v2's last event %q, %v", lines[len(lines)-1], err)
	}
	if again := load(t, b.String()); again.Length != r.Length || len(again.Marks) != 3 {
		t.Errorf("read again: %+v", again)
	}
	if err := r.Write(&b, "gif", 0); err == nil {
		t.Error("unknown format was taken")
	}
	if err := r.Write(&b, "text", 9); err == nil || !strings.Contains(err.Error(), "no line 9") {
		t.Errorf("unknown line: %v", err)
	}
}

// play runs a player whose clock does not wait, and presses keys at moments:
// before the n-th wait.
func play(t *testing.T, r *Recording, o Options, press map[int][]key) (out string, waits []time.Duration) {
	t.Helper()
	var b bytes.Buffer
	p, err := r.player(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	keys := make(chan key, 16)
	p.keys = keys
	p.after = func(d time.Duration) <-chan time.Time {
		waits = append(waits, d)
		if ks := press[len(waits)]; len(ks) > 0 {
			for _, k := range ks {
				keys <- k
			}
			return make(chan time.Time) // never due: the keys come first
		}
		if len(keys) > 0 {
			return make(chan time.Time)
		}
		due := make(chan time.Time, 1)
		due <- time.Time{}
		return due
	}
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	return b.String(), waits
}

func TestPlay(t *testing.T) {
	refused := Mark{Line: 2, Text: "rm lib", Offset: offset("2 rm lib"), Refused: true}
	r := load(t, sample, refused)
	all := "$ ls\r\na b\r\n$ rm\r\nrefused\r\n$ id\r\n\xffroot\r\n"

	out, waits := play(t, r, Options{Speed: 2, Idle: 3 * time.Second}, nil)
	if out != all {
		t.Errorf("output %q", out)
	}
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	if want := 2500 * time.Millisecond; sum < want-10*time.Millisecond || sum > want+10*time.Millisecond { // (0.5+1+3+0.1+0.4)/2
		t.Errorf("waited %v, want %v", sum, want)
	}
	if out, _ := play(t, r, Options{Line: 3}, nil); out != all {
		t.Errorf("from line 3: %q", out)
	}
	for _, c := range []struct {
		name string
		keys map[int][]key
		want string
	}{
		{"quit", map[int][]key{2: {keyQuit}}, "$ ls\r\n"},
		{"pause, go on", map[int][]key{2: {keyPause, keyPause}}, all},
		{"pause, quit", map[int][]key{2: {keyPause, keyFaster, keyQuit}}, "$ ls\r\n"},
		{"next command, quit", map[int][]key{1: {keyNext, keyNext, keyQuit}}, "$ ls\r\na b\r\n$ rm\r\n"},
		{"refusal, quit", map[int][]key{1: {keyRefusal, keyQuit}}, "$ ls\r\na b\r\n$ rm\r\n"},
		{"forward, quit", map[int][]key{1: {keyForward, keyQuit}}, "$ ls\r\na b\r\n$ rm\r\n"},
		{"back to the start", map[int][]key{4: {keyForward, keyBack, keyBack, keyQuit}}, "$ ls\r\na b\r\n$ rm\r\n\x1bc$ ls\r\na b\r\n$ rm\r\n\x1bc"},
		{"previous command", map[int][]key{1: {keyNext, keyNext, keyNext, keyPrevious, keyQuit}}, "$ ls\r\na b\r\n$ rm\r\nrefused\r\n$ id\r\n\x1bc$ ls\r\na b\r\n$ rm\r\n"},
	} {
		if out, _ := play(t, r, Options{}, c.keys); out != c.want {
			t.Errorf("%s: %q, want %q", c.name, out, c.want)
		}
	}
}

func TestParseKeys(t *testing.T) {
	if got := fmt.Sprint(parseKeys([]byte(" q\x1b[C\x1b[?1;2cx\x1b[24;80Rn\x1b"))); got != fmt.Sprint([]key{keyPause, keyQuit, keyForward, keyNext}) {
		t.Errorf("keys = %v", got)
	}
}

// The terminal is as before when playing ends: by itself, by a key, by a
// signal, and by a recording that is broken in the middle.
func TestTerminalRestored(t *testing.T) {
	long := strings.Replace(sample, "[10,", "[1000,", 1)
	for _, c := range []struct {
		name, text string
		end        func(master *os.File)
		fails      bool
	}{
		{"by itself", sample, func(*os.File) {}, false},
		{"by q", long, func(m *os.File) { m.WriteString("q") }, false},
		{"by ^C", long, func(m *os.File) { m.WriteString("\x03") }, false},
		{"by SIGTERM", long, func(*os.File) { syscall.Kill(os.Getpid(), syscall.SIGTERM) }, false},
		{"by a broken recording", strings.Replace(sample, `[10, "o"`, `[1, "o", 1, "o"`, 1), func(*os.File) {}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			master, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			defer tty.Close()
			before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "c")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := &Recording{path: path}
			done := make(chan error, 1)
			go func() { done <- r.Play(tty, tty, Options{Speed: 64}) }()
			seen := make(chan string, 1)
			reached := make(chan struct{})
			go func() { // the other end of the terminal
				var all []byte
				told := false
				buf := make([]byte, 4096)
				for !bytes.Contains(all, []byte(restoreScreen)) {
					n, err := master.Read(buf)
					if err != nil {
						break
					}
					all = append(all, buf[:n]...)
					if !told && bytes.Contains(all, []byte("rm\r\n")) {
						close(reached)
						told = true
					}
				}
				seen <- string(all)
			}()
			select {
			case <-reached:
			case <-time.After(20 * time.Second):
				t.Fatal("it does not play")
			}
			if raw, _ := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); !c.fails && c.text == long && raw.Lflag&unix.ICANON != 0 {
				t.Error("the terminal is not raw while playing")
			}
			c.end(master)
			select {
			case err := <-done:
				if (err != nil) != c.fails {
					t.Errorf("Play = %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it does not end")
			}
			select {
			case <-seen:
			case <-time.After(20 * time.Second):
				t.Error("the screen was not restored")
			}
			after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("terminal's modes: %+v, were %+v (%v)", after, before, err)
			}
		})
	}
	if term.IsTerminal(-1) {
		t.Error("no descriptor is a terminal")
	}
}
