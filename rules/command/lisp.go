package command

import (
	"slices"
	"strings"
	"sync"

	"guardsh/rules/word"
)

// lisp goes through Emacs Lisp, Scheme, Common Lisp or Clojure once, from the
// top: a bounded look for calls that destroy or start something, with the texts
// that are written out and the variables that are set to such texts.
type lisp struct {
	foreign
	vars map[string]word.Word
	nest int
}

// lispDialect is a program that reads such code.
type lispDialect struct {
	code []string // options whose argument is code
	file []string // and those whose argument is a file of it
	with []string // other options that take one
}

// lispDialectOf is such a program by its name.
func lispDialectOf(base string) (lispDialect, bool) {
	switch base {
	case "emacs":
		return lispDialect{code: []string{"-eval", "--eval", "-e", "--execute"}, file: []string{"-l", "--load", "--script", "-load"}}, true
	case "emacsclient":
		return lispDialect{code: []string{"-e", "--eval"}}, true
	case "guile":
		return lispDialect{code: []string{"-c"}, file: []string{"-s", "-l"}, with: []string{"-e", "-L", "-C", "-x", "--language"}}, true
	case "racket":
		return lispDialect{code: []string{"-e", "--eval"}, file: []string{"-f", "-t", "-r"}}, true
	case "csi":
		return lispDialect{code: []string{"-e", "-eval", "-p"}, file: []string{"-s"}}, true
	case "gosh", "ros", "newlisp", "janet":
		return lispDialect{code: []string{"-e"}}, true
	case "sbcl":
		return lispDialect{code: []string{"--eval"}, file: []string{"--load", "--script"}}, true
	case "ecl":
		return lispDialect{code: []string{"--eval", "-eval"}, file: []string{"--load", "--shell"}}, true
	case "clisp":
		return lispDialect{code: []string{"-x"}}, true
	case "clojure":
		return lispDialect{code: []string{"-e", "--eval"}, file: []string{"-i"}}, true
	case "clj":
		return lispDialect{code: []string{"-e"}, file: []string{"-i"}}, true
	case "bb":
		return lispDialect{code: []string{"-e"}, file: []string{"-f"}}, true
	case "hy":
		return lispDialect{code: []string{"-c"}}, true
	}
	return lispDialect{}, false
}

// lispCalls are functions of their libraries, as the command that does the
// same; see pythonCalls. A package before the name does not count.
var lispCalls = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"delete-directory": "!directory", "delete-file": "rm -f -- $1", "delete-file-recursively": "rm -rf -- $1", "delete-directory/files": "rm -rf -- $1", "delete-directory-tree": "rm -rf -- $1", "delete-tree": "rm -rf -- $1", "delete-directory-and-files": "rm -rf -- $1",
		"remove-directory": "rmdir -- $1", "remove-directory*": "rm -rf -- $1", "rmdir": "rmdir -- $1", "unlink": "rm -f -- $1", "delete-file-if-exists": "rm -f -- $1", "io/delete-file": "rm -f -- $1", "fs/delete-tree": "rm -rf -- $1", "fs/delete": "rm -f -- $1", "delete-empty-directory": "rmdir -- $1",
		"rename-file": "mv -- $1 $2", "rename-file-or-directory": "mv -- $1 $2", "move-file": "mv -- $1 $2", "copy-file": "cp -- $1 $2", "copy-directory": "cp -r -- $1 $2", "copy-directory/files": "cp -r -- $1 $2", "make-symbolic-link": "ln -sf -- $1 $2", "symlink": "ln -s -- $1 $2",
		"write-region": "!write3", "with-temp-file": "!write", "spit": "!write", "call-with-output-file": "!write", "with-output-to-file": "!write", "open-output-file": "!write", "display-to-file": "!write2", "write-to-file": "!write2", "append-to-file": "!append3", "chmod": "!mode", "set-file-modes": "chmod $2 -- $1",
		"shell-command": "!code", "shell-command-to-string": "!code", "async-shell-command": "!code", "call-process-shell-command": "!code", "start-process-shell-command": "!code3", "system": "!code", "process": "!code", "ext:shell": "!code", "shell": "!code", "os/shell": "!code", "system/exit-code": "!code",
		"call-process": "!argv5", "start-process": "!argv3", "process-lines": "!code", "system*": "!code", "system*/exit-code": "!code", "execl": "!exec", "execlp": "!exec", "sh": "!code", "shell/sh": "!code", "run-program": "!code", "run-shell-command": "!code", "run-process": "!code", "exec!": "!code",
		"kill-emacs": "", "primitive-load": "",
	}
})

// lispCode walks what such a program is given.
func (w *walker) lispCode(st *state, l launch, _ int, base string) {
	d, _ := lispDialectOf(base)
	r := lisp{foreign: foreign{w, st, l, base}, vars: map[string]word.Word{}}
	args, given := l.argv[1:], false
	in := w.standardInput(st, l)
	file := func(x word.Word) {
		text, ok := w.readFile(st, x)
		if x.Is("/dev/stdin") || x.Is("-") {
			text, ok = in.text, in.known
		}
		if ok {
			r.text(text)
		}
	}
	for i := 0; i < len(args); i++ {
		v := args[i].Prefix()
		name, val, attached := strings.Cut(v, "=")
		switch {
		case slices.Contains(d.code, v) && i+1 < len(args):
			i++
			given = true
			if text, ok := w.code(args[i]); ok {
				r.text(text)
			}
		case attached && strings.HasPrefix(name, "--") && slices.Contains(d.code, name):
			given = true
			r.text(val)
		case slices.Contains(d.file, v) && i+1 < len(args):
			i++
			given = true
			file(args[i])
		case slices.Contains(d.with, v) && i+1 < len(args):
			i++
		case base == "bb" && strings.HasPrefix(v, "("):
			if text, ok := w.code(args[i]); ok {
				r.text(text)
			}
			return
		case !given && !strings.HasPrefix(v, "-") && base != "emacs" && base != "emacsclient":
			file(args[i])
			return // what is left is the script's
		}
	}
	if !given && in.known && base != "emacs" && base != "emacsclient" {
		r.text(in.text)
	}
}

func (r *lisp) text(s string) {
	r.forms(r.w.lookedThrough(s, r.via, r.l), false)
}

// form is a part of a list: a text or symbol, or a list of them.
type form struct {
	text   string
	list   string // what stands between the brackets
	isList bool
	quoted bool // a string
}

// readForm takes the next form off a text.
func readForm(s string) (f form, rest string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\r\n,'`@")
		if strings.HasPrefix(s, "#'") || strings.HasPrefix(s, "#_") {
			s = s[2:]
			continue
		}
		if !strings.HasPrefix(s, ";") {
			break
		}
		_, s, _ = strings.Cut(s, "\n")
	}
	if s == "" {
		return form{}, "", false
	}
	switch s[0] {
	case '(', '[', '{':
		n := lispList(s)
		return form{list: s[1:max(n-1, 1)], isList: true}, s[n:], true
	case ')', ']', '}':
		return form{text: s[:1]}, s[1:], true
	case '"':
		n := lispString(s)
		return form{text: ansiC(strings.TrimSuffix(s[1:n], `"`)), quoted: true}, s[n:], true
	}
	n := strings.IndexAny(s, " \t\r\n()[]{}\";")
	if n < 0 {
		n = len(s)
	}
	if strings.HasPrefix(s, "#\\") || strings.HasPrefix(s, "?") { // a character
		n = max(n, min(2, len(s)))
	}
	return form{text: s[:max(n, 1)]}, s[max(n, 1):], true
}

// lispString is the length of a string with its quotes.
func lispString(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// lispList is the length of a list with its brackets, to the end where it is
// not closed.
func lispList(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i += lispString(s[i:]) - 1
		case ';':
			j := strings.IndexByte(s[i:], '\n')
			if j < 0 {
				return len(s)
			}
			i += j
		case '\\', '?':
			i++ // a character, which may be a bracket
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// lispBranch reports whether not all of a form need run.
func lispBranch(name string) bool {
	switch name {
	case "if", "when", "unless", "cond", "case", "defun", "define", "lambda", "fn", "defn", "condition-case", "pcase", "if-let", "when-let", "and", "or":
		return true
	}
	return false
}

// forms goes through the lists of a text.
func (r *lisp) forms(s string, perhaps bool) {
	if r.nest > maxNest/4 {
		return
	}
	r.nest++
	defer func() { r.nest-- }()
	for {
		f, rest, ok := readForm(s)
		if !ok {
			return
		}
		if f.isList {
			r.call(f.list, perhaps)
		}
		s = rest
	}
}

// value is what a form is worth.
func (r *lisp) value(f form) word.Word {
	switch {
	case f.quoted:
		return word.Lit(f.text)
	case f.isList:
		head, rest, _ := readForm(f.list)
		switch head.text {
		case "expand-file-name", "string", "str", "string-append", "concat", "io/file", "file", "fs/file", "pathname", "parse-namestring", "build-path", "string->path":
			x, n := word.Lit(""), 0
			for {
				p, more, ok := readForm(rest)
				if !ok {
					return x
				}
				if v := r.value(p); n == 0 || head.text != "io/file" && head.text != "fs/file" && head.text != "build-path" {
					if head.text == "expand-file-name" && n > 0 {
						return joinPath(r.w, v, x)
					}
					x = r.w.concat(x, v)
				} else {
					x = joinPath(r.w, x, v)
				}
				rest = more
				n++
			}
		}
	case strings.HasPrefix(f.text, ":"), f.text == "nil", f.text == "t", f.text == "#t", f.text == "#f":
		return word.Lit(f.text)
	case f.text != "" && strings.Trim(f.text, "0123456789") == "":
		return word.Lit(f.text)
	default:
		if v, ok := r.vars[f.text]; ok {
			return v
		}
	}
	return word.Hidden("…", word.Var)
}

// call is one list: its first form says what is done with the others.
func (r *lisp) call(s string, perhaps bool) {
	head, rest, ok := readForm(s)
	if !ok {
		return
	}
	if head.isList || head.quoted {
		r.forms(s, perhaps)
		return
	}
	var args []form
	for more := rest; len(args) < maxList; {
		f, next, ok := readForm(more)
		if !ok {
			break
		}
		if f.text != "#P" && f.text != "#p" {
			args = append(args, f)
		}
		more = next
	}
	name, spec, known := lispFunction(head.text)
	if known {
		lispCall{r, args, perhaps}.do(spec)
	} else {
		switch name {
		case "quote", "comment":
			return
		case "setq", "set!", "def", "defvar", "defconst", "defparameter", "setf", "define":
			if len(args) == 2 && !args[0].isList && !perhaps {
				r.vars[args[0].text] = r.value(args[1])
			}
		case "dolist", "doseq", "for", "cl-loop":
			if len(args) > 0 && args[0].isList {
				n, more, _ := readForm(args[0].list)
				if v, _, ok := readForm(more); ok && !n.isList {
					r.vars[n.text] = r.anyOf(v)
				}
			}
		case "let", "let*", "letrec":
			if len(args) > 0 && args[0].isList {
				r.bindings(args[0].list)
			}
		}
	}
	r.forms(rest, perhaps || lispBranch(name))
}

// anyOf is what a loop's variable may be: each of a list that is written out.
func (r *lisp) anyOf(f form) word.Word {
	list := f.list
	if head, rest, ok := readForm(list); ok && !head.quoted && !head.isList && (head.text == "list" || head.text == "quote") {
		if list = rest; head.text == "quote" {
			inner, _, _ := readForm(rest)
			list = inner.list
		}
	}
	var out word.Word
	for n := 0; n < maxList; n++ {
		x, rest, ok := readForm(list)
		if !ok {
			break
		}
		if v := r.value(x); out.Know == 0 {
			out = v
		} else {
			out = r.w.either(out, v)
		}
		list = rest
	}
	if out.Know == 0 {
		return word.Hidden("…", word.Var)
	}
	return out
}

// bindings are the variables of a let: (a 1) (b 2), or a 1 b 2.
func (r *lisp) bindings(s string) {
	var name string
	for len(r.vars) < maxList {
		f, rest, ok := readForm(s)
		if !ok {
			return
		}
		s = rest
		switch {
		case f.isList && name == "":
			n, more, _ := readForm(f.list)
			if v, _, ok := readForm(more); ok && !n.isList {
				r.vars[n.text] = r.value(v)
			}
		case name == "" && !f.quoted:
			name = f.text
		case name != "":
			r.vars[name] = r.value(f)
			name = ""
		}
	}
}

// lispFunction looks a function up in lispCalls, by its name or without the
// package before that: uiop:run-program.
func lispFunction(full string) (name, spec string, known bool) {
	name = full
	if spec, known = lispCalls()[name]; known {
		return name, spec, true
	}
	if i := strings.LastIndexAny(name, ":."); i > 0 {
		name = name[i+1:]
	} else if i := strings.IndexByte(name, '/'); i > 0 {
		name = name[i+1:]
	} else {
		return name, "", false
	}
	spec, known = lispCalls()[name]
	return name, spec, known
}

// lispCall is one call of a function that is known.
type lispCall struct {
	*lisp
	args    []form
	perhaps bool // it may not be come to
}

// at is an argument; of no knowledge where there is none.
func (c lispCall) at(n int) word.Word {
	if n < len(c.args) {
		return c.value(c.args[n])
	}
	return word.Word{}
}

// words are arguments up to the first keyword; a list stands for its own.
func (c lispCall) words(from int) (out []word.Word) {
	for i := from; i < len(c.args); i++ {
		switch f := c.args[i]; {
		case strings.HasPrefix(f.text, ":") && !f.quoted:
			return out
		case f.isList:
			list := f.list
			if head, rest, ok := readForm(list); ok && !head.quoted && !head.isList && head.text == "list" {
				list = rest
			}
			for {
				x, rest, ok := readForm(list)
				if !ok {
					break
				}
				out = append(out, c.value(x))
				list = rest
			}
		case f.text == "nil" && !f.quoted, f.text == "t" && !f.quoted:
		default:
			out = append(out, c.value(f))
		}
	}
	return out
}

func (c lispCall) start(argv []word.Word) {
	c.lisp.start(argv, c.perhaps)
}

// lineOrArgv runs one word alone as a line for the shell, as run-program does
// too, and several as a program's own.
func (c lispCall) lineOrArgv() {
	if ws := c.words(0); len(ws) == 1 {
		c.shell(ws[0], c.perhaps)
	} else {
		c.start(ws)
	}
}

func (c lispCall) file(name word.Word, kind Redirect) {
	if name.Know != 0 {
		c.writes(name, kind, c.perhaps)
	}
}

// directory removes one. Only an empty one goes, unless it is told to take what
// is in it.
func (c lispCall) directory() {
	argv := word.Lits("rmdir", "--")
	for _, a := range c.args[min(1, len(c.args)):] {
		if a.text == "t" || a.text == "#t" || a.text == "true" {
			argv = word.Lits("rm", "-r", "--")
		}
	}
	if x := c.at(0); x.Know != 0 {
		c.start(append(argv, x))
	}
}

// do starts what stands for the call.
func (c lispCall) do(spec string) {
	f := strings.Fields(spec)
	if len(f) == 0 {
		return
	}
	switch f[0] {
	case "!code":
		c.lineOrArgv()
	case "!code3":
		c.shell(c.at(2), c.perhaps)
	case "!argv3":
		c.start(c.words(2))
	case "!argv5":
		if len(c.args) > 0 {
			c.start(append([]word.Word{c.at(0)}, c.words(min(4, len(c.args)))...))
		}
	case "!exec":
		if ws := c.words(0); len(ws) > 1 {
			c.start(ws[1:])
		}
	case "!write":
		c.file(c.at(0), Out)
	case "!write2":
		c.file(c.at(1), Out)
	case "!write3", "!append3":
		kind := Out
		if f[0] == "!append3" || c.at(3).Is("t") {
			kind = Append
		}
		c.file(c.at(2), kind)
	case "!directory":
		c.directory()
	case "!mode":
		c.start([]word.Word{word.Lit("chmod"), c.at(1), word.Lit("--"), c.at(0)})
	default:
		var argv []word.Word
		for _, part := range f {
			if len(part) == 2 && part[0] == '$' {
				x := c.at(int(part[1] - '1'))
				if x.Know == 0 {
					return
				}
				argv = append(argv, x)
				continue
			}
			argv = append(argv, word.Lit(part))
		}
		c.start(argv)
	}
}
