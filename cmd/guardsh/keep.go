package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"guardsh/guard"
)

func keepCommand() *cobra.Command {
	var store, timer string
	c := &cobra.Command{
		Use:   "keep",
		Short: "keep a change that would be put back",
		Long: `Keep a change that would be put back. A line that may cut your own session off
runs under a timer: unless you press Enter at the next prompt, or run this from
any other login, what it changed is put back.`,
		Args: cobra.NoArgs,
	}
	storeFlag(c, &store)
	c.Flags().StringVar(&timer, "timer", "", "be the timer that this file describes")
	_ = c.Flags().MarkHidden("timer")
	c.SetHelpTemplate(helpTemplate("  0   kept\n  1   nothing waits to be kept\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if timer != "" {
			return guard.RunTimer(timer)
		}
		lines, err := guard.Keep(cmp.Or(store, guard.Configured().Store))
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			fmt.Fprintln(c.ErrOrStderr(), "guardsh: nothing waits to be kept")
			return exitStatus(1)
		}
		for _, l := range lines {
			fmt.Fprintf(c.OutOrStdout(), "kept: %s\n", visible(l))
		}
		return nil
	}
	return c
}
