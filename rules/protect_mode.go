package rules

import (
	"path"
	"strconv"
	"strings"
)

// need is what the mode of a path must and must not have for the system to
// work, and what happens where it does not.
type need struct {
	must, mustNot uint32
	usual         uint32 // what it has where its mode is not known
	without, with string // what is said where must lacks, or where mustNot is there
}

// becomesRoot reports whether a program becomes root for whoever starts it, which
// it can do no more once the bit is gone.
func becomesRoot(name string) bool {
	switch name {
	case "sudo", "su", "passwd", "pkexec", "newgrp", "chsh", "chfn", "gpasswd", "doas", "unix_chkpwd":
		return true
	}
	return false
}

// everybodyOpens reports whether every program opens an entry of /dev.
func everybodyOpens(p string) bool {
	switch p {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx":
		return true
	}
	return false
}

// needs says what the mode of a path has to be, if the system cares.
func (t *Protection) needs(p string) (need, bool) {
	p = merged(path.Clean(p))
	dir, b := path.Dir(p), path.Base(p)
	program := dir == "/usr/bin" || dir == "/usr/sbin" || dir == "/usr/libexec"
	switch {
	case p == "/tmp" || p == "/var/tmp" || p == "/dev/shm":
		return need{0o1777, 0, 0o1777, "services and users can no longer make their temporary files, or may delete each other's", ""}, true
	case everybodyOpens(p):
		return need{0o666, 0, 0o666, "programs that are not root's can no longer open it", ""}, true
	case program && becomesRoot(b):
		return need{0o4111, 0o022, 0o4755, "it can no longer become root, and nobody gets root through it", "anybody may replace what root runs"}, true
	case program && t.Class(p) == Inside || program && isNeeded(p):
		return need{0o111, 0o6022, 0o755, "it can no longer be started by everybody", "whoever starts it becomes its owner, or anybody may replace it"}, true
	case isLoader(p) && strings.HasPrefix(b, "ld"):
		return need{0o555, 0o022, 0o755, "no program starts any more", "anybody may replace what every program runs"}, true
	case isLoader(p):
		return need{0o444, 0o022, 0o755, "no program of an ordinary user starts any more", "anybody may replace what every program runs"}, true
	case p == "/etc/shadow" || p == "/etc/gshadow":
		return need{0, 0o037, 0o640, "", "others may read or write the passwords' hashes"}, true
	case p == "/etc/sudoers" || strings.HasPrefix(p, "/etc/sudoers.d/"):
		return need{0o400, 0o022, 0o440, "sudo cannot read it", "sudo refuses it, and nobody becomes root any more"}, true
	case strings.HasPrefix(p, "/etc/ssh/ssh_host_") && !strings.HasSuffix(p, ".pub"):
		return need{0, 0o037, 0o600, "", "sshd refuses a key that others may read, and new logins with it"}, true
	case strings.HasPrefix(b, "id_") && path.Base(dir) == ".ssh" && !strings.HasSuffix(b, ".pub"):
		return need{0o400, 0o077, 0o600, "ssh cannot read it", "ssh refuses a key that others may read"}, true
	case b == ".ssh":
		return need{0o500, 0o002, 0o700, "its owner cannot enter it", "sshd refuses keys that others may write, and logins by key with it"}, true
	case b == "authorized_keys" && path.Base(dir) == ".ssh":
		return need{0o400, 0o002, 0o700, "sshd cannot read it", "sshd refuses keys that others may write, and logins by key with it"}, true
	case p == "/home":
		return need{0o111, 0o002, 0o755, "nobody but root can enter a home any more, and logins by key fail", "anybody may put there what others trust"}, true
	case p == "/root", t.Class(p) == HomeRoot && p != "/home" && p != "/Users":
		return need{0o500, 0o002, 0o755, "its owner cannot enter it", "sshd refuses the keys of a home that others may write"}, true
	case p == "/run/sshd" || p == "/var/empty" || p == "/var/empty/sshd":
		return need{0o111, 0o022, 0o755, "sshd cannot enter it", "sshd does not start with a directory of its own that others may write to"}, true
	case strings.HasPrefix(b, "pam_") && path.Base(dir) == "security" && strings.HasPrefix(p, "/usr/lib"):
		return need{0o444, 0o022, 0o644, "logins are refused that it has to check", "anybody may replace what checks logins"}, true
	case p == "/etc/crontab" || strings.HasPrefix(p, "/etc/cron.d/"):
		return need{0o400, 0o022, 0o644, "cron cannot read it", "cron passes over what others may write, and its jobs with it"}, true
	case dir == "/etc/logrotate.d" || p == "/etc/logrotate.conf":
		return need{0o400, 0o022, 0o644, "logrotate cannot read it", "logrotate passes over what others may write, and logs fill the disk"}, true
	case strings.HasSuffix(b, ".cnf") && (strings.HasPrefix(p, "/etc/mysql/") || strings.HasPrefix(p, "/etc/my.cnf")):
		return need{0, 0o002, 0o644, "", "mysqld passes over a configuration that everybody may write"}, true
	case postgresData(p):
		return need{0o700, 0o027, 0o700, "postgres cannot use it", "postgres does not start on data that others may read"}, true
	case b == "munge.key", b == "server.key" && postgresData(dir):
		return need{0o400, 0o077, 0o600, "its service cannot read it", "its service refuses a key that others may read"}, true
	case t.privateKey(p):
		return need{0, 0o006, 0o640, "", "everybody may read the private key"}, true
	case everybodyReads(p):
		return need{0o444, 0o002, 0o644, "programs that are not root's can no longer read it, and find no names or no settings", "anybody may change it"}, true
	case t.Account(p) && strings.Count(p, "/") == 2:
		return need{0o444, 0o022, 0o644, "users and groups have no names any more for programs that are not root's", "anybody of that group may become root"}, true
	}
	return need{}, false
}

// everybodyReads reports whether programs of every user open a file.
func everybodyReads(p string) bool {
	switch p {
	case "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/localtime", "/etc/services", "/etc/profile", "/etc/ld.so.conf", "/etc/ld.so.cache", "/etc/ssl/openssl.cnf",
		"/etc/ssl/certs/ca-certificates.crt":
		return true
	}
	return false
}

// postgresData reports a data directory of PostgreSQL, as distributions name
// them.
func postgresData(p string) bool {
	for _, pattern := range [...]string{"/var/lib/postgresql/*/*", "/var/lib/pgsql/data", "/var/lib/pgsql/*/data", "/var/lib/postgres/data"} {
		if ok, _ := path.Match(pattern, p); ok {
			return true
		}
	}
	return false
}

// privateKey reports a service's private key, or the secrets by which it
// proves itself.
func (t *Protection) privateKey(p string) bool {
	b := path.Base(p)
	return strings.HasPrefix(p, "/etc/ssl/private/") || strings.HasPrefix(p, "/etc/pki/tls/private/") || strings.HasSuffix(b, ".keytab") ||
		strings.HasPrefix(p, "/etc/") && (strings.HasSuffix(b, ".key") || strings.HasPrefix(b, "privkey"))
}

// rootReads reports a file of a directory from which root's own programs and
// services start or are told what to do.
func (t *Protection) rootReads(p string) bool {
	p = merged(p)
	for _, d := range [...]string{"/etc/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/", "/boot/", "/var/spool/cron/"} {
		if strings.HasPrefix(p, d) {
			return true
		}
	}
	return false
}

// ModeHarm says what the mode of a path, as chmod takes it, would break; ""
// nothing that is known. now is its mode in octal, "" unknown.
func (t *Protection) ModeHarm(p, typ, now, mode string) string {
	n, ok := t.needs(p)
	if !ok {
		c := t.Class(p)
		switch {
		case typ == "block" && strings.HasPrefix(p, "/dev/"):
			n = need{0, 0o006, 0o660, "", "anybody may read and write the disk, past every file's own mode"}
		case c == Inside && t.rootReads(p) && typ != "dir":
			n = need{0, 0o002, 0o644, "", "anybody may change it"}
		case c != Root && c != System || strings.HasPrefix(p, "/dev/") || strings.HasPrefix(p, "/proc") || strings.HasPrefix(p, "/sys"):
			return ""
		case typ == "dir" && p != "/root" && !strings.HasPrefix(p, "/var/spool/cron") && !strings.HasPrefix(p, "/etc/sudoers.d"):
			n = need{0o555, 0o002, 0o755, "programs that are not root's can no longer look into it", "anybody may put there what others run or read"}
		default:
			n = need{0, 0o002, 0o644, "", "anybody may change it"}
		}
	}
	was := n.usual
	if v, err := strconv.ParseUint(now, 8, 16); err == nil && now != "" {
		was = uint32(v)
	}
	is, ok := applyMode(was, typ == "dir", mode)
	switch {
	case !ok || is == was:
		return ""
	case n.must&^is != 0 && n.must&^is != n.must&^was:
		return n.without
	case n.mustNot&is&^was != 0:
		return n.with
	}
	return ""
}

// applyMode is what becomes of a mode under chmod's operand.
func applyMode(was uint32, dir bool, mode string) (uint32, bool) {
	if v, err := strconv.ParseUint(mode, 8, 16); err == nil {
		is := uint32(v)
		if dir && len(mode) < 5 {
			is |= was & 0o6000 // chmod keeps these on directories
		}
		return is, true
	}
	is := was
	for clause := range strings.SplitSeq(mode, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 || strings.Trim(clause[:i], "ugoa") != "" {
			return was, false
		}
		who, umask := clause[:i], uint32(0)
		if who == "" {
			who, umask = "a", 0o022
		}
		for rest := clause[i:]; rest != ""; {
			op := rest[0]
			j := strings.IndexAny(rest[1:], "+-=") + 1
			if j == 0 {
				j = len(rest)
			}
			set, all := uint32(0), uint32(0)
			for _, w := range who {
				s, a := classBits(w, rest[1:j], is, dir)
				set, all = set|s, all|a
			}
			switch op {
			case '+':
				is |= set &^ umask
			case '-':
				is &^= set
			default:
				is = is&^all | set&^umask
			}
			rest = rest[j:]
		}
	}
	return is, true
}

// classBits is the bits that letters mean for one of u, g, o and a, and all
// that it has.
func classBits(who rune, letters string, is uint32, dir bool) (set, all uint32) {
	var shift []int
	switch who {
	case 'u':
		shift, all = []int{6}, 0o4700
	case 'g':
		shift, all = []int{3}, 0o2070
	case 'o':
		shift, all = []int{0}, 0o007
	default:
		shift, all = []int{6, 3, 0}, 0o7777
	}
	for _, l := range letters {
		bits := uint32(0)
		switch l {
		case 'r':
			bits = 4
		case 'w':
			bits = 2
		case 'x':
			bits = 1
		case 'X':
			if dir || is&0o111 != 0 {
				bits = 1
			}
		case 's':
			set |= all & 0o6000
			continue
		case 't':
			if who == 'a' || who == 'o' {
				set |= 0o1000
			}
			continue
		case 'u':
			bits = is >> 6 & 7
		case 'g':
			bits = is >> 3 & 7
		case 'o':
			bits = is & 7
		}
		for _, s := range shift {
			set |= bits << s
		}
	}
	return set, all
}
