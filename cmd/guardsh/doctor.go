package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"guardsh/guard"
	"guardsh/guard/install"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "what works on this machine, what does not, and what helps",
		Long: `What works on this machine, what does not, and what helps: each part is tried,
not looked up. "-" stands before what has no place here.`,
		Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a part")
	c.SetHelpTemplate(helpTemplate("  0   all that has a place here works\n  1   something does not\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		checks := append(guard.Examine(c.Context(), guard.Here()), examineDoors()...)
		status := exitStatus(0)
		for _, k := range checks {
			if k.State == guard.Broken {
				status = 1
			}
		}
		if asJSON {
			for _, k := range checks {
				if err := printJSON(c.OutOrStdout(), k); err != nil {
					return err
				}
			}
			return status.orNil()
		}
		if err := showChecks(c.OutOrStdout(), checks); err != nil {
			return err
		}
		return status.orNil()
	}
	return c
}

// showChecks writes a part a row, and below it what helps.
func showChecks(w io.Writer, checks []guard.Check) error {
	wide := 0
	for _, k := range checks {
		wide = max(wide, len(k.Name))
	}
	var errs []error
	for _, k := range checks {
		_, err := fmt.Fprintf(w, "%-2s  %-*s  %s\n", k.State, wide, k.Name, visible(k.Says))
		errs = append(errs, err)
		if k.Hint != "" {
			_, err = fmt.Fprintf(w, "      hint: %s\n", visible(k.Hint))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// examineDoors looks at the ways that lead to guardsh.
func examineDoors() []guard.Check {
	self, err := os.Executable()
	if err != nil {
		return []guard.Check{{Name: "program", State: guard.Broken, Says: err.Error(), Hint: "mount -t proc proc /proc"}}
	}
	return []guard.Check{examineProgram(self), examineLogin(self), examineSudo(self), examineRescue(self)}
}

func examineProgram(self string) guard.Check {
	if err := install.Trusted(self); err != nil {
		return guard.Check{Name: "program", State: guard.Broken, Says: err.Error(), Hint: "as root: install -m 755 " + guard.Quote([]string{self}) + " " + install.Place}
	}
	return guard.Check{Name: "program", State: guard.Works, Says: self + " " + version() + ", root's alone"}
}

func examineLogin(self string) guard.Check {
	users := install.LoginsWith(self)
	listed := install.Listed(self)
	switch {
	case len(users) > 0 && !listed:
		return guard.Check{Name: "login shell", State: guard.Broken, Says: fmt.Sprintf("of %s, but it is not in %s", strings.Join(users, ", "), install.ShellsFile),
			Hint: fmt.Sprintf("as root: echo %s >>%s", guard.Quote([]string{self}), install.ShellsFile)}
	case len(users) > 0:
		if err := addresses(users); err != nil {
			return guard.Check{Name: "login shell", State: guard.Broken, Says: "of " + strings.Join(users, ", ") + ": " + err.Error(), Hint: err.Hint()}
		}
		return guard.Check{Name: "login shell", State: guard.Works, Says: "of " + strings.Join(users, ", ")}
	}
	says := "of nobody; it is in " + install.ShellsFile
	if !listed {
		says = "of nobody"
	}
	return guard.Check{Name: "login shell", State: guard.Without, Says: says, Hint: "guardsh install --login USER"}
}

// maxAddresses bounds the accounts whose logins are tried.
const maxAddresses = 20

// addresses finds a login that is not allowed the address space that guardsh
// needs to start. Only root can log in as others to see.
func addresses(users []string) *install.TooFewAddresses {
	checks := []func() error{install.OwnAddresses, install.ServiceAddresses}
	if os.Geteuid() == 0 {
		for _, u := range users[:min(len(users), maxAddresses)] {
			checks = append(checks, func() error { return install.Addresses(u) })
		}
	}
	for _, check := range checks {
		var few *install.TooFewAddresses
		if errors.As(check(), &few) {
			return few
		}
	}
	return nil
}

// examineSudo says whether a shell that sudo opens can be guarded: sudoers has
// to allow guardsh.
func examineSudo(self string) guard.Check {
	real, err := realProgram("sudo", os.Getenv("PATH"))
	if err != nil {
		return guard.Check{Name: "sudo", State: guard.Without, Says: "there is none"}
	}
	says := real
	if out, err := exec.Command(real, "-V").Output(); err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		says += ", " + strings.TrimPrefix(first, "Sudo version ")
	}
	list := func(args ...string) (string, error) {
		out, err := exec.Command(real, append([]string{"-n", "-l"}, args...)...).Output()
		return string(out), err
	}
	defaults, err := list()
	if err != nil {
		return guard.Check{Name: "sudo", State: guard.Without, Says: says + "; what sudoers allows takes a password or is nothing", Hint: "sudo -v, then guardsh doctor again"}
	}
	if strings.Contains(defaults, "use_pty") && !strings.Contains(defaults, "!use_pty") {
		says += ", use_pty"
	}
	if _, err := list("--", self, "-l", "--home"); err != nil {
		return guard.Check{Name: "sudo", State: guard.Broken, Says: says + "; sudoers does not allow " + self + ": shells that sudo opens are not guarded",
			Hint: "as root: guardsh install --sudo GROUP"}
	}
	return guard.Check{Name: "sudo", State: guard.Works, Says: says + "; sudoers allows guardsh"}
}

// rescueStatus is what the built-in shell is told to end with.
const rescueStatus = 37

// examineRescue opens the built-in shell.
func examineRescue(self string) guard.Check {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := exec.CommandContext(ctx, self, "rescue", "-c", fmt.Sprintf("exit %d", rescueStatus)).Run()
	var ee *exec.ExitError
	if errors.As(err, &ee) && ee.ExitCode() == rescueStatus {
		return guard.Check{Name: "rescue", State: guard.Works, Says: "the built-in shell opens, for the day when bash does not"}
	}
	return guard.Check{Name: "rescue", State: guard.Broken, Says: fmt.Sprintf("the built-in shell does not open: %v", err), Hint: "guardsh rescue shows what it says"}
}
