package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"guardsh/audit/snapshot"
	"guardsh/guard"
)

const snapshotStatuses = `  0   done
  1   it failed, or verify found damage
  2   the call was wrong
  10  restore: declined, or something changed after the line`

func snapshotCommand() *cobra.Command {
	var store string
	var asJSON bool
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "what was kept before lines ran: list, show, diff, restore, verify, pin, prune, drop",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	c.PersistentFlags().StringVar(&store, "store", "", "the snapshots' directory (default: the system's for root, your own for others)")
	c.SetHelpTemplate(helpTemplate(snapshotStatuses))

	// verb adds a command that works on the store.
	verb := func(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *snapshot.Store, []string) error) *cobra.Command {
		v := &cobra.Command{Use: use, Short: short, Args: args}
		v.RunE = func(v *cobra.Command, args []string) error {
			s, err := snapshot.Open(cmp.Or(store, guard.Configured().Store))
			if err != nil {
				return err
			}
			return run(v, s, args)
		}
		c.AddCommand(v)
		return v
	}
	jsonFlag := func(v *cobra.Command) { v.Flags().BoolVar(&asJSON, "json", false, "as JSON") }

	jsonFlag(verb("list", "every snapshot, newest first", cobra.NoArgs, func(v *cobra.Command, s *snapshot.Store, _ []string) error {
		return listSnapshots(v, s, asJSON)
	}))

	jsonFlag(verb("show ID", "one snapshot: the line, what was kept, how far back it goes", cobra.ExactArgs(1), func(v *cobra.Command, s *snapshot.Store, args []string) error {
		x, err := s.Load(args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(v.OutOrStdout(), row(x))
		}
		showSnapshot(v.OutOrStdout(), x)
		return nil
	}))

	jsonFlag(verb("diff ID", "what a restore would change now", cobra.ExactArgs(1), func(v *cobra.Command, s *snapshot.Store, args []string) error {
		return diffSnapshot(v, s, args[0], asJSON)
	}))

	var o *restoreCall
	r := verb("restore ID", "bring back what was kept (guardsh undo)", cobra.ExactArgs(1), func(v *cobra.Command, s *snapshot.Store, args []string) error {
		return restoreSnapshot(v, s, args[0], o)
	})
	o = restoreFlags(r)

	verb("verify [ID...]", "read what was kept and compare its hashes", cobra.ArbitraryArgs, verifySnapshots)

	var off bool
	verb("pin ID...", "keep snapshots from prune", cobra.MinimumNArgs(1), func(v *cobra.Command, s *snapshot.Store, args []string) error {
		for _, id := range args {
			if err := s.Pin(id, !off); err != nil {
				return err
			}
		}
		return nil
	}).Flags().BoolVar(&off, "off", false, "let them go again")

	verb("drop ID...", "delete snapshots; works on a full disk", cobra.MinimumNArgs(1), func(v *cobra.Command, s *snapshot.Store, args []string) error {
		for _, id := range args {
			if err := s.Drop(id); err != nil {
				return err
			}
		}
		return nil
	})

	var age days
	var size bytesFlag
	p := verb("prune", "drop old snapshots, never a pinned one and never the newest", cobra.NoArgs, func(v *cobra.Command, s *snapshot.Store, _ []string) error {
		if age == 0 && size == 0 {
			return usage("prune needs --older or --size")
		}
		gone, err := s.Prune(snapshot.Retention{Age: time.Duration(age), Bytes: int64(size)})
		var freed int64
		for _, x := range gone {
			freed += x.Stored
		}
		fmt.Fprintf(v.OutOrStdout(), "dropped %d, %s copied for them\n", len(gone), snapshot.Size(freed))
		return err
	})
	p.Flags().Var(&age, "older", "drop what is older than this: 30d, 12h")
	p.Flags().Var(&size, "size", "drop the oldest until no more than this is stored: 10G, 500M")
	return c
}

// listSnapshots shows those that can be read, and says which cannot.
func listSnapshots(v *cobra.Command, s *snapshot.Store, asJSON bool) error {
	all, err := s.List()
	if asJSON {
		for _, x := range all {
			if err := printJSON(v.OutOrStdout(), row(x)); err != nil {
				return err
			}
		}
		return err
	}
	if len(all) == 0 && err == nil {
		fmt.Fprintln(v.ErrOrStderr(), "guardsh: nothing is kept")
	}
	w := tabwriter.NewWriter(v.OutOrStdout(), 0, 0, 2, ' ', 0)
	if len(all) > 0 {
		fmt.Fprintln(w, "ID\tTIME\tSTATE\tREACH\tENTRIES\tKEPT\tCOPIED\tLINE")
	}
	for _, x := range all {
		state := strings.ToLower(string(x.State))
		if x.Pinned {
			state += ", pinned"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", x.Short, x.Time.Local().Format("2006-01-02 15:04:05"),
			state, x.Reach, x.Entries, snapshot.Size(x.Bytes), snapshot.Size(x.Stored), visible(x.Line))
	}
	w.Flush()
	return err
}

func diffSnapshot(v *cobra.Command, s *snapshot.Store, id string, asJSON bool) error {
	changes, err := s.Diff(v.Context(), id)
	if err != nil {
		return err
	}
	if !asJSON {
		printChanges(v.OutOrStdout(), changes)
		return nil
	}
	for _, c := range changes {
		if err := printJSON(v.OutOrStdout(), c); err != nil {
			return err
		}
	}
	return nil
}

// verifySnapshots verifies those that are named, or all.
func verifySnapshots(v *cobra.Command, s *snapshot.Store, ids []string) error {
	if len(ids) == 0 {
		all, err := s.List()
		if err != nil {
			return err
		}
		for _, x := range all {
			ids = append(ids, x.ID)
		}
	}
	bad := 0
	for _, id := range ids {
		if err := s.Verify(v.Context(), id); err != nil {
			bad++
			for l := range strings.SplitSeq(err.Error(), "\n") {
				fmt.Fprintf(v.ErrOrStderr(), "guardsh: %s: %s\n", id, visible(l))
			}
		}
	}
	fmt.Fprintf(v.OutOrStdout(), "%d good, %d damaged\n", len(ids)-bad, bad)
	if bad > 0 {
		return exitStatus(1)
	}
	return nil
}

// row is a snapshot as --json shows it: the manifest and what became of it.
func row(x *snapshot.Snapshot) any {
	return struct {
		*snapshot.Snapshot
		State  snapshot.State   `json:"state"`
		Pinned bool             `json:"pinned"`
		Undone *snapshot.Undone `json:"undone,omitempty"`
		Short  string           `json:"short"`
	}{x, x.State, x.Pinned, x.Undone, x.Short}
}

func showSnapshot(out io.Writer, x *snapshot.Snapshot) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(k, f string, a ...any) { fmt.Fprintf(w, "%s\t%s\n", k, fmt.Sprintf(f, a...)) }
	line("id", "%s", x.ID)
	line("line", "%s", visible(x.Line))
	line("time", "%s", x.Time.Local().Format("2006-01-02 15:04:05.000"))
	if x.Session != "" {
		line("session", "%s", x.Session)
	}
	line("state", "%s", strings.ToLower(string(x.State)))
	if x.Undone != nil {
		line("undone", "%s, kept before that: %s", x.Undone.Time.Local().Format("2006-01-02 15:04:05"), x.Undone.By)
	}
	if x.Undoes != "" {
		line("undoes", "%s", x.Undoes)
	}
	line("reach", "%s", x.Reach)
	for _, r := range x.Reasons {
		line("", "%s", visible(r))
	}
	for _, it := range x.Items {
		what := it.Path
		if it.User != "" {
			what = "user " + it.User
		}
		line(string(it.Class), "%s", visible(what))
	}
	line("kept", "%d entries, %s, of which %s were copied in %.1f ms", x.Entries, snapshot.Size(x.Bytes), snapshot.Size(x.Stored), float64(x.Took))
	for _, p := range x.Places {
		line("also in", "%s", visible(p))
	}
	w.Flush()
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// days is a duration that also takes days.
type days time.Duration

func (d *days) String() string { return time.Duration(*d).String() }
func (d *days) Type() string   { return "AGE" }
func (d *days) Set(s string) error {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		f, err := strconv.ParseFloat(n, 64)
		if err != nil || f <= 0 || f > 1e5 {
			return fmt.Errorf("%q is no age (30d, 12h)", s)
		}
		*d = days(f * 24 * float64(time.Hour))
		return nil
	}
	t, err := time.ParseDuration(s)
	if err != nil || t <= 0 {
		return fmt.Errorf("%q is no age (30d, 12h)", s)
	}
	*d = days(t)
	return nil
}

// bytesFlag is a size with a binary suffix.
type bytesFlag int64

func (b *bytesFlag) String() string { return snapshot.Size(int64(*b)) }
func (b *bytesFlag) Type() string   { return "SIZE" }
func (b *bytesFlag) Set(s string) error {
	num := strings.TrimRight(strings.ToUpper(s), "IB")
	shift := 0
	if n := len(num); n > 0 {
		if i := strings.IndexByte("KMGT", num[n-1]); i >= 0 {
			num, shift = num[:n-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return fmt.Errorf("%q is no size (10G, 500M)", s)
	}
	*b = bytesFlag(n << shift)
	return nil
}
