package guard

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"golang.org/x/term"

	"guardsh/guard/ask"
	"guardsh/guard/host"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// words is what is said about a line that is refused or only notified.
func (s *Session) words(j Judgement) string {
	return ask.Refusal(&j.Decision, useColor(), width())
}

// notice is one thing that is said, as it is shown: broken between words on a
// terminal, one row where a file or a program gets it.
func notice(text string) string {
	if !isTerminal(os.Stderr) {
		return "guardsh: " + Printable(text) + "\n"
	}
	return ask.Notice(text, useColor(), width())
}

// useColor follows the terminal and NO_COLOR (no-color.org).
func useColor() bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(os.Stderr)
}

// width is the terminal's, 80 where there is none.
func width() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

// stoodInFor are the programs that guardsh stands in for inside a session.
var stoodInFor = []string{"sudo", "sudoedit", "su", "runuser"}

// wrappers are they, with what stands there.
func wrappers() map[string]string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	w := map[string]string{}
	for _, name := range stoodInFor {
		w[name] = self
	}
	// Its hints name guardsh: where it is on no PATH, as go run leaves it, it is
	// here.
	if _, err := exec.LookPath("guardsh"); err != nil {
		w["guardsh"] = self
	}
	if os.Geteuid() != 0 {
		delete(w, "runuser") // it is root's alone, and not on others' PATH
	}
	return w
}

// IsWrapper reports whether a path on PATH is one of a session's stand-ins,
// which link to guardsh.
func IsWrapper(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	self, err := filepath.EvalSymlinks("/proc/self/exe")
	return err == nil && real == self
}

// unguardedRule is the id of the finding that a shell's lines are not judged.
const unguardedRule = "shell/unguarded"

// Unguarded is why nobody judges the lines of a shell that a line opens, and
// what would change that.
type Unguarded struct{ Why, Hint string }

// tellOfShell says of a shell that sudo or su opens that nobody judges its
// lines: they start it without the gate.
func (j *Judgement) tellOfShell(u Unguarded) {
	at := slices.IndexFunc(j.Line.Actions, func(a command.Action) bool { return a.Opens })
	if at < 0 {
		return
	}
	j.Decision.Findings = append(slices.Clip(j.Decision.Findings), rules.Finding{
		Rule: unguardedRule, Verdict: rules.Notify, Effect: effect.RunUnknown, Object: "the shell",
		Summary: "this shell is not guarded, since " + u.Why + ": what is typed in it runs unjudged",
		Hint:    u.Hint,
		Action:  at, EffectAt: -1,
	})
	j.Decision.Verdict = max(j.Decision.Verdict, rules.Notify)
}

// loaderGone reports whether programs can no longer start on this machine, so
// that leaving the shell would be leaving for good.
func (s *Session) loaderGone() bool {
	w, ok := s.Judge.World.(*host.World)
	return ok && w.LoaderGone()
}
