package bash

import (
	"fmt"
	"testing"
)

// A shell that may open next to no files: its lines are judged as long as the
// descriptors below 10 are to be had, and at no limit does it hang.
func TestFewDescriptors(t *testing.T) {
	for _, n := range []int{12, 10, 8, 6} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := session(t, "")
			s.send(fmt.Sprintf("ulimit -S -n %d\r", n))
			s.expect(ps1)
			s.send("echo al''ive\r")
			s.expect("alive")
			s.expect(ps1)
			if n >= 10 {
				s.send("echo RISKY >bad\r")
				s.expect("guardsh: refused")
				s.expect(ps1)
				s.missing("bad")
			}
			s.send("ulimit -S -n hard; echo b''ack\r")
			s.expect("back")
			s.expect(ps1)
			s.refused("echo RISKY >bad")
			if got := s.exit("exit 7"); got != 7 {
				t.Errorf("status %d, want 7", got)
			}
		})
	}
}
