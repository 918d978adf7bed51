package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

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
		RunE: func(c *cobra.Command, _ []string) error { return usage("rules: list, show, new, test or lint") },
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
		l, effects, facts := rules.Imagine(m.Line, m.At)
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

func rulesNew() *cobra.Command {
	var dir string
	var write bool
	c := &cobra.Command{
		Use:   "new FAMILY/VERB-PHRASE",
		Short: "a rule to begin with, that loads as it is",
		Long: `Print a rule to begin with, that loads as it is. With --write it is put into
` + siteRules + `, with --dir elsewhere; a file that is there stays.`,
		Example: "  guardsh rules new site/restart-heketi --write",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&dir, "dir", "", "write it into `directory`")
	c.Flags().BoolVar(&write, "write", false, "write it into "+siteRules)
	c.RunE = func(c *cobra.Command, args []string) error {
		id := args[0]
		text := []byte(strings.ReplaceAll(ruleTemplate, "FAMILY/VERB-PHRASE", id))
		name := strings.ReplaceAll(id, "/", "-") + ".yaml"
		if problems := lint([]ruleFile{{name, text}}, true); len(problems) > 0 {
			return usage(fmt.Sprintf("%q is no rule's id: family/verb-phrase in lower case, such as site/restart-heketi", id))
		}
		if write && dir == "" {
			dir = siteRules
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if dir == "" {
			_, err := c.OutOrStdout().Write(text)
			return err
		}
		name = filepath.Join(dir, name)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\nhint: change it, then guardsh rules lint %s\n", name, name)
		}
		return err
	}
	return c
}

// ruleTemplate is a rule that loads. The two first lines are what guardsh
// finds rules by, so the comments stand behind them.
const ruleTemplate = `id: FAMILY/VERB-PHRASE
on: [stop, restart]
# on: what the rule is about. Effects are create, write-tree, overwrite, truncate,
#   append, delete, move, metadata, format, partition, raw-write, mount, remount,
#   unmount, fsck, stop, restart, disable, kill, power, net-change, remote-run …
#   "guardsh explain LINE" shows the effects of a line and what is known of them.
# when: a condition (expr-lang); without one the rule always speaks.
when: type == "service" && object == "example"
# unless: an exception, such as user == "backup"
# verdict: notify (said), confirm (asked), challenge (a name is typed), block
verdict: confirm
# raise: stricter under a further condition
#   - {when: 'remote', verdict: challenge}
# summary: one line, what the line would do; {expressions} are filled in.
summary: '{kind == "stop" ? "stops" : "restarts"} {object}, which the site depends on'
# details: further lines; each may have its own when.
# why: the harm, and the day that it was done.
why: say here what happened the last time
# instead: a line to type, which has to pass all rules; hint: words.
instead: systemctl status {quote(object)}
hint: ask who is on call
# The examples are run when the file is loaded. A rule that does not do what
# they say does not load.
examples:
  match:
    - systemctl restart example
    - {line: systemctl stop example.service, says: [stops example]}
  silent:
    - systemctl status example
    - systemctl restart other
`

func rulesTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test [FILE|DIR]",
		Short: "run every example of rule files, or of all rules of this machine",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return lintFiles(c.OutOrStdout(), args[0], false)
			}
			return testAll(c.OutOrStdout())
		},
	}
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
		Short: "test, and look for what is missing: by default in " + siteRules,
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return lintFiles(c.OutOrStdout(), cmp.Or(strings.Join(args, ""), siteRules), true)
		},
	}
}

// ruleFile is a rule file as it was named in the call.
type ruleFile struct {
	name string
	text []byte
}

// readRuleFiles reads a file, or all rule files below a directory.
func readRuleFiles(name string) ([]ruleFile, error) {
	var files []ruleFile
	err := filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := filepath.Ext(p)
		if p != name && (ext != ".yaml" && ext != ".yml" || strings.HasPrefix(d.Name(), ".")) {
			return nil
		}
		if st, err := os.Stat(p); err == nil && !st.Mode().IsRegular() {
			return fmt.Errorf("%s: not a regular file", p)
		}
		text, err := os.ReadFile(p)
		files = append(files, ruleFile{p, text})
		return err
	})
	return files, err
}

func lintFiles(w io.Writer, name string, strict bool) error {
	files, err := readRuleFiles(name)
	if errors.Is(err, fs.ErrNotExist) && name == siteRules {
		_, err := fmt.Fprintf(w, "no rules in %s\n", siteRules)
		return err
	}
	if err != nil {
		return usage(err.Error())
	}
	if len(files) == 0 {
		return usage(name + ": no rule files (*.yaml) there")
	}
	return verdictOn(w, lint(files, strict), len(files), -1)
}

// verdictOn writes the problems, or that there are none. examples below 0 are
// not counted.
func verdictOn(w io.Writer, problems []string, n, examples int) error {
	for _, p := range problems {
		fmt.Fprintln(w, guard.Printable(p))
	}
	if len(problems) > 0 {
		return exitStatus(1)
	}
	if examples < 0 {
		_, err := fmt.Fprintf(w, "%s: good\n", count(n, "rule"))
		return err
	}
	_, err := fmt.Fprintf(w, "%s, %s: each does what its examples say\n", count(n, "rule"), count(examples, "example"))
	return err
}

// slot is the name that the loader is given for a file: it takes only names
// without a leading slash or dots, so each file is called by its place in the
// list until its errors are shown.
func slot(i int) string { return fmt.Sprintf("rule-file-%d.yaml", i) }

// lint loads rule files one behind the other, as the site's, and gives their
// problems as file:line:col: reason. strict adds what loads and is still wrong.
func lint(files []ruleFile, strict bool) []string {
	set, have := rules.Builtin(), rules.Builtin()
	var problems []string
	owner := map[string]string{}
	for i, f := range files {
		before := set.IDs()
		if err := set.Add(fstest.MapFS{slot(i): {Data: f.text}}, rules.Administrator); err != nil {
			for l := range strings.SplitSeq(err.Error(), "\n") {
				problems = append(problems, strings.Replace(l, slot(i), f.name, 1))
			}
			continue
		}
		id := idOf(f.text)
		first, twice := owner[id]
		switch {
		case twice:
			problems = append(problems, fmt.Sprintf("%s:1:1: rule %s stands in %s too; only the last of them holds", f.name, id, first))
			continue
		case !strict:
		default:
			problems = append(problems, shortcomings(set, have, f, id, !slices.Contains(before, id))...)
		}
		owner[id] = f.name
	}
	return problems
}

// idOf is the id in a file that has loaded: its first line holds it.
func idOf(text []byte) string {
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "id:"))
}

// shortcomings are what the loader takes and a reader should not: words that
// are missing or were never written, near misses that are none.
func shortcomings(set, builtin *rules.Set, f ruleFile, id string, fresh bool) []string {
	var out []string
	bad := func(key, format string, args ...any) {
		line, col := position(f.text, key)
		out = append(out, fmt.Sprintf("%s:%d:%d: %s: %s", f.name, line, col, id, fmt.Sprintf(format, args...)))
	}
	r, err := set.Rule(id)
	if err != nil {
		return nil
	}
	if strings.TrimSpace(r.Why) == "" {
		bad("why", "why is empty: who is asked has a right to know what went wrong before")
	}
	if strings.TrimSpace(r.Instead) == "" && strings.TrimSpace(r.Hint) == "" {
		bad("hint", "neither instead nor hint says what to do")
	}
	near := false
	for _, s := range r.Examples.Silent {
		_, effects, _ := rules.Imagine(s.Line, s.At)
		_, matches, _ := rules.Imagine(r.Examples.Match[0].Line, r.Examples.Match[0].At)
		near = near || len(effects) > 0 || firstWord(s.Line) == firstWord(r.Examples.Match[0].Line) || len(matches) == 0
	}
	if !near {
		bad("silent", "no silent example is a near miss: take the same command, doing something harmless")
	}
	if !fresh {
		old, err := builtin.Rule(id)
		if err != nil {
			return out
		}
		was, _ := rules.ParseVerdict(old.Verdict)
		if is, err := rules.ParseVerdict(r.Verdict); err == nil && is < was {
			bad("verdict", "replaces the built-in rule, which is %s, by a weaker one", was)
		}
	}
	return out
}

// firstWord is the first word of a line.
func firstWord(line string) string {
	if f := strings.Fields(line); len(f) > 0 {
		return f[0]
	}
	return ""
}

// position is where a key of the file stands, at any depth.
func position(text []byte, key string) (line, col int) {
	n := 0
	for l := range strings.SplitSeq(string(text), "\n") {
		n++
		if rest := strings.TrimLeft(l, " "); strings.HasPrefix(rest, key+":") {
			return n, len(l) - len(rest) + 1
		}
	}
	return 1, 1
}
