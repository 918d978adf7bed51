package command

import (
	"slices"
	"strings"
	"sync"

	"guardsh/rules/word"
)

// teller is a program that takes commands a line each, in arguments, from a
// file or from its input, and among them some that start a shell's code.
type teller struct {
	with    []string // options whose argument is such a line
	file    []string // options whose argument is a file of them
	skip    int      // operands before those that are lines
	lines   bool     // operands behind those are lines too
	escapes []string // what a line begins with that goes to a shell
	speaks  []string // what a line begins with that is python
	tcl     bool     // the lines are Tcl
	edits   bool     // the lines are commands of an editor: see exCode
	query   bool     // what it does depends on what it is told: see effect
	scripts bool     // operands that end in .js or .sql are files of them
}

// starts reports whether what it is told can start a program.
func (t teller) starts() bool { return len(t.escapes) > 0 || t.tcl || t.edits }

var bang = []string{"!", ":!"}

// tellers are such programs by name.
var tellers = sync.OnceValue(func() map[string]teller {
	return map[string]teller{
		"ed": {edits: true}, "ex": {with: []string{"-c", "--cmd"}, file: []string{"-S"}, edits: true}, "vim": {file: []string{"-S", "-s"}, edits: true},
		"psql":      {with: []string{"-c", "--command"}, file: []string{"-f", "--file"}, escapes: []string{`\!`}, query: true},
		"mysql":     {with: []string{"-e", "--execute"}, escapes: []string{`\!`, "system "}, query: true},
		"mariadb":   {with: []string{"-e", "--execute"}, escapes: []string{`\!`, "system "}, query: true},
		"sqlite3":   {with: []string{"-cmd"}, file: []string{"-init"}, skip: 1, lines: true, escapes: []string{".shell ", ".system "}, query: true},
		"duckdb":    {with: []string{"-c", "-cmd"}, file: []string{"-f", "-init"}, escapes: []string{".shell ", ".system "}, query: true},
		"gdb":       {with: []string{"-ex", "--ex", "-eval-command", "--eval-command", "-iex"}, file: []string{"-x", "--command"}, escapes: []string{"shell ", "!"}, speaks: []string{"python ", "py ", "python-interactive ", "pi "}},
		"lldb":      {with: []string{"-o", "--one-line", "-O"}, file: []string{"-s", "--source"}, escapes: []string{"platform shell ", "shell "}, speaks: []string{"script "}},
		"redis-cli": {query: true}, "valkey-cli": {query: true}, "mongosh": {with: []string{"--eval"}, file: []string{"-f", "--file"}, query: true, scripts: true}, "mongo": {with: []string{"--eval"}, query: true, scripts: true},
		"clickhouse-client": {with: []string{"-q", "--query"}, file: []string{"--queries-file"}, query: true}, "cqlsh": {with: []string{"-e", "--execute"}, file: []string{"-f", "--file"}, query: true},
		"cockroach": {with: []string{"-e", "--execute"}, file: []string{"-f", "--file"}, query: true}, "sqlcmd": {with: []string{"-Q", "-q"}, file: []string{"-i"}, query: true},
		"chpasswd": {query: true}, "setfacl": {file: []string{"--restore"}, query: true}, "newusers": {query: true},
		"tc": {file: []string{"-b", "-batch"}, query: true}, "bridge": {file: []string{"-b", "-batch"}, query: true},
		"ftp": {escapes: bang}, "sftp": {file: []string{"-b"}, escapes: bang}, "lftp": {with: []string{"-e", "-c"}, file: []string{"-f"}, escapes: bang}, "smbclient": {with: []string{"-c"}, escapes: bang},
		"dc":      {escapes: bang[:1]},
		"lvm":     {escapes: []string{""}}, // each line is one of its commands
		"gnuplot": {with: []string{"-e"}, escapes: []string{"!", "system "}},
		"tclsh":   {tcl: true}, "expect": {with: []string{"-c"}, file: []string{"-f", "-b"}, tcl: true}, "wish": {tcl: true}, "jimsh": {with: []string{"-e"}, tcl: true},
	}
})

// tells walks what the lines start that a program is told.
func (w *walker) tells(st *state, l launch, i int, base string) {
	t, ok := tellers()[strings.TrimRight(base, "0123456789.")]
	if !ok {
		t, ok = tellers()[base]
	}
	if !ok || i < 0 {
		return
	}
	var texts, files []string
	add := func(x word.Word) {
		if v, ok := x.Value(); ok {
			texts = append(texts, v)
		}
	}
	read := func(x word.Word) {
		text, ok := w.processText(x)
		if !ok {
			text, ok = w.readFile(st, x)
		}
		if ok {
			texts, files = append(texts, text), append(files, text)
		}
	}
	args := l.argv[1:]
	given, n := false, 0
	for k := 0; k < len(args); k++ {
		x := args[k]
		name, val, attached := strings.Cut(x.Prefix(), "=")
		switch {
		case slices.Contains(t.with, x.Prefix()) && k+1 < len(args):
			given = true
			k++
			add(args[k])
		case attached && strings.HasPrefix(name, "--") && slices.Contains(t.with, name):
			given = true
			texts = append(texts, val)
		case slices.Contains(t.file, x.Prefix()) && k+1 < len(args):
			given = true
			k++
			read(args[k])
		case attached && strings.HasPrefix(name, "--") && slices.Contains(t.file, name):
			given = true
			read(word.Lit(val))
		case t.scripts && strings.HasSuffix(x.Prefix(), ".js"):
			given = true
			read(x)
		case strings.HasPrefix(x.Prefix(), "-") && len(x.Prefix()) > 1:
		case t.tcl && !given:
			given = true // a script, its arguments behind it
			read(x)
			k = len(args)
		default:
			if n++; t.lines && n > t.skip {
				given = true
				add(x)
			}
		}
	}
	if in := w.standardInput(st, l); !given && in.Kind != InputShell && in.Kind != InputClosed {
		switch {
		case in.known:
			texts = append(texts, in.text)
			if in.Kind != InputText {
				files = append(files, in.text)
			}
		case in.Kind == InputFile:
			read(in.Word)
		case in.Kind == InputText:
			if text, ok := w.code(in.Word); ok {
				texts = append(texts, text)
			}
		}
	}
	if t.query && len(files) > 0 {
		w.line.Actions[i].Given = word.Lit(strings.Join(files, "\n"))
	}
	for _, text := range texts {
		text = w.lookedThrough(text, base, l)
		if t.tcl {
			(&tcl{foreign: foreign{w, st, l, base}, vars: map[string]string{}}).script(text, false)
			continue
		}
		for _, line := range strings.Split(text, "\n") {
			line = strings.TrimSpace(line)
			if code, ok := exCode(line); t.edits && ok && !w.unreadable(code) {
				w.shellCode(st, l, base, word.Lit(code), nil)
			}
			for _, e := range t.speaks {
				if code, ok := strings.CutPrefix(line, e); ok {
					w.look(st, l, -1, languages()["python"], base, strings.TrimSpace(code), nil, nil, true)
				}
			}
			for _, e := range t.escapes {
				code, ok := strings.CutPrefix(line, e)
				if code = strings.TrimSuffix(strings.TrimSpace(code), ";"); ok && code != "" && !w.unreadable(code) {
					w.shellCode(st, l, base, word.Lit(code), nil)
					break
				}
			}
		}
	}
}
