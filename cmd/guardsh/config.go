package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"guardsh/guard"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "the configuration: check the files, show what holds",
		Long: `The configuration: the administrator's in /etc/guardsh (config.yaml, rules.d,
commands.d), and each user's own in ~/.config/guardsh, which can only tighten.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	c.SetHelpTemplate(helpTemplate(`  0   done, all is obeyed
  1   something is not obeyed
  2   the call was wrong`))
	c.AddCommand(configCheck(), configShow())
	return c
}

func configCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "read every file that would be obeyed, and say what is wrong",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return checkConfig(c.OutOrStdout(), guard.Here())
		},
	}
}

// checkConfig reads everything as the start of a session does, rules with
// their examples and manifests too.
func checkConfig(w io.Writer, p guard.Place) error {
	_, problems := guard.NewJudge(p)
	for _, s := range problems {
		fmt.Fprintln(w, guard.Printable(s))
	}
	for _, name := range configFiles(p.Config) {
		state := "is there"
		if _, err := os.Stat(p.Config.Root + name); errors.Is(err, fs.ErrNotExist) {
			state = "is not there, and need not be"
		} else if err != nil {
			state = err.Error()
		}
		if len(problems) == 0 {
			fmt.Fprintf(w, "%s %s\n", name, state)
		}
	}
	if len(problems) > 0 {
		_, err := fmt.Fprintf(w, "%s; what is named above is not obeyed, the rest holds\n", count(len(problems), "problem"))
		return errors.Join(err, exitStatus(1))
	}
	_, err := fmt.Fprintln(w, "good: all of it is obeyed")
	return err
}

// configFiles are the places where configuration is looked for.
func configFiles(p guard.ConfigPaths) []string {
	var names []string
	if p.Etc != "" {
		for _, n := range []string{"config.yaml", "rules.d", "commands.d"} {
			names = append(names, filepath.Join(p.Etc, n))
		}
	}
	if p.User != "" {
		names = append(names, p.User, filepath.Join(filepath.Dir(p.User), "rules.d"))
	}
	return names
}

func configShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "the configuration that holds, and where each value comes from",
		Args:  cobra.NoArgs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a value")
	c.RunE = func(c *cobra.Command, _ []string) error {
		p := guard.Here()
		_, problems := guard.NewJudge(p)
		for _, s := range problems {
			fmt.Fprintln(c.ErrOrStderr(), "guardsh:", guard.Printable(s))
		}
		status := exitStatus(min(len(problems), 1))
		all := guard.Settings(p.Config)
		if asJSON {
			enc := json.NewEncoder(c.OutOrStdout())
			enc.SetEscapeHTML(false)
			for _, s := range all {
				if err := enc.Encode(s); err != nil {
					return err
				}
			}
			return status.orNil()
		}
		if err := showConfig(c.OutOrStdout(), all); err != nil {
			return err
		}
		return status.orNil()
	}
	return c
}

// showConfig writes a value a row: key, value, where from.
func showConfig(w io.Writer, all []guard.Setting) error {
	key, value := 0, 0
	for _, s := range all {
		key, value = max(key, len(s.Key)), max(value, min(len(guard.Printable(s.Value)), longValue))
	}
	e := &explainer{w: w}
	for _, s := range all {
		e.f("%-*s  %-*s  %s\n", key, s.Key, value, guard.Printable(s.Value), s.From)
	}
	return e.err
}

// longValue is where a value stops making the column wider: a note may be a
// paragraph.
const longValue = 60
