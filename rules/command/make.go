package command

import (
	"fmt"
	"path"
	"strings"

	"guardsh/rules/option"
	"guardsh/rules/word"
)

// make(1): the recipes of the targets that are named and of what they need, as
// far as the makefile says so plainly. Functions, conditions and pattern rules
// are not followed.

var makeOptions = grammar(option.Style{}, "-b\n-m\n-B --always-make\n-C --directory =chdir\n-d\n--debug [=flags]\n-e --environment-overrides\n-E --eval =eval\n-f --file --makefile =file\n-h --help : ask\n-i --ignore-errors\n-I --include-dir =dir\n-j --jobs [=n]\n-k --keep-going\n-l --load-average [=n]\n-L\n-n --just-print --dry-run --recon : ask\n-o --old-file =file2\n-O --output-sync [=type]\n-p --print-data-base\n-q --question : ask\n-r --no-builtin-rules\n-R\n-s --silent --quiet\n-S\n-t --touch : ask\n--trace\n-v --version : ask\n-w --print-directory\n--no-print-directory\n-W --what-if =file2\n--warn-undefined-variables\n--shuffle [=s]")

// maxRecipe bounds the recipe lines that one make may have walked.
const maxRecipe = 512

type makefile struct {
	rules   map[string]*makeRule
	order   []string
	vars    map[string]string // not expanded yet
	given   map[string]bool   // set on the command line: the file does not change it
	unsure  map[string]bool   // set under a condition
	oneline bool              // .ONESHELL
	work    int               // variables expanded: those that double each other have no end
}

// maxMake bounds the variables that one make may expand.
const maxMake = 1 << 13

type makeRule struct {
	needs  []string
	recipe []string
}

func (w *walker) makeTool(st *state, l launch, base string) result {
	a := makeOptions().Read(l.argv[1:])
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if i < 0 || a.Has("ask") || st.ctx.place.Kind == Remote {
		return both(st)
	}
	sub := st.clone()
	for _, d := range a.Values["chdir"] {
		sub.cwd = w.arrive(sub.cwd, d)
	}
	m := &makefile{rules: map[string]*makeRule{}, vars: map[string]string{}, given: map[string]bool{}, unsure: map[string]bool{}}
	var goals []string
	for _, o := range a.Operands {
		v, ok := o.Value()
		if !ok {
			continue
		}
		if name, val, isVar := strings.Cut(v, "="); isVar {
			name = strings.TrimRight(name, ":?+")
			m.vars[name], m.given[name] = val, true
			continue
		}
		goals = append(goals, v)
	}
	files := a.Values["file"]
	if len(files) == 0 {
		files = word.Lits("GNUmakefile", "makefile", "Makefile")
	}
	for _, f := range files {
		text, ok := w.readFile(sub, f)
		if in := w.standardInput(st, l); f.Is("-") || f.Is("/dev/stdin") {
			text, ok = in.text, in.known
		}
		if !ok {
			continue
		}
		m.read(text)
		if len(a.Values["file"]) == 0 {
			break
		}
	}
	if len(goals) == 0 {
		for _, t := range m.order {
			if !strings.HasPrefix(t, ".") && !strings.Contains(t, "%") {
				goals = []string{t}
				break
			}
		}
	}
	via := base
	if !w.enter("make "+strings.Join(goals, " "), &l.at) {
		return both(st)
	}
	seen := map[string]bool{}
	n := 0
	for _, g := range goals {
		w.recipe(sub, l, via, m, g, seen, &n)
	}
	w.calls = w.calls[:len(w.calls)-1]
	return both(st)
}

// recipe walks what makes a target, after what it needs.
func (w *walker) recipe(st *state, l launch, via string, m *makefile, target string, seen map[string]bool, n *int) {
	r := m.rules[target]
	if r == nil || seen[target] || len(seen) > maxRecipe {
		return
	}
	seen[target] = true
	needs := strings.Fields(m.flat(strings.Join(r.needs, " "), 0))
	for _, need := range needs {
		w.recipe(st, l, via, m, need, seen, n)
	}
	lines := r.recipe
	if m.oneline && len(lines) > 1 {
		lines = []string{strings.Join(lines, "\n")}
	}
	auto := map[byte]string{'@': target, '<': "", '^': strings.Join(needs, " "), '?': strings.Join(needs, " "), '*': strings.TrimSuffix(target, path.Ext(target))}
	if len(needs) > 0 {
		auto['<'] = needs[0]
	}
	for _, line := range lines {
		if *n++; *n > maxRecipe {
			w.note(TooLarge, fmt.Sprintf("%s: more than %d lines of recipes", via, maxRecipe), &l.at)
			return
		}
		line = strings.TrimLeft(line, "@-+ \t")
		code := w.makeCode(m, line, auto, 0)
		if strings.TrimSpace(code) == "" {
			continue
		}
		s := st.clone()
		w.beneath(s, l, via, func(s *state, _ *context) { s.certain = Possible }, func() result {
			s.fresh()
			return w.inline(s, code, l.at)
		})
	}
}

// read takes a makefile's rules and variables.
func (m *makefile) read(text string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var cur []*makeRule
	depth, define := 0, false
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		for strings.HasSuffix(line, "\\") && i+1 < len(lines) {
			i++
			if strings.HasPrefix(line, "\t") {
				line += "\n" + strings.TrimPrefix(lines[i], "\t")
			} else {
				line = line[:len(line)-1] + " " + strings.TrimSpace(lines[i])
			}
		}
		if strings.HasPrefix(line, "\t") && cur != nil {
			for _, r := range cur {
				r.recipe = append(r.recipe, line[1:])
			}
			continue
		}
		if j := strings.IndexByte(line, '#'); j >= 0 && (j == 0 || line[j-1] != '\\') {
			line = line[:j]
		}
		line = strings.TrimSpace(line)
		first, rest, _ := strings.Cut(line, " ")
		switch {
		case define:
			define = first != "endef"
			continue
		case line == "":
			continue
		case first == "define":
			define = true
			continue
		case strings.HasPrefix(first, "if"):
			depth++
			continue
		case first == "else":
			continue
		case first == "endif":
			depth--
			continue
		case first == "export" || first == "override" || first == "private":
			line = strings.TrimSpace(rest)
		case first == "include" || first == "-include" || first == "sinclude" || first == "unexport" || first == "vpath":
			continue
		}
		eq, colon := strings.IndexByte(line, '='), strings.IndexByte(line, ':')
		if eq > 0 && (colon < 0 || colon > eq || strings.Trim(line[colon:eq], ":") == "") {
			m.assign(line, eq, depth > 0)
			continue
		}
		if colon <= 0 {
			cur = nil
			continue
		}
		targets := strings.Fields(m.flat(line[:colon], 0))
		needs, recipe, inlined := strings.Cut(strings.TrimLeft(line[colon:], ":"), ";")
		if strings.Contains(needs, "=") {
			cur = nil
			continue // a variable of the target's own
		}
		cur = nil
		for _, t := range targets {
			if t == ".ONESHELL" {
				m.oneline = true
			}
			r := m.rules[t]
			if r == nil {
				r = &makeRule{}
				m.rules[t] = r
				m.order = append(m.order, t)
			}
			for _, need := range strings.Fields(needs) {
				if need != "|" {
					r.needs = append(r.needs, need)
				}
			}
			if inlined {
				r.recipe = append(r.recipe, strings.TrimSpace(recipe))
			}
			cur = append(cur, r)
		}
	}
}

func (m *makefile) assign(line string, eq int, unsure bool) {
	name := strings.TrimSpace(line[:eq])
	val := strings.TrimSpace(line[eq+1:])
	op := ""
	for strings.HasSuffix(name, ":") || strings.HasSuffix(name, "?") || strings.HasSuffix(name, "+") || strings.HasSuffix(name, "!") {
		op = name[len(name)-1:]
		name = strings.TrimSpace(name[:len(name)-1])
	}
	old, had := m.vars[name]
	switch {
	case m.given[name] || op == "?" && had:
		return
	case op == "+" && had:
		val = old + " " + val
	case op == ":" && strings.Contains(val, "$("+name+")"):
		val = strings.ReplaceAll(val, "$("+name+")", old)
	}
	m.vars[name] = val
	if unsure || op == "!" || op == "?" {
		m.unsure[name] = true // ?= lets the environment go first
	}
	if !unsure && op != "!" && op != "?" && op != "+" {
		delete(m.unsure, name)
	}
}

// flat expands plain variables in the names of targets.
func (m *makefile) flat(s string, depth int) string {
	if depth > 16 || strings.IndexByte(s, '$') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		name, n := makeRef(s[i:])
		if n == 0 {
			b.WriteByte(s[i])
			continue
		}
		if m.work++; m.work > maxMake {
			return b.String()
		}
		b.WriteString(m.flat(m.vars[name], depth+1))
		i += n - 1
	}
	return b.String()
}

// makeRef is the variable that $(X), ${X} or $X names, and its length.
func makeRef(s string) (string, int) {
	if len(s) < 2 || s[0] != '$' {
		return "", 0
	}
	end := byte(0)
	switch s[1] {
	case '(':
		end = ')'
	case '{':
		end = '}'
	default:
		return s[1:2], 2
	}
	depth := 0
	for j := 1; j < len(s); j++ {
		switch s[j] {
		case s[1]:
			depth++
		case end:
			if depth--; depth == 0 {
				return s[2:j], j + 1
			}
		}
	}
	return "", 0
}

// makeCode is a recipe line as the shell gets it; what is not known stands as
// a hole.
func (w *walker) makeCode(m *makefile, s string, auto map[byte]string, depth int) string {
	if strings.IndexByte(s, '$') < 0 || depth > 16 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		name, n := makeRef(s[i:])
		if n == 0 {
			b.WriteByte(s[i])
			continue
		}
		i += n - 1
		val, known := m.vars[name]
		switch {
		case name == "$":
			b.WriteByte('$')
		case n == 2 && auto != nil && strings.IndexByte("@<^?*", name[0]) >= 0:
			b.WriteString(auto[name[0]])
		case name == "MAKE":
			b.WriteString("make")
		case known && !m.unsure[name] && depth < 16 && m.work < maxMake:
			m.work++
			b.WriteString(w.makeCode(m, val, auto, depth+1))
		default:
			w.holes = append(w.holes, word.Part{Hole: word.Var, Src: "$(" + name + ")"})
			fmt.Fprintf(&b, "%c%d%c", holeOpen, len(w.holes)-1, holeClose)
		}
	}
	return b.String()
}
