package command

import (
	"embed"
	"fmt"
	"io/fs"
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
//	name-first      only where no option gave the name
//	needs=ARG       without that argument the command can reach nothing
//	stdin           without a command a shell there reads the input
//
// With an option of the attribute "ask" nothing is started. An option's
// argument named "code" is run by a shell, one named "prog" is the command's
// program, "dir" its working directory.
type wrapper struct {
	opts                 string
	style                option.Style
	skip                 int
	again, unlessOptions bool
	env, joined, each    bool
	lastCode, codeOnly   bool
	cuts                 []string
	sub, async, shell    bool
	nameFirst, stdin     bool
	as, needs            string
	place                PlaceKind
	change               change
	parse                sync.Once
	parsed               *option.Grammar
}

func (wr *wrapper) grammar() *option.Grammar {
	wr.parse.Do(func() { wr.parsed = option.MustParse(wr.style, wr.opts) })
	return wr.parsed
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
func grammar(style option.Style, text string) func() *option.Grammar {
	return sync.OnceValue(func() *option.Grammar { return option.MustParse(style, text) })
}

// wrapperTable are the wrappers by name, those of subcommands by both.
var wrapperTable = sync.OnceValue(func() map[string]*wrapper {
	files, err := fs.Glob(wrapperFiles, "wrappers/*.txt")
	if err != nil {
		panic(err)
	}
	table := map[string]*wrapper{}
	for _, f := range files {
		b, err := wrapperFiles.ReadFile(f)
		if err != nil {
			panic(err)
		}
		if err := readWrappers(table, string(b)); err != nil {
			panic(f + ": " + err.Error())
		}
	}
	for name, wr := range table {
		if wr.as != "" && table[wr.as] == nil {
			panic(name + ": no entry " + wr.as)
		}
	}
	return table
})

// readWrappers adds the entries of a file.
func readWrappers(table map[string]*wrapper, text string) error {
	var wr *wrapper
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == ' ':
			if wr == nil {
				return fmt.Errorf("line %d: options without a head", n+1)
			}
			wr.opts += strings.ReplaceAll(line, ";", "\n") + "\n"
			continue
		}
		names, flags, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("line %d: %q has no colon", n+1, line)
		}
		wr = &wrapper{style: posix}
		for _, f := range strings.Fields(flags) {
			if !wr.flag(f) {
				return fmt.Errorf("line %d: %q is no flag", n+1, f)
			}
		}
		for _, name := range product(strings.Fields(names)) {
			if table[name] != nil {
				return fmt.Errorf("line %d: %s stands there twice", n+1, name)
			}
			table[name] = wr
		}
	}
	return nil
}

// product is each name that "a|b c|d" stands for.
func product(words []string) []string {
	out := []string{""}
	for i, w := range words {
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
		wr.change = changes[val]
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
	default:
		b := map[string]*bool{"again": &wr.again, "unless-options": &wr.unlessOptions, "env": &wr.env, "joined": &wr.joined, "each": &wr.each, "last-code": &wr.lastCode,
			"code-only": &wr.codeOnly, "sub": &wr.sub, "async": &wr.async, "shell": &wr.shell, "name-first": &wr.nameFirst, "stdin": &wr.stdin}[key]
		if b == nil {
			return false
		}
		*b = true
	}
	return true
}
