package option

import (
	"strings"
	"testing"

	"guardsh/rules/word"
)

// FuzzRead holds of any grammar and any words that each word is accounted for
// once at most, and that what is known stays so.
func FuzzRead(f *testing.F) {
	for _, s := range []struct{ grammar, words string }{
		{"-a --archive : recursive\n-n --dry-run : dry\n-e --rsh =shell\n--backup [=control] : backup", "-an --rsh=x --back a -- -b"},
		{"-t =dest =more\n-i : !force\n-# : count", "-5 -t a b -ti c ? d"},
		{"-name =pattern\n-exec =words\n! : not", "-name x -exec a ; ! --na y"},
		{"x : extract\nf =file", "xf a b -"},
		{"+x : plus\n-x", "+x -x -- +x"},
	} {
		for style := range 128 {
			f.Add(uint8(style), s.grammar, s.words)
		}
	}
	f.Fuzz(func(t *testing.T, style uint8, grammar, words string) {
		bit := func(n int) bool { return style>>n&1 == 1 }
		g, err := Parse(Style{Posix: bit(0), LongDash: bit(1), KeyValue: bit(2), Bundle: bit(3), Exact: bit(4), Plus: bit(5), Words: bit(6)}, grammar)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "option line ") {
				t.Fatalf("an error without its line: %v", err)
			}
			return
		}
		var argv []word.Word
		for _, w := range strings.Split(words, " ") {
			if w == "?" {
				argv = append(argv, word.Hidden("$x", word.Var))
			} else {
				argv = append(argv, word.Lit(w))
			}
		}
		a := g.Read(argv)
		if a.Rest < 0 || a.Rest > len(argv) || len(a.Operands) > len(argv) {
			t.Fatalf("%q by %q: %d operands from %d of %d words", words, grammar, len(a.Operands), a.Rest, len(argv))
		}
		for name, vs := range a.Values {
			for _, v := range vs {
				if v.Know == word.Known && len(v.Values) != 1 {
					t.Fatalf("%q by %q: %s is %+v", words, grammar, name, v)
				}
			}
		}
	})
}
