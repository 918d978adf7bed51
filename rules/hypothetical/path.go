package hypothetical

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"sync"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// mergedLinks are the links of a merged /usr.
var mergedLinks = sync.OnceValue(func() map[string]string {
	return map[string]string{"/bin": "/usr/bin", "/sbin": "/usr/sbin", "/lib": "/usr/lib", "/lib64": "/usr/lib64", "/lib32": "/usr/lib32", "/libx32": "/usr/libx32", "/var/run": "/run", "/var/lock": "/run/lock"}
})

// maxLinks bounds the links of one path, as the kernel does.
const maxLinks = 40

// path imagines a path, or everything that a pattern could match.
func (w *World) path(e *effect.Effect, o effect.Object, acted bool) rules.PathFact {
	if o.Name == "" {
		return w.pattern(o)
	}
	follow := !acted || follows(e, o)
	var p rules.PathFact
	p.Real = w.real(o.Name, follow, mergedLinks())
	if unresolved := w.real(o.Name, false, mergedLinks()); acted {
		if target, ok := w.linkTarget(unresolved); ok {
			// The link is told in the words of the situation: /lib, not the
			// /usr/lib behind it.
			p.Link, p.Follows = w.real(joined(path.Dir(unresolved), target), true, nil), follow
		}
	}
	p.Exists = !w.absent(path.Clean(o.Name)) && !w.absent(p.Real)
	p.Type = "dir"
	switch {
	case p.Link != "" && !follow:
		p.Type = "link"
	case w.isDevice(p.Real):
		p.Type = "block"
	case charDevice(p.Real):
		p.Type = "char"
	case w.isFile(p.Real):
		p.Type = "file"
	}
	if !p.Exists {
		p.Type = ""
	}
	p.Cwd = p.Type == "dir" && (p.Real == w.at.Cwd || p.Real == "/" || strings.HasPrefix(w.at.Cwd, p.Real+"/"))
	p.Mount, p.FSType = "/", "ext4"
	for _, dev := range sorted(w.at.Mounts) {
		mp := w.at.Mounts[dev]
		if mp == p.Real && mp != "/" {
			p.Class = rules.MountAt
		}
		if (mp == p.Real || strings.HasPrefix(p.Real, strings.TrimSuffix(mp, "/")+"/")) && len(mp) >= len(p.Mount) {
			p.Mount = mp
			if t := w.at.FSTypes[dev]; t != "" {
				p.FSType = t
			}
		}
	}
	p.ReadOnly = slices.Contains(w.at.ReadOnly, p.Mount)
	table.Fill(&p)
	if e.Kind == effect.WriteTree {
		p.Overwrite = w.at.Overwrite
		if e.Has("delete") && e.Source != nil {
			w.strangers(&p, e)
		}
	}
	if held := w.at.Held[p.Real]; held != "" {
		p.HeldBy = []rules.Holder{{PID: 4242, Name: held}}
	}
	return p
}

// strangers are the names of the situation's tree that a mirror would delete.
func (w *World) strangers(p *rules.PathFact, e *effect.Effect) {
	for _, name := range w.at.Tree {
		rel, ok := strings.CutPrefix(name, p.Real+"/")
		if !ok {
			continue
		}
		strange := !slices.Contains(w.at.Tree, path.Join(e.Source.Name, rel))
		if strange {
			p.Strangers++
		}
		if !strings.Contains(rel, "/") {
			p.Own++
			if strange {
				p.StrangersTop++
				p.StrangerNames = append(p.StrangerNames, rel)
			}
		}
	}
}

// pattern imagines nothing but the table behind a pattern.
func (w *World) pattern(o effect.Object) rules.PathFact {
	if o.Pattern == "" {
		return rules.PathFact{}
	}
	var p rules.PathFact
	p.Exists = true
	p.Class, p.Protected = table.Pattern(w.realPattern(o.Pattern))
	return p
}

// realPattern resolves the links in the part of a pattern before its first
// special character.
func (w *World) realPattern(pattern string) string {
	i := strings.IndexAny(pattern, `*?[\(`)
	if i < 0 {
		return pattern
	}
	dir := pattern[:i]
	j := strings.LastIndexByte(dir, '/')
	if j <= 0 {
		return pattern
	}
	return w.real(dir[:j], true, mergedLinks()) + pattern[j:]
}

// follows reports whether an act goes through a link that its operand ends in.
func follows(e *effect.Effect, o effect.Object) bool {
	if strings.HasSuffix(o.Name, "/") || strings.HasSuffix(o.Name, "/.") || e.Has("through-slash") {
		return true
	}
	switch e.Kind {
	case effect.Delete, effect.Move:
		return e.Has("follow")
	case effect.Metadata:
		return !e.Has("nofollow")
	case effect.Overwrite, effect.Create:
		return !e.Has("replace") && !e.Has("link")
	}
	return true
}

func (w *World) linkTarget(p string) (string, bool) {
	t, ok := w.at.Links[p]
	return t, ok
}

func joined(dir, target string) string {
	if path.IsAbs(target) {
		return target
	}
	return dir + "/" + target
}

// real resolves a path component by component, as the kernel does; the last
// one only if follow. It takes time in proportion to the path: a name may have
// thousands of components.
func (w *World) real(name string, follow bool, system map[string]string) string {
	longest := 0 // of the names that are links
	for l := range w.at.Links {
		longest = max(longest, len(l))
	}
	for l := range system {
		longest = max(longest, len(l))
	}
	rest := parts(name)
	var at []byte // without a slash at its end; empty for /
	links := 0
	for len(rest) > 0 {
		c := rest[0]
		rest = rest[1:]
		switch c {
		case "", ".":
			continue
		case "..":
			at = at[:max(bytes.LastIndexByte(at, '/'), 0)]
			continue
		}
		up := len(at)
		at = append(append(at, '/'), c...)
		if len(rest) == 0 && !follow || len(at) > longest {
			continue
		}
		target, ok := w.at.Links[string(at)]
		if !ok {
			target, ok = system[string(at)]
		}
		if !ok {
			continue
		}
		if links++; links > maxLinks {
			continue
		}
		if at = at[:up]; path.IsAbs(target) {
			at = at[:0]
		}
		rest = append(parts(target), rest...)
	}
	if len(at) == 0 {
		return "/"
	}
	return string(at)
}

// parts are the components of a path; slashes at its end are none.
func parts(name string) []string { return strings.Split(strings.TrimRight(name, "/"), "/") }

// fileName reports a well-known file without an extension.
func fileName(base string) bool {
	switch base {
	case "passwd", "shadow", "group", "gshadow", "sudoers", "fstab", "crypttab", "hosts", "hostname", "crontab", "profile", "bashrc", "motd", "issue", "exports",
		"resolv.conf", "sshd_config", "ssh_config", "authorized_keys", "known_hosts", "id_rsa", "id_ed25519", "Makefile", "README", "LICENSE", "Dockerfile", "Vagrantfile",
		".bashrc", ".profile", ".bash_profile", ".bash_history", ".vimrc", ".gitignore", ".env", ".netrc", ".zshrc", ".htaccess", "syslog", "messages", "wtmp",
		"btmp", "lastlog", "subuid", "subgid", "access", "config", "nohup.out", "core", "services", "shells", "environment", "inittab", "ld.so.cache", "ld.so.preload":
		return true
	}
	return false
}

// charDevice reports an entry of /dev that every machine has.
func charDevice(p string) bool {
	switch p {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console":
		return true
	}
	return false
}

// programDir reports a directory that holds files only.
func programDir(dir string) bool {
	switch dir {
	case "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/etc/init.d", "/etc/pam.d", "/etc/sudoers.d", "/etc/default", "/etc/cron.d", "/etc/cron.daily",
		"/etc/nginx/sites-enabled", "/etc/nginx/sites-available", "/etc/apache2/sites-enabled", "/etc/apache2/sites-available", "/var/spool/cron/crontabs", "/var/spool/cron":
		return true
	}
	return false
}

// isFile reports whether a path looks like a regular file.
func (w *World) isFile(p string) bool {
	if _, ok := w.at.Files[p]; ok {
		return true
	}
	b := path.Base(p)
	if fileName(b) || strings.HasPrefix(b, "vmlinuz") || strings.HasPrefix(b, "initrd") || strings.HasPrefix(b, "System.map") {
		return true
	}
	if programDir(p) || path.Dir(p) == "/etc" && strings.HasPrefix(b, "cron.") && b != "cron.allow" && b != "cron.deny" {
		return false
	}
	if programDir(path.Dir(p)) && b != "crontabs" {
		return true
	}
	ext := path.Ext(b)
	if ext == "" || ext == b || len(ext) > 8 || ext == ".d" || ext == ".wants" || ext == ".git" {
		return strings.Contains(b, ".so.")
	}
	// An extension holds a letter: 5.10.0 and v1.2 are names of directories.
	return strings.ContainsAny(ext, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ~") || strings.Contains(b, ".so.")
}

// absent reports a path that the situation says is not there, or that would
// lie below one.
func (w *World) absent(name string) bool {
	return slices.ContainsFunc(w.at.Absent, func(a string) bool { return name == a || strings.HasPrefix(name, a+"/") })
}
