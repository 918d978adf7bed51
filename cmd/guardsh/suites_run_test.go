package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// suiteRC are root's settings: prompts that nothing else prints.
const suiteRC = "PS1='ready> ' PS2='more> '\nunset HISTFILE\n"

// calledDir is where a shell is by the name of bash, which is how cases call it.
func calledDir(shell string) string { return insideDir + "/as-" + filepath.Base(shell) }

// suiteShell stands in a suite's environment for the shell that runs it.
const suiteShell = "SHELL-UNDER-TEST"

const (
	suiteDeadline = 3 * time.Minute  // for a script
	typedDeadline = 8 * time.Second  // for a line that is typed, before it is told that nothing more comes
	typedMore     = 3 * time.Second  // for each of the keys that end it
	typedEnd      = 20 * time.Second // for the shell to end
)

// suiteWays are the ways to run a case.
var suiteWays = map[string]func(p suitePlace, shell, dir string, c suiteCase) (observed, error){
	"file":    suitePlace.asFile,
	"line":    suitePlace.asLine,
	"typed":   suitePlace.typed,
	"sourced": suitePlace.sourced,

	"completed": suitePlace.completed,
}

// observed is all that can be seen of a run, by the name of what it is.
type observed map[string]string

// suitePlace is where one case after another runs.
type suitePlace struct {
	root string
	env  []string
}

// suiteTries is how often a case has to differ: what a script shows may hang
// on who is quicker, and then plain bash differs from itself too.
const suiteTries = 3

// ownWords are what guardsh says at a terminal of a line that runs all the same.
var ownWords = regexp.MustCompile(`\x1b\[1mguardsh:\x1b\[m [^\n]*\n(  [^\n]*\n)*`)

// compare runs a case in plain bash and in guardsh, and says what differs, and
// whether that is more than what guardsh itself says.
func (p suitePlace) compare(c suiteCase, way string) (said string, more bool, err error) {
	run := func(shell string) (observed, error) {
		dir := p.root + "/work"
		if err := os.RemoveAll(p.root); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if _, err := os.Stat(suiteDir); c.File != "" && err == nil {
			if err := os.CopyFS(dir, os.DirFS(suiteDir)); err != nil {
				return nil, err
			}
		}
		seen, err := suiteWays[way](p, shell, dir, c)
		if err != nil {
			return nil, err
		}
		if seen["files"], err = filesBelow(dir); err != nil {
			return nil, err
		}
		for k, v := range seen {
			seen[k] = strings.ReplaceAll(v, calledDir(guardedShell), calledDir(plainShell))
		}
		return seen, nil
	}
	for range suiteTries {
		plain, err := run(plainShell)
		if err != nil {
			return "", false, err
		}
		guarded, err := run(guardedShell)
		if err != nil {
			return "", false, err
		}
		if said = differ(plain, plain, guarded); said == "" {
			return "", false, nil
		}
		again, err := run(plainShell)
		if err != nil {
			return "", false, err
		}
		if said = differ(plain, again, guarded); said == "" {
			return "", false, nil
		}
		guarded["screen"] = ownWords.ReplaceAllString(guarded["screen"], "")
		if differ(plain, again, guarded) == "" {
			return said, false, nil
		}
	}
	return said, true, nil
}

// differ says where guarded is not as plain. The lines in which two runs of
// plain bash differ are not compared.
func differ(plain, again, guarded observed) string {
	var b strings.Builder
	for _, what := range []string{"status", "output", "errors", "screen", "files"} {
		x, y, g := strings.Split(plain[what], "\n"), strings.Split(again[what], "\n"), strings.Split(guarded[what], "\n")
		if len(x) == len(y) && len(x) == len(g) {
			for i := range x {
				if x[i] == y[i] && x[i] != g[i] {
					fmt.Fprintf(&b, "%s:%d: bash    %q\n%s:%d: guardsh %q\n", what, i+1, x[i], what, i+1, g[i])
				}
			}
			continue
		}
		if told := untold(g); slices.Equal(untold(x), told) || slices.Equal(untold(y), told) {
			continue
		}
		fmt.Fprintf(&b, "%s: %d lines from bash, %d again, %d from guardsh\n", what, len(x), len(y), len(g))
		b.WriteString(lineDiff(x, g))
	}
	return b.String()
}

// jobNotice is what bash tells of a job in the background. Whether its end is
// told at this prompt or at the next is a matter of who is quicker.
var jobNotice = regexp.MustCompile(`\[[0-9]+\]([-+ ] +(Done|Exit [0-9]+)\s.*| [0-9]+\r?)$`)

// untold is a screen without that.
func untold(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), jobNotice.MatchString)
}

// lineDiff shows the lines that differ between the first and the last.
func lineDiff(x, g []string) string {
	for len(x) > 0 && len(g) > 0 && x[0] == g[0] {
		x, g = x[1:], g[1:]
	}
	for len(x) > 0 && len(g) > 0 && x[len(x)-1] == g[len(g)-1] {
		x, g = x[:len(x)-1], g[:len(g)-1]
	}
	var b strings.Builder
	for i, l := range x {
		if i == 20 {
			fmt.Fprintf(&b, "  - … %d more\n", len(x)-i)
			break
		}
		fmt.Fprintf(&b, "  - %q\n", l)
	}
	for i, l := range g {
		if i == 20 {
			fmt.Fprintf(&b, "  + … %d more\n", len(g)-i)
			break
		}
		fmt.Fprintf(&b, "  + %q\n", l)
	}
	return b.String()
}

// filesBelow lists what is in a directory, with what is in the files.
func filesBelow(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", fi.Mode(), name)
		if fi.Mode().IsRegular() {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(text))
		}
		b.WriteByte('\n')
		return nil
	})
	return b.String(), err
}

// command is a shell in the place, with an environment that holds nothing else.
func (p suitePlace) command(shell, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(calledDir(shell)+"/bash", args...)
	cmd.Args[0] = "bash"
	cmd.Dir = dir
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	for _, kv := range p.env {
		cmd.Env = append(cmd.Env, strings.ReplaceAll(kv, suiteShell, cmd.Path))
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+p.root)
	return cmd
}

// script is the file of a case below the place's directory.
func (p suitePlace) script(dir string, c suiteCase) (string, error) {
	if c.File != "" {
		return c.File, nil
	}
	// Beside the directory, which the case looks at.
	return "../script", os.WriteFile(p.root+"/script", []byte(c.Text+"\n"), 0o644)
}

func (p suitePlace) asFile(shell, dir string, c suiteCase) (observed, error) {
	name, err := p.script(dir, c)
	if err != nil {
		return nil, err
	}
	return p.plain(shell, dir, "./"+name)
}

func (p suitePlace) asLine(shell, dir string, c suiteCase) (observed, error) {
	return p.plain(shell, dir, "-c", c.Text)
}

// plain runs a shell without a terminal.
func (p suitePlace) plain(shell, dir string, args ...string) (observed, error) {
	cmd := p.command(shell, dir, args...)
	// Files, not pipes: what a case leaves in the background may keep them.
	var out, errs bytes.Buffer
	said := []*bytes.Buffer{&out, &errs}
	var files []*os.File
	for range said {
		f, err := os.CreateTemp("", "said")
		if err != nil {
			return nil, err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		files = append(files, f)
	}
	cmd.Stdout, cmd.Stderr = files[0], files[1]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(suiteDeadline, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	status := statusText(cmd.Wait())
	if !late.Stop() {
		status = "still running after " + suiteDeadline.String()
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind
	for i, f := range files {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		said[i].Write(text)
	}
	return observed{"status": status, "output": out.String(), "errors": errs.String()}, nil
}

func statusText(err error) string {
	var ee *exec.ExitError
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &ee):
		return ee.ProcessState.String()
	}
	return err.Error()
}

// sourced is a script that is read into a shell on a terminal.
func (p suitePlace) sourced(shell, dir string, c suiteCase) (observed, error) {
	name, err := p.script(dir, c)
	if err != nil {
		return nil, err
	}
	return p.terminal(shell, dir, []string{". ./" + name}, suiteDeadline)
}

// typed is a script that is typed at a prompt, a line when the shell asks for
// one.
func (p suitePlace) typed(shell, dir string, c suiteCase) (observed, error) {
	return p.terminal(shell, dir, strings.Split(c.Text, "\n"), typedDeadline)
}

// completed is a line that bash-completion completes, on two tabs. Where text
// that is typed behind them shows, they are done.
func (p suitePlace) completed(shell, dir string, c suiteCase) (observed, error) {
	const done = "DONE"
	ended := false
	seen, err := p.atTerminal(shell, dir, func(t *typist) bool {
		if !t.line(". /usr/share/bash-completion/bash_completion\r", typedEnd) {
			return false
		}
		t.mu.Lock()
		from := len(t.raw)
		t.mu.Unlock()
		if t.send(c.Text+"\t\t"+done) != nil || !t.await(typedEnd, func() bool { return bytes.Contains(t.raw[from:], []byte(done)) }) {
			return false
		}
		ended = true
		return t.send("\x01\x0b") == nil // takes the line away again
	})
	if err == nil && !ended {
		err = fmt.Errorf("%s did not come to the end of the completion:\n%s", shell, seen["screen"])
	}
	return seen, err
}

func (p suitePlace) terminal(shell, dir string, lines []string, patience time.Duration) (observed, error) {
	return p.atTerminal(shell, dir, func(t *typist) bool {
		for _, line := range lines {
			if !t.line(asTyped(line)+"\r", patience) {
				return false
			}
		}
		return true
	})
}

// atTerminal is what a shell shows to whom types at it. keys says whether the
// shell waits for the next line.
func (p suitePlace) atTerminal(shell, dir string, keys func(*typist) bool) (observed, error) {
	cmd := p.command(shell, dir)
	t, err := sitAt(cmd, 160)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	if t.asks(0, typedEnd) && keys(t) {
		t.line("exit\r", typedEnd)
	}
	end := "still running"
	select {
	case <-t.ended:
		end = statusText(t.status)
	case <-time.After(typedMore):
		_ = cmd.Process.Kill()
	}
	t.drain()
	t.mu.Lock()
	defer t.mu.Unlock()
	return observed{"status": end, "screen": string(t.raw)}, nil
}

// asTyped quotes control characters for readline.
func asTyped(line string) string {
	var b strings.Builder
	for i := range len(line) {
		if line[i] < ' ' || line[i] == 0x7f {
			b.WriteByte(0x16)
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

// line types a line and waits for the next prompt. A command that reads the
// terminal is told that nothing comes, then ended. It says whether the shell
// asks for more.
func (p *typist) line(keys string, patience time.Duration) bool {
	p.mu.Lock()
	from := len(p.raw)
	p.mu.Unlock()
	if p.send(keys) != nil {
		return false
	}
	if p.asks(from+1, patience) {
		return true
	}
	for _, key := range []string{"\x04", "\x03", "\x1c"} {
		if p.over() || p.send(key) != nil {
			return false
		}
		if p.asks(from+1, typedMore) {
			return true
		}
	}
	return false
}

// over says whether the shell has ended.
func (p *typist) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// asks waits for a prompt at the end of what is shown behind from, in which a
// line ended.
func (p *typist) asks(from int, patience time.Duration) bool {
	return p.await(patience, func() bool {
		s := p.raw[min(from, len(p.raw)):]
		return (from == 0 || bytes.IndexByte(s, '\n') >= 0) && (bytes.HasSuffix(s, []byte("ready> ")) || bytes.HasSuffix(s, []byte("more> ")))
	})
}

// drain waits until nobody has the terminal open, or for as long as a process
// that was left behind may take to say its last.
func (p *typist) drain() { p.await(typedMore, func() bool { return p.eof }) }
