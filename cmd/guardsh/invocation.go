package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// invocation is how guardsh was called as a shell.
type invocation struct {
	login       bool     // -l, --login
	interactive bool     // -i
	restricted  bool     // -r, --restricted, or called rbash
	command     *string  // -c LINE
	file        string   // FILE
	stdin       bool     // -s
	home        bool     // --home
	shell       string   // --shell FILE
	front       string   // --front SOCKET
	name        string   // --name NAME: what the bash below is called
	percent     bool     // --percent: LINE is as percent writes it
	args        []string // behind LINE or FILE
	bash        []string // options for bash itself, as given
	list        string   // -o, -O, +o or +O with nothing behind it: bash lists its options
}

// bashLong reports whether an option is one of bash's own long ones, and whether
// it takes an argument. Source: bash(1), OPTIONS.
func bashLong(opt string) (takes, known bool) {
	switch opt {
	case "--debugger", "--dump-po-strings", "--dump-strings", "--noediting", "--noprofile", "--norc", "--posix", "--pretty-print", "--restricted", "--verbose":
		return false, true
	case "--init-file", "--rcfile":
		return true, true
	}
	return false, false
}

// readInvocation reads the arguments as bash would read them.
func readInvocation(argv []string) (invocation, error) {
	var inv invocation
	if len(argv) > 0 {
		inv.restricted = filepath.Base(strings.TrimPrefix(argv[0], "-")) == "rbash"
	}
	wantsLine := false
	i := 1
options:
	for ; i < len(argv); i++ {
		a := argv[i]
		switch {
		case a == "--" || a == "-":
			i++
			break options
		case a == "--login":
			inv.login = true
		case a == "--home":
			inv.home = true
		case a == "--percent":
			inv.percent = true
		case a == "--shell", a == "--front", a == "--name":
			if i++; i == len(argv) {
				return inv, fmt.Errorf("option %s needs an argument", a)
			}
			switch {
			case a == "--shell":
				inv.shell = argv[i]
			case a == "--name":
				inv.name = argv[i]
			case argv[i] != "-":
				inv.front = argv[i]
			}
		case strings.HasPrefix(a, "--"):
			takes, known := bashLong(a)
			if !known {
				return inv, fmt.Errorf("unknown option %s", a)
			}
			inv.restricted = inv.restricted || a == "--restricted"
			inv.bash = append(inv.bash, a)
			if takes {
				if i++; i == len(argv) {
					return inv, fmt.Errorf("option %s needs an argument", a)
				}
				inv.bash = append(inv.bash, argv[i])
			}
		case len(a) > 1 && (a[0] == '-' || a[0] == '+'):
			var rest []byte
			takes := 0 // -o and -O take the following words
			for _, c := range []byte(a[1:]) {
				switch {
				case a[0] == '-' && c == 'c':
					wantsLine = true
				case a[0] == '-' && c == 'l':
					inv.login = true
				case a[0] == '-' && c == 'i':
					inv.interactive = true
				case a[0] == '-' && c == 's':
					inv.stdin = true
				case strings.IndexByte("abefhkmnprtuvxBCDEHPT", c) >= 0:
					inv.restricted = inv.restricted || a[0] == '-' && c == 'r'
					rest = append(rest, c)
				case (c == 'o' || c == 'O') && i+1+takes == len(argv):
					inv.list = a[:1] + string(c)
				case c == 'o' || c == 'O':
					rest = append(rest, c)
					takes++
				default:
					return inv, fmt.Errorf("unknown option %s", a)
				}
			}
			if len(rest) > 0 {
				inv.bash = append(inv.bash, a[:1]+string(rest))
			}
			inv.bash = append(inv.bash, argv[i+1:i+1+takes]...)
			i += takes
		default:
			break options
		}
	}
	rest := argv[i:]
	switch {
	case wantsLine:
		if len(rest) == 0 {
			return inv, fmt.Errorf("option -c needs an argument")
		}
		line := rest[0]
		if inv.percent {
			line = percented.Replace(line)
		}
		inv.command, inv.args = &line, rest[1:]
	case inv.stdin || len(rest) == 0:
		inv.args = rest
	default:
		inv.file, inv.args = rest[0], rest[1:]
	}
	return inv, nil
}

// percent and percented write a line without what a shell around guardsh would
// expand or drop, and back.
var (
	percent   = strings.NewReplacer("%", "%25", "$", "%24", "\n", "%0A")
	percented = strings.NewReplacer("%25", "%", "%24", "$", "%0A", "\n")
)

// bashName is the argv[0] of the bash below a guardsh that was called argv0:
// the same, with bash for guardsh. It is what $0 and bash's own messages show,
// and what makes a login shell ("-guardsh" from sshd, "-su" from some su).
func bashName(argv0, own, bash string) string {
	if filepath.Base(strings.TrimPrefix(argv0, "-")) == "sh" {
		return argv0 // a shell of that name keeps to POSIX
	}
	switch argv0 {
	case own:
		return "bash"
	case "-" + own:
		return "-bash"
	}
	if filepath.Base(argv0) != own {
		return argv0
	}
	if argv0[0] == '-' {
		return "-" + bash
	}
	return bash
}
