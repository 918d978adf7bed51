package command

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

// mapFiles is a file system of a few texts; "" is a file that may not be read.
type mapFiles map[string]string

func (m mapFiles) ReadFile(p string, most int64) ([]byte, error) {
	s, ok := m[path.Clean(p)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	if s == "" {
		return nil, fs.ErrPermission
	}
	return []byte(s[:min(int64(len(s)), most)]), nil
}

func (m mapFiles) Glob(string, string, GlobOptions) ([]string, error) { return nil, ErrUnknown }
func (m mapFiles) Home(string) (string, error)                        { return "/root", nil }

// Real follows the links that the map holds as "-> target".
func (m mapFiles) Real(p string) (string, error) {
	if s, ok := m[p]; ok {
		if to, link := strings.CutPrefix(s, "-> "); link {
			return to, nil
		}
		return p, nil
	}
	for f := range m {
		if strings.HasPrefix(f, p+"/") {
			return p, nil
		}
	}
	return "", fs.ErrNotExist
}

func (m mapFiles) Program(p string) []string {
	if to, ok := strings.CutPrefix(m[path.Clean(p)], "PROGRAM "); ok {
		return strings.Fields(to)
	}
	return nil
}

func (m mapFiles) LookPath(name, _ string) (string, error) {
	if _, ok := m["/bin/"+name]; ok {
		return "/bin/" + name, nil
	}
	return "", fs.ErrNotExist
}

// texts are files of which only the text is known.
type texts struct {
	NoFiles
	of map[string]string
}

func (t texts) ReadFile(p string, most int64) ([]byte, error) {
	s, ok := t.of[path.Clean(p)]
	if !ok {
		return nil, ErrUnknown
	}
	return []byte(s[:min(int64(len(s)), most)]), nil
}

// TestFiles holds what a line starts that depends on files: makefiles, scripts
// of interpreters, links, and files that may not be read.
func TestFiles(t *testing.T) {
	files := mapFiles{
		"/srv/Makefile":     "D = build\nall: clean\n\techo done\nclean:\n\t@rm -rf $(D)\ninstall:\n\t-cp $(SRC) /usr/local/bin\n",
		"/srv/sub/Makefile": "all:\n\trm -rf $(CURDIR)/out here\n",
		"/srv/other.mk":     "T = one\nall:\n\ttouch $T\n",
		"/srv/env.mk":       "all:\n\trm -rf $(PREFIX)/bin\n",
		"/srv/shell.mk":     "D := $(shell cat where)\nall:\n\trm -rf $(D)/x\n",
		"/srv/where":        "/srv/data\n",
		"/srv/data/real":    "text\n",
		"/srv/link":         "-> /srv/data",
		"/srv/secret.sh":    "",
		"/srv/wipe.php":     "<?php unlink('/etc/fstab');\n",
		"/srv/wipe.js":      "require('fs').rmSync('/var/www', {recursive: true});\n",
		"/bin/tool":         "\x7fELF",
	}
	for _, tt := range []struct {
		line string
		want string // an action of the line, as compact writes it up to "@"; "note …" a note
		not  string
	}{
		{"make", "rm -rf build ", ""},
		{"make clean", "rm -rf build ", "done"},
		{"make D=/ clean", "rm -rf / ", ""},
		{"make SRC=x install", "cp x /usr/local/bin ", "rm"},
		{"make -C sub", "rm -rf ", "rm -rf build"},
		{"make -f other.mk", "touch one ", "rm"},
		{"make --file=other.mk T=two", "touch two ", ""},
		{"make -f env.mk", "rm -rf /bin ", ""},
		{"make -f env.mk PREFIX=/opt", "rm -rf /opt/bin ", ""},
		{"make -f shell.mk", "rm -rf /srv/data/x ", ""},
		{"make -f shell.mk", "cat where ", ""},
		{"make -n clean", "make -n clean ", "rm"},
		{"make nothing-of-that-name", "make ", "rm"},
		{"rm -rf $(realpath link)", "rm -rf /srv/data ", ""},
		{"rm -rf $(readlink -f /srv/link)", "rm -rf /srv/data ", ""},
		{"rm -rf $(readlink -f /srv/missing)", "rm -rf <", "rm -rf @"},
		{"bash secret.sh", "note run-unknown", ""},
		{". ./secret.sh", "note run-unknown", ""},
		{"php wipe.php", "php wipe.php", "note"},
		{"php wipe.php", "/etc/fstab", ""},
		{"node wipe.js", "/var/www", ""},
		{"systemd-nspawn -D /srv/ct --bind /srv/data:/mnt rm -rf /mnt/x", "rm -rf /srv/data/x ", ""},
		{"tool < missing", "tool 0<missing @/srv possible", ""},
		{"tool < data/real", "tool 0<data/real @/srv certain", ""},
		{"tool > missing/out", "tool 1>missing/out @/srv possible", ""},
		{"mkdir missing; tool > missing/out", "tool 1>missing/out @/srv certain", ""},
		{"find missing -exec rm {} +", "rm missing missing", "rm missing missing</…>… @/srv certain"},
		{"find data -exec rm {} \\;", "rm data @/srv certain", ""},
		{"v=1; printf -v a[1] x; tool $a", "tool <", ""},
	} {
		l := Understand(tt.line, Options{Shell: &StaticShell{Dir: "/srv", Login: "root", Environ: []string{"PATH=/bin"}}, Files: files})
		got := compact(l)
		if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, tt.want) }) {
			t.Errorf("%s: no %q in\n\t%s", tt.line, tt.want, strings.Join(got, "\n\t"))
		}
		if tt.not != "" && slices.ContainsFunc(got[1:], func(s string) bool { return strings.Contains(s, tt.not) }) {
			t.Errorf("%s: %q in\n\t%s", tt.line, tt.not, strings.Join(got, "\n\t"))
		}
	}
}
