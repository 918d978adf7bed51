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

	"github.com/spf13/cobra"

	"guardsh/guard/bash"
)

// sudo and su start a shell without the gate: they drop what carries it. Where
// somebody will type into that shell, guardsh takes its place, so that it is
// guarded by a session of the user that it runs as.

// instead is how guardsh is started in the place of what a call of sudo starts.
type instead struct {
	args  []string // sudo's arguments
	at    int      // in args: where the wrapper answers
	probe []string // sudo's arguments by which is tried whether sudoers allows it
	user  string   // has to be able to start guardsh
}

// loginMark is POSIXLY_CORRECT where sudo -i starts guardsh: bash then reads no
// start-up files before it does (bash(1), "--posix"; seen with 5.2), which the
// guarded bash below reads.
const loginMark = "guardsh"

// instead says how guardsh takes the place of what the call starts, the best way
// first; none where it starts nothing, or what guardsh cannot stand in for. shell
// says that it is a shell that somebody types into, as whatever user; typed is
// whether there is a terminal to do so. Another command than that is root's: no
// other user could ask here what was answered.
func (c sudoCall) instead(self string, shellOf func(user string) string, typed bool) (ways []instead, shell bool) {
	user := orRoot(c.user)
	root := (user == "root" || user == "#0") && (!c.grouped || c.user != "")
	bare := len(c.command) == 0
	var line []string
	if !bare {
		line = []string{"-c", asSudoQuotes(c.command)}
	}
	way := func(sudo, command []string) {
		in := instead{user: user}
		in.args = slices.Concat(c.opts, sudo, []string{"--"}, command)
		in.at = slices.Index(in.args, "--front") + 1
		if len(sudo) == 0 || sudo[0] == "-H" {
			sudo = nil // it is for sudo to say what HOME is
		}
		in.probe = slices.Concat(c.who, c.leave, sudo, []string{"--", self, "exec", "--try"})
		ways = append(ways, in)
	}
	front := []string{self, "--front", ""}
	switch {
	case c.other || c.back || c.moved || c.edit:
		return nil, false
	case c.login:
		if !standsFor(shellOf(user), self) {
			return nil, false
		}
		// sudo's own -i has the session of PAM, the environment and the directory of
		// a login; whom sudoers lets start guardsh alone does not have the first.
		once := slices.Concat(front, []string{"-l", "--name", "-bash"})
		if !bare {
			once = append(once, "--percent", "-c", percent.Replace(line[1]))
		}
		way([]string{"-i", "POSIXLY_CORRECT=" + loginMark}, once)
		home := []string{"-l", "--home"}
		if len(c.dir) > 0 {
			home = []string{"-l", "--name", "-bash"}
		}
		way([]string{"-H"}, slices.Concat(front, home, line))
		shell = bare
	case c.shell:
		// A -s with SHELL as guardsh would do, but vim and tmux read SHELL too.
		if !standsFor(ownShell(), self) {
			return nil, false
		}
		way(nil, slices.Concat(front, []string{"--shell", ownShell()}, line))
		shell = bare
	case bare, c.path && !strings.Contains(c.command[0], "/"):
		return nil, false
	case isBash(c.command[0]):
		way(nil, slices.Concat([]string{self, "exec", "--front", "", "--"}, c.command))
		shell = readsLines(c.command[1:])
	case standsFor(c.command[0], self):
		switch args := c.command[1:]; {
		case len(args) > 1 && args[0] == "exec" && args[1] == "--":
			way(nil, slices.Concat([]string{self, "exec", "--front", ""}, args[1:]))
		case isVerb(args):
			return nil, false
		default:
			way(nil, slices.Concat(front, args))
			shell = readsLines(args)
		}
	case typed && filepath.Base(c.command[0]) == "su":
		// su takes the other shell as whoever may call it; else the guardsh in its
		// place gives it that.
		if args, to, ok := guardedSu(c.command[1:], self, shellOf); ok {
			in := instead{user: to, args: slices.Concat(c.opts, []string{"--", c.command[0]}, args)}
			in.probe = slices.Concat(c.who, []string{"-l", "--"}, c.command[:1], args)
			ways, shell = append(ways, in), true
		}
		fallthrough
	default:
		way(nil, slices.Concat([]string{self, "exec", "--front", "", "--"}, c.command))
	}
	shell = shell && typed
	if !root && !shell {
		return nil, false
	}
	return ways, shell
}

// opensGuardsh says whether the shell that -i or -s opens is guardsh, of those
// that it can stand in for.
func (c sudoCall) opensGuardsh(shellOf func(user string) string) bool {
	return c.login && !isBash(shellOf(orRoot(c.user))) || c.shell && !isBash(ownShell())
}

// readsLines says whether a shell with these arguments takes its commands from
// standard input.
func readsLines(args []string) bool {
	inv, err := readInvocation(append([]string{"guardsh"}, args...))
	return err == nil && inv.command == nil && inv.file == ""
}

// isVerb says whether guardsh's arguments are those of a verb.
func isVerb(args []string) bool {
	return len(args) > 0 && slices.ContainsFunc(rootCommand().Commands(), func(c *cobra.Command) bool { return c.Name() == args[0] })
}

// standsFor says whether guardsh can take a program's place: it is bash, or
// guardsh itself.
func standsFor(program, self string) bool {
	if isBash(program) {
		return true
	}
	if !strings.Contains(program, "/") {
		return program == filepath.Base(self)
	}
	given, err := os.Stat(program)
	own, oerr := os.Stat(self)
	return err == nil && oerr == nil && os.SameFile(given, own)
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
// to; false where su is to run a command or was given a shell, or where that is
// neither bash nor guardsh. Source: su(1) of util-linux.
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
	return slices.Concat(out, operands, []string{user, "--shell", shell}), user, standsFor(shell, self)
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
	home     string
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
	return account{name: f[0], uid: uint32(uid), gid: uint32(gid), home: f[5], shell: f[6]}, nil
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
