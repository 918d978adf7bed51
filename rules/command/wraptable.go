package command

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// wrapper is a program whose work is to start another, as the table has it. An
// entry is a head, "NAME: FLAGS", and below it, indented, the options as
// rules/option reads them, with a semicolon between two. A subcommand has an
// entry of its own under both names; "a|b c" stands for "a c" and "b c". The
// flags are:
//
//	skip=N          N operands stand before the command: a duration, a root
//	again           options may stand behind those too
//	unless-options  none stands there if the first word is an option
//	env             name=value operands stand before the command
//	joined          the operands are joined and run by a shell
//	each            each operand is run by a shell
//	last-code       the last operand is, unless the command stands behind --
//	code-only       nothing but option arguments is run
//	dash, cut=A,B   the command stands behind --, or behind A or B
//	gnu             options may stand between operands and behind them
//	exact           long options are not abbreviated
//	sub             the first operand is a subcommand
//	as=NAME         the rest is that of another entry
//	async           the command goes on behind the line
//	shell           without a command it starts a shell
//	change=NAME     what is different for the command: see changes
//	far, box        it runs on another host, in a container: its name is
//	                what stands before the command, or the argument "hosts"
//	fresh           the container is made for the command: see alone
//	name-first      only where no option gave the name
//	needs=ARG       without that argument the command can reach nothing
//	stdin           without a command a shell there reads the input
//	edits           the operands are files for it to edit: see edited
//
// With an option of the attribute "ask" nothing is started, with one of the
// attribute "edit" the operands are files as with the flag edits. An option's
// argument named "code" is run by a shell, one named "prog" is the command's
// program, "dir" its working directory.
type wrapper struct {
	flags, opts          string // as they stand in the file, opts with what follows
	size                 int    // of opts
	style                option.Style
	skip                 int
	again, unlessOptions bool
	env, joined, each    bool
	lastCode, codeOnly   bool
	cuts                 []string
	sub, async, shell    bool
	nameFirst, stdin     bool
	edits, fresh         bool
	as, needs            string
	place                PlaceKind
	change               change
	parse                sync.Once
	grammar              *option.Grammar
}

func (wr *wrapper) isCut(x word.Word) bool {
	for _, c := range wr.cuts {
		if x.Is(c) {
			return true
		}
	}
	return false
}

//go:embed wrappers/*.txt
var wrapperFiles embed.FS

var posix = option.Style{Posix: true}

// grammar is a grammar that is parsed when it is first needed.
type grammar struct {
	style  option.Style
	text   string
	once   sync.Once
	parsed *option.Grammar
}

// Read reads a command line's words.
func (g *grammar) Read(argv []word.Word) option.Args {
	g.once.Do(func() { g.parsed = option.MustParse(g.style, g.text) })
	return g.parsed.Read(argv)
}

// wrapperTable are the entries by name, those of subcommands by both. An entry
// is read when it is first needed.
var wrapperTable = sync.OnceValue(func() map[string]*wrapper {
	files, err := wrapperFiles.ReadDir("wrappers")
	if err != nil {
		panic(err)
	}
	table := make(map[string]*wrapper, 512)
	for _, f := range files {
		b, err := wrapperFiles.ReadFile("wrappers/" + f.Name())
		if err != nil {
			panic(err)
		}
		var wr *wrapper
		for text := string(b); text != ""; {
			line, rest, _ := strings.Cut(text, "\n")
			switch {
			case line == "" || line[0] == '#':
			case line[0] != ' ':
				names, flags, _ := strings.Cut(line, ":")
				wr = &wrapper{style: posix, flags: flags}
				for _, name := range product(names) {
					table[name] = wr
				}
				wr.opts = rest
				wr.size = 0
			case wr != nil:
				wr.size += len(line) + 1
			}
			text = rest
		}
	}
	return table
})

// wrapperNamed is an entry of the table, read; nil where there is none.
func wrapperNamed(name string) *wrapper {
	wr := wrapperTable()[name]
	if wr != nil {
		wr.parse.Do(func() {
			for _, f := range strings.Fields(wr.flags) {
				if !wr.flag(f) {
					panic(fmt.Sprintf("wrapper %s: %q is no flag", name, f))
				}
			}
			wr.grammar = option.MustParse(wr.style, strings.ReplaceAll(wr.opts[:wr.size], ";", "\n"))
		})
	}
	return wr
}

// product is each name that "a|b c|d" stands for.
func product(names string) []string {
	if !strings.ContainsAny(names, "| ") {
		return []string{names}
	}
	out := []string{""}
	for i, w := range strings.Fields(names) {
		var next []string
		for _, head := range out {
			for _, alt := range strings.Split(w, "|") {
				if i > 0 {
					alt = head + " " + alt
				}
				next = append(next, alt)
			}
		}
		out = next
	}
	return out
}

func (wr *wrapper) flag(f string) bool {
	key, val, _ := strings.Cut(f, "=")
	switch key {
	case "skip":
		n, err := strconv.Atoi(val)
		wr.skip = n
		return err == nil
	case "cut":
		wr.cuts = strings.Split(val, ",")
	case "as":
		wr.as = val
	case "needs":
		wr.needs = val
	case "change":
		wr.change = changeNamed(val)
		return wr.change != nil
	case "dash":
		wr.cuts = []string{"--"}
	case "gnu":
		wr.style.Posix = false
	case "exact":
		wr.style.Exact = true
	case "far":
		wr.place = Remote
	case "box":
		wr.place = Container
	case "fresh":
		wr.fresh = true
	case "again":
		wr.again = true
	case "unless-options":
		wr.unlessOptions = true
	case "env":
		wr.env = true
	case "joined":
		wr.joined = true
	case "each":
		wr.each = true
	case "last-code":
		wr.lastCode = true
	case "code-only":
		wr.codeOnly = true
	case "sub":
		wr.sub = true
	case "async":
		wr.async = true
	case "shell":
		wr.shell = true
	case "name-first":
		wr.nameFirst = true
	case "stdin":
		wr.stdin = true
	case "edits":
		wr.edits = true
	default:
		return false
	}
	return true
}
