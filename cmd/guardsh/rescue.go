package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/shlex"
	"github.com/spf13/cobra"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// rescueCommand is what helps and completions know of the built-in shell.
func rescueCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rescue [-c LINE] [FILE [ARG...]]",
		Short: "the built-in shell, for when bash cannot start",
		Long: `The built-in shell, for the day when bash or the loader cannot start. It needs
nothing else on the disk: what it takes to repair a machine is built in, and
judged by the same rules. guardsh opens it by itself where bash cannot start.
In it, help lists what there is.`,
		DisableFlagParsing: true,
		Run:                func(*cobra.Command, []string) {},
	}
	c.SetHelpTemplate(helpTemplate("  the last command's own, 128+n when signal n ended it\n  253 refused        2 the call was wrong"))
	return c
}

// rescue is the built-in shell by hand. It is taken before any flag library is
// touched: it has to work when nothing else does.
func rescue(args []string) int {
	r := guard.Rescue{Name: "guardsh"}
	switch {
	case len(args) > 0 && (args[0] == "--help" || args[0] == "-h"):
		return runVerb([]string{"help", "rescue"})
	case len(args) > 1 && args[0] == "-c":
		r.Line, args = &args[1], args[2:]
		if len(args) > 0 {
			r.Name, args = args[0], args[1:]
		}
	case len(args) > 0 && strings.HasPrefix(args[0], "-"):
		fmt.Fprintf(os.Stderr, "guardsh: %s is not expected here\nhint: guardsh rescue --help\n", args[0])
		return checkUsage
	case len(args) > 0:
		r.File, r.Name, args = args[0], args[0], args[1:]
	}
	r.Args = args
	p := guard.Here()
	p.Interactive = r.Line == nil && r.File == "" && guard.IsTerminal(os.Stdin)
	s, err := guard.Open(p)
	if err != nil {
		sayNotGuarded(err)
		return s.Rescue(context.Background(), r)
	}
	s.Greet()
	status := s.Rescue(context.Background(), r)
	s.Close(status)
	return status
}

// callsRescue says whether a line does nothing but call the built-in shell, and
// with which arguments: "ssh HOST guardsh rescue" must not take a bash.
func callsRescue(line string) ([]string, bool) {
	words, err := shlex.Split(line)
	if err != nil || len(words) < 2 || strings.ContainsAny(line, "|&;<>()$`\n*?[#~={!") || words[1] != "rescue" || filepath.Base(words[0]) != "guardsh" {
		return nil, false
	}
	return words[2:], true
}

// rescueInstead is the built-in shell in place of a bash that cannot start. s
// is nil where nothing can be judged.
func rescueInstead(ctx context.Context, s *guard.Session, inv invocation, why *bash.CannotStart) int {
	bash.Begun()
	r := guard.Rescue{Line: inv.command, File: inv.file, Name: "guardsh", Args: inv.args, Last: true}
	what := "guardsh's own shell takes its place"
	switch {
	case inv.command != nil:
		what = "guardsh's own shell runs the line"
		if len(inv.args) > 0 {
			r.Name, r.Args = inv.args[0], inv.args[1:]
		}
	case inv.file != "":
		what = "guardsh's own shell runs the script"
		r.Name = inv.file
	}
	fmt.Fprintf(os.Stderr, "guardsh: %s; %s\n", why, what)
	return s.Rescue(ctx, r)
}
