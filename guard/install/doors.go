package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	SudoersPath = "/etc/sudoers.d/guardsh"
	sshdConfig  = "/etc/ssh/sshd_config"
	sshdPath    = "/etc/ssh/sshd_config.d/10-guardsh.conf"
)

const head = "# Written by guardsh install; guardsh uninstall removes it.\n"

// sudoersText lets a group run guardsh as anybody, with any arguments, and
// nothing else by this file.
func sudoersText(group, program string) string {
	var name strings.Builder
	for _, r := range group {
		// Every other character is escaped, sudoers(5).
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			name.WriteByte('\\')
		}
		name.WriteRune(r)
	}
	return head + "%" + name.String() + " ALL=(ALL:ALL) " + program + "\n"
}

// sshdText makes guardsh the shell of a group's ssh sessions.
func sshdText(group, program string) string {
	return head + "Match Group \"" + group + "\"\n\tForceCommand " + forced(program) + "\n"
}

// forced is what sshd gives to the account's own shell, whichever that is: all
// of them read a word in single quotes alike. A program that is gone must not
// close the machine: that shell stands in for it then.
func forced(program string) string {
	return "exec /bin/sh -c 'if test -x " + program + "; then set -- " + program + "; else set -- \"$SHELL\"; fi; " +
		"if test -n \"${SSH_ORIGINAL_COMMAND+x}\"; then c=$SSH_ORIGINAL_COMMAND; unset SSH_ORIGINAL_COMMAND; exec \"$@\" -c \"$c\"; fi; exec \"$@\" -l'"
}

// place is the step that writes a drop-in; what stands there already has to be
// ours and as it was left.
func (p *planner) place(door, path, text string, mode fs.FileMode, says string, check func() error) {
	b, err := os.ReadFile(path)
	switch {
	case err == nil && string(b) == text:
		return
	case err == nil:
		at := slices.IndexFunc(p.rec.Written, func(d Dropin) bool { return d.Path == path })
		if at < 0 || p.rec.Written[at].SHA256 != sum(b) {
			p.no("%s is there already, and not as guardsh install writes it\n  hint: move it away", path)
			return
		}
	case !errors.Is(err, fs.ErrNotExist):
		p.no("%w", err)
		return
	}
	existed := err == nil
	p.step(Step{
		Says: says,
		do: func(r *Record) (func() error, error) {
			r.Written = slices.DeleteFunc(r.Written, func(d Dropin) bool { return d.Path == path })
			r.Written = append(r.Written, Dropin{door, path, sum([]byte(text))})
			if err := p.save(r); err != nil {
				return nil, err
			}
			if _, err := os.Stat(filepath.Dir(path)); err != nil {
				return nil, err // its mode is not ours to choose
			}
			if err := replaceFile(path, []byte(text), mode); err != nil {
				return nil, err
			}
			undo := func() error { return removeIf(path, sum([]byte(text))) }
			if existed {
				undo = func() error { return replaceFile(path, b, mode) }
			}
			return undo, check()
		},
	})
}

func (p *planner) sudo() {
	if _, err := members(p.SudoGroup); err != nil {
		p.no("%w", err)
		return
	}
	if p.at == "" {
		return
	}
	if _, err := tool("visudo", "-c"); err != nil {
		p.no("the sudoers that are there: %w", err)
		return
	}
	text := sudoersText(p.SudoGroup, p.at)
	p.place("sudo", SudoersPath, text, 0o440,
		fmt.Sprintf("let the group %s run it by sudo, as anybody (%s, checked by visudo)", p.SudoGroup, SudoersPath),
		func() error {
			said, err := tool("visudo", "-c")
			if err != nil {
				return err
			}
			if !strings.Contains(said, SudoersPath) && !includesSudoers() {
				return fmt.Errorf("sudoers does not read %s\n  hint: add the line @includedir %s", SudoersPath, filepath.Dir(SudoersPath))
			}
			return nil
		})
}

// includesSudoers is for a visudo that does not name what it reads. sudo-rs has
// a file of its own, where there is one.
func includesSudoers() bool {
	file := "/etc/sudoers"
	if said, err := tool("sudo", "--version"); err == nil && strings.HasPrefix(said, "sudo-rs") {
		if _, err := os.Stat(file + "-rs"); err == nil {
			file += "-rs"
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 2 && (f[0] == "@includedir" || f[0] == "#includedir") && filepath.Clean(f[1]) == filepath.Dir(SudoersPath) {
			return true
		}
	}
	return false
}

// proveLink wants the real sudo behind the link: what it says of itself.
func proveLink() error {
	real, err := findTool("sudo")
	if err != nil {
		return err
	}
	want, err := runs(real, "--version")
	if err != nil {
		return err
	}
	got, err := runs(linkPath, "--version")
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s --version says %q, not what %s says", linkPath, got, real)
	}
	return nil
}

// maxProven bounds the members of a group that the shell is started for.
const maxProven = 8

func (p *planner) sshd() {
	names, err := members(p.SSHGroup)
	if err != nil {
		p.no("%w", err)
		return
	}
	if p.at == "" {
		return
	}
	if strings.ContainsAny(p.at, " \t'\"\\$;&|<>()*?[]#~`!") {
		p.no("%s: such a path cannot stand in a ForceCommand", p.at)
		return
	}
	if _, err := tool("sshd", "-t"); err != nil {
		p.no("the sshd configuration that is there: %w", err)
		return
	}
	if len(names) == 0 {
		p.no("the group %s has no members: it could not be tried\n  hint: usermod -aG %s USER", p.SSHGroup, p.SSHGroup)
		return
	}
	text := sshdText(p.SSHGroup, p.at)
	if b, err := os.ReadFile(sshdPath); err == nil && string(b) == text {
		return
	}
	some := names[:min(len(names), maxProven)]
	for _, n := range some {
		p.prove(n)
	}
	p.step(Step{Says: "give it to their own shells as sshd will", do: func(*Record) (func() error, error) {
		for _, n := range some {
			if err := proveForced(n, p.at); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}})
	p.place("sshd", sshdPath, text, 0o644,
		fmt.Sprintf("guard the ssh sessions of the group %s: %s (%s, checked by sshd -t)", p.SSHGroup, few(names), sshdPath),
		func() error { return provesSSHD(names[0], p.at) })
	if said, err := tool("sshd", "-T"); err == nil && strings.Contains(said, "\nsubsystem sftp internal-sftp") {
		p.steps[len(p.steps)-1].Note = "a ForceCommand keeps internal-sftp from starting: for sftp let Subsystem sftp name a program (sftp-server)"
	}
	p.step(Step{Says: "let sshd read it; sessions that are open stay as they are", do: func(*Record) (func() error, error) {
		return func() error { return reloadSSHD() }, reloadSSHD()
	}})
}

// provesSSHD asks sshd itself what it would do for a member.
func provesSSHD(user, program string) error {
	if _, err := tool("sshd", "-t"); err != nil {
		return err
	}
	said, err := tool("sshd", "-T", "-C", "user="+user+",host=localhost,addr=127.0.0.1")
	if err != nil {
		return err
	}
	for line := range strings.Lines(said) {
		if cmd, ok := strings.CutPrefix(line, "forcecommand "); ok && strings.Contains(cmd, program) {
			return nil
		}
	}
	return fmt.Errorf("sshd would not start guardsh for %s: %s does not include %s, or another ForceCommand comes first\n  hint: begin %s with: Include %s/*.conf",
		user, sshdConfig, sshdPath, sshdConfig, filepath.Dir(sshdPath))
}

// reloadSSHD sends a running sshd the signal to read its configuration again,
// sshd(8), once that was checked. One that is started for each connection
// reads it by itself.
func reloadSSHD() error {
	if _, err := tool("sshd", "-t"); err != nil {
		return err
	}
	b, err := os.ReadFile("/run/sshd.pid")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("/run/sshd.pid: %q is no process", b)
	}
	// A file that was left behind may name somebody else by now.
	if exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe"); err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "sshd" {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func few(names []string) string {
	if len(names) <= maxProven {
		return in(names)
	}
	return fmt.Sprintf("%s and %d more", in(names[:maxProven]), len(names)-maxProven)
}
