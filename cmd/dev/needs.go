package main

import (
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"
)

// need is a program that the tests run for real, the Debian package it comes
// in, and what it is needed for.
type need struct{ program, pkg, why string }

var needs = []need{
	{"bash", "bash", "the shell that is guarded, and the referee of what a line means"},
	{"gcc", "gcc", "the race detector links by it; the product itself is built without"},
	{"git", "git", "rules about repositories"},
	{"rsync", "rsync", "the tree that is copied into /"},
	{"crontab", "cron", "crontabs that are removed and brought back"},
	{"sudo", "sudo", "the wrapper in front of it"},
	{"doas", "opendoas", "another way to root"},
	{"pkexec", "pkexec", "the same, which needs polkitd and dbus"},
	{"dbus-daemon", "dbus-daemon", "polkit's bus"},
	{"dbus-send", "dbus-bin", "the same"},
	{"su", "util-linux", "a gate that outlives a change of user"},
	{"sshd", "openssh-server", "sessions that come over the network"},
	{"ssh", "openssh-client", "the other end of these"},
	{"mkfs.ext4", "e2fsprogs", "block devices with something on them"},
	{"lsattr", "e2fsprogs", "chattr flags that a snapshot has to keep"},
	{"mkfs.xfs", "xfsprogs", "the same, with reflinks"},
	{"mkfs.btrfs", "btrfs-progs", "the same, with subvolumes"},
	{"mkfs.vfat", "dosfstools", "the same, as a boot partition has it"},
	{"cryptsetup", "cryptsetup-bin", "the same, locked"},
	{"blkid", "util-linux", "the referee of what a device carries"},
	{"losetup", "mount", "loop devices"},
	{"mount", "mount", "scratch roots"},
	{"unshare", "util-linux", "namespaces"},
	{"sfdisk", "fdisk", "partition tables that are kept"},
	{"nft", "nftables", "firewall state"},
	{"iptables", "iptables", "firewall state"},
	{"ip", "iproute2", "network state, network namespaces"},
	{"setfattr", "attr", "extended attributes that a snapshot has to keep"},
	{"setfacl", "acl", "access lists that a snapshot has to keep"},
	{"setcap", "libcap2-bin", "capabilities that a snapshot has to keep"},
	{"at", "at", "a wrapper whose job is read"},
	{"login", "login", "the door of a console"},
	{"tmux", "tmux", "a terminal below a session"},
	{"screen", "screen", "the same"},
	{"script", "bsdutils", "the recorder that ours is measured against"},
	{"expect", "expect", "a program that asks for a terminal"},
	{"fusermount3", "fuse3", "a mount that does not answer"},
	{"vim", "vim", "full-screen programs under a recorder"},
	{"less", "less", "the same"},
	{"/usr/share/bash-completion/bash_completion", "bash-completion", "completions, beside plain bash"},
	{"dash", "dash", "scripts that are not bash's"},
	{"busybox", "busybox-static", "one file that is many programs"},
	{"python3", "python3-minimal", "a program that starts others"},
	{"make", "make", "the same, in parallel"},
	{"find", "findutils", "the same, by -exec and -delete"},
	{"ps", "procps", "who is running"},
	{"usermod", "passwd", "accounts that get guardsh as their shell"},
	{"qemu-aarch64-static", "qemu-user-static", "the build for the other architecture, on an emulator"},
	{"xz", "xz-utils", "the referee of the built-in shell's commands"},
	{"zstd", "zstd", "the same"},
	{"bzip2", "bzip2", "the same"},
	{"ar", "binutils", "the same"},
	{"ed", "ed", "the same"},
	{"diff", "diffutils", "the same"},
	{"killall", "psmisc", "the same"},
	{"curl", "curl", "what sends a webhook"},
	{"dpkg", "dpkg", "the package that is installed, upgraded and removed"},
	{"rpm", "rpm", "the same, as the other family does it"},
	{"man", "man-db", "pages that are found by name"},
	{"groff", "groff-base", "pages that are set without a warning"},
}

// alsoProvides are names under which a distribution installs a program too.
var alsoProvides = map[string][]string{
	"vim": {"vim.tiny", "vim.basic"},
}

// sbin is where an administrator's programs are when PATH does not say so.
var sbin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

func have(program string) bool {
	if strings.HasPrefix(program, "/") { // a file that is no program
		_, err := os.Stat(program)
		return err == nil
	}
	for _, name := range append([]string{program}, alsoProvides[program]...) {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
		for _, dir := range sbin {
			if st, err := os.Stat(dir + "/" + name); err == nil && st.Mode()&0o111 != 0 {
				return true
			}
		}
	}
	return false
}

func missing() []need {
	var out []need
	for _, n := range needs {
		if !have(n.program) {
			out = append(out, n)
		}
	}
	return out
}

// packages are the names to install, each once.
func packages(list []need) []string {
	seen := map[string]bool{}
	var out []string
	for _, n := range list {
		if !seen[n.pkg] {
			seen[n.pkg] = true
			out = append(out, n.pkg)
		}
	}
	sort.Strings(out)
	return out
}

// installNeeds installs what is missing, where it may: as root, on Debian.
func installNeeds(d *dev) error {
	lost := missing()
	if len(lost) == 0 {
		fmt.Fprintf(d.out, "%d programs, all there\n", len(needs))
		return nil
	}
	pkgs := packages(lost)
	if canInstall() {
		fmt.Fprintf(d.out, "installing %s\n", strings.Join(pkgs, " "))
		env := []string{"DEBIAN_FRONTEND=noninteractive"}
		if err := d.quiet(env, "apt-get", "-q", "update"); err != nil {
			fmt.Fprintf(d.out, "%v\n", err) // the lists on disk may do
		}
		install := append([]string{"-q", "-y", "--no-install-recommends", "install"}, pkgs...)
		if err := d.quiet(env, "apt-get", install...); err != nil {
			fmt.Fprintf(d.out, "%v\n", err)
		}
		if lost = missing(); len(lost) == 0 {
			return nil
		}
	}
	var names []string
	for _, n := range lost {
		names = append(names, n.program)
		fmt.Fprintf(d.out, "missing: %-12s package %-16s for: %s\n", n.program, n.pkg, n.why)
	}
	err := fmt.Errorf("missing programs: %s; as root: apt-get install %s",
		strings.Join(names, " "), strings.Join(packages(lost), " "))
	if d.strict {
		return fmt.Errorf("%w; %w", err, errStop)
	}
	return err
}

// canInstall says whether this is root on a Debian.
func canInstall() bool {
	if os.Geteuid() != 0 {
		return false
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		return false
	}
	_, err := exec.LookPath("apt-get")
	return err == nil
}

// quiet runs a program and shows what it said only if it failed.
func (d *dev) quiet(env []string, name string, args ...string) error {
	out, err := d.command(env, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
