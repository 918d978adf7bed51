package command

import (
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
)

// getoptAt is where getopts stands inside a cluster of options.
type getoptAt struct {
	index int64 // the value of OPTIND that it left
	char  int   // the letter that is read next; 0 none
	lost  bool  // not known
}

// getopts reads the next option of the positional parameters, or of the words
// that it is given.
func (w *walker) getopts(st *state, l launch, _ int) result {
	if len(l.argv) < 3 {
		return failure(st)
	}
	name, nameKnown := l.argv[2].Value()
	spec, specKnown := l.argv[1].Value()
	args, more := st.params, st.more
	if len(l.argv) > 3 {
		args, more = l.argv[3:], false
	}
	index := number{n: 1, known: !st.ctx.shell || st.ctx.arg0 != ""}
	if v := w.lookup(st, "OPTIND"); v.state == VarSet {
		index = integer(v.val)
	} else if v.state == VarUnset {
		index.known = true
	}
	set := func(opt, arg word.Word, has bool, at int64, char int) {
		w.storeNamed(st, name, opt)
		if has {
			st.setScalar("OPTARG", arg)
		} else {
			st.set("OPTARG", variable{state: VarUnset})
		}
		st.setScalar("OPTIND", word.Lit(strconv.FormatInt(at, 10)))
		st.getopt = getoptAt{index: at, char: char}
	}
	known := nameKnown && specKnown && index.known && index.n > 0 && !more && !st.getopt.lost &&
		!slices.ContainsFunc(args, func(x word.Word) bool { return x.Many })
	var arg string
	if i := index.n - 1; known && i < int64(len(args)) {
		arg, known = args[i].Value()
	}
	at, char := index.n, 0
	if st.getopt.index == at {
		char = st.getopt.char
	}
	if char > 0 && char >= len(arg) {
		known = false // it stands inside a cluster of other parameters than these
	}
	if !known {
		if nameKnown {
			w.storeNamed(st, name, word.Hidden("$"+name, word.Var))
		} else {
			w.lose(st)
		}
		st.set("OPTARG", variable{state: VarUnknown})
		st.set("OPTIND", variable{state: VarUnknown})
		st.getopt = getoptAt{lost: true}
		return both(st)
	}
	silent := strings.HasPrefix(spec, ":")
	end := at > int64(len(args)) || len(arg) < 2 || arg[0] != '-'
	if char == 0 && (end || arg == "--") {
		if !end {
			at++
		}
		set(word.Lit("?"), word.Word{}, false, min(at, int64(len(args))+1), 0)
		return failure(st)
	}
	if char == 0 {
		char = 1
	}
	c := arg[char : char+1]
	next, then := at, char+1
	if then >= len(arg) {
		next, then = at+1, 0
	}
	i := strings.Index(spec, c)
	switch {
	case i < 0 || c == ":":
		set(word.Lit("?"), word.Lit(c), silent, next, then)
	case i+1 < len(spec) && spec[i+1] == ':':
		switch {
		case then > 0:
			set(word.Lit(c), word.Lit(arg[then:]), true, at+1, 0)
		case at < int64(len(args)):
			set(word.Lit(c), args[at], true, at+2, 0)
		case silent:
			set(word.Lit(":"), word.Lit(c), true, at+1, 0)
		default:
			set(word.Lit("?"), word.Word{}, false, at+1, 0)
		}
	default:
		set(word.Lit(c), word.Word{}, false, next, then)
	}
	return success(st)
}
