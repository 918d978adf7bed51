package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"guardsh/audit"
	"guardsh/audit/snapshot"
	"guardsh/guard/bash"
	"guardsh/guard/host"
)

// Health is how one part of guardsh does on this machine. It has no useful
// zero.
type Health string

const (
	Works   Health = "ok"
	Broken  Health = "no"
	Without Health = "-" // it has no place here, and that is no fault
)

// Check is what was found about one part.
type Check struct {
	Name  string `json:"name"`
	State Health `json:"state"`
	Says  string `json:"says"`
	Hint  string `json:"hint,omitempty"`
}

// probeTime bounds the trial of the gate, which takes well below a second.
const probeTime = 10 * time.Second

// Examine looks at what a session needs, by doing it: a line is held, an event
// is written, the store is opened.
func Examine(ctx context.Context, p Place) []Check {
	cfg, _ := LoadConfig(p.Config)
	if p.Trail == "" {
		p.Trail = cfg.Trail
	}
	if p.Store == "" {
		p.Store = cfg.Snapshots.Store
	}
	return append([]Check{
		examineBash(ctx), examineGate(ctx), examineSupervision(cfg), examineConfig(p), examineTrail(p),
	}, append(examineStore(p), examineFacts())...)
}

func examineBash(ctx context.Context) Check {
	version, path, err := bash.Version(ctx)
	if err != nil {
		return Check{"bash", Broken, err.Error(), "install bash 5.0 or later"}
	}
	return Check{Name: "bash", State: Works, Says: version + ", " + path}
}

func examineGate(ctx context.Context) Check {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	start := time.Now()
	err := bash.Probe(ctx)
	switch {
	case err == nil:
		return Check{Name: "gate", State: Works, Says: fmt.Sprintf("a line was held and refused on a terminal (%d ms in all)", time.Since(start).Milliseconds())}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return Check{"gate", Broken, err.Error(), "mount -t devpts devpts /dev/pts"}
	}
	return Check{"gate", Broken, err.Error(), "guardsh -c LINE is judged all the same; lines typed at a prompt are not"}
}

func examineSupervision(c Config) Check {
	if c.Supervise == SuperviseOff {
		return Check{Name: "supervision", State: Without, Says: "the configuration says supervise: off"}
	}
	return Check{Name: "supervision", State: Without, Says: "this version judges lines, not the programs that start below them"}
}

func examineConfig(p Place) Check {
	_, problems := NewJudge(p)
	switch len(problems) {
	case 0:
		return Check{Name: "configuration", State: Works, Says: "every file that is there is obeyed"}
	case 1:
		return Check{"configuration", Broken, problems[0], "guardsh config check"}
	}
	return Check{"configuration", Broken, fmt.Sprintf("%s (and %d more)", problems[0], len(problems)-1), "guardsh config check"}
}

// examineTrail writes one event where the session's events go.
func examineTrail(p Place) Check {
	dir := cmp.Or(p.Trail, audit.Root())
	t := openTrail(p) // the start of a session is an event
	if err := errors.Join(t.trouble, t.j.Close(0, "")); err != nil {
		reason, _, _ := strings.Cut(err.Error(), "\n")
		return Check{"trail", Broken, reason, "what happens is only kept in memory; make " + dir + " writable"}
	}
	key := filepath.Join(dir, "key")
	st, err := os.Stat(key)
	switch {
	case err != nil:
		return Check{"trail", Broken, fmt.Sprintf("%s is written but not signed: %v", dir, err), "guardsh audit verify"}
	case st.Mode().Perm()&0o077 != 0:
		return Check{"trail", Broken, fmt.Sprintf("%s can be read by others (%04o): they can sign", key, st.Mode().Perm()), "chmod 600 " + Quote([]string{key})}
	}
	return Check{Name: "trail", State: Works, Says: dir + ", written and signed"}
}

// maxGrounds bounds the filesystems that are named: a machine may have hundreds.
const maxGrounds = 6

func examineStore(p Place) []Check {
	st, err := snapshot.Open(p.Store)
	if err != nil {
		return []Check{{"snapshots", Broken, err.Error(), "lines run all the same, but nothing is kept that guardsh undo could bring back"}}
	}
	var checks []Check
	var clone, copies, full []string
	for _, g := range st.Grounds() {
		if g.Own {
			checks = append(checks, Check{Name: "snapshots", State: Works, Says: fmt.Sprintf("%s, %s free", g.Mount, gigabytes(g.Free))})
			if !g.Room() {
				checks[0] = Check{"snapshots", Broken, fmt.Sprintf("%s has %s free; nothing is kept below %s", g.Mount, gigabytes(g.Free), gigabytes(g.Need)), "guardsh snapshot prune"}
			}
			if g.Clones {
				checks[0].Says += ", large files cost nothing there"
			}
			continue
		}
		name := Printable(g.Mount)
		switch {
		case !g.Room():
			full = append(full, name)
		case g.Clones:
			clone = append(clone, name)
		default:
			copies = append(copies, name)
		}
	}
	var says []string
	for _, part := range []struct {
		about string
		names []string
	}{{"cloned", clone}, {"copied", copies}, {"too full", full}} {
		if len(part.names) > 0 {
			says = append(says, part.about+": "+few(part.names))
		}
	}
	switch {
	case len(full) > 0:
		checks = append(checks, Check{"other disks", Broken, strings.Join(says, "; "), "make room there: a twentieth of it and a gigabyte have to stay free"})
	case len(says) > 0:
		checks = append(checks, Check{Name: "other disks", State: Works, Says: strings.Join(says, "; ")})
	}
	return checks
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

func few(names []string) string {
	if len(names) <= maxGrounds {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxGrounds], " "), len(names)-maxGrounds)
}

func examineFacts() Check {
	missing := host.Missing()
	if len(missing) == 0 {
		return Check{Name: "facts", State: Works, Says: "mounts, processes, devices and services can be looked at"}
	}
	return Check{"facts", Broken, "not to be had: " + strings.Join(missing, ", "), "what they would tell counts as unknown, and questions say so"}
}
