package effect

import (
	"slices"
	"strings"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// packageListing is how a package manager names everything that is installed: the
// words of which one has to be there.
func packageListing(name string) string {
	switch name {
	case "dpkg":
		return "-l --list --get-selections"
	case "dpkg-query":
		return "-W -l --show --list"
	case "rpm":
		return "-qa -aq -qall"
	case "pacman":
		return "-Q -Qq -Qe -Qqe -Qn -Qqn"
	case "apk":
		return "info list"
	case "apt", "yum", "snap":
		return "list"
	case "apt-mark":
		return "showmanual showauto showinstall"
	case "dnf":
		return "list repoquery"
	case "zypper":
		return "search se"
	}
	return ""
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
			if marks := strings.Fields(packageListing(name)); marks != nil && j != e.Action {
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
	return narrowing(name)
}
