package rules

import (
	"slices"
	"testing"
)

func TestClass(t *testing.T) {
	for p, want := range map[string]Class{
		"/": Root, "//": Root, "/usr/..": Root,
		"/etc": System, "/etc/": System, "/lib": System, "/bin": System, "/lib64/ld-linux-x86-64.so.2": System,
		"/lib/x86_64-linux-gnu/libc.so.6": System, "/usr/lib/x86_64-linux-gnu/libc.so.6": System, "/usr/lib64/libc-2.31.so": System,
		"/bin/sh": System, "/usr/bin/bash": System, "/usr/sbin/sshd": System, "/usr/lib/systemd/systemd": System,
		"/etc/passwd": System, "/etc/fstab": System, "/etc/pam.d": System, "/boot/grub/grub.cfg": System, "/var/lib": System,
		"/etc/nginx": Inside, "/etc/nginx/nginx.conf": Inside, "/usr/bin/foo": Inside, "/lib/firmware/x": Inside, "/var/lib/mysql": Inside,
		"/srv": Inside, "/opt": Inside, "/mnt": Inside, "/var/www": Inside, "/usr/local": Inside, "/tmp": Inside,
		"/home": HomeRoot, "/home/bob": HomeRoot, "/root": HomeRoot,
		"/home/bob/x": Ordinary, "/srv/x": Ordinary, "/opt/app": Ordinary, "/usr/local/go": Ordinary, "/var/log/syslog": Ordinary, "/data": Ordinary, "/run/x.pid": Ordinary,
		"/tmp/x": Scratch, "/var/tmp/x": Scratch, "/var/cache/apt": Scratch,
		"/home/bob/src/build": Ordinary, "/srv/target": Ordinary,
		"/dev/sda": Special, "/proc/1": Special, "/sys/block": Special,
		"relative": Ordinary, "": Ordinary,
	} {
		if got := builtin.Class(p); got != want {
			t.Errorf("class of %q is %q, want %q", p, got, want)
		}
	}
}

func TestPattern(t *testing.T) {
	for p, want := range map[string]Class{
		"/*": System, "/u*": System, "/?ib": System, "/etc/*": System, "/etc/p*": System, "/[e]tc": System, "/home/*": HomeRoot,
		"/etc/*.bak": Inside, "/etc/nginx/*": Inside, "/*/passwd": System, "/**": Root, "/srv/*": Ordinary, "/tmp/*": Scratch,
		"/home/bob/.*": Ordinary, "/home/bob/*": Ordinary, "/var/log/*.gz": Ordinary, "/x*": Ordinary, "/usr/bin/..": System, "/etc/!(x)": System,
	} {
		if got, _ := builtin.Pattern(p); got != want {
			t.Errorf("class of pattern %q is %q, want %q", p, got, want)
		}
	}
	if _, named := builtin.Pattern("/*"); !slices.Contains(named, "/etc") {
		t.Errorf("/* does not name /etc: %v", named)
	}
}

func TestSiteProtection(t *testing.T) {
	p := NewProtection([]string{"/data/*"}, []string{"/var/lib/build"}, []string{"/scratch"})
	for path, want := range map[string]Class{"/data/a": Site, "/data/a/b": Site, "/data": Ordinary, "/var/lib/build/x": Ordinary, "/scratch/y": Scratch, "/etc": System} {
		if got := p.Class(path); got != want {
			t.Errorf("class of %q is %q, want %q", path, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, c := range []struct {
		path                    string
		account, kernel, loader bool
	}{
		{"/etc/passwd", true, false, false}, {"/etc/sudoers.d/x", true, false, false}, {"/etc/passwd.bak", false, false, false},
		{"/lib/modules/6.1/kernel/x.ko", false, true, false}, {"/boot/vmlinuz-6.1", false, true, false}, {"/boot/x", false, false, false},
		{"/lib64/ld-linux-x86-64.so.2", false, false, true}, {"/usr/lib/foo/libc.so.fake/x", false, false, false}, {"/srv/libc.so.6", false, false, false},
	} {
		var f PathFact
		builtin.Mark(c.path, &f)
		if f.Account != c.account || f.Kernel != c.kernel || f.Loader != c.loader {
			t.Errorf("%s: account %t kernel %t loader %t", c.path, f.Account, f.Kernel, f.Loader)
		}
	}
}

// A name is looked up by halves.
func TestNeededInOrder(t *testing.T) {
	if !slices.IsSorted(needed) {
		t.Errorf("not in order: %q", needed)
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"/*", "/**/x", "/[a", "/!(x)/*", "/\\*", "/*/*/*/*/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, named := builtin.Pattern(s)
		if rank(c) == 0 && c != Scratch || len(named) > maxNamed {
			t.Errorf("%q: %q %v", s, c, named)
		}
	})
}
