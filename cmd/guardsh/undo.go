package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"guardsh/audit/snapshot"
	"guardsh/guard"
)

const restoreStatuses = `  0   done, or all is as it was before the line
  1   nothing is kept to undo, it failed, or not all came back
  2   the call was wrong
  10  not done: it was declined, or something changed after the line`

// declined is the status of an undo that was not wanted or not safe: the same
// as check's for a line that would be questioned.
const declined = exitStatus(10)

func undoCommand() *cobra.Command {
	var store string
	c := &cobra.Command{
		Use:   "undo [ID]",
		Short: "bring back what a line changed",
		Long: `Bring back what a line changed. Without ID it is the newest line that was not
undone yet: in a session, of that session. The plan is shown first. What changed
after the line is left alone, and the undo can itself be undone.`,
		Example: "  guardsh undo\n  guardsh undo --dry-run\n  guardsh undo 7vk3qe",
		Args:    cobra.MaximumNArgs(1),
	}
	storeFlag(c, &store)
	o := restoreFlags(c)
	c.SetHelpTemplate(helpTemplate(restoreStatuses))
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := snapshot.Open(cmp.Or(store, guard.Configured().Store))
		if err != nil {
			return err
		}
		id := ""
		if len(args) == 1 {
			id = args[0]
		} else if id, err = newestUndo(s, os.Getenv("GUARDSH_SESSION")); err != nil {
			return err
		}
		return restoreSnapshot(c, s, id, o)
	}
	return c
}

// newestUndo is the newest snapshot that was not undone, of a session if it is
// named. What was taken for an undo is left out: asked twice, undo goes one
// line further back.
func newestUndo(s *snapshot.Store, session string) (string, error) {
	all, err := s.List()
	if err != nil && len(all) == 0 {
		return "", err
	}
	for _, x := range all {
		if x.State == snapshot.Undid || x.Undoes != "" || x.Reach == snapshot.None {
			continue
		}
		if session != "" && x.Session != "" && x.Session != session {
			continue
		}
		return x.ID, nil
	}
	if session != "" {
		return "", errors.New("this session has nothing to undo (guardsh snapshot list shows what others have)")
	}
	return "", errors.New("there is nothing to undo")
}

// restoreCall is how a restore was asked for.
type restoreCall struct {
	yes, dry, force, noKeep, json bool
}

func storeFlag(c *cobra.Command, store *string) {
	c.Flags().StringVar(store, "store", "", "the snapshots' directory (default: the system's for root, your own for others)")
}

func restoreFlags(c *cobra.Command) *restoreCall {
	o := &restoreCall{}
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVarP(&o.dry, "dry-run", "n", false, "only show the plan")
	c.Flags().BoolVar(&o.force, "force", false, "also what changed after the line; it is kept first")
	c.Flags().BoolVar(&o.noKeep, "no-keep", false, "do not keep the present first: the undo cannot be undone")
	c.Flags().BoolVar(&o.json, "json", false, "report as JSON; needs --yes or --dry-run")
	return o
}

// restoreSnapshot shows the plan, asks and restores.
func restoreSnapshot(c *cobra.Command, s *snapshot.Store, id string, o *restoreCall) error {
	if o.json && !o.yes && !o.dry {
		return usage("--json needs --yes or --dry-run")
	}
	out := c.OutOrStdout()
	x, err := s.Load(id)
	if err != nil {
		return err
	}
	opts := snapshot.RestoreOptions{Force: o.force, NoKeep: o.noKeep, DryRun: true}
	plan, err := s.Restore(c.Context(), x.ID, opts)
	if err != nil {
		return err
	}
	if o.dry && o.json {
		return printJSON(out, plan)
	}
	conflicts := 0
	for _, ch := range plan.Changes {
		if ch.Conflict != "" {
			conflicts++
		}
	}
	if !o.json {
		printPlan(out, x, plan)
	}
	if conflicts > 0 && !o.force {
		if o.json {
			if err := printJSON(out, plan); err != nil {
				return err
			}
		}
		fmt.Fprintf(c.ErrOrStderr(), "guardsh: %d of these changed after the line: nothing was done\nhint: guardsh snapshot diff %s shows them; --force restores them too, and keeps them first\n", conflicts, x.Short)
		return declined
	}
	if o.dry {
		return nil
	}
	if len(plan.Changes) > 0 && !o.yes {
		ok, err := confirmOnTerminal("undo it?")
		if err != nil {
			return fmt.Errorf("no terminal to ask on: %w (--yes does it without asking)", err)
		}
		if !ok {
			fmt.Fprintln(out, "nothing was done")
			return declined
		}
	}
	opts.DryRun = false
	rep, err := s.Restore(c.Context(), x.ID, opts)
	var full *snapshot.NoSpace
	if errors.As(err, &full) {
		return fmt.Errorf("%w\nhint: --no-keep restores without keeping the present first", err)
	}
	if err != nil {
		return err
	}
	if o.json {
		if err := printJSON(out, rep); err != nil {
			return err
		}
	} else {
		printReport(c, s, x, rep)
	}
	if len(rep.Failed)+len(rep.Unseen) > 0 {
		return exitStatus(1)
	}
	return nil
}

// planLines is how much of a plan is shown at once.
const planLines = 40

func printPlan(out io.Writer, x *snapshot.Snapshot, r snapshot.Report) {
	fmt.Fprintf(out, "%s  %s  %s  %s\n", x.Short, x.Time.Local().Format("2006-01-02 15:04:05"), x.Reach, visible(x.Line))
	for _, why := range x.Reasons {
		fmt.Fprintf(out, "  not with it: %s\n", visible(why))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "  note: %s\n", visible(n))
	}
	for _, u := range r.Unseen {
		fmt.Fprintf(out, "  what it is now cannot be told: %s\n", visible(u))
	}
	switch {
	case len(r.Changes) > 0:
	case len(r.Unseen) > 0:
		fmt.Fprintln(out, "nothing else is another than before the line")
		return
	default:
		fmt.Fprintln(out, "all is as it was before the line")
		return
	}
	printChanges(out, r.Changes)
}

func printChanges(out io.Writer, cs []snapshot.Change) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, ch := range cs {
		if i == planLines {
			fmt.Fprintf(w, "  … and %d more\n", len(cs)-i)
			break
		}
		what := strings.Join(ch.What, ", ")
		if ch.Conflict != "" {
			what = strings.TrimPrefix(what+"; ", "; ") + "CONFLICT: " + ch.Conflict
		}
		size := ""
		if ch.Type == string(snapshot.KFile) || ch.Size > 0 {
			size = snapshot.Size(ch.Size)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", ch.Act, ch.Type, size, visible(ch.Path), visible(what))
	}
	w.Flush()
}

func printReport(c *cobra.Command, s *snapshot.Store, x *snapshot.Snapshot, r snapshot.Report) {
	for _, f := range r.Failed {
		fmt.Fprintf(c.ErrOrStderr(), "guardsh: %s\n", visible(f))
	}
	if len(r.Failed) > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "guardsh: %d could not be restored\n", len(r.Failed))
	}
	if len(r.Changes) == 0 {
		return
	}
	fmt.Fprintf(c.OutOrStdout(), "restored %s\n", x.Short)
	if u, err := s.Load(r.Undo); r.Undo != "" && err == nil {
		fmt.Fprintf(c.OutOrStdout(), "hint: guardsh undo %s takes that back\n", u.Short)
	}
}

// visible makes a name or line harmless for a terminal: what does not print is
// quoted as Go would.
func visible(s string) string {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// confirmOnTerminal asks on the terminal itself; standard input is never an
// answer, and neither is what was typed before the question stood there.
func confirmOnTerminal(question string) (bool, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer tty.Close()
	if err := unix.IoctlSetInt(int(tty.Fd()), unix.TCFLSH, unix.TCIFLUSH); err != nil {
		return false, err
	}
	if _, err := fmt.Fprintf(tty, "%s [y/N] ", question); err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(tty).ReadString('\n')
	if err != nil {
		fmt.Fprintln(tty)
		return false, nil // end of file means no
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
