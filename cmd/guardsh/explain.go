package main

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"guardsh/guard"
	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

func explainCommand() *cobra.Command {
	var hypothetical bool
	var cwd, user string
	c := &cobra.Command{
		Use:   "explain LINE|RULE",
		Short: "say why, step by step: tree, actions, effects, facts, rules",
		Long: `Say how a line is understood and judged, step by step: the programs it would
start, what they would do to what, what is known of that, and which rules spoke.
With the id of a rule, tell that rule's story.`,
		Example: "  guardsh explain 'cd / && rsync -aP rootfs/ .'\n  guardsh explain fs/write-into-root",
		Args:    cobra.MinimumNArgs(1),
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.BoolVar(&hypothetical, "hypothetical", false, "as on an ordinary server where all that is named exists")
	f.StringVar(&cwd, "cwd", "", "the working `directory`")
	f.StringVar(&user, "user", "", "who would run it, by `name`")
	c.SetHelpTemplate(helpTemplate("  0   explained\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, args []string) error {
		k, err := newChecker(hypothetical, cwd, user)
		if err != nil {
			return usage(err.Error())
		}
		if len(args) == 1 {
			if r, err := k.judge.Rules.Rule(args[0]); err == nil {
				return explainRule(c.OutOrStdout(), k.judge.Rules, r)
			}
			if looksLikeRule(args[0]) {
				return usage(unknownRule(k.judge.Rules, args[0]))
			}
		}
		return explainLine(c.OutOrStdout(), k.judge.Line(strings.Join(args, " "), k.shell))
	}
	return c
}

// looksLikeRule reports a word that is the id of a rule rather than a line: no
// program is started by such a name.
func looksLikeRule(s string) bool {
	family, verb, ok := strings.Cut(s, "/")
	if !ok || family == "" || verb == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-/") != "" {
		return false
	}
	_, err := os.Stat(s)
	return err != nil
}

// explainer writes paragraphs with a heading and keeps the first error.
type explainer struct {
	w   io.Writer
	err error
}

func (e *explainer) f(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format, args...)
	}
}

func explainLine(w io.Writer, j guard.Judgement) error {
	e := &explainer{w: w}
	e.f("line\n  %s\n", strings.ReplaceAll(guard.PrintableLines(j.Line.Src), "\n", "\n  "))
	e.f("\ntree\n")
	for _, l := range command.Outline(j.Line.Src) {
		e.f("  %s\n", guard.Printable(l))
	}
	e.f("\nactions\n")
	if len(j.Line.Actions) == 0 {
		e.f("  none\n")
	}
	several := strings.Contains(strings.TrimSpace(j.Line.Src), "\n")
	for i := range j.Line.Actions {
		e.action(i, j.Line.Actions, several)
	}
	for _, n := range j.Line.Notes {
		e.f("  note: %s: %s (line %d, column %d)\n", n.Kind, guard.Printable(n.Text), n.Line, n.Col)
	}
	e.f("\neffects\n")
	if len(j.Effects) == 0 {
		e.f("  none\n")
	}
	for _, ef := range j.Effects {
		e.effect(ef, j.Facts)
	}
	e.f("\nrules\n")
	if len(j.Decision.Findings) == 0 {
		e.f("  none speaks\n")
	}
	for _, f := range j.Decision.Findings {
		e.f("  %-9s %s\n            %s\n", f.Verdict, f.Rule, guard.Printable(f.Summary))
		for _, d := range f.Details {
			e.f("            %s\n", guard.Printable(d))
		}
		if f.Hint != "" {
			e.f("            hint: %s\n", guard.Printable(f.Hint))
		}
	}
	for _, u := range j.Decision.Unknowns {
		e.f("  not known: %s\n", guard.Printable(u))
	}
	e.f("\nverdict\n  %s\n", j.Decision.Verdict)
	return e.err
}

// placeName stands before the names of another place.
func placeName(k command.PlaceKind) string {
	switch k {
	case command.Remote:
		return "on host"
	case command.Container:
		return "in container"
	case command.Chroot:
		return "below"
	case command.Namespace:
		return "in namespace"
	}
	return ""
}

// redirectName is a redirection as bash writes it.
func redirectName(r command.Redirect) string {
	switch r {
	case command.In:
		return "< "
	case command.Out:
		return "> "
	case command.Append:
		return ">> "
	case command.Clobber:
		return ">| "
	case command.ReadWrite:
		return "<> "
	}
	return ""
}

func (e *explainer) effect(ef effect.Effect, facts *rules.Facts) {
	e.f("  %s %s", ef.Kind, ef.Object.Type)
	if name := ef.Object.Display(); name != "" {
		e.f(" %s", guard.Printable(name))
	}
	var attrs []string
	for a, on := range ef.Attrs {
		if on {
			attrs = append(attrs, a)
		}
	}
	sort.Strings(attrs)
	if len(attrs) > 0 {
		e.f(" (%s)", strings.Join(attrs, " "))
	}
	e.f("    by action %d\n", ef.Action+1)
	for _, l := range facts.Of(ef.Object).Lines() {
		e.f("      %s\n", guard.Printable(l))
	}
}

// explainRule tells a rule's story in the words of its first example: its own
// text is an expression, which "rules show" prints.
func explainRule(w io.Writer, set *rules.Set, r *rules.Rule) error {
	row, err := listRule(set, r.ID)
	if err != nil {
		return err
	}
	e := &explainer{w: w}
	e.f("%s\n  %s\n", r.ID, guard.Printable(row.Says))
	if row.Example != "" {
		e.f("  at: %s\n", guard.Printable(row.Example))
	}
	e.f("\nverdict\n  %s\n", r.Verdict)
	for _, x := range r.Raise {
		e.f("  %s where %s\n", x.Verdict, x.When)
	}
	e.f("\nwhy\n  %s\n", strings.ReplaceAll(strings.TrimSpace(r.Why), "\n", "\n  "))
	if row.hint != "" {
		e.f("\ninstead\n  %s\n", guard.Printable(row.hint))
	}
	e.f("\nit speaks at\n")
	for _, x := range r.Examples.Match {
		e.example(x.Line, x.At)
	}
	e.f("\nit is silent at\n")
	for _, x := range r.Examples.Silent {
		e.example(x.Line, x.At)
	}
	return e.err
}

// example shows a rule's example, with what differs there from an ordinary
// server: without it the same line may stand on both sides.
func (e *explainer) example(line string, at rules.Situation) {
	e.f("  %s", strings.ReplaceAll(line, "\n", "\n  "))
	if where := at.String(); where != "" {
		e.f("   # %s", guard.Printable(where))
	}
	e.f("\n")
}
