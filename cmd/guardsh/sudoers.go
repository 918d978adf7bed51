package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"guardsh/guard"
	"guardsh/guard/host"
	"guardsh/guard/install"
)

// What sudoers allows is sudo's secret until the user's password was typed, and
// a password that is asked for to learn it may have to be typed again for the
// command (timestamp_timeout=0). So sudo is only ever asked with -n. What it did
// not tell is guessed; what came of the guess is remembered.

// leave is what is known of whether sudoers allows guardsh.
type leave int

const (
	refused leave = iota // or it would take a password where the command may need none
	failed               // it was tried a moment ago, and sudo did not start it
	unknown
	likely
	allowed
)

const (
	// allowedTime is how long a yes is taken for granted: to ask costs a process
	// for each line.
	allowedTime = 5 * time.Minute
	// refusedTime is how long a guess that failed is not made again: sudo does not
	// say whether it was the password or sudoers that failed it.
	refusedTime = 10 * time.Minute
)

// sudoers is what sudo has told. It is a user's own file: who writes it can
// only choose in which way a command is judged, as by calling sudo itself.
type sudoers struct {
	sudo, self string
	file       string
	Stamp      string               `json:"stamp"` // of the files that it was learned from
	Allowed    map[string]time.Time `json:"allowed,omitempty"`
	Refused    map[string]time.Time `json:"refused,omitempty"`
	NoTicket   bool                 `json:"noTicket,omitempty"` // a password that was typed holds for one command
}

// openSudoers reads what is remembered. What cannot be read is learned anew.
func openSudoers(sudo, self string) *sudoers {
	s := &sudoers{sudo: sudo, self: self, file: filepath.Join(guard.StateDir(), "sudoers.json")}
	stamp := ""
	for _, name := range []string{"/etc/sudoers", "/etc/sudoers-rs", "/etc/sudoers.d", sudo, self} {
		if fi, err := os.Stat(name); err == nil {
			stamp += fmt.Sprintf("%s %d %d\n", name, fi.Size(), fi.ModTime().UnixNano())
		}
	}
	b, err := os.ReadFile(s.file)
	if err == nil {
		err = json.Unmarshal(b, s)
	}
	if err != nil || s.Stamp != stamp {
		s.Allowed, s.Refused, s.NoTicket = nil, nil, false
	}
	s.Stamp = stamp
	return s
}

// learn remembers. A state that cannot be written costs a sudo more the next time.
func (s *sudoers) learn(way instead, l leave) {
	key, to, from := guard.Quote(way.probe), &s.Allowed, s.Refused
	if l == refused {
		to, from = &s.Refused, s.Allowed
	}
	delete(from, key)
	if *to == nil {
		*to = map[string]time.Time{}
	}
	(*to)[key] = time.Now()
	s.write()
}

func (s *sudoers) write() {
	b, err := json.Marshal(s)
	if err != nil || os.MkdirAll(filepath.Dir(s.file), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(s.file), ".sudoers-")
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil || os.Rename(f.Name(), s.file) != nil {
		os.Remove(f.Name())
	}
}

// allows says whether sudo would start guardsh in one of some ways, and in which.
// Where sudo does not tell, it is the one that is most likely.
func (s *sudoers) allows(c sudoCall, ways []instead) (way instead, l leave) {
	since := func(known map[string]time.Time, w instead) time.Duration {
		if at, ok := known[guard.Quote(w.probe)]; ok {
			return time.Since(at)
		}
		return math.MaxInt64
	}
	fails := func(w instead) bool { return since(s.Refused, w) < refusedTime }
	last := ways[len(ways)-1]
	way = ways[0]
	if !host.Administrator() && exists(install.SudoersPath) && since(s.Allowed, way) == math.MaxInt64 || fails(way) {
		way = last // who may start nothing but guardsh
	}
	if !c.never && !s.NoTicket && since(s.Allowed, way) < allowedTime {
		return way, allowed
	}
	known := false
	for _, w := range ways {
		// Sudo does not tell whether something needs a password, so that guardsh
		// is run to see it.
		if s.quietly(w.probe...) {
			s.learn(w, allowed)
			return w, allowed
		}
		known = known || since(s.Allowed, w) < math.MaxInt64
	}
	switch {
	case c.never:
		return way, refused
	case fails(way):
		return way, failed
	case s.quietly(append(slices.Clone(c.who), "-l")...):
		return way, refused // something needs no password: it may be this command
	case known, host.Administrator():
		return way, likely
	}
	return way, unknown
}

// arrive is root's first word to the wrapper in front. denied says that sudoers
// lets who called sudo run nearly everything, but not the command in whose place
// this is: then sudo is the one to say so. Root may ask it without a password.
func arrive(front string, command []string) (denied bool) {
	who := os.Getenv("SUDO_USER")
	if sudo, err := realProgram("sudo", os.Getenv("PATH")); err == nil && os.Geteuid() == 0 && who != "" && who != "root" && len(command) > 0 {
		allows := func(command ...string) bool {
			return exec.Command(sudo, append([]string{"-n", "-l", "-U", who, "--"}, command...)...).Run() == nil
		}
		// Who may run guardsh alone runs everything by that.
		denied = !allows(command...) && allows("true")
	}
	if front != "-" {
		guard.Arrived(front, denied)
	}
	return denied && front != "-"
}

// quietly runs sudo without a word, which asks for nothing.
func (s *sudoers) quietly(args ...string) bool {
	return exec.Command(s.sudo, append([]string{"-n"}, args...)...).Run() == nil
}

// ticket has sudo ask for a password in advance, where sudo remembers it for
// what comes.
func (s *sudoers) ticket(c sudoCall) bool {
	if s.NoTicket || c.mute || !guard.IsTerminal(os.Stderr) {
		return false
	}
	ask := exec.Command(s.sudo, append(slices.Clone(c.who), "-v")...)
	ask.Stdin, ask.Stderr = os.Stdin, os.Stderr
	if ask.Run() != nil {
		return false
	}
	if !s.quietly(append(slices.Clone(c.who), "-v")...) {
		s.NoTicket = true
		s.write()
		return false
	}
	return true
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
