package effect

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"guardsh/rules/word"
)

// signalOf is a signal by its number, as far as its meaning matters.
func signalOf(number string) string {
	switch number {
	case "0":
		return "0"
	case "1":
		return "HUP"
	case "2":
		return "INT"
	case "3":
		return "QUIT"
	case "6":
		return "ABRT"
	case "9":
		return "KILL"
	case "10":
		return "USR1"
	case "12":
		return "USR2"
	case "14":
		return "ALRM"
	case "15":
		return "TERM"
	case "17":
		return "CHLD"
	case "18":
		return "CONT"
	case "19":
		return "STOP"
	case "20":
		return "TSTP"
	case "23":
		return "URG"
	case "28":
		return "WINCH"
	}
	return ""
}

// signalClass says what a signal does to a program that does not expect it.
func signalClass(name string) string {
	switch name {
	case "KILL", "ABRT":
		return "kill"
	case "TERM", "HUP", "INT", "QUIT", "STOP":
		return "term"
	case "0", "CONT", "CHLD", "WINCH", "URG", "EXIT":
		return "harmless"
	}
	return ""
}

// signal takes -9, -KILL or -SIGKILL, which leads the words of kill and may stand
// anywhere among those of killall and pkill, off them, and reads -s and -n.
func (c *call) signal(argv []word.Word) (name string, rest []word.Word) {
	name = "TERM"
	given := false
	for i := 0; i < len(argv); i++ {
		v, ok := argv[i].Value()
		if !ok {
			rest = append(rest, argv[i])
			continue
		}
		upper := strings.ToUpper(strings.TrimPrefix(strings.ToUpper(strings.TrimPrefix(v, "-")), "SIG"))
		switch {
		case v == "--":
			return name, append(rest, argv[i+1:]...)
		case c.name == "pkill" && (v == "-s" || v == "-n"): // a session, the newest
			rest = append(rest, argv[i])
		case (v == "-s" || v == "-n" || v == "--signal") && i+1 < len(argv):
			i++
			name, given = signalName(argv[i].String()), true
		case strings.HasPrefix(v, "--signal="):
			name, given = signalName(v[len("--signal="):]), true
		case strings.HasPrefix(v, "-s") && c.name != "pkill" && len(v) > 3 && signalClass(signalName(v[2:])) != "":
			name, given = signalName(v[2:]), true
		case len(v) > 1 && v[0] == '-' && (len(rest) == 0 || c.name != "kill") && !given && (signalOf(upper) != "" || signalClass(upper) != "" || len(upper) > 2 && strings.HasPrefix(upper, "USR") || strings.HasPrefix(upper, "RTM")):
			name, given = signalName(upper), true
		default:
			rest = append(rest, argv[i])
		}
	}
	return name, rest
}

func signalName(s string) string {
	s = strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if n := signalOf(s); n != "" {
		return n
	}
	return s
}

// signalInit is a signal to the first process, which systemd takes as an order:
// it reports whether there is any effect.
func (c *call) signalInit(e *Effect, name string) bool {
	switch name {
	case "HUP", "WINCH", "CHLD", "CONT", "USR1", "USR2", "PIPE":
		return false // read the configuration again, show, nothing
	case "INT", "RTMIN+5", "39", "RTMIN+15", "49", "RTMIN+6", "40", "RTMIN+16", "50":
		e.Kind = Power
		e.mark("reboot")
	case "RTMIN+3", "37", "RTMIN+13", "47", "RTMIN+4", "38", "RTMIN+14", "48":
		e.Kind = Power
		e.mark("poweroff")
	}
	return true
}

// killProcesses is kill, killall, pkill and skill. What is left of the words
// without the signal is read by the grammar of each.
func killProcesses(c *call) {
	name, rest := c.signal(c.action.Args())
	class := signalClass(name)
	if class == "harmless" {
		return
	}
	if class == "" {
		class = "term"
	}
	negatives := c.name == "kill"
	g := c.node.grammar
	args := g.Read(rest)
	if negatives {
		// kill -TERM -1: a negative number is a process group, -1 everybody.
		args.Operands = nil
		for _, w := range rest {
			if v := w.Prefix(); v == "-l" || v == "-L" || v == "--list" || v == "--table" {
				return
			}
			args.Operands = append(args.Operands, w)
		}
		if len(c.args.Operands) == 0 && len(rest) == 0 {
			// "kill -1" alone names a signal and nobody.
			return
		}
	}
	if args.Attrs["dry"] || args.Attrs["list"] {
		return
	}
	for a, on := range args.Attrs {
		c.args.Attrs[a] = on
	}
	e := c.effect(Kill, class)
	e.param("signal", name)
	if c.name == "pkill" || c.name == "skill" {
		e.mark("pattern")
		for _, by := range [...]string{"user", "terminal", "parent", "group", "session"} {
			if ws := args.Values[by]; len(ws) > 0 {
				e.param(by, texts(ws)...)
				if len(args.Operands) == 0 {
					w := ws[0]
					c.emit(e, Object{Type: Process, Name: by + " " + w.String(), Word: w})
				}
			}
		}
	}
	if c.name == "killall5" {
		e.mark("all")
		c.emit(e, Object{Type: Process, Name: "-1", Word: word.Lit(c.name)})
		return
	}
	if c.name == "pkill" && args.Attrs["_inverse"] {
		e.mark("all")
		e.Attrs["pattern"] = false
	}
	if c.name == "killall" && len(args.Operands) == 0 {
		for _, w := range args.Values["user"] {
			e.param("user", w.String())
			c.emit(e, Object{Type: Process, Name: "user " + w.String(), Word: w})
		}
	}
	for _, w := range args.Operands {
		one := e
		v, known := w.Value()
		switch {
		case known && strings.HasPrefix(v, "%"):
			one.mark("job")
		case negatives && v == "-1":
			one.mark("all")
		case negatives && v == "0":
			one.mark("job")
		case negatives && v == "1":
			if !c.signalInit(&one, name) {
				continue
			}
		}
		if one.Kind == Power {
			c.emit(one, Object{Type: Host, Word: w})
			continue
		}
		if name, everybody := c.processOf(w); everybody {
			one.mark("all")
		} else if name != "" {
			one.param("process", name)
		}
		for _, o := range named(Process, w) {
			c.emit(one, o)
		}
	}
}

// processOf is the program whose processes a word of kill's means: its own
// name, or that by which the line looks for them: $(pidof X), $(cat X.pid),
// ps | grep X | … | xargs kill. all: nothing chooses among them.
func (c *call) processOf(w word.Word) (name string, all bool) {
	if v, known := w.Value(); known {
		if c.name == "kill" {
			return "", false
		}
		v = strings.TrimSuffix(strings.TrimPrefix(v, "^"), "$")
		for _, rest := range [...]string{".*", ".+", "*"} {
			v = strings.TrimSuffix(v, rest)
		}
		return path.Base(strings.ReplaceAll(v, `\.`, ".")), false
	}
	text := w.Src
	if len(w.Shape) == 1 && w.Shape[0].Hole == word.Subst {
		text = w.Shape[0].Src // a variable that has it
	}
	if !strings.ContainsAny(text, "$`") {
		text = c.feeding()
	}
	return searched(text)
}

// feeding is what writes the names that xargs gives to this action, as text.
func (c *call) feeding() string {
	for i := c.at - 1; i >= 0; i-- {
		a := &c.line.Actions[i]
		if name, _ := a.Name(); name != "xargs" && name != "parallel" {
			continue
		}
		var parts []string
		from := a.Stdin.From
		for n := 0; n < len(from) && n < 16; n++ {
			if j := from[n]; j >= 0 && j < len(c.line.Actions) {
				parts = append(parts, strings.Join(texts(c.line.Actions[j].Argv), " "))
				from = append(from[:len(from):len(from)], c.line.Actions[j].Stdin.From...)
			}
		}
		slices.Reverse(parts) // in the order of the pipe
		return strings.Join(parts, " | ")
	}
	return ""
}

// searched reads commands that look for processes: the name by which they do,
// or all where none of them chooses.
func searched(text string) (name string, all bool) {
	listed := false
	for _, one := range strings.Split(strings.Trim(text, "$()`\" "), "|") {
		f := strings.Fields(strings.Trim(one, " ()`\"$<"))
		if len(f) == 0 {
			continue
		}
		var words []string
		for _, a := range f[1:] {
			a = strings.Trim(a, "'\"()`")
			if strings.HasSuffix(a, ".pid") {
				if base := path.Base(a); base == "*.pid" {
					return path.Base(path.Dir(a)), false // /var/lib/mysql/*.pid
				}
				if strings.Contains(a, "/libvirt/") {
					return "qemu", false // they are named for the guests
				}
				return strings.TrimSuffix(path.Base(a), ".pid"), false
			}
			if !strings.HasPrefix(a, "-") && a != "" {
				words = append(words, a)
			}
		}
		opts := strings.Join(f[1:], " ")
		switch path.Base(strings.TrimPrefix(f[0], "sudo ")) {
		case "pidof", "pgrep":
			if whose := ofUser().FindStringSubmatch(opts); whose != nil && path.Base(f[0]) == "pgrep" {
				if words = slices.DeleteFunc(words, func(s string) bool { return s == whose[1] }); len(words) == 0 {
					return "", whose[1] == "root" || whose[1] == "0" // all that hold the machine
				}
			}
			if len(words) > 0 {
				return words[len(words)-1], false
			}
			return "", false
		case "ps":
			switch {
			case allOfThem().MatchString(opts):
			case len(ofUser().FindStringSubmatch(opts)) > 0 && slices.Contains([]string{"root", "0"}, ofUser().FindStringSubmatch(opts)[1]):
			case byName().MatchString(opts):
				return byName().FindStringSubmatch(opts)[1], false
			default:
				return "", false
			}
			listed = true
		case "systemctl":
			if strings.Contains(opts, "MainPID") && len(words) > 1 {
				return strings.TrimSuffix(words[len(words)-1], ".service"), false
			}
			return "", false
		case "seq":
			if len(words) == 0 {
				return "", false
			}
			if n, err := strconv.Atoi(words[len(words)-1]); err == nil && n >= 1<<15-1 {
				listed = true // every number that a process may have
				continue
			}
			return "", false
		case "lsof", "fuser":
			return listener(opts), false
		case "ss", "netstat":
			if name := listener(opts); name != "" {
				return name, false
			}
			listed = len(words) == 0
		case "cat":
			for _, w := range words {
				if dir, ok := strings.CutSuffix(w, "/cgroup.procs"); ok {
					switch unit := path.Base(dir); unit {
					case "system.slice", "user.slice", "init.scope", "cgroup", "unified":
						listed = true
					default:
						return strings.TrimSuffix(unit, ".service"), false
					}
				}
			}
			if !listed {
				return "", false
			}
		case "grep", "egrep", "fgrep":
			if strings.Contains(opts, "-v") {
				continue
			}
			if len(words) > 0 && listed && (strings.Trim(words[0], "^[] ") == "root" || strings.HasPrefix(words[0], "pid=")) {
				continue // nearly all are root's; or the numbers alone are taken
			}
			if len(words) > 0 {
				return strings.NewReplacer("[", "", "]", "", "\\", "", "^", "", "$", "").Replace(words[0]), false
			}
			return "", false
		case "awk", "gawk", "mawk":
			prog := strings.Join(words, " ")
			if m := awkPattern().FindStringSubmatch(prog); m != nil {
				return strings.NewReplacer("[", "", "]", "").Replace(m[1]), false
			}
			if !strings.HasPrefix(strings.TrimSpace(prog), "{") {
				return "", false
			}
		case "tail", "head":
			if !strings.Contains(opts, "+") && !strings.Contains(opts, "-n -") {
				return "", false
			}
		case "cut", "tr", "xargs", "sort", "uniq":
		default:
			return "", false
		}
	}
	return "", listed
}

// ofUser is how ps and pgrep are asked for a user's processes.
var ofUser = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^| )-(?:[a-z]*[uU] ?|-e?uid[= ]|-user[= ])([a-z0-9_][a-z0-9_.-]*)`)
})

// listener is the program that listens on the port of which lsof, fuser or ss is
// asked; "" where that may be any.
func listener(opts string) string {
	m := askedPort().FindStringSubmatch(strings.NewReplacer(`'`, "", `"`, "").Replace(opts))
	if m == nil {
		return ""
	}
	switch strings.Join(m[1:], "") {
	case "22", "ssh":
		return "sshd"
	case "3306", "mysql":
		return "mysqld"
	case "5432", "postgresql":
		return "postgres"
	case "27017":
		return "mongod"
	case "6379", "redis":
		return "redis-server"
	case "2379":
		return "etcd"
	case "9042":
		return "cassandra"
	case "9092":
		return "kafka"
	case "9200":
		return "elasticsearch"
	case "1521":
		return "oracle"
	case "389", "636", "ldap", "ldaps":
		return "slapd"
	case "5672":
		return "rabbitmq"
	}
	return ""
}

// askedPort is how those who listen on a port are asked for.
var askedPort = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[ :=])(?::|tcp:|TCP:|-i:?|-ti:?|-n tcp )([0-9]+|[a-z]+)(?: |$|/)|(?:^| )([0-9]+)/tcp(?: |$)|sport *=+ *:?([0-9]+|[a-z]+)(?: |$)`)
})

// byName is how ps is asked for the processes of a program.
var byName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^| )-[a-z]*C ?([A-Za-z0-9_.-]+)`) })

// allOfThem is how ps is asked for every process, and awkPattern what a
// program of awk looks for first.
var (
	allOfThem = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(^|[ -])(e|A|ax|aux|auxw+|axo|eo|ef|ely|eF|Ao)( |$)`)
	})
	awkPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ *(?:[$][0-9]+ *~ *)?/([^/]+)/`) })
)
