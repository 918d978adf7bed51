package bash

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// shown is a screen whose keys never come, with the shell's end of its terminal,
// and what comes out of it.
type shown struct {
	*screen
	slave *os.File
	out   bytes.Buffer
	pumps sync.WaitGroup
}

func show(t *testing.T) *shown {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	keys, typist, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &shown{slave: slave}
	s.screen, err = newScreen(Config{In: keys, Out: null, Output: func(b []byte) { s.out.Write(b) }}, master, slave)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range []*os.File{slave, master, typist, keys, null} {
			f.Close()
		}
	})
	return s
}

// end is all that was shown, once the shell's end has been closed.
func (s *shown) end() string {
	s.slave.Close()
	s.pumps.Wait()
	return s.out.String()
}

// Several things may have something to say at once: a line, a program below it,
// a warning. Each waits for a mark of its own to come out, and none is shown.
func TestMarksAreNotShown(t *testing.T) {
	s := show(t)
	s.pumps.Go(s.pumpOutput)
	const speakers, times = 8, 50
	var all sync.WaitGroup
	for range speakers {
		all.Go(func() {
			for range times {
				s.say("word\n")
			}
		})
	}
	all.Wait()
	if got, want := s.end(), strings.Repeat("word\r\n", speakers*times); got != want {
		t.Errorf("shown: %q", got)
	}
}

// A question and what presses a key of ours may both stop the keys: the second
// goes on once the first has let go.
func TestPausesTakeTurns(t *testing.T) {
	s := show(t)
	var pump, all sync.WaitGroup
	pump.Go(s.pumpKeys)
	for range 8 {
		all.Go(func() {
			for range 200 {
				s.pause()()
			}
		})
	}
	all.Wait()
	s.endKeys()
	pump.Wait()
}

// Who waits for the mark writes behind what stood in front of it, which may
// have come with it in one read and is still to be shown.
func TestMarkPassesWithWhatWasShown(t *testing.T) {
	s := show(t)
	const mark = "\x1b]guardsh;mark\a"
	marked := make(chan struct{})
	s.mark, s.marked = mark, marked
	s.outMu.Lock() // nothing can be shown yet
	s.pumps.Go(s.pumpOutput)
	if _, err := s.slave.WriteString("echo\n" + mark); err != nil {
		t.Fatal(err)
	}
	for read := false; !read; runtime.Gosched() {
		s.marks.Lock()
		read = s.mark == ""
		s.marks.Unlock()
	}
	select {
	case <-marked:
		t.Error("the mark has passed before what stood in front of it was shown")
	default:
	}
	s.outMu.Unlock()
	<-marked
	if got := s.end(); got != "echo\r\n" {
		t.Errorf("shown: %q", got)
	}
}

// What is typed into a shell to put the gate back is not shown, whether the
// shell's hello or its mark is heard first.
func TestRearmingIsNotShown(t *testing.T) {
	s := show(t)
	var keys sync.WaitGroup
	keys.Go(s.pumpKeys)
	// No echo: the kernel may give it later than what is written here.
	if _, err := term.MakeRaw(int(s.slave.Fd())); err != nil {
		t.Fatal(err)
	}
	s.typeIn(" . rearm")
	hello := make(chan struct{})
	go func() { s.heardMark(10 * time.Second); s.unmute(); close(hello) }()
	select {
	case <-hello: // it did not wait for the mark
	case <-time.After(50 * time.Millisecond):
	}
	s.pumps.Go(s.pumpOutput)
	if _, err := s.slave.WriteString(" . rearm\r\n" + rearmMark + "prompt"); err != nil {
		t.Fatal(err)
	}
	<-hello
	s.endKeys()
	keys.Wait()
	if got := s.end(); strings.Contains(got, "rearm") || !strings.HasSuffix(got, "prompt") {
		t.Errorf("shown: %q", got)
	}
}
