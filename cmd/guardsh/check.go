package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"guardsh/guard"
	"guardsh/guard/ask"
	"guardsh/rules"
)

// Exit statuses of check. 0 is for lines that would run without a question, so
// that "guardsh check … && …" reads well; 2 is the usual one for usage.
const (
	checkPasses  = 0
	checkUsage   = 2
	checkAsks    = 10
	checkRefuses = 11
)

// maxLine bounds one line of --lines; a longer one is a script, not a line.
const maxLine = 4 << 20

// checked is the answer about one line, in the form that other tools read.
type checked struct {
	Line     string           `json:"line"`
	Verdict  rules.Verdict    `json:"verdict"`
	Findings []checkedFinding `json:"findings"`
	Actions  []checkedAction  `json:"actions"`
	Micros   int64            `json:"micros"`

	decision rules.Decision
}

type checkedFinding struct {
	Rule    string        `json:"rule"`
	Verdict rules.Verdict `json:"verdict"`
	Effect  string        `json:"effect"`
	Object  string        `json:"object"`
	Summary string        `json:"summary"`
	Hint    string        `json:"hint"`
}

type checkedAction struct {
	Argv      []string `json:"argv"`
	Cwd       string   `json:"cwd"`
	Certainty string   `json:"certainty"`
}

func checkCommand() *cobra.Command {
	var asJSON, hypothetical bool
	var cwd, user, lines string
	c := &cobra.Command{
		Use:   "check [LINE]",
		Short: "judge a line without running it",
		Long: `Judge a line without running it: what it would do, and what guardsh would
say to it. LINE is one argument; without it the line is read from standard
input.`,
		Example: `  guardsh check 'rsync -aP /srv/lxc/lab/rootfs/ .'
  guardsh check --hypothetical --json --lines history.txt`,
		Args: cobra.ArbitraryArgs,
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.BoolVar(&asJSON, "json", false, "one JSON object a line")
	f.BoolVar(&hypothetical, "hypothetical", false, "as on an ordinary server where all that is named exists")
	f.StringVar(&cwd, "cwd", "", "the working `directory`")
	f.StringVar(&user, "user", "", "who would run it, by `name`")
	f.StringVar(&lines, "lines", "", "judge each line of `file` (- is standard input)")
	c.SetHelpTemplate(helpTemplate(`  0   runs, perhaps with a word
  10  is asked first (confirm, challenge)
  11  is refused (block)
  2   the call was wrong`))
	c.RunE = func(c *cobra.Command, args []string) error {
		if lines != "" && len(args) > 0 {
			return usage("--lines and a LINE do not go together")
		}
		j, err := newChecker(hypothetical, cwd, user)
		if err != nil {
			return usage(err.Error())
		}
		out := bufio.NewWriter(c.OutOrStdout())
		strictest := rules.Allow
		show := func(line string) error {
			r := j.check(line)
			if r.Verdict > strictest {
				strictest = r.Verdict
			}
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetEscapeHTML(false)
				return enc.Encode(r)
			}
			return showChecked(out, r, lines != "")
		}
		if lines != "" {
			err = eachLine(c.InOrStdin(), lines, show)
		} else {
			line := strings.Join(args, " ")
			if len(args) == 0 {
				if term.IsTerminal(int(os.Stdin.Fd())) {
					fmt.Fprintln(c.ErrOrStderr(), "guardsh: type the line, then ^D")
				}
				b, rerr := io.ReadAll(io.LimitReader(c.InOrStdin(), maxLine))
				if rerr != nil {
					return fmt.Errorf("standard input: %w", rerr)
				}
				line = strings.TrimRight(string(b), "\n")
			}
			err = show(line)
		}
		if ferr := out.Flush(); err == nil {
			err = ferr
		}
		if err != nil {
			return usage(err.Error())
		}
		return exitStatus(verdictStatus(strictest)).orNil()
	}
	return c
}

func verdictStatus(v rules.Verdict) int {
	switch v {
	case rules.Block:
		return checkRefuses
	case rules.Confirm, rules.Challenge:
		return checkAsks
	case rules.Allow, rules.Notify:
		return checkPasses
	}
	return checkUsage
}

// eachLine calls do for each line of a file. An empty line is a line too.
func eachLine(stdin io.Reader, name string, do func(string) error) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		line, err := r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", name, err)
		}
		if line != "" {
			if derr := do(strings.TrimSuffix(line, "\n")); derr != nil {
				return derr
			}
		}
		if err != nil {
			return nil
		}
	}
}

// checker judges lines that will not run.
type checker struct {
	judge *guard.Judge
	shell guard.Shell
	state string // of the user who would type the lines: what they let pass; "" nobody's
}

func newChecker(hypothetical bool, cwd, user string) (*checker, error) {
	if hypothetical {
		j, sh := guard.Hypothetical(cwd, user)
		return &checker{judge: j, shell: sh}, nil
	}
	here := guard.Here()
	j, problems := guard.NewJudge(here)
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, "guardsh:", p)
	}
	if cwd != "" {
		if err := isDirectory(j.World, cwd); err != nil {
			return nil, err
		}
	}
	home := ""
	if user != "" {
		a, err := accountOf(user)
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() == noSuchKey {
			return nil, fmt.Errorf("--user %s: there is no such user", user)
		}
		home = a.home
	}
	sh, err := guard.StillShell(cwd, user, home)
	if err != nil {
		return nil, err
	}
	k := &checker{judge: j, shell: sh}
	if user == "" {
		k.state = here.State
	}
	return k, nil
}

// noSuchKey is getent's status for what it does not find.
const noSuchKey = 2

// isDirectory says what is wrong with a directory that a line would begin in.
// One on a file system that does not answer may well be there.
func isDirectory(w rules.World, name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	real, err := w.Real(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--cwd %s: there is no such directory", name)
	}
	if err != nil {
		return nil
	}
	if fi, err := os.Stat(real); err == nil && !fi.IsDir() {
		return fmt.Errorf("--cwd %s: it is not a directory", name)
	}
	return nil
}

func (k *checker) check(line string) checked {
	start := time.Now()
	r := k.judge.Line(line, k.shell)
	if k.state != "" {
		if err := r.LetPass(k.state, func(rules.Finding, string) {}); err != nil {
			fmt.Fprintln(os.Stderr, "guardsh:", err)
		}
	}
	out := checked{
		Line:     line,
		Verdict:  r.Decision.Verdict,
		Findings: []checkedFinding{},
		Actions:  []checkedAction{},
		Micros:   time.Since(start).Microseconds(),
		decision: r.Decision,
	}
	for _, f := range r.Decision.Findings {
		out.Findings = append(out.Findings, checkedFinding{f.Rule, f.Verdict, string(f.Effect), f.Object, f.Summary, f.Hint})
	}
	for _, a := range r.Line.Actions {
		ca := checkedAction{Argv: []string{}, Cwd: a.Cwd.String(), Certainty: a.Certain.String()}
		for _, w := range a.Argv {
			ca.Argv = append(ca.Argv, w.String())
		}
		out.Actions = append(out.Actions, ca)
	}
	return out
}

// showChecked writes the answer for people: the verdict, and under it what was
// found. Of many lines it is a finding a line; of one it is all that would be
// said before the line runs.
func showChecked(w io.Writer, r checked, many bool) error {
	if !many {
		color, width := ask.Style(os.Stdout)
		_, err := fmt.Fprintf(w, "%s\n%s", r.Verdict, ask.Findings(&r.decision, color, width))
		return err
	}
	fmt.Fprintf(w, "%-9s  %s\n", r.Verdict, guard.Printable(r.Line))
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %s: %s (%s)\n", f.Verdict, guard.Printable(f.Summary), f.Rule)
	}
	return nil
}
