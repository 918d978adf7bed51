package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// account is an entry of the password database.
type account struct {
	name, uid, gid, home, shell string
	local                       bool // in /etc/passwd, so that its shell can be changed here
}

const passwdFile = "/etc/passwd"

// toolTime bounds the system's own programs (usermod, visudo, sshd -t), which
// take milliseconds; a directory service that does not answer must not hang us.
const toolTime = 30 * time.Second

// tool runs one of the system's programs and gives what it printed.
func tool(name string, args ...string) (string, error) {
	path, err := findTool(name)
	if err != nil {
		return "", err
	}
	return runs(path, args...)
}

// runs runs a program by its path and gives what it printed.
func runs(path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "PATH=" + systemPath, "HOME=/root"}
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		if text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return text, fmt.Errorf("%s %s: %w", filepath.Base(path), strings.Join(args, " "), err)
	}
	return text, nil
}

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// findTool finds a program in the system's own directories: PATH is the
// caller's to change.
func findTool(name string) (string, error) {
	for _, dir := range strings.Split(systemPath, ":") {
		p := dir + "/" + name
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: %w in %s", name, exec.ErrNotFound, systemPath)
}

// accountOf finds an account by its name, in whatever database it is.
func accountOf(name string) (account, error) {
	// A name that looks like an option, or a number that getent would take for
	// an id, is no name of an account.
	if name == "" || name[0] == '-' || strings.Trim(name, "0123456789") == "" || strings.ContainsAny(name, ":/\n") {
		return account{}, fmt.Errorf("%q is no name of an account", name)
	}
	for _, a := range localAccounts() {
		if a.name == name {
			return a, nil
		}
	}
	out, err := tool("getent", "passwd", "--", name)
	if err != nil {
		return account{}, fmt.Errorf("there is no account %s", name)
	}
	a, ok := parseAccount(out)
	if !ok {
		return account{}, fmt.Errorf("account %s: getent said %q", name, out)
	}
	return a, nil
}

func parseAccount(line string) (account, bool) {
	f := strings.Split(line, ":")
	if len(f) != 7 || f[0] == "" {
		return account{}, false
	}
	return account{name: f[0], uid: f[2], gid: f[3], home: f[5], shell: f[6]}, true
}

// localAccounts are those of /etc/passwd.
func localAccounts() []account {
	b, err := os.ReadFile(passwdFile)
	if err != nil {
		return nil
	}
	var all []account
	for line := range strings.Lines(string(b)) {
		if a, ok := parseAccount(strings.TrimSuffix(line, "\n")); ok {
			a.local = true
			all = append(all, a)
		}
	}
	return all
}

// LoginsWith are the accounts of this machine whose shell is path.
func LoginsWith(path string) []string {
	var names []string
	for _, a := range localAccounts() {
		if a.shell == path {
			names = append(names, a.name)
		}
	}
	return names
}

// Accounts are the accounts of this machine that can log in.
func Accounts() []string {
	var names []string
	for _, a := range localAccounts() {
		if canLogIn(a) {
			names = append(names, a.name)
		}
	}
	return names
}

// canLogIn says whether an account's shell is one, and not what keeps it out.
func canLogIn(a account) bool {
	shell := cmp.Or(a.shell, "/bin/sh")
	return isShell(shell) && filepath.Base(shell) != "nologin" && filepath.Base(shell) != "false"
}

// setShell changes the shell of an account and looks whether that was done.
func setShell(user, shell string) error {
	if a, err := accountOf(user); err == nil && a.shell == shell {
		return nil
	}
	out, err := tool("usermod", "-s", shell, user)
	if errors.Is(err, exec.ErrNotFound) {
		out, err = tool("chsh", "-s", shell, user)
	}
	if err != nil {
		return err
	}
	a, err := accountOf(user)
	if err != nil {
		return err
	}
	if a.shell != shell {
		return fmt.Errorf("the shell of %s is still %s: %s", user, a.shell, out)
	}
	return nil
}

// members are the accounts of a group: those it names, and those whose own
// group it is.
func members(group string) ([]string, error) {
	if group == "" || group[0] == '-' || strings.ContainsAny(group, ":/\n\"\\") {
		return nil, fmt.Errorf("%q is no name of a group", group)
	}
	out, err := tool("getent", "group", "--", group)
	if err != nil {
		return nil, fmt.Errorf("there is no group %s", group)
	}
	f := strings.Split(out, ":")
	if len(f) != 4 || f[0] != group {
		return nil, fmt.Errorf("group %s: getent said %q", group, out)
	}
	var names []string
	for _, n := range strings.Split(f[3], ",") {
		if n != "" {
			names = append(names, n)
		}
	}
	for _, a := range localAccounts() {
		if a.gid == f[2] && !slices.Contains(names, a.name) {
			names = append(names, a.name)
		}
	}
	return names, nil
}

// isShell says whether a program can be a login shell: it is there and starts.
func isShell(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// fallbackShell is what an account gets when its own shell is gone.
func fallbackShell() string {
	for _, p := range []string{"/bin/bash", "/usr/bin/bash"} {
		if isShell(p) {
			return p
		}
	}
	return "/bin/sh"
}
