package cast

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

func record(t testing.TB, h Header, do func(r *Recorder)) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "terminal.cast")
	r, err := Create(path, h)
	if err != nil {
		t.Fatal(err)
	}
	do(r)
	if err := r.Close(0); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readAll(t testing.TB, b []byte) []Event {
	t.Helper()
	c, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var all []Event
	for {
		e, err := c.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

func output(events []Event) []byte {
	var b []byte
	for _, e := range events {
		if e.Code == Output {
			b = append(b, e.Data...)
		}
	}
	return b
}

// Every chunking of every sort of bytes comes back exactly, and every line is
// what other players expect.
func TestRoundTrip(t *testing.T) {
	inputs := [][]byte{
		[]byte("plain\r\n"),
		[]byte("\x1b[31mred\x1b[0m \"quoted\\\" \t\b\x00\x07\x7f"),
		[]byte("grüße 漢字 🙂 e\u0301 \u2028\u2029\ufffd"),
		{0xff, 0xfe, 'x', 0xc3, 0x28, 0xe2, 0x82, 0x80},
		[]byte("cut at the end \xf0\x9f\x99"),
		[]byte("\xed\xa0\x80 surrogate, overlong \xc0\xaf"),
		{0x80, 0x80, 0x80, 0x80, 0x80},
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 5000)
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
	inputs = append(inputs, random)
	for i, in := range inputs {
		for _, size := range []int{1, 2, 3, 7, 4096} {
			b := record(t, Header{}, func(r *Recorder) {
				for rest := in; len(rest) > 0; {
					n := min(size, len(rest))
					if _, err := r.Write(rest[:n]); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
			})
			if got := output(readAll(t, b)); !bytes.Equal(got, in) {
				t.Errorf("input %d in chunks of %d:\n got %q\nwant %q", i, size, got, in)
			}
			if !utf8.Valid(b) {
				t.Errorf("input %d: the file is not UTF-8", i)
			}
			var other strings.Builder // as another player sees it
			for _, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")[1:] {
				var e []any
				if err := json.Unmarshal([]byte(line), &e); err != nil || len(e) != 3 {
					t.Fatalf("line %q: %v", line, err)
				}
				if e[1] == "o" {
					other.WriteString(e[2].(string))
				}
			}
			if utf8.Valid(in) && other.String() != string(in) {
				t.Errorf("input %d in chunks of %d: another player shows %q", i, size, other.String())
			}
		}
	}
}

func TestEvents(t *testing.T) {
	var offset int64
	b := record(t, Header{Term: Term{Cols: 100, Rows: 30, Type: "xterm"}, Env: map[string]string{"SHELL": "/bin/bash"}}, func(r *Recorder) {
		r.Write([]byte("$ "))
		r.Resize(90, 20)
		r.Write([]byte("\xc3")) // the first half of a character, then a marker
		offset = r.Offset()
		r.Line(1, `rm "x`)
		r.Write([]byte("ok"))
	})
	c, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if h := c.Header(); h.Version != 3 || h.Term.Cols != 100 || h.Timestamp == 0 {
		t.Errorf("header = %+v", h)
	}
	var got []string
	for _, e := range readAll(t, b) {
		got = append(got, fmt.Sprintf("%c %q", e.Code, e.Data))
		if e.Code == Marker && e.Offset != offset {
			t.Errorf("marker at %d, Offset said %d", e.Offset, offset)
		}
	}
	want := `o "$ ",r "90x20",o "\xc3",m "1 rm \"x",o "ok",x "0"`
	if s := strings.Join(got, ","); s != want {
		t.Errorf("events:\n got %s\nwant %s", s, want)
	}
}

// Intervals add up: what is rounded off one is in the next.
func TestIntervals(t *testing.T) {
	b := record(t, Header{}, func(r *Recorder) {
		for range 1000 {
			r.Write([]byte("x"))
		}
	})
	events := readAll(t, b)
	for i := 1; i < len(events); i++ {
		if events[i].At < events[i-1].At {
			t.Fatalf("event %d goes back", i)
		}
	}
}

func TestConcurrent(t *testing.T) {
	b := record(t, Header{}, func(r *Recorder) {
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 500 {
				r.Write([]byte("output é\r\n"))
			}
		})
		wg.Go(func() {
			for n := range 50 {
				r.Line(n, "x")
				r.Resize(80+n, 24)
				r.Offset()
			}
		})
		wg.Wait()
	})
	if got := len(output(readAll(t, b))); got != 500*len("output é\r\n") {
		t.Errorf("%d bytes of output", got)
	}
}

// A recording whose file is removed goes on in a new one, and says so once.
func TestRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "terminal.cast")
	r, err := Create(path, Header{Term: Term{Cols: 80, Rows: 24}})
	if err != nil {
		t.Fatal(err)
	}
	write := func(s string) {
		t.Helper()
		if _, err := r.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	write("before")
	if err := r.Resize(100, 30); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r.start = r.start.Add(-time.Hour) // the session is an hour old
	if err := r.lookAfter(); err != nil {
		t.Fatal(err)
	}
	if err := r.trouble(); err != ErrRemoved {
		t.Errorf("what is told of it: %v", err)
	}
	if err := r.trouble(); err != nil {
		t.Errorf("told a second time: %v", err)
	}
	write("after")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	events := readAll(t, b)
	if got := output(events); string(got) != "after" {
		t.Errorf("output = %q", got)
	}
	if at := events[0].At; at > time.Minute {
		t.Errorf("the new recording begins %s after the time in its header", at)
	}
	if !strings.Contains(string(b), "# gap: what was recorded before was removed\n") || !strings.Contains(string(b), `"cols":100,"rows":30`) {
		t.Errorf("no gap, or not the size as it was, in %s", b)
	}
	if int64(len(b)) != r.Offset() {
		t.Errorf("offset %d in a file of %d bytes", r.Offset(), len(b))
	}
	// A name that cannot be made again: the session goes on, and it is said.
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := r.lookAfter(); !errors.Is(err, ErrRemoved) {
		t.Errorf("lookAfter = %v", err)
	}
	write("lost")
	if err := r.Close(0); !errors.Is(err, ErrRemoved) {
		t.Errorf("Close = %v", err)
	}
}

// /dev/full stands in for a full disk: the error is said, the session goes on.
func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "terminal.cast")
	r, err := Create(path, Header{})
	if err != nil {
		t.Fatal(err)
	}
	file := r.f
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	r.f = full
	for range 3 {
		if _, err := r.Write([]byte("12345")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Write = %v", err)
		}
	}
	if err := r.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Sync = %v", err)
	}
	r.f = file
	if _, err := r.Write([]byte("again")); err != nil || r.err != nil {
		t.Errorf("Write = %v, then %v", err, r.err)
	}
	if err := r.Close(0); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	if !strings.Contains(string(b), "# gap: 15 bytes of output were not recorded\n") {
		t.Errorf("no gap in %s", b)
	}
	if got := output(readAll(t, b)); string(got) != "again" {
		t.Errorf("output = %q", got)
	}
}

func TestReaderErrors(t *testing.T) {
	const head = `{"version":3,"term":{"cols":80,"rows":24}}` + "\n"
	for _, c := range []struct{ in, want string }{
		{"", "the recording is empty"},
		{"hello\n", "recording's header: not asciicast"},
		{`{"version":1}` + "\n", "asciicast version 1"},
		{head + "[1]\n", "recording, line 2: an event has 3 parts, this one 1"},
		{head + "# fine\n[0.1, \"o\", 5]\n", "recording, line 3: data is not a string"},
		{head + `[-1, "o", "x"]` + "\n", "recording, line 2: not a time: -1"},
		{head + `[1e300, "o", "x"]` + "\n", "not a time: 1e300"},
		{head + `[0, "oo", "x"]` + "\n", "not an event code"},
		{head + `[0, "b", "%%%"]` + "\n", "raw bytes"},
		{head + `[0, "o", "x`, ErrCut.Error()},
		{head + strings.Repeat("x", maxLine+100000), "more than 16777216 bytes"},
	} {
		r, err := NewReader(strings.NewReader(c.in))
		for err == nil {
			_, err = r.Next()
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: error %q, want %q", c.in, err, c.want)
		}
	}
	// asciicast v2 has absolute times.
	v2, err := NewReader(strings.NewReader(`{"version":2,"width":90,"height":20}` + "\n[1.5, \"o\", \"a\"]\n[2.5, \"o\", \"b\"]\n"))
	if err != nil || v2.Header().Term.Cols != 90 {
		t.Fatalf("%+v, %v", v2, err)
	}
	v2.Next()
	if e, err := v2.Next(); err != nil || e.At.Seconds() != 2.5 {
		t.Errorf("second event at %v, %v", e.At, err)
	}
}

func TestNoAllocation(t *testing.T) {
	r, err := Create(filepath.Join(t.TempDir(), "c"), Header{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(0)
	chunk := bytes.Repeat([]byte("drwxr-xr-x 2 root root \x1b[01;34mgrüße\x1b[0m\r\n"), 50)
	r.Write(chunk)
	if n := testing.AllocsPerRun(100, func() { r.Write(chunk) }); n > 0 {
		t.Errorf("%v allocations a chunk", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n[0.1, \"o\", \"x\\u001b\"]\n[0, \"b\", \"/w==\"]\n[0, \"o\", \"?\"]\n# c\n[1,\"m\",\"1 ls\"]\n"))
	f.Add([]byte("{\"version\":2,\"width\":1}\n[3,\"o\",\"x\"]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		last := int64(-1)
		for {
			e, err := r.Next()
			if err != nil {
				return
			}
			if e.Offset <= last || e.At < 0 {
				t.Fatalf("event %+v behind offset %d", e, last)
			}
			last = e.Offset
		}
	})
}

func FuzzRecorder(f *testing.F) {
	f.Add([]byte("a\xffé\xf0\x9f"), 3)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size = max(1, min(size, len(in)))
		r := &Recorder{start: time.Now()}
		var b []byte
		b = append(b, "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n"...)
		for i := 0; i < len(in); i += size {
			b = r.appendOutput(b, in[i:min(i+size, len(in))])
		}
		if got := output(readAll(t, b)); !bytes.Equal(got, in) {
			t.Errorf("%q came back as %q", in, got)
		}
	})
}

// BenchmarkPlain is the floor: the same bytes by plain writes.
func BenchmarkPlain(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	bench(b, f)
}

func BenchmarkRecorder(b *testing.B) {
	r, err := Create(filepath.Join(b.TempDir(), "cast"), Header{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(0)
	bench(b, r)
}

func bench(b *testing.B, w io.Writer) {
	chunk := bytes.Repeat([]byte("-rw-r--r-- 1 root root 1234 Nov 23 12:00 \x1b[01;34msome-file-name\x1b[0m\r\n"), 56)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}
