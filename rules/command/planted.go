package command

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// planted walks what the line writes where root's programs will start it later:
// the system's crontabs and the scripts that run at boot and every day.
func (w *walker) planted() {
	for i := range len(w.line.Actions) {
		a := &w.line.Actions[i]
		if a.Place.Kind != Here {
			continue
		}
		var targets []word.Word
		for _, r := range a.Redirs {
			targets = append(targets, r.Target)
		}
		if name, _ := a.Name(); name == "tee" {
			targets = append(targets, a.Args()...)
		}
		for _, t := range targets {
			v, known := t.Value()
			p, abs := absolute(a.Cwd, v)
			if !known || !abs {
				continue
			}
			p = path.Clean(p)
			if kind := laterStarts(p); kind != "" {
				if text, into, _, ok := w.puts(i, fileNamed(a.Cwd, v)); into && ok {
					w.later(kind, p, text, position{a.Line, a.Col})
				}
			}
		}
	}
}

// laterStarts says what reads a file that root's programs start from: cron, with
// a user before each command, or a shell.
func laterStarts(p string) string {
	switch path.Dir(p) {
	case "/etc/cron.d":
		return "cron"
	case "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly":
		return "sh"
	}
	switch p {
	case "/etc/crontab":
		return "cron"
	case "/etc/rc.local", "/etc/rc.d/rc.local":
		return "sh"
	}
	return ""
}

// later walks the text of such a file.
func (w *walker) later(kind, file, text string, at position) {
	codes := []string{text}
	if kind == "cron" {
		codes = nil
		for line := range strings.Lines(text) {
			job, ok := cronJob(line)
			_, code, found := strings.Cut(job, " ")
			if ok && found && len(codes) < w.lim.Unroll {
				codes = append(codes, code) // behind the user
			}
		}
	}
	for _, code := range codes {
		w.shellCode(newState(w.shell, w.files), launch{at: at}, file, word.Lit(code), func(s *state, c *context) {
			newEnv(s, c)
			c.user, s.cwd = "root", word.Lit("/")
			s.certain, c.async, c.stdin = Possible, true, input{Input: Input{Kind: InputClosed}}
		})
	}
}
