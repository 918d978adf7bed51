package effect

import (
	"slices"

	"guardsh/rules/command"
)

// onlyReads reports whether a program only shows something, as far as a host is
// asked for it from afar; others that do no harm are known by a manifest.
func onlyReads(name string) bool {
	switch name {
	case "uptime", "df", "free", "uname", "ls", "cat", "head", "tail", "grep", "egrep", "zgrep", "zcat", "ps", "who", "w", "id", "whoami", "last", "lastlog", "nproc",
		"lscpu", "lsblk", "lspci", "lsmod", "blkid", "findmnt", "stat", "du", "wc", "ss", "netstat", "vmstat", "iostat", "mpstat", "sar", "getent", "echo", "true",
		"test", "[", "sort", "uniq", "cut", "tr", "md5sum", "sha256sum", "ping", "dig", "host", "getenforce", "sestatus", "arch", "pwd", "printenv", "which", "dmidecode",
		"sensors", "top", "pgrep", "chronyc", "ntpq", "timedatectl", "dmesg", "lsof", "file", "readlink", "dpkg-query", "needs-restarting", "needrestart", "rpmquery",
		"facter", "ohai":
		return true
	}
	return false
}

// quietAfar marks those of a line's remote runs of which every program is known
// and does nothing: that many hosts are asked how they are is no danger.
func (k *Knowledge) quietAfar(line *command.Line, out []Effect) {
	acts := map[int]bool{}
	for i := range out {
		acts[out[i].Action] = true
	}
	for i := range out {
		e := &out[i]
		if e.Kind != RemoteRun || e.Has("playbook") {
			continue
		}
		runs := false
		quiet := true
		for j := e.Action + 1; j < len(line.Actions) && quiet; j++ {
			a := &line.Actions[j]
			if !slices.Contains(a.Via, e.Command) {
				break
			}
			name, known := a.Name()
			if a.Wrapper && known && !acts[j] {
				continue // what it starts counts
			}
			runs = true
			if quiet = known && !acts[j]; quiet && !onlyReads(name) && !a.Builtin {
				m, err := k.find(name)
				quiet = m != nil && err == nil && !command.Carries(name)
			}
		}
		if runs && quiet {
			e.mark("harmless")
		}
	}
}
