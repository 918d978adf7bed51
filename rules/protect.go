package rules

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// place is a row of the protection table: what a path is, and what lies below
// it where no deeper row says otherwise. A component "*" stands for any name.
type place struct {
	path        string
	self, below Class
	why         string
}

// places is the table, in the terms of a merged /usr. The first rows of a
// directory are the ones named to a person when it is reached.
var places = []place{
	{"/", Root, Ordinary, "the root of everything"},

	{"/etc", System, Inside, "configuration of every service, accounts, boot"},
	{"/etc/passwd", System, System, "without it nobody can log in"},
	{"/etc/shadow", System, System, "passwords"},
	{"/etc/group", System, System, "groups"},
	{"/etc/gshadow", System, System, "group passwords"},
	{"/etc/sudoers", System, System, "who may become root"},
	{"/etc/sudoers.d", System, Inside, "who may become root"},
	{"/etc/pam.d", System, Inside, "every login goes through it"},
	{"/etc/security", System, Inside, "pam's own configuration"},
	{"/etc/nsswitch.conf", System, System, "where names and accounts are looked up"},
	{"/etc/fstab", System, System, "what is mounted at boot"},
	{"/etc/crypttab", System, System, "what is unlocked at boot"},
	{"/etc/ssh", System, Inside, "host keys and the ssh server's configuration"},
	{"/etc/systemd", System, Inside, "units and their links"},
	{"/etc/ld.so.conf", System, System, "where the loader looks"},
	{"/etc/ld.so.cache", System, System, "where the loader looks"},
	{"/etc/ld.so.preload", System, System, "loaded into every program"},
	{"/etc/ld.so.conf.d", System, Inside, "where the loader looks"},
	{"/etc/network", System, Inside, "how the network comes up"},
	{"/etc/netplan", System, Inside, "how the network comes up"},
	{"/etc/NetworkManager", System, Inside, "how the network comes up"},
	{"/etc/sysconfig", System, Inside, "how the network and services come up"},
	{"/etc/default", System, Inside, "how services start"},
	{"/etc/init.d", System, Inside, "how services start"},
	{"/etc/profile", System, System, "every login shell reads it"},
	{"/etc/inittab", System, System, "what init starts"},

	{"/lib", System, Inside, "the dynamic loader and the C library"},
	{"/lib64", System, Inside, "the dynamic loader"},
	{"/lib32", System, Inside, "the dynamic loader for 32 bit"},
	{"/libx32", System, Inside, "the dynamic loader for x32"},
	{"/bin", System, Inside, "the shell and every basic command"},
	{"/sbin", System, Inside, "init, mount, the network tools"},

	{"/usr", System, Inside, "every program and library"},
	{"/usr/bin", System, Inside, "every program"},
	{"/usr/sbin", System, Inside, "every administrator's program"},
	{"/usr/lib", System, Inside, "every library"},
	{"/usr/lib64", System, Inside, "every library"},
	{"/usr/lib32", System, Inside, "the 32 bit libraries"},
	{"/usr/libx32", System, Inside, "the x32 libraries"},
	{"/usr/libexec", System, Inside, "helpers of every program"},
	{"/usr/lib/x86_64-linux-gnu", System, Inside, "the C library and all others"},
	{"/usr/lib/aarch64-linux-gnu", System, Inside, "the C library and all others"},
	{"/usr/lib/i386-linux-gnu", System, Inside, "the C library and all others"},
	{"/usr/lib/systemd", System, Inside, "init itself"},
	{"/usr/lib/modules", System, Inside, "the kernel's drivers"},
	{"/usr/lib/firmware", System, Inside, "what devices load at start"},
	{"/usr/lib/security", System, Inside, "pam modules"},
	{"/usr/share", System, Inside, "what every program reads"},
	{"/usr/include", Inside, Inside, "packaged headers"},
	{"/usr/src", Inside, Ordinary, "sources: built here, thrown away here"},
	{"/usr/local", Inside, Ordinary, "what this site installed by hand"},
	{"/usr/local/bin", Inside, Ordinary, "what this site installed by hand"},
	{"/usr/local/sbin", Inside, Ordinary, "what this site installed by hand"},
	{"/usr/local/lib", Inside, Ordinary, "what this site installed by hand"},
	{"/usr/local/etc", Inside, Ordinary, "its configuration"},
	{"/usr/local/share", Inside, Ordinary, "what this site installed by hand"},
	{"/usr/tmp", Inside, Scratch, "an old name of /var/tmp"},

	{"/var", System, Inside, "the state of every service"},
	{"/var/lib", System, Inside, "databases, package state, guests"},
	{"/var/lib/dpkg", System, Inside, "what is installed"},
	{"/var/lib/rpm", System, Inside, "what is installed"},
	{"/var/lib/apt", System, Inside, "package lists"},
	{"/var/lib/apt/lists", Scratch, Scratch, "fetched again by apt update"},
	{"/var/log", System, Ordinary, "logs: single ones come and go every day"},
	{"/var/log/journal", Inside, Ordinary, "the journal"},
	{"/var/log/guardsh", Inside, Inside, "the trail"},
	{"/var/spool", Inside, Ordinary, "mail, print and job queues"},
	{"/var/spool/postfix", Inside, Ordinary, "mail on its way"},
	{"/var/spool/exim4", Inside, Ordinary, "mail on its way"},
	{"/var/spool/mqueue", Inside, Ordinary, "mail on its way"},
	{"/var/spool/cron", System, Inside, "everybody's crontab"},
	{"/var/spool/cron/crontabs", System, Inside, "everybody's crontab"},
	{"/var/spool/cron/tabs", System, Inside, "everybody's crontab"},
	{"/var/mail", Inside, Ordinary, "everybody's mail"},
	{"/var/spool/mail", Inside, Ordinary, "everybody's mail"},
	{"/var/backups", Inside, Ordinary, "copies of the account files"},
	{"/var/www", Inside, Ordinary, "every site; one of them belongs to who runs it"},
	{"/var/opt", Inside, Ordinary, "state of what is in /opt"},
	{"/var/opt/*", Inside, Ordinary, "state of what is in /opt"},
	{"/var/opt/gitlab", Inside, Inside, "repositories and databases of GitLab"},
	{"/var/opt/mssql", Inside, Inside, "databases of SQL Server"},
	{"/var/local", Inside, Ordinary, "this site's own"},
	{"/var/cache", Inside, Scratch, "can be made again"},
	{"/var/tmp", Inside, Scratch, "temporary files"},
	{"/var/run", System, Ordinary, "sockets and pid files"},
	{"/var/lock", Inside, Ordinary, "locks"},
	{"/var/crash", Inside, Scratch, "crash dumps"},

	{"/home", HomeRoot, Ordinary, "everybody's files"},
	{"/home/*", HomeRoot, Ordinary, "a home directory"},
	{"/root", HomeRoot, Ordinary, "root's home directory"},
	{"/Users", HomeRoot, Ordinary, "everybody's files"},
	{"/Users/*", HomeRoot, Ordinary, "a home directory"},

	{"/boot", System, Inside, "kernel, initramfs and boot loader"},
	{"/boot/grub", System, Inside, "the boot loader"},
	{"/boot/grub2", System, Inside, "the boot loader"},
	{"/boot/efi", System, Inside, "the boot loader"},
	{"/boot/loader", System, Inside, "the boot loader's entries"},

	{"/dev", System, Special, "every device"},
	{"/dev/shm", Inside, Scratch, "shared memory"},
	{"/dev/null", System, Special, "every program needs it"},
	{"/proc", System, Special, "the kernel's processes"},
	{"/sys", System, Special, "the kernel's devices"},
	{"/sys/firmware/efi/efivars", System, Inside, "the firmware's own variables: machines without them no longer start"},
	{"/run", System, Ordinary, "sockets and pid files of every service"},
	{"/run/systemd", System, Inside, "init's state"},

	{"/srv", Inside, Ordinary, "what this host serves"},
	{"/opt", Inside, Ordinary, "add-on software"},
	{"/mnt", Inside, Ordinary, "what is mounted here"},
	{"/media", Inside, Ordinary, "what is mounted here"},
	{"/snap", Inside, Inside, "snaps"},
	{"/nix", Inside, Inside, "every program, where Nix manages them"},
	{"/nix/store", System, Inside, "every program, where Nix manages them"},
	{"/tmp", Inside, Scratch, "everybody's temporary files"},
}

// rank orders the classes: what matters more is higher.
func rank(c Class) int {
	switch c {
	case Ordinary:
		return 1
	case Special:
		return 2
	case Inside:
		return 3
	case Site:
		return 4
	case MountAt:
		return 5
	case HomeRoot:
		return 6
	case System:
		return 7
	case Root:
		return 8
	}
	return 0 // Scratch
}

// Higher is the class of the two that matters more.
func Higher(a, b Class) Class {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// needed holds the base names of programs without which a machine cannot be
// booted, reached or repaired, in order.
var needed = []string{
	"agetty", "apk", "apt", "apt-get", "bash", "busybox", "cat", "chmod", "chown", "chroot", "cp", "cron", "dash", "dbus-daemon", "dnf",
	"dpkg", "env", "fsck", "getty", "grep", "init", "ip", "kmod", "ln", "login", "ls", "mkdir", "modprobe", "mount", "mv", "pacman", "perl",
	"ps", "python3", "rm", "rpm", "sed", "sh", "sshd", "su", "sudo", "sulogin", "systemctl", "systemd", "systemd-udevd", "tar", "udevd",
	"umount", "yum", "zypper",
}

// loaders holds how the names of the loader and of the libraries that every
// program or login needs begin.
var loaders = []string{"ld-linux", "ld-2.", "ld.so", "ld64.so", "ld-musl", "libc.so", "libc-2", "libc.musl", "libdl.so",
	"libpthread.so", "libm.so", "libtinfo.so", "libcrypt.so", "libpam.so", "libselinux.so", "libsystemd", "libaudit.so",
	"libnss_", "libresolv.so", "librt.so", "libcrypto.so", "libcap.so"}

// Protection says how much the system leans on paths. It is immutable and safe
// to share.
type Protection struct {
	site    []string // protected by the site: patterns
	free    []string // unprotected by the site: patterns
	scratch []string
}

// rows is the built-in table, made when a path is first asked about: a line
// that touches none, and the start of every shell, do without.
type rows struct {
	byPath   map[string]place
	children map[string][]string // names below a directory that have rows, or lead to some
	depth    int                 // components of the deepest row
}

var builtinRows = sync.OnceValue(func() *rows {
	t := &rows{byPath: make(map[string]place, len(places)), children: map[string][]string{}}
	for _, r := range places {
		t.byPath[r.path] = r
		t.depth = max(t.depth, strings.Count(r.path, "/"))
		for d := r.path; d != "/"; d = path.Dir(d) {
			up, name := path.Dir(d), path.Base(d)
			if !slices.Contains(t.children[up], name) {
				t.children[up] = append(t.children[up], name)
			}
		}
	}
	return t
})

// NewProtection is the built-in table with what a site adds to it: paths, or
// patterns of paths as of path.Match; what stands below one belongs to it.
func NewProtection(protected, unprotected, scratch []string) *Protection {
	return &Protection{site: clean(protected), free: clean(unprotected), scratch: clean(scratch)}
}

func clean(paths []string) []string {
	var out []string
	for _, s := range paths {
		if strings.HasPrefix(s, "/") {
			out = append(out, path.Clean(s))
		}
	}
	return out
}

var builtin = &Protection{}

// merged is a path in the terms of a merged /usr: /lib/x is /usr/lib/x, while
// /lib, the link, stays.
func merged(p string) string {
	if strings.HasPrefix(p, "/proc/") {
		// The root of a process that shares this one's is / by another name.
		for _, r := range [...]string{"/proc/1/root", "/proc/1/cwd", "/proc/self/root", "/proc/thread-self/root"} {
			if rest, ok := strings.CutPrefix(p+"/", r+"/"); ok {
				return merged(path.Clean("/" + rest))
			}
		}
	}
	for _, d := range [...]string{"/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/", "/libx32/"} {
		if strings.HasPrefix(p, d) {
			return "/usr" + p
		}
	}
	if strings.HasPrefix(p, "/var/run/") {
		return "/run/" + p[len("/var/run/"):]
	}
	return p
}

// Class is the class of an absolute path, read by its text alone: links are
// the caller's to resolve.
func (t *Protection) Class(p string) Class {
	if !strings.HasPrefix(p, "/") {
		return Ordinary
	}
	p = merged(path.Clean(p))
	if covered(t.free, p) {
		return Ordinary
	}
	if covered(t.scratch, p) {
		return Scratch
	}
	c := t.table(p)
	if covered(t.site, p) {
		c = Higher(c, Site)
	}
	return c
}

func (t *Protection) table(p string) Class {
	if r, ok := t.row(p); ok {
		return r.self
	}
	// A name may have thousands of components, of which the first few count.
	for d := path.Dir(upTo(p, builtinRows().depth+1)); ; d = path.Dir(d) {
		r, ok := t.row(d)
		if !ok {
			continue
		}
		if r.below == Inside && (isLoader(p) || isNeeded(p) || t.isVital(p)) {
			return System
		}
		return r.below
	}
}

// upTo is the path of at most the first n components.
func upTo(p string, n int) string {
	for i := 1; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		if n--; n == 0 {
			return p[:i]
		}
	}
	return p
}

func (t *Protection) row(p string) (place, bool) {
	if r, ok := builtinRows().byPath[p]; ok {
		return r, true
	}
	r, ok := builtinRows().byPath[path.Dir(p)+"/*"]
	return r, ok && p != "/"
}

// isVital reports kernels, initramfs images and the boot loader's files.
func (t *Protection) isVital(p string) bool {
	return strings.HasPrefix(p, "/boot/grub") || strings.HasPrefix(p, "/boot/efi/")
}

// covered reports whether p is, or lies below, one of the patterns.
func covered(patterns []string, p string) bool {
	for _, pat := range patterns {
		for d := p; ; d = parent(d) {
			if ok, err := path.Match(pat, d); ok && err == nil || d == pat {
				return true
			}
			if d == "/" || d == "." {
				break
			}
		}
	}
	return false
}

// parent is the directory of a clean path, without a look at all of it.
func parent(p string) string {
	switch i := strings.LastIndexByte(p, '/'); i {
	case -1:
		return "."
	case 0:
		return "/"
	default:
		return p[:i]
	}
}

func libDir(p string) bool {
	return strings.HasPrefix(p, "/usr/lib") || strings.HasPrefix(p, "/lib")
}

func isLoader(p string) bool {
	if p == "/etc/ld.so.preload" || p == "/etc/ld.so.cache" {
		return true
	}
	b := path.Base(p)
	if !libDir(p) || strings.HasPrefix(p, "/usr/lib/modules") || strings.Count(p, "/") > 4 {
		return false
	}
	return slices.ContainsFunc(loaders, func(l string) bool { return strings.HasPrefix(b, l) })
}

// libraries are the names that the loader and the libraries of every login
// have on machines of today, for patterns to be tried against.
var libraries = []string{"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld-linux.so.2", "ld-musl-x86_64.so.1", "libc.so.6", "libm.so.6",
	"libdl.so.2", "libpthread.so.0", "libtinfo.so.6", "libpam.so.0", "libselinux.so.1", "libcrypt.so.1", "libresolv.so.2"}

// vitalIn is the names without which a machine cannot be booted, reached or
// repaired, in the directory of a path.
func vitalIn(p string) []string {
	switch d := path.Dir(p); {
	case libDir(p) && (strings.HasPrefix(path.Base(d), "lib") || strings.HasSuffix(d, "-linux-gnu")) && strings.Count(d, "/") <= 3:
		return libraries
	case isNeeded(d + "/sh"):
		return needed
	}
	return nil
}

func isNeeded(p string) bool {
	d, b := path.Dir(p), path.Base(p)
	switch d {
	case "/usr/bin", "/usr/sbin", "/usr/lib/systemd", "/usr/libexec":
		_, found := slices.BinarySearch(needed, b)
		return found
	}
	return false
}

// vital reports a file of that kind, or a directory of the table's where such
// count, by its name alone.
func (t *Protection) vital(p string, trees bool) bool {
	p = merged(path.Clean(p))
	_, row := builtinRows().byPath[p]
	return trees && row || isNeeded(p) || isLoader(p) || t.Account(p) || t.Kernel(p)
}

// accountFile reports whether a file says who may log in and become whom.
func accountFile(p string) bool {
	switch p {
	case "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/subuid", "/etc/subgid", "/etc/nsswitch.conf", "/etc/doas.conf", "/etc/security/access.conf":
		return true
	}
	return false
}

// Account reports an account or authority file.
func (t *Protection) Account(p string) bool {
	p = path.Clean(p)
	return accountFile(p) || strings.HasPrefix(p, "/etc/sudoers.d/") || strings.HasPrefix(p, "/etc/pam.d/")
}

// Kernel reports a kernel, an initramfs, the boot loader or a kernel module.
func (t *Protection) Kernel(p string) bool {
	p = merged(path.Clean(p))
	b := path.Base(p)
	if strings.HasPrefix(p, "/usr/lib/modules/") {
		return true
	}
	if !strings.HasPrefix(p, "/boot/") {
		return false
	}
	for _, pre := range [...]string{"vmlinuz", "vmlinux", "initrd", "initramfs", "kernel", "bzImage", "System.map", "grub", "loader", "efi", "EFI"} {
		if strings.HasPrefix(b, pre) {
			return true
		}
	}
	return strings.HasPrefix(p, "/boot/grub") || strings.HasPrefix(p, "/boot/efi/") || strings.HasPrefix(p, "/boot/loader/")
}

// Loader reports the dynamic loader, the C library and what they need.
func (t *Protection) Loader(p string) bool { return isLoader(merged(path.Clean(p))) }

// Config reports a configuration file.
func (t *Protection) Config(p string) bool {
	p = path.Clean(p)
	return strings.HasPrefix(p, "/etc/") || strings.HasPrefix(p, "/usr/local/etc/")
}

// gathered reports whether each line of a file was put there by somebody else,
// one after the other: what is to be added goes behind what is there.
func gathered(p string) bool {
	switch p {
	case "/etc/fstab", "/etc/crypttab", "/etc/hosts", "/etc/hosts.allow", "/etc/hosts.deny", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sudoers",
		"/etc/crontab", "/etc/anacrontab", "/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", "/etc/environment", "/etc/sysctl.conf", "/etc/exports", "/etc/services",
		"/etc/protocols", "/etc/shells", "/etc/aliases", "/etc/mail/aliases", "/etc/modules", "/etc/inittab", "/etc/rc.local", "/etc/security/limits.conf", "/etc/ssh/sshd_config",
		"/etc/ssh/ssh_config", "/etc/apt/sources.list", "/etc/auto.master", "/etc/ethers", "/etc/login.defs", "/etc/rsyslog.conf", "/etc/network/interfaces", "/etc/default/grub",
		"/etc/ansible/hosts", "/etc/nsswitch.conf", "/etc/logrotate.conf":
		return true
	}
	return false
}

// homeGathered are the names of such files in a home directory.
var homeGathered = []string{"/.ssh/authorized_keys", "/.ssh/authorized_keys2", "/.ssh/known_hosts", "/.ssh/config", "/.bashrc", "/.bash_profile", "/.profile",
	"/.zshrc", "/.pgpass", "/.netrc", "/.bash_aliases"}

// Gathers reports a file to which lines are added, rather than written anew.
func (t *Protection) Gathers(p string) bool {
	p = path.Clean(p)
	return gathered(p) || slices.ContainsFunc(homeGathered, func(h string) bool { return strings.HasSuffix(p, h) })
}

// Reach is the protected paths at or below p, those that matter most first; at
// most max of them (0: all).
func (t *Protection) Reach(p string, max int) []string {
	p = merged(path.Clean(p))
	below := strings.TrimSuffix(p, "/") + "/"
	var out, deep []string
	add := func(s string) {
		if strings.Count(s, "/") > 1 && p == "/" && s != "/etc/passwd" {
			deep = append(deep, s)
			return
		}
		out = append(out, s)
	}
	at := places
	if rows := builtinRows(); len(rows.children[p]) == 0 {
		if at = nil; rows.byPath[p].path != "" {
			at = []place{rows.byPath[p]}
		}
	}
	for _, r := range at {
		if strings.Contains(r.path, "*") || r.path == "/" || rank(r.self) < rank(HomeRoot) || r.path == "/Users" {
			continue
		}
		if r.path == p || strings.HasPrefix(r.path, below) {
			add(r.path)
		}
	}
	out = append(out, deep...)
	if c := t.Class(p); len(out) == 0 && rank(c) > rank(Site) {
		out = []string{p}
	}
	for _, s := range t.site {
		if s == p || strings.HasPrefix(s, below) {
			out = append(out, s)
		}
	}
	if max > 0 && len(out) > max {
		out = out[:max]
	}
	return out
}

// Fill completes what can be said about a path from its real name alone.
func (t *Protection) Fill(pf *PathFact) {
	if pf.Real == "" {
		return
	}
	pf.Class = Higher(t.Class(pf.Real), keep(pf.Class))
	pf.Account, pf.Kernel = t.Account(pf.Real), t.Kernel(pf.Real)
	pf.Loader, pf.Config = t.Loader(pf.Real), t.Config(pf.Real)
	if pf.Protected == nil {
		pf.Protected = t.Reach(pf.Real, maxNamed)
	}
}

// keep is what a world knows and the table cannot: mount points.
func keep(c Class) Class {
	if c == MountAt || c == HomeRoot {
		return c
	}
	return Scratch
}

// maxNamed bounds the protected paths that are named to a person: more than a
// dozen are not read.
const maxNamed = 12
