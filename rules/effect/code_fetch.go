package effect

import (
	"path"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// runsFile reports whether a program runs the file which its first operand names.
func runsFile(name string) bool {
	switch name {
	case "sh", "bash", "dash", "ash", "ksh", "zsh", "source", ".", "python", "python2", "python3", "perl", "ruby", "node", "php", "lua":
		return true
	}
	return false
}

// fetchedAndRun are the effects of running what an earlier action of the line
// has fetched: curl -o x URL && sh x is curl URL | sh.
func fetchedAndRun(line *command.Line, effects []Effect) []Effect {
	var out []Effect
	for i := range effects {
		e := &effects[i]
		if !e.Has("download") && !redirectsFetched(line, e) || e.Object.Type != Path || e.Object.Name == "" || e.Place.Kind != command.Here {
			continue
		}
		for j := e.Action + 1; j < len(line.Actions); j++ {
			a := &line.Actions[j]
			if a.Place.Kind != command.Here || !startsFile(a, path.Clean(e.Object.Name)) {
				continue
			}
			name, _ := a.Name()
			out = append(out, Effect{Kind: RunUnknown, Object: Object{Type: Code, Name: e.Object.Name, Word: e.Object.Word},
				Attrs: map[string]bool{"download": true}, Command: name, Action: j, Certain: a.Certain, Place: a.Place, User: a.User})
			break
		}
	}
	return out
}

// redirectsFetched reports whether an effect is that of the redirection of what
// a program fetched: curl URL > x.
func redirectsFetched(line *command.Line, e *Effect) bool {
	if e.Action < 0 || e.Action >= len(line.Actions) || len(line.Actions[e.Action].Redirs) == 0 {
		return false
	}
	name, _ := line.Actions[e.Action].Name()
	return name == "curl" || name == "wget"
}

// startsFile reports whether an action runs a file.
func startsFile(a *command.Action, file string) bool {
	if len(a.Argv) == 0 {
		return false
	}
	is := func(w word.Word) bool {
		v, ok := w.Value()
		if !ok {
			return false
		}
		if cwd, known := a.Cwd.Value(); known && !path.IsAbs(v) {
			v = path.Join(cwd, v)
		}
		return path.Clean(v) == file
	}
	if v, ok := a.Argv[0].Value(); ok && strings.Contains(v, "/") && is(a.Argv[0]) {
		return true
	}
	if name, ok := a.Name(); !ok || !runsFile(name) {
		return false
	}
	for _, w := range a.Args() {
		if !strings.HasPrefix(w.Prefix(), "-") {
			return is(w)
		}
	}
	return false
}
