package command

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

const parallelOpts = "-j --jobs -P --max-procs =jobs\n-k --keep-order\n-N --max-replace-args -n --max-args =n\n-a --arg-file =file\n-I =replace\n--bar\n--eta\n--progress\n--dry-run --dryrun : ask\n-v\n-t\n-q --quote\n--delay =s\n--timeout =s\n--retries =x\n--halt =h\n--joblog =f\n--resume\n--tmpdir =d\n--results =d\n-S --sshlogin =host\n--colsep -C =r\n-d --delimiter =d\n-0 --null\n-X\n-m\n--xargs\n-L =lines\n--pipe --pipepart : pipe\n--block =s\n--will-cite\n--no-notice\n--line-buffer --lb\n--group\n-u --ungroup\n--tag\n--no-run-if-empty -r\n--shuf\n--nice =x\n--load =x\n--memfree =x\n--wd --workdir =dir\n-i\n--env =v\n--header =h\n--silent\n-W =x\n--linebuffer\n--verbose\n--plain\n--fg\n--bg\n--wait\n--id =x\n--semaphore\n--link\n--linkinputsource\n--rpl =x\n--nonall : none\n--onall\n--slf --sshloginfile =logins\n--version : ask\n--help -h : ask"

var parallelOptions = grammar{style: posix, text: parallelOpts}

// parallel runs code for each of the arguments behind ":::", in the files
// behind "::::" and -a, or for each line that it reads.
func (w *walker) parallel(st *state, l launch, base string) result {
	argv, tail := l.argv[1:], []word.Word(nil)
	if i := slices.IndexFunc(argv, isSource); i >= 0 {
		argv, tail = argv[:i], argv[i:]
	}
	a := parallelOptions.Read(argv)
	cmd := a.Operands
	w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in), Wrapper: true}, l.at)
	if a.Has("ask") {
		return both(st)
	}
	turns, known := [][]word.Word{nil}, true
	if a.Has("pipe") {
		// The input is for the command itself.
		w.shellCode(st, l, base, w.joined(cmd), nil)
		return both(st)
	}
	if !a.Has("none") {
		turns, known = w.parallelTurns(st, l, base, a, tail, len(cmd) > 0)
	}
	if !known {
		turns = [][]word.Word{{{Src: "{}", Know: word.Unknown, Shape: []word.Part{{Hole: word.Subst, Src: "{}"}}, Origin: word.FromInput}}}
	}
	for i, args := range turns {
		if i >= w.lim.Unroll {
			w.note(TooLarge, "input of parallel", &l.at)
			break
		}
		code := w.joined(w.parallelWords(cmd, args, len(cmd) > 0 && !last(a.Values["n"]).Is("0")))
		if _, ok := w.code(code); !ok && len(cmd) > 0 {
			continue
		}
		w.shellCode(st, l, base, code, func(s *state, c *context) {
			if !known {
				s.certain = Possible
			}
			if hosts := w.loginsOf(a.Values["host"]); len(hosts) > 0 {
				remote(s, c, Remote, hosts)
			}
			c.stdin = input{Input: Input{Kind: InputClosed}}
		})
	}
	return both(st)
}

// loginsOf are the hosts that -S names: "8/root@web1,web2", where ":" is this
// machine.
func (w *walker) loginsOf(given []word.Word) []word.Word {
	var out []word.Word
	for _, x := range given {
		v, ok := x.Value()
		if !ok {
			out = append(out, x)
			continue
		}
		for _, h := range w.hostList(v) {
			_, after, _ := strings.Cut("/"+h, "/")
			if i := strings.LastIndexAny(after, "/@"); i >= 0 {
				after = after[i+1:]
			}
			if after != ":" {
				out = append(out, word.Lit(after))
			}
		}
	}
	return out
}

func isSource(x word.Word) bool {
	return x.Is(":::") || x.Is(":::+") || x.Is("::::") || x.Is("::::+")
}

// parallelTurns are the arguments of each turn: one of each source, or with -N
// several of one. They are known where all of them are.
func (w *walker) parallelTurns(st *state, l launch, base string, a option.Args, tail []word.Word, quoted bool) ([][]word.Word, bool) {
	known := true
	lines := func(text string) (out []word.Word) {
		for _, s := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			out = append(out, fromInput(s))
		}
		return out
	}
	file := func(f word.Word) []word.Word {
		text, ok := w.processText(f)
		if !ok {
			text, ok = w.readFile(st, f)
		}
		known = known && ok
		return lines(text)
	}
	var sources [][]word.Word
	linked := map[int]bool{}
	for _, f := range a.Values["file"] {
		sources = append(sources, file(f))
	}
	for len(tail) > 0 {
		kind := tail[0]
		tail = tail[1:]
		n := slices.IndexFunc(tail, isSource)
		if n < 0 {
			n = len(tail)
		}
		linked[len(sources)] = kind.Is(":::+") || kind.Is("::::+")
		if strings.HasPrefix(kind.Values[0], "::::") {
			for _, f := range tail[:n] {
				sources = append(sources, file(f))
			}
		} else {
			sources = append(sources, eachValue(tail[:n]))
		}
		tail = tail[n:]
	}
	if len(sources) == 0 {
		if base == "sem" {
			return [][]word.Word{nil}, true // one turn, without arguments
		}
		in := w.standardInput(st, l)
		if !in.known {
			return nil, false
		}
		sources = append(sources, lines(in.text))
	}
	turns := [][]word.Word{nil}
	for i, s := range sources {
		var next [][]word.Word
		for k, t := range turns {
			for n, x := range s {
				_, ok := x.Value()
				if _, pattern := x.Pattern(); !ok && !pattern {
					known = false
				}
				if linked[i] && n != k || len(next) > w.lim.Unroll {
					continue
				}
				next = append(next, append(t[:len(t):len(t)], x))
			}
		}
		turns = next
	}
	if n := integer(last(a.Values["n"])); n.known && n.n > 1 && len(sources) == 1 {
		var grouped [][]word.Word
		for i := 0; i < len(turns); i += int(n.n) {
			var g []word.Word
			for _, t := range turns[i:min(i+int(n.n), len(turns))] {
				g = append(g, t...)
			}
			grouped = append(grouped, g)
		}
		turns = grouped
	}
	for _, t := range turns {
		for i := range t {
			if v, ok := t[i].Value(); ok && quoted {
				t[i].Values = []string{quoteShell(v)}
			}
		}
	}
	return turns, known && len(turns) > 0
}

// parallelMarks are the replacement strings of which a turn's argument is a
// part.
var parallelMarks = [...]struct {
	mark string
	of   func(string) string
}{
	{"{.}", withoutExt}, {"{/}", path.Base}, {"{//}", path.Dir}, {"{/.}", func(s string) string { return path.Base(withoutExt(s)) }},
}

func withoutExt(s string) string { return strings.TrimSuffix(s, path.Ext(s)) }

// parallelWords is a command with a turn's arguments in it, or behind it.
func (w *walker) parallelWords(cmd, args []word.Word, behind bool) []word.Word {
	if len(cmd) == 0 {
		return args
	}
	var words []word.Word
	used := false
	for _, x := range cmd {
		y := x
		put := func(mark string, by word.Word) {
			if z := w.replaced(y, mark, by); !same(y, z) {
				y, used = z, true
			}
		}
		if strings.Contains(x.Prefix(), "{") {
			put("{}", w.joined(args))
			for i, v := range args {
				n := strconv.Itoa(i + 1)
				put("{"+n+"}", v)
				for _, m := range parallelMarks {
					if s, ok := v.Value(); ok {
						v := v
						v.Values = []string{m.of(s)}
						put("{"+n+m.mark[1:], v)
						put(m.mark, v)
					} else {
						put(m.mark, v)
					}
				}
			}
		}
		words = append(words, y)
	}
	if !used && behind {
		words = append(words, args...)
	}
	return words
}

// quoteShell quotes a string for a shell.
func quoteShell(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\\'\"$`*?[]{}()<>|&;!~#") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
