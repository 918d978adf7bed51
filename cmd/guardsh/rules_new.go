package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// siteCommands is where the site says what commands of its own do.
const siteCommands = "/etc/guardsh/commands.d"

func rulesNew() *cobra.Command {
	var dir string
	var write, command bool
	c := &cobra.Command{
		Use:   "new FAMILY/VERB-PHRASE | --command NAME",
		Short: "a rule to begin with, that loads as it is",
		Long: `Print a rule to begin with, that loads as it is; with --command what a command
of your own does, for rules to know. With --write it is put into
` + siteRules + ` or ` + siteCommands + `, with --dir elsewhere; a file
that is there stays.`,
		Example: "  guardsh rules new site/restart-heketi --write\n  guardsh rules new --command mydeploy --write",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&dir, "dir", "", "write it into `directory`")
	c.Flags().BoolVar(&write, "write", false, "write it where the site's are")
	c.Flags().BoolVar(&command, "command", false, "what a command of the site does")
	c.RunE = func(c *cobra.Command, args []string) error {
		id := args[0]
		text := []byte(strings.ReplaceAll(ruleTemplate, "FAMILY/VERB-PHRASE", id))
		name := strings.ReplaceAll(id, "/", "-") + ".yaml"
		where := siteRules
		if command {
			text, where = []byte(strings.ReplaceAll(commandTemplate, "COMMAND", id)), siteCommands
			if problems := lint([]ruleFile{{name, text}}, true); len(problems) > 0 || strings.ContainsAny(id, "/ ") {
				return usage(fmt.Sprintf("%q is no command's name", id))
			}
		} else if problems := lint([]ruleFile{{name, text}}, true); len(problems) > 0 {
			return usage(fmt.Sprintf("%q is no rule's id: family/verb-phrase in lower case, such as site/restart-heketi", id))
		}
		if write && dir == "" {
			dir = where
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

// commandTemplate is a manifest that loads.
const commandTemplate = `commands: [COMMAND]
summary: what it is, in a line
# options, one a line: names, "=name" for an argument, and behind ":" an
# attribute for conditions and rules (one that begins with _ stays in here).
# "dry" means that nothing is done. --help and --version are known.
options: |
  --wipe        : _wipe
  -f --force    : force
  -n --dry-run  : dry
  --config =file
# operands by their roles: name, name..., [name], [name...]
operands: "[target...]"
# effects: a kind (see guardsh rules new) upon a role, when a condition holds.
# An attribute is true or false in it, a role or argument a list: len(file) > 0
effects:
  - {kind: volume-delete, object: target, type: volume, when: _wipe}
# verbs: are subcommands, each with options, operands and effects of its own.
#   stop:
#     operands: "service..."
#     effects: [{kind: stop, object: service, type: service}]
# The examples are run when the file is loaded: exactly these effects.
examples:
  - {line: COMMAND --wipe staging, effects: [volume-delete staging]}
  - {line: COMMAND staging, effects: []}
`
