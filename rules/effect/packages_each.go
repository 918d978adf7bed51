package effect

import (
	"slices"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// packageListings are how package managers name everything that is installed:
// the program, and the words of which one has to be there.
var packageListings = map[string]string{
	"dpkg": "-l --list --get-selections", "dpkg-query": "-W -l --show --list", "rpm": "-qa -aq -qall", "pacman": "-Q -Qq -Qe -Qqe -Qn -Qqn", "apk": "info list",
	"apt": "list", "apt-mark": "showmanual showauto showinstall", "dnf": "list repoquery", "yum": "list", "zypper": "search se", "snap": "list",
}

// everyPackage marks the removal of packages whose names come from a listing of
// all there are, with nothing between that lets only some through.
func everyPackage(line *command.Line, out []Effect) {
	for i := range out {
		e := &out[i]
		if e.Kind != PackageRemove || e.Object.Word.Know != word.Unknown {
			continue
		}
		every := false
		for j := range line.Actions {
			a := &line.Actions[j]
			name, ok := a.Name()
			if !ok || narrows(name, a) {
				every = false
				break
			}
			if marks := strings.Fields(packageListings[name]); marks != nil && j != e.Action {
				args := a.Args()
				// A word that is no option chooses among them.
				chosen := slices.ContainsFunc(args[min(1, len(args)):], func(w word.Word) bool {
					return !strings.HasPrefix(w.Prefix(), "-") && !strings.HasPrefix(w.Prefix(), "$")
				})
				every = every || len(args) > 0 && slices.ContainsFunc(marks, args[0].Is) && !chosen
			}
		}
		if every {
			e.mark("each")
		}
	}
}

// narrows reports a program that lets only some lines of a listing through.
// awk and sed do so by a pattern; the one for what is installed lets all.
func narrows(name string, a *command.Action) bool {
	switch name {
	case "awk", "gawk", "mawk", "sed":
		for _, w := range a.Args() {
			v, ok := w.Value()
			if !ok {
				return true
			}
			pattern := strings.HasPrefix(v, "/") || strings.Contains(v, "~") || strings.Contains(v, "==") || strings.Contains(v, "NR")
			if pattern && !strings.Contains(v, "^ii") && !strings.Contains(v, `"ii"`) && !strings.Contains(v, "^i") {
				return true
			}
		}
		return false
	}
	return narrowing[name]
}
