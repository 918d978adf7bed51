package bash

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// Several things may have something to say at once: a line, a program below it,
// a warning. Each waits for a mark of its own to come out, and none is shown.
func TestMarksAreNotShown(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	shown, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newScreen(Config{In: slave, Out: out}, master, slave)
	if err != nil {
		t.Fatal(err)
	}
	pumped := make(chan struct{})
	go func() { s.pumpOutput(); close(pumped) }()
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
	slave.Close()
	<-pumped
	out.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, shown); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), strings.Repeat("word\r\n", speakers*times); got != want {
		t.Errorf("shown: %q", got)
	}
}

// A question and what presses a key of ours may both stop the keys: the second
// goes on once the first has let go.
func TestPausesTakeTurns(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	s, err := newScreen(Config{In: slave, Out: slave}, master, slave)
	if err != nil {
		t.Fatal(err)
	}
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
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	shown, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer shown.Close()
	s, err := newScreen(Config{In: slave, Out: out}, master, slave)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "\x1b]guardsh;mark\a"
	marked := make(chan struct{})
	s.mark, s.marked = mark, marked
	s.outMu.Lock() // nothing can be shown yet
	pumped := make(chan struct{})
	go func() { s.pumpOutput(); close(pumped) }()
	if _, err := slave.WriteString("echo\n" + mark); err != nil {
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
	slave.Close()
	<-pumped
	out.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, shown); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != "echo\r\n" {
		t.Errorf("shown: %q", got)
	}
}

// What is typed into a shell to put the gate back is not shown, whether the
// shell's hello or its mark is heard first.
func TestRearmingIsNotShown(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	shown, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	keys, typist, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer typist.Close()
	s, err := newScreen(Config{In: keys, Out: out}, master, slave)
	if err != nil {
		t.Fatal(err)
	}
	var pumps sync.WaitGroup
	pumps.Go(s.pumpKeys)
	// No echo: the kernel may give it later than what is written here.
	if _, err := term.MakeRaw(int(slave.Fd())); err != nil {
		t.Fatal(err)
	}
	s.typeIn(" . rearm")
	pumped := make(chan struct{})
	hello := make(chan struct{})
	go func() { s.heardMark(10 * time.Second); s.unmute(); close(hello) }()
	select {
	case <-hello: // it did not wait for the mark
	case <-time.After(50 * time.Millisecond):
	}
	go func() { s.pumpOutput(); close(pumped) }()
	if _, err := slave.WriteString(" . rearm\r\n" + rearmMark + "prompt"); err != nil {
		t.Fatal(err)
	}
	<-hello
	s.endKeys()
	pumps.Wait()
	slave.Close()
	<-pumped
	out.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, shown); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Contains(got, "rearm") || !strings.HasSuffix(got, "prompt") {
		t.Errorf("shown: %q", got)
	}
}
