package guard

import (
	"sync"
	"time"

	"guardsh/guard/supervise"
	"guardsh/rules"

	"golang.org/x/sys/unix"
)

// scope is one shell of a session with the line that it runs. What that line
// was judged by and what a yes or a no was said to holds for what it starts,
// and not for what another shell starts meanwhile: a window of tmux, a shell
// below this one.
type scope struct {
	shell    int       // its process; 0: that of a session without prompts
	answered inherited // what a yes was said to for the line that runs
	judged   inherited // what it, and all that it started, was judged by
	earlier  inherited // what lines before it were, of which something still runs

	mu      sync.Mutex
	jobs    map[int]int64        // processes that earlier lines left below the shell, and when each started
	line    int                  // its number
	running bool                 // it was released and is not over
	kept    []string             // snapshots that starts below it made
	counts  map[string]int       // program starts below it, by path
	more    int                  // starts of programs that are not in counts
	no      map[string]time.Time // rules that a no was said about for it: when something was refused by it last
	told    map[int]string       // by process: what it was refused last
}

// scopes are a session's. A session without prompts has one.
type scopes struct {
	mu   sync.Mutex
	own  scope
	by   map[int]*scope // by the process of a shell, or of a session in this one
	last *scope         // that of the line that was released last
}

// of is the scope of a shell. gone are those of shells that have ended
// meanwhile.
func (c *scopes) of(shell int) (sc *scope, gone []*scope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sc = c.by[shell]; sc != nil {
		return sc, nil
	}
	for pid, sc := range c.by {
		if unix.Kill(pid, 0) == unix.ESRCH {
			delete(c.by, pid)
			gone = append(gone, sc)
		}
	}
	if c.by == nil {
		c.by = map[int]*scope{}
	}
	sc = &scope{shell: shell}
	c.by[shell] = sc
	return sc, gone
}

// all are all there are.
func (c *scopes) all() []*scope {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []*scope{&c.own}
	for _, sc := range c.by {
		list = append(list, sc)
	}
	return list
}

// above is the scope of the shell that a process was started by, at whatever
// distance. One that is below none of them any more belongs to the last line.
func (c *scopes) above(pid int) *scope {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sc := c.only(); sc != nil {
		return sc
	}
	if sc := c.by[pid]; sc != nil { // exec
		return sc
	}
	for p := range supervise.Above(pid) {
		if sc := c.by[p]; sc != nil {
			return sc
		}
	}
	if c.last != nil {
		return c.last
	}
	return &c.own
}

// counting is above for what is only counted: where one line runs, it is that.
func (c *scopes) counting(pid int) *scope {
	c.mu.Lock()
	one := c.only()
	for _, sc := range c.by {
		sc.mu.Lock()
		running := sc.running
		sc.mu.Unlock()
		switch {
		case !running:
		case one == nil:
			one = sc
		case one != sc:
			c.mu.Unlock()
			return c.above(pid)
		}
	}
	c.mu.Unlock()
	if one == nil {
		return c.above(pid)
	}
	return one
}

// only is the one scope there is, nil where there are several. mu is held.
func (c *scopes) only() *scope {
	if len(c.by) == 0 {
		return &c.own
	}
	if len(c.by) > 1 || c.last == &c.own { // a session in the only line of this one
		return nil
	}
	for _, sc := range c.by {
		return sc
	}
	return nil
}

// released notes that a scope's line runs now.
func (c *scopes) released(sc *scope, number int) {
	sc.mu.Lock()
	sc.line, sc.running = number, true
	sc.mu.Unlock()
	c.mu.Lock()
	c.last = sc
	c.mu.Unlock()
}

// scopeOf is the scope of one of the session's shells.
func (s *Session) scopeOf(shell int) *scope {
	sc, gone := s.scopes.of(shell)
	for _, g := range gone {
		s.startsEnded(g)
	}
	return sc
}

// scopeOfRequest is the scope that a request is made in.
func (s *Session) scopeOfRequest(r Request) *scope {
	if r.scope != nil {
		return r.scope
	}
	return &s.scopes.own
}

// newLine forgets what the last line was judged by. What of it still runs in
// the background, these jobs, goes on under what was said of it, and nothing else
// does.
func (sc *scope) newLine(jobs map[int]int64) {
	if len(jobs) == 0 {
		sc.earlier.clear()
	} else {
		sc.earlier.add(sc.judged.all())
	}
	sc.judged.clear()
	sc.answered.clear()
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.jobs = jobs
	clear(sc.no)
	clear(sc.told)
}

// over is what was judged already for what a process starts: by the line that
// runs, or by an earlier one where it is of a job of that. What has left the
// shell's tree may be either's. An answer is added to the first.
func (sc *scope) over(pid int) []*inherited {
	sc.mu.Lock()
	jobs := sc.jobs
	sc.mu.Unlock()
	if len(jobs) == 0 || pid == sc.shell {
		return []*inherited{&sc.judged}
	}
	job := func(pid int) bool {
		began, ok := jobs[pid]
		return ok && began == beganAt(pid)
	}
	if job(pid) {
		return []*inherited{&sc.earlier}
	}
	for p := range supervise.Above(pid) {
		switch {
		case p == sc.shell:
			return []*inherited{&sc.judged}
		case job(p):
			return []*inherited{&sc.earlier}
		}
	}
	return []*inherited{&sc.judged, &sc.earlier}
}

// remaining is a decision without what is over already.
func remaining(over []*inherited, j Judgement, d rules.Decision) rules.Decision {
	for _, h := range over {
		d = h.remaining(j, d)
	}
	return d
}
