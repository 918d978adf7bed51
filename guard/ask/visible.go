package ask

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible writes out what a terminal would act on or hide: control characters,
// bytes that are no text, marks that turn the reading direction. What a person
// reads is what would run.
func visible(s string) string {
	plain := true
	for _, r := range s {
		if r == utf8.RuneError || !printable(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case printable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// printable leaves out format characters, odd spaces and unassigned ones.
func printable(r rune) bool { return unicode.IsPrint(r) }
