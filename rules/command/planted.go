package command

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// planted walks what the line writes where root's programs will start it later:
// the system's crontabs, units, and the scripts that run at boot, at a login and
// every day.
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
			kind := laterStarts(p)
			if kind == "" && path.Base(path.Dir(p)) == "hooks" && strings.Contains(p, ".git/") {
				kind = "sh" // git starts it at the next commit, checkout, push …
			}
			if kind != "" {
				if text, into, _, ok := w.puts(i, fileNamed(a.Cwd, v)); into && ok {
					w.later(kind, p, text, position{a.Line, a.Col})
				}
			}
		}
	}
}

// unitCodes are the commands of a unit of systemd: ExecStart= and its like.
func unitCodes(text string) (codes []string) {
	for line := range strings.Lines(text) {
		key, code, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.HasPrefix(key, "Exec") && len(codes) < maxRecipe {
			codes = append(codes, strings.TrimLeft(code, "-@:+!"))
		}
	}
	return codes
}

// laterStarts says what reads a file that root's programs start from: cron, with
// a user before each command, systemd, or a shell.
func laterStarts(p string) string {
	switch path.Dir(p) {
	case "/etc/systemd/system", "/run/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system":
		return "unit"
	case "/etc/profile.d":
		return "sh"
	case "/etc/cron.d":
		return "cron"
	case "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly":
		return "sh"
	}
	switch p {
	case "/etc/crontab":
		return "cron"
	case "/etc/rc.local", "/etc/rc.d/rc.local", "/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", "/root/.bashrc", "/root/.bash_profile", "/root/.profile", "/root/.bash_logout":
		return "sh"
	}
	return ""
}

// later walks the text of such a file.
func (w *walker) later(kind, file, text string, at position) {
	codes := []string{text}
	if kind == "unit" {
		codes = unitCodes(text)
	}
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
