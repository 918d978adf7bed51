package guard

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"guardsh/guard/bash"
)

// A prompt of one shell does not make the session forget the timer that another
// shell's line starts meanwhile: Enter could not keep that change.
func TestTimersOfSeveralShells(t *testing.T) {
	dir := t.TempDir()
	s := &Session{}
	const lines = 200
	over := make(chan struct{})
	var prompts sync.WaitGroup
	for range 4 {
		prompts.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					s.tendTimers(bash.Prompt{First: true})
				}
			}
		})
	}
	for i := range lines {
		d := &deadman{file: filepath.Join(dir, strconv.Itoa(i))}
		if err := os.WriteFile(d.file+deadmanWaiting, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.timers = append(s.timers, d)
		s.mu.Unlock()
	}
	close(over)
	prompts.Wait()
	if n := len(s.timers); n != lines {
		t.Errorf("%d timers of %d", n, lines)
	}
	if err := os.Remove(s.timers[0].file + deadmanWaiting); err != nil {
		t.Fatal(err)
	}
	s.tendTimers(bash.Prompt{First: true})
	if n := len(s.timers); n != lines-1 {
		t.Errorf("%d timers, and one was decided", n)
	}
}

// A terminal's number may be another thing's when the time is over.
func TestTellsTerminalsOnly(t *testing.T) {
	f := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(f, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&deadman{TTY: f}).tell(); err == nil {
		t.Error("it told a file")
	}
	if b, err := os.ReadFile(f); err != nil || string(b) != "mine" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}
