package bash

import (
	"os"
	"testing"
	"time"
)

// Where others want the processors the shell has the longer to answer, and what
// it took of that is taken off what a line may cost in proportion.
func TestLiveWaitsLongerOnABusyMachine(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s := &shell{toShell: w}
	p := &pending{nonce: "n", replies: make(chan frame, 1)}
	asked := make(chan time.Duration, 2)
	s.g = &gate{cfg: Config{Fair: func(d time.Duration) time.Duration {
		asked <- d
		return time.Hour
	}}}
	l := newLive(t.Context(), s, p, "/")
	go func() {
		if d := <-asked; d != liveBudget {
			t.Errorf("asked for %v", d)
		}
		time.Sleep(2 * liveBudget) // for the end of the time that it has on an idle machine
		p.replies <- frame{kind: 'E', fields: []string{"n", "1", "value", ""}}
	}()
	got, err := l.ask("")
	if err != nil || len(got) != 1 || got[0] != "value" {
		t.Errorf("%q, %v", got, err)
	}
	if l.left < liveBudget*9/10 {
		t.Errorf("%v is left of %v", l.left, liveBudget)
	}
}
