package effect

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"guardsh/rules/command"
	"guardsh/rules/word"
)

// roll is how everything of a kind is listed.
type roll struct {
	lists func(name string, args []word.Word) bool // a command that names all there are
	dirs  []string                                 // directories that hold an entry for each
}

// rollOf is how what an effect falls on is listed, or nil.
func rollOf(e *Effect) *roll {
	switch {
	case e.Kind == PackageRemove:
		return &roll{lists: listsPackages}
	case e.Kind == ClusterChange && (e.Command == "scancel" || e.Command == "qdel" || e.Command == "bkill" || e.Command == "condor_rm"):
		return &roll{lists: listsJobs}
	case (e.Kind == Stop || e.Kind == Disable) && e.Object.Type == Service:
		return &roll{lists: listsUnits, dirs: []string{"/etc/init.d", "/etc/rc.d/init.d", "/etc/rc.d", "/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants", "/lib/systemd/system", "/usr/lib/systemd/system", "/run/service", "/var/service", "/etc/service", "/service", "/etc/sv"}}
	case e.Kind == NetChange && e.Object.Type == Other && e.Command == "ip":
		return &roll{lists: listsSpaces, dirs: []string{"/run/netns"}}
	case e.Kind == KernelChange && e.Has("remove"):
		return &roll{lists: listsModules, dirs: []string{"/sys/module"}}
	case e.Kind == ScheduleChange && e.Object.Type == Other:
		return &roll{lists: func(name string, args []word.Word) bool {
			return name == "atq" && unchosen(args) || name == "at" && len(args) == 1 && args[0].Is("-l")
		}}
	case e.Kind == AccountChange && (e.Has("lock") || e.Has("delete") || e.Has("remove") || e.Command == "userdel" || e.Command == "deluser" || len(e.Params["until"]) > 0 || len(e.Params["newshell"]) > 0):
		return &roll{lists: listsAccounts, dirs: []string{"/home"}}
	case e.Kind == DBChange && e.Command == "ipcrm":
		return &roll{lists: func(name string, args []word.Word) bool { return name == "ipcs" }}
	case e.Kind == Kill && e.Command == "kill":
		return &roll{lists: func(string, []word.Word) bool { return false }, dirs: []string{"/proc"}}
	case e.Kind == Kill && e.Command == "loginctl":
		return &roll{lists: func(name string, args []word.Word) bool {
			return name == "loginctl" && verbAlone(args, "list-sessions", "list-users") || name == "who" || name == "users"
		}}
	}
	return nil
}

// everyListedName marks acts on names that come from a listing of all there
// are, with nothing between that lets only some through.
func everyListedName(line *command.Line, out []Effect) {
	for i := range out {
		e := &out[i]
		if e.Object.Word.Know != word.Unknown || !filled(line, e.Object.Word) {
			continue
		}
		if r := rollOf(e); r != nil && r.reads(line, e.Action) {
			e.mark("each")
		}
	}
}

// reads reports whether a line lists all there are for the action at.
func (r *roll) reads(line *command.Line, at int) bool {
	every := false
	for j := range line.Actions {
		a := &line.Actions[j]
		name, ok := a.Name()
		if !ok && j != at {
			continue
		}
		if narrows(name, a) {
			return false
		}
		args := a.Args()
		if j == at {
			args = a.Argv // /etc/init.d/* stop
		} else if r.lists(name, args) {
			every = true
		}
		if a.Stdin.Kind == command.InputFile && r.lists("cat", []word.Word{a.Stdin.Word}) {
			every = true // while read … done < /etc/passwd
		}
		for _, w := range args {
			every = every || !chosenBelow(name, args) && slices.Contains(r.dirs, listedDir(w))
		}
	}
	if every {
		return true
	}
	for _, dir := range r.dirs { // for n in /run/netns/*; do … "${n##*/}"
		if strings.Contains(line.Src, dir+"/*") || strings.Contains(line.Src, dir+"/[0-9]*") {
			return true
		}
	}
	return false
}

// listedDir is the directory all of whose entries a word means: itself, or
// with a pattern for every name.
func listedDir(w word.Word) string {
	v, known := w.Value()
	if !known {
		if n := len(w.Shape); n != 2 || w.Shape[1].Hole == word.NoHole || w.Shape[1].Hole == word.Var || strings.Trim(strings.TrimPrefix(w.Shape[1].Src, "[0-9]"), "*/…") != "" {
			return ""
		}
		v = w.Shape[0].Lit
	}
	if !strings.HasPrefix(v, "/") {
		return ""
	}
	v = path.Clean(strings.TrimSuffix(v, "*"))
	if rest, ok := strings.CutPrefix(v, "/var/run/"); ok {
		v = "/run/" + rest
	}
	return v
}

// chosenBelow reports a find that lets only some names through.
func chosenBelow(name string, args []word.Word) bool {
	if name != "find" {
		return false
	}
	for i, w := range args {
		switch w.Prefix() {
		case "-name", "-iname", "-path", "-regex", "-newer", "-mtime", "-mmin", "-size", "-user", "-lname":
			if i+1 == len(args) || !everyState(path.Base(args[i+1].Prefix())) {
				return true
			}
		}
	}
	return false
}

// filled reports whether what is not known of a word comes from the line: not
// from a variable that holds what it held before.
func filled(line *command.Line, w word.Word) bool {
	for _, p := range w.Shape {
		if p.Hole != word.Var {
			continue
		}
		name := strings.Trim(p.Src, "${}#%/")
		if n := strings.IndexFunc(name, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}); n >= 0 {
			name = name[:n]
		}
		read := slices.ContainsFunc(line.Actions, func(a command.Action) bool {
			by, _ := a.Name()
			return (by == "read" || by == "mapfile" || by == "readarray") && slices.ContainsFunc(a.Args(), func(w word.Word) bool { return w.Is(name) })
		})
		if !read && !strings.Contains(line.Src, "for "+name+" ") {
			return false
		}
	}
	return true
}

// unchosen reports arguments of which none is a name: options, or what the
// shell still has to fill in.
func unchosen(args []word.Word) bool {
	return !slices.ContainsFunc(args, func(w word.Word) bool {
		return !strings.HasPrefix(w.Prefix(), "-") && !strings.HasPrefix(w.Prefix(), "$")
	})
}

// verbAlone reports whether the only operand is one of some verbs.
func verbAlone(args []word.Word, verbs ...string) bool {
	found, named := false, false
	for i, w := range args {
		switch v := w.Prefix(); {
		case strings.HasPrefix(v, "-"), i > 0 && (args[i-1].Is("-t") || args[i-1].Is("--type") || args[i-1].Is("--state") || args[i-1].Is("-o") || args[i-1].Is("-n")):
		case slices.Contains(verbs, v):
			found = true
		default:
			named = true
		}
	}
	return !named && (found || unchosen(args))
}

func listsUnits(name string, args []word.Word) bool {
	has := func(s string) bool { return slices.ContainsFunc(args, func(w word.Word) bool { return w.Is(s) }) }
	switch name {
	case "systemctl":
		return verbAlone(args, "list-units", "list-unit-files", "list-timers", "list-sockets", "list-dependencies") && !has("--failed") && !has("--state=failed") && !has("failed") && !has("--user") && !has("--version")
	case "service", "rc-service":
		return has("--status-all") || has("--list") || has("-l")
	case "chkconfig":
		return has("--list") && len(args) == 1
	case "rc-status", "rc-update":
		return verbAlone(args, "show", "default", "boot")
	case "initctl", "supervisorctl", "s6-rc":
		return verbAlone(args, "list", "status")
	}
	return false
}

// listsJobs reports how a batch system names everybody's jobs: with no option by
// which some are chosen.
func listsJobs(name string, args []word.Word) bool {
	switch name {
	case "squeue", "qselect", "qstat", "bjobs", "condor_q":
		return !slices.ContainsFunc(args, func(w word.Word) bool {
			v, _, _ := strings.Cut(w.Prefix(), "=")
			switch v {
			case "-u", "--user", "--me", "-A", "--account", "-p", "--partition", "-n", "--name", "-j", "--jobs", "-t", "--states", "-w", "--nodelist", "-q", "--qos", "-R", "--reservation", "-submitter", "-constraint", "-N", "-s":
				return true
			}
			return len(v) > 2 && (strings.HasPrefix(v, "-u") || strings.HasPrefix(v, "-t"))
		})
	}
	return false
}

func listsSpaces(name string, args []word.Word) bool {
	if name != "ip" {
		return false
	}
	words := slices.DeleteFunc(slices.Clone(args), func(w word.Word) bool { return strings.HasPrefix(w.Prefix(), "-") })
	return len(words) == 1 && words[0].Is("netns") || len(words) == 2 && words[0].Is("netns") && strings.HasPrefix("list", words[1].Prefix()) || len(words) == 2 && words[0].Is("netns") && words[1].Is("ls")
}

func listsModules(name string, args []word.Word) bool {
	return name == "lsmod" || slices.ContainsFunc(args, func(w word.Word) bool { return w.Is("/proc/modules") })
}

func listsAccounts(name string, args []word.Word) bool {
	switch name {
	case "getent":
		return len(args) == 1 && (args[0].Is("passwd") || args[0].Is("shadow"))
	case "compgen":
		return len(args) == 1 && args[0].Is("-u")
	}
	return slices.ContainsFunc(args, func(w word.Word) bool { return w.Is("/etc/passwd") || w.Is("/etc/shadow") })
}

// listsPackages reports how a package manager names everything that is installed.
func listsPackages(name string, args []word.Word) bool {
	marks := strings.Fields(packageListing(name))
	return len(args) > 0 && slices.ContainsFunc(marks, args[0].Is) && (unchosen(args[1:]) || slices.ContainsFunc(args[1:], everyKernel))
}

// packageListing is the words of which one has to be there.
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

// narrows reports a program that lets only some lines of a listing through.
// A pattern for a state that nearly all are in, one that leaves some out, and
// one that takes the heading off let the others through.
func narrows(name string, a *command.Action) bool {
	switch name {
	case "awk", "gawk", "mawk", "sed":
		args := a.Args()
		for i, w := range args {
			v, ok := w.Value()
			if !ok {
				return true
			}
			if strings.HasPrefix(v, "-") {
				continue
			}
			if m := chosenLines().FindStringSubmatch(v); m != nil && !everyState(strings.Join(m[1:], "")) {
				return true
			}
			if i == 0 || !args[i-1].Is("-e") {
				break // what follows are files
			}
		}
		return false
	case "grep", "egrep", "rg":
		pattern, given := "", false
		for _, w := range a.Args() {
			switch v := w.Prefix(); {
			case len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.Contains(v, "v"), v == "--invert-match":
				return false
			case strings.HasPrefix(v, "-"):
			case !given:
				pattern, given = v, true
			}
		}
		return !everyState(pattern)
	case "tail", "head":
		// tail -n +2 and head -n -5 leave the heading and the sum out.
		for _, w := range a.Args() {
			if v := strings.TrimPrefix(strings.TrimPrefix(w.Prefix(), "--lines="), "-n"); name == "tail" && strings.HasPrefix(v, "+") || name == "head" && strings.HasPrefix(v, "-") && strings.HasPrefix(w.Prefix(), "-n") && v != "" {
				return false
			}
		}
	}
	return narrowing(name)
}

// chosenLines is how a program of awk or sed chooses lines: /pattern/, $2 ~
// /pattern/, $2 == "word", one line by its number.
var chosenLines = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^ *(?:[$][0-9]+ *~ *)?/([^/]*)/|^ *[$][0-9]+ *== *"([^"]*)"|(NR *==)|^ *([0-9]+(?:,[0-9]+)? *p)`)
})

// everyState reports whether a pattern names nothing but states or kinds that
// nearly everything in a listing has.
func everyState(pattern string) bool {
	for _, one := range strings.Split(pattern, "|") {
		switch strings.Trim(one, `\^$.*[]()+?_" '`) {
		case "linux-image", "kernel-core", // each of them a kernel
			"", "ii", "i", "installed", "enabled", "running", "active", "loaded", "static", "exited", "started", "service", "timer", "on", ":on", "5:on", "3:on", "A-Za-z", "a-z", "0-9":
		default:
			return false
		}
	}
	return true
}

// everyKernel reports a pattern by which every kernel is listed, the one that runs
// among them.
func everyKernel(w word.Word) bool {
	v, _ := w.Value()
	for _, begin := range []string{"linux-image", "linux", "kernel"} {
		if rest, ok := strings.CutPrefix(v, begin); ok && (rest != "" || begin != "linux") && strings.Trim(rest, "-.*") == "" {
			return true
		}
	}
	return false
}
