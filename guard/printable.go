package guard

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Version is the program's version.
const Version = "0.1"

// Printable makes text safe to show in a terminal on one line: control and
// format characters and bytes that are not UTF-8 are shown escaped, so that a
// file name cannot drive the operator's terminal.
func Printable(s string) string { return printable(s, false) }

// PrintableLines is Printable that keeps line breaks.
func PrintableLines(s string) string { return printable(s, true) }

func printable(s string, lines bool) string {
	plain := func(r rune) bool {
		return r != utf8.RuneError && unicode.IsPrint(r) || lines && r == '\n'
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if plain(r) {
			b.WriteString(s[i : i+n])
		} else {
			q := strconv.QuoteToASCII(s[i : i+n])
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}
