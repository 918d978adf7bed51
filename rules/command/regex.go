package command

import (
	"regexp"
	"strings"

	"guardsh/rules/word"
	"mvdan.cc/sh/v3/syntax"
)

// maxRegexp bounds the text and the expression of =~ that are looked at.
const maxRegexp = 4096

// rematch is [[ l =~ y ]]: whether it matches, and BASH_REMATCH as it is then.
func (w *walker) rematch(st *state, l word.Word, y *syntax.Word) truth {
	subject, ok := l.Value()
	var expr strings.Builder
	plain := true // no part that Go reads otherwise than the C library
	for _, p := range w.parts(st, nil, y.Parts, false) {
		switch {
		case p.hole != word.NoHole || p.alts != nil:
			ok = false
		case p.quoted:
			expr.WriteString(regexp.QuoteMeta(p.text))
		default:
			plain = plain && !strings.ContainsAny(p.text, `\`) && !strings.Contains(p.text, "[[.") && !strings.Contains(p.text, "[[=") && !strings.Contains(p.text, "(?")
			expr.WriteString(p.text)
		}
	}
	lost := func() truth {
		st.set("BASH_REMATCH", variable{state: VarUnknown})
		return maybe
	}
	if !ok || !plain || len(subject) > maxRegexp || expr.Len() > maxRegexp || strings.IndexFunc(subject, func(c rune) bool { return c >= 0x80 }) >= 0 {
		return lost()
	}
	text := expr.String()
	if w.opt(st, "nocasematch") {
		subject, text = strings.ToLower(subject), strings.ToLower(text)
		if strings.Contains(text, "(") {
			return lost() // what was matched is not what is kept
		}
	}
	re, err := regexp.CompilePOSIX(text)
	if err != nil {
		return lost()
	}
	v := variable{state: VarSet, isList: true}
	m := re.FindStringSubmatch(subject)
	for _, s := range m {
		v.list = append(v.list, word.Word{Src: "${BASH_REMATCH[]}", Know: word.Known, Values: []string{s}, Origin: word.FromVariable})
	}
	st.set("BASH_REMATCH", v)
	if m == nil {
		return no
	}
	return yes
}
