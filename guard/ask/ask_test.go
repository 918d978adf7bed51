package ask

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"guardsh/rules"
)

func TestMain(m *testing.M) {
	if quiet != time.Second {
		panic("an answer must not count before a second of silence")
	}
	quiet = 150 * time.Millisecond
	os.Exit(m.Run())
}

// person sits at the outer side of a terminal.
type person struct {
	t      *testing.T
	master *os.File
	tty    *os.File
	mu     sync.Mutex
	seen   bytes.Buffer
	more   chan struct{}
}

func sit(t *testing.T, cols int) *person {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: uint16(cols)}); err != nil {
		t.Fatal(err)
	}
	// Every call of package pty that asks the terminal something leaves it
	// blocking, and a blocked Read keeps a closed terminal open: no hang-up.
	if err := unix.SetNonblock(int(master.Fd()), true); err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, master: master, tty: tty, more: make(chan struct{}, 1)}
	t.Cleanup(func() { master.Close(); tty.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.mu.Unlock()
			select {
			case p.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *person) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// waitFor waits until the screen has shown something so many times.
func (p *person) waitFor(words string, times int) {
	p.t.Helper()
	limit := time.After(10 * time.Second)
	for strings.Count(p.text(), words) < times {
		select {
		case <-p.more:
		case <-limit:
			p.t.Errorf("never saw %q; the screen:\n%q", words, p.text())
			return
		}
	}
}

func (p *person) types(s string) {
	p.t.Helper()
	if _, err := p.master.WriteString(s); err != nil {
		p.t.Error(err)
	}
}

func crontabQuestion() Question {
	return Question{
		Line: "crontab -r", User: "ann", Undo: "full: guardsh undo puts the crontab back",
		Decision: rules.Decision{Verdict: rules.Confirm, Findings: []rules.Finding{{
			Rule: "cron/remove", Verdict: rules.Confirm, Effect: "schedule-change", Object: "crontab of ann",
			Summary: "removes the crontab of ann, 3 jobs", Details: []string{"*/5 * * * * /usr/local/bin/mirror", "0 3 * * * backup"},
			Why: "r lies beside e on the keyboard. Without a copy the jobs are gone for good.", Hint: "crontab -e edits the jobs", Snapshot: "crontab",
		}}},
	}
}

func TestConfirm(t *testing.T) {
	const prompt = "run it? [y/N, e explains]"
	tests := []struct {
		name   string
		ahead  string // typed before the question
		early  string // typed as soon as it shows
		answer func(p *person)
		yes    bool
		how    How
		again  string // typed until it counts: within a quiet second of other keys it does not
	}{
		{"y", "", "", func(p *person) { p.types("y\r") }, true, Typed, ""},
		{"yes in capitals", "", "", func(p *person) { p.types("Y"); p.types("ES\r") }, true, Typed, ""},
		{"corrected", "", "", func(p *person) { p.types("n\x7fy\r") }, true, Typed, ""},
		{"n", "", "", func(p *person) { p.types("n\r") }, false, Typed, ""},
		{"enter", "", "", func(p *person) { p.types("\r") }, false, ByDefault, ""},
		{"interrupt", "", "", func(p *person) { p.types("\x03") }, false, Interrupted, ""},
		{"interrupt after y", "", "", func(p *person) { p.types("y\x03") }, false, Interrupted, ""},
		{"end", "", "", func(p *person) { p.types("\x04") }, false, EndOfInput, ""},
		{"y and end", "", "", func(p *person) { p.types("y\x04") }, false, EndOfInput, ""},
		{"typed ahead", "y\r", "", func(p *person) { p.types("n\r") }, false, Typed, ""},
		{"pasted as it shows", "", "y\ry\r", func(p *person) {}, false, ByDefault, "\r"},
		{"interrupt while it waits", "", "\x03", func(p *person) {}, false, Interrupted, ""},
		{"pasted later", "", "", func(p *person) { p.types("y\rrm -rf x\r") }, false, Typed, "n\r"},
		{"garbage", "", "", func(p *person) {
			for i := range maxTries {
				p.types("what\r")
				if i < maxTries-1 {
					p.waitFor(prompt, i+2)
				}
			}
		}, false, ByDefault, ""},
		{"cursor keys", "", "", func(p *person) { p.types("\x1b[A\x1bOB") }, false, Typed, "n\r"},
		{"bytes that are no text", "", "", func(p *person) { p.types("\xff\xfe\r"); p.waitFor(prompt, 2); p.types("y\r") }, true, Typed, ""},
		{"explain", "", "", func(p *person) { p.types("e\r"); p.waitFor(prompt, 2); p.types("y\r") }, true, Typed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t, 80)
			before, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			p.types(tt.ahead)
			done := make(chan Answer, 1)
			go func() {
				a, err := Confirm(context.Background(), Terminal{p.tty, p.tty}, crontabQuestion())
				if err != nil {
					t.Error(err)
				}
				done <- a
			}()
			p.waitFor("undo:", 1)
			p.types(tt.early)
			if tt.how != Interrupted || tt.early == "" {
				p.waitFor(prompt, 1)
			}
			tt.answer(p)
			if a := p.answer(done, tt.again); a.Yes != tt.yes || a.How != tt.how || a.User != "ann" || a.Terminal != p.tty.Name() || a.Took <= 0 {
				t.Errorf("answer is %+v, want yes=%v, %s\n%q", a, tt.yes, tt.how, p.text())
			}
			after, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("the terminal is not as it was: %v", err)
			}
			if !tt.yes {
				p.waitFor("\nguardsh: not run", 1)
			}
			if strings.Contains(p.text(), "\x1b[6n") {
				t.Error("the terminal was asked where its cursor is")
			}
			if tt.name == "explain" && !strings.Contains(p.text(), "gone for good") {
				t.Errorf("no full reason:\n%s", p.text())
			}
		})
	}
}

// answer waits for the answer, and types keys until it comes.
func (p *person) answer(done <-chan Answer, keys string) Answer {
	p.t.Helper()
	again := time.NewTicker(2 * quiet)
	defer again.Stop()
	limit := time.After(15 * time.Second)
	for {
		select {
		case a := <-done:
			return a
		case <-again.C:
			p.types(keys)
		case <-limit:
			p.t.Fatalf("no answer; the screen:\n%q", p.text())
		}
	}
}

// Keys that were typed in the quiet second do not answer, either, where this
// process did not run before that was over.
func TestSilenceIsLookedFor(t *testing.T) {
	t.Parallel()
	p := sit(t, 80)
	restore, err := rawKeys(p.tty)
	if err != nil {
		t.Fatal(err)
	}
	defer restore()
	k, err := newKeys(t.Context(), p.tty, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	p.types("y")
	if err := k.wait(k.deadline); err != nil {
		t.Fatal(err)
	}
	if err := k.silence(0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.IoctlGetInt(int(p.tty.Fd()), unix.TIOCINQ); err != nil || n != 0 {
		t.Errorf("%d keys are left to answer, %v", n, err)
	}
}

func TestChallenge(t *testing.T) {
	for _, tt := range []struct {
		types string
		yes   bool
	}{{"web1\r", true}, {"y\r\r", false}, {"yes\r", false}, {"\r", false}, {"web\r", false}, {"WEB1\r", false}} {
		t.Run(tt.types, func(t *testing.T) {
			t.Parallel()
			p := sit(t, 80)
			q := crontabQuestion()
			q.Decision.Verdict = rules.Challenge
			if !tt.yes {
				q.Timeout = 4 * time.Second // what is no answer is asked for again
			}
			q.Decision.Findings[0].Verdict, q.Decision.Findings[0].Name = rules.Challenge, "web1"
			done := make(chan Answer, 1)
			go func() {
				a, err := Ask(context.Background(), Terminal{p.tty, p.tty}, q)
				if err != nil {
					t.Error(err)
				}
				done <- a
			}()
			p.waitFor("type web1 to run it", 1)
			p.types(tt.types)
			if a := p.answer(done, ""); a.Yes != tt.yes {
				t.Errorf("%q: %+v\n%q", tt.types, a, p.text())
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		p := sit(t, 80)
		q := crontabQuestion()
		q.Timeout = 3 * time.Second // long enough for its last row to be shown
		a, err := Confirm(context.Background(), Terminal{p.tty, p.tty}, q)
		if err != nil || a.Yes || a.How != TimedOut {
			t.Errorf("%+v, %v", a, err)
		}
		p.waitFor("explains] \r\nguardsh: not run (time-out)\r\n", 1)
	})
	t.Run("time-out in the quiet second", func(t *testing.T) {
		t.Parallel()
		p := sit(t, 80)
		q := crontabQuestion()
		q.Timeout = 50 * time.Millisecond
		a, err := Confirm(context.Background(), Terminal{p.tty, p.tty}, q)
		if err != nil || a.Yes || a.How != TimedOut {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		t.Parallel()
		p := sit(t, 80)
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			p.waitFor("run it?", 1)
			cancel()
		}()
		a, err := Confirm(ctx, Terminal{p.tty, p.tty}, crontabQuestion())
		if err != nil || a.Yes || a.How != Withdrawn {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("hang-up", func(t *testing.T) {
		t.Parallel()
		p := sit(t, 80)
		go func() {
			p.waitFor("run it?", 1)
			p.types("y")
			p.master.Close()
		}()
		a, err := Confirm(context.Background(), Terminal{p.tty, p.tty}, crontabQuestion())
		if err != nil || a.Yes || a.How != Lost {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("no terminal", func(t *testing.T) {
		t.Parallel()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := w.WriteString("y\ny\n"); err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if a, err := Confirm(context.Background(), Terminal{r, w}, crontabQuestion()); err == nil || a.Yes {
			t.Errorf("a pipe answered: %+v", a)
		}
	})
}
