package command

import (
	"strings"

	"guardsh/rules/word"
)

func (w *walker) set(st *state, l launch, _ int) result {
	w.options(st, l.argv[1:], true)
	return success(st)
}

// options reads what set and the shell itself take: letters, -o names, and
// behind them positional parameters.
func (w *walker) options(st *state, args []word.Word, params bool) {
	for i := 0; i < len(args); i++ {
		s, ok := args[i].Value()
		if !ok && args[i].Many {
			st.params, st.more = nil, true
			return
		}
		if ok && (s == "--" || s == "-") {
			if params && (s == "--" || len(args) > i+1) {
				st.params, st.more = args[i+1:], false
			}
			return
		}
		if !ok || len(s) < 2 || s[0] != '-' && s[0] != '+' {
			if params {
				st.params, st.more = args[i:], false
			}
			return
		}
		on := s[0] == '-'
		for _, c := range []byte(s[1:]) {
			if c == 'o' {
				if i+1 < len(args) {
					if name, ok := args[i+1].Value(); ok {
						st.setOpt(name, on)
					}
					i++
				}
				continue
			}
			if name := setLetters[c]; name != "" {
				st.setOpt(name, on)
			}
		}
	}
}

func (w *walker) shopt(st *state, l launch, _ int) result {
	on, set := false, false
	for _, a := range l.argv[1:] {
		s, _ := a.Value()
		switch {
		case strings.HasPrefix(s, "-"):
			if strings.Contains(s, "s") {
				on, set = true, true
			}
			if strings.Contains(s, "u") {
				on, set = false, true
			}
		case set:
			st.setOpt(s, on)
		}
	}
	return both(st)
}
