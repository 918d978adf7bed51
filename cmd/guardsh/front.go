package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"guardsh/guard"
	"guardsh/guard/bash"
)

// sudo and su start a shell without the gate: they drop what carries it. Where
// somebody will type into that shell, guardsh takes its place, so that it is
// guarded by a session of the user that it runs as.

// sudoCall is sudo's command line taken apart. Source: sudo(8), SYNOPSIS.
type sudoCall struct {
	opts    []string // options and assignments as given, without -i and -s
	who     []string // those of them that say as whom
	leave   []string // those of them that sudoers may refuse for one command and allow for another
	login   bool     // -i
	shell   bool     // -s
	other   bool     // a call that starts no command: -l, -v, -e and the like, or -b
	moved   bool     // another root directory: guardsh is not there
	mute    bool     // -n, -S, -A, -k: nothing may be asked in advance
	user    string   // "" is root
	command []string
	grouped bool // -g
	edit    bool // -e
	back    bool // -b
}

// The options of sudo that take a value, and the long names of all that matter
// here. -h is help or another host: no shell on this one in either case.
const sudoValues = "CDgpRrTtUu"

var sudoLong = map[string]byte{
	"background": 'b', "edit": 'e', "help": 'V', "list": 'l', "login": 'i', "remove-timestamp": 'K', "reset-timestamp": 'k', "shell": 's', "validate": 'v', "version": 'V',
	"non-interactive": 'n', "stdin": 'S', "askpass": 'A',
	"close-from": 'C', "chdir": 'D', "group": 'g', "host": 'h', "prompt": 'p', "chroot": 'R', "role": 'r', "command-timeout": 'T', "type": 't', "other-user": 'U', "user": 'u',
}

func readSudo(args []string) sudoCall {
	var c sudoCall
	i := 0
	for ; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			i++
			break
		}
		if strings.Contains(a, "=") && a[0] != '/' && a[0] != '-' {
			c.opts = append(c.opts, a) // what sudo takes for an assignment
			continue
		}
		if len(a) < 2 || a[0] != '-' {
			break
		}
		if long, ok := strings.CutPrefix(a, "--"); ok {
			name, value, given := strings.Cut(long, "=")
			flag := sudoLong[name]
			kept := []string{a}
			if strings.IndexByte(sudoValues, flag) >= 0 && flag != 0 && !given && i+1 < len(args) {
				i++
				value, kept = args[i], append(kept, args[i])
			}
			c.option(flag, value, kept)
			continue
		}
		rest := "" // the cluster without -i and -s
		for j := 1; j < len(a); j++ {
			flag := a[j]
			if strings.IndexByte(sudoValues, flag) < 0 {
				if c.option(flag, "", nil); flag != 'i' && flag != 's' {
					rest += string(flag)
				}
				continue
			}
			value, kept := a[j+1:], []string{"-" + a[j:]}
			if value == "" && i+1 < len(args) {
				i++
				value, kept = args[i], append(kept, args[i])
			}
			c.option(flag, value, kept)
			break
		}
		if rest != "" {
			c.opts = append(c.opts, "-"+rest)
		}
	}
	c.command = args[min(i, len(args)):]
	return c
}

// option takes one option in; kept is how it was written, nil for a letter
// of a cluster.
func (c *sudoCall) option(flag byte, value string, kept []string) {
	switch flag {
	case 'i':
		c.login, kept = true, nil
	case 's':
		c.shell, kept = true, nil
	case 'u':
		c.user = value
		c.who = append(c.who, kept...)
	case 'g':
		c.grouped = true
		c.who = append(c.who, kept...)
	case 'b':
		c.back = true
	case 'C', 'D', 'T', 'r', 't':
		c.leave = append(c.leave, kept...)
	case 'l', 'v', 'e', 'K', 'V', 'U', 'h':
		c.other = true
		c.edit = c.edit || flag == 'e'
	case 'R':
		c.moved = true
	case 'n', 'S', 'A', 'k':
		c.mute = true
	}
	c.opts = append(c.opts, kept...)
}

// instead is how the same shell is opened with guardsh in its place: sudo's
// arguments, the command that sudoers has to allow, and the user who has to be
// able to start guardsh.
type instead struct {
	args    []string
	command []string
	user    string
	at      int // in args: where the wrapper answers; 0 nowhere
}

// guarded says how guardsh takes the place of the shell that the call opens;
// false where it opens none, or one that guardsh cannot stand in for.
func (c sudoCall) guarded(self string, shellOf func(user string) string) (in instead, ok bool) {
	in.user = orRoot(c.user)
	switch {
	case c.other || c.back || c.moved || c.login && c.shell:
		return instead{}, false
	case c.login:
		// sudo's own -i gives bash a command only by a login shell around it,
		// which would read the start-up files twice.
		in.command = []string{self, "-l", "--home"}
		in.args = slices.Concat(c.opts, []string{"-H", "--"}, in.command)
		return in, len(c.command) == 0 && isBash(shellOf(in.user))
	case c.shell:
		// A -s with SHELL as guardsh would do, but vim and tmux read SHELL too.
		shell := ownShell()
		in.command = []string{self, "--shell", shell}
		in.args = slices.Concat(c.opts, []string{"--"}, in.command)
		return in, len(c.command) == 0 && isBash(shell)
	case len(c.command) == 0:
		return instead{}, false
	case isBash(c.command[0]):
		inv, err := readInvocation(append([]string{"guardsh"}, c.command[1:]...))
		ok = err == nil && inv.command == nil && inv.file == ""
		in.command = append([]string{self}, c.command[1:]...)
	case filepath.Base(c.command[0]) == "su":
		var args []string
		args, in.user, ok = guardedSu(c.command[1:], self, shellOf)
		in.command = append([]string{c.command[0]}, args...)
	}
	in.args = slices.Concat(c.opts, []string{"--"}, in.command)
	return in, ok
}

// behind is how a command is run by a guardsh that sudo starts as root; false
// where it is no command, or not root's.
func (c sudoCall) behind(self string, shellOf func(user string) string) (in instead, ok bool) {
	in.user = orRoot(c.user)
	switch {
	case c.other || c.back || c.moved || c.login && c.shell || len(c.command) == 0:
		return instead{}, false
	case c.grouped && c.user == "", in.user != "root" && in.user != "#0":
		return instead{}, false // another user cannot ask here what was answered
	case c.login && isBash(shellOf(in.user)):
		in.command = []string{self, "--front", "", "-l", "--home", "-c", asSudoQuotes(c.command)}
		in.args = slices.Concat(c.opts, []string{"-H", "--"}, in.command)
	case c.shell && isBash(ownShell()):
		in.command = []string{self, "--front", "", "--shell", ownShell(), "-c", asSudoQuotes(c.command)}
		in.args = slices.Concat(c.opts, []string{"--"}, in.command)
	case c.login, c.shell:
		return instead{}, false
	default:
		in.command = slices.Concat([]string{self, "exec", "--front", "", "--"}, c.command)
		in.args = slices.Concat(c.opts, []string{"--"}, in.command)
	}
	in.at = slices.Index(in.args, "--front") + 1
	return in, true
}

// asSudoQuotes is the line that sudo -i and -s give to a shell: every character
// that is not a letter, a digit, "_", "-" or "$" is quoted.
func asSudoQuotes(command []string) string {
	var b strings.Builder
	for i, w := range command {
		if i > 0 {
			b.WriteByte(' ')
		}
		for _, c := range []byte(w) {
			if c < 0x80 && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '$' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}

// guardedSu is su's arguments with guardsh as the shell, and whom they lead
// to; false where su is to run a command or was given a shell, or where the
// shell is no bash. Source: su(1) of util-linux.
func guardedSu(args []string, self string, shellOf func(user string) string) (out []string, user string, ok bool) {
	user = "root"
	out = []string{"-s", self}
	operands := []string{"--"}
	preserve, named := false, false
	for i := 0; i < len(args); i++ {
		a := args[i]
		long, isLong := strings.CutPrefix(a, "--")
		with := 1 // how many words the option is
		switch {
		case a == "-":
			operands = append(operands, a)
			continue
		case isLong:
			switch name, _, given := strings.Cut(long, "="); name {
			case "preserve-environment":
				preserve = true
			case "fast", "login", "pty", "no-pty":
			case "group", "supp-group", "whitelist-environment":
				if !given {
					with = 2
				}
			default: // --command, --shell, --help, "--" and what is not known
				return nil, "", false
			}
		case strings.HasPrefix(a, "-"):
			letters := strings.TrimLeft(a[1:], "flmpPT")
			preserve = preserve || strings.ContainsAny(a[1:len(a)-len(letters)], "mp")
			switch {
			case letters == "":
			case strings.IndexByte("gGw", letters[0]) < 0:
				return nil, "", false
			case len(letters) == 1:
				with = 2
			}
		case named: // an argument for the shell
			return nil, "", false
		default:
			user, named = a, true
			continue
		}
		out = append(out, args[i:min(i+with, len(args))]...)
		i += with - 1
	}
	shell := shellOf(user)
	if preserve {
		shell = ownShell()
	}
	// su makes SHELL what -s says; what stands behind the user is the shell's.
	return slices.Concat(out, operands, []string{user, "--shell", shell}), user, isBash(shell)
}

func orRoot(user string) string {
	if user == "" {
		return "root"
	}
	return user
}

// isBash says whether a program is the bash that guardsh would start: by its
// name, or as one of the files that are that one.
func isBash(program string) bool {
	if filepath.Base(program) != "bash" {
		return false
	}
	if !strings.Contains(program, "/") {
		return true
	}
	given, err := os.Stat(program)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(bash.Places, func(p string) bool {
		fi, err := os.Stat(p)
		return err == nil && os.SameFile(given, fi)
	})
}

// ownShell is the shell that sudo -s opens.
func ownShell() string {
	if s := os.Getenv("SHELL"); s != "" {
		return s
	}
	return shellOf(strconv.Itoa(os.Getuid()))
}

// account is a user's entry in the password database.
type account struct {
	uid, gid uint32
	name     string
	shell    string
}

// accountOf asks getent, which knows users of every kind; NAME may be a number,
// with sudo's # before it too.
func accountOf(name string) (account, error) {
	out, err := exec.Command("getent", "passwd", strings.TrimPrefix(name, "#")).Output()
	if err != nil {
		return account{}, fmt.Errorf("account %s: %w", name, err)
	}
	f := strings.Split(strings.TrimSpace(string(out)), ":")
	if len(f) < 7 {
		return account{}, fmt.Errorf("account %s: getent said %q", name, out)
	}
	uid, uerr := strconv.ParseUint(f[2], 10, 32)
	gid, gerr := strconv.ParseUint(f[3], 10, 32)
	if uerr != nil || gerr != nil {
		return account{}, fmt.Errorf("account %s: getent said %q", name, out)
	}
	return account{name: f[0], uid: uint32(uid), gid: uint32(gid), shell: f[6]}, nil
}

// shellOf is a user's own shell, "" where there is no such user.
func shellOf(name string) string {
	a, _ := accountOf(name)
	return a.shell
}

// canStart says whether a user can start the program at path: a guardsh in a
// private directory is nothing to another one.
func canStart(name, path string) bool {
	a, err := accountOf(name)
	if err != nil {
		return false
	}
	if a.uid == 0 {
		return true
	}
	groups := []string{strconv.FormatUint(uint64(a.gid), 10)}
	if u, err := user.Lookup(a.name); err == nil {
		if more, err := u.GroupIds(); err == nil {
			groups = append(groups, more...)
		}
	}
	for ; ; path = filepath.Dir(path) {
		fi, err := os.Stat(path)
		if err != nil || !mayExecute(fi, a.uid, groups) {
			return false
		}
		if path == "/" {
			return true
		}
	}
}

// mayExecute reads the permission bits as the kernel does: the first class
// that fits decides.
func mayExecute(fi fs.FileInfo, uid uint32, groups []string) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	switch {
	case st.Uid == uid:
		return fi.Mode()&0o100 != 0
	case slices.Contains(groups, strconv.FormatUint(uint64(st.Gid), 10)):
		return fi.Mode()&0o010 != 0
	}
	return fi.Mode()&0o001 != 0
}

// allowed asks sudo whether sudoers allows a command. Where a password is
// needed for the answer it is asked for now, by sudo, as it would be asked for
// the shell; sudo then remembers it.
func (c sudoCall) allowed(sudo string, command []string) bool {
	ask := func(quiet bool, more ...string) bool {
		var args []string
		if quiet {
			args = append(args, "-n")
		}
		args = slices.Concat(args, c.who, []string{"-l"}, more)
		cmd := exec.Command(sudo, args...)
		if !quiet {
			cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
		}
		return cmd.Run() == nil
	}
	command = append([]string{"--"}, command...)
	if ask(true, command...) {
		return true
	}
	// Without a command it is only a matter of the password.
	return !c.mute && !ask(true) && ask(false, command...)
}

// runsGuard says whether sudo would run a guardsh command as things are, without
// another word to the user than for the command itself. Sudo does not tell
// whether something needs a password, so that guardsh is run to see it. Where
// one is needed it is asked for first, unless something is allowed without one:
// the command may be that.
func (c sudoCall) runsGuard(s *guard.Session, sudo, self string, command []string) bool {
	try := func() bool {
		return exec.Command(sudo, slices.Concat([]string{"-n"}, c.who, c.leave, []string{"--", self, "exec", "--help"})...).Run() == nil
	}
	if c.mute {
		return try()
	}
	return s.SudoersAllow(guard.Quote(slices.Concat(c.who, c.leave, []string{self})), func() bool {
		if try() {
			return true
		}
		listed := exec.Command(sudo, slices.Concat([]string{"-n"}, c.who, []string{"-l"})...).Run() == nil
		return !listed && guard.IsTerminal(os.Stderr) && c.allowed(sudo, command) && try()
	})
}
