package guard

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"guardsh/guard/supervise"
	"guardsh/rules"
)

// A finding that was answered at the prompt is not asked about again by what
// the line starts: the sudo wrapper asks the session that it runs in, and
// root's side of it asks the wrapper. Who is asked has to be this same program:
// a socket of somebody's own making answers for nobody.

// sessionVariable names the session's id in the environment of what it runs,
// answerVariable the socket that answers for it.
const (
	sessionVariable = "GUARDSH_SESSION"
	answerVariable  = "GUARDSH_ANSWERS"
)

// answerTime bounds the whole exchange: a wrapper whose session does not
// answer asks itself.
const answerTime = time.Second

// remember keeps the findings that were said or that a yes was said to, until
// the next line.
func (sc *scope) remember(j Judgement) {
	var keys []string
	for _, f := range j.Decision.Findings {
		for v := rules.Notify; v <= f.Verdict && v < rules.Block; v++ {
			keys = append(keys, answeredKey(j, f, v))
		}
	}
	sc.answered.add(keys)
}

// answeredKey stands for an answer about a finding that was at least this
// strict.
func answeredKey(j Judgement, f rules.Finding, v rules.Verdict) string {
	return keyOf(j, f) + "\x00" + v.String()
}

// unanswered is a judgement without what the session above, or the wrapper in
// front, has said or was told yes to.
func (s *Session) unanswered(sc *scope, j Judgement) Judgement {
	if s.place.Interactive || s.place.Front == "" && os.Getenv(answerVariable) == "" {
		return j
	}
	var left []rules.Finding
	for _, f := range j.Decision.Findings {
		key := []string{answeredKey(j, f, f.Verdict)}
		if f.Verdict >= rules.Notify && f.Verdict < rules.Block && s.askAbove(upward{Ask: key}) {
			sc.answered.add(key) // root's side asks here
			continue
		}
		left = append(left, f)
	}
	j.Decision.Findings = left
	j.Decision.Verdict = strictest(left)
	return j
}

// upward is what is said to the session above.
type upward struct {
	Ask []string `json:"ask,omitempty"` // was a yes said to all of these?
	// Judged were judged here, for a line that runs now: the session above
	// supervises what it starts.
	Judged  []string `json:"judged,omitempty"`
	Line    bool     `json:"line,omitempty"`    // with Judged: a new line begins
	Arrived bool     `json:"arrived,omitempty"` // what the wrapper in front had sudo start is there
	Denied  bool     `json:"denied,omitempty"`  // and it is what sudoers denies
}

// askAbove says something to the session that this one runs in, or to the
// wrapper in front of it, and whether that says yes. Without one, or where it
// is not this program, it is no.
func (s *Session) askAbove(m upward) bool {
	path := s.place.Front
	if path == "" {
		path = os.Getenv(answerVariable)
	}
	return path != "" && say(path, m, s.believes)
}

// Arrived tells the wrapper in front that sudo has started this program; denied
// says that it is in the place of a command that sudoers denies, and does nothing.
func Arrived(front string, denied bool) {
	say(front, upward{Arrived: true, Denied: denied}, func(*unix.Ucred) bool { return true })
}

// say says something at a socket, and whether the answer is a yes of somebody
// who is believed.
func say(path string, m upward, believes func(*unix.Ucred) bool) bool {
	conn, err := net.DialTimeout("unix", path, answerTime)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	who, err := peer(conn.(*net.UnixConn))
	if err != nil || !believes(who) {
		return false
	}
	if err := json.NewEncoder(conn).Encode(m); err != nil {
		return false
	}
	var yes bool
	return json.NewDecoder(conn).Decode(&yes) == nil && yes && believes(who)
}

// believes says whether an answer counts: root's, and that of this program
// when it runs as the same user. Of another user's only the one in front
// counts, below which this process was started.
func (s *Session) believes(who *unix.Ucred) bool {
	switch {
	case who.Uid == 0:
		return true
	case !sameProgram(int(who.Pid)):
		return false
	}
	return int(who.Uid) == os.Getuid() || s.place.Front != "" && supervise.Below(os.Getpid(), int(who.Pid))
}

// sameProgram reports whether a process runs the file that this one runs.
func sameProgram(pid int) bool {
	ours, err := os.Stat("/proc/self/exe")
	theirs, terr := os.Stat("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil && terr == nil && os.SameFile(ours, theirs)
}

// peer is who made the socket at the other end.
func peer(c *net.UnixConn) (cred *unix.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if cerr != nil || err != nil {
		return nil, fmt.Errorf("who is at the other end: %v %v", cerr, err)
	}
	return cred, nil
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
	var yes bool
	switch {
	case m.Ask != nil:
		who, err := peer(c.(*net.UnixConn))
		yes = err == nil && s.scopes.above(int(who.Pid)).answered.hasKeys(m.Ask)
	case m.Arrived:
		s.arrived.Store(true)
		s.denied.Store(m.Denied)
	default:
		// A yes that somebody else's process told would be no answer.
		who, err := peer(c.(*net.UnixConn))
		if yes = err == nil && int(who.Uid) == os.Getuid(); yes {
			s.judgedBelow(int(who.Pid), m)
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

// Front is where what sudo starts in a command's place asks what was answered
// here.
type Front struct {
	Path string // "" where that is not possible
	s    *Session
	a    *answerServer
}

// Front lets what this session starts, as whatever user, ask here until Close.
func (s *Session) Front() *Front {
	f := &Front{s: s, a: s.serveAnswers()}
	if f.a.l != nil {
		f.Path = f.a.l.Addr().String()
	}
	return f
}

// Arrived reports whether it was started.
func (f *Front) Arrived() bool { return f.s.arrived.Load() }

// Denied reports whether it has found that sudoers denies the command in whose
// place it was.
func (f *Front) Denied() bool { return f.s.denied.Load() }

// Close ends it.
func (f *Front) Close() { f.a.close() }
