// Package ask puts questions to a person, on a terminal and nowhere else.
//
// The default is always No: so are the end of input, ^C, a time-out and a
// terminal that is gone. What was typed before the question, or within a
// second of it, never answers it. It is the only room that uses survey.
package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/terminal"

	"guardsh/rules"
)

// defaultTimeout is how long a question waits before it means No.
const defaultTimeout = 5 * time.Minute

// quiet is how long nothing may be typed before an answer counts. Only tests
// that are not about it make it shorter.
var quiet = time.Second

// maxTries is how often something that is no answer may be typed.
const maxTries = 5

// Terminal is where a question is asked. Both are the same terminal, opened by
// guardsh: never the standard input of what is being judged.
type Terminal struct {
	In, Out *os.File
}

// Question is one for a whole line.
type Question struct {
	Line     string // the bytes that would run
	Started  bool   // it is a program that something below a line starts, not what was typed
	Decision rules.Decision
	Undo     string // how far undo can go: "full", "files only", …; "" is not said
	User     string // who is asked
	Timeout  time.Duration
}

// How says what an answer was made of.
type How string

const (
	Typed       How = "typed"
	ByDefault   How = "default" // Enter alone, or nothing that is an answer
	Interrupted How = "interrupted"
	EndOfInput  How = "end of input"
	TimedOut    How = "time-out"
	Lost        How = "terminal lost"
	Withdrawn   How = "withdrawn" // the context ended
)

// Answer is what came of a question. Its zero is No.
type Answer struct {
	Yes      bool
	How      How
	User     string
	Terminal string        // "/dev/pts/3"
	Took     time.Duration // from the question's first character
}

// Ask puts the question that the decision's verdict asks for: a yes, or the
// name of the thing.
func Ask(ctx context.Context, t Terminal, q Question) (Answer, error) {
	if q.Decision.Verdict == rules.Challenge {
		return Challenge(ctx, t, q, challengeName(&q.Decision))
	}
	return Confirm(ctx, t, q)
}

// challengeName is what has to be typed.
func challengeName(d *rules.Decision) string {
	for _, f := range d.Findings {
		if f.Verdict == rules.Challenge && f.Name != "" {
			return f.Name
		}
	}
	return "yes, run it"
}

// Confirm asks for a yes. An error means that the question could not be put;
// the answer is No then, too.
func Confirm(ctx context.Context, t Terminal, q Question) (Answer, error) {
	return put(ctx, t, q, "run it? [y/N, e explains]", func(s string) (yes, done bool) {
		switch strings.ToLower(s) {
		case "y", "yes":
			return true, true
		case "n", "no", "":
			return false, true
		}
		return false, false
	}, "type y to run it, n not to, e for the reasons in full")
}

// Challenge asks for the name of what is at stake.
func Challenge(ctx context.Context, t Terminal, q Question, name string) (Answer, error) {
	prompt := fmt.Sprintf("type %s to run it [N, e explains]", visible(name))
	return put(ctx, t, q, prompt, func(s string) (yes, done bool) {
		switch {
		case name != "" && s == name:
			return true, true
		case s == "" || strings.EqualFold(s, "n") || strings.EqualFold(s, "no"):
			return false, true
		}
		return false, false
	}, "that is not it; Enter alone means no")
}

// put shows the question, waits for silence, and reads answers until one
// counts.
func put(ctx context.Context, t Terminal, q Question, prompt string, read func(string) (yes, done bool), again string) (a Answer, err error) {
	start := time.Now()
	a = Answer{User: q.User, Terminal: t.In.Name(), How: Lost}
	defer func() { a.Took = time.Since(start) }()
	color, width := Style(t.Out)
	restore, err := rawKeys(t.In)
	if err != nil {
		return a, fmt.Errorf("ask on %s: %w", t.In.Name(), err)
	}
	defer restore()
	if q.Timeout <= 0 {
		q.Timeout = defaultTimeout
	}
	k, err := newKeys(ctx, t.In, start.Add(q.Timeout))
	if err != nil {
		return a, fmt.Errorf("ask on %s: %w", t.In.Name(), err)
	}
	defer k.close()
	screen := &screen{out: t.Out, keys: k, dumb: dumb()}
	if _, err := io.WriteString(t.Out, Screen(&q, color, width)); err != nil {
		return a, nil
	}
	if err := k.silence(quiet); err != nil {
		a.How = how(err)
		sayNotRun(t.Out, a.How)
		return a, nil
	}
	for range maxTries {
		line, err := readLine(k, screen, prompt)
		if err != nil {
			a.How = how(err)
			if a.How != Interrupted {
				// Nobody ended the row of the prompt.
				_, _ = io.WriteString(t.Out, "\n")
			}
			sayNotRun(t.Out, a.How)
			return a, nil
		}
		if s := strings.TrimSpace(line); s == "e" || s == "explain" {
			if _, err := io.WriteString(t.Out, explanation(&q.Decision, color, width)); err != nil {
				return a, nil
			}
			continue
		} else if yes, done := read(s); done {
			a.Yes, a.How = yes, Typed
			if s == "" {
				a.How = ByDefault
			}
			if !yes {
				sayNotRun(t.Out, "")
			}
			return a, nil
		}
		if _, err := io.WriteString(t.Out, "  "+again+"\n"); err != nil {
			return a, nil
		}
	}
	a.How = ByDefault
	sayNotRun(t.Out, "no answer")
	return a, nil
}

// sayNotRun tells that the line does not run, and why if it was not a plain no.
func sayNotRun(out io.Writer, why How) {
	words := "guardsh: not run\n"
	if why != "" {
		words = "guardsh: not run (" + string(why) + ")\n"
	}
	// The answer is No in any case; a terminal that is gone changes nothing.
	_, _ = io.WriteString(out, words)
}

// how puts an error of reading into words.
func how(err error) How {
	switch {
	case errors.Is(err, terminal.InterruptErr):
		return Interrupted
	case errors.Is(err, errTimedOut):
		return TimedOut
	case errors.Is(err, errWithdrawn):
		return Withdrawn
	case errors.Is(err, errEnd):
		return EndOfInput
	}
	return Lost
}

// readLine reads one line by survey. Its password prompt, without a mask, is
// the one that draws its line once and never moves up the screen.
func readLine(k *keys, s *screen, prompt string) (string, error) {
	var line string
	err := survey.AskOne(&survey.Password{Message: prompt}, &line,
		survey.WithStdio(k, s, io.Discard), survey.WithHideCharacter(0),
		survey.WithIcons(func(i *survey.IconSet) { i.Question = survey.Icon{Text: "guardsh:"} }))
	return line, err
}
