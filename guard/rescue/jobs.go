package rescue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// job is a line that runs in the background. The interpreter has such lines,
// too, but ends them with the one that is typed next.
type job struct {
	n      int
	text   string
	cancel context.CancelFunc
	done   chan struct{}
	status int  // when done is closed
	ended  bool // by kill or ^C; both are done at the prompt, as what looks at it
}

// backgroundKey marks a context whose commands run in the background.
type backgroundKey struct{}

func inBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }

// background starts a statement that ends in &, and says its number.
func (s *Shell) background(ctx context.Context, st *syntax.Stmt) {
	var text strings.Builder
	_ = syntax.NewPrinter(syntax.SingleLine(true)).Print(&text, st) // into memory
	r := s.runner.Subshell()
	// It reads nothing: the keys are for what is in front.
	if err := interp.StdIO(nil, s.cfg.Out, s.cfg.Err)(r); err != nil {
		fmt.Fprintf(s.cfg.Err, "guardsh: %s\n", err)
		return
	}
	ctx, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), backgroundKey{}, true))
	j := &job{n: 1, text: text.String(), cancel: cancel, done: make(chan struct{})}
	s.jobsMu.Lock()
	if len(s.jobs) > 0 {
		j.n = s.jobs[len(s.jobs)-1].n + 1
	}
	s.jobs = append(s.jobs, j)
	s.jobsMu.Unlock()
	fmt.Fprintf(s.cfg.Err, "[%d] %s\n", j.n, j.text)
	front := *st
	front.Background = false
	go func() {
		defer cancel()
		defer close(j.done)
		defer func() { // one that fails must not end the only shell there is
			if p := recover(); p != nil {
				fmt.Fprintf(s.cfg.Err, "guardsh: this is a bug of guardsh: %v\n", p)
			}
		}()
		j.status = s.status(r.Run(ctx, &front))
	}()
}

// running are the jobs that have not ended.
func (s *Shell) running() (jobs []*job) {
	s.jobsMu.Lock()
	defer s.jobsMu.Unlock()
	for _, j := range s.jobs {
		select {
		case <-j.done:
		default:
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// sayEnded says which jobs have ended since it was said, and forgets them.
func (s *Shell) sayEnded() {
	s.jobsMu.Lock()
	defer s.jobsMu.Unlock()
	s.jobs = slices.DeleteFunc(s.jobs, func(j *job) bool {
		select {
		case <-j.done:
		default:
			return false
		}
		what := "Done"
		switch {
		case j.ended:
			what = "Terminated"
		case j.status != 0:
			what = "Exit " + strconv.Itoa(j.status)
		}
		fmt.Fprintf(s.cfg.Err, "[%d]  %-20s %s\n", j.n, what, strings.TrimSuffix(j.text, " &"))
		return true
	})
}

// jobNamed is the job of %N, %+ or N; the last one where nothing is named.
func (s *Shell) jobNamed(name string) *job {
	s.jobsMu.Lock()
	defer s.jobsMu.Unlock()
	if len(s.jobs) == 0 {
		return nil
	}
	name = strings.TrimPrefix(name, "%")
	if name == "" || name == "+" || name == "%" {
		return s.jobs[len(s.jobs)-1]
	}
	for _, j := range s.jobs {
		if strconv.Itoa(j.n) == name {
			return j
		}
	}
	return nil
}

func listJobs(c *call) {
	for _, j := range c.shell.running() {
		c.tell("[%d]  %-20s %s", j.n, "Running", j.text)
	}
}

// foreground waits for a job; ^C ends it.
func foreground(c *call) {
	name := ""
	if len(c.args) > 0 {
		name = c.args[0]
	}
	j := c.shell.jobNamed(name)
	if j == nil {
		c.say("%s: no such job", strings.TrimSpace("current "+name))
		return
	}
	c.tell("%s", strings.TrimSuffix(j.text, " &"))
	if c.out.Flush() != nil {
		return
	}
	select {
	case <-j.done:
		c.status = j.status
	case <-c.ctx.Done():
		j.end()
	}
}

// end ends a job.
func (j *job) end() {
	j.ended = true
	j.cancel()
}

// waitJobs waits for jobs; ^C ends the wait, not them.
func waitJobs(c *call) {
	jobs := c.shell.running()
	if len(c.args) > 0 {
		jobs = nil
		for _, a := range c.args {
			j := c.shell.jobNamed(a)
			if j == nil {
				c.say("%s: no such job", a)
				c.status = 127
				continue
			}
			jobs = append(jobs, j)
		}
	}
	for _, j := range jobs {
		select {
		case <-j.done:
			if len(c.args) > 0 {
				c.status = j.status
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// killJob ends a job: what is built in stops by itself, a program is sent the
// signal that ends it.
func (c *call) killJob(name string) {
	j := c.shell.jobNamed(name)
	if j == nil {
		c.say("%s: no such job", name)
		return
	}
	j.end()
}

// endWith ends a program of the background when its job is ended.
func endWith(ctx context.Context, pid int) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = unix.Kill(-pid, unix.SIGTERM) }) // it may have gone
}
