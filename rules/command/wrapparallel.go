package command

import (
	"strings"

	"guardsh/rules/word"
)

const parallelOpts = "-j --jobs -P --max-procs =n\n-k --keep-order\n-N --max-replace-args =n\n-n --max-args =n\n-a --arg-file =file\n-I =replace\n--bar\n--eta\n--progress\n--dry-run --dryrun : ask\n-v\n-t\n-q --quote\n--delay =s\n--timeout =s\n--retries =n\n--halt =h\n--joblog =f\n--resume\n--tmpdir =d\n--results =d\n-S --sshlogin =host\n--colsep -C =r\n-d --delimiter =d\n-0 --null\n-X\n-m\n--xargs\n-L =n\n--pipe : ask\n--block =s\n--will-cite\n--no-notice\n--line-buffer --lb\n--group\n-u --ungroup\n--tag\n--no-run-if-empty -r\n--shuf\n--nice =n\n--load =n\n--memfree =n\n--wd --workdir =dir\n-i\n--env =v\n--header =h\n--silent\n-W =n\n--linebuffer\n--verbose\n--plain"

var parallelOptions = grammar(posix, parallelOpts)

// parallel runs code for each of the arguments behind ":::", or for each line
// that it reads.
func (w *walker) parallel(st *state, l launch, base string) result {
	argv := l.argv[1:]
	var given []word.Word
	has := false
	for i, x := range argv {
		if x.Is(":::") || x.Is(":::+") || x.Is("::::") {
			if x.Is(":::") {
				given = argv[i+1:]
			}
			has = true
			argv = argv[:i]
			break
		}
	}
	a := parallelOptions().Read(argv)
	cmd := a.Operands
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: true}, l.at)
	if a.Has("ask") {
		return both(st)
	}
	in := w.standardInput(st, l)
	if !has && in.known {
		has = true
		for _, s := range strings.Split(strings.TrimSuffix(in.text, "\n"), "\n") {
			given = append(given, fromInput(s))
		}
	}
	unknown := !has || len(a.Values["n"]) > 1
	for _, g := range given {
		if _, ok := g.Value(); !ok || g.Is(":::") || g.Is(":::+") || g.Is("::::") {
			unknown = true
		}
	}
	if unknown || len(given) == 0 || len(a.Values["host"]) > 0 {
		given = []word.Word{{Src: "{}", Know: word.Unknown, Shape: []word.Part{{Hole: word.Subst, Src: "{}"}}, Origin: word.FromInput}}
	}
	for i, g := range given {
		if i >= w.lim.Unroll {
			w.note(TooLarge, "input of parallel", &l.at)
			break
		}
		if v, ok := g.Value(); ok && len(cmd) > 0 {
			g.Values = []string{quoteShell(v)}
		}
		words := make([]word.Word, 0, len(cmd)+1)
		used := false
		for _, x := range cmd {
			y := w.replaced(x, "{}", g)
			used = used || !same(x, y)
			words = append(words, y)
		}
		if !used {
			words = append(words, g)
		}
		if _, ok := w.code(w.joined(words)); !ok && len(cmd) > 0 {
			continue
		}
		w.shellCode(st, l, base, w.joined(words), func(s *state, c *context) {
			if unknown {
				s.certain = Possible
			}
			if h := a.Values["host"]; len(h) > 0 && !h[0].Is(":") {
				remote(s, c, Remote, h)
			}
			c.stdin = input{Input: Input{Kind: InputClosed}}
		})
	}
	return both(st)
}

// quoteShell quotes a string for a shell.
func quoteShell(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\\'\"$`*?[]{}()<>|&;!~#") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
