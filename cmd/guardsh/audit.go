package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"guardsh/audit"
	"guardsh/guard"
)

const auditStatuses = `  0  done; verify: the trail is good
  1  it failed; verify: the trail is not good; search: nothing found
  2  the call was wrong`

const rootForges = "root on this machine, or whoever holds its key, could have forged what was written\n" +
	"after the last head that left it; compare with a head or key kept elsewhere (--key)"

func auditCommand() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "what happened: list, show, search, verify",
		Long: `Read the trail: what was typed, what was said about it, and what became of it.
SESSION is an id or the start of one; last, or nothing, is the newest.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	c.PersistentFlags().StringVar(&dir, "dir", "", "the trail's `directory` (default: the configuration's, or "+audit.Root()+")")
	c.SetHelpTemplate(helpTemplate(auditStatuses))
	root := func() string {
		return trailDir(dir)
	}
	verb := func(use, short string, args cobra.PositionalArgs, run func(c *cobra.Command, args []string) error) *cobra.Command {
		v := &cobra.Command{Use: use, Short: short, Args: args, RunE: run}
		v.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object a line")
		c.AddCommand(v)
		return v
	}

	verb("list", "every session, newest first", cobra.NoArgs, func(c *cobra.Command, _ []string) error {
		all, err := audit.Sessions(root())
		if errors.Is(err, audit.ErrNoTrail) || err == nil && len(all) == 0 {
			if !asJSON {
				fmt.Fprintf(c.OutOrStdout(), "no session is recorded in %s yet\n", root())
			}
			return nil
		}
		if err != nil {
			return err
		}
		return listSessions(c.OutOrStdout(), all, asJSON)
	})
	verb("show [SESSION]", "one session: its lines, what was said and what became of them", cobra.MaximumNArgs(1), func(c *cobra.Command, args []string) error {
		s, err := audit.Find(root(), strings.Join(args, ""))
		if err != nil {
			return err
		}
		return showSession(c.OutOrStdout(), s, asJSON)
	})
	verb("search TEXT", "lines whose text, verdict, rule, finding or program holds TEXT", cobra.ExactArgs(1), func(c *cobra.Command, args []string) error {
		hits, err := audit.Search(root(), args[0])
		if err != nil {
			return err
		}
		if len(hits) == 0 {
			if !asJSON {
				fmt.Fprintf(c.ErrOrStderr(), "guardsh: nothing in %s holds %q\n", root(), args[0])
			}
			return exitStatus(1)
		}
		return showHits(c.OutOrStdout(), hits, asJSON)
	})
	var keys []string
	v := verb("verify [SESSION]", "whether the trail is whole: edited, dropped, inserted, reordered, cut, missing", cobra.MaximumNArgs(1), func(c *cobra.Command, args []string) error {
		at := root()
		if len(args) == 1 {
			s, err := audit.Find(at, args[0])
			if err != nil {
				return err
			}
			at = s.Dir
		}
		return verifyTrail(c.OutOrStdout(), at, keys, asJSON)
	})
	v.Flags().StringSliceVar(&keys, "key", nil, "the verifier `key`, or its file, by which heads are signed (default: key.pub)")
	return c
}

// sessionRow is a session as list --json tells it.
type sessionRow struct {
	ID       string    `json:"id"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	User     string    `json:"user"`
	TTY      string    `json:"tty,omitempty"`
	Host     string    `json:"host,omitempty"`
	Peer     string    `json:"peer,omitempty"`
	Lines    int       `json:"lines"`
	Refusals int       `json:"refusals"`
	State    string    `json:"state"`
	Status   *int      `json:"status,omitempty"`
	Dir      string    `json:"dir"`
	Damaged  string    `json:"damaged,omitempty"`
}

func newSessionRow(s *audit.Session) sessionRow {
	r := sessionRow{ID: s.ID, Start: s.Start, End: s.End, User: s.User, TTY: s.TTY, Host: s.Host, Peer: s.Peer,
		Lines: len(s.Lines), Refusals: s.Refusals(), State: string(s.State), Status: s.Status, Dir: s.Dir}
	if s.Damaged != nil {
		r.Damaged = s.Damaged.Error()
	}
	return r
}

func listSessions(out io.Writer, all []audit.Session, asJSON bool) error {
	if asJSON {
		for i := range all {
			if err := printJSON(out, newSessionRow(&all[i])); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SESSION\tWHEN\tUSER\tTTY\tLINES\tREFUSED\tSTATE")
	n := prefixLen(all)
	for i := range all {
		s := &all[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", audit.Printable(s.ID[:min(n, len(s.ID))]), when(s.Start),
			orDash(s.User), orDash(s.TTY), len(s.Lines), s.Refusals(), sessionState(s))
	}
	return w.Flush()
}

// prefixLen is how much of the ids tells all sessions apart.
func prefixLen(all []audit.Session) int {
	for n := 10; n < 26; n++ { // ten characters are the time in milliseconds
		seen := map[string]bool{}
		unique := true
		for i := range all {
			p := all[i].ID[:min(n, len(all[i].ID))]
			unique = unique && !seen[p]
			seen[p] = true
		}
		if unique {
			return n
		}
	}
	return 26
}

func sessionState(s *audit.Session) string {
	state := string(s.State)
	if s.Status != nil {
		state += ", status " + strconv.Itoa(*s.Status)
	}
	if s.Damaged != nil {
		state += ", damaged"
	}
	return state
}

func showSession(out io.Writer, s *audit.Session, asJSON bool) error {
	if asJSON {
		return showSessionJSON(out, s)
	}
	fmt.Fprintf(out, "session %s: %s", audit.Printable(s.ID), orDash(s.User))
	for _, p := range []struct{ word, value string }{{" on ", s.TTY}, {" at ", s.Host}, {" from ", s.Peer}} {
		if p.value != "" {
			fmt.Fprint(out, p.word, audit.Printable(p.value))
		}
	}
	fmt.Fprintf(out, "\n%s, %s, %s\n", when(s.Start), span(s.End.Sub(s.Start)), sessionState(s))
	if s.Damaged != nil {
		fmt.Fprintf(out, "damaged: %s\nhint: guardsh audit verify\n", audit.Printable(s.Damaged.Error()))
	}
	fmt.Fprintln(out)
	// The table is laid out first; what belongs to a line goes below it.
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "#\tTIME\tVERDICT\tSTATUS\tTOOK\tLINE")
	for i := range s.Lines {
		l := &s.Lines[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Event.Line, clock(l.Event.Time), orDash(l.Event.Verdict),
			lineStatus(l), lineTook(l), audit.Printable(lineText(l)))
	}
	w.Flush()
	rows := strings.SplitAfter(table.String(), "\n")
	if len(s.Lines) == 0 {
		fmt.Fprintln(out, "no lines")
	} else {
		io.WriteString(out, rows[0])
	}
	for i := range s.Lines {
		io.WriteString(out, rows[i+1])
		showLine(out, &s.Lines[i])
	}
	for _, e := range s.Others {
		fmt.Fprintf(out, "%s  %s: %s", clock(e.Time), audit.Printable(string(e.Kind)), audit.Printable(strings.TrimSpace(orElse(e.Text, e.Reason))))
		if e.Kind == audit.Gap && e.Lost > 0 {
			fmt.Fprintf(out, "; %d events were lost", e.Lost)
		}
		fmt.Fprintln(out)
	}
	return nil
}

// showLine writes what belongs to a line, below it.
func showLine(out io.Writer, l *audit.Line) {
	p := func(format string, args ...any) { fmt.Fprintf(out, "     "+format+"\n", args...) }
	for _, f := range l.Event.Findings {
		p("%s: %s: %s", audit.Printable(f.Verdict), audit.Printable(f.Rule), audit.Printable(f.Summary))
	}
	if len(l.Event.Unknowns) > 0 {
		p("not known: %s", audit.Printable(strings.Join(l.Event.Unknowns, "; ")))
	}
	for _, a := range l.Answers {
		p("answered %s after %s", audit.Printable(a.Answer), span(a.Took))
	}
	for _, id := range l.Snapshots {
		p("kept: snapshot %s", audit.Printable(id))
	}
	for _, e := range l.Programs {
		if e.Verdict != "" && e.Verdict != "allow" {
			p("%s below it: %s", audit.Printable(string(e.Outcome)), audit.Printable(e.Text))
			for _, f := range e.Findings {
				p("  %s: %s: %s", audit.Printable(f.Verdict), audit.Printable(f.Rule), audit.Printable(f.Summary))
			}
		}
	}
}

// sessionJSON is a session as show --json tells it.
type sessionJSON struct {
	sessionRow
	LineList []lineJSON    `json:"line_list"`
	Others   []audit.Event `json:"others,omitempty"`
}

type lineJSON struct {
	Event     audit.Event   `json:"event"`
	Outcome   audit.Outcome `json:"outcome,omitempty"`
	Questions []audit.Event `json:"questions,omitempty"`
	Answers   []audit.Event `json:"answers,omitempty"`
	Programs  []audit.Event `json:"programs,omitempty"`
	Snapshots []string      `json:"snapshots,omitempty"`
	End       *audit.Event  `json:"end,omitempty"`
}

func newLineJSON(l *audit.Line) lineJSON {
	return lineJSON{Event: l.Event, Outcome: l.Outcome(), Questions: l.Questions, Answers: l.Answers,
		Programs: l.Programs, Snapshots: l.Snapshots, End: l.End}
}

func showSessionJSON(out io.Writer, s *audit.Session) error {
	j := sessionJSON{sessionRow: newSessionRow(s), LineList: []lineJSON{}, Others: s.Others}
	for i := range s.Lines {
		j.LineList = append(j.LineList, newLineJSON(&s.Lines[i]))
	}
	return printJSON(out, j)
}

func showHits(out io.Writer, hits []audit.Hit, asJSON bool) error {
	if asJSON {
		for _, h := range hits {
			err := printJSON(out, struct {
				Session string    `json:"session"`
				User    string    `json:"user"`
				Where   string    `json:"where"`
				Line    time.Time `json:"time"`
				lineJSON
			}{h.Session.ID, h.Session.User, h.Where, h.Line.Event.Time, newLineJSON(h.Line)})
			if err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SESSION@LINE\tWHEN\tUSER\tVERDICT\tSTATUS\tLINE")
	for _, h := range hits {
		fmt.Fprintf(w, "%s@%d\t%s\t%s\t%s\t%s\t%s\n", audit.Printable(h.Session.ID), h.Line.Event.Line, when(h.Line.Event.Time),
			orDash(h.Session.User), orDash(h.Line.Event.Verdict), lineStatus(h.Line), audit.Printable(lineText(h.Line)))
	}
	return w.Flush()
}

func verifyTrail(out io.Writer, dir string, keys []string, asJSON bool) error {
	for i, k := range keys {
		if b, err := os.ReadFile(k); err == nil {
			keys[i] = strings.TrimSpace(string(b))
		}
	}
	problems, sum, err := audit.Verify(dir, keys...)
	if err != nil {
		return err
	}
	if asJSON {
		err := printJSON(out, struct {
			Good     bool            `json:"good"`
			Problems []audit.Problem `json:"problems"`
			audit.Summary
		}{len(problems) == 0, append([]audit.Problem{}, problems...), sum})
		if err == nil && len(problems) > 0 {
			err = exitStatus(1)
		}
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	for _, n := range sum.Notes {
		fmt.Fprintln(out, "note:", audit.Printable(n))
	}
	looked := fmt.Sprintf("%s, %s, %s", count(sum.Journals, "journal"), count(sum.Events, "event"), count(sum.Heads, "signed head"))
	if len(problems) > 0 {
		fmt.Fprintf(out, "not good: %s in %s\n", count(len(problems), "problem"), looked)
		return exitStatus(1)
	}
	fmt.Fprintf(out, "good: %s\n%s\n", looked, rootForges)
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func lineText(l *audit.Line) string {
	if l.Event.TextRaw != nil {
		return string(l.Event.TextRaw)
	}
	return l.Event.Text
}

func lineStatus(l *audit.Line) string {
	if o := l.Outcome(); o != audit.Ran && o != "" {
		return audit.Printable(string(o))
	}
	if l.End != nil && l.End.Status != nil {
		return strconv.Itoa(*l.End.Status)
	}
	return "-"
}

func lineTook(l *audit.Line) string {
	if l.End == nil || l.Outcome() != audit.Ran {
		return "-"
	}
	return span(l.End.Duration)
}

// span is a duration for people.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func when(t time.Time) string  { return t.Local().Format("2006-01-02 15:04:05") }
func clock(t time.Time) string { return t.Local().Format("15:04:05") }

func orDash(s string) string { return audit.Printable(orElse(s, "-")) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// trailDir is the trail's directory: the one that was named, the
// configuration's, or the default.
func trailDir(named string) string {
	return cmp.Or(named, guard.Configured().Trail, audit.Root())
}
