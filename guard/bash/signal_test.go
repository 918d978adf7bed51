package bash

import (
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// However many signals come while nobody looks, the child's end is among them, and
// what a write of this process's own sends it is none of them.
func TestSignalsAreKept(t *testing.T) {
	s := catch()
	defer s.release()
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	unix.Close(p[0])
	if _, err := unix.Write(p[1], []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Fatal(err)
	}
	unix.Close(p[1])
	self := strconv.Itoa(unix.Getpid())
	flood := exec.Command("bash", "-c", "for ((i=0; i<50000; i++)); do kill -USR1 "+self+"; kill -ALRM "+self+"; done; kill -CONT "+self)
	if err := flood.Run(); err != nil {
		t.Fatal(err)
	}
	var got []syscall.Signal
	for s.take(); s.taken != 0; {
		got = append(got, s.next())
	}
	want := []syscall.Signal{unix.SIGCHLD, unix.SIGUSR1, unix.SIGALRM, unix.SIGCONT}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	over := make(chan syscall.Signal)
	go func() { over <- s.next() }()
	if err := exec.Command("bash", "-c", "kill -HUP "+self).Run(); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case sig := <-over:
			if sig == unix.SIGHUP {
				return
			}
			go func() { over <- s.next() }() // the end of that bash
		case <-time.After(10 * time.Second):
			t.Fatal("nobody was woken")
		}
	}
}
