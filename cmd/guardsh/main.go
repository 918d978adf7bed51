// Go's runtime takes no account of a container's share of the processors, nor
// looks for changes of it: a shell has little to share out.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// guardsh is a guarded operations shell: it stands between Enter and
// execution. Called without a verb it is a shell; the verbs look after what
// it kept and wrote down.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"guardsh/guard"
	"guardsh/guard/bash"
	"guardsh/guard/host"
	"guardsh/guard/supervise"
)

func main() {
	// The process that looks at file systems which may never answer is this
	// program too; it must not depend on anything else here.
	host.HelperMain()
	// And so is what keeps programs alive that outlive a session.
	supervise.KeeperMain()
	// And so is the built-in shell that a person types into.
	guard.RescueMain()
	room()
	os.Exit(run(os.Args))
}

// room makes this goroutine's stack as large as most lines need it, while there
// is little on it: to double it again and again, each time with more to move,
// takes longer.
//
//go:noinline
func room() byte {
	var b [16 << 10]byte
	return b[len(os.Args)]
}

// run is the program: the exit status is its result. The shell comes first,
// untouched by any flag library: it is the path of every login.
func run(argv []string) int {
	bash.InheritIgnored() // before anything waits, for an answer say
	os.Stderr = bash.Unpiped(os.Stderr)
	if len(argv) == 0 {
		argv = []string{"guardsh"}
	}
	switch filepath.Base(argv[0]) {
	case "sudo":
		return sudo("sudo", argv[1:])
	case "sudoedit":
		return sudo("sudoedit", argv[1:])
	case "su", "runuser":
		return su(filepath.Base(argv[0]), argv[1:])
	}
	if len(argv) > 1 {
		switch argv[1] {
		case "sudo":
			return sudo("sudo", argv[2:])
		case "rescue":
			bash.Begun()
			return rescue(argv[2:])
		case "exec":
			if len(argv) != 3 || argv[2] != "--help" && argv[2] != "-h" {
				bash.Begun()
				return execSelf(argv[2:])
			}
			return runVerb(argv[1:])
		case "help", "-h", "--help", "--version", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
			return runVerb(argv[1:])
		}
		if !strings.HasPrefix(argv[1], "-") {
			for _, c := range verbs() {
				if c.Name() == argv[1] {
					return runVerb(argv[1:])
				}
			}
		}
	}
	return runShell(argv)
}

// verbs are the commands beside the shell itself.
func verbs() []*cobra.Command {
	return []*cobra.Command{
		checkCommand(), explainCommand(), undoCommand(), snapshotCommand(), keepCommand(),
		auditCommand(), replayCommand(), allowCommand(), rulesCommand(), configCommand(),
		doctorCommand(), installCommand(), uninstallCommand(), manualCommand(),
	}
}

const aboutGuardsh = `guardsh is a guarded operations shell: your own bash, with a guard between Enter
and execution. Without a verb it is that shell:

  guardsh [-l] [-i] [-c LINE] [FILE [ARG...]]

  -l, --login   a login shell        -i   interactive
  -c LINE       run LINE             -s   read the script from standard input
  --home        begin in the home directory, as sudo -i does
  --shell FILE  what SHELL is to be, as sudo -s sets it
Other options are bash's own.`

const aboutSudo = `Judge a command as root would run it, ask about it, and then run the real sudo
with the same arguments; OPTIONS are sudo's own (man sudo). Within a guarded
session a typed sudo goes this way by itself. sudo -i and sudo -s open a guarded
shell where sudoers lets guardsh run; where not, it is said.`

const shellStatuses = `  the command's own, 128+n when signal n ended it
  253 refused        252 guardsh itself failed before the line ran`

// rootCommand is guardsh with all its verbs.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:              "guardsh",
		Short:            "a guarded operations shell",
		Long:             aboutGuardsh,
		Version:          version(),
		SilenceErrors:    true,
		SilenceUsage:     true,
		PersistentPreRun: foldOutput,
		Run:              func(c *cobra.Command, _ []string) { _ = c.Help() },
	}
	root.SetVersionTemplate("guardsh {{.Version}}\n")
	root.SetHelpTemplate(helpTemplate(shellStatuses))
	root.AddCommand(verbs()...)
	root.AddCommand(&cobra.Command{
		Use:                "sudo [OPTIONS] COMMAND",
		Short:              "judge a command as root would run it, then run the real sudo",
		Long:               aboutSudo,
		DisableFlagParsing: true,
		Run:                func(*cobra.Command, []string) {},
	})
	root.AddCommand(rescueCommand())
	run := &cobra.Command{
		Use:   "exec [--] COMMAND [ARG...]",
		Short: "judge one command as this user and run it, without a shell",
		Long:  aboutExec,
		Run:   func(*cobra.Command, []string) {},
	}
	run.SetHelpTemplate(helpTemplate(shellStatuses + "\n  127 there is no such command"))
	root.AddCommand(run)
	root.SetHelpCommand(helpCommand(root))
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Short = "a completion script for your shell"
		c.SetHelpTemplate(helpTemplate("  0   written\n  2   the call was wrong"))
	}
	return root
}

// showHelp is what a verb does that has verbs of its own and was given none.
func showHelp(c *cobra.Command, _ []string) error { return c.Help() }

// helpCommand shows the help of a verb, as --help behind it does. A verb that
// there is not is a call that was wrong.
func helpCommand(root *cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   "help [VERB...]",
		Short: "help about a verb",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if at, left, err := root.Find(args); err == nil && len(left) == 0 {
				for _, v := range at.Commands() {
					names = append(names, cobra.CompletionWithDesc(v.Name(), v.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			v, left, err := root.Find(args)
			if err != nil || len(left) > 0 {
				return usage(fmt.Sprintf("there is no verb %q", strings.Join(args, " ")))
			}
			v.InitDefaultHelpFlag()
			v.InitDefaultVersionFlag()
			return v.Help()
		},
	}
	c.SetHelpTemplate(helpTemplate("  0   shown\n  2   there is no such verb"))
	return c
}

func runVerb(args []string) int {
	bash.Begun()
	root := rootCommand()
	root.SetArgs(args)
	out := &noted{to: os.Stdout}
	root.SetOut(out)
	c, err := root.ExecuteC()
	if err == nil {
		err = out.err
	}
	var status exitStatus
	var misuse usage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &misuse), isFlagError(err):
		at := c.CommandPath()
		if c.Name() == "help" {
			at = root.CommandPath()
		}
		fmt.Fprintf(os.Stderr, "guardsh: %s\nhint: %s --help\n", inWords(c, err), at)
		return checkUsage
	}
	fmt.Fprintf(os.Stderr, "guardsh: %s\n", err)
	return 1
}

// noted remembers that something could not be written: what is cut short is
// no success.
type noted struct {
	to  *os.File
	err error
}

func (n *noted) Write(b []byte) (int, error) {
	k, err := n.to.Write(b)
	if n.err == nil {
		n.err = err
	}
	return k, err
}

// inWords says how a verb is called where cobra counts its arguments.
func inWords(c *cobra.Command, err error) string {
	s := err.Error()
	if strings.HasPrefix(s, "accepts ") || strings.HasPrefix(s, "requires ") {
		return "it is called as: " + c.UseLine()
	}
	return s
}

// isFlagError tells cobra's complaints about the call from errors of the work.
func isFlagError(err error) bool {
	s := err.Error()
	for _, p := range []string{"unknown flag", "unknown shorthand flag", "unknown command", "flag needs an argument", "invalid argument", "accepts ", "requires "} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// exitStatus is an error that only carries the status.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// orNil makes a zero status no error at all.
func (s exitStatus) orNil() error {
	if s == 0 {
		return nil
	}
	return s
}

// usage is a call that was wrong.
type usage string

func (u usage) Error() string { return string(u) }

func helpTemplate(statuses string) string {
	return `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}
EXIT STATUS
` + statuses + "\n"
}

func version() string { return guard.Version }
