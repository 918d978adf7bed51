package host

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// onlyHere is what is said where git gave no answer.
const onlyHere = "what only this clone holds"

// maxCommits bounds how many commits are counted.
const maxCommits = 1000

// repoTells says what only this clone of a git repository holds of what an act
// would throw away. git is only asked to read: it takes no lock, starts no hook
// and no monitor, and refuses a repository that belongs to somebody else.
func repoTells(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	if e.Kind != effect.RepoChange {
		return
	}
	dir, ok := g.repoDir(e)
	if !ok {
		unknownf(of, "%s: its directory is not known before it runs", onlyHere)
		return
	}
	git := func(args ...string) ([]byte, bool) {
		read := []string{"--no-optional-locks", "-C", dir, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"}
		return g.ask(of, onlyHere, "git", append(read, args...)...)
	}
	name := e.Object.Name
	switch {
	case e.Has("worktree"):
		args := []string{"status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames", "--"}
		if e.Has("filtered") {
			// A word that is a commit and no file matches nothing.
			args = append(args, e.Params["ref"]...)
		}
		if b, ok := git(args...); ok {
			of.Repo.Changed, of.Repo.Files, of.Repo.More = changedFiles(b)
		}
	case e.Has("branch"):
		if optionLike(name) {
			return
		}
		b, ok := git("rev-list", "--count", "--max-count="+strconv.Itoa(maxCommits), "refs/heads/"+name, "--not", "--exclude="+name, "--branches", "--tags", "--remotes")
		if ok {
			of.Repo.Unmerged, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		}
	case e.Has("stash"):
		if b, ok := git("stash", "list", "--format=%h"); ok {
			of.Repo.Stashes = strings.Count(string(b), "\n")
		}
	case e.Has("rewrite"):
		if b, ok := git("symbolic-ref", "--short", "HEAD"); ok {
			of.Repo.Branch = strings.TrimSpace(string(b))
		}
	}
}

// changedFiles reads git's short status, separated by zero bytes. More says
// that it was cut.
func changedFiles(b []byte) (n int, files []string, more bool) {
	for entry := range strings.SplitSeq(string(b), "\x00") {
		if len(entry) < 4 || entry[2] != ' ' {
			continue
		}
		if n++; len(files) < maxNamed {
			files = append(files, entry[3:])
		}
	}
	return n, files, len(b) >= maxOutput
}

// repoDir is the directory in which git would run.
func (g *gathering) repoDir(e *effect.Effect) (string, bool) {
	if g.line == nil || e.Action < 0 || e.Action >= len(g.line.Actions) {
		return "", false
	}
	a := &g.line.Actions[e.Action]
	cwd, ok := a.Cwd.Value()
	if !ok || !path.IsAbs(cwd) {
		return "", false
	}
	// Another repository than the directory's own is not looked for.
	if slices.ContainsFunc(a.Env, func(v command.Assign) bool { return !v.Value.Is("") }) {
		return "", false
	}
	for _, d := range e.Params["repo"] {
		if path.IsAbs(d) {
			cwd = d
		} else {
			cwd = path.Join(cwd, d)
		}
	}
	return cwd, true
}
