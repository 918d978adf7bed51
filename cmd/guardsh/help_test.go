package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every help fits a screen and ends in the statuses of its own verb.
func TestHelp(t *testing.T) {
	seen := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		var out bytes.Buffer
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		seen++
		text := out.String()
		_, statuses, ok := strings.Cut(text, "\nEXIT STATUS\n")
		if !ok || strings.Count(statuses, "\n") < 2 {
			t.Errorf("%s: no statuses\n%s", c.CommandPath(), text)
		}
		if own := c == c.Root() || c.Name() == "sudo" || c.Name() == "rescue" || c.Name() == "exec"; own != strings.Contains(statuses, "253") {
			t.Errorf("%s: the statuses of another verb\n%s", c.CommandPath(), statuses)
		}
		if c.Parent() != nil && c.Parent().Name() == "completion" {
			return // cobra's own, with what to type for that shell
		}
		if n := strings.Count(text, "\n"); n > 40 {
			t.Errorf("%s: %d rows", c.CommandPath(), n)
		}
		for row := range strings.Lines(text) {
			if len(row) > 121 {
				t.Errorf("%s: a long row: %s", c.CommandPath(), row)
			}
		}
	}
	walk(rootCommand())
	if seen < 30 {
		t.Errorf("only %d verbs", seen)
	}
}

// A verb that has verbs of its own shows its help where none is given, and does
// not take another word for one.
func TestVerbsOfVerbs(t *testing.T) {
	groups := 0
	for _, c := range rootCommand().Commands() {
		if !c.HasSubCommands() || c.Name() == "completion" { // that one is cobra's own
			continue
		}
		groups++
		for _, tt := range []struct {
			args  []string
			shows bool
		}{{[]string{c.Name()}, true}, {[]string{c.Name(), "none"}, false}} {
			root := rootCommand()
			var out bytes.Buffer
			root.SetOut(&out)
			root.SetArgs(tt.args)
			if err := root.Execute(); (err == nil) != tt.shows || strings.Contains(out.String(), "Available Commands:") != tt.shows {
				t.Errorf("%q: %v\n%s", tt.args, err, out.String())
			}
		}
	}
	if groups < 4 {
		t.Errorf("only %d verbs have verbs of their own", groups)
	}
}
