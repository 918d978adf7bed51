package host

import "os"

// sources are where this room gets its facts from, each with what it tells.
var sources = []struct {
	file, program string // one of the two
	tells         string
}{
	{file: "/proc/self/mountinfo", tells: "what is mounted"},
	{file: "/sys/dev/block", tells: "disks and what lies on them"},
	{file: "/proc/net/tcp", tells: "connections"},
	{file: "/proc/1/stat", tells: "other users' processes"},
	{program: "blkid", tells: "what a device holds"},
	{program: "systemctl", tells: "which services run"},
	{program: "crontab", tells: "crontabs"},
}

// Missing names the facts that this machine cannot be asked for, with where
// they would come from.
func Missing() []string {
	var out []string
	for _, s := range sources {
		switch {
		case s.file != "":
			if f, err := os.Open(s.file); err == nil {
				f.Close()
				continue
			}
			out = append(out, s.tells+" ("+s.file+")")
		case Program(s.program) == "":
			out = append(out, s.tells+" ("+s.program+")")
		}
	}
	return out
}
