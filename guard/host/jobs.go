package host

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// Deadlines of the programs that are asked.
var (
	crontabDeadline = 100 * time.Millisecond
	serviceDeadline = 50 * time.Millisecond
)

// maxCrontab bounds a file that would become a crontab; cron's own bound is
// far lower.
const maxCrontab = 1 << 20

// crontabs fills in whose jobs there are and how many would come.
func (g *gathering) crontabs() {
	for i := range g.effects {
		e := &g.effects[i]
		if e.Object.Type != effect.Crontab || !local(e) {
			continue
		}
		of, fresh := g.object(&e.Object)
		c := &of.Crontab
		if fresh {
			c.User = e.Object.Name
			if c.User == "" && e.User != "?" {
				c.User = e.User
			}
			own := c.User == "" || c.User == g.facts.Session.User
			if own {
				c.User = g.facts.Session.User
			}
			g.jobs(of, own)
		}
		c.NewJobs = g.newJobs(e)
	}
}

// jobs asks crontab itself, whose spool differs between systems.
func (g *gathering) jobs(of *rules.ObjectFact, own bool) {
	if g.w.root != "" {
		b, err := os.ReadFile(g.w.root + "/var/spool/cron/crontabs/" + of.Crontab.User)
		if err == nil {
			of.Crontab.Jobs = cronJobs(b)
		} else if !errors.Is(err, fs.ErrNotExist) {
			unknownf(of, "crontab: %v", err)
		}
		return
	}
	args := []string{"-l"}
	if !own {
		args = []string{"-u", of.Crontab.User, "-l"}
	}
	b, err := output(time.Now().Add(min(Fair(crontabDeadline), g.left())), "crontab", args...)
	switch code := exitCode(err); {
	case err == nil:
		of.Crontab.Jobs = cronJobs(b)
	case code == 1 && len(b) == 0 && own:
		// "no crontab for ann"
	case code == 1 && len(b) == 0 && g.facts.Session.Root:
	case !own && !g.facts.Session.Root:
		unknownf(of, "only root can read this crontab")
	default:
		unknownf(of, "crontab of %s: %v", of.Crontab.User, err)
	}
}

// newJobs counts the jobs of what would replace a crontab: -1 when that is not
// known, 0 when it is removed.
func (g *gathering) newJobs(e *effect.Effect) int {
	switch {
	case e.Has("delete") || e.Has("empty"):
		return 0
	case e.Has("edit"):
		return -1
	}
	if e.Source != nil && e.Source.Name != "" && e.Source.Name != "-" {
		if e.Source.Name == "/dev/null" {
			return 0
		}
		return g.jobsIn(e.Source.Name)
	}
	if text := e.Params["text"]; len(text) == 1 {
		return len(cronJobs([]byte(text[0]))) // what the line itself puts in
	}
	if g.line == nil || e.Action < 0 || e.Action >= len(g.line.Actions) {
		return -1
	}
	in := &g.line.Actions[e.Action].Stdin
	v, known := in.Word.Value()
	switch {
	case in.Kind == command.InputClosed:
		return 0
	case in.Kind == command.InputText && known:
		return len(cronJobs([]byte(v)))
	case in.Kind == command.InputFile && known && v == "/dev/null":
		return 0
	case in.Kind == command.InputFile && known:
		return g.jobsIn(v)
	case in.Kind == command.InputPipe:
		return g.pipedJobs(in.From)
	}
	return -1
}

// pipedJobs counts what comes out of actions that only pass files on, or say
// nothing; -1 when another program makes it.
func (g *gathering) pipedJobs(from []int) int {
	if len(from) == 0 {
		return -1
	}
	sum := 0
	for _, i := range from {
		if i < 0 || i >= len(g.line.Actions) {
			return -1
		}
		a := &g.line.Actions[i]
		if len(a.Argv) == 0 {
			return -1
		}
		name, _ := a.Argv[0].Value()
		switch path.Base(name) {
		case ":", "true":
			continue
		case "cat":
		default:
			return -1
		}
		cwd, _ := a.Cwd.Value()
		if len(a.Argv) == 1 {
			return -1
		}
		for _, w := range a.Argv[1:] {
			v, known := w.Value()
			if !known || v == "" || v[0] == '-' {
				return -1
			}
			if !path.IsAbs(v) {
				v = path.Join(cwd, v)
			}
			if v == "/dev/null" {
				continue
			}
			n := g.jobsIn(v)
			if n < 0 {
				return -1
			}
			sum += n
		}
	}
	return sum
}

func (g *gathering) jobsIn(name string) int {
	b, err := g.w.ReadFile(name, maxCrontab)
	if err != nil {
		return -1
	}
	return len(cronJobs(b))
}

// cronJobs are the lines that start something: no comments, no settings.
func cronJobs(b []byte) []string {
	var jobs []string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || cronSetting(line) {
			continue
		}
		jobs = append(jobs, line)
	}
	return jobs
}

// cronSetting recognizes "NAME = value".
func cronSetting(line string) bool {
	name, _, ok := strings.Cut(line, "=")
	if !ok {
		return false
	}
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	return name != "" && !strings.ContainsAny(name, " \t*/,@")
}

// serviceKind reports an effect for which a service's state is asked.
func serviceKind(k effect.Kind) bool {
	switch k {
	case effect.Stop, effect.Restart, effect.Disable, effect.Kill:
		return true
	}
	return false
}

// services fills in what runs and what carries this session.
func (g *gathering) services() {
	for i := range g.effects {
		e := &g.effects[i]
		if e.Object.Type != effect.Service || e.Object.Name == "" || !local(e) {
			continue
		}
		of, fresh := g.object(&e.Object)
		if !fresh {
			continue
		}
		name := unitName(e.Object.Name)
		s := &of.Service
		s.Carries = g.facts.Session.SSH && rules.CarriesSession(e.Object.Name)
		s.Note = g.w.opts.Notes[name]
		if serviceKind(e.Kind) {
			g.active(of, e.Object.Name)
		}
	}
}

// unitName is a service's name without the unit's suffix and instance.
func unitName(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".service"), ".socket")
	if base, instance, ok := strings.Cut(name, "@"); ok && rules.CarriesSession(base) && instance != "" {
		return base
	}
	return name
}

func (g *gathering) active(of *rules.ObjectFact, name string) {
	if g.w.root != "" {
		return
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		unknownf(of, "state of the service: systemd does not run here")
		return
	}
	_, err := output(time.Now().Add(min(Fair(serviceDeadline), g.left())), "systemctl", "is-active", "--quiet", "--", name)
	switch {
	case err == nil:
		of.Service.Active = true
	case exitCode(err) < 0:
		unknownf(of, "state of the service: %v", err)
	}
}
