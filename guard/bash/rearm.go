package bash

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How often the foreground of the session's terminal is looked at for a shell
// that never said hello, and for how many looks in a row it must read keys.
const (
	rearmEvery = 150 * time.Millisecond
	rearmLooks = 3
	rearmLimit = 3 * time.Second // for the hello after that
)

// watch finds shells on the session's own terminal that lost the gate, since
// a start-up file or a line overwrote both PS0 and PROMPT_COMMAND, and puts it
// back by typing a command into them.
func (g *gate) watch(ctx context.Context) {
	tick := time.NewTicker(rearmEvery)
	defer tick.Stop()
	looks, last := 0, 0
	given := map[int]bool{} // shells that could not be helped
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pid, reading := g.screen.reader()
		if !reading || given[pid] || !g.lost(pid) {
			looks = 0
			continue
		}
		if looks++; looks < rearmLooks && pid == last || pid != last {
			last = pid
			continue
		}
		looks = 0
		if !g.rearm(ctx, pid) {
			given[pid] = true
			g.screen.say("\nguardsh: the gate of this shell is lost, its lines run unguarded; start bash again\n")
			g.warn("gate-lost", pid, "PS0 and PROMPT_COMMAND were overwritten and could not be set")
		}
	}
}

// lost says whether a process is a bash at its prompt without the gate.
func (g *gate) lost(pid int) bool {
	g.mu.Lock()
	s := g.shells[pid]
	g.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		// It reads keys and a line of it still counts as running. That may
		// well be a program or a read -e in the line: only a line that can
		// have overwritten the gate is taken for one that has.
		p := s.cur
		return p != nil && p.decided && p.released && p.risky && time.Since(p.at) > rearmEvery
	}
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil || !strings.HasPrefix(filepath.Base(exe), "bash") {
		return false
	}
	// A script's read -e reads keys too; an interactive shell has no file or
	// -c among its arguments.
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	rc := false
	for i, a := range strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00") {
		switch {
		case i == 0, rc:
			rc = false
		case a == "--rcfile", a == "--init-file":
			rc = true
		case !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+"), strings.HasPrefix(a, "-c"):
			return false
		}
	}
	return true
}

// canDisarm says whether a line may have set PS0 or PROMPT_COMMAND, or taken
// away what they are written with.
func canDisarm(line string) bool {
	for _, w := range []string{"PS0", "PROMPT_COMMAND", "GUARDSH", "source", ". ", "eval", "exec", "unset", "bash", "builtin", "enable", "set -"} {
		if strings.Contains(line, w) {
			return true
		}
	}
	return false
}

// rearmFile is what a shell reads that gets its gate back, in a directory that
// is ours alone.
func (g *gate) rearmFile() string { return filepath.Join(g.dir, "rearm") }

// rearming is the line by which it does so.
func (g *gate) rearming() string { return " \\builtin . " + quote(g.rearmFile()) }

// rearm types the gate into a shell and waits for its hello.
func (g *gate) rearm(ctx context.Context, pid int) bool {
	var b strings.Builder
	// With PS0 there, the gate was: no line went past it, and there is nothing to
	// say.
	b.WriteString("GUARDSH_Y=; [[ ${PS0-} == *GUARDSH* ]] || GUARDSH_Y=1\n")
	for _, kv := range gateEnv(nil, g.dir) {
		name, value, _ := strings.Cut(kv, "=")
		if name == "PS0" || name == "PROMPT_COMMAND" {
			// The user's own is kept, and readonly ones must not end this.
			fmt.Fprintf(&b, "[[ ${%s-} == *GUARDSH* ]] || { \\builtin printf -v %s '%%s%%s' %s \"${%s-}\"; \\builtin export %s; } 2>/dev/null\n", name, name, quote(value+map[string]string{"PROMPT_COMMAND": "\n"}[name]), name, name)
			continue
		}
		fmt.Fprintf(&b, "\\builtin export %s=%s\n", name, quote(value))
	}
	b.WriteString("GUARDSH_X=$(\\builtin history 1)\n" +
		"[[ $GUARDSH_X == *gate.*/rearm* || $GUARDSH_X == *guardsh.*/rearm* ]] && GUARDSH_X=${GUARDSH_X#\"${GUARDSH_X%%[0-9]*}\"} && \\builtin history -d \"${GUARDSH_X%%[!0-9]*}\"\n" +
		"GUARDSH_X=\n")
	b.WriteString("\\builtin printf '\\033]guardsh;rearm\\a'\n" +
		"[[ -z $GUARDSH_Y ]] || \\builtin printf '%s\\n' 'guardsh: a start-up file or a line has taken the gate away; it is put back'\n" +
		"\\builtin unset -v GUARDSH_Y\n\\builtin :\n")
	if err := os.WriteFile(g.rearmFile(), []byte(b.String()), 0o644); err != nil {
		return false
	}
	before := g.hellos.Load()
	g.typed.Store(int64(pid))
	defer g.typed.Store(0)
	g.screen.typeIn(g.rearming())
	defer g.screen.unmute()
	for end := time.Now().Add(rearmLimit); time.Now().Before(end); {
		if g.hellos.Load() != before {
			g.screen.heardMark(time.Second)
			g.screen.unmute()
			g.warn("gate-restored", pid, "PS0 and PROMPT_COMMAND had been overwritten")
			return true
		}
		select {
		case <-ctx.Done():
			return true
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}
