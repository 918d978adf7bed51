package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"guardsh/guard"
	"guardsh/rules"
)

// siteRules is where the administrator's own rules are.
const siteRules = "/etc/guardsh/rules.d"

func rulesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "the rules: list, show, write and test them",
		Long: `The rules by which lines are judged: those that guardsh brings, and the site's
own in ` + siteRules + `, one YAML file each. "guardsh explain ID" tells the
story of one.`,
		Example: `  guardsh rules list
  guardsh rules new site/restart-heketi --dir .
  guardsh rules lint .`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	c.SetHelpTemplate(helpTemplate(`  0   done, all is well
  1   a rule is broken or lies
  2   the call was wrong`))
	c.AddCommand(rulesList(), rulesShow(), rulesNew(), rulesTest(), rulesLint())
	return c
}

// listed is a row of the list of rules.
type listed struct {
	ID       string   `json:"id"`
	Verdicts []string `json:"verdicts"` // its own and those it is raised to, the mildest first
	Says     string   `json:"says"`     // at its first example
	Example  string   `json:"example"`
	File     string   `json:"file,omitempty"` // of a site's rule

	hint string // at its first example
}

func rulesList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "all rules by family, with what each says at its first example",
		Args:  cobra.NoArgs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a rule")
	c.RunE = func(c *cobra.Command, _ []string) error {
		set := siteSet()
		var rows []listed
		for _, id := range set.IDs() {
			row, err := listRule(set, id)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		if asJSON {
			enc := json.NewEncoder(c.OutOrStdout())
			enc.SetEscapeHTML(false)
			for _, r := range rows {
				if err := enc.Encode(r); err != nil {
					return err
				}
			}
			return nil
		}
		return showRules(c.OutOrStdout(), rows)
	}
	return c
}

// siteSet is the rules of this machine; what is broken is said.
func siteSet() *rules.Set {
	j, problems := guard.NewJudge(guard.Here())
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, "guardsh:", guard.Printable(p))
	}
	return j.Rules
}

// listRule makes a rule's row. What it says is taken from its first example:
// the summary itself is an expression, which nobody wants to read.
func listRule(set *rules.Set, id string) (listed, error) {
	r, err := set.Rule(id)
	if err != nil {
		return listed{}, err
	}
	row := listed{ID: id, Verdicts: verdictsOf(r), Says: r.Summary}
	if name, builtin := set.File(id); !builtin {
		row.File = "/" + name
	}
	for _, m := range r.Examples.Match {
		l, effects, facts := set.Imagined(m.Line, m.At)
		for _, f := range rules.Judge(set, l, effects, facts).Findings {
			if f.Rule == id {
				row.Says, row.Example, row.hint = f.Summary, m.Line, f.Hint
				return row, nil
			}
		}
	}
	return row, nil
}

func verdictsOf(r *rules.Rule) []string {
	var vs []rules.Verdict
	for _, s := range append([]string{r.Verdict}, raises(r)...) {
		if v, err := rules.ParseVerdict(s); err == nil {
			vs = append(vs, v)
		}
	}
	slices.Sort(vs)
	var out []string
	for _, v := range slices.Compact(vs) {
		out = append(out, v.String())
	}
	return out
}

func raises(r *rules.Rule) (out []string) {
	for _, x := range r.Raise {
		out = append(out, x.Verdict)
	}
	return out
}

// showRules writes a block a family, a rule a row.
func showRules(w io.Writer, rows []listed) error {
	wide, verdictWide := 0, 0
	for _, r := range rows {
		wide, verdictWide = max(wide, len(r.verb())), max(verdictWide, len(r.span()))
	}
	e := &explainer{w: w}
	family, site := "", 0
	for _, r := range rows {
		if f, _, _ := strings.Cut(r.ID, "/"); f != family {
			if family != "" {
				e.f("\n")
			}
			family = f
			e.f("%s\n", family)
		}
		mark := " "
		if r.File != "" {
			mark = "*"
			site++
		}
		e.f("%s %-*s  %-*s  %s\n", mark, wide, r.verb(), verdictWide, r.span(), guard.Printable(r.Says))
	}
	e.f("\n%s; the words are those of each rule's first example\n", count(len(rows), "rule"))
	if site > 0 {
		e.f("* of the site, in %s\n", siteRules)
	}
	e.f("hint: guardsh explain FAMILY/RULE\n")
	return e.err
}

// verb is the id without the family.
func (r listed) verb() string { _, v, _ := strings.Cut(r.ID, "/"); return v }

// span is the verdicts from the mildest to the strictest.
func (r listed) span() string {
	if n := len(r.Verdicts); n > 1 {
		return r.Verdicts[0] + "-" + r.Verdicts[n-1]
	}
	return strings.Join(r.Verdicts, "")
}

func rulesShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "the file of a rule",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set := siteSet()
			text, ok := set.Text(args[0])
			if !ok {
				return usage(unknownRule(set, args[0]))
			}
			_, err := c.OutOrStdout().Write(text)
			return err
		},
	}
}

// unknownRule says that there is no such rule, and which come near.
func unknownRule(set *rules.Set, id string) string {
	var near []string
	_, verb, _ := strings.Cut(id, "/")
	for _, have := range set.IDs() {
		family, v, _ := strings.Cut(have, "/")
		if v == verb || v == id || family == id || strings.HasPrefix(have, id) {
			near = append(near, have)
		}
	}
	if len(near) > 0 {
		return fmt.Sprintf("no rule %q; there is %s", id, strings.Join(near, ", "))
	}
	return fmt.Sprintf("no rule %q (guardsh rules list)", id)
}

func rulesTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test [ID|FILE|DIR]",
		Short: "run every example of rule files, or of all rules of this machine",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && looksLikeRule(args[0]) {
				return testOne(c.OutOrStdout(), args[0])
			}
			if len(args) == 1 {
				return lintFiles(c.OutOrStdout(), args[0], false)
			}
			return testAll(c.OutOrStdout())
		},
	}
}

// testOne tries one rule of this machine.
func testOne(w io.Writer, id string) error {
	set := siteSet()
	r, err := set.Rule(id)
	if err != nil {
		return usage(unknownRule(set, id))
	}
	var problems []string
	if err := set.Try(id); err != nil {
		problems = strings.Split(err.Error(), "\n")
	}
	return verdictOn(w, problems, 1, len(r.Examples.Match)+len(r.Examples.Silent))
}

// testAll tries every rule of this machine. The site's own were tried when
// they were loaded; those that lie are not in the set.
func testAll(w io.Writer) error {
	j, problems := guard.NewJudge(guard.Here())
	examples := 0
	ids := j.Rules.IDs()
	for _, id := range ids {
		if err := j.Rules.Try(id); err != nil {
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		}
		if r, err := j.Rules.Rule(id); err == nil {
			examples += len(r.Examples.Match) + len(r.Examples.Silent)
		}
	}
	return verdictOn(w, problems, len(ids), examples)
}

func rulesLint() *cobra.Command {
	return &cobra.Command{
		Use:   "lint [FILE|DIR]",
		Short: "test, and look for what is missing: by default all that the site wrote",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return lintSite(c.OutOrStdout())
			}
			return lintFiles(c.OutOrStdout(), args[0], true)
		},
	}
}
