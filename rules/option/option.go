// Package option reads a command line by a program's own option grammar.
//
// A grammar is written as a program's usage would be, an option a line:
//
//	-a --archive                 : recursive preserve
//	-n --dry-run                 : dry
//	-e --rsh =shell
//	--backup [=control]          : backup
//	-i                           : interactive !force
//	-#                           : count
//
// Names come first; "=name" says that the option takes an argument, "[=name]"
// that it may take one attached, "=one =two" that two words follow; behind " : " stand the attributes that the
// option sets, or clears with "!". Arguments are kept under their name, so
// that "-t =dest" and an operand of role dest can be treated alike. "-#"
// stands for a number with a dash before it, as in nice -5.
package option

import (
	"fmt"
	"strings"

	"guardsh/rules/word"
)

// Style says how a program reads its arguments. The zero value is GNU.
type Style struct {
	Posix    bool // options end at the first operand (sudo, env, xargs …)
	LongDash bool // long options also take one dash (-name; find, ip, java, terraform)
	Popt     bool // an equals sign between a letter and its argument is none of it (sgdisk -R=/dev/sdb)
	KeyValue bool // operands are key=value (dd); kept under the key
	Bundle   bool // the first word may be a cluster without a dash (tar xpf)
	Exact    bool // long options are not abbreviated
	Plus     bool // words that start with + are options too
	Words    bool // options need no dash (ip link set dev eth0 down)
}

// Option is one option of a grammar.
type Option struct {
	Names    []string // with their dashes
	Arg      string   // the argument's name; "" takes none
	Second   string   // the name of a second argument, in a word of its own
	Optional bool     // the argument is optional, and then attached
	Sets     []string // attributes set
	Clears   []string // attributes cleared
}

// Grammar is a program's options.
type Grammar struct {
	Style   Style
	Options []Option
	byName  map[string]int
	number  int // index of "-#", or -1
}

// Args is what a command line says by a grammar.
type Args struct {
	Attrs    map[string]bool
	Values   map[string][]word.Word // by the argument's name
	Operands []word.Word
	Strange  []word.Word // options that the grammar does not know
	Rest     int         // index in argv of the first operand; len(argv) if none
	Opaque   bool        // an unknown word stood where an option could have
}

// Has reports whether attribute a is set.
func (a Args) Has(attr string) bool { return a.Attrs[attr] }

// Parse reads a grammar. Errors name the line.
func Parse(style Style, text string) (*Grammar, error) {
	g := &Grammar{Style: style, byName: map[string]int{}, number: -1}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		names, attrs, _ := strings.Cut(line, " : ")
		var o Option
		for _, f := range strings.Fields(names) {
			switch {
			case strings.HasPrefix(f, "[=") && strings.HasSuffix(f, "]"):
				o.Arg, o.Optional = f[2:len(f)-1], true
			case strings.HasPrefix(f, "=") && o.Arg != "":
				o.Second = f[1:]
			case strings.HasPrefix(f, "="):
				o.Arg = f[1:]
			case strings.HasPrefix(f, "-") || (style.Plus && strings.HasPrefix(f, "+")) || style.Bundle || style.Words:
				o.Names = append(o.Names, f)
			default:
				return nil, fmt.Errorf("option line %d: %q is neither an option nor =argument", n+1, f)
			}
		}
		for _, f := range strings.Fields(attrs) {
			if c, ok := strings.CutPrefix(f, "!"); ok {
				o.Clears = append(o.Clears, c)
			} else {
				o.Sets = append(o.Sets, f)
			}
		}
		if len(o.Names) == 0 {
			return nil, fmt.Errorf("option line %d: no option in %q", n+1, line)
		}
		for _, name := range o.Names {
			if _, twice := g.byName[name]; twice {
				return nil, fmt.Errorf("option line %d: %s is given twice", n+1, name)
			}
			g.byName[name] = len(g.Options)
			if name == "-#" {
				g.number = len(g.Options)
			}
		}
		g.Options = append(g.Options, o)
	}
	return g, nil
}

// MustParse is Parse for grammars in the program's own text.
func MustParse(style Style, text string) *Grammar {
	g, err := Parse(style, text)
	if err != nil {
		panic(err)
	}
	return g
}

// Attributes lists each attribute that an option of the grammar can set.
func (g *Grammar) Attributes() []string {
	var out []string
	seen := map[string]bool{}
	for _, o := range g.Options {
		for _, s := range append(append([]string{}, o.Sets...), o.Clears...) {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// Arguments lists the name of each argument that an option can take.
func (g *Grammar) Arguments() []string {
	var out []string
	seen := map[string]bool{}
	for _, o := range g.Options {
		if o.Arg != "" && !seen[o.Arg] {
			seen[o.Arg] = true
			out = append(out, o.Arg)
		}
	}
	return out
}

// Under adds the options of an outer grammar that g does not have itself, as a
// subcommand takes its program's options too.
func (g *Grammar) Under(outer *Grammar) {
	for _, o := range outer.Options {
		var names []string
		for _, name := range o.Names {
			if _, own := g.byName[name]; !own {
				names = append(names, name)
				g.byName[name] = len(g.Options)
				if name == "-#" {
					g.number = len(g.Options)
				}
			}
		}
		if len(names) > 0 {
			o.Names = names
			g.Options = append(g.Options, o)
		}
	}
}
