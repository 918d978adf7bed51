package command

import (
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

var crontabOptions = grammar{style: option.Style{Exact: true}, text: "-u =user\n-l : ask\n-r : ask\n-e : ask\n-i\n-s\n-n =host\n-c : ask\n-x =debug\n-T =file : ask\n-V : ask"}

// crontab installs jobs: each of them will run one day, as its user.
func (w *walker) crontab(st *state, l launch, base string) result {
	a := crontabOptions.Read(l.argv[1:])
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if a.Has("ask") || i < 0 || len(a.Operands) > 1 {
		return both(st)
	}
	in := w.standardInput(st, l)
	var texts []string
	switch {
	case len(a.Operands) == 1 && !a.Operands[0].Is("-"):
		text, ok := w.processText(a.Operands[0])
		if !ok {
			text, _, ok = w.made(st, a.Operands[0])
		}
		if !ok {
			text, _ = w.readFile(st, a.Operands[0])
		}
		if ok {
			w.line.Actions[i].Given = word.Lit(text)
		}
		texts = append(texts, text)
	case in.known:
		texts = append(texts, in.text)
	case in.Kind == InputFile:
		text, _ := w.readFile(st, in.Word)
		texts = append(texts, text)
	case in.Kind == InputText:
		if text, ok := w.code(in.Word); ok {
			texts = append(texts, text)
		}
	case in.Kind == InputPipe:
		// (crontab -l; echo "…") | crontab -: what is added is known.
		for _, j := range in.From {
			if text, ok := w.output(j); ok {
				texts = append(texts, text)
			}
		}
	}
	jobs := 0
	for _, text := range texts {
		for _, line := range strings.Split(text, "\n") {
			if jobs++; jobs > w.lim.Unroll {
				w.note(TooLarge, "jobs of crontab", &l.at)
				return both(st)
			}
			if code, ok := cronJob(line); ok {
				w.shellCode(st, launch{at: l.at}, base, word.Lit(code), func(s *state, c *context) {
					c.become(last(a.Values["user"]), c.user)
					newEnv(s, c)
					s.cwd = c.home()
					s.certain, c.async, c.stdin = Possible, true, input{Input: Input{Kind: InputClosed}}
				})
			}
		}
	}
	return both(st)
}

// cronJob is the code of a crontab's line, its schedule taken off: what stands
// behind the first % is input, not code.
func cronJob(line string) (string, bool) {
	line = strings.TrimSpace(line)
	fields := 5
	switch {
	case line == "" || line[0] == '#':
		return "", false
	case line[0] == '@':
		fields = 1
	case strings.IndexByte("0123456789*", line[0]) < 0:
		return "", false // an assignment
	}
	for range fields {
		j := strings.IndexAny(line, " \t")
		if j < 0 {
			return "", false
		}
		line = strings.TrimLeft(line[j:], " \t")
	}
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' && i+1 < len(line) && line[i+1] == '%' {
			line = line[:i] + line[i+1:]
			continue
		}
		if line[i] == '%' {
			line = line[:i]
		}
	}
	return line, line != ""
}
