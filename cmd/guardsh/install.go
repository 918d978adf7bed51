package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"guardsh/guard/install"
)

var errNotRoot = errors.New("only root can do this")

func installCommand() *cobra.Command {
	w := install.Wish{}
	var yes, dry bool
	c := &cobra.Command{
		Use:   "install",
		Short: "make guardsh the shell of accounts, of a sudo rule, of ssh sessions",
		Long: `Make guardsh the shell of accounts, of a sudo rule, of ssh sessions. It shows
what it will do and asks. The shell is started for each account before that
account is touched; a step that fails takes back those before it; and what was
there is kept, so that guardsh uninstall puts it back.`,
		Example: `  guardsh install --login ann --login root
  guardsh install --sudo ops        # members may: sudo guardsh
  guardsh install --sshd operators  # their ssh sessions, whatever their shell is`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringArrayVar(&w.Logins, "login", nil, "make it the login shell of `USER`")
	_ = c.RegisterFlagCompletionFunc("login", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return install.Accounts(), cobra.ShellCompDirectiveNoFileComp
	})
	c.Flags().StringVar(&w.SudoGroup, "sudo", "", "let members of `GROUP` run guardsh by sudo, and nothing else by this rule")
	c.Flags().BoolVar(&w.SudoLink, "sudo-link", false, "let every typed sudo go through guardsh (/usr/local/bin/sudo)")
	c.Flags().StringVar(&w.SSHGroup, "sshd", "", "guard the ssh sessions of `GROUP`")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVarP(&dry, "dry-run", "n", false, "only show what it would do")
	c.SetHelpTemplate(helpTemplate("  0   done, or there is nothing to do\n  1   not done: all is as it was\n  10  the answer was No\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if len(w.Logins) == 0 && w.SudoGroup == "" && !w.SudoLink && w.SSHGroup == "" {
			return usage("nothing to do was named: --login USER, --sudo GROUP, --sudo-link or --sshd GROUP")
		}
		if os.Geteuid() != 0 {
			return errNotRoot
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		w.Program = self
		steps, err := install.Plan(w)
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if len(steps) == 0 {
			fmt.Fprintln(out, "nothing to do: it is installed so already")
			return nil
		}
		for i, s := range steps {
			fmt.Fprintf(out, "%2d  %s\n", i+1, visible(s.Says))
			if s.Note != "" {
				fmt.Fprintf(out, "      note: %s\n", visible(s.Note))
			}
		}
		if dry {
			return nil
		}
		if err := agreed(c, yes, "do it?"); err != nil {
			return err
		}
		err = install.Carry(w, steps, func(says string) { fmt.Fprintf(out, "done: %s\n", visible(says)) })
		if err != nil {
			return fmt.Errorf("%w\nguardsh: nothing was changed", err)
		}
		fmt.Fprintln(out, "guardsh uninstall takes it back")
		return nil
	}
	return c
}

// agreed asks, unless it need not.
func agreed(c *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	ok, err := confirmOnTerminal(question)
	if err != nil {
		return fmt.Errorf("no terminal to ask on: %w (--yes does it without asking)", err)
	}
	if !ok {
		fmt.Fprintln(c.OutOrStdout(), "nothing was done")
		return declined
	}
	return nil
}

func uninstallCommand() *cobra.Command {
	var r install.Removal
	var yes, dry, gone bool
	c := &cobra.Command{
		Use:   "uninstall",
		Short: "put back what guardsh install changed",
		Long: `Put back what guardsh install changed: login shells, /etc/shells, the sudo rule,
the sshd rule. What somebody has changed since is named, and left as it is; so is
what leads to guardsh without a word in its record, but for rules that are word
for word as guardsh install writes them. The trail, the snapshots and
/etc/guardsh stay.`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringArrayVar(&r.Logins, "login", nil, "only the login shell of `USER`")
	c.Flags().BoolVar(&gone, "gone", false, "also give every other account that has guardsh as its shell another one:\nguardsh is about to be removed")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVarP(&dry, "dry-run", "n", false, "only show what it would do")
	c.SetHelpTemplate(helpTemplate("  0   done, or there is nothing to put back\n  1   something was left\n  10  the answer was No\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if gone && r.Logins != nil {
			return usage("--gone is for everything, --login for one account")
		}
		if os.Geteuid() != 0 {
			return errNotRoot
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		r.Program = self
		if gone {
			r.Accounts = []string{self}
		}
		all, err := install.PlanRemoval(r)
		if err != nil {
			return err
		}
		return takeOut(c, r, all, yes, dry)
	}
	return c
}

// takeOut shows what is put back and what is left, asks and does it.
func takeOut(c *cobra.Command, r install.Removal, all []install.Back, yes, dry bool) error {
	out := c.OutOrStdout()
	if len(all) == 0 {
		fmt.Fprintln(out, "nothing to put back")
		return nil
	}
	some := false
	status := exitStatus(0)
	for _, b := range all {
		if b.Left != "" {
			fmt.Fprintf(out, "left: %s: %s\n", visible(b.Says), visible(b.Left))
			status = 1
			continue
		}
		some = true
		fmt.Fprintf(out, "      %s\n", visible(b.Says))
	}
	if dry {
		return status.orNil()
	}
	if some {
		if err := agreed(c, yes, "do it?"); err != nil {
			return err
		}
	}
	if err := install.Uninstall(r, all, func(says string) { fmt.Fprintf(out, "done: %s\n", visible(says)) }); err != nil {
		return err
	}
	return status.orNil()
}
