package command

import (
	"slices"
	"strings"

	"guardsh/rules/word"
)

// signalName is the name behind a number that code likes to write.
func signalName(name string) string {
	switch name {
	case "signal.SIGKILL":
		return "KILL"
	case "signal.SIGTERM":
		return "TERM"
	case "signal.SIGHUP":
		return "HUP"
	case "signal.SIGSTOP":
		return "STOP"
	case "signal.SIGINT":
		return "INT"
	}
	return ""
}

// call is what a call is worth; one that the table knows is done.
func (e *evaluator) call(name string, recv val, a callArgs) val {
	if end, ok := printEnd(name); ok && e.lang.name != "ruby" {
		between := " "
		if end == "" {
			between = ""
		}
		if x, ok := a.kv["end"].w.Value(); ok && e.lang.name == "python" {
			end = x
		}
		if e.lang.sigils && name == "print" {
			end, between = "", ""
		}
		e.prints(a.list, between, end)
		return val{}
	}
	if v, ok := e.made(name, recv, a); ok {
		return v
	}
	if e.evaluates(name) {
		if x := a.at(0); x.Know == word.Unknown && e.lang.name == "python" && e.fetched > 0 {
			e.w.unseen(e.via+" runs what it fetches", nil, &e.l.at)
		}
		if s, ok := a.at(0).Value(); ok {
			e.only = false
			e.w.look(e.st, e.l, -1, e.lang, e.via, s, e.argv, nil, e.inner())
		}
		return unknownVal(name)
	}
	switch name {
	case "require", "__import__", "import", "importlib.import_module":
		s, _ := a.at(0).Value()
		return val{name: moduleName(s)}
	case "Path", "pathlib.Path", "PosixPath", "pathlib.PosixPath", "Pathname", "Pathname.new":
		p := val{path: true, w: word.Lit(".")}
		for i, x := range a.list {
			if i == 0 {
				p.w = x.word()
			} else {
				p.w = joinPath(e.w, p.w, x.word())
			}
		}
		return p
	case "File", "java.io.File", "Paths.get", "java.nio.file.Paths.get", "Path.of", "os.Path":
		if e.lang.name == "jvm" && len(a.list) > 0 {
			p := val{path: true, w: a.at(0)}
			for _, x := range a.list[1:] {
				p.w = joinPath(e.w, p.w, x.word())
			}
			return p
		}
	case "os.path.join", "path.join", "File.join", "path.resolve":
		if len(a.list) == 0 {
			return unknownVal(name)
		}
		p := a.at(0)
		for _, x := range a.list[1:] {
			p = joinPath(e.w, p, x.word())
		}
		return val{w: p}
	case "str", "os.fspath", "String", "os.path.abspath", "os.path.normpath", "list", "tuple", "File.expand_path", "b", "bytes":
		if len(a.list) > 0 {
			return a.list[0]
		}
	case "os.path.expanduser", "Path.home", "pathlib.Path.home", "Dir.home", "os.homedir":
		home := e.st.ctx.home()
		s, known := a.at(0).Value()
		switch rest, ok := strings.CutPrefix(s, "~"); {
		case len(a.list) == 0, ok && rest == "":
			return val{w: home, path: strings.HasSuffix(name, "Path.home")}
		case ok && strings.HasPrefix(rest, "/"):
			return val{w: joinPath(e.w, home, word.Lit(rest[1:]))}
		case known && !ok:
			return a.list[0]
		}
	case "glob.glob", "glob.iglob", "glob", "Dir.glob", "bsd_glob", "File::Glob.bsd_glob":
		if len(a.list) > 0 {
			return e.glob(a.list[0])
		}
	case ".format":
		return e.format(recv, val{isList: true, list: a.list}.words(), "{}")
	case ".split":
		if s, ok := recv.w.Value(); ok && len(a.list) < 2 {
			v := val{isList: true}
			parts := strings.Fields(s)
			if sep, ok := a.at(0).Value(); ok && sep != "" {
				parts = strings.SplitN(s, sep, maxList)
			}
			for _, f := range parts {
				v.list = append(v.list, val{w: word.Lit(f)})
			}
			return v
		}
	case "shlex.split":
		if s, ok := a.at(0).Value(); ok {
			v := val{isList: true}
			for _, f := range fieldsOf(s) {
				v.list = append(v.list, val{w: word.Lit(f)})
			}
			return v
		}
	case ".joinpath", ".resolve", ".absolute", ".expanduser":
		p := recv
		for _, x := range a.list {
			p.w = joinPath(e.w, p.w, x.word())
		}
		return p
	case ".append", ".push", ".extend", ".concat":
		// A variable's list grows.
		if recv.isList && recv.from != "" && len(recv.list) < maxList {
			v := recv
			for _, x := range a.list {
				if x.isList && name != ".push" && name != ".append" {
					v.list = append(v.list[:len(v.list):len(v.list)], x.list...)
				} else {
					v.list = append(v.list[:len(v.list):len(v.list)], x)
				}
			}
			e.vars[recv.from] = v
			return v
		}
	case "getattr":
		if attr, ok := a.at(1).Value(); ok && a.list[0].name != "" {
			return val{name: a.list[0].name + "." + attr}
		}
	case "os.listdir", "Dir.children", "Dir.each_child", "Dir.foreach", "Dir.entries", "fs.readdirSync", "readdir", "scandir":
		// Names without the directory.
		return val{w: word.Word{Src: "*", Know: word.Unknown, Many: true, Shape: []word.Part{{Hole: word.Glob, Src: "*"}}, Origin: word.FromInput}}
	case "os.walk", "os.scandir":
		if len(a.list) > 0 {
			return below(a.at(0), name == "os.scandir")
		}
	case ".glob":
		if recv.path && len(a.list) > 0 {
			v := e.glob(val{w: joinPath(e.w, recv.word(), a.at(0))})
			for i := range v.list {
				v.list[i].path = true
			}
			v.path = true
			return v
		}
	case ".iterdir", ".rglob", ".walk":
		if recv.path {
			return below(recv.w, true)
		}
	case "array_map", "map":
		if len(a.list) == 2 {
			f, ok := a.at(0).Value()
			if a.list[0].name != "" {
				f, ok = a.list[0].name, true // map(os.remove, list)
			}
			if spec := e.lang.calls()[f]; ok && spec != "" {
				e.do(spec, f, val{}, callArgs{list: a.list[1:]})
				return unknownVal(name)
			}
		}
	case ".forEach", ".each", ".map":
		return unknownVal(name)
	}
	if rest, ok := strings.CutPrefix(name, "sh."); ok && e.lang.name == "python" && !strings.Contains(rest, ".") {
		// The module that has a function for each program.
		e.start(append(word.Lits(strings.ReplaceAll(rest, "_", "-")), val{isList: true, list: a.list}.words()...))
		return unknownVal(name + "()")
	}
	spec, ok := e.lang.calls()[name]
	if !ok {
		if i := strings.LastIndexByte(name, '.'); i > 0 && e.lang.name != "python" {
			spec, ok = e.lang.calls()[lastTwo(name)]
		}
	}
	if ok && spec != "" {
		e.do(spec, name, recv, a)
	}
	return unknownVal(name + "()")
}

// lastTwo is the last two parts of a dotted name.
func lastTwo(name string) string {
	i := strings.LastIndexByte(name, '.')
	if j := strings.LastIndexByte(name[:i], '.'); j >= 0 {
		return name[j+1:]
	}
	return name
}

// glob is a pattern that is matched against the file system.
func (e *evaluator) glob(v val) val {
	s, ok := v.word().Value()
	if !ok || !hasMeta(s) {
		return v
	}
	if ws := e.w.glob(e.st, nil, []piece{{text: s}}, s); len(ws) > 0 {
		out := val{isList: true}
		for _, x := range ws {
			out.list = append(out.list, val{w: x})
		}
		return out
	}
	return unknownVal(s)
}

// do starts what stands for a call.
func (e *evaluator) do(spec, name string, recv val, a callArgs) {
	e.only = false
	f := strings.Fields(spec)
	if f[0] == "$path" {
		if dir, ok := a.kv["dir"]; ok && !recv.path && name == ".delete" {
			e.start([]word.Word{word.Lit("rm"), word.Lit("-rf"), word.Lit("--"), dir.word()}) // Ant's task
			return
		}
		if !recv.path {
			return
		}
		f = f[1:]
	}
	if len(a.list) == 0 {
		for _, k := range []string{"path", "src", "name", "filename", "file", "cmd", "command", "args", "dst", "mode", "length"} {
			if v, ok := a.kv[k]; ok {
				a.list = append(a.list, v)
			}
		}
	}
	all := val{isList: true, list: a.list}.words()
	first := a.at(0)
	switch f[0] {
	case "!code":
		if first.Know != 0 {
			e.code(first, e.via)
		}
	case "!file":
		if text, ok := e.w.readFile(e.st, first); ok && first.Know == word.Known {
			e.w.look(e.st, e.l, -1, e.lang, e.via, text, nil, nil, e.inner())
		}
	case "!chdir":
		e.chdir(first)
	case "!chroot":
		e.chroot(first)
	case "!fork":
		if e.forever() {
			e.w.note(ForkBomb, name, &e.l.at)
		}
	case "!sql", "!sql2":
		statement := a.at(len(f[0]) - len("!sql"))
		if statement.Know == word.Known {
			e.start(append(word.Lits("usql", "-c"), statement))
		}
	case "!system":
		if len(a.list) > 0 && first.Know == word.Known && strings.HasPrefix(first.Values[0], "{") {
			all = all[1:]
		}
		if len(all) == 1 && !(len(a.list) == 1 && a.list[0].isList && len(a.list[0].list) > 0 && !e.lang.sigils) {
			e.code(all[0], e.via)
			return
		}
		e.start(all)
	case "!exec", "!spawnjs":
		if a.kv["shell"].name == "true" {
			e.code(e.w.joined(all), e.via)
			return
		}
		e.start(all)
	case "!execv", "!spawn":
		n := 1
		if f[0] == "!spawn" {
			n = 2
		}
		if len(a.list) > n {
			e.start(a.list[n].words())
		}
	case "!execl":
		if len(all) > 1 {
			e.start(all[1:])
		}
	case "!spawnl":
		if len(all) > 2 {
			e.start(all[2:])
		}
	case "!execphp":
		e.start(all)
	case "!process":
		e.process(a)
	case "!open":
		mode := a.at(1)
		if m, ok := a.kv["mode"]; ok {
			mode = m.word()
		}
		s, ok := mode.Value()
		if !ok {
			return // reading is the default
		}
		switch {
		case strings.Contains(s, "a"):
			e.file(first, Append)
		case strings.Contains(s, "w"), strings.Contains(s, "x"):
			e.file(first, Out)
		case strings.Contains(s, "+"):
			e.file(first, ReadWrite)
		}
	case "!openpath":
		if s, ok := first.Value(); ok && strings.ContainsAny(s, "wa") {
			e.file(recv.word(), Out)
		}
	case "!osopen":
		// The flags are an expression: that it is opened to be written is
		// seen in their names.
		for i := max(0, e.i-16); i < e.i; i++ {
			switch e.toks[i].text {
			case "O_WRONLY", "O_RDWR", "O_TRUNC":
				e.file(first, ReadWrite)
				return
			}
		}
	case "!perlopen":
		e.perlOpen(all)
	case "!write":
		e.file(recv.word(), Out)
	case "!append0":
		e.file(recv.word(), Append)
	case "!fields", "!self":
		cmd := recv
		if f[0] == "!fields" || recv.w.Know == 0 && !recv.isList {
			// Sql.execute("…") is given a statement.
			if f[0] == "!self" {
				if first.Know == word.Known {
					e.start(append(word.Lits("usql", "-c"), first))
				}
				return
			}
			if len(a.list) == 0 {
				return
			}
			cmd = a.list[0]
		}
		if s, ok := cmd.w.Value(); ok && !cmd.isList {
			e.start(word.Lits(strings.Fields(s)...))
		} else if cmd.isList {
			e.start(cmd.words())
		}
	case "!write1":
		if len(a.list) > 2 && a.list[2].name == "FILE_APPEND" {
			e.file(first, Append)
			return
		}
		e.file(first, Out)
	case "!append1":
		e.file(first, Append)
	case "!rm", "!rmdir", "!rmtree":
		switch {
		case f[0] == "!rmtree" && a.at(1).Is("s"):
			e.start(append(word.Lits("rm", "-rf", "--"), first))
		case slices.Contains([]string{"true", "TRUE", "T"}, a.kv["recursive"].name):
			e.start(append(word.Lits("rm", "-rf", "--"), first))
		case f[0] == "!rmdir", f[0] == "!rmtree":
			e.start(append(word.Lits("rmdir", "--"), first))
		default:
			e.start(append(word.Lits("rm", "-f", "--"), first))
		}
	case "!mode", "!owner":
		if f[0] == "!owner" && len(all) > 2 {
			all = append([]word.Word{e.w.concat(e.w.concat(all[0], word.Lit(":")), all[1])}, all[2:]...)
		}
		if len(all) > 1 {
			e.start(append(append(word.Lits(f[1]), all[0], word.Lit("--")), all[1:]...))
		}
	case "!kill":
		if len(all) > 1 {
			sig, _ := all[0].Value()
			e.start(append(word.Lits("kill", "-"+strings.TrimPrefix(strings.TrimPrefix(sig, "-"), "SIG")), all[1:]...))
		}
	default:
		e.plain(f, recv, a, all)
	}
}

// plain starts the command that the table writes out.
func (e *evaluator) plain(f []string, recv val, a callArgs, all []word.Word) {
	if f[0] == "curl" {
		e.fetched++
	}
	var argv []word.Word
	for _, part := range f {
		if part == "@" {
			argv = append(argv, all...)
			continue
		}
		var ps []piece
		for {
			i := strings.IndexByte(part, '$')
			if i < 0 || i+1 >= len(part) {
				break
			}
			n := int(part[i+1] - '0')
			ps = append(ps, piece{text: part[:i], quoted: true})
			var x word.Word
			switch {
			case n == 0:
				x = recv.word()
			case n <= len(a.list) && n > 0:
				v := a.list[n-1]
				if s := signalName(v.name); s != "" {
					v = val{w: word.Lit(s)}
				}
				if v.isList && len(v.list) > 1 && part == "$1" {
					// A list where one is asked for: each of them.
					argv = append(argv, v.words()...)
					part, ps = "", nil
					break
				}
				x = v.word()
			default:
				return // called in a way that the table does not know
			}
			if part == "" {
				break
			}
			ps = e.w.pieces(ps, x, true, x.Origin)
			part = part[i+2:]
		}
		if part != "" {
			ps = append(ps, piece{text: part, quoted: true})
		}
		if len(ps) == 0 {
			continue
		}
		x := e.w.one(ps, f[0])
		if x.Know == word.Unknown {
			x.Many = false
			for _, p := range x.Shape {
				if p.Hole == word.Glob {
					x.Many = true
				}
			}
		}
		argv = append(argv, x)
	}
	e.start(argv)
}

// process is python's subprocess.
func (e *evaluator) process(a callArgs) {
	if len(a.list) == 0 {
		if v, ok := a.kv["args"]; ok {
			a.list = []val{v}
		} else {
			return
		}
	}
	cmd := a.list[0]
	shell := a.kv["shell"].name == "True" || a.kv["shell"].w.Is("1")
	if in, ok := a.kv["input"]; ok {
		// What a shell is given to read.
		if argv := cmd.words(); len(argv) > 0 && len(argv) < 3 && (len(argv) == 1 || argv[1].Is("-s")) {
			if sh, _ := argv[0].Value(); isShell(sh) {
				e.code(in.word(), e.via)
				return
			}
		}
	}
	switch {
	case shell && cmd.isList && len(cmd.list) > 0:
		e.code(cmd.list[0].word(), e.via)
	case shell:
		e.code(cmd.word(), e.via)
	default:
		e.start(cmd.words())
	}
}

// perlOpen is open(F, ">", "x"), open(F, ">x") and open(F, "|cmd").
func (e *evaluator) perlOpen(all []word.Word) {
	if len(all) < 2 {
		return
	}
	mode, ok := all[1].Value()
	if !ok && len(all) == 2 {
		mode = all[1].Prefix()
	}
	mode = strings.TrimSpace(mode)
	target := word.Word{}
	if len(all) > 2 {
		target = all[2]
	} else {
		n := len(mode) - len(strings.TrimLeft(mode, "+<>| "))
		if strings.HasSuffix(mode, "|") {
			e.code(word.Lit(strings.TrimSuffix(mode, "|")), e.via)
			return
		}
		target = trimWord(all[1], min(n, len(all[1].Prefix())))
	}
	switch {
	case strings.HasPrefix(mode, "|"), strings.HasPrefix(mode, "-|"):
		if sh, _ := target.Value(); isShell(strings.TrimSpace(sh)) && strings.HasPrefix(mode, "|") && len(all) < 4 {
			e.toShell = true // what is printed from now on may be code
			return
		}
		if len(all) > 3 {
			e.start(all[2:])
		} else {
			e.code(target, e.via)
		}
	case strings.HasPrefix(mode, ">>"):
		e.file(target, Append)
	case strings.HasPrefix(mode, ">"):
		e.file(target, Out)
	case strings.HasPrefix(mode, "+"):
		e.file(target, ReadWrite)
	}
}

// maxBomb is the length, in tokens, of a text that is a fork in a loop and
// nothing else.
const maxBomb = 24

// forever reports whether the text is a loop around the fork that it is at: a
// server that forks does more.
func (e *evaluator) forever() bool {
	if len(e.toks) > maxBomb {
		return false
	}
	return slices.ContainsFunc(e.toks, func(t token) bool {
		return t.kind == tokName && (t.text == "while" || t.text == "until" || t.text == "loop" || t.text == "for")
	}) && !slices.ContainsFunc(e.toks, func(t token) bool {
		return t.kind == tokName && (t.text == "wait" || t.text == "waitpid" || t.text == "sleep" || t.text == "exit" || t.text == "exec")
	})
}

// change makes what need not run possible.
func (e *evaluator) change(s *state, _ *context) {
	if e.inner() {
		s.certain = Possible
	}
}

func (e *evaluator) start(argv []word.Word) {
	if len(argv) == 0 {
		return
	}
	for i := range argv {
		if argv[i].Know == 0 { // an argument that could not be read
			argv[i] = word.Hidden("…", word.Var)
		}
	}
	e.w.under(e.st, e.l, e.via, argv, e.change)
}

// code walks a string that is run by a shell.
func (e *evaluator) code(x word.Word, via string) {
	if _, ok := e.w.code(x); !ok && x.Know != word.OneOf {
		return // what it starts is judged when it starts
	}
	e.w.shellCode(e.st, e.l, via, x, e.change)
}

// file is a file that is opened to be written.
func (e *evaluator) file(name word.Word, kind Redirect) {
	if name.Know == 0 {
		return
	}
	e.w.writes(e.st, e.l, e.via, name, kind, e.change)
}
