package host

import "guardsh/rules"

// builtin stands in until a policy is given.
type builtin struct{}

func (builtin) Class(real string) rules.Class {
	if real == "/" {
		return rules.Root
	}
	for _, p := range builtinPaths {
		rest, ok := relative(p, real)
		switch {
		case ok && rest == "":
			return rules.System
		case ok:
			return rules.Inside
		}
	}
	return rules.Ordinary
}

func (builtin) Paths() []string { return builtinPaths }

func (builtin) Mark(string, *rules.PathFact) {}

var builtinPaths = []string{
	"/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/shadow", "/home", "/lib", "/lib64", "/opt", "/proc", "/root",
	"/run", "/sbin", "/srv", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin", "/var",
}
