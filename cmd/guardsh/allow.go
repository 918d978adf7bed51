package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"guardsh/guard"
)

func allowCommand() *cobra.Command {
	var span time.Duration
	var reason string
	c := &cobra.Command{
		Use:   "allow RULE",
		Short: "break the glass: let a rule pass for a while, with a reason",
		Long: `Break the glass: lines that RULE would question or refuse run for a while.
It holds for you alone, ends by itself, and stands in the trail with its reason.`,
		Example: `  guardsh allow fs/write-into-root --for 10m --reason "restoring the root from the mirror"`,
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().DurationVar(&span, "for", 10*time.Minute, "how long, at most 12h")
	c.Flags().StringVar(&reason, "reason", "", "why; needed")
	c.SetHelpTemplate(helpTemplate("  0   done\n  1   it could not be written\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(reason) == "" {
			return usage("--reason is needed: it stands in the trail")
		}
		s, err := guard.Open(guard.Here())
		if err != nil {
			return err
		}
		defer s.Close(0)
		until, err := s.BreakGlass(args[0], reason, span)
		if err != nil {
			return usage(err.Error())
		}
		fmt.Fprintf(c.OutOrStdout(), "%s passes for you until %s\n", args[0], until.Format("15:04:05"))
		return nil
	}
	return c
}
