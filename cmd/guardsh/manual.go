package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// manualText is the manual: a line in capitals is a heading, a paragraph is one
// line, "  term" with "    text" below it is an entry, and four spaces are an
// example.
//
//go:embed manual.txt
var manualText string

func manualCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "manual",
		Short: "the manual: ways in, limits, files, statuses",
		Args:  cobra.NoArgs,
	}
	c.Flags().StringVar(&dir, "man", "", "write manual pages for man(1) into `DIR`, one a verb")
	c.SetHelpTemplate(helpTemplate("  0   done\n  1   it could not be written\n  2   the call was wrong"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if dir != "" {
			return writeManPages(dir, c.Root())
		}
		width := pageWidth
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w >= minFold {
			width = min(w, width)
		}
		_, err := io.WriteString(c.OutOrStdout(), setText(manualText, width))
		return err
	}
	return c
}

// pageWidth is where lines end that are easily read.
const pageWidth = 80

// setText breaks the manual's paragraphs between words, each below its own
// beginning. Examples stay as they are.
func setText(text string, width int) string {
	var b strings.Builder
	example := false
	before := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		// Four spaces below a blank line are an example, below a term its text.
		example = indent == 4 && (before == "" || example)
		before = line
		if example {
			b.WriteString(line + "\n")
			continue
		}
		at := 0
		for i, word := range strings.Fields(line) {
			switch {
			case i == 0:
				b.WriteString(strings.Repeat(" ", indent))
				at = indent
			case at+1+len(word) > width:
				b.WriteString("\n" + strings.Repeat(" ", indent))
				at = indent
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += len(word)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// writeManPages writes guardsh.1 and a page for each verb.
func writeManPages(dir string, root *cobra.Command) error {
	var list strings.Builder // of verbs, for guardsh.1
	var errs []error
	for _, c := range root.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "help" {
			continue
		}
		page := pageName(c)
		fmt.Fprintf(&list, ".TP\n.B %s\n%s; %s(1)\n", roff(c.UseLine()), roff(c.Short), roff(page))
		errs = append(errs, os.WriteFile(filepath.Join(dir, page+".1"), []byte(verbPage(c)), 0o644))
	}
	text := titleLine("guardsh") + roffOf(manualText)
	text = strings.Replace(text, ".SH VERDICTS\n", ".SH VERBS\n"+list.String()+".SH VERDICTS\n", 1)
	return errors.Join(append(errs, os.WriteFile(filepath.Join(dir, "guardsh.1"), []byte(text), 0o644))...)
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func titleLine(page string) string {
	return fmt.Sprintf(".TH %s 1 \"\" \"guardsh %s\" \"guardsh manual\"\n.nh\n.ad l\n", strings.ToUpper(page), version())
}

// verbPage is the manual page of a verb, with what is below it.
func verbPage(c *cobra.Command) string {
	var b strings.Builder
	b.WriteString(titleLine(pageName(c)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n", roff(pageName(c)), roff(c.Short), roff(c.UseLine()))
	if c.Long != "" {
		b.WriteString(".SH DESCRIPTION\n" + roffBlocks(c.Long))
	}
	roffFlags(&b, c.LocalFlags(), ".SH OPTIONS\n")
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + roffExample(c.Example))
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n.B %s\n.PP\n%s\n", strings.ToUpper(roff(sub.Name())), roff(sub.UseLine()), roff(sub.Short))
		if sub.Long != "" {
			b.WriteString(".PP\n" + roffBlocks(sub.Long))
		}
		roffFlags(&b, sub.LocalFlags(), "")
		if sub.Example != "" {
			b.WriteString(roffExample(sub.Example))
		}
	}
	if _, statuses, ok := strings.Cut(c.HelpTemplate(), "EXIT STATUS\n"); ok {
		b.WriteString(".SH EXIT STATUS\n" + roffExample(statuses))
	}
	b.WriteString(".SH SEE ALSO\n.BR guardsh (1)\n")
	return b.String()
}

func roffFlags(b *strings.Builder, flags *pflag.FlagSet, heading string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		names := "--" + f.Name
		if f.Shorthand != "" {
			names = "-" + f.Shorthand + ", " + names
		}
		if value != "" {
			names += " " + value
		}
		fmt.Fprintf(b, "%s.TP\n.B %s\n%s\n", heading, roff(names), roff(strings.ReplaceAll(text, "\n", " ")))
		heading = ""
	})
}

// roffOf is the manual as a page.
func roffOf(text string) string {
	var b strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(block, "\n")
		switch {
		case len(lines) == 1 && block == strings.ToUpper(block):
			b.WriteString(".SH " + roff(block) + "\n")
		case strings.HasPrefix(block, "    "):
			b.WriteString(roffExample(block))
		case strings.HasPrefix(block, "  "):
			for _, l := range lines {
				if item, ok := strings.CutPrefix(l, "    "); ok {
					b.WriteString(roff(item) + "\n")
				} else {
					b.WriteString(".TP\n.B " + roff(strings.TrimSpace(l)) + "\n")
				}
			}
		default:
			b.WriteString(".PP\n" + roff(block) + "\n")
		}
	}
	// man(7) wants the name line as it is, without a paragraph before it.
	return strings.Replace(b.String(), ".SH NAME\n.PP\n", ".SH NAME\n", 1)
}

// roffBlocks is text as a verb's help has it: paragraphs, and rows that begin
// with a space and stay as they are.
func roffBlocks(text string) string {
	var b strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(block, " ") {
			b.WriteString(roffExample(block))
			continue
		}
		b.WriteString(roff(block) + "\n")
	}
	return b.String()
}

func roffExample(text string) string {
	return ".PP\n.nf\n" + roff(strings.TrimRight(text, "\n")) + "\n.fi\n"
}

// roff escapes text for man: backslashes, hyphens that are to be typed, and
// lines that would be requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
