package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A terminal breaks a long row wherever its edge is, in the middle of a word.
// What verbs print for people is broken between words instead, and goes on
// below where the row's last column began. Pipes and files get it as it is.

// verbatim reports whether a verb's output is to be taken as it is, byte for byte.
func verbatim(verb string) bool {
	switch verb {
	case "show", "replay", "check", "completion", "manual":
		return true
	}
	return false
}

// foldOutput makes a verb's output fit the terminal that it goes to.
func foldOutput(c *cobra.Command, _ []string) {
	if f := c.Flags().Lookup("json"); f != nil && f.Changed {
		return
	}
	parent := c.Parent()
	if parent == nil || parent.Name() == "completion" || verbatim(c.Name()) && (parent.Name() == "rules" || parent.Parent() == nil) {
		return
	}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w >= minFold {
		c.SetOut(&folder{to: os.Stdout, width: w})
	}
}

// minRoom is how many columns a column has to keep to be worth going on in.
const minRoom = 24

// minFold is the narrowest terminal in which breaking rows still helps.
const minFold = 40

// folder breaks whole rows; what stands behind the last newline waits for the
// rest of its row.
type folder struct {
	to    io.Writer
	width int
	row   []byte
}

func (f *folder) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			f.row = append(f.row, p...)
			return n, nil
		}
		row := fold(string(append(f.row, p[:i]...)), f.width)
		f.row, p = f.row[:0], p[i+1:]
		if _, err := io.WriteString(f.to, row+"\n"); err != nil {
			return 0, err
		}
	}
}

// fold breaks a row that is wider than width between words.
func fold(row string, width int) string {
	if utf8.RuneCountInString(row) <= width {
		return row
	}
	hang := column(row)
	if width-hang < minRoom {
		hang = min(len(row)-len(strings.TrimLeft(row, " "))+2, width/2)
	}
	var b strings.Builder
	at := 0
	for i, word := range strings.SplitAfter(row, " ") {
		n := utf8.RuneCountInString(strings.TrimRight(word, " "))
		if i > 0 && at+n > width && at > hang && n > 0 {
			b.WriteString("\n" + strings.Repeat(" ", hang))
			at = hang
		}
		b.WriteString(word)
		at += utf8.RuneCountInString(word)
	}
	rows := strings.Split(b.String(), "\n")
	for i, r := range rows {
		rows[i] = strings.TrimRight(r, " ")
	}
	return strings.Join(rows, "\n")
}

// column is where the last column of a row begins: behind the last gap of two
// spaces or more.
func column(row string) int {
	i := strings.LastIndex(strings.TrimRight(row, " "), "  ")
	if i < 0 {
		return 2
	}
	return utf8.RuneCountInString(row[:i+2])
}
