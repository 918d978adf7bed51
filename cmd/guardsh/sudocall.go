package main

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// sudoCall is sudo's command line taken apart as sudo does it: sudo(8),
// SYNOPSIS and OPTIONS, and getopt_long(3), which stops at the first word that
// is no option.
type sudoCall struct {
	opts    []string // options and assignments, one by one, without -i and -s; long ones as they were written
	seen    string   // the options with a value
	who     []string // those of them that say as whom
	dir     []string // those of them that say where: -D
	leave   []string // those of them that sudoers may refuse for one command and allow for another
	login   bool     // -i
	shell   bool     // -s
	keeps   bool     // -E
	other   bool     // it starts no command (-l, -v, -e and the like), or sudo will refuse it
	moved   bool     // -R: another root directory, where guardsh is not
	mute    bool     // -n, -S, -A, -k: nothing may be asked in advance
	never   bool     // -n: nothing may be asked at all
	user    string   // "" is root
	grouped bool     // -g
	edit    bool     // -e, or sudoedit as the command, which is the same
	path    bool     // PATH is set for the command; sudo itself looks it up by another
	back    bool     // -b
	command []string
}

// sudoOption is how an option is written and read.
type sudoOption struct {
	long  string // "" has none
	value valueOf
}

type valueOf int

const (
	noValue valueOf = iota
	takesValue
	mayValue // behind = or, of a short one, in the same word
)

// hostOption stands for --host: -h alone is --help.
const hostOption = 'H' + 0x80

// sudoOptions are the options by their letters. -a and -c are for BSD.
var sudoOptions = sync.OnceValue(func() map[rune]sudoOption {
	return map[rune]sudoOption{
		'A': {long: "askpass"}, 'B': {long: "bell"}, 'b': {long: "background"}, 'C': {"close-from", takesValue}, 'D': {"chdir", takesValue},
		'E': {long: "preserve-env"}, 'e': {long: "edit"}, 'g': {"group", takesValue}, 'H': {long: "set-home"}, 'h': {long: "help"},
		hostOption: {"host", takesValue}, 'i': {long: "login"}, 'K': {long: "remove-timestamp"}, 'k': {long: "reset-timestamp"}, 'l': {long: "list"},
		'N': {long: "no-update"}, 'n': {long: "non-interactive"}, 'P': {long: "preserve-groups"}, 'p': {"prompt", takesValue}, 'R': {"chroot", takesValue},
		'r': {"role", takesValue}, 'S': {long: "stdin"}, 's': {long: "shell"}, 'T': {"command-timeout", takesValue}, 't': {"type", takesValue},
		'U': {"other-user", takesValue}, 'u': {"user", takesValue}, 'V': {long: "version"}, 'v': {long: "validate"},
	}
})

// longOption finds a long option, which may be abbreviated to what no other
// begins with.
func longOption(name string) (letter rune, ok bool) {
	for c, o := range sudoOptions() {
		switch {
		case o.long == name:
			return c, true
		case strings.HasPrefix(o.long, name) && ok:
			letter = 0
		case strings.HasPrefix(o.long, name):
			letter, ok = c, true
		}
	}
	return letter, ok && letter != 0
}

// isAssignment says what sudo takes for a variable to set.
func isAssignment(word string) bool {
	return strings.Contains(word, "=") && word[0] != '/' && word[0] != '='
}

func readSudo(args []string) sudoCall {
	var c sudoCall
	i := 0
	// value is an option's value: what is attached, or the next word.
	value := func(attached string) (string, bool) {
		if attached != "" {
			return attached, true
		}
		if i+1 >= len(args) {
			return "", false
		}
		i++
		return args[i], true
	}
words:
	for ; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			i++
			break words
		case strings.HasPrefix(a, "--"):
			name, given, has := strings.Cut(a[2:], "=")
			letter, ok := longOption(name)
			switch o := sudoOptions()[letter]; {
			case !ok:
				c.other = true
			case letter == 'E' && has:
				c.path = c.path || slices.Contains(strings.Split(given, ","), "PATH")
				c.opts = append(c.opts, a)
			case o.value == noValue:
				c.option(letter, "", a)
				c.other = c.other || has
			case has:
				c.option(letter, given, a)
			default:
				v, ok := value("")
				c.option(letter, v, a, v)
				c.other = c.other || !ok
			}
		case len(a) > 1 && a[0] == '-':
			for j, letter := range a[1:] {
				o, ok := sudoOptions()[letter]
				if !ok || letter == hostOption {
					c.other = true
					break
				}
				if o.value == takesValue {
					v, ok := value(a[1+j+1:])
					c.option(letter, v, "-"+string(letter), v)
					c.other = c.other || !ok
					break
				}
				c.option(letter, "", "-"+string(letter))
				if letter == 'h' { // what is attached is a host
					break
				}
			}
		case isAssignment(a):
			c.path = c.path || strings.HasPrefix(a, "PATH=")
			c.opts = append(c.opts, a)
		default:
			break words
		}
	}
	c.command = args[min(i, len(args)):]
	if len(c.command) > 0 && !c.shell && !c.login && filepath.Base(c.command[0]) == "sudoedit" {
		c.edit, c.command = true, c.command[1:]
	}
	if c.login && (c.shell || c.keeps) {
		c.other = true
	}
	return c
}

// option takes one option in, which was written as words.
func (c *sudoCall) option(letter rune, value string, words ...string) {
	if sudoOptions()[letter].value == takesValue {
		// sudo takes each of them once, and none but a prompt may be empty.
		c.other = c.other || strings.ContainsRune(c.seen, letter) || value == "" && letter != 'p'
		c.seen += string(letter)
	}
	switch letter {
	case 'i':
		c.login = true
		return
	case 's':
		c.shell = true
		return
	case 'u':
		c.user = value
		c.who = append(c.who, words...)
	case 'g':
		c.grouped = true
		c.who = append(c.who, words...)
	case 'b':
		c.back = true
	case 'E':
		c.keeps = true
	case 'D':
		c.dir = words
		c.leave = append(c.leave, words...)
	case 'C', 'T', 'r', 't':
		c.leave = append(c.leave, words...)
	case 'e':
		c.edit, c.other = true, true
	case 'l', 'v', 'K', 'V', 'U', 'h', hostOption:
		c.other = true
	case 'R':
		c.moved = true
	case 'n':
		c.mute, c.never = true, true
	case 'S', 'A', 'k':
		c.mute = true
	}
	c.opts = append(c.opts, words...)
}
