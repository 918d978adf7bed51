package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// rehash makes an event's hash anew, as a forger would.
func rehash(t *testing.T, line []byte, change func(e *Event)) []byte {
	t.Helper()
	e, err := decode(line)
	if err != nil {
		t.Fatal(err)
	}
	change(e)
	out, err := encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(out, []byte("\n"))
}

func at(lines [][]byte, i int) *Event {
	e, err := decode(lines[i])
	if err != nil {
		panic(err)
	}
	return e
}

// forge makes all hashes from event i on anew.
func forge(t *testing.T, lines [][]byte, i int) [][]byte {
	for ; i < len(lines); i++ {
		lines[i] = rehash(t, lines[i], func(e *Event) {
			e.Seq = int64(i + 1)
			e.Prev = zeroHash
			if i > 0 {
				e.Prev = at(lines, i-1).Hash
			}
		})
	}
	return lines
}

func TestTamper(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, l [][]byte) [][]byte
		want   string // what one of the problems says
	}{
		{"edit", func(t *testing.T, l [][]byte) [][]byte {
			l[3] = bytes.Replace(l[3], []byte("line two"), []byte("line 2wo"), 1)
			return l
		}, `event 4 (line "line 2wo"): edited: it does not match its own hash`},
		{"edit with a new hash", func(t *testing.T, l [][]byte) [][]byte {
			l[3] = rehash(t, l[3], func(e *Event) { e.Text = "innocent" })
			return l
		}, `event 4 (line "innocent"): edited: event 5 was written behind another one`},
		{"edit with all hashes new", func(t *testing.T, l [][]byte) [][]byte {
			l[3] = rehash(t, l[3], func(e *Event) { e.Text = "innocent" })
			return forge(t, l, 4)
		}, `events 1 to 8: rewritten: the events fit together, but they are not those that were signed at`},
		{"drop", func(t *testing.T, l [][]byte) [][]byte { return slices.Delete(l, 3, 4) },
			`event 4: dropped`},
		{"drop three", func(t *testing.T, l [][]byte) [][]byte { return slices.Delete(l, 2, 5) },
			`events 3 to 5: dropped`},
		{"drop the first", func(t *testing.T, l [][]byte) [][]byte { return l[1:] },
			`event 1: dropped`},
		{"insert a copy", func(t *testing.T, l [][]byte) [][]byte { return slices.Insert(l, 6, bytes.Clone(l[3])) },
			`event 4 (line "line two"): inserted`},
		{"insert in the chain", func(t *testing.T, l [][]byte) [][]byte {
			x := rehash(t, l[3], func(e *Event) { e.Seq, e.Prev, e.Text = 6, at(l, 4).Hash, "forged" })
			return slices.Insert(l, 5, x)
		}, `event 6 (line "line three"): inserted: there are two events of this number`},
		{"insert with another past", func(t *testing.T, l [][]byte) [][]byte {
			x := rehash(t, l[3], func(e *Event) { e.Seq, e.Text = 6, "forged" })
			return slices.Insert(l, 5, x)
		}, `event 6 (line "forged"): inserted`},
		{"swap", func(t *testing.T, l [][]byte) [][]byte { l[3], l[4] = l[4], l[3]; return l },
			`event 4 (line "line two"): reordered`},
		{"move to the end", func(t *testing.T, l [][]byte) [][]byte {
			return append(slices.Delete(slices.Clone(l), 3, 4), l[3])
		}, `event 4 (line "line two"): reordered`},
		{"cut", func(t *testing.T, l [][]byte) [][]byte { return l[:5] },
			`events 6 to 8: cut tail`},
		{"cut the last", func(t *testing.T, l [][]byte) [][]byte { return l[:7] },
			`event 8: cut tail`},
		{"empty", func(t *testing.T, l [][]byte) [][]byte { return nil },
			`events 1 to 8: cut tail`},
		{"go on behind the end", func(t *testing.T, l [][]byte) [][]byte {
			return forge(t, append(l, bytes.Clone(l[3])), 8)
		}, `event 9: inserted: written behind the session's final head`},
		{"garbage", func(t *testing.T, l [][]byte) [][]byte { l[4] = []byte("\x1b[2J"); return l },
			`event 5: damaged: line 5 of the file: not an event`},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			j := trail(t, root, "line one", "line two", "line three")
			path := filepath.Join(j.dir, EventsName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
			lines = c.change(t, lines)
			b = append(bytes.Join(lines, []byte("\n")), '\n')
			if len(lines) == 0 {
				b = nil
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			problems, _, err := Verify(root)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, p := range problems {
				all = append(all, p.String())
			}
			text := strings.Join(all, "\n")
			if !strings.Contains(text, c.want) {
				t.Errorf("problems:\n%s\nwant: %s", text, c.want)
			}
			if strings.ContainsRune(text, 0x1b) {
				t.Errorf("a control byte came through: %q", text)
			}
			if len(problems) > 2 {
				t.Errorf("one change, %d problems:\n%s", len(problems), text)
			}
		})
	}
}

// Every byte of every file of a trail, flipped, is a problem; in the events it
// is named with the number of its event.
func TestFlipEveryByte(t *testing.T) {
	root := t.TempDir()
	j := trail(t, root, "rm lib")
	name := filepath.Base(j.dir)
	for _, file := range []string{name + "/" + EventsName, name + "/" + HeadsName, HostLog + "/" + EventsName, HostLog + "/" + HeadsName} {
		path := filepath.Join(root, file)
		keep, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seq := int64(1)
		for i := range keep {
			b := bytes.Clone(keep)
			b[i] ^= 0x01
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			problems, _, err := Verify(root)
			if err != nil {
				t.Fatalf("%s, byte %d: %v", file, i, err)
			}
			if len(problems) == 0 && !harmless(file, keep, i) {
				t.Errorf("%s, byte %d (%q → %q): no problem found", file, i, keep[i], b[i])
			}
			if file == name+"/"+EventsName {
				if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Seq <= seq && seq <= max(p.Seq, p.To) }) {
					t.Errorf("%s, byte %d: event %d is not named: %v", file, i, seq, problems)
				}
				if keep[i] == '\n' {
					seq++
				}
			}
		}
		if err := os.WriteFile(path, keep, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good(t, root)
}

// harmless is the last newline of a heads file: the head before it still counts.
func harmless(file string, b []byte, i int) bool {
	return strings.HasSuffix(file, HeadsName) && i == len(b)-1
}

func TestMissingSession(t *testing.T) {
	root := t.TempDir()
	trail(t, root, "one")
	j := trail(t, root, "two")
	if err := os.RemoveAll(j.dir); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, root, filepath.Base(j.dir)+": missing session: started ")
	if err := os.RemoveAll(filepath.Join(root, HostLog)); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, root, "host: missing session: the host log is gone")
}

func TestUnlisted(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	trail(t, root, "one")
	j := trail(t, other, "two")
	if err := os.Rename(j.dir, filepath.Join(root, filepath.Base(j.dir))); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, root, "unlisted: the host log does not know this journal")
	wantProblem(t, root, "signed by a key that is not this trail's")
}

// A forger with the whole trail and a new key: found by whoever kept the old
// verifier key, and only by them.
func TestResigned(t *testing.T) {
	root := t.TempDir()
	trail(t, root, "one")
	key, err := os.ReadFile(filepath.Join(root, keyPubName))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Verify(root, "nonsense"); err == nil {
		t.Error("a key that is none was taken")
	}
	forged := t.TempDir()
	trail(t, forged, "innocent")
	good(t, forged)
	problems, _, err := Verify(forged, string(key))
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) == 0 || problems[0].Fault != BadHead {
		t.Errorf("problems = %v", problems)
	}
}

// Heads and tail removed together: the host log still knows.
func TestHeadsGone(t *testing.T) {
	root := t.TempDir()
	j := trail(t, root, "one", "two")
	if err := os.Remove(filepath.Join(j.dir, HeadsName)); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, root, "no signed head: its heads are gone")
	path := filepath.Join(j.dir, EventsName)
	b, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(b, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(lines[:3], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, root, "events 4 to 6: cut tail: the host log's final head covers 6 events")
}

func wantProblem(t *testing.T, root, want string) {
	t.Helper()
	problems, _, err := Verify(root)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.String(), want) }) {
		t.Errorf("problems %v, want %q", problems, want)
	}
}

// The tree's frontier names the same root as the tlog package.
func TestTree(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(idx))
		for i, x := range idx {
			out[i] = stored[x]
		}
		return out, nil
	})
	tr := &tree{}
	for n := range int64(200) {
		data := fmt.Appendf(nil, "event %d", n)
		hashes, err := tlog.StoredHashes(n, data, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		tr.add([][]byte{append(data, '\n')}, 0)
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		if tr.root() != want || tr.size != n+1 {
			t.Fatalf("size %d: root %v, want %v", tr.size, tr.root(), want)
		}
	}
}

func FuzzEvents(f *testing.F) {
	root := f.TempDir()
	j, _ := Open(root, SessionInfo{User: "ann"})
	j.Append(Event{Kind: LineRead, Line: 1, Text: "ls"})
	j.Close(0, "")
	b, err := os.ReadFile(filepath.Join(j.dir, EventsName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(bytes.Repeat([]byte("{}\n"), 3))
	f.Add([]byte(`{"v":1,"seq":9223372036854775807,"prev":"","hash":"`))
	dir := filepath.Join(root, "fuzz")
	os.Mkdir(dir, 0o700)
	f.Fuzz(func(t *testing.T, b []byte) {
		events, _ := readEvents(bytes.NewReader(b))
		for _, e := range events {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("read, but cannot be written: %v", err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, EventsName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, HeadsName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		problems, _, err := Verify(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			for _, r := range p.String() {
				if r < ' ' || r == 0x7f {
					t.Fatalf("a control byte came through: %q", p.String())
				}
			}
		}
		readSessions(dir)
	})
}

// A trail that is being written is not taken for a bad one.
func TestVerifyWhileWriting(t *testing.T) {
	root := t.TempDir()
	stop, done := make(chan struct{}), make(chan error, 1)
	// Each look takes as long as the trail is: it must not grow as fast as that.
	more := make(chan struct{}, 10)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			case <-more:
			}
			for _, shared := range []bool{false, true} {
				j, err := Open(root, SessionInfo{User: "ann", Shared: shared})
				if err == nil {
					err = j.Append(Event{Kind: LineRead, Line: 1, Text: "x"})
				}
				if err == nil {
					err = j.Close(0, "")
				}
				if err != nil {
					done <- err
					return
				}
			}
		}
	}()
	for n := 0; n < 20; {
		for len(more) < cap(more) {
			more <- struct{}{}
		}
		problems, sum, err := Verify(root)
		if err == nil && sum.Events > 2 {
			n++
		}
		if len(problems) > 0 {
			t.Errorf("problems: %v", problems)
			break
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	good(t, root)
}
