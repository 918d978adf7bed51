package guard

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/rules"
)

// A finding that was answered at the prompt is not asked about again by what
// the line starts: the sudo wrapper asks the session that it runs in. Both run
// as the same user, so a session that lies only deceives its own user; what
// root is asked is root's own matter.

// sessionVariable names the session's id in the environment of what it runs,
// answerVariable the socket that answers for it.
const (
	sessionVariable = "GUARDSH_SESSION"
	answerVariable  = "GUARDSH_ANSWERS"
)

// answerTime bounds the whole exchange: a wrapper whose session does not
// answer asks itself.
const answerTime = time.Second

// remember keeps the findings that a yes was said to, until the next line.
func (s *Session) remember(j Judgement) { s.answered.add(keysOf(j, rules.Confirm)) }

// alreadyAnswered reports whether the session above was asked about every
// finding of a line and the answer was yes.
func (s *Session) alreadyAnswered(j Judgement) bool {
	keys := keysOf(j, rules.Confirm)
	return len(keys) > 0 && !s.place.Interactive && askAbove(upward{Ask: keys})
}

// upward is what is said to the session above.
type upward struct {
	Ask []string `json:"ask,omitempty"` // was a yes said to all of these?
	// Judged were judged here, for a line that runs now: the session above
	// supervises what it starts.
	Judged []string `json:"judged,omitempty"`
	Line   bool     `json:"line,omitempty"` // with Judged: a new line begins
}

// askAbove says something to the session that this one runs in, and whether it
// says yes. Without one, or where it belongs to somebody else, it is no.
func askAbove(m upward) bool {
	path := os.Getenv(answerVariable)
	if path == "" {
		return false
	}
	conn, err := net.DialTimeout("unix", path, answerTime)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	if uid, err := peerUID(conn.(*net.UnixConn)); err != nil || uid != os.Getuid() && uid != 0 {
		return false
	}
	if err := json.NewEncoder(conn).Encode(m); err != nil {
		return false
	}
	var yes bool
	return json.NewDecoder(conn).Decode(&yes) == nil && yes
}

func peerUID(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if cerr != nil || err != nil {
		return -1, fmt.Errorf("who is at the other end: %v %v", cerr, err)
	}
	return int(cred.Uid), nil
}

// answerServer answers for the line that runs.
type answerServer struct {
	dir string
	l   net.Listener
	id  string
}

// serveAnswers starts to answer. A session that cannot answer works: what it
// starts then asks again.
func (s *Session) serveAnswers() *answerServer {
	a := &answerServer{id: s.trail.id()}
	base := os.Getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(base) {
		base = os.TempDir()
	}
	dir, err := os.MkdirTemp(base, "guardsh-")
	if err == nil {
		a.dir = dir
		a.l, err = net.Listen("unix", filepath.Join(dir, "answers"))
	}
	if err != nil {
		s.trail.degraded(fmt.Sprintf("answers cannot be passed on to sudo, which will ask again: %v", err))
		return a
	}
	go func() {
		for {
			c, err := a.l.Accept()
			if err != nil {
				return
			}
			go s.answer(c)
		}
	}()
	return a
}

func (s *Session) answer(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(answerTime))
	var m upward
	if err := json.NewDecoder(bufio.NewReaderSize(c, 64<<10)).Decode(&m); err != nil {
		return
	}
	yes := s.answered.hasKeys(m.Ask)
	if len(m.Ask) == 0 {
		// A yes that somebody else's process told would be no answer.
		uid, err := peerUID(c.(*net.UnixConn))
		if yes = err == nil && uid == os.Getuid(); yes {
			s.judgedBelow(m)
		}
	}
	_ = json.NewEncoder(c).Encode(yes)
}

// env is what the session's programs are told of it.
func (a *answerServer) env() []string {
	env := []string{sessionVariable + "=" + a.id}
	if a.l != nil {
		env = append(env, answerVariable+"="+a.l.Addr().String())
	}
	return env
}

func (a *answerServer) close() {
	if a.l != nil {
		a.l.Close()
	}
	if a.dir != "" {
		os.RemoveAll(a.dir)
	}
}
