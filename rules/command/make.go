package command

import (
	"fmt"
	"path"
	"strings"

	"guardsh/rules/word"
)

// make(1): the recipes of the targets that are named and of what they need, as
// far as the makefile says so. Both branches of a condition are read: what it
// sets is not sure.

var makeOptions = grammar{text: "-b\n-m\n-B --always-make\n-C --directory =chdir\n-d\n--debug [=flags]\n-e --environment-overrides\n-E --eval =eval\n-f --file --makefile =file\n-h --help : ask\n-i --ignore-errors\n-I --include-dir =dir\n-j --jobs [=n]\n-k --keep-going\n-l --load-average [=n]\n-L\n-n --just-print --dry-run --recon : ask\n-o --old-file =file2\n-O --output-sync [=type]\n-p --print-data-base\n-q --question : ask\n-r --no-builtin-rules\n-R\n-s --silent --quiet\n-S\n-t --touch : ask\n--trace\n-v --version : ask\n-w --print-directory\n--no-print-directory\n-W --what-if =file2\n--warn-undefined-variables\n--shuffle [=s]"}

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
	partial bool              // it includes what cannot be read
	loose   bool              // what is not sure is taken all the same

	patterns []*makeRule // %.o: %.c
	depth    int         // includes within each other

	w  *walker
	st *state
	at position
}

// maxMake bounds the variables that one make may expand.
const maxMake = 1 << 13

type makeRule struct {
	target string // of a pattern rule
	needs  []string
	recipe []string
	stem   string            // what % stands for
	vars   map[string]string // the target's own
}

func (w *walker) makeTool(st *state, l launch, base string) result {
	a := makeOptions.Read(l.argv[1:])
	i := w.emit(st, Action{Argv: l.argv, Redirs: l.redirs, Assigns: l.assigns, Stdin: stdin(l.in)}, l.at)
	if i < 0 || a.Has("ask") || st.ctx.place.Kind == Remote {
		return both(st)
	}
	sub := st.clone()
	for _, as := range l.assigns {
		sub.set(as.Name, variable{state: VarSet, val: as.Value, exported: true})
	}
	for _, d := range a.Values["chdir"] {
		sub.cwd = w.arrive(sub.cwd, d)
	}
	m := &makefile{rules: map[string]*makeRule{}, vars: map[string]string{}, given: map[string]bool{}, unsure: map[string]bool{}, w: w, st: sub, at: l.at}
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
	evals := a.Values["eval"]
	if flags, set := given(st, l.assigns, "MAKEFLAGS"); set {
		if v, ok := flags.Value(); ok {
			evals = append(evals, makeOptions.Read(fieldsLike(v)).Values["eval"]...)
		}
	}
	for _, code := range evals {
		if text, ok := code.Value(); ok {
			m.read(text)
		}
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

// fieldsLike are the words of MAKEFLAGS: blanks part them, but inside of $(…).
func fieldsLike(s string) []word.Word {
	var out []word.Word
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		n := 0
		for n < len(s) && s[n] != ' ' {
			if _, ref := makeRef(s[n:]); ref > 0 {
				n += ref
				continue
			}
			n++
		}
		n = min(n, len(s))
		out = append(out, word.Lit(s[:n]))
		s = s[n:]
	}
	return out
}

// recipe walks what makes a target, after what it needs.
func (w *walker) recipe(st *state, l launch, via string, m *makefile, target string, seen map[string]bool, n *int) {
	r := m.ruleFor(target)
	if r == nil || seen[target] || len(seen) > maxRecipe {
		return
	}
	seen[target] = true
	defer m.with(r.vars)()
	needs := strings.Fields(m.flat(strings.Join(r.needs, " ")))
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
	if r.stem != "" {
		auto['*'] = r.stem
	}
	auto['+'] = auto['^']
	m.st = st
	for _, line := range lines {
		if *n++; *n > maxRecipe {
			w.note(TooLarge, fmt.Sprintf("%s: more than %d lines of recipes", via, maxRecipe), &l.at)
			return
		}
		line = strings.TrimLeft(line, "@-+ \t")
		code := strings.TrimLeft(m.expand(line, auto, 0), "@-+ \t")
		if strings.TrimSpace(code) == "" {
			continue
		}
		s := st.clone()
		w.beneath(s, l, via, possibly, func() result {
			s.fresh()
			return w.inline(s, code, l.at)
		})
	}
}

// ruleFor is the rule of a target, with the recipe of a pattern rule where it has
// none of its own.
func (m *makefile) ruleFor(target string) *makeRule {
	r := m.rules[target]
	if r != nil && len(r.recipe) > 0 {
		return r
	}
	for _, p := range m.patterns {
		stem, ok := makeStem(p.target, target)
		if !ok || stem == "" || len(p.recipe) == 0 {
			continue
		}
		out := &makeRule{recipe: p.recipe, stem: stem, vars: p.vars}
		for _, need := range p.needs {
			out.needs = append(out.needs, strings.Replace(need, "%", stem, 1))
		}
		if r != nil {
			out.needs = append(out.needs, r.needs...)
		}
		return out
	}
	return r
}

// include reads other makefiles.
func (m *makefile) include(names string) {
	for _, f := range strings.Fields(m.flat(names)) {
		text, ok := m.w.readFile(m.st, word.Lit(f))
		if !ok || m.depth > 8 {
			m.partial = true
			continue
		}
		m.depth++
		m.read(text)
		m.depth--
	}
}

// read takes a makefile's rules and variables.
func (m *makefile) read(text string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var cur []*makeRule
	depth, define := 0, ""
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
		if strings.HasPrefix(line, "\t") && cur != nil && define == "" {
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
		case define != "":
			if first != "endef" {
				m.vars[define] = strings.TrimPrefix(m.vars[define]+"\n"+strings.TrimPrefix(lines[i], "\t"), "\n")
				continue
			}
			define = ""
			continue
		case line == "":
			continue
		case first == "define":
			define = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(rest), ":?+="))
			m.vars[define] = ""
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
		case first == "include" || first == "-include" || first == "sinclude":
			m.include(rest)
			continue
		case first == "unexport" || first == "vpath":
			continue
		}
		if strings.HasPrefix(line, "$(") || strings.HasPrefix(line, "${") {
			if _, n := makeRef(line); n == len(line) {
				m.expand(line, nil, 0) // $(shell …), $(call …): for what it does
				continue
			}
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
		targets := strings.Fields(m.flat(line[:colon]))
		needs, recipe, inlined := strings.Cut(strings.TrimLeft(line[colon:], ":"), ";")
		cur = nil
		if eq := strings.IndexByte(needs, '='); eq >= 0 && !strings.Contains(needs[:eq], "$(") {
			// A variable of the targets' own, and of what they need.
			name := strings.TrimSpace(strings.TrimRight(strings.TrimSpace(needs[:eq]), ":?+"))
			for _, t := range targets {
				r := m.rule(t)
				if r.vars == nil {
					r.vars = map[string]string{}
				}
				if !m.given[name] {
					r.vars[name] = strings.TrimSpace(needs[eq+1:])
				}
			}
			continue
		}
		static := ""
		if pattern, rest, ok := strings.Cut(needs, ":"); ok && strings.Contains(pattern, "%") {
			static, needs = strings.TrimSpace(pattern), rest // a rule for each of the targets
		}
		for _, t := range targets {
			if t == ".ONESHELL" {
				m.oneline = true
			}
			r := m.rule(t)
			if static != "" {
				r.stem, _ = makeStem(static, t)
			}
			for _, need := range strings.Fields(needs) {
				if static != "" {
					need = strings.Replace(need, "%", r.stem, 1)
				}
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

// rule is the rule of a target, a new one where there is none.
func (m *makefile) rule(target string) *makeRule {
	if strings.Contains(target, "%") {
		r := &makeRule{target: target}
		m.patterns = append(m.patterns, r)
		return r
	}
	r := m.rules[target]
	if r == nil {
		r = &makeRule{}
		m.rules[target] = r
		m.order = append(m.order, target)
	}
	return r
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
	case op == ":" && strings.IndexByte(val, '$') >= 0:
		// Expanded where it stands, once.
		if text := m.expand(val, nil, 0); !unknownText(text) {
			val = strings.ReplaceAll(text, "$", "$$")
		}
	case op == "!":
		val = "$(shell " + val + ")"
	case op == "?":
		// The environment goes first.
		switch v := m.w.lookup(m.st, name); {
		case v.state == VarSet && v.exported:
			s, ok := v.val.Value()
			if val = strings.ReplaceAll(s, "$", "$$"); !ok {
				unsure = true
			}
		case v.state == VarUnknown:
			unsure = true
		}
	}
	m.vars[name] = val
	if unsure {
		m.unsure[name] = true
	} else if op != "+" {
		delete(m.unsure, name)
	}
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
