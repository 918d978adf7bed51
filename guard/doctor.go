package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"guardsh/audit"
	"guardsh/audit/snapshot"
	"guardsh/guard/bash"
	"guardsh/guard/host"
	"guardsh/guard/supervise"
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
	p.fill(cfg)
	return append([]Check{
		examineBash(ctx), examineGate(ctx), examineSupervision(ctx, cfg), examineConfig(p, cfg), examineTrail(p),
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

// examineSupervision has a shell start a program, and refuses that start.
func examineSupervision(ctx context.Context, c Config) Check {
	const name = "supervision"
	switch {
	case c.Supervise == SuperviseOff:
		return Check{Name: name, State: Without, Says: "the configuration says supervise: off; lines are judged, not the programs below them"}
	case os.Geteuid() != 0:
		return Check{Name: name, State: Without, Says: "in root's sessions only; here lines are judged, not the programs below them"}
	}
	_, path, err := bash.Version(ctx)
	if err != nil {
		return Check{Name: name, State: Without, Says: "without bash there is nothing to try it with"}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--norc", "--noprofile", "-c", "exec -a probe /proc/self/exe --version")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	refused := make(chan bool, 1)
	sup, why, err := supervise.Prepare(supervise.Config{
		Known: func(*supervise.Start) bool { return true },
		Judge: func(*supervise.Start) supervise.Decision {
			select {
			case refused <- true:
			default:
			}
			return supervise.Refuse
		},
		Seen: func(*supervise.Start) {},
		Lost: func(error) {},
	}).Start(cmd.Start)
	switch {
	case err != nil:
		return Check{name, Broken, err.Error(), "supervise: off"}
	case errors.Is(why, supervise.ErrNested):
		_ = cmd.Wait()
		return Check{Name: name, State: Works, Says: why.Error()}
	case why != nil:
		_ = cmd.Wait()
		return Check{name, Broken, why.Error(), "it takes Linux 5.5 and CAP_SYS_ADMIN; lines are judged all the same"}
	}
	werr := cmd.Wait()
	err = sup.End()
	select {
	case <-refused:
	default:
		return Check{name, Broken, fmt.Sprintf("a program started unseen (%v)", werr), "lines are judged all the same"}
	}
	if werr == nil || err != nil {
		return Check{name, Broken, fmt.Sprintf("a start that was refused went on (%v)", err), "lines are judged all the same"}
	}
	return Check{Name: name, State: Works, Says: "a program start below a line was seen and refused"}
}

func examineConfig(p Place, c Config) Check {
	_, problems := NewJudge(p)
	switch len(problems) {
	case 0:
		if c.Webhook != "" && host.Program("curl") == "" {
			return Check{"configuration", Broken, "the webhook is sent by curl, which is not here", "install the package curl"}
		}
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
	closed := t.journal().Close(0, "")
	if err := errors.Join(t.trouble, closed); err != nil {
		reason, _, _ := strings.Cut(err.Error(), "\n")
		return Check{"trail", Broken, reason, "what happens is only kept in memory; make " + dir + " writable"}
	}
	if e, found := exposureOf(dir); found {
		return Check{"trail", Broken, e.says, "as root: " + e.remedy}
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
	if e, found := exposureOf(cmp.Or(p.Store, p.State)); found {
		return []Check{{"snapshots", Broken, e.says, "as root: " + e.remedy}}
	}
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
