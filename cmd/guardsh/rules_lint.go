package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"guardsh/guard"
	"guardsh/rules"
	"guardsh/rules/hypothetical"
)

// ruleFile is a rule file as it was named in the call.
type ruleFile struct {
	name string
	text []byte
}

// readRuleFiles reads a file, or all rule files below a directory.
func readRuleFiles(name string) ([]ruleFile, error) {
	var files []ruleFile
	err := filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := filepath.Ext(p)
		if p != name && (ext != ".yaml" && ext != ".yml" || strings.HasPrefix(d.Name(), ".")) {
			return nil
		}
		if st, err := os.Stat(p); err == nil && !st.Mode().IsRegular() {
			return fmt.Errorf("%s: not a regular file", p)
		}
		text, err := os.ReadFile(p)
		files = append(files, ruleFile{p, text})
		return err
	})
	return files, err
}

func lintFiles(w io.Writer, name string, strict bool) error {
	files, err := readRuleFiles(name)
	if err != nil {
		return usage(err.Error())
	}
	if len(files) == 0 {
		return usage(name + ": no rule files (*.yaml) there")
	}
	return verdictOnFiles(w, files, strict)
}

// lintSite looks at all that the site has written.
func lintSite(w io.Writer) error {
	var all []ruleFile
	for _, dir := range []string{siteCommands, siteRules} {
		files, err := readRuleFiles(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return usage(err.Error())
		}
		all = append(all, files...)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "no rules in %s\n", siteRules)
		return err
	}
	return verdictOnFiles(w, all, true)
}

func verdictOnFiles(w io.Writer, files []ruleFile, strict bool) error {
	if problems := lint(files, strict); len(problems) > 0 {
		return verdictOn(w, problems, 0, -1)
	}
	commands := 0
	for _, f := range files {
		if f.isCommand() {
			commands++
		}
	}
	if commands == 0 {
		return verdictOn(w, nil, len(files), -1)
	}
	_, err := fmt.Fprintf(w, "%s, %s: good\n", count(len(files)-commands, "rule"), count(commands, "command"))
	return err
}

// isCommand reports a file that says what a command does: it has the key
// commands, wherever among the others. What is not indented is a key.
func (f ruleFile) isCommand() bool {
	for line := range strings.Lines(string(f.text)) {
		if key, _, ok := strings.Cut(line, ":"); ok && strings.Trim(key, `"' `) == "commands" && key[0] != ' ' {
			return true
		}
	}
	return false
}

// verdictOn writes the problems, or that there are none. examples below 0 are
// not counted.
func verdictOn(w io.Writer, problems []string, n, examples int) error {
	for _, p := range problems {
		fmt.Fprintln(w, guard.Printable(p))
	}
	if len(problems) > 0 {
		return exitStatus(1)
	}
	if examples < 0 {
		_, err := fmt.Fprintf(w, "%s: good\n", count(n, "rule"))
		return err
	}
	_, err := fmt.Fprintf(w, "%s, %s: each does what its examples say\n", count(n, "rule"), count(examples, "example"))
	return err
}

// slot is the name that the loader is given for a file: it takes only names
// without a leading slash or dots, so each file is called by its place in the
// list until its errors are shown.
func slot(i int) string { return fmt.Sprintf("rule-file-%d.yaml", i) }

// lint loads rule files one behind the other, as the site's, and gives their
// problems as file:line:col: reason. strict adds what loads and is still wrong.
//
// The commands that the site describes are known to them, those among the
// files and those of this machine.
func lint(files []ruleFile, strict bool) []string {
	set, have := rules.Builtin(), rules.Builtin()
	var problems []string
	problem := func(err error, i int) {
		for l := range strings.SplitSeq(err.Error(), "\n") {
			problems = append(problems, strings.Replace(l, slot(i), files[i].name, 1))
		}
	}
	j, _ := guard.NewJudge(guard.Here())
	for i, f := range files {
		if f.isCommand() {
			if err := j.Knowledge.Add(fstest.MapFS{slot(i): {Data: f.text}}); err != nil {
				problem(err, i)
			}
		}
	}
	set.ImagineBy(hypothetical.Knowing(j.Knowledge))
	owner := map[string]string{}
	for i, f := range files {
		if f.isCommand() {
			continue
		}
		before := set.IDs()
		if err := set.Add(fstest.MapFS{slot(i): {Data: f.text}}, rules.Administrator); err != nil {
			problem(err, i)
			continue
		}
		id := idOf(f.text)
		first, twice := owner[id]
		switch {
		case twice:
			problems = append(problems, fmt.Sprintf("%s:1:1: rule %s stands in %s too; only the last of them holds", f.name, id, first))
			continue
		case !strict:
		default:
			problems = append(problems, shortcomings(set, have, f, id, !slices.Contains(before, id))...)
		}
		owner[id] = f.name
	}
	return problems
}

// idOf is the id in a file that has loaded: its first line holds it.
func idOf(text []byte) string {
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "id:"))
}

// shortcomings are what the loader takes and a reader should not: words that
// are missing or were never written, near misses that are none.
func shortcomings(set, builtin *rules.Set, f ruleFile, id string, fresh bool) []string {
	var out []string
	bad := func(key, format string, args ...any) {
		line, col := position(f.text, key)
		out = append(out, fmt.Sprintf("%s:%d:%d: %s: %s", f.name, line, col, id, fmt.Sprintf(format, args...)))
	}
	r, err := set.Rule(id)
	if err != nil {
		return nil
	}
	if strings.TrimSpace(r.Why) == "" {
		bad("why", "why is empty: who is asked has a right to know what went wrong before")
	}
	if strings.TrimSpace(r.Instead) == "" && strings.TrimSpace(r.Hint) == "" {
		bad("hint", "neither instead nor hint says what to do")
	}
	near := false
	for _, s := range r.Examples.Silent {
		_, effects, _ := set.Imagined(s.Line, s.At)
		_, matches, _ := set.Imagined(r.Examples.Match[0].Line, r.Examples.Match[0].At)
		near = near || len(effects) > 0 || firstWord(s.Line) == firstWord(r.Examples.Match[0].Line) || len(matches) == 0
	}
	if !near {
		bad("silent", "no silent example is a near miss: take the same command, doing something harmless")
	}
	if !fresh {
		old, err := builtin.Rule(id)
		if err != nil {
			return out
		}
		was, _ := rules.ParseVerdict(old.Verdict)
		if is, err := rules.ParseVerdict(r.Verdict); err == nil && is < was {
			bad("verdict", "replaces the built-in rule, which is %s, by a weaker one", was)
		}
	}
	return out
}

// firstWord is the first word of a line.
func firstWord(line string) string {
	if f := strings.Fields(line); len(f) > 0 {
		return f[0]
	}
	return ""
}

// position is where a key of the file stands, at any depth.
func position(text []byte, key string) (line, col int) {
	n := 0
	for l := range strings.SplitSeq(string(text), "\n") {
		n++
		if rest := strings.TrimLeft(l, " "); strings.HasPrefix(rest, key+":") {
			return n, len(l) - len(rest) + 1
		}
	}
	return 1, 1
}
